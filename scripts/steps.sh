# shellcheck shell=bash
# Sourced by scripts that run steps: functions of the script, in the order of the array `steps`.
#
#   steps_run [STEP...]     runs all, or these. The others run even if one fails
#   skip TEXT               ends a step that cannot run here
#   fail TEXT               ends a step
#   work                    a folder that is removed at the end

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
    echo "$*" >"$work/why"
    exit 77
}

fail() {
    echo "$*" >&2
    exit 1
}

# Adds up the shell's `times`. Unlike the time that passes, they do not grow if the machine has more to do.
steps_cpu() {
    awk '{ for (i = 1; i <= NF; i++) { split($i, part, "[ms]"); sum += part[1] * 60 + part[2] } } END { print int(sum) }'
}

steps_run() {
    # shellcheck disable=SC2154 # of the script
    local names=("${steps[@]}") name function start status result line summary='' failed=0 passed=0 skipped=0
    [[ $# == 0 ]] || names=("$@")
    for name in "${names[@]}"; do
        [[ " ${steps[*]} " == *" $name "* ]] || tools_fail "there is no step $name; there are: ${steps[*]}"
    done
    for name in "${names[@]}"; do
        printf '\n== %s\n' "$name"
        start=$SECONDS
        rm -f "$work/why"
        function=$name
        # `test` is a word of the shell.
        [[ $name != test ]] || function=run_tests
        # Not in a condition, or `set -e` would do nothing in the step.
        set +e
        (
            set -e
            trap 'times >"$work/times"' EXIT
            "$function"
        ) </dev/null
        status=$?
        set -e
        case $status in
        0) result=ok passed=$((passed + 1)) ;;
        77) result=skipped skipped=$((skipped + 1)) ;; # as automake has it
        *) result=FAILED failed=$((failed + 1)) ;;
        esac
        line=$(printf '%-8s %-10s %4d s, cpu %4d s  %s' "$result" "$name" $((SECONDS - start)) \
            "$(steps_cpu <"$work/times")" "$(cat "$work/why" 2>/dev/null || true)")
        echo "== $line"
        summary+=$line$'\n'
    done
    printf '\n%s' "$summary"
    echo "steps: $passed ok, $skipped skipped, $failed failed"
    [[ $failed == 0 ]]
}
