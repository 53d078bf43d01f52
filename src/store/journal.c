/* journal.c - taking events from any thread, and the calls that wait for the disk.  What the
 * journal's own thread does is in journal_thread.c. */
#include "store/journal.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/journal_impl.h"

/* The full block goes to the thread, the empty one takes over. */
void journal_swap(struct journal *j)
{
	j->pending = j->current;
	j->current = &j->builds[j->current == &j->builds[0]];
	(void)pthread_cond_signal(&j->work); /* cannot fail on a live condition */
}

static void refuse(struct journal *j, uint64_t real_ns, int code)
{
	if (j->refused == 0)
		j->refused_from_ns = real_ns;
	if (j->refused_code != ENOSPC)
		j->refused_code = code;
	j->refused_to_ns = real_ns;
	j->refused++;
	j->stats.rows_refused++;
}

/* Waits until the current block takes one more row; fails at once while the disk refuses. */
static int make_room(struct journal *j, struct err *e)
{
	bool waited = false;

	while (build_is_full(j->current)) {
		if (!j->pending) {
			journal_swap(j);
			break;
		}
		if (j->stats.failing) {
			*e = j->failure;
			return -e->code;
		}
		if (!waited)
			j->stats.waits++;
		waited = true;
		(void)pthread_cond_wait(&j->moved, &j->lock); /* cannot fail */
	}
	return 0;
}

int journal_append_locked(struct journal *j, const struct event *ev, struct err *e)
{
	int r = make_room(j, e);

	if (r == 0)
		r = build_add(j->current, ev, e);
	if (r < 0) {
		refuse(j, ev->real_ns, -r);
		return r;
	}
	j->stats.rows++;
	if (j->current->rows == 1) {
		j->current->first_append_ns = journal_now_ns();
		(void)pthread_cond_signal(&j->work); /* the thread learns when to flush */
	}
	if (build_is_full(j->current) && !j->pending)
		journal_swap(j);
	return 0;
}

int journal_append(struct journal *journal, const struct event *ev, struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&journal->lock); /* cannot fail: never locked twice */
	r = journal_append_locked(journal, ev, e);
	(void)pthread_mutex_unlock(&journal->lock);
	return r;
}

void journal_fill_gap(struct event *ev, const struct journal_gap *gap)
{
	event_init(ev, EVENT_GAP);
	ev->real_ns = clock_real_ns();
	ev->boot_ns = clock_boot_ns();
	ev->container = gap->container;
	ev->value[FIELD_REASON].bytes = span_of(gap->reason);
	ev->value[FIELD_TEXT].bytes = span_of(gap->text);
	ev->value[FIELD_LOST].u = gap->lost;
	ev->value[FIELD_FROM_TIME].u = gap->from_ns;
	ev->value[FIELD_TO_TIME].u = gap->to_ns;
}

int journal_append_gap(struct journal *journal, const struct journal_gap *gap, struct err *e)
{
	struct event ev;

	journal_fill_gap(&ev, gap);
	return journal_append(journal, &ev, e);
}

static int sink_emit(void *ctx, const struct event *ev, struct err *e)
{
	return journal_append(ctx, ev, e);
}

struct event_sink journal_sink(struct journal *journal)
{
	return (struct event_sink){.emit = sink_emit, .ctx = journal};
}

/* Waits until *done reaches `target`, or an attempt of the thread fails. */
static int wait_for(struct journal *j, const uint64_t *done, uint64_t target, struct err *e)
{
	uint64_t errors = j->stats.write_errors;

	(void)pthread_cond_signal(&j->work); /* cannot fail */
	while (*done < target && j->stats.write_errors == errors)
		(void)pthread_cond_wait(&j->moved, &j->lock); /* cannot fail */
	if (*done >= target)
		return 0;
	*e = j->failure;
	return -e->code;
}

int journal_flush(struct journal *journal, struct err *e)
{
	uint64_t target;
	int r;

	(void)pthread_mutex_lock(&journal->lock); /* as in journal_append */
	target = journal->stats.rows;
	if (journal->written_target < target)
		journal->written_target = target;
	r = wait_for(journal, &journal->synced_rows, target, e);
	(void)pthread_mutex_unlock(&journal->lock);
	return r;
}

int journal_seal(struct journal *journal, struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&journal->lock); /* as in journal_append */
	journal->written_target = journal->stats.rows;
	journal->seal_asked++;
	r = wait_for(journal, &journal->seal_done, journal->seal_asked, e);
	(void)pthread_mutex_unlock(&journal->lock);
	return r;
}

int journal_retain(struct journal *journal, struct err *e)
{
	int r;

	(void)pthread_mutex_lock(&journal->lock); /* as in journal_append */
	journal->retain_asked++;
	r = wait_for(journal, &journal->retain_done, journal->retain_asked, e);
	(void)pthread_mutex_unlock(&journal->lock);
	return r;
}

void journal_stats(struct journal *journal, struct journal_stats *ret_stats)
{
	(void)pthread_mutex_lock(&journal->lock); /* as in journal_append */
	*ret_stats = journal->stats;
	(void)pthread_mutex_unlock(&journal->lock);
}

static void free_journal(struct journal *j)
{
	for (unsigned i = 0; i < JOURNAL_BUILDS; i++)
		build_fini(&j->builds[i]);
	segment_writer_fini(&j->segment);
	column_encoder_fini(&j->encoder);
	build_output_fini(&j->output);
	(void)pthread_mutex_destroy(&j->lock); /* nobody holds it any more */
	(void)pthread_cond_destroy(&j->work);
	(void)pthread_cond_destroy(&j->moved);
	fd_close(&j->dir_fd);
	fd_close(&j->lock_fd);
	free(j);
}

static void fill_defaults(struct journal_options *o)
{
	o->segment_bytes = o->segment_bytes ? o->segment_bytes : 64ull << 20;
	if (o->segment_bytes > LIMIT_SEGMENT_BYTES / 2)
		o->segment_bytes = LIMIT_SEGMENT_BYTES / 2;
	o->segment_ns = o->segment_ns ? o->segment_ns : 3600 * NSEC_PER_SEC;
	o->flush_ms = o->flush_ms ? o->flush_ms : 1000;
	o->sync_ms = o->sync_ms ? o->sync_ms : 5000;
	o->block_rows = o->block_rows ? o->block_rows : 32768;
	if (o->block_rows > LIMIT_BLOCK_ROWS)
		o->block_rows = LIMIT_BLOCK_ROWS;
	o->level = o->level ? o->level : 1;
}

static int init_memory(struct journal *j, struct err *e)
{
	pthread_condattr_t monotonic;
	int r;

	if (pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&j->work, &monotonic) != 0 ||
	    pthread_cond_init(&j->moved, &monotonic) != 0 ||
	    pthread_mutex_init(&j->lock, NULL) != 0)
		return err_set(e, ENOMEM, "no memory for the journal's locks");
	for (unsigned i = 0; i < JOURNAL_BUILDS; i++)
		build_init(&j->builds[i], j->o.block_rows);
	j->current = &j->builds[0];
	build_output_init(&j->output);
	r = column_encoder_init(&j->encoder, j->o.level, e);
	return r < 0 ? r : segment_writer_init(&j->segment, -1, j->o.key, e);
}

static int start_thread(struct journal *j, struct err *e)
{
	sigset_t all, before;
	int r;

	/* Signals are for the threads of the program, not for this one. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&j->thread, NULL, journal_thread, j);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return err_sys(e, r, "cannot start the journal's thread");
	j->has_thread = true;
	return 0;
}

int journal_open(const struct journal_options *options, struct journal **ret_journal,
		 struct journal_recovery *ret_recovery, struct err *e)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct journal_recovery recovery = {0};
	int r;

	if (!j)
		return err_set(e, ENOMEM, "no memory for the journal");
	j->o = *options;
	j->dir_fd = j->lock_fd = j->segment.fd = -1;
	fill_defaults(&j->o);
	r = init_memory(j, e);
	if (r == 0)
		r = journal_recover(j, &recovery, e);
	if (r == 0)
		r = start_thread(j, e);
	if (r < 0) {
		free_journal(j);
		return r;
	}
	if (ret_recovery)
		*ret_recovery = recovery;
	*ret_journal = j;
	return 0;
}

int journal_close(struct journal *journal, struct err *e)
{
	uint64_t lost;
	int r = 0;

	if (!journal)
		return 0;
	(void)pthread_mutex_lock(&journal->lock); /* as in journal_append */
	journal->stop = true;
	journal->written_target = journal->stats.rows;
	(void)pthread_cond_signal(&journal->work);
	(void)pthread_mutex_unlock(&journal->lock);
	if (journal->has_thread)
		(void)pthread_join(journal->thread, NULL); /* it is ours and joinable */
	lost = journal->stats.rows - journal->stats.rows_written;
	if (lost || journal->stats.failing) {
		*e = journal->failure;
		r = err_hint(e, "%llu events could not be written", (unsigned long long)lost);
	}
	free_journal(journal);
	return r;
}

void journal_set_limits(struct journal *j, uint64_t max_bytes, uint64_t max_age_ns)
{
	(void)pthread_mutex_lock(&j->lock); /* as everywhere: cannot fail */
	j->o.max_bytes = max_bytes;
	j->o.max_age_ns = max_age_ns;
	(void)pthread_mutex_unlock(&j->lock);
}
