#!/bin/sh
# Installs the pinned versitygw, an S3 server over a folder, into .tools/bin (a minute; nothing when it is there).
set -eu

module=github.com/versity/versitygw
exec "$(dirname "$0")/go-tool.sh" versitygw "$module" 1.8.0 "$module/cmd/versitygw" 1.25
