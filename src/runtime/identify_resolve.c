/* identify_resolve.c - the look-ups: each source in turn, weakest first, merged by the registry. */
#include <fcntl.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "runtime/identify_impl.h"
#include "runtime/oci.h"
#include "runtime/podman.h"
#include "runtime/statefile.h"

void identify_put(struct identify *i, const struct draft *d, enum source source)
{
	struct err ignored = ERR_INIT; /* counted */

	if (registry_put(i->registry, &d->c, source, NULL, &ignored) < 0)
		atomic_fetch_add(&i->count.failed, 1);
}

/* A look-up's result: counts what is neither found nor plainly absent. */
static bool outcome(struct identify *i, int r)
{
	if (r < 0 && r != -ENOENT && r != -ECONNREFUSED && r != -ENOTDIR)
		atomic_fetch_add(&i->count.failed, 1);
	return r == 0;
}

/* Whether a socket may be asked: one that hung would keep every worker waiting in turn, while files
 * tell most.  What is passed over is tried again. */
static bool may_ask(_Atomic uint64_t *quiet)
{
	return clock_boot_ns() >= atomic_load(quiet);
}

static bool asked(struct identify *i, _Atomic uint64_t *quiet, int r)
{
	if (r == -ETIMEDOUT)
		atomic_store(quiet, clock_boot_ns() + QUIET_NS);
	return outcome(i, r);
}

/* Whether `path` is `own` or below it. */
static bool is_within(const char *path, struct span own)
{
	return own.n && strlen(path) >= own.n && memcmp(path, own.p, own.n) == 0 &&
	       (path[own.n] == '\0' || path[own.n] == '/');
}

/* Whether the last component of `path` names the container: it is the id, or holds a long one. */
static bool names(const char *path, struct span id)
{
	struct span base = path_base(span_of(path));

	return span_eq(base, id) || (id.n >= 12 && span_contains(base, id));
}

static void set_conflict(struct draft *d, const char *actual)
{
	AUTO(buf) struct buf text = {.max = LIMIT_IDENTITY_TEXT};
	struct json j = json_to(&text);

	json_object(&j, NULL);
	json_u64(&j, "claimed_init_pid", d->c.init_pid);
	json_text(&j, "cgroup_of_that_pid", actual);
	json_object_end(&j);
	if (buf_check(&text, "a conflict", &(struct err)ERR_INIT) == 0)
		draft_set(d, &d->c.conflict, buf_span(&text));
}

/* Holds the pid that a runtime claims against the kernel: it must be in the container's group.
 * Where the group is not known yet, the pid leads to it, when the group's name or the OCI
 * runtime's state agrees; a pid that was given to another process since proves nothing. */
static void check_pid(struct identify *i, struct draft *d, struct span claimed_path)
{
	struct err ignored = ERR_INIT; /* a process that is gone can be held against nothing */
	char path[LIMIT_PATH];
	struct span own = span_make(NULL, 0);
	const struct container *known;
	unsigned section;
	bool bound;

	if (!d->c.init_pid || cgroup_of_pid(i->cgroups, d->c.init_pid, path, &ignored) < 0)
		return;
	section = registry_read_lock(i->registry);
	known = registry_find_id(i->registry, d->c.id);
	bound = d->c.cgroup_id || (known && known->cgroup_id && known->state != CONTAINER_DEAD);
	if (bound)
		own = d->c.cgroup_id ? d->c.cgroup_path : known->cgroup_path;
	if (bound && !is_within(path, own)) {
		set_conflict(d, path);
		d->c.init_pid = 0;
	} else if (!bound && (names(path, d->c.id) || span_is(claimed_path, path))) {
		uint64_t id;

		if (cgroup_id(i->cgroups, path, &id, &ignored) == 0) {
			d->c.cgroup_id = id;
			draft_set(d, &d->c.cgroup_path, span_of(path));
		}
	}
	registry_read_unlock(i->registry, section);
}

/* What all sources end with. */
static void finish(struct identify *i, struct draft *d, enum source source)
{
	struct span claimed = d->c.cgroup_path;

	if (!d->c.cgroup_id)
		d->c.cgroup_path = span_make(NULL, 0); /* until the kernel agrees */
	check_pid(i, d, claimed);
	oci_fill_upper_dir(d);
	identify_put(i, d, source);
}

static bool ask_docker(struct identify *i, const struct job *j)
{
	bool found = false;

	for (size_t k = 0; i->docker_roots[k] && !found; k++) {
		struct err why = ERR_INIT; /* counted by outcome */
		AUTO(draft) struct draft d = DRAFT_INIT;

		found = outcome(i, docker_read_disk(i->docker_roots[k], j->id, &d, &why));
		if (found)
			finish(i, &d, SOURCE_DISK);
	}
	for (size_t k = 0; i->docker_sockets[k]; k++) {
		struct err why = ERR_INIT; /* counted by outcome */
		AUTO(draft) struct draft d = DRAFT_INIT;

		if (!may_ask(&i->docker_quiet[k]) ||
		    !asked(i, &i->docker_quiet[k],
			   docker_inspect(i->docker_sockets[k], j->id, &d, &why)))
			continue;
		finish(i, &d, SOURCE_API);
		return true;
	}
	return found;
}

static bool ask_containerd(struct identify *i, const struct job *j)
{
	for (size_t k = 0; i->containerd_sockets[k]; k++) {
		struct err why = ERR_INIT; /* counted by outcome */
		const char *socket = i->containerd_sockets[k], *name = j->space;
		_Atomic uint64_t *quiet = &i->containerd_quiet[k];
		AUTO(draft) struct draft d = DRAFT_INIT;
		AUTO(buf) struct buf space = {.max = SPACE_MAX};

		if (!name[0] && may_ask(quiet) &&
		    asked(i, quiet, containerd_find(socket, j->id, &space, &why)))
			name = buf_text(&space);
		if (!name || !name[0] || !may_ask(quiet) ||
		    !asked(i, quiet, containerd_inspect(socket, name, j->id, &d, &why)))
			continue;
		finish(i, &d, SOURCE_API);
		return true;
	}
	return false;
}

static bool ask_podman(struct identify *i, const struct job *j)
{
	bool found = false;

	for (size_t k = 0; i->podman_storages[k] && !found; k++) {
		struct err why = ERR_INIT; /* counted by outcome */
		AUTO(draft) struct draft d = DRAFT_INIT;

		found = outcome(i, podman_read_disk(i->podman_storages[k], j->id, &d, &why));
		if (found)
			finish(i, &d, SOURCE_DISK);
	}
	for (size_t k = 0; i->podman_sockets[k]; k++) {
		struct err why = ERR_INIT; /* counted by outcome */
		AUTO(draft) struct draft d = DRAFT_INIT;

		if (!outcome(i, podman_inspect(i->podman_sockets[k], j->id, &d, &why)))
			continue;
		finish(i, &d, SOURCE_API);
		return true;
	}
	return found;
}

/* One state folder with its container: what the look-up of a state file hands on. */
struct in_root {
	struct identify *i;
	const struct job *job; /* NULL: every container of the folder */
	enum container_runtime owner;
	char root[LIMIT_PATH];
	bool found;
};

static int read_state(void *ctx, const char *id)
{
	struct in_root *in = ctx;
	struct err why = ERR_INIT; /* counted by outcome; a bundle may be gone */
	AUTO(fd) int dir = statefile_open_dir(in->root, &why);
	char bundle[LIMIT_PATH];
	AUTO(draft) struct draft d = DRAFT_INIT;

	if (dir < 0 || !outcome(in->i, oci_read_state(dir, id, in->i->cgroups->mount, &d, &why)))
		return 0;
	if (in->job && in->job->kind == JOB_MAYBE && !span_is(d.c.cgroup_path, in->job->path))
		return 0;
	if (d.c.bundle.n && !memchr(d.c.bundle.p, 0, d.c.bundle.n) &&
	    path_print(bundle, &why, "%.*s", (int)d.c.bundle.n, (const char *)d.c.bundle.p) == 0) {
		enum container_runtime tool = d.c.runtime;

		d.c.runtime = RUNTIME_UNKNOWN;
		(void)oci_read_bundle(bundle, &d, NULL, &why);
		if (d.c.runtime == RUNTIME_UNKNOWN)
			d.c.runtime = tool;
	}
	if (in->job && in->job->kind == JOB_MAYBE)
		d.c.cgroup_id = in->job->cgroup_id; /* the kernel's, at the path that was claimed */
	in->found = true;
	in->owner = d.c.runtime;
	finish(in->i, &d, SOURCE_OCI);
	if (!in->job && d.c.runtime != RUNTIME_RUNC && d.c.runtime != RUNTIME_CRUN)
		identify_queue_id(in->i, d.c.runtime, d.c.id, containerd_space_of(d.c.bundle), 0);
	return 0;
}

/* Looks into in->root: for the job's container, or for all. */
static int look_into(struct in_root *in)
{
	struct err ignored = ERR_INIT; /* a runtime that is not in use has no folder */
	AUTO(fd) int dir = -1;

	if (in->job && in->job->kind == JOB_RESOLVE) {
		dir = statefile_open_dir(in->root, &ignored);
		return dir < 0 ? 0 : read_state(in, in->job->id);
	}
	dir = statefile_open_dir(in->root, &ignored);
	if (dir >= 0)
		(void)statefile_each(dir, false, read_state, in, &ignored);
	return 0;
}

struct star {
	struct in_root *in;
	struct span parent;
};

static int look_into_child(void *ctx, const char *name)
{
	struct star *s = ctx;
	struct err ignored = ERR_INIT; /* too long a path is no state folder */

	if (path_print(s->in->root, &ignored, "%.*s/%s", (int)s->parent.n,
		       (const char *)s->parent.p, name) < 0)
		return 0;
	return look_into(s->in);
}

/* The state folders of runc and crun; tells which runtime's bundle it was. */
static bool ask_oci(struct identify *i, const struct job *j, enum container_runtime *ret_owner)
{
	struct in_root in = {.i = i, .job = j};

	for (size_t k = 0; i->oci_roots[k] && !in.found; k++) {
		struct err ignored = ERR_INIT; /* a runtime that is not in use has no folder */
		struct span root = span_of(i->oci_roots[k]);
		struct star s = {&in, span_make(root.p, root.n - 2)};
		AUTO(fd) int dir = -1;
		char parent[LIMIT_PATH];

		if (!span_ends(root, "/*")) {
			if (path_print(in.root, &ignored, "%s", i->oci_roots[k]) == 0)
				(void)look_into(&in);
			continue;
		}
		if (path_print(parent, &ignored, "%.*s", (int)s.parent.n,
			       (const char *)s.parent.p) < 0)
			continue;
		dir = statefile_open_dir(parent, &ignored);
		if (dir >= 0)
			(void)statefile_each(dir, false, look_into_child, &s, &ignored);
	}
	if (in.found)
		*ret_owner = in.owner;
	return in.found;
}

static bool resolve(struct identify *i, const struct job *j)
{
	enum container_runtime runtime = j->runtime, owner = RUNTIME_UNKNOWN;
	bool found = ask_oci(i, j, &owner);
	bool more = false;

	if (runtime == RUNTIME_UNKNOWN || runtime == RUNTIME_RUNC || runtime == RUNTIME_CRUN)
		runtime = owner;
	if (found && (runtime == RUNTIME_RUNC || runtime == RUNTIME_CRUN))
		return true;
	if (runtime == RUNTIME_DOCKER || runtime == RUNTIME_UNKNOWN)
		more = ask_docker(i, j);
	if (!more && (runtime == RUNTIME_PODMAN || runtime == RUNTIME_UNKNOWN))
		more = ask_podman(i, j);
	if (!more && (runtime == RUNTIME_CONTAINERD || runtime == RUNTIME_UNKNOWN))
		more = ask_containerd(i, j);
	return more || (found && runtime == RUNTIME_CRIO);
}

static int scan_docker(void *ctx, struct span id)
{
	identify_queue_id(ctx, RUNTIME_DOCKER, id, span_make(NULL, 0), 0);
	return 0;
}

static int scan_containerd(void *ctx, struct span space, struct span id)
{
	/* Docker knows its own better, and lists them itself */
	if (!span_is(space, "moby"))
		identify_queue_id(ctx, RUNTIME_CONTAINERD, id, space, 0);
	return 0;
}

static int scan_cgroup(void *ctx, const char *path, uint64_t id)
{
	struct err ignored = ERR_INIT; /* the registry counts what it refuses */
	enum identify_result result;
	struct cgroup_name name;

	if (cgroup_name_parse(span_of(path), &name))
		(void)identify_cgroup(ctx, id, path, &result, &ignored);
	return identify_stopping(ctx) ? -ECANCELED : 0;
}

/* The state folders first: they tell of groups whose names say nothing. */
static void scan(struct identify *i)
{
	enum container_runtime ignored_owner;
	struct err why = ERR_INIT; /* counted by outcome */

	(void)ask_oci(i, NULL, &ignored_owner);
	(void)outcome(i, cgroup_walk(i->cgroups, scan_cgroup, i, &why));
	for (size_t k = 0; i->docker_sockets[k]; k++)
		(void)outcome(i, docker_list(i->docker_sockets[k], scan_docker, i, &why));
	for (size_t k = 0; i->containerd_sockets[k]; k++)
		(void)outcome(i,
			      containerd_list(i->containerd_sockets[k], scan_containerd, i, &why));
}

bool identify_do(struct identify *i, const struct job *j)
{
	enum container_runtime owner;

	switch (j->kind) {
	case JOB_SCAN:
		scan(i);
		return true;
	case JOB_RESOLVE:
		return resolve(i, j);
	default:
		return ask_oci(i, j, &owner);
	}
}
