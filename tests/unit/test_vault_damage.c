/* test_vault_damage.c - the vault on bad days: killed, torn, altered, full. */
#include "vault_room.h"

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
	char path[LIMIT_PATH];
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
	char path[LIMIT_PATH];
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
	char path[LIMIT_PATH];
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
		else if (at >= first + 804 && at < first + 2 * 804l)
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
	char path[LIMIT_PATH];
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
	char one[LIMIT_PATH], two[LIMIT_PATH], three[LIMIT_PATH], aside[LIMIT_PATH + 8];
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
	char path[LIMIT_PATH];
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

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, vault_setup, vault_teardown)
		T(what_was_flushed_survives_a_kill),
		T(a_torn_tail_is_cut_wherever_it_is_torn),
		T(an_unfinished_large_object_is_cut),
		T(every_flipped_byte_is_found_and_placed),
		T(a_damaged_content_is_never_given_as_good),
		T(a_missing_or_exchanged_pack_is_found),
		T(a_full_disk_loses_nothing_that_was_accepted),
		T(a_pack_without_a_header_is_set_aside_and_told),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
