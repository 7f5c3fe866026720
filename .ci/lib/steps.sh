# A list of named steps, run one after the other, timed and summed up. Knows nothing about what the steps do.

step_names=()
declare -A step_commands=()

# step NAME COMMAND [ARGUMENT...]: adds a step.
step() {
  local name=$1
  shift
  step_names+=("$name")
  step_commands[$name]=$(printf '%q ' "$@")
}

# run_steps [--list] [NAME...]: runs the named steps in the order of the list, all without a name. Fails when one of them failed.
run_steps() {
  if [[ ${1:-} == --list ]]; then
    printf '%s\n' "${step_names[@]}"
    return
  fi
  refuse_unknown_steps "$@"
  local name passed=0 failed=0 summary=()
  for name in "${step_names[@]}"; do
    is_chosen "$name" "$@" || continue
    printf '\n==> %s\n' "$name"
    local status=0 started=$SECONDS
    run_step "$name"
    printf '<== %s: %s after %s s\n' "$name" "$(verdict "$status")" "$((SECONDS - started))"
    summary+=("$(printf '%-8s %6s s  %s' "$(verdict "$status")" "$((SECONDS - started))" "$name")")
    if ((status == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  printf '\n==> summary\n'
  printf '%s\n' "${summary[@]}"
  printf '%s passed, %s failed\n' "$passed" "$failed"
  ((failed == 0))
}

# Sets `status` of the caller. A function called in a condition runs without errexit, which would hide a failing line in the middle of
# a step: so the step gets a subshell of its own, outside of any condition.
run_step() {
  set +e
  (
    set -euo pipefail
    eval "${step_commands[$1]}"
  ) </dev/null 2>&1
  status=$?
  set -e
}

is_chosen() {
  local name=$1 chosen
  shift
  (($# == 0)) && return
  for chosen in "$@"; do
    [[ $chosen == "$name" ]] && return
  done
  return 1
}

refuse_unknown_steps() {
  local name
  for name in "$@"; do
    [[ -v step_commands[$name] ]] && continue
    printf 'There is no step %s. The steps are: %s\n' "$name" "${step_names[*]}" >&2
    exit 2
  done
}

verdict() {
  if (($1 == 0)); then printf 'ok'; else printf 'FAILED'; fi
}
