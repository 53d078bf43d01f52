/* identify.h - who the containers are: the front of all runtimes.
 *
 * Four things lead to an identity, in any order, and the registry merges what each knows:
 *   identify_bundle   the start hold saw the OCI runtime being started: the container is known,
 *                     with its root, before its first instruction (only local files are read)
 *   identify_cgroup   the kernel made a control group: it is bound to that container, or gets an
 *                     identity from its name at once and the rest from a worker
 *   event streams     of Docker and containerd: starts, renames, exits
 *   a scan            of control groups, state folders and daemons at the start and whenever a
 *                     stream was broken (the time between is a gap record)
 * What nobody knows stays unknown.  Identity changes go to the sink as container.state. */
#ifndef AMBER_RUNTIME_IDENTIFY_H
#define AMBER_RUNTIME_IDENTIFY_H

#include "model/event.h"
#include "runtime/cgroup.h"
#include "runtime/registry.h"

/* Lists end with NULL; a NULL list stands for the usual places.  In a folder of oci_roots, a last
 * component "*" stands for every folder there. */
struct identify_options {
	struct registry *registry;
	const struct event_sink *sink; /* NULL: changes and gaps go nowhere */
	const struct cgroup_host *cgroups;
	const char *const *docker_sockets;
	const char *const *docker_roots;
	const char *const *containerd_sockets;
	const char *const *podman_sockets;
	const char *const *podman_storages;
	const char *const *oci_roots;
	unsigned workers; /* 0: 2 */
};

struct identify_stats {
	uint64_t resolved;   /* look-ups that found something */
	uint64_t unresolved; /* containers of which no runtime knew */
	uint64_t dropped;    /* look-ups that did not fit the queue */
	uint64_t unparsed;   /* event messages of runtimes that could not be read */
	uint64_t failed;     /* answers and files that could not be read: dead socket, garbage */
	uint64_t broken;     /* times an event stream broke */
};

struct identify;

/* Starts the workers and the listeners and queues the first scan.  Registry, sink and cgroups are
 * borrowed until identify_stop. */
int identify_start(const struct identify_options *o, struct identify **ret_i, struct err *e);

/* Ends the threads; waits for a look-up that is under way, a few seconds at most. */
void identify_stop(struct identify *i);

/* Waits until no look-up is waiting or under way: -ETIMEDOUT behind `deadline_ms`. */
int identify_settle(struct identify *i, unsigned deadline_ms, struct err *e);

/* The OCI runtime is about to create container `id` from the absolute path `bundle`.  Reads the
 * bundle and, for Docker and Podman, their files, all local, and puts the container into the
 * registry as CREATED.  `kind` is what the caller knows of the runtime's binary (RUNTIME_RUNC,
 * RUNTIME_CRUN) and counts when nothing better does.  *ret_c (may be NULL) is a copy for free(). */
int identify_bundle(struct identify *i, enum container_runtime kind, const char *id,
		    const char *bundle, struct container **ret_c, struct err *e);

enum identify_result {
	IDENTIFY_HOST,	  /* no container's, as far as is known now */
	IDENTIFY_NEW,	  /* a container's own group */
	IDENTIFY_NESTED,  /* inside of a known container's */
	IDENTIFY_PENDING, /* a name that says nothing; a worker looks for it in the state folders */
};

/* The kernel made a control group, or one is seen for the first time.  Does not block.  When a
 * worker finds out that a PENDING one is a container's, the registry's listeners hear of it. */
int identify_cgroup(struct identify *i, uint64_t cgroup_id, const char *path,
		    enum identify_result *ret_result, struct err *e);

/* The first process of a container ended (its pid in the container's namespace was 1, or it is
 * the registry's init_pid).  The exit code is the shell's: 128 + signal for a signal. */
void identify_exit(struct identify *i, uint64_t cgroup_id, int32_t exit_code, uint64_t real_ns);

/* The control group was removed: the container is dead, and a worker asks for its exit code where
 * identify_exit did not tell it. */
void identify_gone(struct identify *i, uint64_t cgroup_id, uint64_t real_ns);

void identify_stats(struct identify *i, struct identify_stats *ret_stats);

#endif
