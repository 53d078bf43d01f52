/* keeper_file.c - one file: policy, budget, reading, telling. */
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/keeper_internal.h"

#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE 0x00000200 /* Linux 5.19, linux/fanotify.h */
#endif

/* An executable above this does not stay in the page cache because Amber read it. */
#define CACHE_KEEP_BYTES (4u << 20)

void keeper_file_skip(struct keeper *k, const struct keeper_job *job, const char *reason)
{
	struct keep_loss loss = {.reason = reason,
				 .lost = 1,
				 .bytes = (uint64_t)job->st.st_size,
				 .path = span_make(job->path, job->path_n)};

	atomic_fetch_add(&k->skipped, 1);
	keep_gaps_add(&k->gaps, &job->who, &loss);
}

static void tell_kept(struct keeper *k, const struct keeper_job *job,
		      const struct keeper_object *object, const char *reason)
{
	struct err e = ERR_INIT;
	struct event ev;

	event_init(&ev, EVENT_FILE_KEPT);
	if (object->truncated || job->path_cut)
		ev.marks |= EVENT_TRUNCATED;
	ev.value[FIELD_PATH].bytes = span_make(job->path, job->path_n);
	ev.value[FIELD_DEV].u = ((uint64_t)major(job->st.st_dev) << 20) | minor(job->st.st_dev);
	ev.value[FIELD_INO].u = job->st.st_ino;
	ev.value[FIELD_FILE_FLAGS].u = job->flags;
	ev.value[FIELD_SHA256].bytes = span_make(object->digest, sizeof(object->digest));
	ev.value[FIELD_FILE_SIZE].u = object->size;
	ev.value[FIELD_MODE].u = job->st.st_mode & 07777;
	ev.value[FIELD_REASON].bytes = span_of(reason);
	(void)keep_emit(k->out, &job->who, &ev, &e); /* counted in out->failed */
}

static void tell(struct keeper *k, const struct keeper_job *job, const struct keeper_object *object)
{
	if (job->mask & FAN_CLOSE_WRITE)
		tell_kept(k, job, object, "written");
	if (job->mask & FAN_OPEN_EXEC)
		tell_kept(k, job, object, "executed");
}

static void classify(struct keeper *k, struct keeper_job *job)
{
	uint8_t head[4];
	ssize_t n;

	if (job->class == KEEPER_EXECUTABLE)
		return;
	if ((uint64_t)job->st.st_size <= k->options.policy.max_bytes[KEEPER_DATA] && !k->shedding)
		return; /* nothing depends on it */
	n = fd_pread_full(job->fd, head, sizeof(head), 0);
	job->class = keeper_classify(span_make(head, n > 0 ? (size_t)n : 0));
}

/* A later execution of the same content needs no event: the kernel drops the mark on the first
 * write to the file, and with the inode (FAN_MARK_EVICTABLE).  Set before the content is read, so
 * that no change slips between. */
static void ignore_repeats(struct keeper *k, const struct keeper_job *job)
{
	/* An older kernel refuses: then the cache answers the repeats. */
	(void)fanotify_mark(k->group, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_EVICTABLE,
			    FAN_OPEN_EXEC, job->fd, NULL);
}

/* Whether an execution is of a content that is known; tells it when it is new in the container. */
static bool reuse(struct keeper *k, const struct keeper_job *job)
{
	struct keeper_object object = {.size = (uint64_t)job->st.st_size};
	struct keeper_key own = keeper_key_of(&job->st, job->own_dev), shared;

	if (keeper_cache_find(&k->cache, &own, object.digest)) {
		atomic_fetch_add(&k->known, 1);
		return true;
	}
	if (job->shared_dev == 0)
		return false;
	shared = keeper_key_of(&job->st, job->shared_dev);
	if (!keeper_cache_find(&k->cache, &shared, object.digest))
		return false;
	keeper_cache_put(&k->cache, &own, object.digest, clock_real_ns());
	atomic_fetch_add(&k->reused, 1);
	tell(k, job, &object);
	return true;
}

static bool within_budget(struct keeper *k, struct keeper_job *job)
{
	uint64_t now = clock_boot_ns(), n = (uint64_t)job->st.st_size;
	struct keeper_subject *subject = job->subject;
	bool own, all = false;

	pthread_mutex_lock(&subject->lock);
	own = subject->total_left >= n && keeper_bucket_take(&subject->bucket[job->class], n, now);
	pthread_mutex_unlock(&subject->lock);
	if (!own)
		return false;
	pthread_mutex_lock(&k->global_lock);
	all = keeper_bucket_take(&k->global[job->class], n, now);
	pthread_mutex_unlock(&k->global_lock);
	if (!all) {
		pthread_mutex_lock(&subject->lock);
		keeper_bucket_give(&subject->bucket[job->class], n);
		pthread_mutex_unlock(&subject->lock);
	}
	return all;
}

static void account(struct keeper *k, struct keeper_job *job, const struct keeper_object *object)
{
	struct keeper_subject *subject = job->subject;

	atomic_fetch_add(&k->kept, 1);
	atomic_fetch_add(&k->kept_bytes, object->size);
	if (!object->is_new)
		return;
	pthread_mutex_lock(&subject->lock);
	subject->total_left -=
		object->size < subject->total_left ? object->size : subject->total_left;
	pthread_mutex_unlock(&subject->lock);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void remember(struct keeper *k, const struct keeper_job *job,
		     const struct keeper_object *object, uint64_t began_ns)
{
	struct keeper_key key = keeper_key_of(&job->st, job->own_dev);

	keeper_cache_put(&k->cache, &key, object->digest, began_ns);
	if (job->shared_dev == 0)
		return;
	key.dev = job->shared_dev;
	keeper_cache_put(&k->cache, &key, object->digest, began_ns);
}

/* Reads and stores the content, and tells. */
static void read_content(struct keeper *k, struct keeper_job *job)
{
	uint64_t began_ns = clock_real_ns();
	struct keeper_object object = {.size = 0};
	struct err e = ERR_INIT;
	struct stat after;
	int r = k->store.put_fd(k->store.ctx, job->fd, k->options.policy.max_bytes[job->class],
				&object, &e);

	if (r < 0) {
		keeper_file_skip(k, job,
				 r == -ENOSPC || r == -EDQUOT ? "store_full" : "unreadable");
		return;
	}
	if (object.truncated)
		keeper_file_skip(k, job, "skipped_size");
	account(k, job, &object);
	tell(k, job, &object);
	if (fstat(job->fd, &after) != 0 || after.st_size != job->st.st_size ||
	    !same_time(after.st_mtim, job->st.st_mtim)) {
		keeper_file_skip(k, job, "changed_while_read");
		return;
	}
	if (!(job->mask & FAN_OPEN_EXEC) || object.truncated)
		return;
	remember(k, job, &object, began_ns);
	if (object.size > CACHE_KEEP_BYTES)
		(void)posix_fadvise(job->fd, 0, 0, POSIX_FADV_DONTNEED); /* advice */
}

void keeper_file_keep(struct keeper *k, struct keeper_job *job)
{
	const struct keeper_policy *policy = &k->options.policy;

	if (job->mask & FAN_CLOSE_WRITE)
		keeper_cache_forget(&k->cache, job->own_dev, job->st.st_ino);
	if (policy->exclude_count && keeper_policy_excludes(policy, job->path)) {
		keeper_file_skip(k, job, "excluded");
		return;
	}
	classify(k, job);
	if (k->shedding && job->class != KEEPER_EXECUTABLE) {
		keeper_file_skip(k, job, "overflow");
		return;
	}
	if ((uint64_t)job->st.st_size > policy->max_bytes[job->class]) {
		keeper_file_skip(k, job, "skipped_size");
		return;
	}
	if (job->mask & FAN_OPEN_EXEC)
		ignore_repeats(k, job);
	if (!(job->mask & FAN_CLOSE_WRITE) && reuse(k, job))
		return;
	if (within_budget(k, job))
		read_content(k, job);
	else
		keeper_file_skip(k, job, "skipped_budget");
}
