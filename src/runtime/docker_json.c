/* docker_json.c - see docker.h: what Docker's JSON says, from the API and from its files. */
#include "runtime/docker.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/limits.h"
#include "runtime/statefile.h"

static enum truth truth_of(struct jval v)
{
	return jval_kind(v) == JKIND_TRUE    ? TRUTH_YES
	       : jval_kind(v) == JKIND_FALSE ? TRUTH_NO
					     : TRUTH_UNKNOWN;
}

static void fill_labels(struct draft *d, struct jval labels)
{
	static const struct {
		const char *key;
		size_t field;
	} kubernetes[] = {
		{"io.kubernetes.pod.name", offsetof(struct container, pod)},
		{"io.kubernetes.pod.namespace", offsetof(struct container, pod_namespace)},
		{"io.kubernetes.pod.uid", offsetof(struct container, pod_uid)},
	};

	if (!d->c.label_count) {
		jval_each (key, labels)
			draft_label(d, jval_text(key), jval_text(jval_value(key)));
	}
	for (size_t i = 0; i < ARRAY_LEN(kubernetes); i++)
		draft_set(d, (struct span *)(void *)((char *)&d->c + kubernetes[i].field),
			  jval_text(jval_get(labels, kubernetes[i].key)));
}

/* Path and Args are what runs; joined by blanks. */
static void fill_command(struct draft *d, struct jval object)
{
	AUTO(buf) struct buf line;

	buf_init(&line, LIMIT_FILE_READ);
	buf_add_span(&line, jval_text(jval_get(object, "Path")));
	jval_each (arg, jval_get(object, "Args")) {
		buf_add_u8(&line, ' ');
		buf_add_span(&line, jval_text(arg));
	}
	draft_set(d, &d->c.command, buf_span(&line));
}

static void fill_state(struct draft *d, struct jval state)
{
	bool running = jval_true(jval_get(state, "Running"));
	int64_t pid = jval_int(jval_get(state, "Pid"), 0);
	uint64_t started = statefile_time(jval_text(jval_get(state, "StartedAt")));
	uint64_t finished = statefile_time(jval_text(jval_get(state, "FinishedAt")));

	if (running) {
		d->c.state = CONTAINER_RUNNING;
		d->c.init_pid = pid > 0 && pid <= INT32_MAX ? (uint32_t)pid : 0;
		d->c.started_ns = started;
		return;
	}
	/* stopped once, and not about to start: a start leaves FinishedAt as it was */
	if (!finished || !started)
		return;
	d->c.state = CONTAINER_DEAD;
	d->c.started_ns = started;
	d->c.died_ns = finished;
	d->c.exit_code = (int32_t)jval_int(jval_get(state, "ExitCode"), -1);
}

/* What an inspect answer and config.v2.json have in common. */
static void fill_common(struct draft *d, struct jval object)
{
	struct jval config = jval_get(object, "Config");
	struct span name = jval_text(jval_get(object, "Name"));

	d->c.runtime = RUNTIME_DOCKER;
	if (name.n && name.p[0] == '/')
		name = span_make(name.p + 1, name.n - 1);
	draft_set(d, &d->c.name, name);
	draft_set(d, &d->c.image, jval_text(jval_get(config, "Image")));
	draft_set(d, &d->c.image_id, jval_text(jval_get(object, "Image")));
	draft_set(d, &d->c.log_path, jval_text(jval_get(object, "LogPath")));
	draft_set(d, &d->c.user, jval_text(jval_get(config, "User")));
	d->c.created_ns = statefile_time(jval_text(jval_get(object, "Created")));
	fill_command(d, object);
	fill_labels(d, jval_get(config, "Labels"));
	fill_state(d, jval_get(object, "State"));
}

void docker_fill_host(struct draft *d, struct jval host)
{
	struct jval policy = jval_get(host, "RestartPolicy");
	struct span name = jval_text(jval_get(policy, "Name"));
	int64_t most = jval_int(jval_get(policy, "MaximumRetryCount"), 0);

	d->c.privileged = truth_of(jval_get(host, "Privileged"));
	d->c.auto_remove = truth_of(jval_get(host, "AutoRemove"));
	if (most > 0)
		draft_setf(d, &d->c.restart, "%.*s:%lld", (int)(name.n < 64 ? name.n : 64),
			   (const char *)name.p, (long long)most);
	else if (jval_kind(policy) == JKIND_OBJECT)
		draft_set(d, &d->c.restart, name.n ? name : span_of("no"));
}

static void add_mount(struct draft *d, struct jval m)
{
	struct jval rw = jval_get(m, "RW");
	struct span type = jval_text(jval_get(m, "Type"));
	struct container_mount mount = {
		.source = jval_text(jval_get(m, "Source")),
		.target = jval_text(jval_get(m, "Destination")),
		.type = type.n ? type : span_of("bind"),
		.writable = truth_of(rw),
	};

	draft_mount(d, &mount);
}

void docker_fill_inspect(struct draft *d, struct jval answer)
{
	struct jval layers = jval_path(answer, "GraphDriver", "Data", NULL);

	draft_set(d, &d->c.id, jval_text(jval_get(answer, "Id")));
	fill_common(d, answer);
	docker_fill_host(d, jval_get(answer, "HostConfig"));
	draft_set(d, &d->c.upper_dir, jval_text(jval_get(layers, "UpperDir")));
	draft_set(d, &d->c.rootfs, jval_text(jval_get(layers, "MergedDir")));
	jval_each (m, jval_get(answer, "Mounts"))
		add_mount(d, m);
}

void docker_fill_config(struct draft *d, struct jval config)
{
	struct jval points = jval_get(config, "MountPoints");

	draft_set(d, &d->c.id, jval_text(jval_get(config, "ID")));
	fill_common(d, config);
	jval_each (target, points)
		add_mount(d, jval_value(target));
}

/* The repository part of "registry:5000/name:tag" or "name@sha256:...". */
static struct span repository_of(struct span reference)
{
	const uint8_t *at = reference.n ? memchr(reference.p, '@', reference.n) : NULL;
	size_t n = at ? (size_t)(at - reference.p) : reference.n;

	if (at)
		return span_make(reference.p, n);
	for (size_t i = n; i > 0 && reference.p[i - 1] != '/'; i--) {
		if (reference.p[i - 1] == ':')
			return span_make(reference.p, i - 1);
	}
	return span_make(reference.p, n);
}

/* Takes the digest out of "name@sha256:...": one of the image's own repository for sure, one of
 * another repository only while there is none. */
static void offer_digest(struct draft *d, struct span reference, bool *sure)
{
	const uint8_t *at = reference.n ? memchr(reference.p, '@', reference.n) : NULL;
	size_t skip = at ? (size_t)(at - reference.p) + 1 : 0;
	bool own;

	if (!at || *sure)
		return;
	own = span_eq(repository_of(reference), repository_of(d->c.image));
	if (own || !d->c.digest.n)
		draft_set(d, &d->c.digest, span_make(reference.p + skip, reference.n - skip));
	*sure = own;
}

void docker_fill_digest(struct draft *d, struct jval image)
{
	bool sure = false;

	jval_each (reference, jval_get(image, "RepoDigests"))
		offer_digest(d, jval_text(reference), &sure);
}

void docker_fill_repositories(struct draft *d, struct jval repositories)
{
	struct jval all = jval_get(repositories, "Repositories");
	bool sure = false;

	jval_each (name, all) {
		struct jval references = jval_value(name);

		jval_each (reference, references) {
			if (span_eq(jval_text(jval_value(reference)), d->c.image_id))
				offer_digest(d, jval_text(reference), &sure);
		}
	}
}

struct repositories {
	int image_dir;
	struct draft *d;
};

static int read_repositories(void *ctx, const char *driver)
{
	struct repositories *r = ctx;
	struct err ignored = ERR_INIT; /* a folder without the file is another driver's */
	AUTO(jtree) struct jtree t = JTREE_INIT;
	char path[300];

	if ((size_t)snprintf(path, sizeof(path), "%s/repositories.json", driver) >= sizeof(path))
		return 0;
	if (statefile_parse(r->image_dir, path, &t, &ignored) == 0)
		docker_fill_repositories(r->d, jtree_root(&t));
	return r->d->c.digest.n != 0;
}

/* Without it the digest stays unknown, which is all that can be said. */
static void read_digest(int root_fd, struct draft *d)
{
	struct err ignored = ERR_INIT;
	AUTO(fd) int image_dir = fd_open_in(root_fd, "image", O_RDONLY | O_DIRECTORY);
	struct repositories r = {image_dir, d};

	if (image_dir >= 0 && d->c.image_id.n)
		(void)statefile_each(image_dir, false, read_repositories, &r, &ignored);
}

int docker_read_disk(const char *data_root, const char *id, struct draft *d, struct err *e)
{
	AUTO(jtree) struct jtree config = JTREE_INIT;
	AUTO(jtree) struct jtree host = JTREE_INIT;
	AUTO(fd) int root = -1;
	char path[LIMIT_CONTAINER_ID + 64];
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	r = statefile_open_dir(data_root, e);
	if (r < 0)
		return r;
	root = r;
	(void)snprintf(path, sizeof(path), "containers/%s/config.v2.json",
		       id); /* the id is short */
	r = statefile_parse(root, path, &config, e);
	if (r < 0)
		return err_prefix(e, "Docker's folder '%s'", data_root);
	if (!span_is(jval_text(jval_get(jtree_root(&config), "ID")), id))
		return err_set(e, EINVAL, "'%s/%s' is about another container", data_root, path);
	docker_fill_config(d, jtree_root(&config));
	(void)snprintf(path, sizeof(path), "containers/%s/hostconfig.json", id);
	r = statefile_parse(root, path, &host, e);
	if (r == 0)
		docker_fill_host(d, jtree_root(&host));
	else if (r != -ENOENT)
		return err_prefix(e, "Docker's folder '%s'", data_root);
	/* LogPath is saved only after the first start, but is always this
	 * (daemon/container/container.go) */
	if (!d->c.log_path.n &&
	    span_is(jval_text(jval_path(jtree_root(&host), "LogConfig", "Type", NULL)),
		    "json-file"))
		draft_setf(d, &d->c.log_path, "%s/containers/%s/%s-json.log", data_root, id, id);
	read_digest(root, d);
	return draft_check(d, e);
}

bool docker_root_of(const struct container *c, char *ret_root)
{
	static const char *const files[] = {"hosts", "hostname", "resolv.conf"};
	char tail[LIMIT_CONTAINER_ID + 64];

	for (size_t i = 0; i < c->mount_count; i++) {
		struct span source = c->mounts[i].source, base;

		if (!span_starts(c->mounts[i].target, "/etc/") || !source.n || source.p[0] != '/')
			continue;
		for (size_t k = 0; k < ARRAY_LEN(files); k++) {
			int n = snprintf(tail, sizeof(tail), "/containers/%.*s/%s", (int)c->id.n,
					 (const char *)c->id.p, files[k]);

			if (n < 0 || (size_t)n >= sizeof(tail) || !span_ends(source, tail))
				continue;
			base = span_make(source.p, source.n - (size_t)n);
			if (!base.n || base.n >= LIMIT_PATH || memchr(base.p, 0, base.n))
				continue;
			memcpy(ret_root, base.p, base.n);
			ret_root[base.n] = '\0';
			return true;
		}
	}
	return false;
}
