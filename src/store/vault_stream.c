/* vault_stream.c - a content too large to be held in memory goes straight into a pack.
 *
 * The entry's header is written last: a header of zeros is where a reader, and the next opening
 * after a crash, stop.  The lane's lock is held all the while; small contents have another lane. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/vault_internal.h"

struct stream {
	struct vault *v;
	struct vault_lane *lane;
	struct vault_scratch *s;
	uint64_t at; /* where in the pack the next byte goes */
	bool zstd;
};

static int stream_out(struct stream *st, const void *p, size_t n, struct err *e)
{
	int r = fd_pwrite_full(st->lane->fd, p, n, (off_t)st->at);

	if (r < 0)
		return err_sys(e, -r, "cannot write to the vault");
	st->at += n;
	return 0;
}

/* Hashes and stores the first `n` bytes of scratch->in. */
static int stream_add(struct stream *st, size_t n, bool last, struct err *e)
{
	ZSTD_inBuffer in = {st->s->in, n, 0};
	ZSTD_EndDirective mode = last ? ZSTD_e_end : ZSTD_e_continue;
	size_t left;

	sha256_add(&st->s->hash, st->s->in, n);
	if (!st->zstd)
		return stream_out(st, st->s->in, n, e);
	do {
		ZSTD_outBuffer out = {st->s->out, st->s->out_cap, 0};

		left = ZSTD_compressStream2(st->s->zstd, &out, &in, mode);
		if (ZSTD_isError(left))
			return err_set(e, EIO, "cannot compress: %s", ZSTD_getErrorName(left));
		int r = stream_out(st, st->s->out, out.pos, e);

		if (r < 0)
			return r;
	} while (last ? left != 0 : in.pos < in.size);
	return 0;
}

/* Before each write, so that an endless file cannot outgrow the budget by more than a piece. */
static int stream_budget(struct stream *st, struct err *e)
{
	uint64_t room = st->at - st->lane->written + VAULT_SMALL_BYTES;
	int r;

	pthread_mutex_lock(&st->v->lock);
	r = vault_make_room(st->v, room, NULL, e);
	pthread_mutex_unlock(&st->v->lock);
	return r;
}

static int stream_all(struct stream *st, int fd, uint64_t max_bytes, struct vault_result *ret,
		      struct err *e)
{
	size_t n = VAULT_SMALL_BYTES; /* what is in scratch->in */

	for (;;) {
		uint64_t left = max_bytes - ret->size - n;
		bool last = n < VAULT_SMALL_BYTES || left == 0;
		int r = stream_budget(st, e);

		if (r == 0)
			r = stream_add(st, n, last, e);
		if (r < 0)
			return r;
		ret->size += n;
		if (last)
			return 0;
		n = left < VAULT_SMALL_BYTES ? (size_t)left : VAULT_SMALL_BYTES;
		ssize_t got = fd_pread_full(fd, st->s->in, n, (off_t)ret->size);

		if (got < 0)
			return err_sys(e, (int)-got, "cannot read the content");
		n = (size_t)got;
	}
}

/* The content is in the pack behind room for its header. */
static int stream_end(struct stream *st, struct vault_result *ret, struct err *e)
{
	struct vault_lane *lane = st->lane;
	struct pack_entry entry = {.encoding = st->zstd ? PACK_ZSTD : PACK_RAW,
				   .flags = ret->truncated ? PACK_ENTRY_TRUNCATED : 0,
				   .raw_size = ret->size,
				   .stored_size = st->at - lane->written - sizeof(entry),
				   .kept_ns = clock_real_ns()};
	int r;

	sha256_end(&st->s->hash, ret->sha256);
	ret->is_new = !vault_has(st->v, ret->sha256);
	if (!ret->is_new)
		return 0;
	memcpy(entry.sha256, ret->sha256, SHA256_BYTES);
	pack_entry_finish(&entry, lane->chain);
	r = fd_pwrite_full(lane->fd, &entry, sizeof(entry), (off_t)lane->written);
	if (r < 0)
		return err_sys(e, -r, "cannot write to the vault");
	r = vault_lane_note(st->v, lane, &entry, e);
	if (r == 0)
		lane->written = st->at;
	return r;
}

static int stream_locked(struct stream *st, int fd, uint64_t max_bytes, struct vault_result *ret,
			 struct err *e)
{
	struct vault_result result = {0};
	uint8_t more, zeros[sizeof(struct pack_entry)] = {0};
	int r = vault_lane_ready(st->v, st->lane, e);

	if (r < 0)
		return r;
	st->at = st->lane->written;
	r = stream_out(st, zeros, sizeof(zeros), e);
	if (r == 0)
		r = stream_all(st, fd, max_bytes, &result, e);
	if (r == 0 && result.size == max_bytes)
		result.truncated = fd_pread_full(fd, &more, 1, (off_t)max_bytes) == 1;
	if (r == 0)
		r = stream_end(st, &result, e);
	if (r < 0 || !result.is_new)
		(void)ftruncate(st->lane->fd, (off_t)st->lane->written); /* cut on opening else */
	if (r == 0)
		*ret = result;
	return r;
}

int vault_stream(struct vault *v, struct vault_scratch *s, int fd, uint64_t max_bytes,
		 struct vault_result *ret, struct err *e)
{
	struct stream st = {.v = v, .lane = &v->lanes[VAULT_LANE_LARGE], .s = s};
	uint8_t unused[SHA256_BYTES];
	int r;

	st.zstd = !v->options.no_compress && pack_compressible(span_make(s->in, VAULT_SMALL_BYTES));
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_NOREUSE); /* a hint; older kernels ignore it */
	pthread_mutex_lock(&st.lane->lock);
	r = stream_locked(&st, fd, max_bytes, ret, e);
	pthread_mutex_unlock(&st.lane->lock);
	if (r < 0) {
		sha256_end(&s->hash, unused); /* starts again from nothing */
		ZSTD_CCtx_reset(s->zstd, ZSTD_reset_session_only);
	}
	return r;
}
