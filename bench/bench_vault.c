/* bench_vault.c - what it costs to keep a content: microseconds per object, by size and kind. */
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "mix.h"
#include "store/vault.h"

/* Processor time: the disk's speed and other people's work are not the question. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void fill(uint8_t *p, size_t n, uint64_t seed, bool text)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = text ? (uint8_t) " etaoinshrdlu\ncm"[seed >> 60] : (uint8_t)(seed >> 56);
	}
}

/* `count` contents, all different, with or without keeping them: the difference is the vault's. */
static int put_all(struct vault *vault, int fd, uint8_t *p, size_t size, unsigned count,
		   struct err *e)
{
	struct vault_result result;
	int r = 0;

	for (unsigned i = 0; i < count && r == 0; i++) {
		memcpy(p, &i, sizeof(i));
		r = fd_pwrite_full(fd, p, size, 0);
		if (r == 0 && vault)
			r = vault_put_fd(vault, fd, 0, &result, e);
	}
	return r == 0 && vault ? vault_flush(vault, false, e) : r;
}

static int run(struct vault *vault, size_t size, unsigned count, bool text, struct err *e)
{
	AUTO(free) uint8_t *p = malloc(size);
	AUTO(fd) int fd = memfd_create("bench", MFD_CLOEXEC);
	struct vault_stats before, after;
	uint64_t start, middle, spent;
	int r;

	if (!p || fd < 0)
		return err_set(e, ENOMEM, "no memory");
	fill(p, size, size + text, text);
	vault_stats(vault, &before);
	start = cpu_ns();
	r = put_all(NULL, fd, p, size, count, e);
	middle = cpu_ns();
	if (r == 0)
		r = put_all(vault, fd, p, size, count, e);
	spent = cpu_ns() - middle - (middle - start);
	vault_stats(vault, &after);
	if (r == 0)
		printf("%-6s %9zu bytes  %8.2f us an object  %7.1f MB/s  %5.1f %% stored\n",
		       text ? "text" : "noise", size, (double)spent / count / 1e3,
		       (double)size * count / (double)spent * 1e3,
		       (double)(after.bytes - before.bytes) * 100 / ((double)size * count));
	return r;
}

int main(int argc, char **argv)
{
	static const struct {
		size_t size;
		unsigned count;
	} rounds[] = {{512, 50000}, {4096, 50000}, {65536, 4000}, {1 << 20, 200}, {32 << 20, 8}};
	char dir[LIMIT_PATH];
	struct vault *vault = NULL;
	struct key *key = NULL;
	struct err e = ERR_INIT;
	int r = path_print(dir, &e, "%s/amber-bench-vault-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");

	if (r == 0 && !mkdtemp(dir))
		r = err_sys(&e, errno, "cannot make '%s'", dir);
	if (r == 0)
		r = key_open(dir, &key, &e);
	if (r == 0)
		r = vault_open(dir, key, NULL, &vault, &e);
	for (unsigned i = 0; i < 2 * sizeof(rounds) / sizeof(rounds[0]) && r == 0; i++)
		r = run(vault, rounds[i / 2].size, rounds[i / 2].count, i % 2, &e);
	if (vault && vault_close(vault, &e) < 0)
		r = -1;
	key_close(key);
	if (r < 0)
		fprintf(stderr, "bench_vault: %s\n", e.text);
	mix_remove(dir);
	return r < 0;
}
