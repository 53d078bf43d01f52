/* journal_recover.c - opening the folder, and finishing what a crash left. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "store/journal_impl.h"

/* Takes the lock or names who has it.  The number in the file is for people; the lock counts. */
static int take_lock(struct journal *j, struct err *e)
{
	char text[32] = "";
	int n;

	j->lock_fd = openat(j->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (j->lock_fd < 0)
		return err_sys(e, errno, "cannot create the lock in '%s/journal'", j->state_dir);
	if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_sys(e, errno, "cannot lock '%s/journal'", j->state_dir);
		(void)fd_pread_full(j->lock_fd, text, sizeof(text) - 1, 0); /* or no number */
		text[strcspn(text, "\n")] = '\0';
		return err_set(e, EBUSY,
			       "journal '%s/journal' is written by process %s; stop it first, or "
			       "use another state directory",
			       j->state_dir, text[0] ? text : "(unknown)");
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(j->lock_fd, 0) != 0)
		return err_sys(e, errno, "cannot write the lock in '%s/journal'", j->state_dir);
	n = fd_pwrite_full(j->lock_fd, text, (size_t)n, 0);
	/* A full disk is no reason to keep a responder out: the lock itself needs no bytes. */
	return n < 0 && n != -ENOSPC
		       ? err_sys(e, -n, "cannot write the lock in '%s/journal'", j->state_dir)
		       : 0;
}

static int open_folder(struct journal *j, struct err *e)
{
	char path[LIMIT_PATH];
	int r = path_print(j->state_dir, e, "%s", j->o.state_dir);

	if (r == 0)
		r = path_print(path, e, "%s/journal", j->state_dir);
	if (r == 0)
		r = fd_make_dirs(path, 0750, e);
	if (r < 0)
		return r;
	j->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir_fd < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	j->segment.dir_fd = j->dir_fd;
	return take_lock(j, e);
}

/* Headers that were never renamed into place: nothing was ever written behind them. */
static int remove_unborn(struct journal *j, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	char name[JOURNAL_NAME];
	size_t n = 0;
	int r = journal_list(j->dir_fd, ".seg.new", &numbers, &n, e);

	for (size_t i = 0; i < n; i++) {
		journal_name(name, numbers[i], ".seg.new");
		(void)unlinkat(j->dir_fd, name, 0); /* it would be overwritten anyway */
	}
	return r;
}

static int newest(struct journal *j, const char *suffix, uint64_t *ret_number, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	size_t n = 0;
	int r = journal_list(j->dir_fd, suffix, &numbers, &n, e);

	if (r == 0)
		*ret_number = n ? numbers[n - 1] : 0;
	return r;
}

/* Takes the chain up from the newest segment, sealing it when it is not. */
static int take_up_segment(struct journal *j, uint64_t number, struct journal_recovery *recovery,
			   struct err *e)
{
	struct segment_footer footer;
	char name[JOURNAL_NAME];
	AUTO(buf) struct buf bytes;
	AUTO(fd) int fd = -1;
	struct stat st;
	int r;

	buf_init(&bytes, LIMIT_SEGMENT_BYTES);
	journal_name(name, number, ".seg");
	fd = openat(j->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot open journal segment '%s'", name);
	r = segment_footer_read(fd, (uint64_t)st.st_size, &bytes, &footer, e);
	if (r == 0) {
		memcpy(j->segment.final_hash, footer_final_hash(&bytes), SHA256_BYTES);
		recovery->last_real_ns = footer.max_real_ns;
		recovery->ended_ns = footer.flags & FOOTER_RECOVERED ? footer.max_real_ns
								     : footer.sealed_real_ns;
		return 0;
	}
	if (r != -ENOENT && r != -EBADMSG)
		return r;
	/* It was sealed once and has changed since: evidence, not a torn tail. */
	if (!(st.st_mode & 0222)) {
		recovery->damaged = number;
		err_clear(e);
		return 0;
	}
	r = segment_recover(&j->segment, number, &recovery->kept_rows, &recovery->cut_bytes,
			    &recovery->last_real_ns, e);
	if (r == -EBADMSG) {
		recovery->damaged = number;
		err_clear(e);
		return 0;
	}
	if (r == 0) {
		recovery->segment = number;
		recovery->ended_ns = recovery->last_real_ns;
	}
	return r;
}

int journal_recover(struct journal *j, struct journal_recovery *ret_recovery, struct err *e)
{
	uint8_t hash[SHA256_BYTES], signature[SIGNATURE_BYTES];
	uint64_t segment = 0, buried = 0;
	struct retain_result result;
	struct tombstone tombstone;
	int r = open_folder(j, e);

	if (r == 0)
		r = remove_unborn(j, e);
	if (r == 0)
		r = newest(j, ".seg", &segment, e);
	if (r == 0)
		r = newest(j, ".tomb", &buried, e);
	if (r == 0 && buried > segment) {
		r = tombstone_read(j->dir_fd, buried, &tombstone, hash, signature, e);
		if (r == 0) {
			memcpy(j->segment.final_hash, tombstone.final_hash, SHA256_BYTES);
			ret_recovery->last_real_ns = tombstone.max_real_ns;
			ret_recovery->ended_ns = tombstone.deleted_real_ns;
		}
		if (r == -EBADMSG) {
			ret_recovery->damaged = buried;
			err_clear(e);
			r = 0;
		}
	} else if (r == 0 && segment) {
		r = take_up_segment(j, segment, ret_recovery, e);
	}
	if (r < 0)
		return r;
	j->next_number = (buried > segment ? buried : segment) + 1;
	r = journal_retain_now(j, &result, e);
	if (r < 0)
		return r;
	j->stats.total_bytes = result.total_bytes;
	j->stats.deleted_segments = result.deleted;
	j->stats.held_segments = result.held;
	return 0;
}
