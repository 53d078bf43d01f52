/* fuzz_oci_state.c - bundles, state files, mountinfo, and the names of control groups.
 *
 * The first byte chooses the reader: b config.json, s runc's state.json, u crun's status, m
 * mountinfo, g /proc/PID/cgroup and a group's path. */
#include "base/json.h"
#include "runtime/cgroup.h"
#include "runtime/docker.h"
#include "runtime/mountinfo.h"
#include "runtime/oci.h"
#include "runtime/podman.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void mounts(struct span input)
{
	AUTO(buf) struct buf text = {.max = LIMIT_FILE_READ};
	struct mount_line m;
	struct cursor c;
	size_t seen = 0;

	buf_add_span(&text, input);
	c = cursor_of(buf_span(&text));
	while (mountinfo_next(&c, &m))
		seen += mount_option(m.options, "upperdir").n + m.point.n;
	if (seen > 2 * input.n)
		abort();
}

static void groups(struct span input)
{
	struct cgroup_name name;
	struct span path;

	if (cgroup_name_parse(input, &name) &&
	    (!container_id_is_hex(name.id) || name.own.n > input.n))
		abort();
	if (cgroup_parse_proc(input, "", &path) && (!path.n || path.p[0] != '/'))
		abort();
}

static void fill(struct draft *d, uint8_t kind, struct jval root)
{
	char path[LIMIT_PATH];

	if (kind == 's')
		oci_fill_runc(d, root, "/sys/fs/cgroup");
	else if (kind == 'u')
		oci_fill_crun(d, root, "/sys/fs/cgroup");
	else
		oci_fill_config(d, root, span_of("/bundle"));
	(void)docker_root_of(&d->c, path);
	(void)podman_storage_of(&d->c, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct container *copy;
	struct buf text;

	if (n == 0)
		return 0;
	if (p[0] == 'm' || p[0] == 'g') {
		(p[0] == 'm' ? mounts : groups)(span_make(p + 1, n - 1));
		return 0;
	}
	buf_init(&text, LIMIT_FILE_READ);
	buf_add(&text, p + 1, n - 1);
	if (jtree_parse(&t, &text, "input", &e) == 0)
		fill(&d, p[0], jtree_root(&t));
	copy = container_copy(&d.c);
	if (!copy || !container_same(&d.c, copy))
		abort();
	free(copy);
	return 0;
}
