#!/bin/bash
# limit: 60 s
# Rules in Falco's language over what a container did, after it is gone.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq

amber_start
id=$(unique_id hunted)
make_bundle b "$id" /attack.sh
mkdir -p b/rootfs/run/secrets
echo made-up >b/rootfs/run/secrets/token
cat >b/rootfs/attack.sh <<-'SH'
	#!/bin/sh
	cp /bin/busybox /tmp/busybox-x
	/tmp/busybox-x cat /run/secrets/token
	rm /tmp/busybox-x
	ls /
SH
chmod 755 b/rootfs/attack.sh
assert_status 0 run_bundle runc "$E2E_DIR/b" "$id"
wait_until 5 recorded "SELECT count(*) FROM events WHERE container='$id' AND type='cgroup.rmdir'"
amber_stop

cat >rules.yaml <<-'YAML'
	- list: temporary
	  items: [/tmp, /var/tmp, /dev/shm]
	- macro: spawned
	  condition: evt.type in (execve, execveat) and evt.failed=false
	- rule: Program of a temporary folder
	  desc: an executable that was not installed
	  condition: spawned and proc.exepath pmatch (temporary)
	  output: "%proc.exepath by %proc.pname: %proc.cmdline"
	  priority: CRITICAL
	  tags: [T1036]
	- rule: Token read
	  desc: a token of a service account
	  condition: evt.type in (open, openat, openat2) and evt.is_open_read=true and fd.name endswith /token
	  output: "%proc.name read %fd.name"
	  priority: WARNING
	- rule: Foreign image
	  desc: nobody knows the image here
	  condition: spawned and not container.image.repository in (known)
	  output: "%proc.name of %container.image.repository"
	  priority: NOTICE
YAML

claim "the rules are good"
assert_status 0 amber rules check rules.yaml

claim "what the container did is found, with who did it"
amber --json hunt --container "$id" --rules rules.yaml >found.json 2>/dev/null
assert_json_lines found.json
assert_eq "Critical|Program of a temporary folder|/tmp/busybox-x by attack.sh: busybox-x cat /run/secrets/token|T1036
Warning|Token read|busybox-x read /run/secrets/token|" "$(jq -r '"\(.priority)|\(.rule)|\(.output)|\(.tags | join(","))"' found.json)"

claim "each field of the output stands beside it"
assert_eq "/tmp/busybox-x attack.sh" \
	"$(head -1 found.json | jq -r '"\(.output_fields["proc.exepath"]) \(.output_fields["proc.pname"])"')"

claim "the same record and the same rules give the same findings"
amber --json hunt --container "$id" --rules rules.yaml 2>/dev/null | cmp - found.json

claim "an image that nobody knows is no foreign image, but Falco's way it is"
amber hunt --falco-exact --container "$id" --rules rules.yaml 2>/dev/null >exact
assert_contains "$(cat exact)" "Foreign image"

claim "nothing is run when a rule is wrong, and its place is told"
sed 's/proc.exepath pmatch/proc.exepat pmatch/' rules.yaml >wrong.yaml
assert_status 3 amber hunt --rules wrong.yaml
assert_match "$OUT" "wrong.yaml:7:[0-9]+: error"

claim "what cannot be answered is told"
sed 's/evt.is_open_read=true/evt.buffer contains x/' rules.yaml >blind.yaml
assert_status 0 amber hunt --rules blind.yaml
assert_contains "$OUT" "Token read"
