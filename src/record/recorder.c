/* recorder.c - starts the parts in order, runs them, and stops them in the other order. */
#include "record/recorder.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"
#include "record/recorder_internal.h"

#define NAP_MS	    4u	  /* while records come: a ring holds some 100 ms of the worst storm */
#define WAIT_MAX_MS 100u  /* while none do; a ring that fills up ends it */
#define NO_NAP	    8192u /* records of one round that mean: go on at once */
#define NICENESS    (-5)
#define GUARD_MS    2000u /* the first program of a container is expected within it */
#define SETTLE_MS   3000u /* for what runs already to be identified */
#define WATCH_NAMES 256u

void recorder_trouble(struct recorder *r, const char *what, const struct err *e)
{
	char text[LIMIT_ERR_TEXT + 128];

	if (!r->options.on_trouble)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", what, e->text); /* cut text is text */
	r->options.on_trouble(r->options.ctx, text);
}

void recorder_gap(struct recorder *r, const struct journal_gap *gap)
{
	struct err e = ERR_INIT;

	atomic_fetch_add(&r->lost, gap->lost ? gap->lost : 1);
	if (journal_append_gap(r->journal, gap, &e) < 0)
		recorder_trouble(r, "a gap record was not written", &e);
}

void recorder_note(struct recorder *r, const char *reason, const char *text)
{
	struct err e = ERR_INIT;
	struct event ev;

	event_init(&ev, EVENT_AMBER);
	ev.boot_ns = clock_boot_ns();
	ev.real_ns = clock_real_ns();
	ev.value[FIELD_REASON].bytes = span_of(reason);
	ev.value[FIELD_TEXT].bytes = span_of(text);
	if (journal_append(r->journal, &ev, &e) < 0)
		recorder_trouble(r, "a note was not written", &e);
}

/* ---- stores ---- */

static void on_vault_gap(void *ctx, const char *reason, const char *text, uint64_t bytes)
{
	struct recorder *r = ctx;

	recorder_gap(r, &(struct journal_gap){
				.reason = reason,
				.text = text,
				.lost = bytes,
				.from_ns = clock_real_ns(),
				.to_ns = clock_real_ns(),
			});
}

/* The time since the last run is a gap of its own. */
static void tell_absence(struct recorder *r, const struct journal_recovery *found)
{
	uint64_t now = clock_real_ns();
	char text[128];

	if (found->cut_bytes) {
		(void)snprintf(text, sizeof(text),
			       "%" PRIu64 " bytes behind the last whole block of segment "
			       "%" PRIu64 " were set aside",
			       found->cut_bytes, found->segment); /* fits */
		recorder_gap(r, &(struct journal_gap){.reason = "torn_tail",
						      .text = text,
						      .from_ns = found->last_real_ns,
						      .to_ns = now});
	}
	if (found->segment || found->ended_ns)
		recorder_gap(
			r,
			&(struct journal_gap){
				.reason = "not_running",
				.text = found->segment ? "the recorder ended without sealing"
						       : "the recorder had been stopped",
				.from_ns = found->ended_ns ? found->ended_ns : found->last_real_ns,
				.to_ns = now,
			});
	if (found->damaged) {
		(void)snprintf(text, sizeof(text), "segment %" PRIu64 " cannot be read on from",
			       found->damaged); /* fits */
		recorder_gap(
			r, &(struct journal_gap){
				   .reason = "damaged", .text = text, .from_ns = 0, .to_ns = now});
	}
}

struct overlap {
	uint64_t first_ns, last_ns;
	bool found;
};

static int on_hold(void *ctx, const struct journal_hold *hold)
{
	struct overlap *o = ctx;

	o->found |= !hold->trusted || (hold->from_ns <= o->last_ns && o->first_ns <= hold->to_ns);
	return 0;
}

/* A pack stays while a legal hold overlaps it, and when the holds cannot be read. */
static bool held(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns)
{
	struct recorder *r = ctx;
	struct overlap o = {first_ns, last_ns, false};
	struct err e = ERR_INIT;

	(void)pack;
	return journal_hold_list(r->options.state_dir, r->key, on_hold, &o, &e) < 0 || o.found;
}

/* A record never names a content that a crash took away.  A failure is told by the house thread,
 * which tries again. */
static void flush_vault(void *ctx)
{
	struct recorder *r = ctx;
	struct err e = ERR_INIT;

	if (r->vault)
		(void)vault_flush(r->vault, false, &e); /* see above */
}

/* A catalog that was lost, or deleted because it was damaged, is built anew: the containers that
 * are dead are known from the journal alone. */
static int open_catalog(struct recorder *r, struct err *e)
{
	char path[LIMIT_PATH];
	struct err x = ERR_INIT;
	int code = catalog_path(r->options.state_dir, path, e);

	if (code < 0)
		return code;
	if (access(path, F_OK) != 0 && errno == ENOENT &&
	    catalog_rebuild(r->options.state_dir, &x) < 0)
		recorder_trouble(r, "the catalog was not built from the journal", &x);
	return catalog_open(r->options.state_dir, &r->catalog, e);
}

static int open_stores(struct recorder *r, struct err *e)
{
	const struct recorder_options *o = &r->options;
	struct journal_recovery found = {0};
	int code = key_open(o->state_dir, &r->key, e);

	if (code == 0)
		code = journal_open(
			&(struct journal_options){
				.state_dir = o->state_dir,
				.key = r->key,
				.segment_bytes = o->segment_bytes,
				.max_bytes = o->journal_bytes,
				.max_age_ns = o->journal_age_ns,
				.flush_ms = o->flush_ms,
				.before_write = flush_vault,
				.ctx = r,
			},
			&r->journal, &found, e);
	if (code < 0)
		return code;
	r->sink = journal_sink(r->journal);
	tell_absence(r, &found);
	code = vault_open(
		o->state_dir, r->key,
		&(struct vault_options){
			.max_bytes = o->vault_bytes, .hold = held, .gap = on_vault_gap, .ctx = r},
		&r->vault, e);
	return code < 0 ? code : open_catalog(r, e);
}

/* ---- identity and the kernel ---- */

static int open_identity(struct recorder *r, struct err *e)
{
	const struct recorder_options *o = &r->options;
	const char *docker[] = {o->docker_socket, NULL};
	const char *containerd[] = {o->containerd_socket, NULL};
	const char *podman[] = {o->podman_socket, NULL};
	int code = cgroup_open(&r->cgroups, NULL, e);

	if (code < 0)
		return code;
	r->cgroups_open = true;
	code = registry_new(&(struct registry_options){0}, &r->registry, e);
	if (code == 0)
		code = registry_on_change(r->registry, recorder_on_change, r, e);
	if (code < 0)
		return code;
	return identify_start(
		&(struct identify_options){
			.registry = r->registry,
			.sink = &r->sink,
			.cgroups = &r->cgroups,
			.docker_sockets = docker,
			.containerd_sockets = containerd,
			.podman_sockets = podman,
		},
		&r->identify, e);
}

static int watch_names(struct recorder *r, struct err *e)
{
	const char *names[WATCH_NAMES];
	char text[LIMIT_PATH], *rest = text, *name;
	unsigned n = 0;

	if (!r->options.watch_read)
		return 0;
	(void)snprintf(text, sizeof(text), "%s", r->options.watch_read); /* as long as its source */
	while ((name = strsep(&rest, " \t")) != NULL) {
		if (!*name)
			continue;
		if (n == WATCH_NAMES)
			return err_set(e, E2BIG, "watch_read names more than %u files",
				       WATCH_NAMES);
		names[n++] = name;
	}
	return probe_watch_read(r->probe, names, n, e);
}

struct track {
	struct recorder *r;
	int code;
	struct err *e;
};

/* What it did before is unknown; no loss of this run, but a gap in what is known of it. */
static void tell_past(struct recorder *r, const struct container *c)
{
	uint64_t began = c->started_ns ? c->started_ns : c->created_ns;
	struct err e = ERR_INIT;

	if (journal_append_gap(r->journal,
			       &(struct journal_gap){
				       .reason = "unarmed",
				       .text = "it ran before the recorder did",
				       .from_ns = began,
				       .to_ns = clock_real_ns(),
				       .container = c,
			       },
			       &e) < 0)
		recorder_trouble(r, "a gap record was not written", &e);
}

/* Every group that belongs to a container, also those below its own. */
static int track_group(void *ctx, const char *path, uint64_t id)
{
	struct track *t = ctx;
	const struct container *c = registry_find_cgroup(t->r->registry, id);
	enum identify_result result;
	struct err ignored = ERR_INIT; /* a group without an identity is looked up later */

	if (!c && identify_cgroup(t->r->identify, id, path, &result, &ignored) == 0)
		c = registry_find_cgroup(t->r->registry, id);
	if (!c || c->state == CONTAINER_DEAD || !c->cgroup_id)
		return 0;
	t->code = probe_track(t->r->probe, id, c->cgroup_id, t->e);
	if (t->code > 0 && c->cgroup_id == id)
		tell_past(t->r, c);
	return t->code < 0;
}

/* What runs already: its groups are tracked, its processes known. */
static int take_in(struct recorder *r, struct err *e)
{
	struct track t = {.r = r, .e = e};
	struct err slow = ERR_INIT;
	unsigned section;
	int code;

	if (identify_settle(r->identify, SETTLE_MS, &slow) < 0)
		recorder_trouble(r, "not every running container is identified yet", &slow);
	section = registry_read_lock(r->registry);
	code = cgroup_walk(&r->cgroups, track_group, &t, e);
	registry_read_unlock(r->registry, section);
	if (code < 0 || t.code < 0)
		return code < 0 ? code : t.code;
	code = processes_scan_proc(&r->processes, NULL, NULL, e);
	return code < 0 ? code : 0;
}

static int open_kernel(struct recorder *r, struct err *e)
{
	int code = probe_open(&r->options.probe, &r->probe, e);

	if (code == 0)
		code = watch_names(r, e);
	return code;
}

/* ---- files, logs, starts ---- */

static int put_fd(void *ctx, int fd, uint64_t max_bytes, struct keeper_object *ret, struct err *e)
{
	struct recorder *r = ctx;
	struct vault_result result;
	int code = vault_put_fd(r->vault, fd, max_bytes, &result, e);

	if (code < 0)
		return code;
	memcpy(ret->digest, result.sha256, SHA256_BYTES);
	ret->size = result.size;
	ret->is_new = result.is_new;
	ret->truncated = result.truncated;
	return 0;
}

static int open_hold(struct recorder *r, struct err *e)
{
	return hold_open(&(struct hold_options){.deadline_ms = r->options.hold_deadline_ms,
						.on_start = recorder_on_start,
						.ctx = r,
						.out = &r->out},
			 &r->hold, e);
}

static int open_watchers(struct recorder *r, struct err *e)
{
	const struct recorder_options *o = &r->options;
	int code = 0;

	r->out = (struct keep_out){.sink = r->sink,
				   .identify = recorder_identify,
				   .done = recorder_identified,
				   .ctx = r};
	if (o->keep_files)
		code = keeper_open(
			&(struct keeper_options){.policy = o->keep, .guard_ms = GUARD_MS},
			(struct keeper_store){.put_fd = put_fd, .ctx = r}, &r->out, &r->keeper, e);
	if (code == 0 && o->keep_logs)
		code = logs_open(&(struct logs_options){.lines_per_s = o->log_rate_lines}, &r->out,
				 &r->logs, e);
	if (code == 0)
		code = recorder_house_start(r, e);
	if (code == 0 && o->hold)
		code = open_hold(r, e);
	return code;
}

static struct recorder *new_recorder(const struct recorder_options *options)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->options = *options;
	r->proc_fd = -1;
	pthread_mutex_init(&r->processes_lock, NULL);
	pthread_mutex_init(&r->house_lock, NULL);
	pthread_cond_init(&r->house_wakes, NULL);
	map_init(&r->strangers);
	map_init(&r->losses);
	map_init(&r->care);
	r->decoder.offset_ns = clock_offset_ns();
	r->opened_ns = r->lost_from_ns = clock_real_ns();
	return r;
}

int recorder_open(const struct recorder_options *options, struct recorder **ret_recorder,
		  struct err *e)
{
	struct recorder *r = new_recorder(options);
	struct err ignored = ERR_INIT;
	int code;

	if (!r)
		return err_set(e, ENOMEM, "no memory for the recorder");
	/* Whoever fills every processor must not starve the thread that empties the rings, nor the
	 * journal's.  Threads made from here on inherit it; without the right it stays as it is. */
	(void)setpriority(PRIO_PROCESS, 0, NICENESS);
	code = clock_boot_id(r->boot_id, e);
	if (code == 0)
		code = open_stores(r, e);
	if (code == 0) {
		r->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
		code = processes_init(&r->processes, LIMIT_PROCESSES, r->proc_fd, e);
	}
	if (code == 0)
		code = open_kernel(r, e);
	if (code == 0)
		code = open_identity(r, e);
	if (code == 0)
		code = take_in(r, e);
	if (code == 0)
		code = open_watchers(r, e);
	if (code < 0) {
		(void)recorder_close(r, &ignored); /* the first error is the one to tell */
		return code;
	}
	recorder_note(r, "started", "amber " AMBER_VERSION);
	*ret_recorder = r;
	return 0;
}

/* The recorded do not pay for waking this thread: it naps, and longer while nothing comes. */
static void rest(struct recorder *r, unsigned records, unsigned ms)
{
	if (records >= NO_NAP)
		return;
	if (records) /* a wait would end at once: more are there already */
		(void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000l}, NULL);
	else
		probe_wait(r->probe, (int)ms);
}

int recorder_run(struct recorder *r, const volatile sig_atomic_t *stop, uint64_t until_boot_ns,
		 void (*on_round)(void *ctx), struct err *e)
{
	unsigned pause_ms = NAP_MS;

	(void)e; /* troubles are gaps and on_trouble; nothing ends the recording yet */
	while (!*stop) {
		uint64_t now = clock_boot_ns();
		unsigned n = recorder_drain(r);

		if (now >= r->tick_ns) {
			recorder_tick(r);
			r->tick_ns = now + NSEC_PER_SEC;
		}
		if (on_round)
			on_round(r->options.ctx);
		if (until_boot_ns && now >= until_boot_ns)
			break;
		pause_ms = n ? NAP_MS : pause_ms * 2 < WAIT_MAX_MS ? pause_ms * 2 : WAIT_MAX_MS;
		rest(r, n, pause_ms);
	}
	return 0;
}

int recorder_reload(struct recorder *r, const struct recorder_options *options, struct err *e)
{
	bool hold_differs = options->hold != r->options.hold ||
			    options->hold_deadline_ms != r->options.hold_deadline_ms;
	int code;

	r->options.hold = options->hold;
	r->options.hold_deadline_ms = options->hold_deadline_ms;
	r->options.canary_ns = options->canary_ns;
	r->options.watch_read = options->watch_read;
	journal_set_limits(r->journal, options->journal_bytes, options->journal_age_ns);
	code = watch_names(r, e);
	if (code == 0 && hold_differs) {
		hold_close(r->hold);
		r->hold = NULL;
		code = r->options.hold ? open_hold(r, e) : 0;
	}
	recorder_note(r, code < 0 ? "reload_failed" : "reloaded", code < 0 ? e->text : "");
	return code;
}

void recorder_stats(struct recorder *r, struct recorder_stats *ret)
{
	struct registry_stats registry;
	struct journal_stats journal;
	struct keeper_stats keeper = {0};
	struct hold_stats hold = {0};

	registry_stats(r->registry, &registry);
	journal_stats(r->journal, &journal);
	if (r->keeper)
		keeper_stats_get(r->keeper, &keeper);
	if (r->hold)
		hold_stats_get(r->hold, &hold);
	*ret = (struct recorder_stats){
		.events = journal.rows,
		.lost = atomic_load(&r->lost),
		.containers = registry.live,
		.kept = keeper.kept,
		.bytes = journal.bytes_written,
		.holds = hold.starts,
		.hold_median_ns = hold.permit.median_ns,
		.hold_p99_ns = hold.permit.p99_ns,
		.hold_late = hold.permit.late,
	};
}

static void keep_first(int code, const struct err *this_one, int *first_code, struct err *e)
{
	if (code < 0 && *first_code == 0) {
		*first_code = code;
		*e = *this_one;
	}
}

/* Starts are let go first, then what is under way is drained, then the watchers read to the end,
 * the stores are sealed last. */
static void stop_watching(struct recorder *r)
{
	hold_close(r->hold);
	r->hold = NULL;
	if (r->probe && r->journal && r->identify) {
		(void)recorder_drain(r); /* what is there now is the end of this record */
		recorder_tick(r);
	}
	recorder_house_stop(r);
	keeper_close(r->keeper);
	logs_close(r->logs);
	if (r->identify)
		identify_stop(r->identify);
	probe_close(r->probe);
}

static void free_values(struct map *m)
{
	map_each (slot, m)
		free((void *)(uintptr_t)slot->value);
	map_fini(m);
}

int recorder_close(struct recorder *r, struct err *e)
{
	int first = 0;
	struct err x = ERR_INIT;

	if (!r)
		return 0;
	stop_watching(r);
	if (r->journal)
		recorder_note(r, "stopped", "sealed in order");
	if (r->vault)
		keep_first(vault_close(r->vault, &x), &x, &first, e);
	r->vault = NULL;
	keep_first(journal_close(r->journal, &x), &x, &first, e);
	keep_first(catalog_close(r->catalog, &x), &x, &first, e);
	if (r->registry)
		registry_free(r->registry);
	if (r->cgroups_open)
		cgroup_close(&r->cgroups);
	processes_fini(&r->processes);
	fd_close(&r->proc_fd);
	free_values(&r->strangers);
	free_values(&r->losses);
	map_fini(&r->care);
	key_close(r->key);
	free(r);
	return first;
}
