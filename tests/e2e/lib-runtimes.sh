#!/bin/bash
# Bundles of the tests run under bare runc and crun.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"

for runtime in runc crun; do
	need_runtime $runtime
	id=$(unique_id $runtime)
	make_bundle "$E2E_DIR/$runtime" "$id" /bin/sh -c 'echo "pid $$"; echo dropped >/tmp/x; exit 3'

	claim "a bundle runs under $runtime as the first process of its own"
	assert_status 3 run_bundle $runtime "$E2E_DIR/$runtime" "$id"
	assert_eq "pid 1" "$OUT"

	claim "what it wrote is in the overlay's upper directory"
	assert_eq dropped "$(cat "$E2E_DIR/$runtime/upper/tmp/x")"

	claim "a detached container of $runtime lives until it is deleted"
	id=$(unique_id $runtime)
	make_bundle "$E2E_DIR/$runtime-2" "$id" /bin/sleep 100
	start_bundle $runtime "$E2E_DIR/$runtime-2" "$id"
	assert_eq running "$($runtime --root "$E2E_RUN/$runtime" state "$id" | jq -r .status)"
	pid=$(cat "$E2E_DIR/$runtime-2/pid")
	assert_match "$(cat "/proc/$pid/cgroup")" "/amber-e2e/$id"
	delete_container $runtime "$id"
	wait_until 5 test ! -e "/proc/$pid/cmdline"
done
