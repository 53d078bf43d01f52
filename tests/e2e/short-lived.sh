#!/bin/bash
# limit: 900 s
# Containers that live under 100 ms: every payload comes back, every container is known at once.
# AMBER_E2E_SHORT is how many (60), AMBER_E2E_SHORT_ENGINE runc or docker.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands gcc
count=${AMBER_E2E_SHORT:-60} engine=${AMBER_E2E_SHORT_ENGINE:-runc}
[ "$engine" != docker ] || need_docker

"$E2E_ROOT/bench/short_lived.py" --count "$count" --engine "$engine" --amber "$AMBER" --dir "$E2E_DIR" | tee out

claim "every payload that was written, run and deleted comes back by its hash"
assert_match "$(cat out)" "^payloads recovered $count of $count\$"

claim "every container is known on its first event"
assert_match "$(cat out)" "^named on first event $count of $count\$"

claim "their starts were held"
assert_at_least "$count" "$(sed -n 's/^start hold: \([0-9]*\) starts held.*/\1/p' out)"
