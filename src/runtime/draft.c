/* draft.c - see draft.h. */
#include "runtime/draft.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

#define CHUNK_BYTES 4096u

struct draft_chunk {
	struct draft_chunk *next;
	size_t used, cap;
	uint8_t bytes[];
};

const size_t container_texts[CONTAINER_TEXTS] = {
	offsetof(struct container, id),
	offsetof(struct container, name),
	offsetof(struct container, image),
	offsetof(struct container, image_id),
	offsetof(struct container, digest),
	offsetof(struct container, pod),
	offsetof(struct container, pod_namespace),
	offsetof(struct container, pod_uid),
	offsetof(struct container, cgroup_path),
	offsetof(struct container, rootfs),
	offsetof(struct container, upper_dir),
	offsetof(struct container, bundle),
	offsetof(struct container, log_path),
	offsetof(struct container, restart),
	offsetof(struct container, user),
	offsetof(struct container, command),
	offsetof(struct container, conflict),
};

void draft_init(struct draft *d)
{
	*d = (struct draft){.c = {.exit_code = -1}};
}

void draft_fini(struct draft *d)
{
	while (d->chunks) {
		struct draft_chunk *next = d->chunks->next;

		free(d->chunks);
		d->chunks = next;
	}
	free(d->labels);
	free(d->mounts);
	draft_init(d);
}

static uint8_t *room(struct draft *d, size_t n)
{
	struct draft_chunk *chunk = d->chunks;

	if (!chunk || chunk->cap - chunk->used < n) {
		size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + cap);
		if (!chunk) {
			d->failed = true;
			return NULL;
		}
		*chunk = (struct draft_chunk){.next = d->chunks, .cap = cap};
		d->chunks = chunk;
	}
	chunk->used += n;
	return chunk->bytes + chunk->used - n;
}

static struct span keep(struct draft *d, struct span value)
{
	uint8_t *copy;

	if (value.n > LIMIT_IDENTITY_TEXT) {
		value.n = LIMIT_IDENTITY_TEXT;
		d->c.cut++;
	}
	copy = value.n ? room(d, value.n) : NULL;
	if (!copy)
		return span_make(NULL, 0);
	memcpy(copy, value.p, value.n);
	return span_make(copy, value.n);
}

void draft_set(struct draft *d, struct span *field, struct span value)
{
	if (value.n)
		*field = keep(d, value);
}

void draft_setf(struct draft *d, struct span *field, const char *format, ...)
{
	char text[LIMIT_PATH];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		d->c.cut++;
	draft_set(d, field, span_of(text));
}

/* One more slot of an array that doubles; NULL at the limit (counted) or without memory. */
static void *slot(struct draft *d, void **array, size_t *cap, size_t n, size_t size, size_t max)
{
	if (n == max) {
		d->c.cut++;
		return NULL;
	}
	if (n == *cap) {
		size_t more = *cap ? *cap * 2 : 8;
		void *grown = realloc(*array, more * size);

		if (!grown) {
			d->failed = true;
			return NULL;
		}
		*array = grown;
		*cap = more;
	}
	return (char *)*array + n * size;
}

void draft_label(struct draft *d, struct span key, struct span value)
{
	void *array = d->labels;
	struct container_label *label =
		slot(d, &array, &d->label_cap, d->c.label_count, sizeof(*label), LIMIT_LABELS);

	d->labels = array;
	d->c.labels = array;
	if (!label)
		return;
	*label = (struct container_label){keep(d, key), keep(d, value)};
	d->c.label_count++;
}

void draft_mount(struct draft *d, const struct container_mount *m)
{
	void *array = d->mounts;
	struct container_mount *mount =
		slot(d, &array, &d->mount_cap, d->c.mount_count, sizeof(*mount), LIMIT_MOUNTS);

	d->mounts = array;
	d->c.mounts = array;
	if (!mount)
		return;
	*mount = (struct container_mount){keep(d, m->source), keep(d, m->target), keep(d, m->type),
					  m->writable};
	d->c.mount_count++;
}

struct span draft_find_label(const struct draft *d, const char *key)
{
	for (size_t i = 0; i < d->c.label_count; i++) {
		if (span_is(d->c.labels[i].key, key))
			return d->c.labels[i].value;
	}
	return span_make(NULL, 0);
}

static void fill_numbers(struct container *to, const struct container *c)
{
	if (to->runtime == RUNTIME_UNKNOWN)
		to->runtime = c->runtime;
	if (to->state < c->state)
		to->state = c->state;
	if (to->privileged == TRUTH_UNKNOWN)
		to->privileged = c->privileged;
	if (to->auto_remove == TRUTH_UNKNOWN)
		to->auto_remove = c->auto_remove;
	if (!to->cgroup_id)
		to->cgroup_id = c->cgroup_id;
	if (!to->init_pid)
		to->init_pid = c->init_pid;
	if (to->exit_code < 0)
		to->exit_code = c->exit_code;
	if (!to->created_ns)
		to->created_ns = c->created_ns;
	if (!to->started_ns)
		to->started_ns = c->started_ns;
	if (!to->died_ns)
		to->died_ns = c->died_ns;
	to->cut += c->cut;
}

void draft_fill(struct draft *d, const struct container *c)
{
	for (size_t i = 0; i < CONTAINER_TEXTS; i++) {
		if (!container_text(&d->c, i)->n)
			draft_set(d, container_text(&d->c, i), *container_text_const(c, i));
	}
	if (!d->c.label_count) {
		for (size_t i = 0; i < c->label_count; i++)
			draft_label(d, c->labels[i].key, c->labels[i].value);
	}
	if (!d->c.mount_count) {
		for (size_t i = 0; i < c->mount_count; i++)
			draft_mount(d, &c->mounts[i]);
	}
	fill_numbers(&d->c, c);
}

int draft_check(const struct draft *d, struct err *e)
{
	return d->failed ? err_sys(e, ENOMEM, "cannot keep a container's identity") : 0;
}

static size_t bytes_of(const struct container *c)
{
	size_t n = 0;

	for (size_t i = 0; i < CONTAINER_TEXTS; i++)
		n += container_text_const(c, i)->n;
	for (size_t i = 0; i < c->label_count; i++)
		n += c->labels[i].key.n + c->labels[i].value.n;
	for (size_t i = 0; i < c->mount_count; i++)
		n += c->mounts[i].source.n + c->mounts[i].target.n + c->mounts[i].type.n;
	return n;
}

static void move_to(struct span *s, uint8_t **at)
{
	if (s->n)
		memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

struct container *container_copy(const struct container *c)
{
	size_t labels = c->label_count * sizeof(*c->labels);
	size_t mounts = c->mount_count * sizeof(*c->mounts);
	struct container *copy = malloc(sizeof(*copy) + labels + mounts + bytes_of(c));
	struct container_label *label = (void *)(copy + 1);
	struct container_mount *mount = (void *)((char *)label + labels);
	uint8_t *at = (uint8_t *)mount + mounts;

	if (!copy)
		return NULL;
	*copy = *c;
	for (size_t i = 0; i < CONTAINER_TEXTS; i++)
		move_to(container_text(copy, i), &at);
	copy->labels = label;
	copy->mounts = mount;
	for (size_t i = 0; i < c->label_count; i++) {
		label[i] = c->labels[i];
		move_to(&label[i].key, &at);
		move_to(&label[i].value, &at);
	}
	for (size_t i = 0; i < c->mount_count; i++) {
		mount[i] = c->mounts[i];
		move_to(&mount[i].source, &at);
		move_to(&mount[i].target, &at);
		move_to(&mount[i].type, &at);
	}
	return copy;
}

static bool same_numbers(const struct container *a, const struct container *b)
{
	return a->cgroup_id == b->cgroup_id && a->runtime == b->runtime && a->state == b->state &&
	       a->privileged == b->privileged && a->auto_remove == b->auto_remove &&
	       a->init_pid == b->init_pid && a->exit_code == b->exit_code &&
	       a->created_ns == b->created_ns && a->started_ns == b->started_ns &&
	       a->died_ns == b->died_ns && a->cut == b->cut && a->label_count == b->label_count &&
	       a->mount_count == b->mount_count;
}

bool container_same(const struct container *a, const struct container *b)
{
	if (!same_numbers(a, b))
		return false;
	for (size_t i = 0; i < CONTAINER_TEXTS; i++) {
		if (!span_eq(*container_text_const(a, i), *container_text_const(b, i)))
			return false;
	}
	for (size_t i = 0; i < a->label_count; i++) {
		if (!span_eq(a->labels[i].key, b->labels[i].key) ||
		    !span_eq(a->labels[i].value, b->labels[i].value))
			return false;
	}
	for (size_t i = 0; i < a->mount_count; i++) {
		const struct container_mount *m = &a->mounts[i], *n = &b->mounts[i];

		if (!span_eq(m->source, n->source) || !span_eq(m->target, n->target) ||
		    !span_eq(m->type, n->type) || m->writable != n->writable)
			return false;
	}
	return true;
}

bool container_id_is_safe(struct span id)
{
	if (!id.n || id.n >= LIMIT_CONTAINER_ID || id.p[0] == '.')
		return false;
	for (size_t i = 0; i < id.n; i++) {
		uint8_t c = id.p[i];
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && !(c && strchr("_.-+", c)))
			return false;
	}
	return true;
}

bool container_id_is_hex(struct span id)
{
	if (id.n != 64)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		if (!(id.p[i] >= '0' && id.p[i] <= '9') && !(id.p[i] >= 'a' && id.p[i] <= 'f'))
			return false;
	}
	return true;
}
