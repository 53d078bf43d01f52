/* oci.c - see oci.h. */
#include "runtime/oci.h"

#include <stdio.h>

#include "base/limits.h"
#include "runtime/mountinfo.h"
#include "runtime/statefile.h"

static bool has_text(struct jval array, const char *wanted)
{
	jval_each (item, array) {
		if (span_is(jval_text(item), wanted))
			return true;
	}
	return false;
}

/* The last rule of the device list decides; "allow a rwm" is everything. */
static bool all_devices(struct jval devices)
{
	bool all = false;

	jval_each (rule, devices) {
		struct span type = jval_text(jval_get(rule, "type"));
		bool every = (!type.n || span_is(type, "a")) &&
			     jval_int(jval_get(rule, "major"), -1) < 0 &&
			     jval_int(jval_get(rule, "minor"), -1) < 0;

		if (every)
			all = jval_true(jval_get(rule, "allow"));
	}
	return all;
}

enum truth oci_privileged(struct jval config)
{
	struct jval caps = jval_path(config, "process", "capabilities", "bounding", NULL);
	struct jval linux_part = jval_get(config, "linux");
	bool admin = has_text(caps, "CAP_SYS_ADMIN");
	bool filter = jval_kind(jval_get(linux_part, "seccomp")) == JKIND_OBJECT;
	bool masked = jval_kind(jval_first(jval_get(linux_part, "maskedPaths"))) != JKIND_ABSENT;

	if (jval_kind(caps) != JKIND_ARRAY)
		return TRUTH_UNKNOWN;
	if (!admin || (filter && masked))
		return TRUTH_NO;
	if (!filter && !masked && all_devices(jval_path(linux_part, "resources", "devices", NULL)))
		return TRUTH_YES;
	return TRUTH_UNKNOWN;
}

static void fill_mounts(struct draft *d, struct jval mounts)
{
	jval_each (item, mounts) {
		struct jval options = jval_get(item, "options");
		struct container_mount m = {
			.source = jval_text(jval_get(item, "source")),
			.target = jval_text(jval_get(item, "destination")),
			.type = jval_text(jval_get(item, "type")),
			.writable = has_text(options, "ro") ? TRUTH_NO : TRUTH_YES,
		};

		draft_mount(d, &m);
	}
}

/* argv joined by blanks, as far as one text goes. */
static void fill_command(struct draft *d, struct jval args)
{
	AUTO(buf) struct buf line;
	bool first = true;

	buf_init(&line, LIMIT_FILE_READ);
	jval_each (arg, args) {
		if (!first)
			buf_add_u8(&line, ' ');
		buf_add_span(&line, jval_text(arg));
		first = false;
	}
	draft_set(d, &d->c.command, buf_span(&line));
}

static void fill_user(struct draft *d, struct jval user)
{
	int64_t uid = jval_int(jval_get(user, "uid"), -1);
	int64_t gid = jval_int(jval_get(user, "gid"), -1);

	if (uid >= 0 && gid >= 0)
		draft_setf(d, &d->c.user, "%lld:%lld", (long long)uid, (long long)gid);
}

/* Annotations that carry identity: containerd's CRI, CRI-O and Podman. */
struct annotation {
	const char *key;
	size_t field; /* offset of a struct span in struct container */
};

static const struct annotation annotations[] = {
	{"io.kubernetes.cri.container-name", offsetof(struct container, name)},
	{"io.kubernetes.cri.image-name", offsetof(struct container, image)},
	{"io.kubernetes.cri.sandbox-name", offsetof(struct container, pod)},
	{"io.kubernetes.cri.sandbox-namespace", offsetof(struct container, pod_namespace)},
	{"io.kubernetes.cri.sandbox-uid", offsetof(struct container, pod_uid)},
	{"io.kubernetes.container.name", offsetof(struct container, name)},
	{"io.kubernetes.pod.name", offsetof(struct container, pod)},
	{"io.kubernetes.pod.namespace", offsetof(struct container, pod_namespace)},
	{"io.kubernetes.pod.uid", offsetof(struct container, pod_uid)},
	{"io.kubernetes.cri-o.Name", offsetof(struct container, name)},
	{"io.kubernetes.cri-o.ImageName", offsetof(struct container, image)},
	{"io.kubernetes.cri-o.ImageRef", offsetof(struct container, image_id)},
	{"io.kubernetes.cri-o.LogPath", offsetof(struct container, log_path)},
	{"nerdctl/name", offsetof(struct container, name)},
};

static void fill_annotations(struct draft *d, struct jval all)
{
	for (size_t i = 0; i < ARRAY_LEN(annotations); i++) {
		struct span *field = (struct span *)(void *)((char *)&d->c + annotations[i].field);

		if (!field->n)
			draft_set(d, field, jval_text(jval_get(all, annotations[i].key)));
	}
	if (span_is(jval_text(jval_get(all, "io.podman.annotations.autoremove")), "TRUE"))
		d->c.auto_remove = TRUTH_YES;
	if (span_is(jval_text(jval_get(all, "io.podman.annotations.autoremove")), "FALSE"))
		d->c.auto_remove = TRUTH_NO;
	if (span_is(jval_text(jval_get(all, "io.podman.annotations.privileged")), "TRUE"))
		d->c.privileged = TRUTH_YES;
	if (span_is(jval_text(jval_get(all, "io.podman.annotations.privileged")), "FALSE"))
		d->c.privileged = TRUTH_NO;
}

/* Whose bundle it is: by annotations that only one writes, else by where it lies. */
static enum container_runtime owner(struct jval all, struct span bundle)
{
	if (span_is(jval_text(jval_get(all, "io.container.manager")), "libpod"))
		return RUNTIME_PODMAN;
	if (span_is(jval_text(jval_get(all, "io.container.manager")), "cri-o"))
		return RUNTIME_CRIO;
	if (span_contains(bundle, span_of("/io.containerd.runtime.v2.task/moby/")))
		return RUNTIME_DOCKER;
	if (span_contains(bundle, span_of("/io.containerd.runtime.v2.task/")))
		return RUNTIME_CONTAINERD;
	return RUNTIME_UNKNOWN;
}

static void fill_root(struct draft *d, struct jval root, struct span bundle)
{
	struct span path = jval_text(jval_get(root, "path"));

	if (path.n && path.p[0] == '/')
		draft_set(d, &d->c.rootfs, path);
	else if (path.n)
		draft_setf(d, &d->c.rootfs, "%.*s/%.*s", (int)bundle.n, (const char *)bundle.p,
			   (int)path.n, (const char *)path.p);
}

void oci_fill_config(struct draft *d, struct jval config, struct span bundle)
{
	struct jval all = jval_get(config, "annotations");
	struct jval process = jval_get(config, "process");

	draft_set(d, &d->c.bundle, bundle);
	fill_root(d, jval_get(config, "root"), bundle);
	if (!d->c.mount_count)
		fill_mounts(d, jval_get(config, "mounts"));
	if (!d->c.command.n)
		fill_command(d, jval_get(process, "args"));
	if (!d->c.user.n)
		fill_user(d, jval_get(process, "user"));
	fill_annotations(d, all);
	if (d->c.privileged == TRUTH_UNKNOWN)
		d->c.privileged = oci_privileged(config);
	if (d->c.runtime == RUNTIME_UNKNOWN)
		d->c.runtime = owner(all, bundle);
}

int oci_read_bundle(const char *bundle, struct draft *d, struct buf *cgroup, struct err *e)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	AUTO(fd) int dir = -1;
	int r = statefile_open_dir(bundle, e);

	if (r < 0)
		return r;
	dir = r;
	r = statefile_parse(dir, "config.json", &t, e);
	if (r < 0)
		return err_prefix(e, "bundle '%s'", bundle);
	if (jval_kind(jtree_root(&t)) != JKIND_OBJECT)
		return err_set(e, EINVAL, "bundle '%s': config.json is no object", bundle);
	oci_fill_config(d, jtree_root(&t), span_of(bundle));
	if (cgroup)
		buf_add_span(cgroup,
			     jval_text(jval_path(jtree_root(&t), "linux", "cgroupsPath", NULL)));
	return draft_check(d, e);
}

/* A path of a mounted hierarchy without the mount point in front. */
static void fill_cgroup(struct draft *d, struct span path, const char *mount)
{
	size_t skip = mount ? strlen(mount) : 0;

	if (skip && path.n > skip + 1 && memcmp(path.p, mount, skip) == 0 && path.p[skip] == '/')
		draft_set(d, &d->c.cgroup_path, span_make(path.p + skip, path.n - skip));
}

void oci_fill_runc(struct draft *d, struct jval state, const char *mount)
{
	struct jval config = jval_get(state, "config");
	int64_t pid = jval_int(jval_get(state, "init_process_pid"), 0);

	draft_set(d, &d->c.id, jval_text(jval_get(state, "id")));
	draft_set(d, &d->c.rootfs, jval_text(jval_get(config, "rootfs")));
	d->c.created_ns = statefile_time(jval_text(jval_get(state, "created")));
	d->c.init_pid = pid > 0 && pid <= INT32_MAX ? (uint32_t)pid : 0;
	d->c.state = CONTAINER_RUNNING;
	jval_each (item, jval_get(config, "labels")) {
		struct span label = jval_text(item);

		if (span_starts(label, "bundle="))
			draft_set(d, &d->c.bundle, span_make(label.p + 7, label.n - 7));
	}
	jval_each (controller, jval_get(state, "cgroup_paths")) {
		if (!d->c.cgroup_path.n)
			fill_cgroup(d, jval_text(jval_value(controller)), mount);
	}
}

void oci_fill_crun(struct draft *d, struct jval status, const char *mount)
{
	struct span path = jval_text(jval_get(status, "cgroup-path"));
	int64_t pid = jval_int(jval_get(status, "pid"), 0);

	(void)mount; /* crun writes the path inside the hierarchy */
	draft_set(d, &d->c.rootfs, jval_text(jval_get(status, "rootfs")));
	draft_set(d, &d->c.bundle, jval_text(jval_get(status, "bundle")));
	d->c.created_ns = statefile_time(jval_text(jval_get(status, "created")));
	d->c.init_pid = pid > 0 && pid <= INT32_MAX ? (uint32_t)pid : 0;
	d->c.state = CONTAINER_RUNNING;
	if (path.n > 1 && path.p[0] == '/')
		draft_set(d, &d->c.cgroup_path, path);
	else if (path.n > 1)
		draft_setf(d, &d->c.cgroup_path, "/%.*s", (int)path.n, (const char *)path.p);
}

int oci_read_state(int root_fd, const char *id, const char *mount, struct draft *d, struct err *e)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	char path[LIMIT_CONTAINER_ID + 32];
	bool crun = false;
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	(void)snprintf(path, sizeof(path), "%s/state.json", id); /* the id is short */
	r = statefile_parse(root_fd, path, &t, e);
	if (r == -ENOENT) {
		(void)snprintf(path, sizeof(path), "%s/status", id);
		r = statefile_parse(root_fd, path, &t, e);
		crun = true;
	}
	if (r < 0)
		return r;
	if (crun)
		oci_fill_crun(d, jtree_root(&t), mount);
	else
		oci_fill_runc(d, jtree_root(&t), mount);
	if (!d->c.id.n)
		draft_set(d, &d->c.id, span_of(id));
	if (d->c.runtime == RUNTIME_UNKNOWN)
		d->c.runtime = crun ? RUNTIME_CRUN : RUNTIME_RUNC;
	return draft_check(d, e);
}

void oci_fill_upper_dir(struct draft *d)
{
	struct err ignored = ERR_INIT; /* a root that is no overlay has no upper directory */
	AUTO(buf) struct buf upper;

	if (!d->c.rootfs.n || d->c.upper_dir.n)
		return;
	buf_init(&upper, LIMIT_PATH);
	if (mountinfo_upper_dir(NULL, d->c.rootfs, &upper, &ignored) == 0)
		draft_set(d, &d->c.upper_dir, buf_span(&upper));
}
