/* vault_lane.c - one growing pack: grouped appends, and the seal. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/vault_internal.h"

#define CACHE_BYTES (8u << 20) /* how much of a growing pack may stay in the page cache */

void vault_lane_init(struct vault_lane *lane, uint32_t number)
{
	memset(lane, 0, sizeof(*lane));
	pthread_mutex_init(&lane->lock, NULL);
	lane->number = number;
	lane->fd = -1;
	buf_init(&lane->pending, 2 * (size_t)(VAULT_SMALL_BYTES + VAULT_GROUP_BYTES));
}

void vault_lane_fini(struct vault_lane *lane)
{
	fd_close(&lane->fd);
	buf_fini(&lane->pending);
	free(lane->rows);
	pthread_mutex_destroy(&lane->lock);
}

uint64_t vault_lane_bytes(const struct vault_lane *lane)
{
	return lane->fd < 0 ? 0 : lane->written + lane->pending.n;
}

static int create_pack(struct vault *v, const struct pack_head *head, int *ret_fd, struct err *e)
{
	AUTO(fd) int fd = -1;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "%08" PRIu64 ".pack", head->number);
	fd = openat(v->dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot create pack '%s'", name);
	r = fd_pwrite_full(fd, head, sizeof(*head), 0);
	if (r == 0 && (fdatasync(fd) < 0 || fsync(v->dir_fd) < 0))
		r = -errno;
	if (r < 0) {
		(void)unlinkat(v->dir_fd, name, 0); /* holds nothing; its number is free again */
		return err_sys(e, -r, "cannot write pack '%s'", name);
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static int start_pack(struct vault *v, struct vault_lane *lane, struct err *e)
{
	struct pack_head head = {.lane = lane->number,
				 .created_ns = clock_real_ns(),
				 .prev_number = lane->prev_number};
	int r;

	memcpy(head.prev_end, lane->prev_end, SHA256_BYTES);
	key_id(v->key, head.key_id);
	pthread_mutex_lock(&v->lock);
	head.number = v->next_number;
	pack_head_finish(&head);
	r = create_pack(v, &head, &lane->fd, e);
	struct vault_pack_info *info = r == 0 ? vault_pack_note(v, head.number) : NULL;

	if (info) {
		info->prev_number = head.prev_number;
		info->bytes = sizeof(head);
		memcpy(info->prev_end, head.prev_end, SHA256_BYTES);
		v->stats.bytes += sizeof(head);
		v->next_number++;
	}
	pthread_mutex_unlock(&v->lock);
	if (r == 0 && !info) {
		fd_close(&lane->fd);
		return err_set(e, ENOMEM, "no memory for another pack");
	}
	if (r < 0)
		return r;
	lane->head = head;
	memcpy(lane->chain, head.digest, SHA256_BYTES);
	lane->written = sizeof(head);
	lane->advised = lane->n = 0;
	lane->raw_bytes = lane->last_ns = 0;
	lane->first_ns = UINT64_MAX;
	return 0;
}

int vault_lane_ready(struct vault *v, struct vault_lane *lane, struct err *e)
{
	if (vault_lane_bytes(lane) >= v->options.pack_bytes) {
		int r = vault_lane_seal(v, lane, e);

		if (r < 0)
			return r;
	}
	return lane->fd < 0 ? start_pack(v, lane, e) : 0;
}

/* Packs are written once and seldom read: they must not push the subject's files out of memory.
 * Writing back starts early, and what is clean by the next round is dropped. */
static void advise(struct vault_lane *lane)
{
	if (lane->written - lane->advised < CACHE_BYTES)
		return;
	(void)sync_file_range(lane->fd, (off_t)lane->advised,
			      (off_t)(lane->written - lane->advised), SYNC_FILE_RANGE_WRITE);
	(void)posix_fadvise(lane->fd, 0, (off_t)lane->advised, POSIX_FADV_DONTNEED);
	lane->advised = lane->written;
}

int vault_lane_flush(struct vault *v, struct vault_lane *lane, bool durable, struct err *e)
{
	int r = 0;

	if (lane->fd < 0)
		return 0;
	if (lane->pending.n) {
		r = fd_pwrite_full(lane->fd, lane->pending.p, lane->pending.n,
				   (off_t)lane->written);
		if (r == 0) {
			lane->written += lane->pending.n;
			buf_clear(&lane->pending);
			advise(lane);
		}
	}
	if (r == 0 && durable && fdatasync(lane->fd) < 0)
		r = -errno;
	if (r < 0)
		return err_sys(e, -r, "cannot write to the vault");
	return 0;
}

static int rows_reserve(struct vault_lane *lane, struct err *e)
{
	size_t cap = lane->cap ? lane->cap * 2 : 1024;
	struct pack_row *rows;

	if (lane->n < lane->cap)
		return 0;
	rows = reallocarray(lane->rows, cap, sizeof(*rows));
	if (!rows)
		return err_set(e, ENOMEM, "no memory for the index of a pack");
	lane->rows = rows;
	lane->cap = cap;
	return 0;
}

/* The row and the table's slot of an entry that begins at `offset`. */
static int note_at(struct vault *v, struct vault_lane *lane, const struct pack_entry *entry,
		   uint64_t offset, struct err *e)
{
	struct pack_row row = {.offset = offset,
			       .raw_size = entry->raw_size,
			       .stored_size = entry->stored_size,
			       .kept_ns = entry->kept_ns};
	int r = rows_reserve(lane, e);

	if (r < 0)
		return r;
	memcpy(row.sha256, entry->sha256, SHA256_BYTES);
	pthread_mutex_lock(&v->lock);
	r = vault_table_add(&v->table, entry->sha256, lane->head.number, NULL, e);
	if (r == 0)
		v->stats.bytes += sizeof(*entry) + entry->stored_size;
	pthread_mutex_unlock(&v->lock);
	if (r < 0)
		return r;
	lane->rows[lane->n++] = row;
	lane->raw_bytes += entry->raw_size;
	memcpy(lane->chain, entry->chain, SHA256_BYTES);
	if (entry->kept_ns < lane->first_ns)
		lane->first_ns = entry->kept_ns;
	if (entry->kept_ns > lane->last_ns)
		lane->last_ns = entry->kept_ns;
	return 0;
}

int vault_lane_note(struct vault *v, struct vault_lane *lane, const struct pack_entry *entry,
		    struct err *e)
{
	return note_at(v, lane, entry, lane->written, e);
}

int vault_lane_append(struct vault *v, struct vault_lane *lane, struct pack_entry *entry,
		      struct span stored, struct err *e)
{
	size_t before;
	int r = 0;

	if (lane->pending.n + sizeof(*entry) + stored.n > VAULT_GROUP_BYTES)
		r = vault_lane_flush(v, lane, false, e);
	if (r < 0)
		return r;
	before = lane->pending.n;
	pack_entry_finish(entry, lane->chain);
	buf_add(&lane->pending, entry, sizeof(*entry));
	buf_add_span(&lane->pending, stored);
	r = buf_check(&lane->pending, "a group of vault objects", e);
	if (r == 0)
		r = note_at(v, lane, entry, lane->written + before, e);
	if (r < 0) {
		lane->pending.n = before;
		lane->pending.failed = 0;
	}
	return r;
}

static int row_order(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_BYTES);
}

static int write_seal(struct vault *v, struct vault_lane *lane, struct pack_foot *foot,
		      struct err *e)
{
	size_t bytes = lane->n * sizeof(struct pack_row);
	AUTO(free) struct pack_row *rows = malloc(bytes ? bytes : 1);
	int r;

	if (!rows)
		return err_set(e, ENOMEM, "no memory to seal a pack");
	if (bytes)
		memcpy(rows, lane->rows, bytes);
	qsort(rows, lane->n, sizeof(*rows), row_order);
	sha256_of(span_make(rows, bytes), foot->index_digest);
	r = pack_foot_finish(foot, v->key, e);
	if (r < 0)
		return r;
	r = fd_pwrite_full(lane->fd, rows, bytes, (off_t)lane->written);
	if (r == 0)
		r = fd_pwrite_full(lane->fd, foot, sizeof(*foot), (off_t)(lane->written + bytes));
	/* In this order: a pack that may not be written has its footer on the disk. */
	if (r == 0 && (fdatasync(lane->fd) < 0 || fchmod(lane->fd, 0444) < 0))
		r = -errno;
	if (r < 0) {
		(void)ftruncate(lane->fd, (off_t)lane->written); /* a torn seal is cut on opening */
		return err_sys(e, -r, "cannot seal pack %08" PRIu64, foot->number);
	}
	return 0;
}

static void note_sealed(struct vault *v, struct vault_lane *lane, const struct pack_foot *foot)
{
	struct err ignored = ERR_INIT;
	struct vault_pack_info *info;

	pthread_mutex_lock(&v->lock);
	info = vault_pack_note(v, foot->number);
	if (info) {
		info->sealed = true;
		info->foot = *foot;
		info->bytes = lane->written + lane->n * sizeof(struct pack_row) + sizeof(*foot);
		v->stats.bytes += info->bytes - lane->written;
	}
	/* What could not be removed now is tried again at the next seal. */
	(void)vault_make_room(v, 0, NULL, &ignored);
	pthread_mutex_unlock(&v->lock);
}

int vault_lane_seal(struct vault *v, struct vault_lane *lane, struct err *e)
{
	struct pack_foot foot = {.lane = lane->number, .number = lane->head.number};
	int r;

	if (lane->fd < 0)
		return 0;
	r = vault_lane_flush(v, lane, false, e);
	if (r < 0)
		return r;
	foot.index_offset = lane->written;
	foot.count = lane->n;
	foot.raw_bytes = lane->raw_bytes;
	foot.sealed_ns = clock_real_ns();
	foot.first_ns = lane->n ? lane->first_ns : 0;
	foot.last_ns = lane->last_ns;
	memcpy(foot.head_digest, lane->head.digest, SHA256_BYTES);
	memcpy(foot.chain, lane->chain, SHA256_BYTES);
	r = write_seal(v, lane, &foot, e);
	if (r < 0)
		return r;
	(void)posix_fadvise(lane->fd, 0, 0, POSIX_FADV_DONTNEED);
	fd_close(&lane->fd);
	lane->prev_number = foot.number;
	sha256_of(span_make(&foot, sizeof(foot)), lane->prev_end);
	note_sealed(v, lane, &foot);
	lane->n = 0;
	return 0;
}
