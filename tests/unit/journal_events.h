/* journal_events.h - made-up events of every type for tests of the store: deterministic, and with
 * the odd sizes and bytes that break formats. */
#ifndef AMBER_TESTS_UNIT_JOURNAL_EVENTS_H
#define AMBER_TESTS_UNIT_JOURNAL_EVENTS_H

#include "base/buf.h"
#include "model/event.h"

struct made_event {
	struct event ev;
	struct process process;
	struct container container;
	struct buf bytes; /* what the spans point into */
};

static inline uint64_t made_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Numbers of every width, small ones more often. */
static inline uint64_t made_number(uint64_t *seed)
{
	unsigned shift = (unsigned)(made_random(seed) % 64);

	return made_random(seed) % 4 == 0 ? 0 : made_random(seed) >> shift;
}

static inline struct span made_text(struct made_event *m, uint64_t *seed)
{
	size_t n = made_random(seed) % 8 == 0 ? made_random(seed) % 3000 : made_random(seed) % 12;
	uint8_t *p = buf_room(&m->bytes, n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(n < 12 ? 'a' + made_random(seed) % 3 : made_random(seed));
	m->bytes.n += n;
	return span_make(p, n);
}

static inline void made_process(struct made_event *m, uint64_t rev)
{
	uint64_t seed = rev * 0x9e3779b97f4a7c15ull | 1;
	struct process *p = &m->process;

	p->rev = rev;
	p->start_ns = made_number(&seed);
	p->parent_start_ns = made_number(&seed);
	p->exec_ns = made_number(&seed);
	p->pid = (uint32_t)made_number(&seed);
	p->ppid = (uint32_t)made_number(&seed);
	p->vpid = (uint32_t)made_number(&seed);
	p->uid = (uint32_t)made_number(&seed);
	p->gid = (uint32_t)made_number(&seed);
	p->loginuid = (uint32_t)made_number(&seed);
	p->comm = made_text(m, &seed);
	p->exe = made_text(m, &seed);
}

static inline void made_container(struct made_event *m, uint64_t rev)
{
	uint64_t seed = rev * 0xff51afd7ed558ccdull | 1;
	struct container *c = &m->container;
	struct span *texts[] = {&c->id,	    &c->name,	     &c->image,	  &c->image_id,
				&c->digest, &c->pod,	     &c->pod_uid, &c->pod_namespace,
				&c->rootfs, &c->cgroup_path, &c->user,	  &c->upper_dir,
				&c->command};

	*c = (struct container){
		.rev = rev,
		.cgroup_id = made_number(&seed),
		.runtime = (enum container_runtime)(made_random(&seed) % 7),
		.state = (enum container_state)(made_random(&seed) % 3),
		.privileged = (enum truth)(made_random(&seed) % 3),
		.auto_remove = (enum truth)(made_random(&seed) % 3),
		.init_pid = (uint32_t)made_number(&seed),
		.exit_code = (int32_t)made_number(&seed),
		.created_ns = made_number(&seed),
		.started_ns = made_number(&seed),
		.died_ns = made_number(&seed),
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		*texts[i] = made_text(m, &seed);
}

/* Event `number`: the same for the same number, whatever came before. */
static inline void made_event(struct made_event *m, uint64_t number)
{
	uint64_t seed = (number + 1) * 0x9e3779b97f4a7c15ull | 1;
	const struct event_type_info *info;
	enum event_type type;

	do
		type = (enum event_type)(made_random(&seed) % EVENT_TYPE_MAX);
	while (!event_types[type].name);
	info = &event_types[type];
	if (!m->bytes.max)
		buf_init(&m->bytes, 4u << 20);
	(void)buf_room(&m->bytes, 1u << 20); /* so that it never moves under the spans */
	buf_clear(&m->bytes);
	event_init(&m->ev, type);
	m->ev.real_ns = 1700000000000000000ull + number * 1000 + made_random(&seed) % 5000;
	m->ev.boot_ns = m->ev.real_ns - 1699999999000000000ull - made_random(&seed) % 3;
	m->ev.marks = (uint32_t)made_number(&seed);
	m->ev.count = made_number(&seed);
	m->ev.ret = (int64_t)made_number(&seed);
	m->ev.tid = (uint32_t)made_number(&seed);
	if (made_random(&seed) % 8) {
		made_process(m, 1 + made_random(&seed) % 300);
		m->ev.process = &m->process;
	}
	if (made_random(&seed) % 8) {
		made_container(m, 1 + made_random(&seed) % 20);
		m->ev.container = &m->container;
	}
	for (unsigned i = 0; i < info->field_count; i++) {
		unsigned field = info->fields[i];

		if (value_kind_is_bytes(event_fields[field].kind))
			m->ev.value[field].bytes = made_text(m, &seed);
		else
			m->ev.value[field].u = made_number(&seed);
	}
}

static inline void made_fini(struct made_event *m)
{
	buf_fini(&m->bytes);
}

#endif
