/* container.c - see container.h. */
#include "model/container.h"

#include "base/auto.h"

const char *container_runtime_name(enum container_runtime runtime)
{
	static const char *const names[] = {
		[RUNTIME_UNKNOWN] = "unknown",
		[RUNTIME_DOCKER] = "docker",
		[RUNTIME_CONTAINERD] = "containerd",
		[RUNTIME_CRIO] = "crio",
		[RUNTIME_PODMAN] = "podman",
		[RUNTIME_RUNC] = "runc",
		[RUNTIME_CRUN] = "crun",
	};
	return (unsigned)runtime < ARRAY_LEN(names) ? names[runtime] : "unknown";
}

const char *container_state_name(enum container_state state)
{
	static const char *const names[] = {
		[CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",
		[CONTAINER_DEAD] = "dead",
	};
	return (unsigned)state < ARRAY_LEN(names) ? names[state] : "unknown";
}
