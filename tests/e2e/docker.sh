#!/bin/bash
# limit: 120 s
# What Docker knows of a container is known with its first event, and stays when Docker has forgotten it.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_docker
need_commands jq
need_palette

amber_start --set "docker_socket=$DOCKER_SOCKET;containerd_socket=$CONTAINERD_SOCKET"
web=web-$RANDOM
{ cat "$PALETTE" && echo "unique $web"; } >payload
sha=$(sha256sum <payload | cut -d' ' -f1)
docker run --rm --name "$web" --network none -l a=b -l 'odd="x"' -v "$E2E_DIR:/in:ro" "$BUSYBOX_IMAGE" sh -c '
	cp /in/payload /tmp/p; chmod +x /tmp/p; /tmp/p; rm /tmp/p
	echo "line on stdout"; echo "line on stderr" >&2; exit 9' >out 2>&1 || echo $? >status
wait_until 5 amber ps --json "$web" # the catalog is written once a second
id=$(amber ps --json "$web" | jq -r .id)
wait_until 5 recorded "SELECT count(*) FROM events WHERE container='$id' AND type='container.state' AND reason='dead'"

claim "the container ran as it would have without a recorder"
assert_eq 9 "$(cat status)"
assert_eq "$(printf 'line on stderr\nline on stdout')" "$(sort out)"
assert_eq "" "$(docker ps --all --quiet --filter "name=$web")"

claim "the first event of the container has its name and its image"
assert_eq "$web $BUSYBOX_IMAGE" "$(sql "SELECT container_name || ' ' || image FROM events WHERE container='$id' ORDER BY boot_ns LIMIT 1")"

claim "so have its first program and every other event"
assert_eq "$web" "$(sql "SELECT container_name FROM events WHERE container='$id' AND type='process.exec' AND vpid=1 ORDER BY boot_ns LIMIT 1")"
assert_eq 0 "$(sql "SELECT count(*) FROM events WHERE container='$id' AND (container_name IS NULL OR image IS NULL)")"

claim "the lines that it printed are there after docker has deleted them"
assert_eq "stderr:line on stderr
stdout:line on stdout" "$(sql "SELECT stream || ':' || text FROM events WHERE container='$id' AND type='container.log' ORDER BY 1")"

claim "its deleted binary comes back by hash"
amber vault get "$sha" >recovered
assert_same_file payload recovered

claim "the tombstone has the exit code and the times"
assert_eq "dead 9 docker" "$(amber ps --json "$web" | jq -r '"\(.state) \(.exit_code) \(.runtime)"')"
assert_eq "true true" "$(amber ps --json "$web" | jq -r '"\(.created != null) \(.died != null)"')"

claim "labels, removal and privileges are known"
assert_eq 'b "x" no yes' "$(amber ps --json "$web" | jq -r '"\(.labels | from_entries | .a) \(.labels | from_entries | .odd) \(.privileged) \(.auto_remove)"')"
assert_match "$(amber ps --json "$web" | jq -r .image_id)" '^(sha256:)?[0-9a-f]{64}$'

claim "the restart policy of another is known while it lives"
db=db-$RANDOM
docker run -d --name "$db" --network none --restart on-failure:3 "$BUSYBOX_IMAGE" sleep 300 >/dev/null
db_id=$(docker inspect -f '{{.Id}}' "$db")
on_exit docker rm -f "$db_id"
wait_until 5 recorded "SELECT count(*) FROM containers WHERE id='$db_id' AND state='running'"
assert_eq "running on-failure:3 no" "$(amber ps --json "$db" | jq -r '"\(.state) \(.restart) \(.privileged)"')"
assert_match "$(amber ps --alive)" "$db"

claim "one that was only created is known, with its privileges"
# A test host may not be able to start it: that needs every capability.
docker create --name "$db-bare" --privileged "$BUSYBOX_IMAGE" true >/dev/null
on_exit docker rm -f "$db-bare"
wait_until 5 recorded "SELECT count(*) FROM containers WHERE name='$db-bare'"
assert_eq "created yes" "$(amber ps --json "$db-bare" | jq -r '"\(.state) \(.privileged)"')"

claim "what docker exec runs belongs to the container"
docker exec "$db" sh -c 'echo secret >/tmp/by-exec; true'
wait_until 5 recorded "SELECT count(*) FROM events WHERE container='$db_id' AND type='file.open' AND path='/tmp/by-exec'"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE container='$db_id' AND type='process.exec' AND argv LIKE 'sh -c%by-exec%'")"

claim "a new name is followed, and the old one stays with what it named"
docker rename "$db" "$db-new"
wait_until 5 recorded "SELECT count(*) FROM containers WHERE id='$db_id' AND name='$db-new'"
docker exec "$db-new" touch /tmp/after
wait_until 5 recorded "SELECT count(*) FROM events WHERE container='$db_id' AND container_name='$db-new' AND path='/tmp/after'"
assert_at_least 1 "$(sql "SELECT count(*) FROM events WHERE container='$db_id' AND container_name='$db'")"

claim "one that is killed has the signal's exit code, in the record and in ps"
docker kill "$db-new" >/dev/null
wait_until 8 recorded "SELECT count(*) FROM containers WHERE id='$db_id' AND state='dead'"
assert_eq 137 "$(amber ps --json "$db-new" | jq -r .exit_code)"

claim "nothing of the containers was lost, and the record is whole"
amber_stop
assert_eq 0 "$(sql "SELECT count(*) FROM events WHERE type='gap' AND container IN ('$id', '$db_id')")"
assert_status 0 amber verify
