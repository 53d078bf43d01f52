/* identify_watch.c - the event streams of Docker and containerd, and the gaps between them. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "runtime/identify_impl.h"

#define PAUSE_FIRST_MS 100u
#define PAUSE_MAX_MS   30000u

/* Deaths that a runtime tells: the kernel's word (identify_exit) counts more and usually came
 * first, but a process that was not watched leaves only this. */
static void on_death(struct identify *i, enum container_runtime runtime, struct span id,
		     int32_t exit_code, uint64_t real_ns)
{
	struct container c = {
		.id = id,
		.runtime = runtime,
		.state = CONTAINER_DEAD,
		.exit_code = exit_code,
		.died_ns = real_ns,
	};
	struct err ignored = ERR_INIT; /* counted */

	if (registry_put(i->registry, &c, SOURCE_API, NULL, &ignored) < 0)
		atomic_fetch_add(&i->count.failed, 1);
}

static void on_docker(void *ctx, const struct docker_event *ev)
{
	static const char *const looks[] = {"create", "start", "rename", "update", "restart"};
	struct stream *s = ctx;

	if (span_is(ev->action, "die") || span_is(ev->action, "destroy"))
		on_death(s->i, RUNTIME_DOCKER, ev->id, ev->exit_code, ev->real_ns);
	for (size_t k = 0; k < ARRAY_LEN(looks); k++) {
		if (span_is(ev->action, looks[k]))
			identify_queue_id(s->i, RUNTIME_DOCKER, ev->id, span_make(NULL, 0), 0);
	}
}

static void on_containerd(void *ctx, const struct containerd_event *ev)
{
	struct stream *s = ctx;
	bool docker = span_is(ev->space, "moby");
	enum container_runtime runtime = docker ? RUNTIME_DOCKER : RUNTIME_CONTAINERD;

	if (ev->exit_code >= 0)
		on_death(s->i, runtime, ev->id, ev->exit_code, ev->real_ns);
	else if (!docker &&
		 (span_is(ev->topic, "/tasks/start") || span_is(ev->topic, "/containers/create") ||
		  span_is(ev->topic, "/containers/update")))
		identify_queue_id(s->i, runtime, ev->id, ev->space, 0);
}

/* What happened between the two moments is known only as far as a scan finds it. */
static void tell_gap(struct stream *s, uint64_t from_ns, const char *why)
{
	struct err ignored = ERR_INIT; /* the sink counts what it loses */
	struct event ev;

	atomic_fetch_add(&s->i->count.broken, 1);
	if (!s->i->sink)
		return;
	event_init(&ev, EVENT_GAP);
	ev.boot_ns = clock_boot_ns();
	ev.real_ns = clock_real_ns();
	ev.value[FIELD_REASON].bytes = span_of("runtime_events");
	ev.value[FIELD_FROM_TIME].u = from_ns;
	ev.value[FIELD_TO_TIME].u = ev.real_ns;
	ev.value[FIELD_PATH].bytes = span_of(s->socket);
	ev.value[FIELD_TEXT].bytes = span_of(why);
	(void)s->i->sink->emit(s->i->sink->ctx, &ev, &ignored);
}

/* Sleeps until the time is over or identify_stop was called; true when it was. */
static bool pause_ms(struct identify *i, unsigned ms)
{
	struct timespec at;
	bool stop;

	(void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail */
	at.tv_sec += ms / 1000;
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= (long)NSEC_PER_SEC) {
		at.tv_sec++;
		at.tv_nsec -= (long)NSEC_PER_SEC;
	}
	(void)pthread_mutex_lock(&i->lock); /* cannot fail: not recursive, not robust */
	while (!i->stop && pthread_cond_timedwait(&i->changed, &i->lock, &at) == 0)
		;
	stop = i->stop;
	(void)pthread_mutex_unlock(&i->lock);
	return stop;
}

static int run(struct stream *s, struct err *e)
{
	int r;

	if (s->containerd) {
		r = containerd_stream_run(&s->grpc, s->socket, e);
		atomic_fetch_add(&s->i->count.unparsed, s->grpc.unparsed);
		s->grpc.unparsed = 0;
	} else {
		r = docker_stream_run(&s->docker, s->socket, e);
		atomic_fetch_add(&s->i->count.unparsed, s->docker.unparsed);
		s->docker.unparsed = 0;
	}
	return r;
}

static bool answers(struct stream *s)
{
	struct err ignored = ERR_INIT; /* it is tried again */

	return (s->containerd ? containerd_ping(s->socket, NULL, &ignored)
			      : docker_ping(s->socket, NULL, NULL, &ignored)) == 0;
}

void *identify_listen(void *stream)
{
	struct stream *s = stream;
	unsigned pause = PAUSE_FIRST_MS;
	struct err why = ERR_INIT;
	uint64_t broken_ns = 0; /* 0: never heard, or not broken */

	s->docker.on_event = on_docker;
	s->docker.ctx = s;
	s->grpc.on_event = on_containerd;
	s->grpc.ctx = s;
	do {
		if (!answers(s)) {
			pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
			continue;
		}
		if (broken_ns)
			tell_gap(s, broken_ns, why.text);
		/* after the stream stands: what it misses before, the scan finds */
		identify_queue(s->i, &(struct job){.kind = JOB_SCAN}, broken_ns ? 200 : 50);
		err_clear(&why);
		if (run(s, &why) == 0)
			(void)err_set(&why, EPIPE, "'%s' ended the event stream", s->socket);
		broken_ns = clock_real_ns();
		pause = PAUSE_FIRST_MS;
	} while (!pause_ms(s->i, pause));
	return NULL;
}
