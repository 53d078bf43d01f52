/* identify.c - see identify.h: start, stop, the queue, and what the probe calls. */
#include "runtime/identify.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/path.h"
#include "runtime/identify_impl.h"
#include "runtime/oci.h"
#include "runtime/podman.h"

static const char *const usual_docker_sockets[] = {DOCKER_SOCKET, NULL};
static const char *const usual_docker_roots[] = {DOCKER_DATA_ROOT, NULL};
static const char *const usual_containerd[] = {CONTAINERD_SOCKET, NULL};
static const char *const usual_podman_sockets[] = {PODMAN_SOCKET, NULL};
static const char *const usual_storages[] = {PODMAN_STORAGE, NULL};
static const char *const usual_oci_roots[] = {"/run/runc", "/run/docker/runtime-runc/moby",
					      "/run/containerd/runc/*", "/run/crun", NULL};

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static char **copy_list(const char *const *given, const char *const *usual)
{
	const char *const *from = given ? given : usual;
	size_t n = 0;
	char **copy;

	while (from[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(from[i]);
		if (!copy[i]) {
			free_list(copy);
			return NULL;
		}
	}
	return copy;
}

void identify_queue(struct identify *i, const struct job *j, unsigned delay_ms)
{
	struct job *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *j;
		copy->path = j->path ? strdup(j->path) : NULL;
		copy->due_ns = clock_boot_ns() + delay_ms * 1000000ull;
	}
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	if (copy && i->job_count < LIMIT_JOBS && !i->stop) {
		TAILQ_INSERT_TAIL(&i->jobs, copy, link);
		i->job_count++;
		copy = NULL;
		(void)pthread_cond_broadcast(&i->changed); /* cannot fail */
	} else {
		atomic_fetch_add(&i->count.dropped, 1);
	}
	(void)pthread_mutex_unlock(&i->lock);
	if (copy)
		free(copy->path);
	free(copy);
}

void identify_queue_id(struct identify *i, enum container_runtime runtime, struct span id,
		       struct span space, unsigned delay_ms)
{
	struct job j = {.kind = JOB_RESOLVE, .runtime = runtime};

	if (!container_id_is_safe(id) || space.n >= sizeof(j.space))
		return;
	memcpy(j.id, id.p, id.n);
	if (space.n)
		memcpy(j.space, space.p, space.n);
	identify_queue(i, &j, delay_ms);
}

bool identify_stopping(struct identify *i)
{
	bool stop;

	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	stop = i->stop;
	(void)pthread_mutex_unlock(&i->lock);
	return stop;
}

static void wait_until(struct identify *i, uint64_t boot_ns)
{
	struct timespec at = {(time_t)(boot_ns / NSEC_PER_SEC), (long)(boot_ns % NSEC_PER_SEC)};

	/* the condition uses the monotonic clock, which stands still in suspend as a wait should */
	(void)pthread_cond_timedwait(&i->changed, &i->lock, &at); /* a time-out is no failure */
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* The first job that is due, out of the queue; waits for one.  NULL when it is time to stop. */
static struct job *next_job(struct identify *i)
{
	while (!i->stop) {
		uint64_t now = clock_boot_ns(), soonest = now + NSEC_PER_SEC;
		struct job *j;

		TAILQ_FOREACH(j, &i->jobs, link)
		{
			if (j->due_ns <= now) {
				TAILQ_REMOVE(&i->jobs, j, link);
				return j;
			}
			if (j->due_ns < soonest)
				soonest = j->due_ns;
		}
		wait_until(i, monotonic_ns() + (soonest - now));
	}
	return NULL;
}

/* Again later, longer each time: a runtime may not have written its files yet. */
static void try_again(struct identify *i, const struct job *j)
{
	static const unsigned delays_ms[RESOLVE_ATTEMPTS] = {20, 100, 500, 2000, 0};
	struct job again = *j;

	if (j->attempt + 1 >= RESOLVE_ATTEMPTS) {
		if (j->kind == JOB_RESOLVE)
			atomic_fetch_add(&i->count.unresolved, 1);
		return;
	}
	again.attempt++;
	identify_queue(i, &again, delays_ms[j->attempt]);
}

static void *work(void *ctx)
{
	struct identify *i = ctx;
	struct job *j;

	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	while ((j = next_job(i))) {
		bool found;

		i->busy++;
		(void)pthread_mutex_unlock(&i->lock);
		found = identify_do(i, j);
		if (!found && j->kind != JOB_SCAN)
			try_again(i, j);
		else if (j->kind == JOB_RESOLVE)
			atomic_fetch_add(&i->count.resolved, 1);
		free(j->path);
		free(j);
		(void)pthread_mutex_lock(&i->lock);
		i->busy--;
		i->job_count--;
		(void)pthread_cond_broadcast(&i->changed); /* settle waits for it */
	}
	(void)pthread_mutex_unlock(&i->lock);
	return NULL;
}

static const char *reason_of(const struct container *before, const struct container *after)
{
	if (!before)
		return "seen";
	if (before->state == after->state)
		return "learned";
	return container_state_name(after->state);
}

/* The registry's listener: what changed goes into the journal. */
static void on_change(void *ctx, const struct container *before, const struct container *after)
{
	struct identify *i = ctx;
	struct err ignored = ERR_INIT; /* the sink counts what it loses */
	AUTO(buf) struct buf text;
	struct json j = json_to(&text);
	struct event ev;

	buf_init(&text, LIMIT_FILE_READ);
	container_json(&j, NULL, after);
	event_init(&ev, EVENT_CONTAINER_STATE);
	ev.boot_ns = clock_boot_ns();
	ev.real_ns = clock_real_ns();
	ev.container = after;
	ev.value[FIELD_REASON].bytes = span_of(reason_of(before, after));
	ev.value[FIELD_TEXT].bytes = buf_span(&text);
	(void)i->sink->emit(i->sink->ctx, &ev, &ignored);
}

static int add_streams(struct identify *i, char **sockets, bool containerd, struct err *e)
{
	for (size_t k = 0; sockets[k]; k++) {
		struct stream *s = &i->streams[i->stream_count];
		int r;

		if (i->stream_count == STREAMS)
			return err_set(e, E2BIG, "more than %u runtime sockets", STREAMS);
		*s = (struct stream){.i = i, .socket = sockets[k], .containerd = containerd};
		r = containerd ? containerd_stream_init(&s->grpc, e)
			       : docker_stream_init(&s->docker, e);
		if (r < 0)
			return r;
		i->stream_count++;
	}
	return 0;
}

static int start_threads(struct identify *i, unsigned workers, struct err *e)
{
	int r = 0;

	for (unsigned k = 0; r == 0 && k < workers; k++) {
		r = pthread_create(&i->workers[k], NULL, work, i);
		i->worker_count += r == 0;
	}
	for (size_t k = 0; r == 0 && k < i->stream_count; k++) {
		r = pthread_create(&i->streams[k].thread, NULL, identify_listen, &i->streams[k]);
		i->streams[k].started = r == 0;
	}
	return r ? err_sys(e, r, "cannot start the threads that ask the runtimes") : 0;
}

static int copy_options(struct identify *i, const struct identify_options *o, struct err *e)
{
	i->registry = o->registry;
	i->sink = o->sink;
	i->cgroups = o->cgroups;
	i->docker_sockets = copy_list(o->docker_sockets, usual_docker_sockets);
	i->docker_roots = copy_list(o->docker_roots, usual_docker_roots);
	i->containerd_sockets = copy_list(o->containerd_sockets, usual_containerd);
	i->podman_sockets = copy_list(o->podman_sockets, usual_podman_sockets);
	i->podman_storages = copy_list(o->podman_storages, usual_storages);
	i->oci_roots = copy_list(o->oci_roots, usual_oci_roots);
	if (!i->docker_sockets || !i->docker_roots || !i->containerd_sockets ||
	    !i->podman_sockets || !i->podman_storages || !i->oci_roots)
		return err_sys(e, ENOMEM, "cannot start to identify containers");
	return 0;
}

static struct identify *identify_new(void)
{
	struct identify *i = calloc(1, sizeof(*i));
	pthread_condattr_t attr;

	if (!i)
		return NULL;
	TAILQ_INIT(&i->jobs);
	(void)pthread_mutex_init(&i->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_condattr_init(&attr);	  /* nor can these on Linux */
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&i->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return i;
}

int identify_start(const struct identify_options *o, struct identify **ret_i, struct err *e)
{
	struct identify *i = identify_new();
	unsigned workers = o->workers ? o->workers : 2;
	int r;

	if (!i)
		return err_sys(e, ENOMEM, "cannot start to identify containers");
	r = copy_options(i, o, e);
	if (r == 0)
		r = add_streams(i, i->docker_sockets, false, e);
	if (r == 0)
		r = add_streams(i, i->containerd_sockets, true, e);
	if (r == 0 && o->sink)
		r = registry_on_change(o->registry, on_change, i, e);
	if (r == 0) {
		identify_queue(i, &(struct job){.kind = JOB_SCAN}, 0);
		r = start_threads(i, workers < WORKERS_MAX ? workers : WORKERS_MAX, e);
	}
	if (r < 0) {
		identify_stop(i);
		return r;
	}
	*ret_i = i;
	return 0;
}

static void free_identify(struct identify *i)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&i->jobs))) {
		TAILQ_REMOVE(&i->jobs, j, link);
		free(j->path);
		free(j);
	}
	for (size_t k = 0; k < i->stream_count; k++) {
		if (i->streams[k].containerd)
			containerd_stream_fini(&i->streams[k].grpc);
		else
			docker_stream_fini(&i->streams[k].docker);
	}
	free_list(i->docker_sockets);
	free_list(i->docker_roots);
	free_list(i->containerd_sockets);
	free_list(i->podman_sockets);
	free_list(i->podman_storages);
	free_list(i->oci_roots);
	(void)pthread_cond_destroy(&i->changed); /* nobody waits any more */
	(void)pthread_mutex_destroy(&i->lock);
	free(i);
}

void identify_stop(struct identify *i)
{
	if (!i)
		return;
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	i->stop = true;
	(void)pthread_cond_broadcast(&i->changed);
	(void)pthread_mutex_unlock(&i->lock);
	for (size_t k = 0; k < i->stream_count; k++) {
		struct stream *s = &i->streams[k];

		http_stream_stop(s->containerd ? &s->grpc.http : &s->docker.http);
		if (s->started)
			(void)pthread_join(s->thread, NULL); /* it was made and not joined yet */
	}
	for (unsigned k = 0; k < i->worker_count; k++)
		(void)pthread_join(i->workers[k], NULL);
	registry_off_change(i->registry, i);
	free_identify(i);
}

int identify_settle(struct identify *i, unsigned deadline_ms, struct err *e)
{
	uint64_t end = monotonic_ns() + deadline_ms * 1000000ull;
	size_t left;

	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	while (i->job_count && monotonic_ns() < end)
		wait_until(i, end);
	left = i->job_count;
	(void)pthread_mutex_unlock(&i->lock);
	if (left)
		return err_set(e, ETIMEDOUT, "%zu look-ups of containers are not done after %u ms",
			       left, deadline_ms);
	return 0;
}

void identify_exit(struct identify *i, uint64_t cgroup_id, int32_t exit_code, uint64_t real_ns)
{
	struct container c = {.cgroup_id = cgroup_id,
			      .state = CONTAINER_DEAD,
			      .exit_code = exit_code,
			      .died_ns = real_ns};
	unsigned section = registry_read_lock(i->registry);
	const struct container *known = registry_find_cgroup(i->registry, cgroup_id);
	struct err ignored = ERR_INIT; /* counted below */

	if (known) {
		c.id = known->id;
		if (registry_put(i->registry, &c, SOURCE_KERNEL, NULL, &ignored) < 0)
			atomic_fetch_add(&i->count.failed, 1);
	}
	registry_read_unlock(i->registry, section);
}

void identify_gone(struct identify *i, uint64_t cgroup_id, uint64_t real_ns)
{
	unsigned section = registry_read_lock(i->registry);

	if (registry_gone(i->registry, cgroup_id, real_ns)) {
		const struct container *c = registry_find_cgroup(i->registry, cgroup_id);

		if (c && c->exit_code < 0 && c->id.n)
			identify_queue_id(i, c->runtime, c->id, containerd_space_of(c->bundle), 20);
	}
	registry_read_unlock(i->registry, section);
}

void identify_stats(struct identify *i, struct identify_stats *ret_stats)
{
	*ret_stats = (struct identify_stats){
		.resolved = atomic_load(&i->count.resolved),
		.unresolved = atomic_load(&i->count.unresolved),
		.dropped = atomic_load(&i->count.dropped),
		.unparsed = atomic_load(&i->count.unparsed),
		.failed = atomic_load(&i->count.failed),
		.broken = atomic_load(&i->count.broken),
	};
}
