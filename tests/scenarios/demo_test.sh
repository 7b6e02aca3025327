#!/usr/bin/env bash
# tests/scenarios/demo_test.sh - usage: demo_test.sh BIN [--sabotage]: scripts/demo proves what holds, and only that.
set -euo pipefail

bin=$1
shift
demo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/scripts/demo

fail() {
  echo "FAILED: $*"
  exit 1
}

PATH=$PATH:/usr/sbin:/sbin
for program in mosquitto socat curl sqlite3; do
  command -v "$program" >/dev/null || { echo "SKIPPED: $program is missing" && exit 0; }
done

status=0
said=$("$demo" --bin "$bin" "$@" 2>&1) || status=$?
printf '%s\n' "$said"

if [[ $# -eq 0 ]]; then
  [[ $status -eq 0 ]] || fail "it exits with $status"
  [[ $said == *"==> proved in "* ]] || fail "it does not say that it is proved"
else
  [[ $status -ne 0 ]] || fail "it exits with 0 although a block is missing"
  [[ $said == *"only in "* && $said == *"NOT proved"* ]] || fail "it does not say which dots are missing"
  rm -rf "$(sed -n 's/^logs and stores: //p' <<<"$said")"
fi
