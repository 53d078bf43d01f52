/* identify_impl.h - what the files of identify share; nobody else includes it. */
#ifndef AMBER_RUNTIME_IDENTIFY_IMPL_H
#define AMBER_RUNTIME_IDENTIFY_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/limits.h"
#include "runtime/containerd.h"
#include "runtime/docker.h"
#include "runtime/identify.h"

#define EXPECTED	 256u		    /* starts that wait for their control group */
#define STREAMS		 16u		    /* sockets that are listened to */
#define QUIET_NS	 (5 * NSEC_PER_SEC) /* a socket that hung is not asked for so long */
#define WORKERS_MAX	 16u
#define SPACE_MAX	 80u
#define RESOLVE_ATTEMPTS 5u

enum job_kind {
	JOB_SCAN,    /* everything again */
	JOB_RESOLVE, /* one container, by id */
	JOB_MAYBE,   /* a control group whose name says nothing */
};

struct job {
	TAILQ_ENTRY(job) link;
	enum job_kind kind;
	enum container_runtime runtime; /* UNKNOWN: ask all */
	char id[LIMIT_CONTAINER_ID];
	char space[SPACE_MAX]; /* containerd's namespace, "" unknown */
	uint64_t cgroup_id;
	char *path; /* of the group; owned, or NULL */
	unsigned attempt;
	uint64_t due_ns; /* boot_ns */
};

/* A container that the hold saw and the path where its group will be. */
struct expected {
	char id[LIMIT_CONTAINER_ID];
	char path[512]; /* linux.cgroupsPath; "" when the runtime chooses */
};

struct stream {
	struct identify *i;
	const char *socket; /* owned */
	bool containerd;
	struct docker_stream docker;
	struct containerd_stream grpc;
	pthread_t thread;
	bool started;
};

struct counters {
	_Atomic uint64_t resolved, unresolved, dropped, unparsed, failed, broken;
};

struct identify {
	struct registry *registry;
	const struct event_sink *sink;
	const struct cgroup_host *cgroups;
	char **docker_sockets, **docker_roots, **containerd_sockets;
	char **podman_sockets, **podman_storages, **oci_roots;
	_Atomic uint64_t docker_quiet[STREAMS], containerd_quiet[STREAMS]; /* until, boot_ns */

	pthread_mutex_t lock; /* the queue and `expected` */
	pthread_cond_t changed;
	TAILQ_HEAD(, job) jobs;
	size_t job_count, busy;
	bool stop;
	struct expected expected[EXPECTED];
	size_t expected_next;

	pthread_t workers[WORKERS_MAX];
	unsigned worker_count;
	struct stream streams[STREAMS];
	size_t stream_count;
	struct counters count;
};

/* Queues a copy of `j`, to be done `delay_ms` from now; counts it when there is no room. */
void identify_queue(struct identify *i, const struct job *j, unsigned delay_ms);

/* Queues the look-up of one container. */
void identify_queue_id(struct identify *i, enum container_runtime runtime, struct span id,
		       struct span space, unsigned delay_ms);

/* Does a job; true when it found what it looked for. */
bool identify_do(struct identify *i, const struct job *j);

/* Puts a draft and counts a failure. */
void identify_put(struct identify *i, const struct draft *d, enum source source);

/* The thread of a stream. */
void *identify_listen(void *stream);

/* Binds a container's group with what its name tells; queues the look-up of the rest. */
int identify_bind(struct identify *i, const struct cgroup_name *name, uint64_t cgroup_id,
		  const char *path, struct err *e);

/* Whether identify_stop was called. */
bool identify_stopping(struct identify *i);

#endif
