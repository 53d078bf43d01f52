#!/bin/bash
# limit: 240 s
# The host, the daemons or the containers misbehave: a clear message or a gap record, and no container waits.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq python3 setpriv unshare
need_palette

# run_one NAME COMMAND...: a bundle, run to its end within 20 seconds; output in $E2E_DIR/NAME.out.
run_one()
{
	local name=$1

	shift
	id=$(unique_id "$name")
	make_bundle "$name" "$id" "$@"
	put_into "$name" "$PALETTE" /palette
	timeout -k 2 20 bash -c '. "$E2E_ROOT/tests/e2e/lib.sh"; trap - EXIT; run_bundle runc "$1" "$2"' \
		bash "$E2E_DIR/$name" "$id" >"$name.out" 2>&1
}
export BUSYBOX_ROOT RUNTIME_STATE
ended() { recorded "SELECT count(*) FROM events WHERE container='$id' AND type='cgroup.rmdir'"; }

claim "without privileges the recorder says so and ends with 1"
mkdir -m 777 nobody
assert_status 1 setpriv --reuid 65534 --regid 65534 --clear-groups "$AMBER" --state "$E2E_DIR/nobody/state" watch
assert_match "$OUT" 'amber: error: .*(root|privilege|permission|not permitted)'
assert_contains "$OUT" "amber doctor"

claim "in a folder that is read-only it says so and ends with 1"
mkdir ro
mount -t tmpfs -o ro,size=1M none ro
on_exit umount -l "$E2E_DIR/ro"
assert_status 1 "$AMBER" --state "$E2E_DIR/ro/state" watch
assert_match "$OUT" "amber: error: .*ro/state.*read-only file system"

claim "without the kernel's type information it says so and ends with 1"
# The dollar signs are the inner shell's.
# shellcheck disable=SC2016
assert_status 1 unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$0" --state "$1" watch' \
	"$AMBER" "$E2E_DIR/no-btf"
assert_match "$OUT" "amber: error: .*(BTF|btf)"
# shellcheck disable=SC2016
assert_status 3 unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$0" --state "$1" doctor' \
	"$AMBER" "$E2E_DIR/no-btf"
assert_match "$OUT" "BTF"

# From here on one recorder looks at all of it; its Docker socket is a liar that also hangs.
cat >liar.py <<'PY'
import os, socket, threading, time
server = socket.socket(socket.AF_UNIX)
server.bind("liar.sock")
server.listen(64)
open("liar.ready", "w").close()
answers = [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[",
           b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n[{\"Id\":\"../../etc\"}]{}",
           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + b"[" * 100000]
def serve(peer, number):
    try:
        peer.recv(65536)
        if number % 6 == 5:
            time.sleep(60)  # says nothing
        peer.sendall(answers[number % 5])
        peer.close()
    except OSError:
        pass
number = 0
while True:
    peer, _ = server.accept()
    threading.Thread(target=serve, args=(peer, number), daemon=True).start()
    number += 1
PY
python3 liar.py &
on_exit kill $!
wait_until 5 test -e liar.ready
cat >amber.conf <<-'CONF'
	canary = 1s
	flush = 100ms
CONF
cat >notify.py <<'PY'
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify.sock")
open("notify.ready", "w").close()
with open("notified", "w") as f:
    while True:
        f.write(s.recv(4096).decode() + "\n")
        f.flush()
PY
python3 notify.py &
on_exit kill $!
wait_until 5 test -e notify.ready
main_state=$AMBER_STATE

claim "a dead, lying or silent Docker socket does not keep it from recording"
rm -f ready
# Only the recorder is given the socket: runc would wait for the container to say that it is ready.
NOTIFY_SOCKET=$E2E_DIR/notify.sock "$AMBER" --state "$AMBER_STATE" --config amber.conf watch --ready "$E2E_DIR/ready" \
	--set "docker_socket=$E2E_DIR/liar.sock;containerd_socket=$E2E_DIR/none.sock" >watch.log 2>&1 </dev/null &
AMBER_PID=$!
on_exit _amber_end
wait_until 30 test -e ready
run_one plain /bin/sh -c 'echo alive >/tmp/a'
wait_until 5 ended
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE container='$id' AND path='/tmp/a'")"

claim "systemd is told when it is ready"
wait_until 5 grep -q '^READY=1' notified

claim "a second recorder on the same record refuses and names the first"
assert_status 1 "$AMBER" --state "$AMBER_STATE" watch
assert_contains "$OUT" "$AMBER_PID"

claim "names with newlines, quotes, escapes and bytes that are no text stay harmless"
run_one names /palette names deep
grep -q 'names ok 0' names.out
grep -q 'deep ok 0' names.out
wait_until 5 ended
listed() { amber vault ls --json --container "$id" | grep -q .; }
wait_until 5 listed # the catalog is written once a second
amber events --container "$id" >names.txt
amber events --json --container "$id" >names.json
amber query "SELECT path FROM events WHERE container='$id' AND type='file.open'" >names.query
amber tree --deeds "$id" >names.tree
amber vault ls --container "$id" >names.vault
amber vault ls --json --container "$id" >names.vault.json
for file in names.txt names.query names.tree names.vault; do
	assert_plain $file
done
assert_json_lines names.json
assert_json_lines names.vault.json
in="container='$id' AND type='file.open'"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND path='/tmp/new' || char(10) || 'line'")"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND path LIKE '%esc' || char(27) || '[31m%'")"
assert_eq "$(printf '/tmp/bad\xff\xfe\x80utf8' | od -An -tx1 | tr -d ' \n')" \
	"$(jq -r 'select(.type == "file.open") | .path_hex // empty' <names.json)"

claim "a path as long as the kernel allows is recorded whole, or marked as cut"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND (length(path) = 4095 OR (marks & 2 AND length(path) > 2000)) AND path LIKE '%fff'")"

claim "2 MB of arguments are cut, marked, and their size is right"
run_one argv /palette argv
grep -q 'argv ok 0' argv.out
wait_until 5 ended
# argv[0] "long-argv", one whose first byte is NUL and so is empty, and 19 of 100,000 bytes, each with its NUL
row=$(amber query --json "SELECT argv_bytes, marks & 2 cut, length(argv) n FROM events WHERE container='$id' AND type='process.exec' AND argv LIKE 'long-argv%'")
assert_eq "$((10 + 1 + 19 * 100001)) 2" "$(jq -r '"\(.argv_bytes) \(.cut)"' <<<"$row")"
assert_at_least 4000 "$(jq -r .n <<<"$row")"

claim "a container that forks as fast as it can is recorded or told, and takes no memory"
before=$(awk '/VmRSS/ {print $2}' "/proc/$AMBER_PID/status")
run_one forks /palette fork-storm
forks=$(sed -n 's/^forks \([0-9][0-9]*\)$/\1/p' forks.out)
assert_at_least 100 "$forks"
wait_until 15 ended
seen=$(sql "SELECT coalesce(sum(count), 0) FROM events WHERE container='$id' AND type='process.fork' AND comm='palette'")
lost=$(sql "SELECT coalesce(sum(lost), 0) FROM events WHERE type='gap' AND (container='$id' OR container IS NULL) AND reason IN ('quota', 'lost_ring')")
assert_at_least "$forks" $((seen + lost))
after=$(awk '/VmRSS/ {print $2}' "/proc/$AMBER_PID/status")
[ $((after - before)) -lt 131072 ] || fail "memory grew from $before KB to $after KB"

claim "a changed configuration is read on SIGHUP, a broken one changes nothing"
echo 'hold = off' >>amber.conf
kill -HUP "$AMBER_PID"
wait_until 5 recorded "SELECT count(*) FROM events WHERE type='amber' AND reason='reloaded'"
wait_until 5 grep -q '^RELOADING=1' notified
echo 'hold = perhaps' >>amber.conf
kill -HUP "$AMBER_PID"
wait_until 5 recorded "SELECT count(*) FROM events WHERE type='amber' AND reason='reload_failed'"
assert_match "$(cat watch.log)" "settings are as before: .*perhaps"
kill -0 "$AMBER_PID"

claim "without the start hold the container is recorded all the same"
# In runc's usual folder: no hold has told of the unusual one.
id=$(unique_id unheld)
make_bundle unheld "$id" /bin/sh -c 'sleep 1; echo late >/tmp/late; sleep 0.2'
on_exit runc delete --force "$id"
timeout -k 2 20 runc run --bundle unheld "$id" </dev/null
wait_until 8 recorded "SELECT count(*) FROM events WHERE container='$id' AND path='/tmp/late'"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE container='$id' AND path='/tmp/late'")"

claim "and the time until its files are kept is a gap"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND reason='unarmed' AND container='$id'")"

claim "SIGTERM seals the record and tells systemd"
amber_stop
wait_until 5 grep -q '^STOPPING=1' notified
assert_status 0 amber verify
assert_match "$OUT" 'of ([0-9]+) segments \(\1 sealed and signed\)'

claim "a full disk is a gap, no container waits, and recording goes on when there is room"
AMBER_STATE=$E2E_DIR/small/state
mkdir small
mount -t tmpfs -o size=8M none small
on_exit umount -l "$E2E_DIR/small"
amber_start --set "flush=50ms;keep_files=off"
dd if=/dev/zero of=small/filler bs=64k status=none 2>/dev/null || true
SECONDS=0
run_one full /palette fork-storm
assert_at_least 100 "$(sed -n 's/^forks \([0-9][0-9]*\)$/\1/p' full.out)"
[ $SECONDS -lt 18 ] || fail "the container waited for the disk: $SECONDS s"
kill -0 "$AMBER_PID"
rm small/filler
run_one room /bin/sh -c 'echo back >/tmp/back; sleep 0.2'
wait_until 10 recorded "SELECT count(*) FROM events WHERE container='$id' AND path='/tmp/back'"
amber_stop
assert_status 0 amber verify

claim "what memory could not hold meanwhile is a gap disk_full, or nothing was lost"
full=$(sql "SELECT count(*) FROM events WHERE type='process.fork' AND container LIKE 'full-%'")
told=$(sql "SELECT count(*) FROM events WHERE type='gap' AND reason='disk_full'")
[ "$told" -gt 0 ] || assert_at_least "$(sed -n 's/^forks \([0-9][0-9]*\)$/\1/p' full.out)" "$full"

claim "the oldest segments go at the limit, each with a tombstone; those under a hold stay"
AMBER_STATE=$E2E_DIR/tiny
amber_start --set "journal_size=256K;segment_size=32K;flush=20ms;keep_files=off"
run_one first /bin/sh -c 'n=0; while [ $n -lt 40 ]; do n=$((n+1)); echo $n >/tmp/$n; rm /tmp/$n; done'
wait_until 5 ended
first=$id
assert_status 0 amber hold add case-1 --reason "a test"
run_one storm /palette fork-storm
amber_stop
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE container='$first'")"
assert_status 0 amber verify
assert_status 0 amber hold rm case-1
amber_start --set "journal_size=128K;segment_size=32K;flush=20ms;keep_files=off"
run_one again /palette fork-storm
amber_stop
assert_at_least 1 "$(find tiny/journal -name '*.tomb' | wc -l)"
assert_status 0 amber verify
assert_match "$OUT" 'removed +[0-9]+ segments'
assert_at_least 1 "$(sql "SELECT count(*) FROM events")"
AMBER_STATE=$main_state
