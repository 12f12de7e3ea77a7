#!/bin/bash
# Builds the Debian package of this tree: with a Node of its own and the add-ons compiled against it, so that the board needs
# neither compiler nor npm and its own Node does not matter. It must not know what the programs in it do.
#   deploy/build-deb.sh --arch amd64|arm64 --out DIR [--version V]
# Ends with 0 built, 1 something failed, 2 usage, 4 a program is missing. Needs the npm registry.
set -euo pipefail

{ # read as a whole before it runs: it takes minutes, and may be edited meanwhile
# The last of Node's long-term versions that runs on both Debian releases; the packages node-linux-* are Node's own binaries.
node_version=22.23.3
# Reserved by RFC 2606: nobody reads it. Whoever publishes a package gives their own.
maintainer="${DEBFULLNAME:-xiaozhi-agent} <${DEBEMAIL:-packages@xiaozhi-agent.invalid}>"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

say() { printf 'deb: %s\n' "$*"; }
complain() { printf 'deb: %s\n' "$@" >&2; }
usage() {
  complain "usage: deploy/build-deb.sh --arch amd64|arm64 --out DIR [--version V]"
  exit 2
}
quietly() { # a build's words are wanted only when it fails
  "$@" >"$scratch/log" 2>&1 || {
    tail -n 25 "$scratch/log" | sed 's/^/  | /' >&2
    return 1
  }
}

arch='' out='' version=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --arch) arch=$2 ;;
    --out) out=$2 ;;
    --version) version=$2 ;;
    *) usage ;;
  esac
  shift 2
done
case $arch in
  amd64) npm_arch=x64 ;;
  arm64) npm_arch=arm64 ;;
  *) usage ;;
esac
[ -n "$out" ] || usage
version=${version:-$(node -p "require('$root/package.json').version")}

lacking=
need() { command -v "$1" >/dev/null 2>&1 || lacking="$lacking $2"; }
need dpkg-deb dpkg
need npm npm
need make build-essential
need python3 python3
own=$(dpkg --print-architecture)
if [ "$arch" != "$own" ]; then
  cross=aarch64-linux-gnu
  [ "$arch" = arm64 ] || { complain "amd64 is built on amd64 only"; exit 1; }
  need $cross-gcc gcc-$cross
  need $cross-g++ g++-$cross
fi
[ -z "$lacking" ] || { complain "missing; apt-get install --no-install-recommends$lacking"; exit 4; }

scratch=$(mktemp -d "${TMPDIR:-/tmp}/xiaozhi-deb.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
app=$tree/usr/lib/xiaozhi-agent
doc=$tree/usr/share/doc/xiaozhi-agent
mkdir -p "$app/bin" "$doc" "$tree/DEBIAN" "$out"
out=$(CDPATH='' cd -- "$out" && pwd -P)

# --- 1. Node: the board's, and for another machine's board also one that runs here ---------------------------------
fetch_node() { # ARCHITECTURE DIRECTORY
  (cd "$scratch" && quietly npm pack --silent "node-linux-$1@$node_version") || {
    complain "node-linux-$1 $node_version cannot be fetched from the npm registry"
    exit 1
  }
  mkdir -p "$2"
  tar xzf "$scratch/node-linux-$1-$node_version.tgz" -C "$2" --strip-components=1
}
say "Node $node_version for $arch"
fetch_node "$npm_arch" "$scratch/node"
here=$scratch/node
if [ "$arch" != "$own" ]; then
  here=$scratch/node-here
  fetch_node x64 "$here"
fi
install -m 755 "$scratch/node/bin/node" "$app/bin/node"

# --- 2. The agent -------------------------------------------------------------------------------------------------
say "the agent $version"
cp "$root/package.json" "$root/package-lock.json" "$root/.npmrc" "$scratch/"
mkdir "$scratch/build"
mv "$scratch/package.json" "$scratch/package-lock.json" "$scratch/.npmrc" "$scratch/build/"
cp -r "$root/src" "$root/test" "$root/tsconfig.json" "$scratch/build/"
[ -d "$root/node_modules/typescript" ] || { complain "no compiler in node_modules: npm run setup"; exit 1; }
ln -s "$root/node_modules" "$scratch/build/node_modules"
(cd "$scratch/build" && quietly node node_modules/typescript/bin/tsc --sourceMap false --declaration false)
mkdir -p "$app/dist" "$app/src"
cp -r "$scratch/build/dist/src" "$app/dist/src"
cp -r "$root/src/sounds" "$app/src/sounds"
find "$app/src/sounds" ! -name '*.wav' -type f -delete
find "$app/dist" \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' \) -delete
rm "$scratch/build/node_modules"
# It is started by the package's own Node, never by the one that its first line asks for.
sed -i '1{/^#!/d}' "$app/dist/src/main.js"

# --- 3. Packages, compiled against that Node ------------------------------------------------------------------------
say "packages and add-ons"
export npm_config_nodedir=$scratch/node npm_config_build_from_source=true
export PATH="$here/bin:$PATH" npm_config_update_notifier=false
if [ "$arch" != "$own" ]; then
  export CC=$cross-gcc CXX=$cross-g++ AR=$cross-ar STRIP=$cross-strip LINK=$cross-g++
  export npm_config_arch=$npm_arch npm_config_target_arch=$npm_arch
fi
(cd "$scratch/build" && quietly npm ci --omit=dev --omit=peer --include=optional)
cp -r "$scratch/build/node_modules" "$app/node_modules"
node -e '
  const fs = require("fs"), from = JSON.parse(fs.readFileSync(process.argv[1])), { name, type } = from;
  fs.writeFileSync(process.argv[2], JSON.stringify({ name, version: process.argv[3], type }, null, 2) + "\n");
' "$root/package.json" "$app/package.json" "$version"
# What only a build needs, and binaries of other machines.
find "$app/node_modules" -depth -type d \( -name obj.target -o -name .deps -o -name build-tmp-napi-v3 -o -name test \
  -o -name tests -o -name examples -o -name example -o -name docs -o -name bin -o -name integration-test -o -name '.?*' \) -exec rm -rf {} +
find "$app/node_modules" -depth -type d \( -path '*/opus/deps' -o -path '*/speaker/deps' -o -path '*/rpio/src' \
  -o -path '*/epoll/src' -o -path '*/discordjs/opus/src' -o -path '*/speaker/src' -o -path '*/opus/wasm' \) -exec rm -rf {} +
rm -rf "$app"/node_modules/{nan,node-addon-api,rimraf,typescript,@typescript} "$app/node_modules/pino/bin.js" "$app/node_modules/color-support/bin.js"
find "$app/node_modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.gyp*' \
  -o -name 'Makefile' -o -name '*.mk' -o -name '*.o' -o -name '*.a' -o -name '*.c' -o -name '*.cc' -o -name '*.h' \
  -o -iname '*.md' -o -iname 'changelog*' -o -name '.*' -o -name '*.yml' -o -name '*~' -o -name '*.sh' -o -name '*.html' \) -delete
find "$app/node_modules/@evan/opus/node" -name '*.node' ! -name "$npm_arch-linux.node" -delete
find "$app" -type d -empty -delete

# What a board of this kind would load, and nothing that it could not.
machine=$([ "$arch" = arm64 ] && echo AArch64 || echo X86-64)
while IFS= read -r addon; do
  readelf -h "$addon" | grep -q "$machine" || { say "left out, it is for another machine: ${addon#"$app"/}"; rm "$addon"; }
done < <(find "$app/node_modules" -name '*.node' -type f)
for name in @discordjs/opus @evan/opus epoll rpio speaker; do
  find "$app/node_modules/$name" -name '*.node' 2>/dev/null | grep -q . || say "missing in this package: $name"
done
find "$app/node_modules/@discordjs/opus" "$app/node_modules/@evan/opus" -name '*.node' | grep -q . || {
  complain "no Opus codec could be built"
  exit 1
}
strip=${cross:+$cross-}strip
find "$app/node_modules" -name '*.node' -exec "$strip" --strip-unneeded {} +

# --- 4. The files of the system -------------------------------------------------------------------------------------
say "the package"
put() { install -D -m "$1" "$2" "$tree/$3"; }
put 755 "$root/deploy/debian/xiaozhi-agent" usr/bin/xiaozhi-agent
put 644 "$root/systemd/xiaozhi-agent.service" usr/lib/systemd/system/xiaozhi-agent.service
put 644 "$root/systemd/xiaozhi-agent.sysusers.conf" usr/lib/sysusers.d/xiaozhi-agent.conf
put 644 "$root/systemd/xiaozhi-agent.tmpfiles.conf" usr/lib/tmpfiles.d/xiaozhi-agent.conf
put 644 "$root/systemd/60-xiaozhi-agent.rules" usr/lib/udev/rules.d/60-xiaozhi-agent.rules
put 644 "$root/deploy/config.example.toml" etc/xiaozhi-agent/config.toml
put 644 "$root/deploy/debian/default" etc/default/xiaozhi-agent
put 644 "$root/deploy/journald.conf" usr/share/doc/xiaozhi-agent/examples/journald.conf
put 644 "$root/deploy/config.example.toml" usr/share/doc/xiaozhi-agent/examples/config.toml
put 644 "$root/deploy/debian/lintian-overrides" usr/share/lintian/overrides/xiaozhi-agent
put 644 "$root/deploy/debian/copyright" usr/share/doc/xiaozhi-agent/copyright
install -d "$tree/usr/share/bash-completion/completions"
"$here/bin/node" "$app/dist/src/main.js" completion bash >"$tree/usr/share/bash-completion/completions/xiaozhi-agent"
gzip -9n <"$root/README.md" >"$doc/README.md.gz"
gzip -9n <"$root/deploy/README.md" >"$doc/hardware.md.gz"
gzip -9n <"$root/CHANGELOG.md" >"$doc/NEWS.gz"
printf 'xiaozhi-agent (%s) stable; urgency=medium\n\n  * See NEWS.gz.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$(date -R -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y "$root/package.json")}")" | gzip -9n >"$doc/changelog.gz"
for script in postinst prerm postrm; do
  install -m 755 "$root/deploy/debian/$script" "$tree/DEBIAN/$script"
done
printf '%s\n' /etc/xiaozhi-agent/config.toml /etc/default/xiaozhi-agent >"$tree/DEBIAN/conffiles"
find "$tree" -type d -exec chmod 755 {} +
find "$tree/usr" -type f ! -path '*/bin/*' -exec chmod 644 {} +
sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@MAINTAINER@/$maintainer/" -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$tree" | cut -f1)/" \
  "$root/deploy/debian/control" >"$tree/DEBIAN/control"
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
deb=$out/xiaozhi-agent_${version}_$arch.deb
# gzip's faster brother xz costs a Pi half a minute to unpack at the highest level; 6 is Debian's own.
dpkg-deb --root-owner-group -Zxz -z6 --build "$tree" "$deb" >/dev/null
say "$deb ($(du -h "$deb" | cut -f1))"
exit
}
