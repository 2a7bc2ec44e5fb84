#!/bin/sh
# Installs the pinned actionlint into .tools/bin, built from source through the Go module proxy (nothing when it is there).
set -eu

version=1.7.12
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.tools/bin

# A binary made by `go install` does not know its version; Go knows the module's.
if [ -x "$bin/actionlint" ] && command -v go >/dev/null && go version -m "$bin/actionlint" | grep -q "rhysd/actionlint[[:space:]]v$version"; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "actionlint.sh: expected Go 1.24 or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
mkdir -p "$bin"
# A cross-compiling environment would put the binary elsewhere, and cgo would need a C compiler.
env -u GOOS -u GOARCH GOBIN="$bin" CGO_ENABLED=0 GOFLAGS=-trimpath go install "github.com/rhysd/actionlint/cmd/actionlint@v$version"
go version -m "$bin/actionlint" | grep "rhysd/actionlint[[:space:]]v$version"
