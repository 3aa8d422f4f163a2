#!/bin/sh
# Runs the tests of this folder on the machine's own kernel, one at a time, as root.
#
#   sh run-tests.sh [NAME...]     the named ones of tests/, or all
#
# Prints one line per program, its output if it failed, and the sums of all tests at the end.
# FREEBSD_JAIL_TEST_LIMIT: the time limit of one program in seconds (900).
#
# Needs FreeBSD's base system, nothing else.
set -u

cd "$(dirname "$0")" || exit 1
limit=${FREEBSD_JAIL_TEST_LIMIT:-900}
FREEBSD_JAIL_TEST_DATA=$PWD/data
export FREEBSD_JAIL_TEST_DATA

if [ "$(id -u)" != 0 ]; then
    echo "run-tests.sh: only root can create jails: run it as root" >&2
    exit 1
fi

# A crash shows in the status; core files are not needed.
# shellcheck disable=SC3045 # FreeBSD's sh has it
ulimit -c 0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if command -v timeout >/dev/null; then
    limited() { timeout -k 10 "$limit" "$@"; }
else
    limited() { "$@"; }
fi

# Names of living jails. Empty if there is no jls.
jails() { jls name 2>/dev/null | sort; }

passed=0 failed=0 ignored=0 skipped=0

# run NAME: runs one program and prints its line.
run() {
    jails >"$work/before"
    limited "tests/$1" --test-threads=1 --nocapture >"$work/output" 2>&1 </dev/null
    status=$?

    # `test result: ok. 3 passed; 0 failed; 1 ignored; ...`
    summary=$(sed -n 's/^test result: [A-Za-z]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored;.*/\1 \2 \3/p' \
        "$work/output" | tail -n 1)
    # The output of a test begins on the line with its name, before its `ok`.
    sed -n -e 's/^test \(.*\) \.\.\. skipped: /    skipped \1: /p' -e t -e 's/^skipped: /    skipped: /p' \
        "$work/output" >"$work/skipped"
    skips=$(grep -c . "$work/skipped")

    read -r p f i <<SUMMARY
${summary:-0 0 0}
SUMMARY
    why=
    if [ -z "$summary" ]; then
        why="ended without a summary, status $status"
        if [ "$status" = 124 ] || [ "$status" = 137 ]; then why="$why: it may take $limit seconds"; fi
    elif [ "$status" != 0 ] && [ "$f" = 0 ]; then
        why="status $status"
    elif ! nothing_left; then
        why="jails left behind: $(tr '\n' ' ' <"$work/left")"
    fi
    if [ -n "$why" ]; then f=$((f + 1)); fi

    passed=$((passed + p)) failed=$((failed + f)) ignored=$((ignored + i)) skipped=$((skipped + skips))
    if [ "$f" = 0 ]; then word=ok; else word=FAILED; fi
    echo "$1: $word, $p passed, $f failed, $i ignored${why:+ ($why)}"
    cat "$work/skipped"
    if [ "$f" != 0 ]; then { cat "$work/output" && echo; } | sed -e '/^$/d' -e 's/^/    | /'; fi
}

# Whether only the earlier jails are left, now or soon: some jails go with their last process.
nothing_left() {
    for _ in 1 2 3 4 5; do
        jails | comm -13 "$work/before" - >"$work/left"
        [ -s "$work/left" ] || return 0
        sleep 1
    done
    return 1
}

if [ $# = 0 ]; then
    for file in tests/*; do
        [ -x "$file" ] && set -- "$@" "${file##*/}"
    done
fi
echo "$(uname -sr), $# programs"
for name in "$@"; do
    run "$name"
done

if [ "$ignored" != 0 ] || [ "$skipped" != 0 ]; then
    echo "$ignored ignored; $skipped reasons to skip, as above: a test that skips counts as passed"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
