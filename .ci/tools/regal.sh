#!/bin/sh
# Installs the pinned regal into .tools/bin (a minute; nothing when it is there).
set -eu

module=github.com/open-policy-agent/regal
exec "$(dirname "$0")/go-tool.sh" regal "$module" 0.38.1 "$module" 1.25
