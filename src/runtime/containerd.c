/* containerd.c - see containerd.h. */
#include "runtime/containerd.h"

#include <stdio.h>

#include "base/limits.h"
#include "runtime/oci.h"
#include "runtime/protobuf.h"

#define FRAME_HEAD    5u /* compressed flag and big-endian length: gRPC over HTTP/2 */
#define SERVICES      "/containerd.services."
#define NAMESPACE_MAX 80 /* a namespace's identifier has at most 76 characters */

static void add_frame(struct buf *b, struct span message)
{
	const uint8_t head[FRAME_HEAD] = {0, (uint8_t)(message.n >> 24), (uint8_t)(message.n >> 16),
					  (uint8_t)(message.n >> 8), (uint8_t)message.n};

	buf_add(b, head, sizeof(head));
	buf_add_span(b, message);
}

/* Takes one whole frame off the front; false when it is not all there. */
static bool take_frame(struct span *bytes, struct span *ret_message)
{
	uint32_t n;

	if (bytes->n < FRAME_HEAD)
		return false;
	n = (uint32_t)bytes->p[1] << 24 | (uint32_t)bytes->p[2] << 16 | (uint32_t)bytes->p[3] << 8 |
	    bytes->p[4];
	if (n > bytes->n - FRAME_HEAD)
		return false;
	*ret_message = span_make(bytes->p + FRAME_HEAD, n);
	*bytes = span_make(bytes->p + FRAME_HEAD + n, bytes->n - FRAME_HEAD - n);
	return true;
}

/* A method, its argument (field 1 of the message, maybe empty), and the namespace (NULL: none). */
struct request {
	const char *socket, *method, *space;
	struct span argument;
};

/* Calls it.  The answer's message is borrowed from `body`. */
static int call(const struct request *rq, struct buf *body, struct span *ret_message, struct err *e)
{
	char header[NAMESPACE_MAX + 32];
	struct http_request q = {.socket = rq->socket, .path = rq->method, .grpc = true};
	AUTO(buf) struct buf message = {.max = LIMIT_PATH};
	AUTO(buf) struct buf frame = {.max = LIMIT_PATH + FRAME_HEAD};
	struct span rest;
	long status = 0;
	int r;

	pb_add(&message, 1, rq->argument);
	add_frame(&frame, buf_span(&message));
	r = buf_check(&frame, "a request to containerd", e);
	if (r < 0)
		return r;
	(void)snprintf(header, sizeof(header), "containerd-namespace: %s",
		       rq->space ? rq->space : "");
	q.header = rq->space ? header : NULL;
	q.body = buf_span(&frame);
	r = http_fetch(&q, body, &status, e);
	if (r < 0)
		return r;
	rest = buf_span(body);
	if (status != 200 || !take_frame(&rest, ret_message) || rest.n || body->p[0])
		return err_set(e, EPROTO, "'%s' answers %s with no whole message", rq->socket,
			       rq->method);
	return 0;
}

int containerd_ping(const char *socket, struct buf *version, struct err *e)
{
	struct span message;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};
	int r;

	r = call(&(struct request){socket, SERVICES "version.v1.Version/Version", NULL, {NULL, 0}},
		 &body, &message, e);
	if (r == 0 && version)
		buf_add_span(version, pb_bytes(message, 1));
	return r;
}

/* A namespace goes into a header line: only what containerd itself allows (identifiers.Validate).
 */
static bool space_text(struct span space, char *ret)
{
	if (!container_id_is_safe(space) || space.n >= NAMESPACE_MAX)
		return false;
	memcpy(ret, space.p, space.n);
	ret[space.n] = '\0';
	return true;
}

/* `filter` as of containerd/filters: "id==3f2a..."; empty for all. */
static int list_space(const char *socket, struct span space, const char *filter,
		      int (*fn)(void *ctx, struct span space, struct span id), void *ctx,
		      struct err *e)
{
	char name[NAMESPACE_MAX];
	struct span message;
	struct cursor c;
	struct pb_field f;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};
	int r;

	if (!space_text(space, name))
		return 0;
	r = call(&(struct request){socket, SERVICES "containers.v1.Containers/List", name,
				   span_of(filter)},
		 &body, &message, e);
	if (r < 0)
		return r;
	c = cursor_of(message);
	while (pb_next(&c, &f)) {
		struct span id = pb_bytes(f.bytes, 1);

		if (f.number != 1 || !container_id_is_safe(id))
			continue;
		r = fn(ctx, space, id);
		if (r != 0)
			return r;
	}
	return 0;
}

static int list_all(const char *socket, const char *filter,
		    int (*fn)(void *ctx, struct span space, struct span id), void *ctx,
		    struct err *e)
{
	struct span message;
	struct cursor c;
	struct pb_field f;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};
	int r;

	r = call(
		&(struct request){
			socket, SERVICES "namespaces.v1.Namespaces/List", NULL, {NULL, 0}},
		&body, &message, e);
	if (r < 0)
		return r;
	c = cursor_of(message);
	while (r == 0 && pb_next(&c, &f)) {
		if (f.number == 1)
			r = list_space(socket, pb_bytes(f.bytes, 1), filter, fn, ctx, e);
	}
	return r;
}

int containerd_list(const char *socket, int (*fn)(void *ctx, struct span space, struct span id),
		    void *ctx, struct err *e)
{
	return list_all(socket, "", fn, ctx, e);
}

static int take_space(void *ctx, struct span space, struct span id)
{
	struct buf *b = ctx;

	(void)id; /* the filter's */
	buf_add_span(b, space);
	return 1;
}

int containerd_find(const char *socket, const char *id, struct buf *space, struct err *e)
{
	char filter[LIMIT_CONTAINER_ID + 8];
	int r;

	if (!container_id_is_safe(span_of(id)))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	(void)snprintf(filter, sizeof(filter), "id==%s", id); /* the id is short */
	r = list_all(socket, filter, take_space, space, e);
	if (r == 0)
		return err_set(e, ENOENT, "'%s' does not know '%s'", socket, id);
	return r < 0 ? r : buf_check(space, "a namespace", e);
}

/* What CRI writes into a container's labels (pkg/cri/server/helpers.go). */
static void fill_kubernetes(struct draft *d)
{
	draft_set(d, &d->c.pod, draft_find_label(d, "io.kubernetes.pod.name"));
	draft_set(d, &d->c.pod_namespace, draft_find_label(d, "io.kubernetes.pod.namespace"));
	draft_set(d, &d->c.pod_uid, draft_find_label(d, "io.kubernetes.pod.uid"));
	draft_set(d, &d->c.name, draft_find_label(d, "io.kubernetes.container.name"));
	if (!d->c.name.n)
		draft_set(d, &d->c.name, draft_find_label(d, "nerdctl/name"));
}

/* The specification is a JSON text in an Any. */
static void fill_spec(struct draft *d, struct span any)
{
	struct err ignored = ERR_INIT; /* a specification of another kind says nothing */
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct buf text;

	buf_init(&text, LIMIT_FILE_READ);
	buf_add_span(&text, pb_bytes(any, 2));
	if (!text.failed && text.n && jtree_parse(&t, &text, "spec", &ignored) == 0)
		oci_fill_config(d, jtree_root(&t), span_make(NULL, 0));
	buf_fini(&text);
	/* CRI's root is the path "rootfs" in the bundle, which the specification does not say */
	if (d->c.rootfs.n && d->c.rootfs.p[0] == '/' && d->c.rootfs.n > 1 &&
	    !memchr(d->c.rootfs.p + 1, '/', d->c.rootfs.n - 1))
		d->c.rootfs = span_make(NULL, 0);
}

/* What CRI keeps beside a container, as JSON in an Any of its extensions: the path of its log
 * (internal/cri/store/container/metadata.go). */
static void fill_extension(struct draft *d, struct span entry)
{
	struct err ignored = ERR_INIT; /* an extension of another kind says nothing */
	AUTO(jtree) struct jtree t = JTREE_INIT;
	AUTO(buf) struct buf text;

	buf_init(&text, LIMIT_FILE_READ);
	if (!span_is(pb_bytes(entry, 1), "io.cri-containerd.container.metadata"))
		return;
	buf_add_span(&text, pb_bytes(pb_bytes(entry, 2), 2));
	if (!text.failed && text.n && jtree_parse(&t, &text, "metadata", &ignored) == 0)
		draft_set(d, &d->c.log_path,
			  jval_text(jval_path(jtree_root(&t), "Metadata", "LogPath", NULL)));
}

void containerd_fill_container(struct draft *d, struct span message)
{
	struct cursor c = cursor_of(message);
	struct pb_field f;

	d->c.runtime = RUNTIME_CONTAINERD;
	while (pb_next(&c, &f)) {
		if (f.number == 1)
			draft_set(d, &d->c.id, f.bytes);
		else if (f.number == 2)
			draft_label(d, pb_bytes(f.bytes, 1), pb_bytes(f.bytes, 2));
		else if (f.number == 3)
			draft_set(d, &d->c.image, f.bytes);
		else if (f.number == 8)
			d->c.created_ns = pb_time(f.bytes);
		else if (f.number == 10)
			fill_extension(d, f.bytes);
	}
	fill_kubernetes(d);
	fill_spec(d, pb_bytes(message, 5));
}

void containerd_fill_image(struct draft *d, struct span message)
{
	draft_set(d, &d->c.digest, pb_bytes(pb_bytes(message, 3), 2));
}

void containerd_fill_task(struct draft *d, struct span message)
{
	enum {
		TASK_STOPPED = 3
	};
	uint64_t status = pb_value(message, 4), pid = pb_value(message, 3);

	if (status == TASK_STOPPED) {
		d->c.state = CONTAINER_DEAD;
		d->c.exit_code = (int32_t)(pb_value(message, 9) & 0xffff);
		d->c.died_ns = pb_time(pb_bytes(message, 10));
	} else if (status) {
		d->c.state = CONTAINER_RUNNING;
		d->c.init_pid = pid <= INT32_MAX ? (uint32_t)pid : 0;
	}
}

/* Asks for one thing by name and hands its message (field 1 of the answer) on; what is not there
 * stays unknown. */
static void ask_more(const struct request *rq, void (*fill)(struct draft *d, struct span message),
		     struct draft *d)
{
	struct err ignored = ERR_INIT;
	struct span message;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};

	if (rq->argument.n && call(rq, &body, &message, &ignored) == 0)
		fill(d, pb_bytes(message, 1));
}

int containerd_inspect(const char *socket, const char *space, const char *id, struct draft *d,
		       struct err *e)
{
	char name[NAMESPACE_MAX];
	struct span message;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};
	int r;

	if (!container_id_is_safe(span_of(id)) || !space_text(span_of(space), name))
		return err_set(e, EINVAL, "'%.60s' is no container id", id);
	r = call(&(struct request){socket, SERVICES "containers.v1.Containers/Get", name,
				   span_of(id)},
		 &body, &message, e);
	if (r < 0)
		return r;
	containerd_fill_container(d, pb_bytes(message, 1));
	if (!span_is(d->c.id, id))
		return err_set(e, EPROTO, "'%s' answers about another container than '%s'", socket,
			       id);
	ask_more(&(struct request){socket, SERVICES "images.v1.Images/Get", name, d->c.image},
		 containerd_fill_image, d);
	ask_more(&(struct request){socket, SERVICES "tasks.v1.Tasks/Get", name, span_of(id)},
		 containerd_fill_task, d);
	return draft_check(d, e);
}

int containerd_stream_init(struct containerd_stream *s, struct err *e)
{
	*s = (struct containerd_stream){.unparsed = 0};
	buf_init(&s->frames, LIMIT_HTTP_BODY);
	return http_stream_init(&s->http, e);
}

void containerd_stream_fini(struct containerd_stream *s)
{
	http_stream_fini(&s->http);
	buf_fini(&s->frames);
}

/* An Envelope of services/events/v1: time, namespace, topic, and the event in an Any.  In every
 * event of /tasks and /containers, field 1 is the container's id. */
static void tell_event(struct containerd_stream *s, struct span envelope)
{
	struct span event = pb_bytes(pb_bytes(envelope, 4), 2);
	struct containerd_event ev = {
		.topic = pb_bytes(envelope, 3),
		.space = pb_bytes(envelope, 2),
		.id = pb_bytes(event, 1),
		.exit_code = -1,
		.real_ns = pb_time(pb_bytes(envelope, 1)),
	};

	if (!ev.topic.n) {
		s->unparsed++;
		return;
	}
	if ((!span_starts(ev.topic, "/tasks/") && !span_starts(ev.topic, "/containers/")) ||
	    !container_id_is_safe(ev.id) || !container_id_is_safe(ev.space))
		return;
	/* TaskExit: id (2) is the process, the container's first one has its id */
	if (span_is(ev.topic, "/tasks/exit") && span_eq(pb_bytes(event, 2), ev.id))
		ev.exit_code = (int32_t)(pb_value(event, 4) & 0xffff);
	s->on_event(s->ctx, &ev);
}

int containerd_stream_piece(struct containerd_stream *s, struct span piece, struct err *e)
{
	struct span rest, message;
	size_t used;

	buf_add_span(&s->frames, piece);
	if (s->frames.failed) {
		int r = buf_check(&s->frames, "an event of containerd", e);

		buf_clear(&s->frames);
		return r;
	}
	rest = buf_span(&s->frames);
	while (take_frame(&rest, &message))
		tell_event(s, message);
	used = s->frames.n - rest.n;
	if (used && rest.n)
		memmove(s->frames.p, s->frames.p + used, rest.n);
	s->frames.n = rest.n;
	return 0;
}

static int on_piece(void *ctx, struct span piece, struct err *e)
{
	return containerd_stream_piece(ctx, piece, e);
}

int containerd_stream_run(struct containerd_stream *s, const char *socket, struct err *e)
{
	static const uint8_t everything[FRAME_HEAD] = {0};
	struct http_request q = {
		.socket = socket,
		.path = SERVICES "events.v1.Events/Subscribe",
		.body = span_make(everything, sizeof(everything)),
		.grpc = true,
	};

	buf_clear(&s->frames);
	return http_stream_run(&s->http, &q, on_piece, s, e);
}

struct span containerd_space_of(struct span bundle)
{
	static const char mark[] = "/io.containerd.runtime.v2.task/";
	size_t n = sizeof(mark) - 1;

	for (size_t i = 0; i + n < bundle.n; i++) {
		const uint8_t *start = bundle.p + i + n, *end;

		if (memcmp(bundle.p + i, mark, n) != 0)
			continue;
		end = memchr(start, '/', bundle.n - i - n);
		return span_make(start, end ? (size_t)(end - start) : bundle.n - i - n);
	}
	return span_make(NULL, 0);
}
