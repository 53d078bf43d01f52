/* vault.c - the writer's calls: put, flush, close. */
#include "store/vault.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "store/vault_internal.h"

#define SCRATCH_KEPT 8 /* buffers for the next puts; more threads at once allocate and free */

static void scratch_free(struct vault_scratch *s)
{
	if (!s)
		return;
	sha256_fini(&s->hash);
	ZSTD_freeCCtx(s->zstd);
	free(s->in);
	free(s->out);
	free(s);
}

static struct vault_scratch *scratch_new(const struct vault *v, struct err *e)
{
	struct vault_scratch *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, ENOMEM, "no memory to keep a content");
		return NULL;
	}
	s->out_cap = ZSTD_compressBound(VAULT_SMALL_BYTES);
	s->in = malloc(VAULT_SMALL_BYTES);
	s->out = malloc(s->out_cap);
	s->zstd = ZSTD_createCCtx();
	if (!s->in || !s->out || !s->zstd || sha256_init(&s->hash, e) < 0) {
		scratch_free(s);
		err_set(e, ENOMEM, "no memory to keep a content");
		return NULL;
	}
	ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, v->options.zstd_level);
	ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 0);
	return s;
}

static struct vault_scratch *scratch_take(struct vault *v, struct err *e)
{
	struct vault_scratch *s;

	pthread_mutex_lock(&v->lock);
	s = v->scratch;
	if (s)
		v->scratch = s->next;
	v->stats.puts++;
	pthread_mutex_unlock(&v->lock);
	return s ? s : scratch_new(v, e);
}

static void scratch_give(struct vault *v, struct vault_scratch *s)
{
	unsigned kept = 0;

	pthread_mutex_lock(&v->lock);
	for (struct vault_scratch *each = v->scratch; each; each = each->next)
		kept++;
	if (kept < SCRATCH_KEPT) {
		s->next = v->scratch;
		v->scratch = s;
		s = NULL;
	}
	pthread_mutex_unlock(&v->lock);
	scratch_free(s);
}

bool vault_has(struct vault *v, const uint8_t sha256[SHA256_BYTES])
{
	uint64_t pack;

	pthread_mutex_lock(&v->lock);
	pack = vault_table_find(&v->table, sha256);
	pthread_mutex_unlock(&v->lock);
	return pack != 0;
}

/* Compresses where it pays; *ret_stored is what goes into the pack. */
static enum pack_encoding encode(struct vault *v, struct vault_scratch *s, struct span content,
				 struct span *ret_stored)
{
	size_t n;

	*ret_stored = content;
	if (v->options.no_compress || content.n < v->options.compress_bytes ||
	    !pack_compressible(content))
		return PACK_RAW;
	n = ZSTD_compress2(s->zstd, s->out, s->out_cap, content.p, content.n);
	if (ZSTD_isError(n) || n > content.n - content.n / 16)
		return PACK_RAW;
	*ret_stored = span_make(s->out, n);
	return PACK_ZSTD;
}

static int append_small(struct vault *v, struct pack_entry *entry, struct span stored,
			bool *ret_is_new, struct err *e)
{
	struct vault_lane *lane = &v->lanes[VAULT_LANE_SMALL];
	int r;

	pthread_mutex_lock(&lane->lock);
	/* Another thread may have brought the same content meanwhile; only holders of this lock
	 * add small ones. */
	bool is_new = !vault_has(v, entry->sha256);

	r = is_new ? vault_lane_ready(v, lane, e) : 0;
	if (r == 0 && is_new)
		r = vault_lane_append(v, lane, entry, stored, e);
	pthread_mutex_unlock(&lane->lock);
	if (r == 0)
		*ret_is_new = is_new;
	return r;
}

static int put_small(struct vault *v, struct vault_scratch *s, struct span content,
		     struct vault_result *result, struct err *e)
{
	struct pack_entry entry = {.flags = result->truncated ? PACK_ENTRY_TRUNCATED : 0,
				   .raw_size = content.n};
	struct span stored;
	int r;

	result->size = content.n;
	sha256_add(&s->hash, content.p, content.n);
	sha256_end(&s->hash, result->sha256);
	if (vault_has(v, result->sha256))
		return 0;
	memcpy(entry.sha256, result->sha256, SHA256_BYTES);
	entry.encoding = encode(v, s, content, &stored);
	entry.stored_size = stored.n;
	entry.kept_ns = clock_real_ns();
	pthread_mutex_lock(&v->lock);
	r = vault_make_room(v, sizeof(entry) + stored.n, NULL, e);
	pthread_mutex_unlock(&v->lock);
	return r < 0 ? r : append_small(v, &entry, stored, &result->is_new, e);
}

static void count(struct vault *v, int r, const struct vault_result *result)
{
	pthread_mutex_lock(&v->lock);
	if (r < 0)
		v->stats.refused++;
	else if (!result->is_new)
		v->stats.duplicates++;
	else
		v->stats.raw_bytes += result->size;
	pthread_mutex_unlock(&v->lock);
}

static int put_fd(struct vault *v, struct vault_scratch *s, int fd, uint64_t max_bytes,
		  struct vault_result *result, struct err *e)
{
	size_t want = max_bytes < VAULT_SMALL_BYTES ? (size_t)max_bytes : VAULT_SMALL_BYTES;
	ssize_t got = fd_pread_full(fd, s->in, want, 0);
	uint8_t more;

	if (got < 0)
		return err_sys(e, (int)-got, "cannot read the content");
	if (got == VAULT_SMALL_BYTES)
		return vault_stream(v, s, fd, max_bytes, result, e);
	if ((uint64_t)got == max_bytes)
		result->truncated = fd_pread_full(fd, &more, 1, (off_t)max_bytes) == 1;
	return put_small(v, s, span_make(s->in, (size_t)got), result, e);
}

int vault_put_fd(struct vault *v, int fd, uint64_t max_bytes, struct vault_result *ret,
		 struct err *e)
{
	struct vault_result result = {0};
	struct vault_scratch *s = scratch_take(v, e);
	int r;

	if (!s)
		return -ENOMEM;
	if (max_bytes == 0 || max_bytes > LIMIT_OBJECT_BYTES)
		max_bytes = LIMIT_OBJECT_BYTES;
	r = put_fd(v, s, fd, max_bytes, &result, e);
	scratch_give(v, s);
	count(v, r, &result);
	if (r == 0)
		*ret = result;
	return r;
}

/* A content in memory that is too large for one group goes the way of a file, piece by piece
 * through an anonymous one; nobody keeps such contents often. */
static int put_large_span(struct vault *v, struct vault_scratch *s, struct span content,
			  struct vault_result *result, struct err *e)
{
	AUTO(fd) int fd = memfd_create("amber-vault", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot hold a large content");
	r = fd_write_full(fd, content.p, content.n);
	if (r < 0)
		return err_sys(e, -r, "cannot hold a large content");
	return put_fd(v, s, fd, LIMIT_OBJECT_BYTES, result, e);
}

int vault_put(struct vault *v, struct span content, struct vault_result *ret, struct err *e)
{
	struct vault_result result = {0};
	struct vault_scratch *s = scratch_take(v, e);
	int r;

	if (!s)
		return -ENOMEM;
	if (content.n < VAULT_SMALL_BYTES)
		r = put_small(v, s, content, &result, e);
	else
		r = put_large_span(v, s, content, &result, e);
	scratch_give(v, s);
	count(v, r, &result);
	if (r == 0)
		*ret = result;
	return r;
}

static bool is_old(const struct vault *v, const struct vault_lane *lane)
{
	uint64_t now = clock_real_ns();

	return lane->fd >= 0 && lane->n && now > lane->head.created_ns &&
	       now - lane->head.created_ns >= v->options.pack_age_ns;
}

int vault_flush(struct vault *v, bool durable, struct err *e)
{
	for (size_t i = 0; i < VAULT_LANES; i++) {
		struct vault_lane *lane = &v->lanes[i];
		int r;

		/* A stream that goes on has nothing to flush, and its end must not be awaited. */
		if (i == VAULT_LANE_LARGE && !durable) {
			if (pthread_mutex_trylock(&lane->lock) != 0)
				continue;
		} else {
			pthread_mutex_lock(&lane->lock);
		}
		r = vault_lane_flush(v, lane, durable, e);
		if (r == 0 && is_old(v, lane))
			r = vault_lane_seal(v, lane, e);
		pthread_mutex_unlock(&lane->lock);
		if (r < 0)
			return r;
	}
	return 0;
}

void vault_stats(struct vault *v, struct vault_stats *ret_stats)
{
	pthread_mutex_lock(&v->lock);
	*ret_stats = v->stats;
	ret_stats->objects = v->table.n;
	ret_stats->packs = v->n;
	pthread_mutex_unlock(&v->lock);
}

void vault_free(struct vault *v)
{
	while (v->scratch) {
		struct vault_scratch *s = v->scratch;

		v->scratch = s->next;
		scratch_free(s);
	}
	for (size_t i = 0; i < VAULT_LANES; i++)
		vault_lane_fini(&v->lanes[i]);
	pthread_mutex_destroy(&v->lock);
	vault_table_fini(&v->table);
	free(v->packs);
	fd_close(&v->dir_fd);
	fd_close(&v->lock_fd); /* lets go of the lock */
	free(v);
}

int vault_close(struct vault *v, struct err *e)
{
	int result = 0;

	if (!v)
		return 0;
	for (size_t i = 0; i < VAULT_LANES; i++) {
		pthread_mutex_lock(&v->lanes[i].lock);
		int r = vault_lane_seal(v, &v->lanes[i], e);

		pthread_mutex_unlock(&v->lanes[i].lock);
		if (r < 0)
			result = r;
	}
	vault_free(v);
	return result;
}
