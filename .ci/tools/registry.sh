#!/bin/sh
# Builds the registry of the tests, .ci/tools/registry, as .tools/bin/registry (nothing when it is there), through the Go
# module proxy. What it is made of is pinned by go.sum. It is for tests alone: nothing of Maestro needs it.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.tools/bin
source=$root/.ci/tools/registry
# A program of another source is no longer the one that the tests were written for.
stamp=$(cat "$source/go.sum" "$source/main.go" | sha256sum | cut -d ' ' -f 1)

if [ -x "$bin/registry" ] && [ "$(cat "$bin/registry.stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "registry.sh: expected Go 1.25 or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
mkdir -p "$bin"
cd "$source"
env -u GOOS -u GOARCH CGO_ENABLED=0 go build -trimpath -mod=readonly -o "$bin/registry" .
echo "$stamp" >"$bin/registry.stamp"
# It says its port and ends at the end of its input.
"$bin/registry" </dev/null | grep -q '^[0-9][0-9]*$'
