#!/bin/bash
# limit: 900 s
# kill -9 at any moment: the record stays whole, what was seen stays, and the absence is told.
# AMBER_E2E_CRASH is how many recorders are killed (100).
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq

id=$(unique_id busy)
# The dollar sign is for the container's shell.
# shellcheck disable=SC2016
make_bundle b "$id" /bin/sh -c 'n=0; while :; do n=$((n+1)); echo $n >/tmp/a$n; mv /tmp/a$n /tmp/b; rm /tmp/b; sleep 0.02; done'
start_bundle runc "$E2E_DIR/b" "$id"

rounds=${AMBER_E2E_CRASH:-100}
status=0
python3 "$E2E_ROOT/tests/e2e/crash.py" "$AMBER" "$E2E_DIR" "$rounds" 10 >out || status=$?
cat out
value() { sed -n "s/^$1 //p" out; }

claim "killed $rounds times at random moments, the record verified each time"
assert_eq "$((rounds / 10 * 10))" "$(value kills)"
assert_at_least "$((rounds / 2))" "$(value verified)"
assert_eq "" "$(grep '^WRONG' out || true)"
assert_eq 0 $status

claim "nothing that a query had shown was gone afterwards"
assert_at_least "$rounds" "$(value kept)"

claim "each death of a recorder that was ready is a gap not_running around its moment"
assert_eq "$(value 'ready kills')" "$(value told)"

claim "the container never noticed"
assert_eq running "$(runc --root "$E2E_RUN/runc" state "$id" | jq -r .status)"
