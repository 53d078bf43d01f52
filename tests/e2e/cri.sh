#!/bin/bash
# limit: 120 s
# A container that a kubelet started over CRI is known by its pod, and its log is kept.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_cri
need_commands jq

cri()
{
	python3 "$E2E_ROOT/tests/e2e/cri.py" "$CRI_SOCKET" "$@"
}

amber_start --set "docker_socket=$E2E_DIR/none.sock;containerd_socket=$CRI_SOCKET"
pod=pod-$RANDOM
read -r sandbox id < <(cri run "$BUSYBOX_IMAGE" "$pod" team-a web "$E2E_DIR/logs" \
	/bin/sh -c 'echo "line on stdout"; echo "line on stderr" >&2; exit 5')
on_exit cri remove "$sandbox"
in="container='$id'"
wait_until 10 recorded "SELECT count(*) FROM containers WHERE id='$id' AND state='dead'"

claim "the container wrote its log in CRI's format"
wait_until 5 grep -q 'stderr F line on stderr' logs/web/0.log

claim "it is known by its pod, its namespace and its image"
assert_eq "web $pod team-a uid-of-$pod containerd 5" "$(amber ps --json "$id" |
	jq -r '"\(.name) \(.pod) \(.pod_namespace) \(.pod_uid) \(.runtime) \(.exit_code)"')"
assert_match "$(amber ps --json "$id" | jq -r .image)" "(^|/)$BUSYBOX_IMAGE\$"

claim "its first program has the pod already"
assert_eq "$pod" "$(sql "SELECT pod FROM containers WHERE id='$id'")"
assert_eq web "$(sql "SELECT container_name FROM events WHERE $in AND type='process.exec' ORDER BY boot_ns LIMIT 1")"

claim "the lines are there when the pod and its log are gone"
wait_until 5 recorded "SELECT count(*) >= 2 FROM events WHERE $in AND type='container.log'"
cri remove "$sandbox"
rm -r logs
assert_eq "stderr:line on stderr
stdout:line on stdout" "$(sql "SELECT stream || ':' || text FROM events WHERE $in AND type='container.log' ORDER BY 1")"

claim "nothing of it was lost"
amber_stop
assert_eq 0 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND $in")"
assert_status 0 amber verify
