/* fuzz_docker_json.c - what Docker, containerd and Podman answer, as a liar would.
 *
 * The first byte chooses the reader, so that one corpus serves all: i inspect, c config.v2.json,
 * h hostconfig.json, r repositories.json, e event stream, p containers.json of Podman, P inspect
 * of Podman, k a containerd container, t a containerd event stream. */
#include "base/json.h"
#include "runtime/containerd.h"
#include "runtime/docker.h"
#include "runtime/podman.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void on_docker(void *ctx, const struct docker_event *ev)
{
	*(size_t *)ctx += ev->id.n;
}

static void on_containerd(void *ctx, const struct containerd_event *ev)
{
	*(size_t *)ctx += ev->id.n;
}

/* In two pieces, because a piece may end anywhere. */
static void streams(uint8_t kind, struct span input)
{
	struct span first = span_make(input.p, input.n / 2);
	struct span second = span_make(input.p + first.n, input.n - first.n);
	struct err e = ERR_INIT;
	size_t seen = 0;

	if (kind == 'e') {
		struct docker_stream s = {.on_event = on_docker, .ctx = &seen};

		buf_init(&s.line, 1u << 20);
		if (docker_stream_piece(&s, first, &e) == 0)
			(void)docker_stream_piece(&s, second, &e); /* a refusal is fine */
		buf_fini(&s.line);
	} else {
		struct containerd_stream s = {.on_event = on_containerd, .ctx = &seen};

		buf_init(&s.frames, LIMIT_HTTP_BODY);
		if (containerd_stream_piece(&s, first, &e) == 0)
			(void)containerd_stream_piece(&s, second, &e); /* a refusal is fine */
		buf_fini(&s.frames);
	}
}

static void fill(struct draft *d, uint8_t kind, struct jval root)
{
	switch (kind) {
	case 'i':
		docker_fill_inspect(d, root);
		docker_fill_digest(d, root);
		break;
	case 'c':
		docker_fill_config(d, root);
		break;
	case 'h':
		docker_fill_host(d, root);
		break;
	case 'r':
		docker_fill_repositories(d, root);
		break;
	case 'p':
		jval_each (entry, root)
			podman_fill_container(d, entry);
		podman_fill_image(d, root);
		break;
	default:
		podman_fill_inspect(d, root);
		break;
	}
}

/* What was understood must print as JSON that is read again, and be copied whole. */
static void check(const struct container *c)
{
	struct container *copy = container_copy(c);
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct buf b;
	struct json j = json_to(&b);

	if (!copy || !container_same(c, copy))
		abort();
	buf_init(&b, 64u << 20);
	container_json(&j, NULL, copy);
	if (jtree_parse(&t, &b, "printed", &e) < 0 && e.code == EINVAL)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct buf text;

	if (n == 0)
		return 0;
	if (p[0] == 'e' || p[0] == 't') {
		streams(p[0], span_make(p + 1, n - 1));
		return 0;
	}
	if (p[0] == 'k') {
		containerd_fill_container(&d, span_make(p + 1, n - 1));
		containerd_fill_image(&d, span_make(p + 1, n - 1));
		containerd_fill_task(&d, span_make(p + 1, n - 1));
		check(&d.c);
		return 0;
	}
	buf_init(&text, LIMIT_FILE_READ);
	buf_add(&text, p + 1, n - 1);
	if (jtree_parse(&t, &text, "input", &e) == 0)
		fill(&d, p[0], jtree_root(&t));
	check(&d.c);
	return 0;
}
