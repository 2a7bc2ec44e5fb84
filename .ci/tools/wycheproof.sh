#!/bin/sh
# Fetches project Wycheproof's test vectors of the signatures that we verify into .tools/wycheproof, as data (nothing when they are
# there): hostile signatures, with an answer to each.
set -eu
tools=$(dirname "$0")
"$tools/go-data.sh" wycheproof github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a \
  testvectors_v1/ecdsa_secp256r1_sha256_test.json testvectors_v1/ed25519_test.json
