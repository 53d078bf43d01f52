#!/bin/bash
# limit: 120 s
# What was altered, cut, exchanged or taken away is found and named; what stands before it is readable.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq

# A record with several sealed segments of several blocks: small segments, quick flushes.
amber_start --set "segment_size=64K;flush=50ms"
for i in 1 2 3; do
	id=$(unique_id "damage-$i")
	# The dollar signs are for the container's shell.
	# shellcheck disable=SC2016
	make_bundle "b$i" "$id" /bin/sh -c 'n=0; while [ $n -lt 60 ]; do n=$((n+1)); echo "$0 $n" >/tmp/a$n
		cat /tmp/a$n /tmp/a$n >/tmp/x; chmod 755 /tmp/x; rm /tmp/x; done; cp /bin/busybox /tmp/y' "$id"
	run_bundle runc "$E2E_DIR/b$i" "$id" >/dev/null
done
amber_stop
mv state whole
AMBER_STATE=$E2E_DIR/whole
assert_status 0 amber verify
total=$(sql "SELECT count(*) FROM events")

# fresh: a copy to damage.
fresh()
{
	rm -rf state
	cp -a whole state
	chmod -R u+w state
	AMBER_STATE=$E2E_DIR/state
}

# blocks FILE: `offset bytes rows` of each block of a segment, from the format's own headers.
blocks()
{
	python3 - "$1" <<-'PY'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		at = struct.unpack_from("<I", data, 12)[0]
		while data[at:at + 4] == b"ABLK":
		    rows, size = struct.unpack_from("<IQ", data, at + 4)
		    print(at, size, rows)
		    at += size
	PY
}

# assert_first_bad FILE [BLOCK]: verify ends with 3 and names it first; the JSON says the same.
assert_first_bad()
{
	assert_status 3 amber verify
	assert_match "$OUT" "^first bad place: $1${2:+, block $2}[,:]"
	assert_contains "$OUT" "NOT WHOLE"
	assert_status 3 amber verify --json
	assert_eq "false $1 ${2:-}" "$(jq -r '"\(.whole) \(.problems[0].file) \(.problems[0].block // "")"' <<<"$OUT")"
}

claim "the record to damage has several sealed segments and blocks"
segments=$(find whole/journal -name '*.seg' | wc -l)
assert_at_least 2 "$segments"
segment=$(printf '%08d' $((segments - 1)))
file=journal/$segment.seg
assert_at_least 3 "$(blocks "whole/$file" | wc -l)"
before=$(sql "SELECT count(*) FROM events WHERE segment < $((segments - 1)) OR (segment = $((segments - 1)) AND block = 0)")

claim "a flipped byte is found in its block, and the blocks before it stay readable"
fresh
read -r at bytes _ < <(blocks "state/$file" | sed -n 2p)
python3 - "state/$file" $((at + bytes / 2)) <<-'PY'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    f.seek(int(sys.argv[2]))
	    byte = f.read(1)[0]
	    f.seek(-1, 1)
	    f.write(bytes([byte ^ 0x10]))
PY
assert_first_bad "$file" 1
assert_at_least "$before" "$(sql "SELECT type || boot_ns FROM events" 2>/dev/null | wc -l)"
assert_at_least "$before" "$(amber events 2>/dev/null | wc -l)"

claim "a truncated segment is found, and its whole blocks stay readable"
fresh
truncate -s $((at + bytes / 2)) "state/$file"
assert_first_bad "$file" 1
assert_at_least "$before" "$(sql "SELECT type || boot_ns FROM events" 2>warning | wc -l)"
assert_contains "$(cat warning)" "rows are missing"

claim "two exchanged blocks are found at the first of them"
fresh
blocks "state/$file" >places
python3 - "state/$file" places <<-'PY'
	import sys
	places = [tuple(map(int, line.split())) for line in open(sys.argv[2])]
	(a, n, _), (b, m, _) = places[1], places[2]
	data = open(sys.argv[1], "rb").read()
	open(sys.argv[1], "wb").write(data[:a] + data[b:b + m] + data[a:a + n] + data[b + m:])
PY
assert_first_bad "$file" 1
assert_at_least "$before" "$(sql "SELECT type || boot_ns FROM events" 2>/dev/null | wc -l)"

claim "a segment that was taken out of the middle is missed"
fresh
rm "state/journal/00000001.seg"
assert_status 3 amber verify
assert_match "$OUT" '^first bad place: journal/0000000[12]\.seg'
assert_at_least 1 "$(sql "SELECT type || boot_ns FROM events" 2>/dev/null | wc -l)"

claim "one that was taken from the end is missed too"
fresh
rm "$(find state/journal -name '*.seg' | sort | tail -1)"
assert_status 3 amber verify
assert_at_least "$before" "$(sql "SELECT type || boot_ns FROM events" 2>/dev/null | wc -l)"

claim "another host's signature is not taken for this one's"
fresh
rm -rf other state/keys.old
"$AMBER" --state "$E2E_DIR/other" watch --duration 100ms >/dev/null 2>&1 || true
cp other/keys/host.pub state/keys/host.pub
assert_status 3 amber verify

claim "a damaged content is found, named, and never given out"
fresh
pack=$(find state/vault -name '*.pack' -size +64k | sort | head -1)
size=$(stat -c %s "$pack")
sha=$(sha256sum <"$BUSYBOX_ROOT/bin/busybox" | cut -d' ' -f1)
assert_status 0 amber vault get "$sha" --out good
dd if=/dev/urandom of="$pack" bs=1 seek=$((size / 2)) count=64 conv=notrunc status=none
assert_first_bad "vault/$(basename "$pack")"
assert_eq "$total" "$(sql "SELECT type || boot_ns FROM events" | wc -l)"

claim "a content whose bytes are wrong is not left under the wanted name"
fresh
for pack in state/vault/*.pack; do
	size=$(stat -c %s "$pack")
	dd if=/dev/urandom of="$pack" bs=1 seek=$((size / 4)) count=$((size / 2)) conv=notrunc status=none
done
assert_status 3 amber vault get "$sha" --out bad
assert_status 1 test -e bad

claim "a torn tail is cut by the next run, told as a gap, and the record is whole again"
rm -rf state
AMBER_STATE=$E2E_DIR/state
amber_start --set flush=50ms
sleep 0.3
amber_kill
printf 'ABLK torn' >>"$(find state/journal -name '*.seg' | sort | tail -1)"
assert_status 3 amber verify
assert_contains "$OUT" "file ends within block"
amber_start
amber_stop
assert_eq 1 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND reason='torn_tail'")"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND reason='not_running'")"
assert_status 0 amber verify
assert_contains "$OUT" "cut at their last whole block"
