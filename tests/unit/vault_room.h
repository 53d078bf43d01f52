/* vault_room.h - a state directory with a key, a vault in it, and contents to keep. */
#ifndef AMBER_TESTS_UNIT_VAULT_ROOM_H
#define AMBER_TESTS_UNIT_VAULT_ROOM_H

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
#include "journal_room.h"
#include "store/vault.h"
#include "store/vault_format.h"
#include "store/vault_table.h"
#include "test.h"

struct fixture {
	char dir[64];
	struct key *key;
	struct vault *vault;
	struct vault_options options;
	unsigned gaps;
	uint64_t gap_bytes;
	char gap_reason[32];
};

static inline void on_gap(void *ctx, const char *reason, const char *text, uint64_t bytes)
{
	struct fixture *f = ctx;

	assert_true(strlen(text) > 0);
	f->gaps++;
	f->gap_bytes += bytes;
	snprintf(f->gap_reason, sizeof(f->gap_reason), "%s", reason);
}

static inline void open_vault(struct fixture *f)
{
	struct err e = ERR_INIT;

	f->options.gap = on_gap;
	f->options.ctx = f;
	int r = vault_open(f->dir, f->key, &f->options, &f->vault, &e);

	if (r < 0)
		fail_msg("vault_open: %s", e.text);
}

static inline void close_vault(struct fixture *f)
{
	struct err e = ERR_INIT;

	assert_int_equal(vault_close(f->vault, &e), 0);
	f->vault = NULL;
}

static inline int vault_setup(void **state)
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

static inline int vault_teardown(void **state)
{
	struct fixture *f = *state;
	struct err e = ERR_INIT;

	if (f->vault)
		vault_close(f->vault, &e);
	key_close(f->key);
	room_remove(f->dir);
	free(f);
	return 0;
}

/* Text that compresses, different for each seed. */
static inline void fill_text(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 64 == 0)
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)('a' + ((seed >> (i % 56)) & 15));
	}
}

static inline void fill_noise(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (uint8_t)(seed >> 56);
	}
}

static inline int file_of(const void *p, size_t n)
{
	int fd = memfd_create("content", 0);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, p, n), 0);
	return fd;
}

static inline struct vault_result put(struct fixture *f, const void *p, size_t n)
{
	struct vault_result result;
	struct err e = ERR_INIT;

	if (vault_put(f->vault, span_make(p, n), &result, &e) < 0)
		fail_msg("vault_put: %s", e.text);
	return result;
}

static inline int collect(void *ctx, struct span bytes, struct err *e)
{
	buf_add_span(ctx, bytes);
	return buf_check(ctx, "test content", e);
}

static inline int get(struct fixture *f, const uint8_t sha256[SHA256_BYTES], struct buf *b,
		      struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	struct vault_out out = {collect, b};

	assert_int_equal(vault_open_reader(f->dir, &reader, e), 0);
	return vault_get(reader, sha256, &out, e);
}

static inline void assert_kept(struct fixture *f, const uint8_t sha256[SHA256_BYTES], const void *p,
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

static inline int verify(struct fixture *f, struct vault_check *check, struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;

	assert_int_equal(vault_open_reader(f->dir, &reader, e), 0);
	return vault_verify(reader, f->key, check, e);
}

static inline void pack_path(struct fixture *f, unsigned number, char path[LIMIT_PATH])
{
	snprintf(path, LIMIT_PATH, "%s/vault/%08u.pack", f->dir, number);
}

static inline off_t pack_size(struct fixture *f, unsigned number)
{
	char path[LIMIT_PATH];
	struct stat st;

	pack_path(f, number, path);
	return stat(path, &st) < 0 ? -1 : st.st_size;
}

#endif
