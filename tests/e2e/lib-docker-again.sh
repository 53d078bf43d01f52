#!/bin/bash
# A second test meets the daemon that the first one started.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_docker

claim "the daemon and the image are there already"
assert_eq "$BUSYBOX_IMAGE" "$(docker image ls --format '{{.Repository}}:{{.Tag}}')"

claim "there is one daemon of the run"
daemons=("$E2E_RUN"/daemons/*-dockerd)
assert_eq 2-dockerd "${daemons[*]##*/}"
