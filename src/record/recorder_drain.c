/* recorder_drain.c - from the kernel's rings to the journal. */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#include "record/recorder_internal.h"

#define BATCH	      1024u /* records under one read section and one lock */
#define ROUND	      64u   /* batches before other work gets its turn */
#define STRANGERS_MAX 4096u
#define SWEEP_LOOKUPS 50u
#define STRANGER_REV  (1ull << 63)

/* A tracked control group of which the registry knows nothing yet: it gets an identity of its own,
 * made of the one thing that the kernel told. */
static const struct container *stranger(struct recorder *r, uint64_t cgroup_id)
{
	uint64_t *known = map_find(&r->strangers, cgroup_id);
	struct {
		struct container c;
		char id[40];
	} * made;
	int n;

	if (known)
		return (const struct container *)(uintptr_t)*known;
	if (r->strangers.n >= STRANGERS_MAX || !(made = calloc(1, sizeof(*made)))) {
		r->strangers_refused++;
		return NULL;
	}
	n = snprintf(made->id, sizeof(made->id), "cgroup-%" PRIu64, cgroup_id);
	made->c.rev = STRANGER_REV | cgroup_id;
	made->c.cgroup_id = cgroup_id;
	made->c.id = span_make(made->id, (size_t)n);
	made->c.exit_code = -1;
	made->c.state = CONTAINER_RUNNING;
	if (map_put(&r->strangers, cgroup_id, (uint64_t)(uintptr_t)made) < 0) {
		free(made);
		r->strangers_refused++;
		return NULL;
	}
	return &made->c;
}

static const struct container *container_of(struct recorder *r, uint64_t cgroup_id)
{
	const struct container *c = registry_find_cgroup(r->registry, cgroup_id);

	return c ? c : stranger(r, cgroup_id);
}

/* The path that a cgroup record carries, NUL-terminated. */
static bool cgroup_path_of(const struct event *ev, char path[LIMIT_PATH])
{
	struct span s = ev->value[FIELD_PATH].bytes;

	if (s.n == 0 || s.n >= LIMIT_PATH || memchr(s.p, '\0', s.n))
		return false;
	memcpy(path, s.p, s.n);
	path[s.n] = '\0';
	return true;
}

static void on_cgroup_made(struct recorder *r, const struct wire_head *head, const struct event *ev)
{
	enum identify_result result = IDENTIFY_HOST;
	struct err e = ERR_INIT;
	char path[LIMIT_PATH];

	(void)head;
	if (!cgroup_path_of(ev, path))
		return;
	if (identify_cgroup(r->identify, ev->value[FIELD_CGROUP_ID].u, path, &result, &e) < 0)
		recorder_trouble(r, "a control group has no identity", &e);
}

/* What a record means beyond being journalled; before it is given a container. */
static void before_journal(struct recorder *r, const struct wire_head *head, const struct event *ev)
{
	if (ev->type == EVENT_CGROUP_MKDIR)
		on_cgroup_made(r, head, ev);
	else if (ev->type == EVENT_CANARY)
		r->canary_seen = ev->value[FIELD_REQUEST].u;
}

static void after_journal(struct recorder *r, const struct wire_head *head, const struct event *ev)
{
	const struct container *c = ev->container;
	int32_t code;

	if (ev->type == EVENT_CGROUP_RMDIR && head->cgroup_id == ev->value[FIELD_CGROUP_ID].u) {
		identify_gone(r->identify, head->cgroup_id, ev->real_ns);
	} else if (ev->type == EVENT_PROCESS_EXIT && c &&
		   (head->vpid == 1 || (c->init_pid && c->init_pid == head->tgid))) {
		code = (int32_t)ev->value[FIELD_EXIT_CODE].u;
		if (ev->value[FIELD_EXIT_SIGNAL].u)
			code = 128 + (int32_t)ev->value[FIELD_EXIT_SIGNAL].u;
		identify_exit(r->identify, head->cgroup_id, code, ev->real_ns);
	}
}

/* Control groups that are no container's are the host's own business. */
static bool is_noise(const struct wire_head *head, const struct event *ev)
{
	return head->cgroup_id == 0 &&
	       (ev->type == EVENT_CGROUP_MKDIR || ev->type == EVENT_CGROUP_RMDIR ||
		ev->type == EVENT_CGROUP_ATTACH);
}

static void on_record(void *ctx, const struct wire_head *head, size_t len)
{
	struct recorder *r = ctx;
	struct err e = ERR_INIT;
	struct event ev;

	if (decode_record(&r->decoder, span_make(head, len), &ev, &e) < 0) {
		r->malformed++;
		return;
	}
	before_journal(r, head, &ev);
	if (is_noise(head, &ev))
		return;
	processes_event(&r->processes, head, &ev);
	if (head->cgroup_id)
		ev.container = container_of(r, head->cgroup_id);
	if (journal_append(r->journal, &ev, &e) < 0)
		atomic_fetch_add(&r->lost, 1); /* the journal counts it and writes the gap itself */
	else
		atomic_fetch_add_explicit(&r->events, 1, memory_order_relaxed);
	after_journal(r, head, &ev);
}

static void lock_processes(struct recorder *r)
{
	/* A mutex is not fair: let those go first that already wait. */
	if (atomic_load_explicit(&r->processes_wanted, memory_order_relaxed))
		(void)sched_yield();
	pthread_mutex_lock(&r->processes_lock);
}

unsigned recorder_drain(struct recorder *r)
{
	unsigned total = 0;

	for (unsigned i = 0; i < ROUND; i++) {
		unsigned section = registry_read_lock(r->registry), n;

		lock_processes(r);
		n = probe_drain(r->probe, on_record, r, BATCH);
		pthread_mutex_unlock(&r->processes_lock);
		registry_read_unlock(r->registry, section);
		total += n;
		if (n < BATCH)
			break;
	}
	return total;
}

/* ---- once a second ---- */

static const char *const loss_reasons[WIRE_LOST_COUNT] = {
	[WIRE_LOST_RING] = "lost_ring",
	[WIRE_LOST_QUOTA] = "quota",
	[WIRE_LOST_COMPAT] = "compat_syscall",
	[WIRE_LOST_ERROR] = "probe_error",
};

static struct loss_seen *losses_of(struct recorder *r, uint64_t cgroup_id)
{
	uint64_t *place = map_find(&r->losses, cgroup_id);
	struct loss_seen *seen;

	if (place)
		return (struct loss_seen *)(uintptr_t)*place;
	seen = calloc(1, sizeof(*seen));
	if (seen && map_put(&r->losses, cgroup_id, (uint64_t)(uintptr_t)seen) < 0) {
		free(seen);
		return NULL;
	}
	return seen;
}

struct loss_look {
	struct recorder *r;
	uint64_t now_ns;
	uint64_t inside[WIRE_LOST_COUNT]; /* of all containers, new ones */
};

static void say_losses(struct loss_look *look, const struct container *c, const __u64 *now,
		       uint64_t *before)
{
	struct recorder *r = look->r;

	for (unsigned i = 0; i < WIRE_LOST_COUNT; i++) {
		if (now[i] <= before[i])
			continue;
		recorder_gap(r, &(struct journal_gap){
					.reason = loss_reasons[i],
					.lost = now[i] - before[i],
					.from_ns = r->lost_from_ns,
					.to_ns = look->now_ns,
					.container = c,
				});
		before[i] = now[i];
	}
}

static void on_slot(void *ctx, uint64_t cgroup_id, const struct wire_slot *slot)
{
	struct loss_look *look = ctx;
	struct loss_seen *seen;
	bool any = false;

	for (unsigned i = 0; i < WIRE_LOST_COUNT; i++)
		any |= slot->lost[i] != 0;
	if (!any)
		return;
	seen = losses_of(look->r, cgroup_id);
	if (!seen)
		return;
	for (unsigned i = 0; i < WIRE_LOST_COUNT; i++)
		look->inside[i] += slot->lost[i] - seen->lost[i];
	say_losses(look, container_of(look->r, cgroup_id), slot->lost, seen->lost);
}

static void tell_losses(struct recorder *r)
{
	struct loss_look look = {.r = r, .now_ns = clock_real_ns()};
	unsigned section = registry_read_lock(r->registry);
	struct probe_stats stats;

	probe_losses(r->probe, on_slot, &look);
	registry_read_unlock(r->registry, section);
	probe_stats(r->probe, &stats);
	/* The sum over all processors, less what containers accounted for, is nobody's. */
	for (unsigned i = 0; i < WIRE_LOST_COUNT; i++)
		r->lost_outside[i] += look.inside[i];
	say_losses(&look, NULL, stats.all.lost, r->lost_outside);
	r->probe_malformed = stats.malformed;
	recorder_tell_counters(r, r->lost_from_ns, look.now_ns);
	r->lost_from_ns = look.now_ns;
}

static void sign_of_life(struct recorder *r, uint64_t boot_ns)
{
	if (boot_ns < r->canary_next_ns)
		return;
	if (r->canary_sent != r->canary_seen)
		recorder_gap(r,
			     &(struct journal_gap){
				     .reason = "canary_lost",
				     .text = "a sign of life did not come back through the kernel",
				     .lost = r->canary_sent - r->canary_seen,
				     .from_ns = clock_real_ns() - r->options.canary_ns,
				     .to_ns = clock_real_ns(),
			     });
	r->canary_seen = r->canary_sent++; /* each missing one is told once */
	probe_canary(r->canary_sent, atomic_load(&r->lost));
	r->canary_next_ns = boot_ns + r->options.canary_ns;
}

/* A stepped clock moves the times of all later events: that is written down. */
static void look_at_clock(struct recorder *r)
{
	int64_t offset = clock_offset_ns();
	int64_t moved = offset - r->decoder.offset_ns;
	char text[96];

	if (moved > (int64_t)NSEC_PER_SEC || moved < -(int64_t)NSEC_PER_SEC) {
		(void)snprintf(text, sizeof(text), "the real clock was moved by %+.3f s",
			       (double)moved / 1e9); /* fits */
		recorder_note(r, "clock_step", text);
	}
	r->decoder.offset_ns = offset;
}

void recorder_tick(struct recorder *r)
{
	uint64_t boot_ns = clock_boot_ns();
	unsigned section;

	look_at_clock(r);
	section = registry_read_lock(r->registry);
	lock_processes(r);
	(void)probe_sweep(r->probe, on_record, r); /* how many does not matter here */
	processes_sweep(&r->processes, boot_ns, SWEEP_LOOKUPS);
	pthread_mutex_unlock(&r->processes_lock);
	registry_read_unlock(r->registry, section);
	tell_losses(r);
	sign_of_life(r, boot_ns);
}
