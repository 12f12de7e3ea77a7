#!/bin/bash
# Installs the agent on a board, or takes it away again. Raspberry Pi OS and Debian, 12 and 13. Changes nothing but what it says.
#   sudo deploy/install.sh [FILE.deb]    without a file: the newest beside this script, else one is built here
#   sudo deploy/install.sh --uninstall   keeps configuration and identity
#   sudo deploy/install.sh --purge       takes them too: the box is then a new one to its server
# XIAOZHI_NO_START=1 leaves it stopped; XIAOZHI_ADD_USER=NAME adds NAME to the group that may command it, without asking.
# Ends with 0 done and the service runs (without a server, too), 1 something failed, 2 usage, 4 no permission, 78 not this system.
set -euo pipefail

# Everything is in functions: a download that breaks off runs nothing.
say() { printf 'install: %s\n' "$*"; }
complain() { printf 'install: %s\n' "$@" >&2; }

check_system() {
  [ "$(id -u)" = 0 ] || { complain "root is needed: sudo $0 $*"; exit 4; }
  { command -v apt-get && command -v systemctl; } >/dev/null || {
    complain "this is no Debian with systemd; there is only \`npm run setup\` for it"
    exit 78
  }
  local codename=''
  # shellcheck disable=SC1091 # it is the system's own
  [ ! -r /etc/os-release ] || codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case $codename in
    bookworm | trixie) ;;
    *) complain "tried on Debian 12 (bookworm) and 13 (trixie), not on \"$codename\"; going on" ;;
  esac
  arch=$(dpkg --print-architecture)
  case $arch in
    amd64 | arm64) ;;
    *) complain "there is no package for $arch: a 64-bit system is needed"; exit 78 ;;
  esac
}

find_package() { # [FILE]
  here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
  if [ $# -gt 0 ]; then
    [ -r "$1" ] || { complain "there is no file $1"; exit 1; }
    package=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd -P)/${1##*/}
    return
  fi
  package=$(find "$here" "$PWD" -maxdepth 1 -name "xiaozhi-agent_*_$arch.deb" -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d' ' -f2-)
  [ -z "$package" ] || return 0
  say "no package beside this script: building one (minutes; it needs a compiler and npm)"
  "$here/build-deb.sh" --arch "$arch" --out "$here"
  package=$(find "$here" -maxdepth 1 -name "xiaozhi-agent_*_$arch.deb" | head -n 1)
}

apt_quietly() { # its words are wanted only when it fails
  local words
  words=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" 2>&1) || {
    tail -n 12 <<<"$words" | sed 's/^/  | /' >&2
    complain "apt-get could not do it; its last words are above"
    exit 1
  }
}

state() { dpkg-query -W -f '${db:Status-Status}' xiaozhi-agent 2>/dev/null || true; }

install_package() {
  local before='' after
  [ "$(state)" != installed ] || before=$(dpkg-query -W -f '${Version}' xiaozhi-agent)
  # --no-remove: nothing of the owner's goes for it. Their configuration files stay as they are.
  apt_quietly -o Dpkg::Options::=--force-confold install -y --no-remove --reinstall "$package"
  after=$(dpkg-query -W -f '${Version}' xiaozhi-agent)
  case $before in
    '') say "installed xiaozhi-agent $after from ${package##*/}" ;;
    "$after") say "xiaozhi-agent $after was there already, and is installed anew" ;;
    *) say "xiaozhi-agent $before is now $after; configuration and identity are kept" ;;
  esac
}

start_service() {
  fares=''
  if [ "${XIAOZHI_NO_START:-0}" = 1 ]; then
    systemctl stop xiaozhi-agent.service 2>/dev/null || true
    say "the service is left stopped"
  # The first waits until it is ready, or has failed; the second finds one that has ended since.
  elif systemctl start xiaozhi-agent.service && systemctl --quiet is-active xiaozhi-agent.service; then
    fares=$(systemctl show xiaozhi-agent.service -p StatusText --value)
    say "the service runs: $fares"
  else
    complain "the package is installed, and the service does not run. What it says of that:"
    systemctl status --no-pager --full --lines=5 xiaozhi-agent.service 2>&1 | sed 's/^/  | /' >&2 || true
    complain "next: sudo xiaozhi-agent doctor, and when that is mended: sudo systemctl restart xiaozhi-agent"
    exit 1
  fi
}

# Nobody is put into a group without having said so.
offer_group() {
  local name=${XIAOZHI_ADD_USER:-} answer
  if [ -z "$name" ]; then
    name=${SUDO_USER:-}
    [ -n "$name" ] && [ "$name" != root ] && [ -t 0 ] || return 0
    id -nG "$name" | tr ' ' '\n' | grep -qx xiaozhi && return 0
    printf 'install: may %s command the box without sudo (group xiaozhi)? [y/N] ' "$name"
    read -r answer
    case $answer in [yY]*) ;; *) return 0 ;; esac
  fi
  adduser --quiet "$name" xiaozhi 2>/dev/null || usermod -aG xiaozhi "$name"
  say "$name is in the group xiaozhi, from the next login on"
}

next_step() {
  case $fares in
    '') say "next: sudo systemctl start xiaozhi-agent" ;;
    'not configured'*)
      say "next: set ota_url or websocket_url in /etc/xiaozhi-agent/config.toml, then: sudo systemctl restart xiaozhi-agent"
      say "sound card or button on the header: /usr/share/doc/xiaozhi-agent/hardware.md.gz, or sudo xiaozhi-agent setup"
      ;;
    *) say "next: xiaozhi-agent status" ;;
  esac
}

take_away() { # remove|purge
  case $1-$(state) in
    *-installed | purge-config-files) ;;
    *) say "xiaozhi-agent is not installed"; return ;;
  esac
  apt_quietly "$1" -y xiaozhi-agent
  if [ "$1" = purge ]; then
    say "removed, with configuration and identity: the box has to be activated anew"
  else
    say "removed; /etc/xiaozhi-agent and /var/lib/xiaozhi-agent are kept (--purge takes them)"
  fi
  say "what \`setup\` has put into config.txt stays unless it was undone: see deploy/README.md"
}

main() {
  case ${1:-} in
    --uninstall) check_system "$@"; take_away remove ;;
    --purge) check_system "$@"; take_away purge ;;
    -*) complain "usage: sudo deploy/install.sh [FILE.deb | --uninstall | --purge]"; exit 2 ;;
    *)
      check_system "$@"
      find_package "$@"
      install_package
      offer_group
      start_service
      next_step
      ;;
  esac
}

main "$@"
