#!/bin/sh
# Fetches data of a pinned Go module into .tools/NAME, with its licence, through the Go module proxy; nothing when it is there.
#   go-data.sh NAME MODULE VERSION PATH...   as merkle-vectors.sh calls it; paths are files or folders of the module
# Nothing of the module is built or run. The go command holds what it fetches to the checksum database.
set -eu

name=$1 module=$2 version=$3
shift 3
folder=$(cd "$(dirname "$0")/../.." && pwd)/.tools/$name
stamp="$module@$version $*"

if [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "$name.sh: expected Go 1.24 or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
source=$(cd / && go mod download -json "$module@$version" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
[ -n "$source" ]
draft=$folder.$$.part
trap 'rm -rf "$draft"' EXIT INT TERM
rm -rf "$draft"
mkdir -p "$draft"
for path in "$@" LICENSE; do cp -R "$source/$path" "$draft"; done
chmod -R u+w "$draft"
echo "$stamp" >"$draft/stamp"
rm -rf "$folder"
mv "$draft" "$folder"
