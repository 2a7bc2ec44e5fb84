#!/bin/sh
# Installs the pinned gitleaks into .tools/bin (a minute; nothing when it is there).
set -eu

module=github.com/zricethezav/gitleaks/v8
exec "$(dirname "$0")/go-tool.sh" gitleaks "$module" 8.30.1 "$module" 1.25
