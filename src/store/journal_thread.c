/* journal_thread.c - the one thread that touches the segments: writes full blocks and late ones,
 * seals, deletes, and keeps trying while the disk refuses. */
#include <unistd.h>

#include "base/clock.h"
#include "store/journal_impl.h"

#define INDEX_MAX (4u << 20) /* bytes of a segment's index in memory: seal above */

uint64_t journal_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* always there */
	return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

static void failed(struct journal *j, const struct err *e)
{
	j->failure = *e;
	j->stats.failing = e->code;
	j->stats.write_errors++;
	(void)pthread_cond_broadcast(&j->moved); /* cannot fail */
}

static const char *reason_of(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "disk_full";
	case E2BIG:
		return "too_large";
	case ENOMEM:
		return "no_memory";
	default:
		return "write_error";
	}
}

/* The disk works again: what was refused meanwhile becomes a gap record. */
static void tell_refused(struct journal *j)
{
	const struct journal_gap gap = {
		.reason = reason_of(j->refused_code),
		.text = err_words(j->refused_code),
		.lost = j->refused,
		.from_ns = j->refused_from_ns,
		.to_ns = j->refused_to_ns,
	};
	struct err e = ERR_INIT;
	struct event ev;

	if (j->refused == 0 || j->stats.failing || build_is_full(j->current))
		return;
	journal_fill_gap(&ev, &gap);
	if (journal_append_locked(j, &ev, &e) < 0) {
		j->refused--; /* the gap record was refused, and is no event that was lost */
		j->stats.rows_refused--;
		return;
	}
	j->refused = 0;
	j->refused_code = 0;
}

static int ensure_segment(struct journal *j, struct err *e)
{
	int r = 0;

	if (j->segment.fd >= 0)
		return 0;
	r = segment_create(&j->segment, j->next_number, e);
	if (r == 0)
		j->next_number++;
	return r;
}

/* Without the lock. */
static int write_block(struct journal *j, const struct build *b, struct err *e)
{
	int r = 0;

	if (!j->encoded)
		r = build_encode(b, &j->encoder, &j->output, e);
	if (r < 0)
		return r;
	j->encoded = true;
	if (j->o.before_write)
		j->o.before_write(j->o.ctx);
	r = ensure_segment(j, e);
	if (r == 0)
		r = segment_write(&j->segment, &j->output, e);
	if (r == 0) {
		j->encoded = false;
		j->dirty = true;
	}
	return r;
}

/* Writes j->pending.  Called and returns with the lock. */
static void write_pending(struct journal *j)
{
	struct build *b = j->pending;
	struct err e = ERR_INIT;
	uint64_t before = j->segment.fd >= 0 ? j->segment.offset : 0;
	int r;

	(void)pthread_mutex_unlock(&j->lock);
	r = write_block(j, b, &e);
	(void)pthread_mutex_lock(&j->lock);
	if (r < 0) {
		failed(j, &e);
		return;
	}
	j->stats.failing = 0;
	j->stats.rows_written += b->rows;
	j->stats.blocks++;
	j->stats.segments += before == 0;
	j->stats.bytes_written += j->segment.offset - before;
	j->stats.total_bytes += j->segment.offset - before;
	build_clear(b);
	j->pending = NULL;
	if (build_is_full(j->current))
		journal_swap(j);
	(void)pthread_cond_broadcast(&j->moved); /* cannot fail */
}

/* Called and returns with the lock. */
static void sync_segment(struct journal *j)
{
	uint64_t rows = j->stats.rows_written;
	struct err e = ERR_INIT;
	int code = 0;

	(void)pthread_mutex_unlock(&j->lock);
	if (j->dirty && j->segment.fd >= 0 && fdatasync(j->segment.fd) != 0)
		code = errno;
	j->last_sync_ns = journal_now_ns();
	(void)pthread_mutex_lock(&j->lock);
	if (code) {
		(void)err_sys(&e, code, "cannot sync journal segment %llu",
			      (unsigned long long)j->segment.number);
		failed(j, &e);
		return;
	}
	j->dirty = false;
	j->synced_rows = rows;
	(void)pthread_cond_broadcast(&j->moved); /* cannot fail */
}

/* Called and returns with the lock. */
static void retain(struct journal *j)
{
	struct retain_result result = {0};
	struct err e = ERR_INIT;
	int r;

	(void)pthread_mutex_unlock(&j->lock);
	r = journal_retain_now(j, &result, &e);
	(void)pthread_mutex_lock(&j->lock);
	if (r < 0)
		failed(j, &e);
	else
		j->retain_done = j->retain_asked;
	j->stats.deleted_segments += result.deleted;
	j->stats.held_segments = result.held;
	j->stats.total_bytes = result.total_bytes;
	(void)pthread_cond_broadcast(&j->moved); /* cannot fail */
}

/* Called and returns with the lock. */
static void seal(struct journal *j)
{
	uint64_t rows = j->stats.rows_written, before = j->segment.offset;
	struct err e = ERR_INIT;
	int r = 0;

	if (j->segment.fd >= 0) {
		(void)pthread_mutex_unlock(&j->lock);
		r = segment_seal(&j->segment, &e);
		(void)pthread_mutex_lock(&j->lock);
		if (r == 0) {
			j->stats.bytes_written += j->segment.offset - before;
			j->dirty = false;
			j->synced_rows = rows;
			retain(j);
		}
	}
	if (r < 0)
		failed(j, &e);
	else
		j->seal_done = j->seal_asked;
	(void)pthread_cond_broadcast(&j->moved); /* cannot fail */
}

static bool segment_is_due(const struct journal *j)
{
	return j->segment.fd >= 0 && j->segment.footer.blocks > 0 &&
	       (j->segment.offset >= j->o.segment_bytes || j->segment.index.n >= INDEX_MAX ||
		clock_boot_ns() - j->segment.created_boot_ns >= j->o.segment_ns);
}

static bool block_is_due(const struct journal *j, uint64_t now_ns)
{
	return j->current->rows > 0 &&
	       (j->stats.rows_written < j->written_target ||
		now_ns - j->current->first_append_ns >= j->o.flush_ms * 1000000ull);
}

static bool sync_is_due(const struct journal *j, uint64_t now_ns)
{
	return (j->synced_rows < j->written_target && j->stats.rows_written >= j->written_target) ||
	       (j->dirty && now_ns - j->last_sync_ns >= j->o.sync_ms * 1000000ull);
}

/* Sleeps until the next block is late, a flush interval is over, or somebody asks. */
static void wait_for_work(struct journal *j, uint64_t now_ns)
{
	uint64_t until = now_ns + j->o.flush_ms * 1000000ull;
	struct timespec at;

	if (j->current->rows && j->stats.failing == 0)
		until = j->current->first_append_ns + j->o.flush_ms * 1000000ull;
	at.tv_sec = (time_t)(until / NSEC_PER_SEC);
	at.tv_nsec = (long)(until % NSEC_PER_SEC);
	(void)pthread_cond_timedwait(&j->work, &j->lock, &at); /* a time-out is fine too */
}

/* Does the first thing that is to be done; false when there is nothing. */
static bool do_one(struct journal *j, uint64_t now_ns)
{
	if (!j->pending && block_is_due(j, now_ns))
		journal_swap(j);
	if (j->pending)
		write_pending(j);
	else if (sync_is_due(j, now_ns))
		sync_segment(j);
	else if (j->seal_asked != j->seal_done || segment_is_due(j))
		seal(j);
	else if (j->retain_asked != j->retain_done)
		retain(j);
	else
		return false;
	return true;
}

static void finish(struct journal *j)
{
	uint64_t errors = j->stats.write_errors;

	j->written_target = j->stats.rows;
	while (j->stats.write_errors == errors && do_one(j, journal_now_ns()))
		;
	if (j->segment.fd >= 0 && j->stats.rows_written == j->stats.rows)
		seal(j);
}

void *journal_thread(void *arg)
{
	struct journal *j = arg;
	uint64_t errors;

	(void)pthread_mutex_lock(&j->lock); /* cannot fail */
	while (!j->stop) {
		uint64_t now_ns = journal_now_ns();

		errors = j->stats.write_errors;
		tell_refused(j);
		if (!do_one(j, now_ns) || j->stats.write_errors != errors)
			wait_for_work(j, now_ns);
	}
	finish(j);
	(void)pthread_mutex_unlock(&j->lock);
	return NULL;
}
