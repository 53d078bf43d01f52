/* podman.c - see podman.h. */
#include "runtime/podman.h"

#include <stdio.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "runtime/docker.h"
#include "runtime/http.h"
#include "runtime/oci.h"
#include "runtime/statefile.h"

static const char *const lists[] = {
	"overlay-containers/containers.json", "overlay-containers/volatile-containers.json",
	"vfs-containers/containers.json", "vfs-containers/volatile-containers.json"};

/* An image id without an algorithm is of sha256. */
static void set_image_id(struct draft *d, struct span id)
{
	if (container_id_is_hex(id))
		draft_setf(d, &d->c.image_id, "sha256:%.64s", (const char *)id.p);
	else
		draft_set(d, &d->c.image_id, id);
}

/* "metadata" is a JSON text inside the JSON: {"image-name":...,"name":...}. */
static void fill_metadata(struct draft *d, struct span text)
{
	struct err ignored = ERR_INIT; /* another program's metadata says nothing */
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct buf copy;

	buf_init(&copy, LIMIT_FILE_READ);
	buf_add_span(&copy, text);
	if (copy.failed || jtree_parse(&t, &copy, "metadata", &ignored) < 0) {
		buf_fini(&copy);
		return;
	}
	draft_set(d, &d->c.image, jval_text(jval_get(jtree_root(&t), "image-name")));
	draft_set(d, &d->c.name, jval_text(jval_get(jtree_root(&t), "name")));
}

void podman_fill_container(struct draft *d, struct jval entry)
{
	d->c.runtime = RUNTIME_PODMAN;
	draft_set(d, &d->c.id, jval_text(jval_get(entry, "id")));
	set_image_id(d, jval_text(jval_get(entry, "image")));
	d->c.created_ns = statefile_time(jval_text(jval_get(entry, "created")));
	fill_metadata(d, jval_text(jval_get(entry, "metadata")));
	if (!d->c.name.n)
		draft_set(d, &d->c.name, jval_text(jval_first(jval_get(entry, "names"))));
}

void podman_fill_image(struct draft *d, struct jval images)
{
	jval_each (image, images) {
		struct span id = jval_text(jval_get(image, "id"));

		if (id.n && span_ends(d->c.image_id, ":") == false && d->c.image_id.n >= id.n &&
		    memcmp(d->c.image_id.p + d->c.image_id.n - id.n, id.p, id.n) == 0)
			draft_set(d, &d->c.digest, jval_text(jval_get(image, "digest")));
	}
}

/* The first list that has the id. */
static int find_container(int storage, const char *id, struct draft *d, struct err *e)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		AUTO(jtree) struct jtree t = JTREE_INIT;
		int r = statefile_parse(storage, lists[i], &t, e);

		if (r < 0 && r != -ENOENT)
			return r;
		any = any || r == 0;
		jval_each (entry, jtree_root(&t)) {
			if (!span_is(jval_text(jval_get(entry, "id")), id))
				continue;
			podman_fill_container(d, entry);
			return 0;
		}
	}
	return err_set(e, ENOENT,
		       any ? "Podman's storage does not have '%s'" : "no Podman storage for '%s'",
		       id);
}

static void read_image(int storage, struct draft *d)
{
	static const char *const images[] = {"overlay-images/images.json",
					     "vfs-images/images.json"};

	for (size_t i = 0; i < ARRAY_LEN(images) && d->c.image_id.n && !d->c.digest.n; i++) {
		struct err ignored = ERR_INIT; /* the digest stays unknown */
		AUTO(jtree) struct jtree t = JTREE_INIT;

		if (statefile_parse(storage, images[i], &t, &ignored) == 0)
			podman_fill_image(d, jtree_root(&t));
	}
}

int podman_read_disk(const char *storage, const char *id, struct draft *d, struct err *e)
{
	struct err ignored = ERR_INIT; /* created, never started: no bundle yet */
	AUTO(fd) int dir = -1;
	char bundle[LIMIT_PATH];
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	r = statefile_open_dir(storage, e);
	if (r < 0)
		return r;
	dir = r;
	r = find_container(dir, id, d, e);
	if (r < 0)
		return r;
	read_image(dir, d);
	if (!d->c.bundle.n &&
	    path_print(bundle, &ignored, "%s/overlay-containers/%s/userdata", storage, id) == 0)
		(void)oci_read_bundle(bundle, d, NULL, &ignored);
	return draft_check(d, e);
}

int podman_list_disk(const char *storage, int (*fn)(void *ctx, struct span id), void *ctx,
		     struct err *e)
{
	AUTO(fd) int dir = -1;
	int r = statefile_open_dir(storage, e);

	if (r < 0)
		return r;
	dir = r;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		AUTO(jtree) struct jtree t = JTREE_INIT;

		r = statefile_parse(dir, lists[i], &t, e);
		if (r < 0 && r != -ENOENT)
			return r;
		jval_each (entry, jtree_root(&t)) {
			struct span id = jval_text(jval_get(entry, "id"));

			r = container_id_is_safe(id) ? fn(ctx, id) : 0;
			if (r != 0)
				return r;
		}
	}
	return 0;
}

void podman_fill_inspect(struct draft *d, struct jval answer)
{
	struct span image = jval_text(jval_get(answer, "Image"));
	struct span bundle = jval_text(jval_get(answer, "OCIConfigPath"));

	docker_fill_inspect(d, answer);
	d->c.runtime = RUNTIME_PODMAN;
	set_image_id(d, image);
	draft_set(d, &d->c.image, jval_text(jval_get(answer, "ImageName")));
	draft_set(d, &d->c.digest, jval_text(jval_get(answer, "ImageDigest")));
	draft_set(d, &d->c.pod, jval_text(jval_get(answer, "Pod")));
	draft_set(d, &d->c.log_path,
		  jval_text(jval_path(answer, "HostConfig", "LogConfig", "Path", NULL)));
	if (span_ends(bundle, "/config.json"))
		draft_set(d, &d->c.bundle, span_make(bundle.p, bundle.n - strlen("/config.json")));
}

int podman_inspect(const char *socket, const char *id, struct draft *d, struct err *e)
{
	char path[LIMIT_CONTAINER_ID + 64];
	struct http_request q = {.socket = socket, .path = path};
	AUTO(jtree) struct jtree t = JTREE_INIT;
	AUTO(buf) struct buf body;
	long status = 0;
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	(void)snprintf(path, sizeof(path), "/v4.0.0/libpod/containers/%s/json", id); /* it fits */
	buf_init(&body, LIMIT_HTTP_BODY);
	r = http_fetch(&q, &body, &status, e);
	if (r < 0)
		return r;
	if (status != 200)
		return err_set(e, status == 404 ? ENOENT : EPROTO,
			       "'%s' answers %s with status %ld", socket, path, status);
	r = jtree_parse(&t, &body, path, e);
	if (r < 0)
		return err_prefix(e, "answer of '%s'", socket);
	podman_fill_inspect(d, jtree_root(&t));
	return draft_check(d, e);
}

bool podman_storage_of(const struct container *c, char *ret_storage)
{
	static const char *const folders[] = {"overlay-containers", "vfs-containers"};
	char tail[LIMIT_CONTAINER_ID + 64];

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		int n = snprintf(tail, sizeof(tail), "/%s/%.*s/userdata", folders[i], (int)c->id.n,
				 (const char *)c->id.p);
		struct span base;

		if (n < 0 || (size_t)n >= sizeof(tail) || !span_ends(c->bundle, tail))
			continue;
		base = span_make(c->bundle.p, c->bundle.n - (size_t)n);
		if (!base.n || base.n >= LIMIT_PATH || memchr(base.p, 0, base.n))
			continue;
		memcpy(ret_storage, base.p, base.n);
		ret_storage[base.n] = '\0';
		return true;
	}
	return false;
}
