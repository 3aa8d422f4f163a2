#!/bin/sh
# Runs the tests of this folder on the machine's own kernel, one at a time, as root.
#
#   sh run-tests.sh [NAME...]     the named ones of tests/, or all
#
# A line for each program, what it printed if it failed, and at the end the sums of the single tests.
# FREEBSD_JAIL_TEST_LIMIT: the seconds that one program may take (900).
#
# Needs FreeBSD's base system, nothing else.
set -u

cd "$(dirname "$0")" || exit 1
limit=${FREEBSD_JAIL_TEST_LIMIT:-900}
FREEBSD_JAIL_TEST_DATA=$PWD/data
export FREEBSD_JAIL_TEST_DATA

if [ "$(id -u)" != 0 ]; then
    echo "run-tests.sh: jails are root's to make: run it as root" >&2
    exit 1
fi

# A test that crashes is told from its status; nobody asked for its core.
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

# Jails that are alive, by name. Nothing where there is no jls.
jails() { jls name 2>/dev/null | sort; }

passed=0 failed=0 ignored=0 skipped=0

# run NAME: one program, and its line.
run() {
    jails >"$work/before"
    limited "tests/$1" --test-threads=1 --nocapture >"$work/output" 2>&1 </dev/null
    status=$?

    # `test result: ok. 3 passed; 0 failed; 1 ignored; ...`
    summary=$(sed -n 's/^test result: [A-Za-z]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored;.*/\1 \2 \3/p' \
        "$work/output" | tail -n 1)
    # Before its test has said `ok`, what a test prints stands on the line that names the test.
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

# Whether the jails are those of before, or soon will be: some go with the last process in them.
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
