/* keeper.c - the keeper's threads: reading events in batches, executables first. */
#include "record/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/keeper_internal.h"

#define IDLE_LOOKS   8 /* naps without an event before a thread waits to be woken */
#define CLOSE_NS     (5 * NSEC_PER_SEC)
#define BACKLOG_NS   (NSEC_PER_SEC / 20) /* between looks at the length of the queue */
#define TAKE_FAILED  (-1)
#define TAKE_NOTHING 0

/* A thread's own. */
struct taker {
	struct keeper *k;
	bool first; /* does what one thread has to do every second */
	uint64_t backlog_ns, second_ns;
	struct fanotify_event_metadata metas[KEEPER_BATCH];
	struct keeper_job jobs[KEEPER_BATCH];
};

/* Makes a job of an event.  false when nothing is to be kept; its descriptor is closed then. */
static bool prepare(struct keeper *k, const struct fanotify_event_metadata *meta,
		    struct keeper_job *job)
{
	static const struct keep_who nobody;

	if (meta->mask & FAN_Q_OVERFLOW)
		keep_gaps_add(&k->gaps, &nobody, &(struct keep_loss){.reason = "overflow"});
	if (meta->fd < 0)
		return false;
	job->fd = meta->fd;
	job->mask = meta->mask;
	job->flags = 0;
	if (meta->pid == getpid() || fstat(meta->fd, &job->st) != 0 || !S_ISREG(job->st.st_mode)) {
		fd_close(&job->fd);
		return false;
	}
	if (!keeper_places_attribute(k, job, (uint32_t)meta->pid)) {
		atomic_fetch_add(&k->unattributed, 1);
		keep_gaps_add(&k->gaps, &nobody,
			      &(struct keep_loss){.reason = "unattributed", .lost = 1});
		fd_close(&job->fd);
		return false;
	}
	job->class = (job->mask & FAN_OPEN_EXEC) || (job->st.st_mode & 0111) ? KEEPER_EXECUTABLE
									     : KEEPER_DATA;
	return true;
}

static void finish(struct keeper *k, struct keeper_job *job)
{
	keeper_file_keep(k, job);
	keeper_subject_release(job->subject);
	fd_close(&job->fd);
}

/* Takes what there is, at most a batch.  Returns the number of events, or TAKE_FAILED. */
static int take(struct taker *taker)
{
	struct keeper *k = taker->k;
	static const struct keep_who nobody;
	ssize_t n = read(k->group, taker->metas, sizeof(taker->metas));
	struct fanotify_event_metadata *meta = taker->metas;
	unsigned jobs = 0;
	int events = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return TAKE_NOTHING;
	if (n < 0) { /* the file could not be opened for us: the event is lost (fanotify(7)) */
		keep_gaps_add(&k->gaps, &nobody,
			      &(struct keep_loss){.reason = "unreadable", .lost = 1});
		return TAKE_FAILED;
	}
	for (; FAN_EVENT_OK(meta, n); meta = FAN_EVENT_NEXT(meta, n), events++)
		jobs += prepare(k, meta, &taker->jobs[jobs]);
	for (unsigned i = 0; i < jobs; i++)
		if (taker->jobs[i].class == KEEPER_EXECUTABLE)
			finish(k, &taker->jobs[i]);
	for (unsigned i = 0; i < jobs; i++)
		if (taker->jobs[i].fd >= 0)
			finish(k, &taker->jobs[i]);
	atomic_fetch_add(&k->events, (uint64_t)events);
	return events;
}

/* The kernel walks its queue to answer FIONREAD, so this asks seldom. */
static void look_at_backlog(struct taker *taker, uint64_t now)
{
	struct keeper *k = taker->k;
	int bytes = 0;

	if (now - taker->backlog_ns < BACKLOG_NS || ioctl(k->group, FIONREAD, &bytes) != 0)
		return;
	taker->backlog_ns = now;
	if ((unsigned)bytes / FAN_EVENT_METADATA_LEN > k->options.max_backlog)
		k->shedding = true;
	else if ((unsigned)bytes / FAN_EVENT_METADATA_LEN < k->options.max_backlog / 2)
		k->shedding = false;
}

static void every_second(struct taker *taker, uint64_t now)
{
	if (now - taker->second_ns < NSEC_PER_SEC)
		return;
	taker->second_ns = now;
	keep_gaps_say(&taker->k->gaps, false);
	keeper_sweep(taker->k);
}

static void nap(struct keeper *k, unsigned idle)
{
	struct pollfd fds[2] = {{.fd = k->group, .events = POLLIN},
				{.fd = k->wake, .events = POLLIN}};
	struct timespec ts = {.tv_nsec = (long)k->options.nap_us * 1000};

	if (idle < IDLE_LOOKS)
		(void)nanosleep(&ts, NULL); /* shorter is no harm */
	else
		(void)poll(fds, 2, 1000); /* whatever it says, the queue is looked at */
}

static void *keeper_main(void *arg)
{
	struct taker *taker = arg;
	struct keeper *k = taker->k;
	unsigned idle = 0;
	uint64_t stop_ns = 0;

	for (;;) {
		int events = take(taker);
		uint64_t now = clock_boot_ns();

		if (taker->first) {
			look_at_backlog(taker, now);
			every_second(taker, now);
		}
		if (k->stop && stop_ns == 0)
			stop_ns = now + CLOSE_NS;
		if (k->stop && (events == TAKE_NOTHING || now > stop_ns))
			break;
		idle = events > 0 ? 0 : idle + 1;
		/* A batch that is not full leaves the rest to gather: fewer, larger reads. */
		if (events < KEEPER_BATCH)
			nap(k, idle);
	}
	free(taker);
	return NULL;
}

static int start_threads(struct keeper *k, struct err *e)
{
	for (unsigned i = 0; i < k->options.threads; i++) {
		struct taker *taker = calloc(1, sizeof(*taker));
		int r = ENOMEM;

		if (taker) {
			taker->k = k;
			taker->first = i == 0;
			r = pthread_create(&k->threads[i], NULL, keeper_main, taker);
		}
		if (r != 0) {
			free(taker);
			return err_sys(e, r, "cannot start the file keeper");
		}
		k->thread_n++;
	}
	return 0;
}

static int open_groups(struct keeper *k, struct err *e)
{
	struct permit_options guard = {.deadline_ms = k->options.guard_deadline_ms,
				       .on_event = keeper_guard_event,
				       .on_late = keeper_guard_late,
				       .ctx = k};

	k->wake = eventfd(0, EFD_CLOEXEC);
	if (k->wake < 0)
		return err_sys(e, errno, "cannot make an eventfd");
	k->group = fanotify_init(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
					 FAN_CLOEXEC | FAN_NONBLOCK,
				 O_RDONLY | O_LARGEFILE | O_NOATIME | O_CLOEXEC | O_NONBLOCK);
	if (k->group < 0) {
		(void)err_sys(e, errno, "cannot open a fanotify group");
		return err_hint(e, "the file keeper needs CAP_SYS_ADMIN");
	}
	return k->options.guard_ms ? permit_open(&guard, &k->guard, e) : 0;
}

static void take_options(struct keeper *k, const struct keeper_options *options)
{
	uint64_t now = clock_boot_ns();

	k->options = *options;
	if (k->options.threads == 0)
		k->options.threads = 1;
	if (k->options.threads > KEEPER_THREADS_MAX)
		k->options.threads = KEEPER_THREADS_MAX;
	if (k->options.nap_us == 0)
		k->options.nap_us = 2000;
	if (k->options.max_backlog == 0)
		k->options.max_backlog = 131072;
	for (unsigned i = 0; i < KEEPER_CLASSES; i++)
		keeper_bucket_init(&k->global[i], options->policy.global_rate,
				   options->policy.global_burst, now);
}

int keeper_open(const struct keeper_options *options, struct keeper_store store,
		struct keep_out *out, struct keeper **ret, struct err *e)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_sys(e, ENOMEM, "cannot keep files");
	take_options(k, options);
	k->store = store;
	k->out = out;
	k->group = k->wake = -1;
	pthread_mutex_init(&k->global_lock, NULL);
	r = keep_gaps_init(&k->gaps, out, e);
	if (r == 0)
		r = keeper_cache_init(&k->cache, e);
	if (r == 0)
		r = keeper_places_init(k, e);
	if (r == 0)
		r = open_groups(k, e);
	if (r == 0)
		r = start_threads(k, e);
	if (r < 0) {
		keeper_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

void keeper_close(struct keeper *k)
{
	uint64_t one = 1;

	if (!k)
		return;
	permit_close(k->guard); /* first: nobody may wait for what is being stopped */
	k->stop = true;
	if (k->wake >= 0)
		(void)fd_write_full(k->wake, &one, sizeof(one)); /* an eventfd takes it */
	for (unsigned i = 0; i < k->thread_n; i++)
		pthread_join(k->threads[i], NULL);
	fd_close(&k->group);
	fd_close(&k->wake);
	keeper_places_fini(k);
	keeper_cache_fini(&k->cache);
	keep_gaps_fini(&k->gaps);
	pthread_mutex_destroy(&k->global_lock);
	free(k);
}

void keeper_stats_get(struct keeper *k, struct keeper_stats *ret_stats)
{
	*ret_stats = (struct keeper_stats){.events = k->events,
					   .kept = k->kept,
					   .kept_bytes = k->kept_bytes,
					   .reused = k->reused,
					   .known = k->known,
					   .skipped = k->skipped,
					   .unattributed = k->unattributed,
					   .guarded = k->guarded,
					   .guard_late = k->guard_late};
	pthread_rwlock_rdlock(&k->places.lock);
	ret_stats->places = k->places.n;
	ret_stats->containers = k->places.subject_n;
	pthread_rwlock_unlock(&k->places.lock);
}
