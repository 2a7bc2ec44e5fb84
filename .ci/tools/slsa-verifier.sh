#!/bin/sh
# Installs the pinned slsa-verifier into .tools/bin (minutes; nothing when it is there).
set -eu

module=github.com/slsa-framework/slsa-verifier/v2
exec "$(dirname "$0")/go-tool.sh" slsa-verifier "$module" 2.7.1 "$module/cli/slsa-verifier" 1.24
