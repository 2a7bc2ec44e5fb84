#!/bin/sh
# Fetches the test data of RFC 8785 (JCS) by its author into .tools/jcs-vectors, as data (nothing when they are there).
set -eu
tools=$(dirname "$0")
"$tools/go-data.sh" jcs-vectors github.com/cyberphone/json-canonicalization v0.0.0-20241213102144-19d51d7fe467 \
  testdata/input testdata/output testdata/outhex testdata/README.md
