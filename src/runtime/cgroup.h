/* cgroup.h - the host's control group hierarchies, and which of their groups are containers.
 *
 * "The hierarchy" is the one that the probe attributes events by: the unified one (version 2)
 * where it is mounted, also in a hybrid layout, else the first version 1 hierarchy of systemd,
 * memory, pids, cpu.  A path is taken from that hierarchy's root and starts with '/'.  An id is
 * the inode number of the group's folder, which is what bpf_get_current_cgroup_id() gives. */
#ifndef AMBER_RUNTIME_CGROUP_H
#define AMBER_RUNTIME_CGROUP_H

#include "base/auto.h"
#include "base/buf.h"
#include "model/container.h"

enum cgroup_mode {
	CGROUP_UNIFIED, /* version 2 alone */
	CGROUP_HYBRID,	/* version 2 for processes, controllers in version 1 */
	CGROUP_LEGACY,	/* version 1 alone: the probe sees no groups */
};

/* "unified", "hybrid", "legacy". */
const char *cgroup_mode_name(enum cgroup_mode mode);

#define CGROUP_CONTROLLERS 24

/* A mounted version 1 hierarchy: "memory", "cpu,cpuacct", "name=systemd". */
struct cgroup_v1 {
	char controllers[64];
	char mount[256];
};

struct cgroup_host {
	enum cgroup_mode mode;
	char mount[256];      /* of the hierarchy */
	char controllers[64]; /* of the hierarchy when it is of version 1, else "" */
	int root_fd;	      /* its root */
	struct cgroup_v1 v1[CGROUP_CONTROLLERS];
	size_t v1_count;
};

/* Finds the hierarchies in a mountinfo file (NULL: /proc/self/mountinfo) and opens the root of the
 * hierarchy.  -ENOENT when no control groups are mounted. */
int cgroup_open(struct cgroup_host *h, const char *mountinfo, struct err *e);
void cgroup_close(struct cgroup_host *h);
DEFINE_AUTO(cgroup, struct cgroup_host, cgroup_close);

/* The id of the group at `path`. */
int cgroup_id(const struct cgroup_host *h, const char *path, uint64_t *ret_id, struct err *e);

/* The path of the group with that id (LIMIT_PATH bytes).  -ESTALE or -ENOENT when it is gone. */
int cgroup_path(const struct cgroup_host *h, uint64_t id, char *ret_path, struct err *e);

/* The group of a process in the hierarchy (LIMIT_PATH bytes). */
int cgroup_of_pid(const struct cgroup_host *h, uint32_t pid, char *ret_path, struct err *e);

/* Finds in the text of a /proc/PID/cgroup file the path in the hierarchy with these `controllers`
 * ("" or NULL: the unified one); borrowed from `text`. */
bool cgroup_parse_proc(struct span text, const char *controllers, struct span *ret_path);

/* The processes that are in the group itself, up to `max` of them.  *ret_n is how many there are,
 * which may be more than `max`. */
int cgroup_procs(const struct cgroup_host *h, const char *path, uint32_t *pids, size_t max,
		 size_t *ret_n, struct err *e);

/* Calls `fn` with every group below the root, parents before children, until it returns other
 * than 0.  Groups that go away meanwhile are left out.  -E2BIG behind LIMIT_CGROUP_WALK groups. */
int cgroup_walk(const struct cgroup_host *h, int (*fn)(void *ctx, const char *path, uint64_t id),
		void *ctx, struct err *e);

/* What a path says about the container that it belongs to; borrowed from the path. */
struct cgroup_name {
	enum container_runtime runtime; /* UNKNOWN for a bare id */
	struct span id;
	struct span own;  /* path of the container's own group: `path` or an ancestor */
	char pod_uid[40]; /* Kubernetes; "" when it says none */
};

/* Reads the names that runtimes give: docker-ID.scope, /docker/ID, cri-containerd-ID.scope,
 * crio-ID[.scope], libpod-ID[.scope], libpod-payload-ID, nerdctl-ID.scope, a bare ID of 64
 * hexadecimal digits, kubepods[-...]/podUID.  The outermost container counts.  False when the path
 * names no container. */
bool cgroup_name_parse(struct span path, struct cgroup_name *ret_name);

#endif
