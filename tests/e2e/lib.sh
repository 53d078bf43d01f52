#!/bin/bash
# lib.sh - what end-to-end tests share: claims, assertions, containers, and Amber itself.
#
# Sourced by every tests/e2e/NAME.sh after `set -eu`; tools/e2e runs them and sets
#   E2E_RUN   folder of the whole run: shared daemons and images
#   E2E_DIR   folder of this test, also its working directory
#   AMBER     the binary under test
# A test says what it shows (`claim TEXT`) before the lines that show it; the claim is named when one
# of them fails.  What a test does to the host is undone by `on_exit`, last first.

set -o pipefail -o errtrace

: "${E2E_RUN:?run it with tools/e2e}" "${E2E_DIR:?}" "${E2E_NAME:?}" "${E2E_ROOT:?}" "${AMBER:?}"

AMBER_STATE=$E2E_DIR/state
AMBER_PID=
BUSYBOX_ROOT=$E2E_RUN/busybox-root
BUSYBOX_IMAGE=amber-e2e/busybox:1
_claim=
_undo=()

# ---- claims, skips, and undoing --------------------------------------------------------------

claim()
{
	_claim=$*
	echo "claim: $*"
}

# Ends the test as skipped.  A skip is told in the summary, with the reason.
skip()
{
	echo "skip: $*"
	trap - ERR
	exit 77
}

# Ends the test as failed.
fail()
{
	echo "fail: $*" >&2
	return 1
}

# Runs a command when the test ends, however it ends.  Arguments are kept apart.  It is forgotten when
# called in a subshell, so not from what assert_status runs.
on_exit()
{
	_undo+=("$(printf '%q ' "$@")")
}

_on_error()
{
	echo "failed at ${BASH_SOURCE[1]##*/}:$1, claiming: ${_claim:-nothing yet}" >&2
}

_on_exit()
{
	local status=$? i

	trap - ERR EXIT
	set +e
	for ((i = ${#_undo[@]} - 1; i >= 0; i--)); do
		eval "${_undo[i]}"
	done
	if [ $status = 0 ] && [ -z "$_claim" ]; then
		echo "fail: the test claims nothing" >&2
		status=1
	fi
	exit $status
}

trap '_on_error $LINENO' ERR
trap _on_exit EXIT
trap 'exit 143' TERM INT HUP

# ---- assertions --------------------------------------------------------------------------------

# assert_eq EXPECTED ACTUAL
assert_eq()
{
	[ "$1" = "$2" ] && return 0
	echo "expected (-) and got (+):" >&2
	diff -u <(printf '%s\n' "$1") <(printf '%s\n' "$2") | tail -n +3 >&2 || true
	return 1
}

# assert_contains TEXT PART
assert_contains()
{
	case $1 in
	*"$2"*) return 0 ;;
	esac
	printf 'expected to find:\n%s\nin:\n%s\n' "$2" "$1" >&2
	return 1
}

# assert_lacks TEXT PART
assert_lacks()
{
	case $1 in
	*"$2"*)
		printf 'expected not to find:\n%s\nin:\n%s\n' "$2" "$1" >&2
		return 1
		;;
	esac
}

# assert_match TEXT EXTENDED_REGEX: a line of TEXT matches.
assert_match()
{
	grep -Eq -- "$2" <<<"$1" && return 0
	printf 'expected a line that matches:\n%s\nin:\n%s\n' "$2" "$1" >&2
	return 1
}

# assert_status N COMMAND...: output goes to $OUT and is shown when the status is another.
assert_status()
{
	local want=$1 got=0

	shift
	OUT=$("$@" 2>&1) || got=$?
	[ "$got" = "$want" ] && return 0
	printf 'expected status %s, got %s from: %s\n%s\n' "$want" "$got" "$*" "$OUT" >&2
	return 1
}

# assert_same_file A B: byte for byte.
assert_same_file()
{
	cmp -- "$1" "$2" >&2
}

# assert_at_least N TEXT: TEXT is a number and not smaller.
assert_at_least()
{
	case $2 in
	'' | *[!0-9]*) fail "'$2' is not a number" ;;
	*) [ "$2" -ge "$1" ] || fail "expected at least $1, got $2" ;;
	esac
}

# wait_until SECONDS COMMAND...: polls until the command succeeds.
wait_until()
{
	local deadline=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $deadline ] || fail "did not come true in time: $*" || return 1
		sleep 0.05
	done
}

# ---- what a test needs ---------------------------------------------------------------------------

need_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

need_commands()
{
	local name

	for name; do
		command -v "$name" >/dev/null || skip "needs $name"
	done
}

# The host's cgroup hierarchies that runtimes write to.
need_cgroups()
{
	[ -w /sys/fs/cgroup/cgroup.procs ] || [ -d /sys/fs/cgroup/unified ] || [ -d /sys/fs/cgroup/pids ] ||
		skip "needs a writable cgroup file system in /sys/fs/cgroup"
}

# A name that no other run of the tests uses: unique_id web -> web-ab12cd34.
unique_id()
{
	echo "$1-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')"
}

# ---- a file system for containers ------------------------------------------------------------------

# busybox_root DIR: a root directory with busybox and links to it.
busybox_root()
{
	local busybox applet

	need_commands busybox
	busybox=$(command -v busybox)
	mkdir -p "$1"/{bin,dev,etc,proc,root,run,sys,tmp,var}
	chmod 1777 "$1/tmp"
	cp "$(realpath "$busybox")" "$1/bin/busybox"
	for applet in $("$busybox" --list); do
		[ "$applet" = busybox ] || ln -sf busybox "$1/bin/$applet"
	done
	echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
	echo 'root:x:0:' >"$1/etc/group"
	"$1/bin/busybox" true || skip "busybox is not linked statically (install busybox-static)"
}

_shared_busybox_root()
{
	[ -d "$BUSYBOX_ROOT" ] || busybox_root "$BUSYBOX_ROOT"
}

# ---- daemons that tests share ----------------------------------------------------------------------

# _daemon ORDER-NAME LOG COMMAND...: starts it outside of the test's process group; tools/e2e ends it.
_daemon()
{
	local name=$1 log=$2 pid

	shift 2
	mkdir -p "$E2E_RUN/daemons"
	setsid "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# setsid does not fork when it leads no group, and then the pid is the daemon's.
	echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)" >"$E2E_RUN/daemons/$name"
	disown "$pid"
}

_start_docker()
{
	local dir=$E2E_RUN/docker

	mkdir -p "$dir"/{config,data,exec,containerd}
	cat >"$dir/containerd.toml" <<-TOML
		version = 2
		root = "$dir/containerd/root"
		state = "$dir/containerd/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		address = "$dir/containerd.sock"
	TOML
	echo '{}' >"$dir/daemon.json"
	_daemon 1-containerd "$dir/containerd.log" containerd --config "$dir/containerd.toml"
	wait_until 20 test -S "$dir/containerd.sock" || return 1
	_daemon 2-dockerd "$dir/dockerd.log" dockerd --config-file "$dir/daemon.json" \
		--host "$DOCKER_HOST" --data-root "$dir/data" --exec-root "$dir/exec" \
		--pidfile "$dir/dockerd.pid" --containerd "$dir/containerd.sock" \
		--bridge none --iptables=false --ip6tables=false \
		--exec-opt native.cgroupdriver=cgroupfs --shutdown-timeout 5
	wait_until 30 docker version || return 1
	tar -C "$BUSYBOX_ROOT" -c . |
		docker import --change 'CMD ["/bin/sh"]' - "$BUSYBOX_IMAGE" >/dev/null
}

# A private Docker daemon with the image $BUSYBOX_IMAGE, started by the first test that needs it.
# Containers have no network of their own: --network none or host.
need_docker()
{
	local dir=$E2E_RUN/docker

	need_root
	need_cgroups
	need_commands dockerd docker containerd runc tar
	export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir/config
	DOCKER_SOCKET=$dir/docker.sock
	CONTAINERD_SOCKET=$dir/containerd.sock
	_shared_busybox_root
	if [ ! -e "$dir" ]; then
		if _start_docker; then
			touch "$dir/ready"
		else
			tail -5 "$dir"/*.log >&2
		fi
	fi
	[ -e "$dir/ready" ] || skip "a Docker daemon cannot be started here: $(tail -1 "$dir/dockerd.log" 2>&1)"
	export DOCKER_SOCKET CONTAINERD_SOCKET
}

_start_cri()
{
	local dir=$E2E_RUN/cri

	mkdir -p "$dir"
	cat >"$dir/containerd.toml" <<-TOML
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		[grpc]
		address = "$dir/containerd.sock"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "docker.io/$BUSYBOX_IMAGE-pause"
		restrict_oom_score_adj = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		conf_dir = "$dir/none"
	TOML
	_daemon 3-containerd-cri "$dir/containerd.log" containerd --config "$dir/containerd.toml"
	wait_until 20 test -S "$dir/containerd.sock" || return 1
	tar -C "$BUSYBOX_ROOT" -c . |
		docker import --change 'CMD ["/bin/sleep", "600"]' - "$BUSYBOX_IMAGE-pause" >/dev/null
	docker save "$BUSYBOX_IMAGE" "$BUSYBOX_IMAGE-pause" >"$dir/images.tar"
	wait_until 20 ctr --address "$dir/containerd.sock" --namespace k8s.io images import "$dir/images.tar"
	docker rmi "$BUSYBOX_IMAGE-pause" >/dev/null
}

# A private containerd with the CRI plugin, as a Kubernetes node has it, with $BUSYBOX_IMAGE.
need_cri()
{
	local dir=$E2E_RUN/cri

	need_docker
	need_commands ctr curl python3
	CRI_SOCKET=$dir/containerd.sock
	if [ ! -e "$dir" ]; then
		if _start_cri; then
			touch "$dir/ready"
		else
			tail -5 "$dir/containerd.log" >&2
		fi
	fi
	[ -e "$dir/ready" ] || skip "a containerd with CRI cannot be started here: $(tail -1 "$dir/containerd.log" 2>&1)"
	export CRI_SOCKET
}

# ---- bare runtimes ---------------------------------------------------------------------------------

# need_runtime runc|crun: and its state is private to the run.
need_runtime()
{
	need_root
	need_cgroups
	need_commands "$1" python3
	RUNTIME_STATE=$E2E_RUN/$1
	export RUNTIME_STATE
	mkdir -p "$RUNTIME_STATE"
	_shared_busybox_root
}

need_runc()
{
	need_runtime runc
}

# _unmount DIR MOUNT: a test may have unmounted it already.
_unmount()
{
	if cd "$1" && mountpoint -q "$2"; then umount -l "$2"; fi
}

# make_bundle DIR ID COMMAND...: an OCI bundle whose root is an overlay over the busybox root.
# It is unmounted when the test ends.
make_bundle()
{
	local dir=$1 id=$2

	shift 2
	_shared_busybox_root
	mkdir -p "$dir"/{rootfs,upper,work}
	mount -t overlay overlay -o "lowerdir=$BUSYBOX_ROOT,upperdir=$dir/upper,workdir=$dir/work" "$dir/rootfs" ||
		skip "overlay cannot be mounted on $(stat -f -c %T "$dir")"
	on_exit _unmount "$PWD" "$dir/rootfs"
	"$E2E_ROOT/tools/oci-bundle" --rootfs "$dir/rootfs" --cgroup "/amber-e2e/$id" "$dir" "$@"
}

# crun refuses a host where both cgroup v1 and v2 have controllers.  There it is run where it cannot
# see the v2 hierarchy, inside a v2 cgroup made for it, so that the container has one.
_crun_refuses_cgroups()
{
	grep -qs . /sys/fs/cgroup/unified/cgroup.controllers
}

# _runtime RUNTIME ID ARGUMENT...: replaces the shell that calls it.
_runtime()
{
	local runtime=$1 cgroup=/sys/fs/cgroup/unified/amber-e2e/$2

	shift 2
	if [ "$runtime" = crun ] && _crun_refuses_cgroups; then
		mkdir -p "$cgroup"
		echo "$BASHPID" >"$cgroup/cgroup.procs"
		# The inner shell's own arguments are meant.
		# shellcheck disable=SC2016
		exec unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' sh \
			crun --root "$E2E_RUN/crun" "$@"
	fi
	exec "$runtime" --root "$E2E_RUN/$runtime" "$@"
}

# run_bundle RUNTIME DIR ID: in the foreground; the container is deleted when its command ends.
run_bundle()
{
	local status=0

	(_runtime "$1" "$3" run --bundle "$2" "$3") </dev/null || status=$?
	delete_container "$1" "$3" # of it, only a cgroup can be left
	return $status
}

# start_bundle RUNTIME DIR ID: detached; killed and deleted when the test ends.
start_bundle()
{
	on_exit delete_container "$1" "$3"
	(_runtime "$1" "$3" run --detach --bundle "$2" --pid-file "$2/pid" "$3") </dev/null >"$2/out" 2>&1
}

delete_container()
{
	local cgroup=/sys/fs/cgroup/unified/amber-e2e/$2

	(_runtime "$1" "$2" delete --force "$2") >/dev/null 2>&1 || true
	[ ! -d "$cgroup" ] || wait_until 5 rmdir "$cgroup" || true # its last process may still be exiting
}

# ---- Amber -----------------------------------------------------------------------------------------

amber()
{
	"$AMBER" --state "$AMBER_STATE" "$@"
}

# amber_start [OPTION]...: a recorder on $AMBER_STATE; returns when it says that it is ready.
amber_start()
{
	rm -f "$E2E_DIR/ready"
	"$AMBER" --state "$AMBER_STATE" watch --ready "$E2E_DIR/ready" "$@" >"$E2E_DIR/watch.log" 2>&1 </dev/null &
	AMBER_PID=$!
	on_exit _amber_end
	wait_until 30 _amber_ready_or_dead || return 1
	[ -e "$E2E_DIR/ready" ] && return 0
	cat "$E2E_DIR/watch.log" >&2
	fail "amber watch ended before it was ready"
}

_amber_ready_or_dead()
{
	[ -e "$E2E_DIR/ready" ] || ! kill -0 "$AMBER_PID"
}

# amber_stop: seals and ends; done (0) and done with recorded gaps (4) are both an end in order.
amber_stop()
{
	local status=0

	kill -TERM "$AMBER_PID"
	wait "$AMBER_PID" || status=$?
	AMBER_PID=
	[ $status = 0 ] || [ $status = 4 ] && return 0
	cat "$E2E_DIR/watch.log" >&2
	fail "amber watch ended with status $status"
}

# amber_kill: as a crash would.
amber_kill()
{
	kill -KILL "$AMBER_PID"
	wait "$AMBER_PID" 2>/dev/null || true
	AMBER_PID=
}

_amber_end()
{
	[ -z "$AMBER_PID" ] || kill -TERM "$AMBER_PID" 2>/dev/null || true
}

# sql QUERY: the values of the first column, one a line, as they are.
sql()
{
	amber query --json "$1" | jq -r 'to_entries[0].value // ""'
}

# recorded QUERY: whether a count is above zero; for wait_until.
recorded()
{
	local n

	n=$(sql "$1") && [ -n "$n" ] && [ "$n" -gt 0 ]
}

# assert_json_lines FILE: every line is a JSON object in valid UTF-8, and there is one at least.
assert_json_lines()
{
	python3 - "$1" >&2 <<-'PY'
		import json, sys
		lines = open(sys.argv[1], "rb").read().decode("utf-8").split("\n")
		assert lines.pop() == "", "the last line has no end"
		assert lines, "there is no line"
		for line in lines:
		    assert isinstance(json.loads(line), dict), line
	PY
}

# assert_plain FILE: no control byte but the newline, and valid UTF-8: safe on a terminal.
assert_plain()
{
	python3 - "$1" >&2 <<-'PY'
		import sys
		for number, line in enumerate(open(sys.argv[1], "rb").read().split(b"\n"), 1):
		    text = line.decode("utf-8")
		    bad = [c for c in text if ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or ord(c) in (0x202e, 0x2028)]
		    assert not bad, f"line {number} has {bad[0]!r}: {text!r}"
	PY
}

# assert_aligned FILE: a table whose columns begin, or end, at the same place in every line.
assert_aligned()
{
	python3 - "$1" >&2 <<-'PY'
		import re, sys
		lines = open(sys.argv[1], encoding="utf-8").read().rstrip("\n").split("\n")
		assert len(lines) > 1, "a table has a line of titles and others"
		for title in re.finditer(r"\S+(?: \S+)*", lines[0]):
		    for line in lines[1:]:
		        left = title.start() == 0 or line[title.start() - 1:title.start()] in ("", " ")
		        right = line[title.end():title.end() + 1] in ("", " ")
		        assert left or right, f"{title[0]!r} is not aligned in {line!r}"
	PY
}

# need_palette: $PALETTE, a static program that does what its arguments say (palette.c).
need_palette()
{
	need_commands gcc
	PALETTE=$E2E_RUN/palette
	export PALETTE
	[ -x "$PALETTE" ] || gcc -O1 -static -o "$PALETTE" "$E2E_ROOT/tests/e2e/palette.c" ||
		skip "gcc cannot link statically"
}

# put_into DIR FILE TARGET: a file for a bundle, below its overlay (seen as part of the image).
put_into()
{
	mkdir -p "$(dirname "$1/rootfs$3")"
	cp "$2" "$1/rootfs$3"
}
