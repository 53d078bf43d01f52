/* fuzz_extract.c - every field of an event: its type, a mark, then texts divided by NUL, of which
 * the event, its process and its container get one after the other. */
#include <stdlib.h>

#include "base/limits.h"
#include "detect/extract.h"

#define TEXTS 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct texts {
	struct span item[TEXTS];
	size_t n, next;
};

static void split(struct texts *t, const uint8_t *data, size_t size)
{
	while (t->n < TEXTS) {
		const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
		size_t n = nul ? (size_t)(nul - data) : size;

		t->item[t->n++] = span_make(data, n);
		if (!nul)
			return;
		data = nul + 1;
		size -= n + 1;
	}
}

static struct span take(struct texts *t)
{
	return t->item[t->next++ % t->n];
}

static void fill(struct event *ev, struct texts *t)
{
	const struct event_type_info *info = &event_types[ev->type];

	for (unsigned i = 0; i < info->field_count; i++) {
		enum event_field field = (enum event_field)info->fields[i];
		struct span text = take(t);

		if (value_kind_is_bytes(event_fields[field].kind))
			ev->value[field].bytes = text;
		else
			ev->value[field].u = text.n ? text.p[0] : 0;
	}
}

static void ask_all(const struct detect_event *event, struct span arg)
{
	for (size_t i = 0; extract_at(i); i++) {
		const struct extractor *x = extract_at(i);
		struct extract_field field;
		struct detect_value v;
		struct err e = ERR_INIT;

		detect_scratch_reset(event->scratch);
		if (extract_prepare(span_of(x->name), span_make(NULL, 0), &field, &e) == 0 ||
		    extract_prepare(span_of(x->name), arg, &field, &e) == 0)
			extract(&field, event, &v);
		else if (e.text[0] == 0)
			abort(); /* a refusal says why */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(detect_scratch) struct detect_scratch scratch = {0};
	AUTO(lineage) struct lineage *l = NULL;
	struct container_mount mount;
	struct texts t = {.n = 0};
	struct container box = {.mounts = &mount, .mount_count = 1};
	struct process actor = {.pid = 9, .start_ns = 90, .ppid = 5, .parent_start_ns = 50};
	struct detect_event event = {.scratch = &scratch};
	struct event ev;
	struct err e = ERR_INIT;

	if (size < 3 || data[0] >= EVENT_TYPE_MAX || !event_types[data[0]].name ||
	    detect_scratch_init(&scratch, &e) < 0 || lineage_new(16, &l, &e) < 0)
		return 0;
	split(&t, data + 2, size - 2);
	event_init(&ev, (enum event_type)data[0]);
	ev.marks = data[1] & 0x3f;
	fill(&ev, &t);
	actor.comm = take(&t);
	actor.exe = take(&t);
	box.id = take(&t);
	box.image = take(&t);
	box.image_id = take(&t);
	mount = (struct container_mount){take(&t), take(&t), take(&t), TRUTH_YES};
	ev.process = &actor;
	ev.container = &box;
	event.ev = &ev;
	(void)lineage_feed(l, &ev, &e); /* out of memory is no finding */
	event.ancestry = lineage_ancestry(l);
	ask_all(&event, take(&t));
	return 0;
}
