#!/bin/sh
# Installs the pinned cdxgen into .tools (nothing when it is there): without its optional parts, which are hundreds of megabytes
# of binaries for other ecosystems than those of our tests.
set -eu

version=12.8.4
root=$(cd "$(dirname "$0")/../.." && pwd)
home=$root/.tools/cdxgen-$version
bin=$root/.tools/bin

if [ ! -f "$home/node_modules/@cyclonedx/cdxgen/package.json" ]; then
  mkdir -p "$home"
  npm install --prefix "$home" --omit=optional --ignore-scripts --no-audit --no-fund --save-exact "@cyclonedx/cdxgen@$version"
fi
mkdir -p "$bin"
# A launcher, not a link: npm's own programs look for their files beside them.
printf '#!/bin/sh\nexec node "%s" "$@"\n' "$home/node_modules/@cyclonedx/cdxgen/bin/cdxgen.js" >"$bin/cdxgen.new"
chmod +x "$bin/cdxgen.new"
mv "$bin/cdxgen.new" "$bin/cdxgen"
PATH="$root/node_modules/.bin:$PATH" "$bin/cdxgen" --version 2>/dev/null | grep -F "$version"
