/* keep_out.c - see keep_out.h. */
#include "record/keep_out.h"

#include <stdio.h>

#include "base/clock.h"

#define GAP_SLOTS 128
#define GAP_PATH  256 /* bytes of the example path that a gap carries */

struct keep_gap {
	struct keep_who who;
	const char *reason;
	uint64_t lost, bytes, from_ns, to_ns; /* real_ns */
	size_t path_n;
	char path[GAP_PATH];
};

void keep_who_set(struct keep_who *who, struct span id, uint64_t cgroup_id)
{
	size_t n = id.n < sizeof(who->id) ? id.n : sizeof(who->id) - 1;

	if (n)
		memcpy(who->id, id.p, n);
	who->id[n] = '\0';
	who->cgroup_id = cgroup_id;
	who->pid = 0;
}

int keep_emit(struct keep_out *out, const struct keep_who *who, struct event *ev, struct err *e)
{
	struct container container = {.exit_code = -1};
	int r;

	if (ev->boot_ns == 0)
		ev->boot_ns = clock_boot_ns();
	if (ev->real_ns == 0)
		ev->real_ns = clock_real_ns();
	ev->tid = who->pid;
	if (out->identify)
		out->identify(out->ctx, who, ev);
	if (!ev->container && who->id[0] != '\0') {
		container.id = span_of(who->id);
		container.cgroup_id = who->cgroup_id;
		ev->container = &container;
	}
	r = out->sink.emit(out->sink.ctx, ev, e);
	if (out->identify && out->done)
		out->done(out->ctx);
	if (r < 0)
		atomic_fetch_add(&out->failed, 1);
	return r;
}

int keep_gaps_init(struct keep_gaps *gaps, struct keep_out *out, struct err *e)
{
	gaps->slots = calloc(GAP_SLOTS, sizeof(*gaps->slots));
	gaps->n = 0;
	gaps->out = out;
	if (!gaps->slots)
		return err_sys(e, ENOMEM, "cannot count gaps");
	pthread_mutex_init(&gaps->lock, NULL);
	return 0;
}

static void say_one(struct keep_gaps *gaps, const struct keep_gap *gap)
{
	struct err e = ERR_INIT;
	struct event ev;
	char text[64];

	event_init(&ev, EVENT_GAP);
	ev.value[FIELD_REASON].bytes = span_of(gap->reason);
	ev.value[FIELD_LOST].u = gap->lost;
	ev.value[FIELD_FROM_TIME].u = gap->from_ns;
	ev.value[FIELD_TO_TIME].u = gap->to_ns;
	ev.value[FIELD_PATH].bytes = span_make(gap->path, gap->path_n);
	(void)snprintf(text, sizeof(text), "{\"bytes\":%llu}", /* cannot be cut */
		       (unsigned long long)gap->bytes);
	ev.value[FIELD_TEXT].bytes = span_of(text);
	(void)keep_emit(gaps->out, &gap->who, &ev, &e); /* counted in out->failed */
}

/* With the lock held: takes out and says every gap that began before `before_ns`. */
static void say_before(struct keep_gaps *gaps, uint64_t before_ns)
{
	for (size_t i = 0; i < gaps->n;) {
		if (gaps->slots[i].from_ns > before_ns) {
			i++;
			continue;
		}
		say_one(gaps, &gaps->slots[i]);
		gaps->slots[i] = gaps->slots[--gaps->n];
	}
}

void keep_gaps_say(struct keep_gaps *gaps, bool all)
{
	pthread_mutex_lock(&gaps->lock);
	if (gaps->n)
		say_before(gaps, all ? UINT64_MAX : clock_real_ns() - NSEC_PER_SEC);
	pthread_mutex_unlock(&gaps->lock);
}

void keep_gaps_fini(struct keep_gaps *gaps)
{
	if (!gaps->slots)
		return;
	keep_gaps_say(gaps, true);
	free(gaps->slots);
	gaps->slots = NULL;
	pthread_mutex_destroy(&gaps->lock);
}

static struct keep_gap *slot_for(struct keep_gaps *gaps, const struct keep_who *who,
				 const char *reason, uint64_t now)
{
	struct keep_gap *gap;

	for (size_t i = 0; i < gaps->n; i++) {
		gap = &gaps->slots[i];
		if (strcmp(gap->reason, reason) == 0 && strcmp(gap->who.id, who->id) == 0)
			return gap;
	}
	if (gaps->n == GAP_SLOTS)
		say_before(gaps, UINT64_MAX);
	gap = &gaps->slots[gaps->n++];
	*gap = (struct keep_gap){.who = *who, .reason = reason, .from_ns = now};
	gap->who.pid = 0; /* many processes may stand behind one gap */
	return gap;
}

void keep_gaps_add(struct keep_gaps *gaps, const struct keep_who *who, const struct keep_loss *loss)
{
	static const struct keep_who nobody;
	uint64_t now = clock_real_ns();
	size_t n = loss->path.n < GAP_PATH ? loss->path.n : GAP_PATH;
	struct keep_gap *gap;

	pthread_mutex_lock(&gaps->lock);
	gap = slot_for(gaps, who ? who : &nobody, loss->reason, now);
	gap->lost += loss->lost;
	gap->bytes += loss->bytes;
	gap->to_ns = now;
	if (n)
		memcpy(gap->path, loss->path.p, n);
	gap->path_n = n;
	pthread_mutex_unlock(&gaps->lock);
}
