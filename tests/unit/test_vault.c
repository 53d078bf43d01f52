/* test_vault.c - the vault keeps what it is given, proves it, and survives bad days. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/path.h"
#include "store/vault.h"
#include "store/vault_format.h"
#include "store/vault_table.h"

struct fixture {
	char dir[64];
	struct key *key;
	struct vault *vault;
	struct vault_options options;
	unsigned gaps;
	uint64_t gap_bytes;
	char gap_reason[32];
};

static void on_gap(void *ctx, const char *reason, const char *text, uint64_t bytes)
{
	struct fixture *f = ctx;

	assert_true(strlen(text) > 0);
	f->gaps++;
	f->gap_bytes += bytes;
	snprintf(f->gap_reason, sizeof(f->gap_reason), "%s", reason);
}

static void open_vault(struct fixture *f)
{
	struct err e = ERR_INIT;

	f->options.gap = on_gap;
	f->options.ctx = f;
	int r = vault_open(f->dir, f->key, &f->options, &f->vault, &e);

	if (r < 0)
		fail_msg("vault_open: %s", e.text);
}

static void close_vault(struct fixture *f)
{
	struct err e = ERR_INIT;

	assert_int_equal(vault_close(f->vault, &e), 0);
	f->vault = NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err e = ERR_INIT;

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/amber-vault-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(key_open(f->dir, &f->key, &e), 0);
	*state = f;
	return 0;
}

static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *each;

	while (dir && (each = readdir(dir))) {
		char inner[PATH_MAX];

		if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, each->d_name);
		if (unlink(inner) < 0)
			remove_tree(inner);
	}
	if (dir)
		closedir(dir);
	(void)rmdir(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	if (f->vault)
		vault_close(f->vault, &e);
	key_close(f->key);
	remove_tree(f->dir);
	free(f);
	return 0;
}

/* Text that compresses, different for each seed. */
static void fill_text(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 64 == 0)
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)('a' + ((seed >> (i % 56)) & 15));
	}
}

static void fill_noise(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(seed >> 56);
	}
}

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("content", 0);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, p, n), 0);
	return fd;
}

static struct vault_result put(struct fixture *f, const void *p, size_t n)
{
	struct vault_result result;
	struct err e = ERR_INIT;

	if (vault_put(f->vault, span_make(p, n), &result, &e) < 0)
		fail_msg("vault_put: %s", e.text);
	return result;
}

static int collect(void *ctx, struct span bytes, struct err *e)
{
	buf_add_span(ctx, bytes);
	return buf_check(ctx, "test content", e);
}

static int get(struct fixture *f, const uint8_t sha256[SHA256_BYTES], struct buf *b, struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	struct vault_out out = {collect, b};

	assert_int_equal(vault_open_reader(f->dir, &reader, e), 0);
	return vault_get(reader, sha256, &out, e);
}

static void assert_kept(struct fixture *f, const uint8_t sha256[SHA256_BYTES], const void *p,
			size_t n)
{
	AUTO(buf) struct buf b;
	struct err e = ERR_INIT;

	buf_init(&b, 256u << 20);
	if (get(f, sha256, &b, &e) < 0)
		fail_msg("vault_get: %s", e.text);
	assert_int_equal(b.n, n);
	if (n)
		assert_memory_equal(b.p, p, n);
}

static int verify(struct fixture *f, struct vault_check *check, struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;

	assert_int_equal(vault_open_reader(f->dir, &reader, e), 0);
	return vault_verify(reader, f->key, check, e);
}

static void contents_of_every_size_come_back(void **state)
{
	static const size_t sizes[] = {0,      1,      127,    128,    1023,	1024,	4096,
				       262143, 262144, 262145, 524288, 1000000, 5000000};
	struct fixture *f = *state;
	uint8_t digests[ARRAY_LEN(sizes) * 2][SHA256_BYTES];
	uint8_t *p = malloc(5000000);
	struct vault_check check;
	struct err e = ERR_INIT;

	open_vault(f);
	for (size_t i = 0; i < ARRAY_LEN(sizes) * 2; i++) {
		struct vault_result result;
		size_t n = sizes[i / 2];
		int fd;

		if (i % 2)
			fill_noise(p, n, i);
		else
			fill_text(p, n, i);
		fd = file_of(p, n);
		assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), 0);
		assert_int_equal(lseek(fd, 0, SEEK_CUR), n); /* where the writer left it */
		assert_int_equal(result.size, n);
		assert_int_equal(result.is_new, n > 0 || i == 0);
		assert_false(result.truncated);
		sha256_of(span_make(p, n), digests[i]);
		assert_memory_equal(digests[i], result.sha256, SHA256_BYTES);
		close(fd);
	}
	assert_int_equal(vault_flush(f->vault, true, &e), 0);
	for (unsigned sealed = 0; sealed < 2; sealed++) {
		for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
			size_t n = sizes[i / 2];

			if (i % 2)
				fill_noise(p, n, i);
			else
				fill_text(p, n, i);
			assert_kept(f, digests[i], p, n);
		}
		assert_int_equal(verify(f, &check, &e), 0);
		assert_int_equal(check.objects, ARRAY_LEN(sizes) * 2 - 1);
		assert_int_equal(check.sealed, sealed * 2);
		if (!sealed)
			close_vault(f);
	}
	free(p);
}

static void a_content_is_stored_once(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = malloc(1 << 20);
	struct vault_stats before, after;
	struct vault_result result;
	struct err e = ERR_INIT;

	open_vault(f);
	fill_noise(p, 1 << 20, 7);
	assert_true(put(f, p, 5000).is_new);
	assert_true(put(f, p, 1 << 20).is_new);
	vault_stats(f->vault, &before);
	for (unsigned round = 0; round < 2; round++) {
		int fd = file_of(p, 1 << 20);

		assert_false(put(f, p, 5000).is_new);
		assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), 0);
		assert_false(result.is_new);
		close(fd);
		vault_stats(f->vault, &after);
		if (round == 0) {
			assert_int_equal(after.bytes, before.bytes);
			close_vault(f);
			open_vault(f); /* and knows it again */
		}
	}
	assert_int_equal(after.objects, 2);
	assert_int_equal(after.duplicates, 2);
	free(p);
}

static void a_longer_content_is_cut_and_says_so(void **state)
{
	static const uint64_t limits[] = {1, 4096, 262144, 262145, 600000};
	struct fixture *f = *state;
	uint8_t *p = malloc(1 << 20);
	struct err e = ERR_INIT;
	int fd;

	open_vault(f);
	fill_text(p, 1 << 20, 3);
	fd = file_of(p, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct vault_result result;

		assert_int_equal(vault_put_fd(f->vault, fd, limits[i], &result, &e), 0);
		assert_true(result.truncated);
		assert_int_equal(result.size, limits[i]);
		assert_int_equal(vault_flush(f->vault, false, &e), 0);
		assert_kept(f, result.sha256, p, limits[i]);
		int exact = file_of(p, limits[i]);

		assert_int_equal(vault_put_fd(f->vault, exact, limits[i], &result, &e), 0);
		assert_false(result.truncated);
		assert_false(result.is_new);
		close(exact);
	}
	close(fd);
	free(p);
}

struct job {
	struct fixture *f;
	unsigned seed;
};

static void *put_many(void *arg)
{
	struct job *job = arg;
	uint8_t *p = malloc(400000);

	for (unsigned i = 0; i < 400; i++) {
		/* Half of the contents are every thread's. */
		uint64_t seed = i % 2 ? i : i + job->seed * 1000u;
		size_t n = i % 40 == 0 ? 400000 : 1000 + i * 7;

		fill_text(p, n, seed);
		put(job->f, p, n);
	}
	free(p);
	return NULL;
}

static void threads_put_at_the_same_time(void **state)
{
	struct fixture *f = *state;
	struct vault_check check;
	struct err e = ERR_INIT;
	struct job jobs[4];
	pthread_t threads[4];

	f->options.pack_bytes = 300000;
	open_vault(f);
	for (unsigned i = 0; i < 4; i++) {
		jobs[i] = (struct job){f, i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &jobs[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close_vault(f);
	if (verify(f, &check, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(check.objects, 200 + 4 * 200);
	assert_true(check.sealed > 4);
	assert_int_equal(check.sealed, check.packs);
}

static void pack_path(struct fixture *f, unsigned number, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/vault/%08u.pack", f->dir, number);
}

static off_t pack_size(struct fixture *f, unsigned number)
{
	char path[PATH_MAX];
	struct stat st;

	pack_path(f, number, path);
	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* A process that puts `count` contents of one size, flushes after `flushed` of them, and dies. */
static void put_and_die(struct fixture *f, unsigned count, unsigned flushed, bool large)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		uint8_t *p = malloc(600000);
		struct vault_result result;
		struct err e = ERR_INIT;

		f->vault = NULL;
		if (vault_open(f->dir, f->key, &f->options, &f->vault, &e) < 0)
			_exit(1);
		for (unsigned i = 0; i < count; i++) {
			size_t n = large ? 600000 : 2000;

			fill_noise(p, n, i + 1);
			if (vault_put(f->vault, span_make(p, n), &result, &e) < 0)
				_exit(2);
			if (i + 1 == flushed && vault_flush(f->vault, false, &e) < 0)
				_exit(3);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void what_was_flushed_survives_a_kill(void **state)
{
	struct fixture *f = *state;
	struct vault_check check;
	struct err e = ERR_INIT;
	uint8_t p[2000], digest[SHA256_BYTES];

	put_and_die(f, 50, 30, false);
	open_vault(f);
	assert_int_equal(f->gaps, 0);
	for (unsigned i = 0; i < 30; i++) {
		fill_noise(p, sizeof(p), i + 1);
		sha256_of(span_make(p, sizeof(p)), digest);
		assert_true(vault_has(f->vault, digest));
		assert_kept(f, digest, p, sizeof(p));
	}
	assert_true(put(f, "more", 4).is_new);
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
	assert_int_equal(check.packs, 1);
	assert_int_equal(check.objects, 31);
}

static void a_torn_tail_is_cut_wherever_it_is_torn(void **state)
{
	struct fixture *f = *state;
	off_t whole, entry = 2000 + (off_t)sizeof(struct pack_entry);
	char path[PATH_MAX];
	struct err e = ERR_INIT;

	put_and_die(f, 5, 5, false);
	whole = pack_size(f, 1);
	assert_int_equal(whole, (off_t)sizeof(struct pack_head) + 5 * entry);
	pack_path(f, 1, path);
	for (off_t cut = 1; cut < entry * 2; cut += 97) {
		struct vault_stats stats;
		off_t left = whole - cut;
		uint64_t body = (uint64_t)left - sizeof(struct pack_head);
		uint64_t torn =
			(uint64_t)(left - (off_t)sizeof(struct pack_head)) % (uint64_t)entry;

		assert_int_equal(truncate(path, left), 0);
		f->gaps = 0;
		f->gap_bytes = 0;
		pid_t pid = fork(); /* opened and lost again, so that the pack stays unsealed */

		if (pid == 0) {
			open_vault(f);
			vault_stats(f->vault, &stats);
			_exit(stats.objects == body / (uint64_t)entry && stats.torn_bytes == torn &&
					      f->gap_bytes == torn && f->gaps == (torn ? 1u : 0u)
				      ? 0
				      : 1);
		}
		int status;

		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		whole = pack_size(f, 1);
		assert_int_equal(whole, left - (off_t)torn);
		put_and_die(f, 5, 5, false); /* brings the cut ones again */
		whole = pack_size(f, 1);
		assert_int_equal(whole, (off_t)sizeof(struct pack_head) + 5 * entry);
	}
	open_vault(f);
	close_vault(f);
	struct vault_check check;

	assert_int_equal(verify(f, &check, &e), 0);
	assert_int_equal(check.objects, 5);
}

static void an_unfinished_large_object_is_cut(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = calloc(1, 300000);
	char path[PATH_MAX];
	struct vault_check check;
	struct err e = ERR_INIT;
	int fd;

	put_and_die(f, 2, 2, true);
	pack_path(f, 1, path);
	fd = open(path, O_WRONLY | O_APPEND);
	fill_noise(p + sizeof(struct pack_entry), 300000 - sizeof(struct pack_entry), 99);
	assert_int_equal(fd_write_full(fd, p, 300000), 0);
	close(fd);
	assert_int_equal(verify(f, &check, &e), 0);
	assert_int_equal(check.open_tail_bytes, 300000);
	open_vault(f);
	assert_int_equal(f->gaps, 1);
	assert_int_equal(f->gap_bytes, 300000);
	assert_string_equal(f->gap_reason, "vault_torn_tail");
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
	assert_int_equal(check.objects, 2);
	free(p);
}

static void flip(const char *path, off_t at)
{
	struct stat st;
	uint8_t byte;
	int fd;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(fchmod(fd, st.st_mode), 0);
	close(fd);
}

static void every_flipped_byte_is_found_and_placed(void **state)
{
	struct fixture *f = *state;
	uint8_t p[700];
	char path[PATH_MAX];
	struct vault_check check;
	off_t size, first = (off_t)sizeof(struct pack_head);

	open_vault(f);
	fill_noise(p, sizeof(p), 1);
	put(f, p, sizeof(p));
	fill_noise(p, sizeof(p), 2);
	put(f, p, sizeof(p));
	close_vault(f);
	size = pack_size(f, 1);
	pack_path(f, 1, path);
	for (off_t at = 0; at < size; at += at < 250 || at > size - 400 ? 1 : 41) {
		struct err e = ERR_INIT;

		flip(path, at);
		int r = verify(f, &check, &e);

		if (r != -EBADMSG)
			fail_msg("byte %ld of %ld: %d", (long)at, (long)size, r);
		assert_true(check.bad);
		assert_int_equal(check.bad_pack, 1);
		if (at >= first && at < first + 804)
			assert_int_equal(check.bad_offset, first);
		else if (at >= first + 804 && at < first + 2 * 804)
			assert_int_equal(check.bad_offset, first + 804);
		assert_true(strlen(e.text) > 0);
		flip(path, at);
	}
	struct err e = ERR_INIT;

	assert_int_equal(verify(f, &check, &e), 0);
}

static void a_damaged_content_is_never_given_as_good(void **state)
{
	struct fixture *f = *state;
	AUTO(buf) struct buf b;
	char path[PATH_MAX];
	uint8_t p[5000];
	struct vault_result one, two;
	struct err e = ERR_INIT;

	buf_init(&b, 1 << 20);
	open_vault(f);
	fill_text(p, sizeof(p), 1);
	one = put(f, p, sizeof(p));
	two = put(f, "second", 6);
	close_vault(f);
	pack_path(f, 1, path);
	flip(path, sizeof(struct pack_head) + sizeof(struct pack_entry) + 300);
	assert_int_equal(get(f, one.sha256, &b, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "pack 00000001"));
	assert_kept(f, two.sha256, "second", 6);
}

static void a_missing_or_exchanged_pack_is_found(void **state)
{
	struct fixture *f = *state;
	char one[PATH_MAX], two[PATH_MAX], three[PATH_MAX], aside[PATH_MAX + 8];
	struct vault_check check;
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < 3; i++) {
		open_vault(f);
		put(f, &i, sizeof(i));
		close_vault(f);
	}
	assert_int_equal(verify(f, &check, &e), 0);
	assert_int_equal(check.packs, 3);
	pack_path(f, 1, one);
	pack_path(f, 2, two);
	pack_path(f, 3, three);
	snprintf(aside, sizeof(aside), "%s.away", two);
	assert_int_equal(rename(two, aside), 0);
	assert_int_equal(verify(f, &check, &e), -EBADMSG);
	assert_int_equal(check.bad_pack, 2);
	assert_non_null(strstr(e.text, "missing"));
	assert_int_equal(rename(three, two), 0);
	assert_int_equal(verify(f, &check, &e), -EBADMSG);
	assert_int_equal(check.bad_pack, 2);
}

static bool hold_first(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns)
{
	assert_true(first_ns > 0 && first_ns <= last_ns);
	return pack == 1;
}

static void retention_leaves_tombstones_and_spares_what_is_held(void **state)
{
	struct fixture *f = *state;
	uint8_t p[20000], first[SHA256_BYTES];
	struct vault_check check;
	struct vault_stats stats;
	struct err e = ERR_INIT;

	f->options.max_bytes = 400000;
	f->options.hold = hold_first;
	open_vault(f);
	for (unsigned i = 0; i < 60; i++) {
		fill_noise(p, sizeof(p), i);
		struct vault_result result = put(f, p, sizeof(p));

		if (i == 0)
			memcpy(first, result.sha256, SHA256_BYTES);
		vault_stats(f->vault, &stats);
		assert_true(stats.bytes <= 400000 + 2000);
	}
	assert_true(stats.packs_removed > 5);
	assert_true(vault_has(f->vault, first));
	fill_noise(p, sizeof(p), 10); /* was removed, and is kept anew */
	assert_true(put(f, p, sizeof(p)).is_new);
	close_vault(f);
	if (verify(f, &check, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(check.tombstones >= stats.packs_removed);
	assert_true(check.bytes <= 400000 + 2000);
	fill_noise(p, sizeof(p), 0);
	assert_kept(f, first, p, sizeof(p));
	open_vault(f); /* numbers go on behind tombstones */
	assert_int_equal(f->gaps, 0);
	put(f, "more", 4);
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
}

static bool hold_all(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns)
{
	return true;
}

static void a_budget_under_hold_refuses_and_keeps_what_it_has(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = malloc(600000);
	struct vault_result result;
	struct vault_stats stats;
	struct err e = ERR_INIT;
	unsigned refused = 0;
	int fd;

	f->options.max_bytes = 500000;
	f->options.hold = hold_all;
	open_vault(f);
	for (unsigned i = 0; i < 40; i++) {
		fill_noise(p, 20000, i);
		int r = vault_put(f->vault, span_make(p, 20000), &result, &e);

		assert_true(r == 0 || r == -EDQUOT);
		refused += r < 0;
	}
	fill_noise(p, 600000, 77);
	fd = file_of(p, 600000);
	assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), -EDQUOT);
	close(fd);
	vault_stats(f->vault, &stats);
	assert_int_equal(refused + 1, stats.refused);
	assert_true(refused > 10 && refused < 25);
	assert_int_equal(stats.objects, 40 - refused);
	free(p);
}

static void old_packs_go_by_age(void **state)
{
	struct fixture *f = *state;
	struct vault_check check;
	struct err e = ERR_INIT;
	unsigned removed = 0;

	f->options.max_age_ns = NSEC_PER_SEC / 10;
	open_vault(f);
	put(f, "old", 3);
	close_vault(f);
	open_vault(f);
	put(f, "new", 3);
	usleep(150000);
	assert_int_equal(vault_retain(f->vault, &removed, &e), 0);
	assert_int_equal(removed, 1);
	assert_true(put(f, "old", 3).is_new);
	assert_false(put(f, "new", 3).is_new);
	f->options.max_age_ns = 0;
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
}

static void a_full_disk_loses_nothing_that_was_accepted(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit limit = {100000, RLIM_INFINITY},
			      none = {RLIM_INFINITY, RLIM_INFINITY};
		uint8_t *p = malloc(500000);
		struct vault_result result;
		struct vault_check check;
		struct err e = ERR_INIT;
		unsigned kept = 0;

		signal(SIGXFSZ, SIG_IGN);
		open_vault(f);
		setrlimit(RLIMIT_FSIZE, &limit); /* a write past it fails, as on a full disk */
		for (unsigned i = 0; i < 100; i++) {
			fill_noise(p, 9000, i);
			kept += vault_put(f->vault, span_make(p, 9000), &result, &e) == 0;
		}
		fill_noise(p, 500000, 1000);
		int large = memfd_create("large", 0);

		setrlimit(RLIMIT_FSIZE, &none);
		fd_write_full(large, p, 500000);
		setrlimit(RLIMIT_FSIZE, &limit);
		if (vault_put_fd(f->vault, large, 0, &result, &e) != -EFBIG)
			_exit(1);
		if (kept == 0 || kept == 100 || vault_flush(f->vault, false, &e) != -EFBIG)
			_exit(2);
		setrlimit(RLIMIT_FSIZE, &none);
		if (vault_flush(f->vault, true, &e) != 0)
			_exit(3);
		fill_noise(p, 9000, 99);
		if (vault_put(f->vault, span_make(p, 9000), &result, &e) != 0 || !result.is_new)
			_exit(4);
		close_vault(f);
		if (verify(f, &check, &e) != 0 || check.objects != kept + 1)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

static void a_pack_without_a_header_is_set_aside_and_told(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX];
	struct err e = ERR_INIT;
	struct vault_check check;

	open_vault(f);
	put(f, "one", 3);
	close_vault(f);
	pack_path(f, 2, path);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_int_equal(fd_write_full(fd, "garbage", 7), 0);
	close(fd);
	open_vault(f);
	assert_int_equal(f->gaps, 1);
	assert_string_equal(f->gap_reason, "vault_bad_pack");
	put(f, "two", 3);
	close_vault(f);
	assert_int_equal(pack_size(f, 2), -1);
	assert_int_equal(verify(f, &check, &e), -EBADMSG); /* number 2 is missing */
	assert_int_equal(check.bad_pack, 2);
	snprintf(path, sizeof(path), "%s/vault/00000002.bad", f->dir);
	assert_int_equal(access(path, F_OK), 0);
}

static void only_one_may_write(void **state)
{
	struct fixture *f = *state;
	struct vault *second = NULL;
	struct err e = ERR_INIT;

	open_vault(f);
	assert_int_equal(vault_open(f->dir, f->key, NULL, &second, &e), -EBUSY);
	assert_null(second);
}

static int count_object(void *ctx, const struct vault_object *object)
{
	uint64_t *sum = ctx;

	assert_true(object->kept_ns > 0);
	sum[0]++;
	sum[1] += object->size;
	return 0;
}

static void a_list_names_every_object(void **state)
{
	struct fixture *f = *state;
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	uint64_t sum[2] = {0};
	uint8_t *p = malloc(400000);
	struct err e = ERR_INIT;

	open_vault(f);
	for (unsigned i = 0; i < 10; i++) {
		fill_text(p, 400000, i);
		put(f, p, i == 9 ? 400000 : 1000);
	}
	assert_int_equal(vault_flush(f->vault, false, &e), 0);
	assert_int_equal(vault_open_reader(f->dir, &reader, &e), 0);
	assert_int_equal(vault_list(reader, count_object, sum, &e), 0);
	assert_int_equal(sum[0], 10);
	assert_int_equal(sum[1], 9 * 1000 + 400000);
	free(p);
}

static void the_table_forgets_what_is_removed(void **state)
{
	struct vault_table t;
	struct err e = ERR_INIT;
	uint8_t key[SHA256_BYTES] = {0};

	assert_int_equal(vault_table_init(&t, &e), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(key, &i, sizeof(i)); /* one bucket for all but the table's own mixing */
		assert_int_equal(vault_table_add(&t, key, 1 + i % 3, NULL, &e), 0);
	}
	for (uint32_t i = 0; i < 20000; i += 2) {
		memcpy(key, &i, sizeof(i));
		vault_table_remove(&t, key, 1 + i % 3);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(vault_table_find(&t, key), i % 2 ? 1 + i % 3 : 0);
	}
	assert_int_equal(t.n, 10000);
	vault_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(contents_of_every_size_come_back),
		T(a_content_is_stored_once),
		T(a_longer_content_is_cut_and_says_so),
		T(threads_put_at_the_same_time),
		T(what_was_flushed_survives_a_kill),
		T(a_torn_tail_is_cut_wherever_it_is_torn),
		T(an_unfinished_large_object_is_cut),
		T(every_flipped_byte_is_found_and_placed),
		T(a_damaged_content_is_never_given_as_good),
		T(a_missing_or_exchanged_pack_is_found),
		T(retention_leaves_tombstones_and_spares_what_is_held),
		T(a_budget_under_hold_refuses_and_keeps_what_it_has),
		T(old_packs_go_by_age),
		T(a_full_disk_loses_nothing_that_was_accepted),
		T(a_pack_without_a_header_is_set_aside_and_told),
		T(only_one_may_write),
		T(a_list_names_every_object),
#undef T
		cmocka_unit_test(the_table_forgets_what_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
