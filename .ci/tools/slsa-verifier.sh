#!/bin/sh
# Installs the pinned slsa-verifier into .tools/bin, built from source through the Go module proxy (minutes; nothing when it is there).
set -eu

version=2.7.1
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.tools/bin
module=github.com/slsa-framework/slsa-verifier/v2

# A binary made by `go install` does not know its version; Go knows the module's.
if [ -x "$bin/slsa-verifier" ] && command -v go >/dev/null && go version -m "$bin/slsa-verifier" | grep -q "slsa-verifier/v2[[:space:]]v$version"; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "slsa-verifier.sh: expected Go 1.24 or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
mkdir -p "$bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
# `go install MODULE@VERSION` wants the list of all versions, which not every proxy has; a module that requires it does not.
printf 'module tools\n\ngo 1.24.0\n\nrequire %s v%s\n' "$module" "$version" >"$work/go.mod"
# A cross-compiling environment would put the binary elsewhere, and cgo would need a C compiler.
(cd "$work" && env -u GOOS -u GOARCH GOBIN="$bin" CGO_ENABLED=0 GOFLAGS='-trimpath -mod=mod' go install "$module/cli/slsa-verifier")
go version -m "$bin/slsa-verifier" | grep "slsa-verifier/v2[[:space:]]v$version"
