#!/bin/bash
# The library's own assertions fail when they must, and say what differs.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"

claim "an assertion that does not hold has a status of its own"
assert_status 1 assert_eq "a" "b"
assert_contains "$OUT" "-a"
assert_contains "$OUT" "+b"
assert_status 1 assert_contains "abc" "x"
assert_status 1 assert_lacks "abc" "b"
assert_status 1 assert_match "abc" "^b"
assert_status 1 assert_at_least 0 ""
assert_status 1 assert_at_least 3 2
assert_status 0 assert_at_least 3 3
assert_status 1 assert_status 0 false

claim "an assertion that holds is silent"
assert_status 0 assert_eq $'a\nb' $'a\nb'
assert_eq "" "$OUT"
assert_status 0 assert_match $'abc\ndef' '^d.f$'
assert_eq "" "$OUT"

# A script of its own, because its traps are what is looked at.
script()
{
	# The dollar signs are the inner script's.
	# shellcheck disable=SC2016
	printf '%s\n' 'set -eu; . "$E2E_ROOT/tests/e2e/lib.sh"' "$@" >inner.sh
	bash inner.sh
}

claim "a failing line ends the test and names the claim"
assert_status 1 script 'claim "water is dry"' 'false' 'echo not reached'
assert_contains "$OUT" "claiming: water is dry"
assert_lacks "$OUT" "not reached"

claim "a test without a claim fails"
assert_status 1 script 'true'
assert_contains "$OUT" "claims nothing"

claim "a skip has the status 77 and gives its reason"
assert_status 77 script 'skip "no moon tonight"'
assert_match "$OUT" '^skip: no moon tonight$'
assert_status 77 script 'need_commands no-such-command-here'
assert_match "$OUT" '^skip: needs no-such-command-here$'

claim "what was done is undone in reverse, also after a failure"
assert_status 1 script 'claim x' 'on_exit echo "first  kept"' 'on_exit echo second' 'false'
assert_eq $'second\nfirst  kept' "$(grep -E '^(first|second)' <<<"$OUT")"

claim "waiting ends when its time is over"
assert_status 1 wait_until 0 false
assert_contains "$OUT" "did not come true in time: false"
