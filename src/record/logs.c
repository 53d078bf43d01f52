/* logs.c - see logs.h. */
#include "record/logs.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/log_file.h"

#define NAP_NS	    (10 * 1000000ull)  /* between rounds while lines come */
#define SOON_MS	    50		       /* something is to be looked at again */
#define DEAD_NS	    (5 * NSEC_PER_SEC) /* without a line, after the death */
#define UNLINKED_NS (NSEC_PER_SEC / 5) /* the same when the file is gone as well */
#define DIR_EVENTS                                                                          \
	(IN_CREATE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | \
	 IN_ONLYDIR)

/* What the callers hand to the thread. */
struct order {
	struct log_file *file; /* to follow; NULL: finish `id` */
	char id[LIMIT_CONTAINER_ID];
	struct order *next;
};

struct logs {
	struct log_env env;
	int inotify, wake;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* orders, stop */
	struct order *first, **last;
	bool stop;
	/* The thread's own. */
	struct log_file **files;
	size_t n, cap;
	_Atomic uint64_t followed;
};

static void give_order(struct logs *logs, struct order *order)
{
	uint64_t one = 1;

	pthread_mutex_lock(&logs->lock);
	*logs->last = order;
	logs->last = &order->next;
	pthread_mutex_unlock(&logs->lock);
	(void)fd_write_full(logs->wake, &one, sizeof(one)); /* an eventfd takes it */
}

/* Watches the folder of the file.  It may not exist yet: then the thread tries again. */
static void watch_folder(struct logs *logs, struct log_file *file)
{
	char dir[LIMIT_PATH];
	const char *slash = strrchr(file->path, '/');
	size_t n = (size_t)(slash - file->path);

	memcpy(dir, file->path, n);
	dir[n] = '\0';
	file->wd = inotify_add_watch(logs->inotify, n ? dir : "/", DIR_EVENTS);
}

int logs_follow(struct logs *logs, const struct keep_who *who, const char *path,
		enum log_format format, uint64_t since_ns, struct err *e)
{
	struct order *order;
	struct log_file *file = NULL;
	int r;

	if (path[0] != '/' || strlen(path) >= LIMIT_PATH - 8)
		return err_set(e, EINVAL, "'%.100s' is not the path of a log file", path);
	r = log_file_new(&logs->env, who, path, format, &file, e);
	if (r < 0)
		return r;
	order = calloc(1, sizeof(*order));
	if (!order) {
		log_file_free(file);
		return err_sys(e, ENOMEM, "cannot follow '%s'", path);
	}
	file->since_ns = since_ns;
	watch_folder(logs, file); /* before the open, so that no creation is missed */
	r = log_file_open(file);
	if (r < 0 && r != -ENOENT) {
		free(order);
		log_file_free(file);
		return err_sys(e, -r, "cannot open '%s'", path);
	}
	order->file = file;
	give_order(logs, order);
	return 0;
}

void logs_finish(struct logs *logs, struct span id)
{
	struct order *order = calloc(1, sizeof(*order));
	struct keep_who who;

	if (!order)
		return; /* it is followed until logs_close instead */
	keep_who_set(&who, id, 0);
	memcpy(order->id, who.id, sizeof(order->id));
	give_order(logs, order);
}

/* --- the thread --- */

static struct log_file *find_file(struct logs *logs, const struct log_file *like)
{
	for (size_t i = 0; i < logs->n; i++)
		if (strcmp(logs->files[i]->who.id, like->who.id) == 0 &&
		    strcmp(logs->files[i]->path, like->path) == 0)
			return logs->files[i];
	return NULL;
}

static bool watch_is_shared(struct logs *logs, const struct log_file *file)
{
	for (size_t i = 0; i < logs->n; i++)
		if (logs->files[i] != file && logs->files[i]->wd == file->wd)
			return true;
	return false;
}

static void drop_file(struct logs *logs, size_t i)
{
	struct log_file *file = logs->files[i];

	log_file_end(file);
	if (file->wd >= 0 && !watch_is_shared(logs, file))
		(void)inotify_rm_watch(logs->inotify, file->wd); /* gone with its folder: fine */
	log_file_free(file);
	logs->files[i] = logs->files[--logs->n];
	logs->followed = logs->n;
}

static void add_file(struct logs *logs, struct log_file *file)
{
	struct log_file *known = find_file(logs, file);

	if (known) {
		known->finish_ns = 0;
		known->dirty = true;
		log_file_free(file); /* its watch is the same one */
		return;
	}
	if (logs->n == logs->cap) {
		size_t cap = logs->cap ? logs->cap * 2 : 64;
		void *grown = realloc(logs->files, cap * sizeof(struct log_file *));

		if (!grown) {
			log_file_lost(file, "log_lost", 0, 0);
			log_file_free(file);
			return;
		}
		logs->files = grown;
		logs->cap = cap;
	}
	file->dirty = true;
	logs->files[logs->n++] = file;
	logs->followed = logs->n;
}

static void finish_files(struct logs *logs, const char *id)
{
	for (size_t i = 0; i < logs->n; i++) {
		if (strcmp(logs->files[i]->who.id, id) != 0)
			continue;
		logs->files[i]->finish_ns = clock_boot_ns();
		logs->files[i]->dirty = true;
	}
}

/* Returns whether it is time to stop. */
static bool take_orders(struct logs *logs)
{
	struct order *order, *next;
	bool stop;

	pthread_mutex_lock(&logs->lock);
	order = logs->first;
	logs->first = NULL;
	logs->last = &logs->first;
	stop = logs->stop;
	pthread_mutex_unlock(&logs->lock);
	for (; order; order = next) {
		next = order->next;
		if (order->file) {
			add_file(logs, order->file);
		} else {
			finish_files(logs, order->id);
		}
		free(order);
	}
	return stop;
}

static void mark_dirty(struct logs *logs, int wd)
{
	for (size_t i = 0; i < logs->n; i++) {
		struct log_file *file = logs->files[i];

		if (wd < 0 || file->wd == wd)
			file->dirty = true;
	}
}

static void take_notices(struct logs *logs)
{
	union {
		struct inotify_event event;
		char bytes[16384];
	} b;
	int before = -2;

	for (;;) {
		ssize_t n = read(logs->inotify, &b, sizeof(b));

		if (n <= 0)
			return;
		for (char *p = b.bytes; p < b.bytes + n;) {
			const struct inotify_event *event = (void *)p;
			int wd = event->mask & IN_Q_OVERFLOW ? -1 : event->wd;

			if (wd != before)
				mark_dirty(logs, wd);
			before = wd;
			p += sizeof(*event) + event->len;
		}
	}
}

/* Looks at one file.  Returns whether it is to be looked at again soon. */
static bool look(struct logs *logs, size_t i, uint64_t now)
{
	struct log_file *file = logs->files[i];

	if (file->wd < 0)
		watch_folder(logs, file);
	file->dirty = log_file_read(file, now);
	if (file->dirty)
		return true;
	if (file->finish_ns) {
		uint64_t since = file->read_ns > file->finish_ns ? file->read_ns : file->finish_ns;

		if (now - since > DEAD_NS ||
		    (now - since > UNLINKED_NS && log_file_is_unlinked(file)))
			drop_file(logs, i);
		return true;
	}
	return file->fd < 0 || file->rotated_ns;
}

/* Returns how long to wait for something new. */
static int look_at_all(struct logs *logs)
{
	uint64_t now = clock_boot_ns();
	int wait_ms = 1000;

	for (size_t i = logs->n; i-- > 0;) { /* backwards: drop_file fills from the end */
		struct log_file *file = logs->files[i];

		if (!file->dirty && !file->finish_ns && file->fd >= 0 && !file->rotated_ns &&
		    file->wd >= 0)
			continue;
		if (look(logs, i, now) && wait_ms > SOON_MS)
			wait_ms = SOON_MS;
	}
	return wait_ms;
}

static void *logs_main(void *arg)
{
	struct logs *logs = arg;
	struct pollfd fds[2] = {{.fd = logs->inotify, .events = POLLIN},
				{.fd = logs->wake, .events = POLLIN}};
	const struct timespec nap = {.tv_nsec = NAP_NS};
	uint64_t woken;
	bool stop;

	do {
		int wait_ms;

		stop = take_orders(logs);
		take_notices(logs);
		wait_ms = look_at_all(logs);
		keep_gaps_say(&logs->env.gaps, false);
		if (stop)
			break;
		if (poll(fds, 2, wait_ms) > 0 && fds[1].revents)
			(void)fd_read_full(logs->wake, &woken, sizeof(woken)); /* empties it */
		else if (fds[0].revents) /* let lines gather: not one round for each */
			(void)nanosleep(&nap, NULL);
	} while (!stop);
	while (logs->n)
		drop_file(logs, logs->n - 1); /* reads to the end */
	return NULL;
}

int logs_open(const struct logs_options *options, struct keep_out *out, struct logs **ret,
	      struct err *e)
{
	struct logs *logs = calloc(1, sizeof(*logs));
	int r;

	if (!logs)
		return err_sys(e, ENOMEM, "cannot follow logs");
	logs->last = &logs->first;
	logs->wake = eventfd(0, EFD_CLOEXEC);
	logs->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	pthread_mutex_init(&logs->lock, NULL);
	r = log_env_init(&logs->env, options, out, e);
	if (r == 0 && (logs->wake < 0 || logs->inotify < 0))
		r = err_sys(e, errno, "cannot watch folders");
	if (r == 0) {
		r = -pthread_create(&logs->thread, NULL, logs_main, logs);
		logs->started = r == 0;
		if (r < 0)
			(void)err_sys(e, -r, "cannot start a thread");
	}
	if (r < 0) {
		logs_close(logs);
		return r;
	}
	*ret = logs;
	return 0;
}

void logs_close(struct logs *logs)
{
	uint64_t one = 1;

	if (!logs)
		return;
	if (logs->started) {
		pthread_mutex_lock(&logs->lock);
		logs->stop = true;
		pthread_mutex_unlock(&logs->lock);
		(void)fd_write_full(logs->wake, &one, sizeof(one)); /* an eventfd takes it */
		pthread_join(logs->thread, NULL);
	}
	fd_close(&logs->wake);
	fd_close(&logs->inotify);
	log_env_fini(&logs->env);
	pthread_mutex_destroy(&logs->lock);
	free(logs->files);
	free(logs);
}

void logs_stats_get(struct logs *logs, struct logs_stats *ret_stats)
{
	*ret_stats = (struct logs_stats){.lines = logs->env.lines,
					 .bytes = logs->env.bytes,
					 .lost = logs->env.lost,
					 .followed = logs->followed};
}
