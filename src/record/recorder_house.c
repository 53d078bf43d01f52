/* recorder_house.c - what follows from knowing a container: its files, its logs, its row. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "record/recorder_internal.h"
#include "runtime/oci.h"

#define FLUSH_NS (200ull * 1000000ull)
#define SYNC_NS	 (5 * NSEC_PER_SEC)

void recorder_on_change(void *ctx, const struct container *before, const struct container *after)
{
	struct recorder *r = ctx;

	(void)before;
	(void)after;
	pthread_mutex_lock(&r->house_lock);
	r->changed = true;
	pthread_cond_signal(&r->house_wakes);
	pthread_mutex_unlock(&r->house_lock);
}

static void follow_logs(struct recorder *r, const struct container *c)
{
	enum log_format format = c->runtime == RUNTIME_DOCKER ? LOG_FORMAT_JSON : LOG_FORMAT_CRI;
	struct err e = ERR_INIT;
	struct keep_who who = {0};
	char path[LIMIT_PATH];

	if (path_print(path, &e, "%.*s", (int)c->log_path.n, (const char *)c->log_path.p) < 0)
		return;
	keep_who_set(&who, c->id, c->cgroup_id);
	if (logs_follow(r->logs, &who, path, format, 0, &e) < 0)
		recorder_trouble(r, "a container's log is not followed", &e);
}

static void arm(struct recorder *r, const struct container *c)
{
	struct err e = ERR_INIT;
	int code = keeper_arm(r->keeper, c, &e);

	if (code < 0 && code != -EOPNOTSUPP && c->state != CONTAINER_DEAD)
		recorder_trouble(r, "a container's files are not kept", &e);
}

static void arm_mounts(struct recorder *r, const struct container *c)
{
	struct err e = ERR_INIT;
	unsigned new_mounts;
	int code = keeper_arm_mounts(r->keeper, c->id, c->init_pid, &new_mounts, &e);

	if (code < 0 && code != -ESRCH)
		recorder_trouble(r, "a container's mounts are not watched", &e);
}

static void bury(struct recorder *r, const struct container *c)
{
	if (r->logs)
		logs_finish(r->logs, c->id);
	if (r->keeper)
		keeper_disarm(r->keeper, c->id);
}

/* A container whose start was not held.  When the kernel programs did not recognise it by
 * themselves either (its name tells nothing), it is watched from now on only. */
static void track(struct recorder *r, const struct container *c)
{
	uint64_t now = clock_real_ns(), began = c->started_ns ? c->started_ns : c->created_ns;
	struct err e = ERR_INIT;
	int code = probe_track(r->probe, c->cgroup_id, c->cgroup_id, &e);
	bool unheld = !r->options.hold && (!began || began >= r->opened_ns);

	if (code < 0)
		recorder_trouble(r, "a container is not watched", &e);
	if (code <= 0 && !unheld)
		return;
	recorder_gap(
		r, &(struct journal_gap){
			   .reason = "unarmed",
			   .text = code > 0 ? "its start was not held: it is watched from now on"
					    : "its start was not held: files of its first moments "
					      "may not be kept",
			   .from_ns = began && began < now ? began : now,
			   .to_ns = now,
			   .container = c,
		   });
}

/* Does for the container what has not been done yet. */
static uint64_t care_for(struct recorder *r, const struct container *c, uint64_t done)
{
	struct err e = ERR_INIT;

	if (c->state == CONTAINER_DEAD) {
		if (!(done & CARE_BURIED))
			bury(r, c);
		done = CARE_BURIED;
	} else {
		done &= ~(uint64_t)CARE_BURIED;
		if (c->cgroup_id && !(done & CARE_TRACKED)) {
			track(r, c);
			done |= CARE_TRACKED;
		}
		if (r->keeper && c->rootfs.n && !(done & CARE_ARMED)) {
			arm(r, c);
			done |= CARE_ARMED;
		}
		if (r->keeper && c->init_pid && (done & CARE_ARMED) && !(done & CARE_MOUNTS)) {
			arm_mounts(r, c);
			done |= CARE_MOUNTS;
		}
		if (r->logs && c->log_path.n && !(done & CARE_LOGS)) {
			follow_logs(r, c);
			done |= CARE_LOGS;
		}
	}
	if (catalog_container(r->catalog, c, clock_real_ns(), &e) < 0) {
		r->catalog_behind = true;
		recorder_trouble(r, "the catalog was not brought up to date", &e);
	}
	return done;
}

/* Ids of the containers that changed, gathered while the registry is locked. */
struct gather {
	struct recorder *r;
	struct buf ids; /* each with its length as u32 in front */
	uint64_t top_rev;
};

static int on_container(void *ctx, const struct container *c)
{
	struct gather *g = ctx;

	if (c->rev <= g->r->seen_rev)
		return 0;
	if (c->rev > g->top_rev)
		g->top_rev = c->rev;
	buf_add_u32(&g->ids, (uint32_t)c->id.n);
	buf_add_span(&g->ids, c->id);
	return 0;
}

static void care_for_id(struct recorder *r, struct span id)
{
	unsigned section = registry_read_lock(r->registry);
	const struct container *c = registry_find_id(r->registry, id);
	uint64_t key = hash64(id), *done = map_find(&r->care, key);

	if (c)
		(void)map_put(&r->care, key,
			      care_for(r, c, done ? *done : 0)); /* no memory: again */
	registry_read_unlock(r->registry, section);
}

static void look_around(struct recorder *r)
{
	struct gather g = {.r = r, .top_rev = r->seen_rev};
	struct cursor c;
	struct span id;
	uint32_t n;

	buf_init(&g.ids, (size_t)LIMIT_CONTAINERS * LIMIT_CONTAINER_ID);
	(void)registry_each(r->registry, on_container, &g); /* never stops early */
	c = cursor_of(buf_span(&g.ids));
	while (cursor_u32(&c, &n) && cursor_bytes(&c, n, &id))
		care_for_id(r, id);
	if (!g.ids.failed)
		r->seen_rev = g.top_rev;
	buf_fini(&g.ids);
}

/* A transaction that failed took its rows along: when one works again, all rows are written anew.
 * A failure that lasts is told at each sync. */
static void commit_catalog(struct recorder *r, bool tell)
{
	struct err e = ERR_INIT;

	if (catalog_commit(r->catalog, &e) < 0) {
		r->catalog_behind = true;
		if (tell)
			recorder_trouble(r, "the catalog was not written", &e);
	} else if (r->catalog_behind) {
		r->catalog_behind = false;
		r->seen_rev = 0;
		look_around(r);
	}
}

/* Waits until a container changes, or for 200 ms.  False when the house closes. */
static bool wait_for_work(struct recorder *r)
{
	struct timespec until;
	uint64_t at = clock_real_ns() + FLUSH_NS;
	bool changed;

	until.tv_sec = (time_t)(at / NSEC_PER_SEC);
	until.tv_nsec = (long)(at % NSEC_PER_SEC);
	pthread_mutex_lock(&r->house_lock);
	while (!r->changed && !atomic_load(&r->house_ends))
		if (pthread_cond_timedwait(&r->house_wakes, &r->house_lock, &until) != 0)
			break;
	changed = r->changed;
	r->changed = false;
	pthread_mutex_unlock(&r->house_lock);
	if (changed) {
		look_around(r);
		commit_catalog(r, false); /* whoever asks now sees it */
	}
	return !atomic_load(&r->house_ends);
}

static void *keep_house(void *ctx)
{
	struct recorder *r = ctx;
	uint64_t synced = clock_boot_ns(), expired = synced;
	bool goes_on = true;

	while (goes_on) {
		struct err e = ERR_INIT;
		uint64_t now = clock_boot_ns();
		bool sync = now - synced >= SYNC_NS;

		goes_on = wait_for_work(r);
		if (r->vault && vault_flush(r->vault, sync, &e) < 0)
			recorder_trouble(r, "kept contents are not on disk yet", &e);
		if (sync || now - expired >= NSEC_PER_SEC) {
			commit_catalog(r, sync);
			registry_expire(r->registry, clock_real_ns());
			expired = now;
		}
		if (sync)
			synced = now;
	}
	look_around(r);
	return NULL;
}

int recorder_house_start(struct recorder *r, struct err *e)
{
	int code;

	look_around(r);
	code = pthread_create(&r->house, NULL, keep_house, r);
	if (code)
		return err_sys(e, code, "cannot start a thread");
	r->house_runs = true;
	return 0;
}

void recorder_house_stop(struct recorder *r)
{
	if (!r->house_runs)
		return;
	pthread_mutex_lock(&r->house_lock);
	atomic_store(&r->house_ends, true);
	pthread_cond_signal(&r->house_wakes);
	pthread_mutex_unlock(&r->house_lock);
	(void)pthread_join(r->house, NULL); /* cannot fail: it was started and is joined once */
	r->house_runs = false;
}

/* ---- the start hold ---- */

/* Tells the kernel programs the name of the control group that will be made: that of
 * linux.cgroupsPath, else the container's id (runc and crun). */
static void expect_cgroup(struct recorder *r, const struct container *c, const char *id)
{
	struct span name = path_base(c->cgroup_path);
	struct err e = ERR_INIT;
	char text[WIRE_NAME_MAX];

	if (name.n && name.n < sizeof(text)) {
		memcpy(text, name.p, name.n);
		text[name.n] = '\0';
		id = text;
	}
	if (probe_expect(r->probe, id, &e) < 0)
		recorder_trouble(r, "a container's control group is not expected", &e);
}

static void on_create(struct recorder *r, const struct hold_start *start)
{
	enum container_runtime kind = start->kind == HOLD_CRUN ? RUNTIME_CRUN : RUNTIME_RUNC;
	struct container *c = NULL;
	struct err e = ERR_INIT;

	if (identify_bundle(r->identify, kind, start->id, start->bundle, &c, &e) < 0) {
		recorder_trouble(r, "a container starts without an identity", &e);
		return;
	}
	expect_cgroup(r, c, start->id);
	if (r->keeper && c->rootfs.n)
		arm(r, c);
	if (r->logs && c->log_path.n)
		follow_logs(r, c);
	free(c);
}

/* The init process of a created container, from the runtime's state folder; 0 when it is not told.
 */
static uint32_t init_pid_of(const struct hold_start *start)
{
	const char *root = *start->root		      ? start->root
			   : start->kind == HOLD_CRUN ? "/run/crun"
						      : "/run/runc";
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(fd) int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = ERR_INIT;

	if (dir < 0 || oci_read_state(dir, start->id, NULL, &d, &e) < 0)
		return 0; /* then the house arms them when the identity tells the pid */
	return d.c.init_pid;
}

static void on_run(struct recorder *r, const struct hold_start *start)
{
	uint32_t pid = init_pid_of(start);
	struct err e = ERR_INIT;
	unsigned new_mounts;

	if (pid && r->keeper &&
	    keeper_arm_mounts(r->keeper, span_of(start->id), pid, &new_mounts, &e) < 0 &&
	    e.code != ENOENT)
		recorder_trouble(r, "a container's mounts are not watched", &e);
}

void recorder_on_start(void *ctx, const struct hold_start *start)
{
	struct recorder *r = ctx;

	if (start->verb == HOLD_START)
		on_run(r, start);
	else if (start->verb != HOLD_OTHER)
		on_create(r, start);
}

/* ---- events of the keeper and of the logs ---- */

#define BARE_REV (1ull << 62) /* revs of snapshots that hold a pid and nothing else */

static _Thread_local unsigned section_of_thread;
static _Thread_local struct process bare; /* of a process that the table does not know (any more) */

static const struct process *process_of(struct recorder *r, uint32_t pid)
{
	const struct process *p = processes_find(&r->processes, pid, 0);

	if (p)
		return p;
	bare = (struct process){.rev = BARE_REV | pid, .pid = pid, .loginuid = UINT32_MAX};
	return &bare;
}

void recorder_identify(void *ctx, const struct keep_who *who, struct event *ev)
{
	struct recorder *r = ctx;

	section_of_thread = registry_read_lock(r->registry);
	atomic_fetch_add(&r->processes_wanted, 1);
	pthread_mutex_lock(&r->processes_lock);
	atomic_fetch_sub(&r->processes_wanted, 1);
	if (who->id[0]) {
		const struct container *c = registry_find_id(r->registry, span_of(who->id));

		if (c)
			ev->container = c;
	}
	if (who->pid)
		ev->process = process_of(r, who->pid);
	atomic_fetch_add_explicit(&r->events, 1, memory_order_relaxed);
}

void recorder_identified(void *ctx)
{
	struct recorder *r = ctx;

	pthread_mutex_unlock(&r->processes_lock);
	registry_read_unlock(r->registry, section_of_thread);
}
