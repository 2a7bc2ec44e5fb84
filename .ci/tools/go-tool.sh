#!/bin/sh
# Installs a pinned Go program into .tools/bin, built from source through the Go module proxy; nothing when it is there.
#   go-tool.sh NAME MODULE VERSION PACKAGE GO   as regal.sh and slsa-verifier.sh call it; GO is the oldest version that builds it
set -eu

name=$1 module=$2 version=$3 package=$4 go=$5
bin=$(cd "$(dirname "$0")/../.." && pwd)/.tools/bin

# A binary made by `go install` does not know its version; Go knows the module's.
is_there() { go version -m "$bin/$name" | grep "[[:space:]]$module[[:space:]]v$version"; }

if [ -x "$bin/$name" ] && command -v go >/dev/null && is_there >/dev/null; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "$name.sh: expected Go $go or later on PATH; install it from https://go.dev/dl/" >&2
  exit 1
fi
mkdir -p "$bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
# `go install MODULE@VERSION` wants the list of all versions, which not every proxy has; a module that requires it does not.
printf 'module tools\n\ngo %s.0\n\nrequire %s v%s\n' "$go" "$module" "$version" >"$work/go.mod"
# A cross-compiling environment would put the binary elsewhere, and cgo would need a C compiler.
(cd "$work" && env -u GOOS -u GOARCH GOBIN="$bin" CGO_ENABLED=0 GOFLAGS='-trimpath -mod=mod' go install "$package")
is_there
