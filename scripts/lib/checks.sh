# shellcheck shell=bash
# scripts/lib/checks.sh - the steps of scripts/test, and the summary at its end.
#
# Each step appends one line to $results: name, passed, failed, skipped, seconds, note; separated by tabs. A step
# that fails does not stop the others.

results=build/test-results.tsv

record() {
  local name=$1 passed=$2 failed=$3 skipped=$4 note=$5
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$passed" "$failed" "$skipped" "$((SECONDS - step_began))" "$note" \
    >>"$results"
}

run_step() {
  step_began=$SECONDS
  case $1 in
    clang-format) lint clang-format check_format ;;
    clang-tidy) lint clang-tidy check_tidy ;;
    shellcheck) lint shellcheck check_shell ;;
    *) test_preset "$1" ;;
  esac
}

# Builds a preset, each header alone too with g++ (dev) and clang (tsan), and runs its tests.
test_preset() {
  local preset=$1 counts
  local -a targets=(all)
  case $preset in dev | tsan) targets+=(all_verify_interface_header_sets) ;; esac
  if ! build "$preset" "${targets[@]}"; then
    record "$preset" 0 1 0 "did not build"
    return 0
  fi
  say "testing preset $preset"
  local junit=$PWD/build/$preset/tests.xml
  rm -f "$junit"
  # The counts below decide; ctest's own status adds nothing to them.
  fixed_addresses ctest --preset "$preset" --parallel "$(nproc)" --no-tests=error --output-junit "$junit" \
    --test-output-size-passed 1000000 --test-output-size-failed 1000000 || true
  if counts=$(python3 scripts/lib/count_tests.py "$junit"); then
    # shellcheck disable=SC2086
    record "$preset" $counts ""
  else
    record "$preset" 0 1 0 "ctest left no results"
  fi
}

# The sanitizers of clang-14 fail at random where the kernel spreads addresses further than they know
# (vm.mmap_rnd_bits above 28); without the right to fix the layout, the command runs as it is.
fixed_addresses() {
  local -a prefix=(setarch --addr-no-randomize)
  "${prefix[@]}" true 2>/dev/null || prefix=()
  ${prefix[@]+"${prefix[@]}"} "$@"
}

# lint NAME COMMAND: a check that counts as one test.
lint() {
  say "checking with $1"
  if "$2"; then record "$1" 1 0 0 ""; else record "$1" 0 1 0 "see above"; fi
}

own_sources() {
  git ls-files --cached --others --exclude-standard -- '*.cc' '*.h'
}

check_format() {
  own_sources | xargs clang-format-14 --dry-run --Werror
}

# The files in scripts/lib are checked through the commands that source them.
check_shell() {
  grep -lE '^#!.*\bbash' scripts/* .ci/* tests/scripts/*.sh tests/scenarios/*.sh --directories=skip |
    xargs shellcheck --external-sources --check-sourced
}

# Reads the compile commands of the clang build, so it comes after preset asan.
check_tidy() {
  local files
  files=$(own_sources | grep '\.cc$' | sed 's/[.]/\\./g; s/^/\//; s/$/$/' | paste -sd '|')
  run-clang-tidy-14 -quiet -p build/asan -j "$(parallel_jobs)" "($files)" 2>/dev/null
}

print_summary() {
  say "summary"
  awk -F'\t' '
    BEGIN { format = "%-14s %8s %8s %8s %8s  %s\n"; printf format, "step", "passed", "failed", "skipped", "time", "" }
    { printf format, $1, $2, $3, $4, sprintf("%d:%02d", $5 / 60, $5 % 60), $6 }' "$results"
  local data="absent: DELTAMESH_DATA is not set"
  if [[ -n ${DELTAMESH_DATA:-} ]]; then
    if [[ -d $DELTAMESH_DATA ]]; then data="present: $DELTAMESH_DATA"; else data="absent: no folder $DELTAMESH_DATA"; fi
  fi
  printf 'recorded data %s; whole run %d:%02d\n' "$data" $((SECONDS / 60)) $((SECONDS % 60))
  awk -F'\t' '
    { passed += $2; failed += $3; skipped += $4 }
    END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }
  ' "$results"
}
