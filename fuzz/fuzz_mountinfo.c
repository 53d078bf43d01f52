/* fuzz_mountinfo.c - the reader of /proc/PID/mountinfo, whose names are a container's. */
#include <stdlib.h>

#include "record/keeper_mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size), line;
	struct keeper_mount mount;

	while (keeper_mount_line(&text, &line)) {
		if (!keeper_mount_parse(line, &mount))
			continue;
		if (mount.point.n >= LIMIT_PATH || mount.point_text[mount.point.n] != '\0')
			abort();
	}
	(void)keeper_mount_walkable(span_make(data, size), span_of("/tmp/a"));
	return 0;
}
