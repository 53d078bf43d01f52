/* docker.c - see docker.h: the API. */
#include "runtime/docker.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"

#define EVENT_BYTES (1u << 20)

/* GETs `path` and parses what comes with status 200. */
static int ask(const char *socket, const char *path, struct jtree *t, struct err *e)
{
	struct http_request q = {.socket = socket, .path = path};
	AUTO(buf) struct buf body;
	long status = 0;
	int r;

	buf_init(&body, LIMIT_HTTP_BODY);
	r = http_fetch(&q, &body, &status, e);
	if (r < 0)
		return r;
	if (status == 404)
		return err_set(e, ENOENT, "'%s' knows nothing at %s", socket, path);
	if (status != 200)
		return err_set(e, EPROTO, "'%s' answers %s with status %ld", socket, path, status);
	r = jtree_parse(t, &body, path, e);
	return r < 0 ? err_prefix(e, "answer of '%s'", socket) : 0;
}

int docker_ping(const char *socket, struct buf *version, struct buf *data_root, struct err *e)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	int r = ask(socket, "/info", &t, e);
	struct span root, number;

	if (r < 0)
		return r;
	root = jval_text(jval_get(jtree_root(&t), "DockerRootDir"));
	number = jval_text(jval_get(jtree_root(&t), "ServerVersion"));
	if (!root.n || root.p[0] != '/' || memchr(root.p, 0, root.n))
		return err_set(e, EPROTO, "'%s' answers, but not as Docker does", socket);
	if (data_root)
		buf_add_span(data_root, root);
	if (version)
		buf_add_span(version, number);
	return data_root ? buf_check(data_root, "Docker's folder", e) : 0;
}

int docker_list(const char *socket, int (*fn)(void *ctx, struct span id), void *ctx, struct err *e)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	int r = ask(socket, "/containers/json?all=1", &t, e);

	if (r < 0)
		return r;
	if (jval_kind(jtree_root(&t)) != JKIND_ARRAY)
		return err_set(e, EPROTO, "'%s' answers a list with something else", socket);
	jval_each (item, jtree_root(&t)) {
		struct span id = jval_text(jval_get(item, "Id"));

		if (!container_id_is_safe(id))
			continue;
		r = fn(ctx, id);
		if (r != 0)
			return r;
	}
	return 0;
}

int docker_inspect(const char *socket, const char *id, struct draft *d, struct err *e)
{
	AUTO(jtree) struct jtree t = JTREE_INIT;
	AUTO(jtree) struct jtree image = JTREE_INIT;
	struct err ignored = ERR_INIT; /* a container may outlive its image's name */
	char path[LIMIT_CONTAINER_ID + 64];
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	(void)snprintf(path, sizeof(path), "/containers/%s/json", id); /* the id is short */
	r = ask(socket, path, &t, e);
	if (r < 0)
		return r;
	if (!jval_text(jval_get(jtree_root(&t), "Id")).n)
		return err_set(e, EPROTO, "'%s' answers about '%s' without an id", socket, id);
	docker_fill_inspect(d, jtree_root(&t));
	if (span_starts(d->c.image_id, "sha256:") &&
	    container_id_is_hex(span_make(d->c.image_id.p + 7, d->c.image_id.n - 7))) {
		(void)snprintf(path, sizeof(path), "/images/%.71s/json",
			       (const char *)d->c.image_id.p); /* 71 are read, no NUL needed */
		if (ask(socket, path, &image, &ignored) == 0)
			docker_fill_digest(d, jtree_root(&image));
	}
	return draft_check(d, e);
}

int docker_stream_init(struct docker_stream *s, struct err *e)
{
	*s = (struct docker_stream){.last_ns = 0};
	buf_init(&s->line, EVENT_BYTES);
	return http_stream_init(&s->http, e);
}

void docker_stream_fini(struct docker_stream *s)
{
	http_stream_fini(&s->http);
	buf_fini(&s->line);
}

/* "exec_create: sh -c ..." is "exec_create". */
static struct span action_of(struct span text)
{
	const uint8_t *colon = text.n ? memchr(text.p, ':', text.n) : NULL;

	return span_make(text.p, colon ? (size_t)(colon - text.p) : text.n);
}

static int32_t exit_code_of(struct jval attributes)
{
	struct span text = jval_text(jval_get(attributes, "exitCode"));
	int32_t code = 0;

	if (!text.n || text.n > 9)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		code = code * 10 + (text.p[i] - '0');
	}
	return code;
}

static void tell_event(struct docker_stream *s, struct jval message)
{
	struct jval actor = jval_get(message, "Actor");
	struct span type = jval_text(jval_get(message, "Type"));
	int64_t ns = jval_int(jval_get(message, "timeNano"), 0);
	struct docker_event ev = {
		.action = action_of(jval_text(jval_get(message, "Action"))),
		.id = jval_text(jval_get(actor, "ID")),
		.exit_code = exit_code_of(jval_get(actor, "Attributes")),
		.real_ns = ns > 0 ? (uint64_t)ns : 0,
	};

	if (!ev.action.n)
		ev.action = action_of(jval_text(jval_get(message, "status")));
	if (!ev.id.n)
		ev.id = jval_text(jval_get(message, "id"));
	if ((type.n && !span_is(type, "container")) || !ev.action.n ||
	    !container_id_is_safe(ev.id)) {
		s->unparsed += !type.n || !ev.action.n || !ev.id.n;
		return;
	}
	if (ev.real_ns > s->last_ns)
		s->last_ns = ev.real_ns;
	s->on_event(s->ctx, &ev);
}

static int whole_line(struct docker_stream *s, struct err *e)
{
	struct err why = ERR_INIT; /* one broken message does not end the stream; it is counted */
	AUTO(jtree) struct jtree t = JTREE_INIT;
	size_t max = s->line.max;
	int r;

	if (!s->line.n)
		return 0;
	r = jtree_parse(&t, &s->line, "event", &why);
	buf_init(&s->line, max);
	if (r == -ENOMEM)
		return err_sys(e, ENOMEM, "cannot read an event");
	if (r == 0)
		tell_event(s, jtree_root(&t));
	else
		s->unparsed++;
	return 0;
}

int docker_stream_piece(struct docker_stream *s, struct span piece, struct err *e)
{
	while (piece.n) {
		const uint8_t *end = memchr(piece.p, '\n', piece.n);
		size_t n = end ? (size_t)(end - piece.p) : piece.n;
		int r;

		buf_add(&s->line, piece.p, n);
		if (s->line.failed) {
			r = buf_check(&s->line, "an event of Docker", e);
			buf_clear(&s->line);
			return r;
		}
		if (!end)
			return 0;
		r = whole_line(s, e);
		if (r < 0)
			return r;
		piece = span_make(end + 1, piece.n - n - 1);
	}
	return 0;
}

static int on_piece(void *ctx, struct span piece, struct err *e)
{
	return docker_stream_piece(ctx, piece, e);
}

int docker_stream_run(struct docker_stream *s, const char *socket, struct err *e)
{
	/* filters={"type":["container"]} */
	static const char filter[] = "filters=%7B%22type%22%3A%5B%22container%22%5D%7D";
	char path[160];
	struct http_request q = {.socket = socket, .path = path};

	if (s->last_ns)
		(void)snprintf(path, sizeof(path), "/events?%s&since=%" PRIu64 ".%09" PRIu64,
			       filter, (uint64_t)(s->last_ns / NSEC_PER_SEC),
			       (uint64_t)(s->last_ns % NSEC_PER_SEC)); /* fits */
	else
		(void)snprintf(path, sizeof(path), "/events?%s", filter); /* fits */
	buf_clear(&s->line);
	return http_stream_run(&s->http, &q, on_piece, s, e);
}
