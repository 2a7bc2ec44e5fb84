#!/bin/sh
# Puts cosign 2.5 and 3.x into .tools/bin as cosign2 and cosign3, which the receipt tests and `.ci/run` look for.
#
# On Debian it unpacks the packages of trixie (2.5) and sid (3.x) beside the system, through apt's own signed indexes and
# without being root; nothing is installed. Elsewhere it builds both through the Go module proxy, which takes minutes.
set -eu

GO_VERSION_2=v2.5.0
GO_VERSION_3=v3.1.1
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
tools=$root/.tools
mkdir -p "$tools/bin"

main() {
  if is_ready; then
    say 'cosign2 and cosign3 are already there'
    return
  fi
  work=$(mktemp -d "$tools/cosign.XXXXXX")
  trap 'rm -rf "$work"' EXIT INT TERM
  if has_apt && from_debian; then :; else from_go; fi
  is_ready || fail "expected cosign2 of version 2 and cosign3 of version 3 in $tools/bin, but they do not run"
  say "$tools/bin/cosign2 and $tools/bin/cosign3"
}

# A program counts only if it runs: a newer package may need a newer libc than this machine has.
is_ready() {
  runs_as 2 && runs_as 3
}

# Debian's builds all call themselves `devel`, so the version that was unpacked is written down beside the program.
runs_as() {
  case $(cat "$tools/cosign-$1/version" 2>/dev/null) in
    "$1".*) "$tools/bin/cosign$1" version >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

has_apt() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && [ -r "$KEYRING" ]
}

from_debian() {
  private_apt
  apt update >"$work/apt.log" 2>&1 || { say "apt failed: $(tail -n 1 "$work/apt.log")"; return 1; }
  unpack 2 trixie && unpack 3 sid
}

# An apt of our own: own sources, lists and cache. The machine's proxy settings in apt.conf.d stay in force.
# An index of sid is valid for a week; that of a mirror which lags is older, and as well signed.
private_apt() {
  mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial"
  : >"$work/status"
  cat >"$work/sources/cosign.sources" <<SOURCES
Types: deb
URIs: $(mirror)
Suites: trixie sid
Components: main
Signed-By: $KEYRING
Targets: Packages
SOURCES
  cat >"$work/apt.conf" <<CONF
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$work/sources";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
CONF
}

# The mirror that this machine already uses for Debian, else the official one.
mirror() {
  found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -m 1 '/debian/*$' || true)
  printf '%s\n' "${found:-http://deb.debian.org/debian}"
}

apt() {
  (cd "$work" && apt-get --quiet --config-file "$work/apt.conf" "$@")
}

# unpack MAJOR SUITE
unpack() {
  rm -f "$work"/*.deb
  apt download "cosign/$2" >>"$work/apt.log" 2>&1 || { say "apt failed: $(tail -n 1 "$work/apt.log")"; return 1; }
  dpkg-deb --extract "$work"/cosign_"$1".*.deb "$work/$1" || { say "expected cosign $1.x in Debian $2"; return 1; }
  dpkg-deb --field "$work"/cosign_"$1".*.deb Version >"$work/$1/version"
  wrap_newer_libc "$1" "$2" || return 1
  publish "$1" "$work/$1"
}

# Where the build needs a newer libc than the machine's, the libc of the same suite travels along.
wrap_newer_libc() {
  if "$work/$1/usr/bin/cosign" version >/dev/null 2>&1; then return; fi
  rm -f "$work"/libc6_*.deb
  apt download "libc6/$2" >>"$work/apt.log" 2>&1 || return 1
  dpkg-deb --extract "$work"/libc6_*.deb "$work/$1/libc"
}

# publish MAJOR FOLDER: replaces the old one, then leaves a start script under the name that tests look for.
publish() {
  home=$tools/cosign-$1
  rm -rf "$home"
  mv "$2" "$home"
  program=$home/usr/bin/cosign
  loader=$(find "$home/libc" -type f -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
  {
    echo '#!/bin/sh'
    if [ -n "$loader" ]; then
      echo "exec '$loader' --library-path '$(dirname "$(find "$home/libc" -name 'libc.so.6' | head -n 1)")' '$program' \"\$@\""
    else
      echo "exec '$program' \"\$@\""
    fi
  } >"$tools/bin/cosign$1.new"
  chmod 755 "$tools/bin/cosign$1.new"
  mv "$tools/bin/cosign$1.new" "$tools/bin/cosign$1"
}

from_go() {
  command -v go >/dev/null || fail 'expected apt with the Debian archive keyring, or go; found neither'
  say "building cosign $GO_VERSION_2 and $GO_VERSION_3 with go: this takes minutes"
  build 2 "$GO_VERSION_2"
  build 3 "$GO_VERSION_3"
}

# build MAJOR VERSION
build() {
  mkdir -p "$work/$1/usr/bin"
  GOBIN="$work/$1/usr/bin" GOFLAGS=-trimpath go install "github.com/sigstore/cosign/v$1/cmd/cosign@$2"
  echo "${2#v}" >"$work/$1/version"
  publish "$1" "$work/$1"
}

say() { printf 'cosign.sh: %s\n' "$1"; }

fail() {
  printf 'cosign.sh: %s\n' "$1" >&2
  exit 1
}

main
