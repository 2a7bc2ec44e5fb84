#!/bin/sh
# Fetches the public test vectors of RFC 6962 proofs into .tools/merkle-vectors, as data (nothing when they are there).
set -eu
tools=$(dirname "$0")
"$tools/go-data.sh" merkle-vectors github.com/transparency-dev/merkle v0.0.3-0.20260707140218-77df88e508fa \
  testdata/inclusion testdata/consistency
