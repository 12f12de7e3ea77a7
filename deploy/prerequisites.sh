#!/bin/sh
# Installs what this source tree needs and the machine lacks, and is silent and quick when nothing is lacking.
#   sh deploy/prerequisites.sh [run|demo|test|system|board]     run: build and run here; the others need more programs
#   BOARD_ARCH: whose board `board` is for: amd64 (default) or arm64.
# It must not know what the programs are used for, and it never touches a sound server or its configuration.
# Ends with 0 all there, 1 something failed, 2 usage, 4 no permission, 78 wrong Node or no codec (as in the daemon).
set -u

need_node=20.19 # what Debian 13 ships, and package.json's "engines"
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
scratch=
fresh=
trap 'rm -rf ${scratch:+"$scratch"} ${fresh:+"$fresh"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf 'setup: %s\n' "$*"; }
complain() { printf 'setup: %s\n' "$@" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
# A glob that matches nothing stays as it is, so the first name tells.
have_file() { for f; do [ -e "$f" ] && return 0; done; return 1; }

purpose=${1:-run}
case $#$purpose in 0run | 1run | 1demo | 1test | 1system | 1board) ;; *)
  complain "usage: sh deploy/prerequisites.sh [run|demo|test|system|board]"
  exit 2 ;;
esac

# --- 1. Node ---------------------------------------------------------------------------------------------------
refuse_node() {
  complain "$1" \
    "xiaozhi-agent needs Node $need_node or newer; 22 is a good choice. Debian 12 and Raspberry Pi OS 12 only have 18." \
    "  Debian 13:            apt-get install nodejs npm" \
    "  with an older npm:    npm install --prefix \"\$HOME/node22\" node@22 npm@11 && export PATH=\"\$HOME/node22/node_modules/.bin:\$PATH\"" \
    "  everywhere else:      https://nodejs.org/en/download" \
    "The .deb package of xiaozhi-agent brings its own Node."
  exit 78
}
have node || refuse_node "there is no node in PATH."
# Old JavaScript on purpose: it has to run on the versions it is there to refuse. The prefix is last, it may hold spaces.
facts=$(node -p 'var p=require("path");[process.versions.node.split(".").slice(0,2).join(" "),process.versions.node,
  process.versions.modules+"-"+process.arch,p.dirname(p.dirname(process.execPath))].join("\n")') ||
  refuse_node "node does not run."
{ read -r major minor && read -r node && read -r abi && read -r prefix; } <<FACTS || refuse_node "node does not run."
$facts
FACTS
[ "$major" -gt "${need_node%.*}" ] || { [ "$major" -eq "${need_node%.*}" ] && [ "$minor" -ge "${need_node#*.}" ]; } ||
  refuse_node "this is Node $node."
have npm || { complain "node is there, but npm is not: apt-get install npm"; exit 78; }

# One set-up of a tree at a time. The lock file is the lock on disk too: it exists, and npm ci never rewrites it.
if have flock; then
  exec 9<"$root/package-lock.json" || exit 1
  flock -n 9 || { say "waiting for another set-up of this tree"; flock 9; }
fi

# --- 2. Debian packages, found by what they bring so that other distributions can provide it their way -------------
stamp=$root/node_modules/.prerequisites # gone as soon as npm ci starts, written when it has ended well
wanted="node-$abi $(cksum <"$root/package-lock.json")"
installed=$(cat "$stamp" 2>/dev/null)

packages=
need() { case " $packages " in *" $1 "*) ;; *) packages="$packages $1" ;; esac; }
compilers() {
  { have make && have cc && have c++; } || need build-essential
  have python3 || need python3
}
{ have aplay && have arecord; } || need alsa-utils
have_file /usr/lib/*/alsa-lib/libasound_module_rate_*.so /usr/lib*/alsa-lib/libasound_module_rate_*.so ||
  need libasound2-plugins
have gpiomon || need gpiod
if [ "$installed" != "$wanted" ]; then # only compiling the add-ons takes these
  compilers
  have_file /usr/include/alsa/asoundlib.h || need libasound2-dev
fi
card= # a virtual one, made of PulseAudio
case $purpose in
  demo | test)
    card=yes
    have sox || need sox
    have espeak-ng || need espeak-ng ;;
  system | board) # trees of Debian, and a package that is made anew for them
    compilers
    have mmdebstrap || need mmdebstrap ;;
esac
case $purpose in
  test)
    have ip || need iproute2
    have nft || need nftables
    have openssl || need openssl
    have script || need bsdutils
    have shellcheck || need shellcheck
    have systemd-analyze || need systemd ;; # its tools; what runs here is not changed by them
  system)
    have systemd-nspawn || need systemd-container
    have lintian || need lintian ;;
  board)
    have ip || need iproute2
    have ssh || need openssh-client
    have mke2fs || need e2fsprogs
    have qemu-img || need qemu-utils
    have gnuplot || need gnuplot-nox
    if [ "${BOARD_ARCH:-amd64}" = amd64 ]; then
      have qemu-system-x86_64 || need qemu-system-x86
    else
      have qemu-system-aarch64 || need qemu-system-arm
      [ "$(uname -m)" = aarch64 ] || {
        have qemu-aarch64-static || need qemu-user-static
        have arch-test || need arch-test
        have aarch64-linux-gnu-gcc || need gcc-aarch64-linux-gnu
        have aarch64-linux-gnu-g++ || need g++-aarch64-linux-gnu
      }
    fi ;;
esac
packages=${packages# }

install='apt-get install -y --no-remove --no-install-recommends'
rights= # how to become root: empty when we are, `sudo …` when we may
may_install() {
  have apt-get || return 1
  [ "$(id -u)" != 0 ] || return 0
  have sudo || return 1
  rights='sudo -n'
  $rights true 2>/dev/null && return 0
  [ -t 0 ] && [ -t 2 ] || return 1
  rights=sudo
  complain "root is needed to install: $1"
  sudo -v
}
as_root() { # fd 9 stays here: a service started by a package must not keep the lock
  # NEEDRESTART_MODE=l: list services that could be restarted, restart none.
  $rights env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l "$@" 9<&-
}
refuse_rights() { # [PACKAGE...]: prints the one line that mends it
  have sudo && sudo='sudo ' || sudo=
  command="${sudo}apt-get update${1:+ && $sudo$install $*}"
  complain "no permission to install Debian packages. Run this$([ -n "$sudo" ] || echo " as root"), then try again:"
  printf '%s\n' "$command" >&2 # alone on its line, to be copied
  exit 4
}
open_scratch() { [ -n "$scratch" ] || scratch=$(mktemp -d "${TMPDIR:-/tmp}/xiaozhi-setup.XXXXXX") || exit 1; }
tell_log() { tail -n 12 "$scratch/log" | sed 's/^/  | /' >&2; }
# 300 s: unattended upgrades hold dpkg's lock for minutes after a board's first start.
apt_quietly() { as_root apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$scratch/log" 2>&1; }
update_lists() {
  say "apt-get update"
  apt_quietly update
}

if [ -n "$packages" ]; then
  set -f
  # shellcheck disable=SC2086 # a list of words
  set -- $packages
  set +f
  if ! have apt-get; then
    complain "missing, and there is no apt-get here. Install what Debian calls: $*"
    exit 4
  fi
  may_install "$*" || refuse_rights "$@"
  open_scratch
  # Lists may be missing (containers) or know versions that the archive has dropped since (old images).
  apt-get -qq -s install --no-install-recommends "$@" >/dev/null 2>&1 || update_lists || tell_log
  say "installing Debian packages: $*"
  # shellcheck disable=SC2086
  apt_quietly ${install#apt-get } "$@" || { update_lists && apt_quietly ${install#apt-get } "$@"; } || {
    tell_log
    complain "apt-get could not install these. By hand: $install $*"
    exit 1
  }
fi

# --- 3. PulseAudio, for the virtual card only: unpacked beside the system, because installing it starts a service -
pulse_runs() { # DIRECTORY
  [ -x "$1/usr/bin/pulseaudio" ] || return 1
  for lib in "$1"/usr/lib/*/pulseaudio; do :; done
  LD_LIBRARY_PATH="${lib%/pulseaudio}:$lib" "$1/usr/bin/pulseaudio" --version >/dev/null 2>&1
}
unpack_pulse() { # DIRECTORY
  parts=$scratch/pulse
  rm -rf "$parts" ${fresh:+"$fresh"}
  # An hour old: no run is at it any more, it was killed.
  find "${1%/*}" -maxdepth 1 -name "${1##*/}.??????" -mmin +60 -exec rm -rf {} + 2>/dev/null
  mkdir "$parts" || return 1
  # Only what this machine lacks: its own libc must stay the one that is used.
  apt-get -qq -s install --no-install-recommends pulseaudio 2>"$scratch/log" |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p' >"$parts/names"
  [ -s "$parts/names" ] || return 1
  # Root needs no sandbox user, which could not write here anyway.
  [ "$(id -u)" = 0 ] && sandbox='-o APT::Sandbox::User=root' || sandbox=
  # shellcheck disable=SC2046,SC2086
  (cd "$parts" && apt-get -qq $sandbox download $(cat names)) >"$scratch/log" 2>&1 || return 1
  mkdir -p "${1%/*}" && fresh=$(mktemp -d "$1.XXXXXX") && : >"$fresh/.unpacked" || return 1
  for deb in "$parts"/*.deb; do dpkg-deb -x "$deb" "$fresh" || return 1; done 2>"$scratch/log"
  # Whoever runs it should need usr/lib/TRIPLET and its pulseaudio/ only: some libraries of Debian 12 still come in
  # /lib, and modules find the libraries beside them by an absolute path that is not valid here.
  [ ! -d "$fresh/lib" ] || { cp -a "$fresh/lib/." "$fresh/usr/lib/" && rm -rf "${fresh:?}/lib"; } || return 1
  for lib in "$fresh"/usr/lib/*/pulseaudio; do :; done
  find "$fresh/usr/lib" -path '*/modules/lib*.so' -exec cp {} "$lib/" \; || return 1
  chmod 755 "$fresh" # mktemp's 700 would hide it from other users
  pulse_runs "$fresh" || { echo "the unpacked pulseaudio does not run here" >"$scratch/log"; return 1; }
  # A rename is all or nothing. What lay there does not run (it is another release's); what is not ours stays.
  [ ! -e "$1/.unpacked" ] || rm -rf "$1"
  mv -T "$fresh" "$1" 2>"$scratch/log"
  pulse_runs "$1" # another run's, if that was quicker
}
if [ -n "$card" ] && ! have pulseaudio; then
  pulse=${XIAOZHI_PULSE_ROOT:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/xiaozhi-agent/pulse}
  if ! pulse_runs "$pulse"; then
    { have apt-get && have dpkg-deb; } || {
      complain "missing, and there is no apt-get here: pulseaudio (only the program; it need not run)"
      exit 4
    }
    say "unpacking PulseAudio into $pulse (not installed, nothing is started)"
    open_scratch
    unpack_pulse "$pulse" || {
      may_install pulseaudio || { tell_log; refuse_rights; }
      update_lists && unpack_pulse "$pulse"
    } || {
      tell_log
      complain "PulseAudio could not be unpacked into $pulse."
      exit 1
    }
  fi
fi

# --- 4. npm packages -----------------------------------------------------------------------------------------------
cd "$root" || exit 1
if [ "$installed" != "$wanted" ]; then
  say "npm ci for Node $node (a minute or two: add-ons are compiled)"
  open_scratch
  # Add-ons are compiled against this node's own headers when it has them: no download, and the right ones.
  [ ! -f "$prefix/include/node/node.h" ] || export npm_config_nodedir="$prefix"
  rm -f "$stamp"
  # The compiler is among the development packages, which NODE_ENV=production would leave out.
  npm ci --include=dev --include=optional >"$scratch/log" 2>&1 || {
    # 12 lines: npm names the cause first and lists its own options last.
    grep '^npm error' "$scratch/log" | head -n 12 | sed 's/^/  | /' >&2
    complain "npm ci failed; its first words are above. Run this again when that is mended."
    exit 1
  }
  printf '%s\n' "$wanted" >"$stamp"
fi

# --- 5. A codec that loads -----------------------------------------------------------------------------------------
loads() { (node -e "require('$1')"; exit) >/dev/null 2>&1; } # without `exit` the shell above names the signal
loads @discordjs/opus || {
  [ $? -lt 128 ] || { # a signal: it would take the daemon with it, another codec is no help
    complain "@discordjs/opus crashes Node $node: it was compiled with another Node's headers. Debian's own npm does that" \
      "to a Node that is not Debian's. Put an npm beside your node (npm install npm@11), remove node_modules, try again."
    exit 78
  }
  loads @evan/opus
} || {
  complain "no Opus codec loads: neither @discordjs/opus (has to be compiled) nor @evan/opus (ready-made, not for every board)." \
    "  apt-get install build-essential python3, then: rm -rf node_modules && sh deploy/prerequisites.sh $purpose"
  exit 78
}
