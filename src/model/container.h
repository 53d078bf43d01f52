/* container.h - who the containers are.
 *
 * One container has one identity from its first instruction on, and keeps it after death
 * (a tombstone).  What no runtime has told is unknown: an empty span or UNKNOWN, never a guess. */
#ifndef AMBER_MODEL_CONTAINER_H
#define AMBER_MODEL_CONTAINER_H

#include <stdint.h>

#include "base/span.h"

enum truth {
	TRUTH_UNKNOWN,
	TRUTH_NO,
	TRUTH_YES
};

enum container_runtime {
	RUNTIME_UNKNOWN,
	RUNTIME_DOCKER,
	RUNTIME_CONTAINERD,
	RUNTIME_CRIO,
	RUNTIME_PODMAN,
	RUNTIME_RUNC,
	RUNTIME_CRUN,
};

enum container_state {
	CONTAINER_CREATED, /* known, its first process has not run yet */
	CONTAINER_RUNNING,
	CONTAINER_DEAD, /* a tombstone */
};

struct container_mount {
	struct span source, target, type; /* source on the host, target inside */
	enum truth writable;
};

struct container_label {
	struct span key, value;
};

/* Borrowed view; whoever hands it out owns the bytes and says how long they live. */
struct container {
	uint64_t rev; /* names this exact content; any change gives a larger one; 0 unset */
	uint64_t
		cgroup_id; /* inode of its cgroup in the hierarchy that the probe uses; 0 unknown */
	struct span id;	   /* the runtime's own id, whole */
	struct span name;  /* without Docker's leading slash */
	struct span image; /* as the user named it: "nginx:1.25" */
	struct span image_id; /* "sha256:..." of the image's configuration */
	struct span digest;   /* "sha256:..." of the manifest, where it came from a registry */
	struct span pod;      /* Kubernetes: pod, namespace and uid; or the Podman pod's name */
	struct span pod_namespace;
	struct span pod_uid;
	struct span cgroup_path; /* in that hierarchy, from its root: "/docker/3f2a..." */
	struct span rootfs;	 /* merged root on the host, from the runtime */
	struct span upper_dir;	 /* overlay's writable layer on the host, where there is one */
	struct span bundle;	 /* OCI bundle */
	struct span log_path;	 /* json-file or CRI log on the host */
	struct span restart;	 /* restart policy: "no", "always", "on-failure:3" */
	struct span user;	 /* user that the image or the caller asked for */
	struct span command;	 /* the configured argv, joined by spaces: a claim */
	enum container_runtime runtime;
	enum container_state state;
	enum truth privileged;
	enum truth auto_remove;			  /* docker run --rm */
	uint32_t init_pid;			  /* in the initial pid namespace; 0 unknown */
	int32_t exit_code;			  /* of a dead one; -1 unknown */
	uint64_t created_ns, started_ns, died_ns; /* real_ns; 0 unknown */
	const struct container_label *labels;
	size_t label_count;
	const struct container_mount *mounts;
	size_t mount_count;
	struct span
		conflict; /* what a runtime claims against the kernel's facts, as JSON members */
	uint32_t cut;	  /* texts, labels and mounts shortened or left out at a limit */
};

/* "docker", "containerd", ...; never NULL. */
const char *container_runtime_name(enum container_runtime runtime);

/* "created", "running", "dead"; never NULL. */
const char *container_state_name(enum container_state state);

#endif
