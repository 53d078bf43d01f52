/* vault_retain.c - the oldest packs go when there is no room or they are too old. */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/vault_internal.h"
#include "store/vault_pack.h"

static int write_tomb(struct vault *v, const struct vault_pack_info *info,
		      enum pack_tomb_reason reason, struct err *e)
{
	struct pack_tomb tomb = {.lane = info->foot.lane,
				 .number = info->number,
				 .reason = reason,
				 .deleted_ns = clock_real_ns(),
				 .count = info->foot.count,
				 .file_bytes = info->bytes,
				 .first_ns = info->foot.first_ns,
				 .last_ns = info->foot.last_ns,
				 .prev_number = info->prev_number};
	AUTO(fd) int fd = -1;
	char name[32];
	int r;

	memcpy(tomb.prev_end, info->prev_end, SHA256_BYTES);
	memcpy(tomb.index_digest, info->foot.index_digest, SHA256_BYTES);
	sha256_of(span_make(&info->foot, sizeof(info->foot)), tomb.end);
	r = pack_tomb_finish(&tomb, v->key, e);
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%08" PRIu64 ".tomb", info->number);
	(void)unlinkat(v->dir_fd, name, 0); /* of an interrupted removal; seldom there */
	fd = openat(v->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
	if (fd < 0)
		return err_sys(e, errno, "cannot create '%s'", name);
	r = fd_write_full(fd, &tomb, sizeof(tomb));
	if (r == 0 && (fdatasync(fd) < 0 || fsync(v->dir_fd) < 0))
		r = -errno;
	return r < 0 ? err_sys(e, -r, "cannot write '%s'", name) : 0;
}

static void forget_objects(struct vault *v, uint64_t number)
{
	AUTO(pack_file) struct pack_file pack;
	AUTO(free) struct pack_row *rows = NULL;
	struct err ignored = ERR_INIT;
	size_t n = 0;

	pack_file_init(&pack);
	if (pack_file_open(v->dir_fd, number, O_RDONLY, &pack, &ignored) == 0 &&
	    pack_rows(&pack, &rows, &n, &ignored) == 0) {
		for (size_t i = 0; i < n; i++)
			vault_table_remove(&v->table, rows[i].sha256, number);
		return;
	}
	/* The index cannot be read: look at every slot instead.  A removal moves others into its
	 * place, so the same slot is looked at again. */
	for (size_t i = 0; i < v->table.cap;) {
		struct vault_slot *slot = &v->table.slots[i];
		uint8_t sha256[SHA256_BYTES];

		if (slot->pack != number) {
			i++;
			continue;
		}
		memcpy(sha256, slot->sha256, SHA256_BYTES);
		vault_table_remove(&v->table, sha256, number);
	}
}

static int remove_pack(struct vault *v, size_t at, enum pack_tomb_reason reason, struct err *e)
{
	struct vault_pack_info info = v->packs[at];
	char name[32];
	int r = write_tomb(v, &info, reason, e);

	if (r < 0)
		return r;
	forget_objects(v, info.number);
	snprintf(name, sizeof(name), "%08" PRIu64 ".pack", info.number);
	if (unlinkat(v->dir_fd, name, 0) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove pack '%s'", name);
	v->n--;
	memmove(&v->packs[at], &v->packs[at + 1], (v->n - at) * sizeof(*v->packs));
	v->stats.bytes -= info.bytes;
	v->stats.packs_removed++;
	return 0;
}

static bool is_held(struct vault *v, const struct vault_pack_info *info)
{
	return v->options.hold && v->options.hold(v->options.ctx, info->number, info->foot.first_ns,
						  info->foot.last_ns);
}

static bool over_budget(const struct vault *v, uint64_t room)
{
	return v->options.max_bytes && v->stats.bytes + room > v->options.max_bytes;
}

static bool too_old(const struct vault *v, const struct vault_pack_info *info, uint64_t now)
{
	return v->options.max_age_ns && now > info->foot.last_ns &&
	       now - info->foot.last_ns > v->options.max_age_ns;
}

int vault_make_room(struct vault *v, uint64_t room, unsigned *ret_removed, struct err *e)
{
	uint64_t now = 0;
	unsigned removed = 0;

	if (room == 0)
		now = clock_real_ns(); /* age is looked at when a pack was sealed or on demand */
	for (size_t i = 0; i < v->n && (now || over_budget(v, room));) {
		const struct vault_pack_info *info = &v->packs[i];
		bool old = now && too_old(v, info, now);

		if (!info->sealed || !(old || over_budget(v, room)) || is_held(v, info)) {
			i++;
			continue;
		}
		int r = remove_pack(v, i, old ? PACK_TOMB_AGE : PACK_TOMB_SIZE, e);

		if (r < 0)
			return r;
		removed++;
	}
	if (ret_removed)
		*ret_removed = removed;
	if (room && over_budget(v, room))
		return err_set(e, EDQUOT,
			       "the vault's budget of %" PRIu64
			       " bytes is used up and nothing may be removed",
			       v->options.max_bytes);
	return 0;
}

int vault_retain(struct vault *v, unsigned *ret_removed, struct err *e)
{
	int r;

	pthread_mutex_lock(&v->lock);
	r = vault_make_room(v, 0, ret_removed, e);
	pthread_mutex_unlock(&v->lock);
	return r;
}
