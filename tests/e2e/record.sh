#!/bin/bash
# limit: 90 s
# A container does one thing of each kind and is gone; every command answers what it did.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq
need_palette

amber_start
id=$(unique_id attacked)
python3 - >port <<-'PY' &
	import socket
	listener = socket.create_server(("127.0.0.1", 0))
	print(listener.getsockname()[1], flush=True)
	listener.settimeout(60)
	listener.accept()
PY
wait_until 5 grep -q . port
port=$(cat port)
make_bundle b "$id" /attack.sh
"$E2E_ROOT/tools/oci-bundle" --rootfs "$E2E_DIR/b/rootfs" --host-network --cgroup "/amber-e2e/$id" b /attack.sh
put_into b "$PALETTE" /opt/palette
mkdir -p b/rootfs/run/secrets
echo made-up >b/rootfs/run/secrets/token
{ cat "$PALETTE" && echo "unique $id"; } >b/rootfs/opt/stage
cat >b/rootfs/attack.sh <<-SH
	#!/bin/sh
	cp /opt/stage /tmp/dropped
	chmod 755 /tmp/dropped
	/tmp/dropped
	rm /tmp/dropped
	cat /run/secrets/token
	echo one >/tmp/a
	mv /tmp/a /tmp/b
	ln -s /etc/passwd /tmp/link
	ln /tmp/b /tmp/hard
	/opt/palette connect:$port udp:53 setuid mount ptrace memfd code
	sh -c 'exit 42'
	exit 7
SH
chmod 755 b/rootfs/attack.sh
payload=$(sha256sum <b/rootfs/opt/stage | cut -d' ' -f1)
script=$(sha256sum <b/rootfs/attack.sh | cut -d' ' -f1)

assert_status 7 run_bundle runc "$E2E_DIR/b" "$id"
assert_contains "$OUT" made-up
refused=$(grep -c refused <<<"$OUT" || true)
wait_until 5 recorded "SELECT count(*) FROM events WHERE container='$id' AND type='cgroup.rmdir'"
wait_until 5 amber ps "$id" # the catalog is written once a second
umount b/rootfs
rm -rf b/upper b/work
in="container='$id'"

claim "the palette worked: only the mount was refused"
assert_eq "1 mount refused 1" "$refused $(grep refused <<<"$OUT" || true)"

claim "every program that ran is recorded with what the kernel executed"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='process.exec' AND ret=0 AND exe='/tmp/dropped'")"
assert_eq "/bin/sh /attack.sh" "$(sql "SELECT argv FROM events WHERE $in AND type='process.exec' AND vpid=1 AND argv LIKE '%attack%'")"
assert_eq "/opt/palette connect:$port udp:53 setuid mount ptrace memfd code" \
	"$(sql "SELECT argv FROM events WHERE $in AND type='process.exec' AND filename='/opt/palette'")"

claim "the dropped file is seen written, made executable, run and deleted, in this order"
assert_eq "file.open file.chmod process.exec file.unlink" "$(sql "SELECT type FROM events WHERE $in AND
	(path='/tmp/dropped' OR filename='/tmp/dropped') AND type IN
	('file.open','file.chmod','process.exec','file.unlink') ORDER BY boot_ns" | paste -sd' ')"

claim "its content comes back by its hash after the container is gone"
amber vault get "$payload" --out recovered
assert_eq "$payload" "$(sha256sum <recovered | cut -d' ' -f1)"
assert_status 1 amber vault get "$payload" --out recovered
assert_contains "$OUT" "recovered"

claim "the script that the container began with is kept too"
assert_eq 1 "$(sql "SELECT count(DISTINCT sha256) FROM events WHERE $in AND type='file.kept' AND sha256='$script'")"

claim "the token was read"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='file.open' AND path='/run/secrets/token' AND comm='cat'")"

claim "renaming and linking have both names"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='file.rename' AND path='/tmp/a' AND path2='/tmp/b'")"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='file.symlink' AND path='/tmp/link' AND path2='/etc/passwd'")"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='file.link' AND path='/tmp/b' AND path2='/tmp/hard'")"

claim "the change of user and the refused mount are recorded with their results"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='cred.setid' AND exe='/opt/palette' AND new_uid=1234 AND ret=0")"
assert_eq -1 "$(sql "SELECT ret FROM events WHERE $in AND type='mount.mount' AND exe='/opt/palette'")"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='ns.unshare' AND exe='/opt/palette'")"

claim "a program in memory is recorded as one"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='process.exec' AND file_flags & 1")"

claim "exit codes are recorded, and the container's is its first process's"
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='process.exit' AND exit_code=42")"
assert_eq "dead 7 runc" "$(amber ps --json "$id" | jq -r '"\(.state) \(.exit_code) \(.runtime)"')"

claim "the tree has the processes of the attack below its shell"
amber tree "$id" --deeds >tree
assert_contains "$(cat tree)" "/tmp/dropped"
assert_contains "$(cat tree)" "palette"
assert_plain tree
amber tree --json "$id" >tree.json
assert_json_lines tree.json

claim "the same is told as JSON, each line an object, by every command"
sleep 4 # the counts of repeats are told when their window is over, swept and flushed: a second each
amber events --json --container "$id" >events.json
amber query --json "SELECT * FROM events WHERE $in" >query.json
amber ps --json >ps.json
amber vault ls --json --container "$id" >vault.json
for file in events query ps vault; do
	assert_json_lines $file.json
done
assert_eq "$(wc -l <events.json)" "$(wc -l <query.json)"
assert_eq "$(jq -r .type <events.json | sort | uniq -c)" "$(jq -r .type <query.json | sort | uniq -c)"
assert_contains "$(jq -r 'select(.path == "/tmp/dropped") | .sha256' <vault.json)" "$payload"

claim "what stands in tables is aligned"
amber ps >ps.txt
amber vault ls --container "$id" >vault.txt
amber query "SELECT type, exe, count(*) n FROM events WHERE $in GROUP BY 1, 2" >query.txt
for file in ps vault query; do
	assert_aligned $file.txt
done

claim "a listing has the same events and can be narrowed"
amber events --container "$id" >all.txt
assert_eq "$(wc -l <events.json)" "$(wc -l <all.txt)"
assert_plain all.txt
assert_eq "$(sql "SELECT count(*) FROM events WHERE $in AND type LIKE 'file.%'")" \
	"$(amber events --container "$id" --type 'file.*' | wc -l)"
assert_eq "" "$(amber events --container "$id" --since 2100-01-01T00:00:00Z)"
assert_match "$(amber events --container "$id" --grep /tmp/dropped --type file.unlink)" 'file.unlink +/tmp/dropped'

claim "nothing was lost, and the sealed record is whole"
amber_stop
assert_eq 0 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND ($in OR container IS NULL)")"
assert_status 0 amber verify
assert_contains "$OUT" "whole and unaltered"
assert_eq "$(wc -l <events.json)" "$(amber events --container "$id" | wc -l)"

claim "the connection and the datagram have both ends"
assert_eq "127.0.0.1:$port 0" "$(sql "SELECT remote_addr || ':' || remote_port || ' ' || ret FROM events WHERE $in AND type='net.connect' AND family=2")"
assert_eq "127.0.0.1:53" "$(sql "SELECT remote_addr || ':' || remote_port FROM events WHERE $in AND type='net.send' AND family=2")"

claim "memory files, code in anonymous memory and tracing are recorded"
assert_eq ghost "$(sql "SELECT name FROM events WHERE $in AND type='memory.memfd'")"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='memory.exec' AND exe='/opt/palette'")"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE $in AND type='process.ptrace' AND target_pid > 0 AND ret=0")"
