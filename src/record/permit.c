/* permit.c - see permit.h. */
#include "record/permit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define WAITS_KEPT 1024u

enum slot_state {
	SLOT_FREE,
	SLOT_WAITING, /* for the worker */
	SLOT_WORKING,
};

struct slot {
	enum slot_state state;
	bool answered;
	struct permit_event event;
	uint64_t read_ns;
};

struct permit {
	struct permit_options options;
	int group, wake;
	pthread_t reader, worker;
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool stop;
	struct slot slots[PERMIT_SLOTS];
	struct permit_stats stats;
	uint32_t waits_us10[WAITS_KEPT]; /* in tenths of a microsecond */
};

static void allow(struct permit *p, int fd)
{
	struct fanotify_response response = {.fd = fd, .response = FAN_ALLOW};

	/* ENOENT: the waiting thread was killed meanwhile.  Nothing else can be done here. */
	(void)fd_write_full(p->group, &response, sizeof(response));
}

/* With the lock held. */
static void answer(struct permit *p, struct slot *slot)
{
	uint64_t waited_ns = clock_boot_ns() - slot->read_ns;

	allow(p, slot->event.fd);
	slot->answered = true;
	p->waits_us10[p->stats.events % WAITS_KEPT] =
		waited_ns / 100 < UINT32_MAX ? (uint32_t)(waited_ns / 100) : UINT32_MAX;
	p->stats.events++;
	if (waited_ns > p->stats.max_ns)
		p->stats.max_ns = waited_ns;
}

static struct slot *oldest_waiting(struct permit *p)
{
	struct slot *oldest = NULL;

	for (unsigned i = 0; i < PERMIT_SLOTS; i++) {
		struct slot *slot = &p->slots[i];

		if (slot->state == SLOT_WAITING && (!oldest || slot->read_ns < oldest->read_ns))
			oldest = slot;
	}
	return oldest;
}

/* Somebody waits for this thread: it goes before others.  Nice is a thread's own (sched(7)). */
static void go_first(void)
{
	(void)setpriority(PRIO_PROCESS, 0, -10); /* without the right to it: in line */
}

static void *worker_main(void *arg)
{
	struct permit *p = arg;

	go_first();
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct slot *slot = oldest_waiting(p);

		if (!slot && p->stop)
			break;
		if (!slot) {
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		slot->state = SLOT_WORKING;
		if (!slot->answered) { /* answered late: nothing is left to prepare */
			pthread_mutex_unlock(&p->lock);
			p->options.on_event(p->options.ctx, &slot->event);
			pthread_mutex_lock(&p->lock);
		}
		if (!slot->answered)
			answer(p, slot);
		fd_close(&slot->event.fd);
		slot->state = SLOT_FREE;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static bool status_number(const char *text, const char *name, uint32_t *ret_number)
{
	const char *line = strstr(text, name);

	if (line)
		*ret_number = (uint32_t)strtoul(line + strlen(name), NULL, 10);
	return line != NULL;
}

bool permit_who(uint32_t tid, uint32_t *ret_pid, uint32_t *ret_ppid)
{
	char path[40], text[512];
	AUTO(fd) int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", tid); /* cannot be cut */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return status_number(text, "\nTgid:\t", ret_pid) &&
	       status_number(text, "\nPPid:\t", ret_ppid);
}

/* Whether Amber or a child of it executes. */
static bool is_own(uint32_t tid)
{
	uint32_t pid, ppid, own = (uint32_t)getpid();

	return permit_who(tid, &pid, &ppid) && (pid == own || ppid == own);
}

static void take_event(struct permit *p, const struct fanotify_event_metadata *meta)
{
	struct slot *slot = NULL;
	bool own = is_own((uint32_t)meta->pid);

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < PERMIT_SLOTS && !slot && !own; i++)
		if (p->slots[i].state == SLOT_FREE)
			slot = &p->slots[i];
	if (slot) {
		*slot = (struct slot){.state = SLOT_WAITING,
				      .event = {meta->fd, (uint32_t)meta->pid},
				      .read_ns = clock_boot_ns()};
		pthread_cond_signal(&p->work);
	} else if (own) {
		p->stats.own++;
	} else {
		p->stats.crowded++;
	}
	pthread_mutex_unlock(&p->lock);
	if (slot)
		return;
	allow(p, meta->fd);
	(void)close(meta->fd);
	if (!own && p->options.on_late)
		p->options.on_late(p->options.ctx, (uint32_t)meta->pid);
}

static void take_events(struct permit *p)
{
	struct fanotify_event_metadata buf[32];
	ssize_t n = read(p->group, buf, sizeof(buf));
	struct fanotify_event_metadata *meta = buf;

	for (; n > 0 && FAN_EVENT_OK(meta, n); meta = FAN_EVENT_NEXT(meta, n))
		if (meta->fd >= 0)
			take_event(p, meta);
}

/* Answers what is over its deadline.  Returns the milliseconds to the next one, at most `most`. */
static int answer_late(struct permit *p, int most)
{
	uint64_t deadline_ns = (uint64_t)p->options.deadline_ms * 1000000;
	uint32_t late[PERMIT_SLOTS];
	unsigned late_n = 0;
	uint64_t now;

	pthread_mutex_lock(&p->lock);
	now = clock_boot_ns();
	for (unsigned i = 0; i < PERMIT_SLOTS; i++) {
		struct slot *slot = &p->slots[i];
		uint64_t waited = slot->read_ns < now ? now - slot->read_ns : 0;

		if (slot->state == SLOT_FREE || slot->answered)
			continue;
		if (waited >= deadline_ns) {
			answer(p, slot);
			p->stats.late++;
			late[late_n++] = slot->event.tid;
		} else if ((int)((deadline_ns - waited) / 1000000) + 1 < most || most < 0) {
			most = (int)((deadline_ns - waited) / 1000000) + 1;
		}
	}
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < late_n && p->options.on_late; i++)
		p->options.on_late(p->options.ctx, late[i]);
	return most;
}

static void *reader_main(void *arg)
{
	struct permit *p = arg;
	struct pollfd fds[2] = {{.fd = p->group, .events = POLLIN},
				{.fd = p->wake, .events = POLLIN}};
	uint64_t tick_ns = (uint64_t)p->options.tick_ms * 1000000;
	uint64_t ticked = clock_boot_ns();

	go_first();
	for (;;) {
		int wait_ms = answer_late(p, p->options.tick_ms ? (int)p->options.tick_ms : -1);

		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			break;
		if (fds[0].revents & POLLIN)
			take_events(p);
		if (tick_ns && clock_boot_ns() - ticked >= tick_ns) {
			ticked = clock_boot_ns();
			p->options.on_tick(p->options.ctx);
		}
	}
	return NULL;
}

static void permit_free(struct permit *p)
{
	fd_close(&p->group); /* the kernel allows whatever still waits */
	fd_close(&p->wake);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int start_threads(struct permit *p, struct err *e)
{
	int r = pthread_create(&p->worker, NULL, worker_main, p);

	if (r != 0)
		return err_sys(e, r, "cannot start a thread");
	r = pthread_create(&p->reader, NULL, reader_main, p);
	if (r == 0)
		return 0;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->worker, NULL);
	return err_sys(e, r, "cannot start a thread");
}

int permit_open(const struct permit_options *options, struct permit **ret, struct err *e)
{
	struct permit *p = calloc(1, sizeof(*p));
	int r = 0;

	if (!p)
		return err_sys(e, ENOMEM, "cannot hold executions");
	p->options = *options;
	if (p->options.deadline_ms == 0)
		p->options.deadline_ms = 250;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->wake = eventfd(0, EFD_CLOEXEC);
	p->group = fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_TID | FAN_CLOEXEC | FAN_NONBLOCK,
				 O_RDONLY | O_CLOEXEC | O_LARGEFILE | O_NOATIME);
	if (p->wake < 0 || p->group < 0)
		r = err_sys(e, errno, "cannot open a fanotify permission group");
	if (r == 0)
		r = start_threads(p, e);
	if (r < 0) {
		permit_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void permit_close(struct permit *p)
{
	uint64_t one = 1;

	if (!p)
		return;
	(void)fd_write_full(p->wake, &one, sizeof(one)); /* an eventfd takes it */
	pthread_join(p->reader, NULL);
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < PERMIT_SLOTS; i++)
		if (p->slots[i].state != SLOT_FREE && !p->slots[i].answered)
			answer(p, &p->slots[i]);
	p->stop = true;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->worker, NULL);
	permit_free(p);
}

int permit_mark(struct permit *p, unsigned flags, const char *path)
{
	return fanotify_mark(p->group, flags, FAN_OPEN_EXEC_PERM, AT_FDCWD, path) == 0 ? 0 : -errno;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void permit_stats_get(struct permit *p, struct permit_stats *ret_stats)
{
	uint32_t sorted[WAITS_KEPT];
	size_t n;

	pthread_mutex_lock(&p->lock);
	*ret_stats = p->stats;
	n = p->stats.events < WAITS_KEPT ? p->stats.events : WAITS_KEPT;
	memcpy(sorted, p->waits_us10, n * sizeof(*sorted));
	pthread_mutex_unlock(&p->lock);
	if (n == 0)
		return;
	qsort(sorted, n, sizeof(*sorted), by_value);
	ret_stats->median_ns = sorted[n / 2] * 100ull;
	ret_stats->p99_ns = sorted[n * 99 / 100] * 100ull;
}
