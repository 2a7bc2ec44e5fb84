#!/bin/sh
# Fetches the public test vectors of RFC 6962 proofs into .tools/merkle-vectors, as data, through the Go module proxy (nothing
# when they are there). Nothing of the module is built or run. The go command holds what it fetches to the checksum database.
set -eu

version=v0.0.3-0.20260707140218-77df88e508fa
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/.tools/merkle-vectors

if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "merkle-vectors.sh: expected Go 1.24 or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
module=$(cd / && go mod download -json "github.com/transparency-dev/merkle@$version" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
draft=$folder.$$.part
rm -rf "$draft"
mkdir -p "$draft"
cp -R "$module/testdata/inclusion" "$module/testdata/consistency" "$module/LICENSE" "$draft"
chmod -R u+w "$draft"
echo "$version" >"$draft/version"
rm -rf "$folder"
mv "$draft" "$folder"
find "$folder/inclusion" "$folder/consistency" -name '*.json' | wc -l | grep -x ' *196'
