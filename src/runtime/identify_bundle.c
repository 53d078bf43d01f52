/* identify_bundle.c - see identify.h: what happens at a start, on the caller's thread. */
#include <stdio.h>

#include "base/clock.h"
#include "base/path.h"
#include "runtime/identify_impl.h"
#include "runtime/oci.h"
#include "runtime/podman.h"

/* Docker's files: in a folder that we were told of, else in the one that the bundle shows. */
static bool read_docker(struct identify *i, const char *id, const struct container *bundle,
			struct draft *d)
{
	struct err ignored = ERR_INIT; /* a worker asks again, and counts */
	char root[LIMIT_PATH];

	for (size_t k = 0; i->docker_roots[k]; k++) {
		if (docker_read_disk(i->docker_roots[k], id, d, &ignored) == 0)
			return true;
		draft_fini(d);
	}
	return docker_root_of(bundle, root) && docker_read_disk(root, id, d, &ignored) == 0;
}

static bool read_podman(const char *id, const struct container *bundle, struct draft *d)
{
	struct err ignored = ERR_INIT; /* a worker asks again, and counts */
	char storage[LIMIT_PATH];

	return podman_storage_of(bundle, storage) &&
	       podman_read_disk(storage, id, d, &ignored) == 0;
}

/* A start begins: what files say of an earlier life does not count. */
static void as_created(struct draft *d)
{
	d->c.state = CONTAINER_CREATED;
	d->c.init_pid = 0;
	d->c.exit_code = -1;
	d->c.started_ns = d->c.died_ns = 0;
}

/* Where the group will be.  systemd's form "slice:prefix:name" becomes "prefix-name.scope". */
static void expect(struct identify *i, const char *id, struct span cgroup)
{
	struct expected x = {.path = ""};
	const uint8_t *first = cgroup.n ? memchr(cgroup.p, ':', cgroup.n) : NULL;
	const uint8_t *second =
		first ? memchr(first + 1, ':', cgroup.n - (size_t)(first + 1 - cgroup.p)) : NULL;
	struct span name =
		second ? span_make(second + 1, cgroup.n - (size_t)(second + 1 - cgroup.p))
		       : span_make(NULL, 0);

	(void)snprintf(x.id, sizeof(x.id), "%s", id); /* the caller checked its length */
	if (second)
		(void)snprintf(x.path, sizeof(x.path), "/%.*s-%.*s.scope",
			       (int)(second - first - 1), (const char *)first + 1, (int)name.n,
			       (const char *)name.p);
	else if (cgroup.n && cgroup.n + 2 < sizeof(x.path))
		(void)snprintf(x.path, sizeof(x.path), "%s%.*s", cgroup.p[0] == '/' ? "" : "/",
			       (int)cgroup.n, (const char *)cgroup.p);
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	i->expected[i->expected_next++ % EXPECTED] = x;
	(void)pthread_mutex_unlock(&i->lock);
}

/* Whether a group at `path` is the one that was expected.  A relative path is taken from the
 * runtime's own group, so the end must agree; without a path, runc and crun use the id. */
static bool is_expected(const struct expected *x, const char *path)
{
	if (!x->id[0])
		return false;
	return x->path[0] ? span_ends(span_of(path), x->path)
			  : span_is(path_base(span_of(path)), x->id);
}

static bool take_expected(struct identify *i, const char *path, char ret_id[LIMIT_CONTAINER_ID])
{
	bool found = false;

	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	for (size_t k = 1; k <= EXPECTED && !found; k++) { /* youngest first */
		struct expected *x = &i->expected[(i->expected_next - k) % EXPECTED];

		if (!is_expected(x, path))
			continue;
		memcpy(ret_id, x->id, LIMIT_CONTAINER_ID);
		x->id[0] = '\0';
		found = true;
	}
	(void)pthread_mutex_unlock(&i->lock);
	return found;
}

int identify_bundle(struct identify *i, enum container_runtime kind, const char *id,
		    const char *bundle, struct container **ret_c, struct err *e)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(draft) struct draft disk = DRAFT_INIT;
	AUTO(buf) struct buf cgroup = {.max = 512};
	bool more = false;
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	r = oci_read_bundle(bundle, &d, &cgroup, e);
	if (r < 0)
		return r;
	draft_set(&d, &d.c.id, span_of(id));
	if (d.c.runtime == RUNTIME_DOCKER ||
	    (d.c.runtime == RUNTIME_UNKNOWN && container_id_is_hex(d.c.id)))
		more = read_docker(i, id, &d.c, &disk);
	else if (d.c.runtime == RUNTIME_PODMAN)
		more = read_podman(id, &d.c, &disk);
	if (d.c.runtime == RUNTIME_UNKNOWN)
		d.c.runtime = more ? disk.c.runtime : kind;
	oci_fill_upper_dir(&d);
	as_created(&d);
	as_created(&disk);
	d.c.created_ns =
		clock_real_ns(); /* the runtime makes it now; the daemon's files know better */
	r = draft_check(&d, e);
	if (r == 0)
		r = registry_revive(i->registry, d.c.id, e);
	if (r == 0)
		r = registry_put(i->registry, &d.c, SOURCE_OCI, NULL, e);
	if (r == 0 && more)
		r = registry_put(i->registry, &disk.c, SOURCE_DISK, NULL, e);
	if (r < 0)
		return r;
	expect(i, id, buf_span(&cgroup));
	if (!ret_c)
		return 0;
	draft_fill(&disk, &d.c);
	*ret_c = container_copy(&disk.c);
	return *ret_c ? 0 : err_sys(e, ENOMEM, "cannot hand out a container");
}

/* Whether a container with that id waits for its control group. */
static bool waits(struct identify *i, struct span id)
{
	unsigned section = registry_read_lock(i->registry);
	const struct container *c = registry_find_id(i->registry, id);
	bool created = c && c->state == CONTAINER_CREATED && !c->cgroup_id;

	registry_read_unlock(i->registry, section);
	return created;
}

int identify_bind(struct identify *i, const struct cgroup_name *name, uint64_t cgroup_id,
		  const char *path, struct err *e)
{
	struct container c = {
		.cgroup_id = cgroup_id,
		.id = name->id,
		.cgroup_path = span_of(path),
		.pod_uid = span_of(name->pod_uid),
		.runtime = name->runtime,
		.state = CONTAINER_RUNNING,
		.exit_code = -1,
		/* A held start goes on from here; one that runs already began some other time. */
		.started_ns = waits(i, name->id) ? clock_real_ns() : 0,
	};
	unsigned section = registry_read_lock(i->registry);
	const struct container *now;
	int r = registry_put(i->registry, &c, SOURCE_NAME, NULL, e);

	now = r == 0 ? registry_find_cgroup(i->registry, cgroup_id) : NULL;
	/* what the hold has read needs no look-up; the pid and times come with the events */
	if (now && (!now->bundle.n || (now->runtime != RUNTIME_RUNC &&
				       now->runtime != RUNTIME_CRUN && !now->image.n)))
		identify_queue_id(i, now->runtime, name->id, containerd_space_of(now->bundle), 5);
	registry_read_unlock(i->registry, section);
	return r;
}

/* A group below a container's that was never seen itself: that one first. */
static int bind_parent(struct identify *i, const struct cgroup_name *name, const char *path,
		       uint64_t id, bool *ret_bound, struct err *e)
{
	struct err ignored = ERR_INIT; /* gone already: the group itself stands for the container */
	char own[LIMIT_PATH];
	uint64_t own_id;
	int r = path_print(own, e, "%.*s", (int)name->own.n, (const char *)name->own.p);

	if (r < 0)
		return r;
	if (cgroup_id(i->cgroups, own, &own_id, &ignored) < 0)
		return identify_bind(i, name, id, path, e);
	r = identify_bind(i, name, own_id, own, e);
	return r < 0 ? r : registry_bind(i->registry, id, span_of(path), ret_bound, e);
}

static int new_group(struct identify *i, uint64_t id, const char *path,
		     enum identify_result *ret_result, struct err *e)
{
	char expected[LIMIT_CONTAINER_ID];
	struct cgroup_name name = {.pod_uid = ""};
	struct span base = path_base(span_of(path));
	bool named = cgroup_name_parse(span_of(path), &name), nested = false;
	int r;

	*ret_result = IDENTIFY_NEW;
	if (take_expected(i, path, expected)) {
		name.id = span_of(expected);
		name.runtime = RUNTIME_UNKNOWN; /* the bundle told */
		return identify_bind(i, &name, id, path, e);
	}
	if (named && name.own.n < strlen(path)) {
		r = bind_parent(i, &name, path, id, &nested, e);
		if (nested)
			*ret_result = IDENTIFY_NESTED;
		return r;
	}
	if (named)
		return identify_bind(i, &name, id, path, e);
	if (container_id_is_safe(base) && waits(i, base)) {
		name.id = base;
		return identify_bind(i, &name, id, path, e);
	}
	*ret_result = IDENTIFY_PENDING;
	identify_queue(i,
		       &(struct job){.kind = JOB_MAYBE,
				     .cgroup_id = id,
				     .path = (char *)(uintptr_t)path}, /* copied there */
		       20);
	return 0;
}

int identify_cgroup(struct identify *i, uint64_t cgroup_id, const char *path,
		    enum identify_result *ret_result, struct err *e)
{
	enum identify_result result = IDENTIFY_HOST;
	bool nested = false;
	unsigned section = registry_read_lock(i->registry);
	const struct container *known = registry_find_cgroup(i->registry, cgroup_id);
	bool own = known && known->cgroup_id == cgroup_id;
	int r = 0;

	if (known)
		result = own ? IDENTIFY_NEW : IDENTIFY_NESTED;
	registry_read_unlock(i->registry, section);
	if (!known)
		r = registry_bind(i->registry, cgroup_id, span_of(path), &nested, e);
	if (nested)
		result = IDENTIFY_NESTED;
	else if (r == 0 && !known)
		r = new_group(i, cgroup_id, path, &result, e);
	if (r == 0)
		*ret_result = result;
	return r;
}
