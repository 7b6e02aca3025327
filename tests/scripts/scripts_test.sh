#!/usr/bin/env bash
# tests/scripts/scripts_test.sh - what the commands in scripts/ do to a machine, and how they count tests.
#
# Each case runs in a shell of its own with stand-ins for what installs; nothing is installed or removed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=$(mktemp -d -t deltamesh-scripts.XXXXXX)
trap 'rm -rf "$dir"' EXIT
failed=0

expect() { # WHAT WANTED GOT
  if [[ $2 == "$3" ]]; then return; fi
  printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
  failed=$((failed + 1))
}

# In a shell that has sourced common.sh.
with_common() { # COMMANDS
  bash -euo pipefail -c "source '$root/scripts/lib/common.sh'; $1" 2>&1
}

# ---- packages ----

mkdir "$dir/bin"
cat >"$dir/bin/apt-get" <<'END'
#!/bin/sh
echo "apt-get $*"
case " $* " in *" conflicting "*) exit 100 ;; esac
END
chmod +x "$dir/bin/apt-get"
as_if="as_root() { \"\$@\"; }; PATH='$dir/bin':\$PATH;"

installed=$(with_common "$as_if install_packages some-package" | grep ' install ')
expect "apt-get may not remove anything" yes "$([[ $installed == *" --no-remove "* ]] && echo yes)"
refused=$(with_common "$as_if install_packages conflicting; echo not reached" || true)
expect "a conflict is explained" yes "$([[ $refused == *"error: "*"removes none of yours"* ]] && echo yes)"
expect "and ends the command" no "$([[ $refused == *"not reached"* ]] && echo yes || echo no)"

# script(1) gives a terminal; its input ends at once, as with Ctrl-D.
cat >"$dir/ask" <<END
source '$root/scripts/lib/common.sh'
if confirm 'Install them?'; then echo answer: yes; else echo answer: no; fi
END
answer=$(script -qec "bash '$dir/ask'" /dev/null </dev/null | tr -d '\r' | grep -o 'answer: .*')
expect "the end of the input is no consent" "answer: no" "$answer"
answer=$(script -qec "bash '$dir/ask'" /dev/null <<<'' | tr -d '\r' | grep -o 'answer: .*')
expect "an empty line is" "answer: yes" "$answer"

policy="$as_if service_policy='$dir/policy'; disable_service() { :; };"
during=$(with_common "$policy without_services 'mosquitto nats-server' cat '$dir/policy'")
echo "$during" >"$dir/during"
started() { sh "$dir/during" "$1" start && echo starts || echo "does not start"; }
expect "no broker starts meanwhile" "does not start" "$(started mosquitto)"
expect "nor does what else is installed" "does not start" "$(started nats-server)"
expect "other services do" starts "$(started ssh)"
expect "the policy is taken back" no "$([[ -e $dir/policy ]] && echo yes || echo no)"
# shellcheck disable=SC2016
with_common "$policy"' without_services mosquitto sh -c "kill -TERM \$PPID"' || true
expect "the policy is taken back after a signal too" no "$([[ -e $dir/policy ]] && echo yes || echo no)"
echo own >"$dir/policy"
with_common "$policy without_services mosquitto true"
expect "a policy of the machine's own stays" own "$(cat "$dir/policy")"
expect "the status is the command's" 7 "$(with_common "$policy without_services mosquitto sh -c 'exit 7' || echo \$?")"
rm "$dir/policy"
expect "what brings no service needs no policy" no \
  "$(with_common "$policy without_services '' sh -c '[ -e $dir/policy ] && echo yes || echo no'")"
expect "services are known by their packages" "tarantool nats-server" \
  "$(with_common 'services_of curl tarantool nats-server zstd')"
disabled=$(with_common "$as_if service_policy='$dir/policy'; disable_service() { echo \"disabled \$1\"; };
  without_services 'mosquitto tarantool' true")
expect "services that came are disabled" $'disabled mosquitto\ndisabled tarantool' "$disabled"

# ---- folders ----

mkdir "$dir/caller" "$dir/caller/data"
cd "$dir/caller"
# shellcheck disable=SC2016
{
  expect "recorded data are found from anywhere" "$dir/caller/data" \
    "$(DELTAMESH_DATA=data with_common 'echo "$DELTAMESH_DATA"')"
  expect "an empty DELTAMESH_DATA is none" none "$(DELTAMESH_DATA='' with_common 'echo "${DELTAMESH_DATA-none}"')"
  expect "the caller's folder is known" "$dir/caller" "$(with_common 'echo "$caller_folder"')"
}

# ---- counting ----

cat >"$dir/tests.xml" <<'END'
<testsuite>
  <testcase name="good" status="run"><system-out>All tests passed (9 assertions in 4 test cases)</system-out></testcase>
  <testcase name="bad" status="fail"><system-out>test cases: 3 | 2 passed | 1 failed</system-out></testcase>
  <testcase name="gone" status="notrun"><system-out>Unable to find executable</system-out></testcase>
  <testcase name="lacking" status="run"><system-out>SKIPPED: no data
All tests passed (1 assertion in 2 test cases)</system-out></testcase>
  <testcase name="off" status="disabled"><system-out></system-out></testcase>
</testsuite>
END
expect "passed, failed, skipped" "7 2 2" "$(python3 "$root/scripts/lib/count_tests.py" "$dir/tests.xml" 2>/dev/null)"

if ((failed > 0)); then exit 1; fi
echo "all as expected"
