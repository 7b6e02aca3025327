# shellcheck shell=bash
# scripts/lib/common.sh - what the commands in scripts/ share: messages, packages, builds.
#
# Source it after `set -euo pipefail`; it leaves the shell in the root of the project.

# What is given relative to the caller's folder must still be found after that.
# shellcheck disable=SC2034
caller_folder=$PWD
if [[ -n ${DELTAMESH_DATA:-} ]]; then
  DELTAMESH_DATA=$(realpath --canonicalize-missing --no-symlinks -- "$DELTAMESH_DATA")
  export DELTAMESH_DATA
else
  unset DELTAMESH_DATA
fi

project_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$project_root" || exit 1
# shellcheck source=scripts/lib/packages.sh
source "$project_root/scripts/lib/packages.sh"

assume_yes=${assume_yes:-false}

bold="" plain=""
if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi

say() { printf '\n%s==> %s%s\n' "$bold" "$*" "$plain"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Asks on a terminal; without one, or with --yes, the answer is yes. Input that ends is no answer, so no.
confirm() {
  if [[ $assume_yes == true || ! -t 0 ]]; then return 0; fi
  local answer
  read -r -p "$1 [Y/n] " answer || return 1
  [[ -z $answer || $answer == [Yy]* ]]
}

as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "installing packages needs root: run this as root once, or install sudo"
  fi
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Prints those of the packages named that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

# ensure_packages NAME...: installs what is missing, and does nothing at all where nothing is.
ensure_packages() {
  command -v apt-get >/dev/null || die "apt-get not found; the packages are those of Debian 12: $*"
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  if [[ ${#missing[@]} -eq 0 ]]; then return 0; fi
  say "packages to install: ${missing[*]}"
  confirm "Install them with apt-get?" || die "not installed; nothing was changed"
  without_services "$(services_of "${missing[@]}")" install_packages "${missing[@]}"
}

# Never at the price of what the user has: some of these conflict with other versions of themselves.
install_packages() {
  local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  as_root "${apt[@]}" update || warn "apt-get update failed; trying with the package lists at hand"
  as_root "${apt[@]}" install --yes --no-install-recommends --no-remove "$@" ||
    die "not installed, see above. This removes none of yours: if apt-get says that packages need to be removed," \
      "remove them yourself, or use a fresh machine or container"
}

# Debian starts some of them when it installs them, now and at every boot, on ports that others can reach. Ours run on
# free ports for as long as a test, a demo or a benchmark lasts, so a service that was not there before is kept from
# starting: by a policy while dpkg runs, and by disabling the unit afterwards. A policy of the machine's own is left
# in charge.
service_policy=/usr/sbin/policy-rc.d

# Those of the packages named that bring a service of the same name, in one line.
services_of() {
  local package
  local -a found=()
  for package in "$@"; do
    case $package in mosquitto | nats-server | tarantool) found+=("$package") ;; esac
  done
  echo "${found[*]}"
}

without_services() { # "SERVICE..." COMMAND...
  local services=$1 service status=0
  shift
  if [[ -z $services || -e $service_policy ]]; then
    "$@" || status=$?
  else
    with_service_policy "$services" "$@" || status=$?
  fi
  for service in $services; do disable_service "$service"; done
  return "$status"
}

# A shell of its own, whose end takes the policy back however it ends.
with_service_policy() (
  services=$1
  shift
  trap 'as_root rm -f "$service_policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  # shellcheck disable=SC2016
  printf '#!/bin/sh\ncase "$1" in %s*) exit 101 ;; esac\nexit 0\n' "${services// /* | }" |
    as_root tee "$service_policy" >/dev/null
  as_root chmod 755 "$service_policy"
  "$@"
)

disable_service() {
  if [[ -d /run/systemd/system ]]; then
    as_root systemctl disable --now --quiet "$1.service" || warn "could not disable $1.service"
  elif command -v update-rc.d >/dev/null && [[ -e /etc/init.d/$1 ]]; then
    as_root update-rc.d "$1" disable >/dev/null || warn "could not disable the service $1"
  fi
}

# A file that includes Boost.Beast takes 1.2 GB to compile, so memory bounds the jobs as well as cores do.
parallel_jobs() {
  local cores kilobytes by_memory
  cores=$(nproc)
  kilobytes=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  by_memory=$((${kilobytes:-0} / 1300000))
  if ((by_memory < 1)); then by_memory=1; fi
  echo $((by_memory < cores ? by_memory : cores))
}

# build PRESET [TARGET...]: configures and builds quietly; without a target, all of it.
build() {
  local preset=$1
  shift
  local -a targets=()
  if [[ $# -gt 0 ]]; then targets=(--target "$@"); fi
  say "building preset $preset ${*:+($*)}"
  cmake --preset "$preset" --log-level=WARNING >/dev/null &&
    cmake --build --preset "$preset" --parallel "$(parallel_jobs)" ${targets[@]+"${targets[@]}"}
}

# free_ports COUNT: TCP ports that nobody uses on loopback now, below those that the kernel gives to outgoing
# connections, so that they stay free until something listens there.
free_ports() {
  python3 - "$1" <<'END'
import random, socket, sys

def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False

candidates = random.sample(range(10000, 32768), 1000)
print(*[port for port in candidates if is_free(port)][:int(sys.argv[1])])
END
}
