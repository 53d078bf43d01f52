#!/bin/bash
# limit: 120 s
# Every command explains itself, its examples run, and its exit codes are those that the help names.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_runtime runc
need_commands jq man

amber_start
id=$(unique_id web)
make_bundle b "$id" /bin/sh -c 'echo x >/tmp/x; cp /bin/busybox /tmp/y; rm /tmp/y; sleep 0.1'
run_bundle runc "$E2E_DIR/b" "$id"
wait_until 5 amber ps "$id"
amber_stop
sha=$(sha256sum <"$BUSYBOX_ROOT/bin/busybox" | cut -d' ' -f1)
commands=$("$AMBER" --help | sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p')

claim "there are the commands of the contract, and each has a help with a usage and examples"
for name in doctor watch ps events query schema tree vault verify rules; do
	assert_match "$commands" "^$name\$"
done
for name in $commands; do
	assert_status 0 "$AMBER" "$name" --help
	assert_match "$OUT" "^amber $name - "
	assert_match "$OUT" "^usage: amber $name"
	assert_match "$OUT" "^examples\$"
	assert_status 0 "$AMBER" "$name" -h
done

claim "every example of the help runs against a record"
cp "$E2E_ROOT/tests/rules/base.yaml" "$E2E_ROOT/tests/rules/local.yaml" .
cat >question.sql <<<"SELECT count(*) FROM events"
ran=0
for name in $commands; do
	while IFS= read -r line; do
		case $line in
		*/etc/* | *systemctl*) continue ;; # installs something
		esac
		line=${line/--duration 15m/--duration 300ms}
		line=${line//SHA256/$sha}
		line=${line//9f86d081884c7d65/${sha:0:16}}
		line=$(sed -E "s/\bweb\b/$id/g; s#--state /mnt/copy#--state $AMBER_STATE#; s#/tmp/look#$E2E_DIR/look#" <<<"$line")
		case $line in
		"amber watch"*) line="$line --duration 300ms" ;;
		*--follow*) line="timeout -s INT 1 $line" ;;
		esac
		line=${line//amber /\"$AMBER\" --state $AMBER_STATE }
		status=0
		(cd "$E2E_DIR" && eval "$line") >example.out 2>&1 </dev/null || status=$?
		case $line:$status in
		*:0 | *watch*:4 | *--follow*:124 | *--follow*:130 | *doctor*:3) ;;
		*) fail "status $status from: $line
$(cat example.out)" ;;
		esac
		ran=$((ran + 1))
	done < <("$AMBER" "$name" --help | sed -n '/^examples$/,$s/^  \(amber .*\)/\1/p')
done
assert_at_least 20 "$ran"

claim "called wrongly, a command ends with 2 and says how it is called"
for line in "" "nonsense" "--nonsense ps" "events --type nonsense" "events --pid x" "vault" "vault get 12" \
	"query" "query DROP" "schema nonsense" "watch --duration x" "watch --set nonsense=1" "watch --set hold=x" \
	"ps a b" "tree"; do
	# Words are separated on purpose.
	# shellcheck disable=SC2086
	assert_status 2 "$AMBER" --state "$AMBER_STATE" $line
	assert_match "$OUT" '^amber: error: '
done

claim "what is not there is 1, with what to do"
assert_status 1 "$AMBER" --state "$E2E_DIR/none" ps
assert_match "$OUT" "nothing was recorded|cannot open"
assert_status 1 "$AMBER" --state "$E2E_DIR/none" events
assert_status 1 "$AMBER" --state "$E2E_DIR/none" verify
assert_status 1 amber tree no-such-container
assert_contains "$OUT" "amber ps"
assert_status 1 amber vault get "$(printf '0%.0s' {1..64})"
assert_status 1 amber ps no-such-container

claim "altered is 3, whole is 0, and a closed pipe is no crash"
assert_status 0 amber verify
cp -a state altered
chmod -R u+w altered
printf 'X' | dd of=altered/journal/00000001.seg bs=1 seek=2500 conv=notrunc status=none
assert_status 3 "$AMBER" --state "$E2E_DIR/altered" verify
"$AMBER" --state "$AMBER_STATE" events | head -1 >/dev/null || [ "${PIPESTATUS[0]}" = 1 ]

claim "a recorder that had to record a gap ends with 4"
AMBER_STATE=$E2E_DIR/gap
amber_start
amber_kill
assert_status 4 amber watch --duration 200ms
AMBER_STATE=$E2E_DIR/state

claim "completion is valid shell and knows every command and option"
"$AMBER" help --completion >completion
bash -n completion
for name in $commands; do
	assert_match "$(cat completion)" "\b$name\b"
done
assert_contains "$(cat completion)" "--follow"

claim "man pages render without a warning"
"$E2E_ROOT/tools/man" --help >/dev/null 2>&1 || true
mkdir -p man
"$AMBER" help --man >man/amber.1
for name in $commands; do
	"$AMBER" help --man "$name" >"man/amber-$name.1" || fail "no man page of $name"
done
for page in man/*.1; do
	warnings=$(MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>&1 >/dev/null)
	assert_eq "" "$warnings"
	assert_match "$(MANWIDTH=80 man -E UTF-8 -l "$page" 2>/dev/null | col -b)" '^NAME'
done
