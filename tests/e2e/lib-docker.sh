#!/bin/bash
# The private Docker daemon of the tests runs the imported busybox.
set -eu
# shellcheck source=tests/e2e/lib.sh
. "$E2E_ROOT/tests/e2e/lib.sh"
need_docker

claim "a container of the imported image runs and its output arrives"
assert_eq "from inside" "$(docker run --rm --network none "$BUSYBOX_IMAGE" echo "from inside")"

claim "the status of the container's command is docker's"
assert_status 7 docker run --rm --network none "$BUSYBOX_IMAGE" sh -c 'exit 7'

claim "a container removed with --rm is gone"
assert_eq "" "$(docker ps --all --quiet)"

claim "its root is an overlay"
assert_match "$(docker run --rm --network none "$BUSYBOX_IMAGE" mount)" '^overlay on / type overlay'

claim "the daemon is not the host's"
assert_eq "$E2E_RUN/docker/data" "$(docker info --format '{{.DockerRootDir}}')"
