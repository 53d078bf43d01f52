/* fuzz_pack.c - any bytes may stand where a pack is expected.
 *
 * The first byte chooses what is put right before reading, so that the checksums do not keep the
 * fuzzer out: 1 the pack's header, 2 checks and chain of every entry that lies in place. */
#include <assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "store/vault_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int dir_fd = -1;

static void make_folder(void)
{
	char dir[] = "/tmp/amber-fuzz-pack-XXXXXX";

	assert(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir_fd >= 0);
}

static void put_right(uint8_t *p, size_t n, uint8_t flags)
{
	struct pack_head head;
	struct pack_entry entry;
	uint8_t chain[SHA256_BYTES];

	if (n < sizeof(head))
		return;
	memcpy(&head, p, sizeof(head));
	if (flags & 1) {
		head.number = 1;
		pack_head_finish(&head);
		memcpy(p, &head, sizeof(head));
	}
	memcpy(chain, head.digest, sizeof(chain));
	for (size_t at = sizeof(head); (flags & 2) && n - at >= sizeof(entry);) {
		memcpy(&entry, p + at, sizeof(entry));
		pack_entry_finish(&entry, chain);
		memcpy(p + at, &entry, sizeof(entry));
		memcpy(chain, entry.chain, sizeof(chain));
		if (entry.stored_size > n - at - sizeof(entry))
			break;
		at += sizeof(entry) + (size_t)entry.stored_size;
	}
}

static int take(void *ctx, struct span bytes, struct err *e)
{
	uint64_t *sum = ctx;

	*sum += bytes.n;
	return *sum > (64u << 20) ? err_set(e, E2BIG, "enough") : 0;
}

static void read_all(const struct pack_file *pack)
{
	AUTO(free) struct pack_row *rows = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;

	if (pack_rows(pack, &rows, &n, &e) < 0)
		return;
	for (size_t i = 0; i < n && i < 64; i++) {
		uint64_t sum = 0;
		struct vault_out out = {take, &sum};
		struct pack_entry entry;
		struct pack_row row;

		if (pack_read(pack, rows[i].offset, rows[i].sha256, &out, &entry, &e) == 0)
			assert(sum == entry.raw_size);
		(void)pack_find(pack, rows[i].sha256, &row, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	AUTO(pack_file) struct pack_file pack;
	AUTO(free) uint8_t *copy = NULL;
	AUTO(fd) int fd = -1;
	struct pack_end end;
	struct err e = ERR_INIT;

	pack_file_init(&pack);
	if (n < 1 || n > (1u << 20))
		return 0;
	if (dir_fd < 0)
		make_folder();
	copy = malloc(n);
	assert(copy);
	memcpy(copy, data + 1, n - 1);
	put_right(copy, n - 1, data[0]);
	fd = openat(dir_fd, "00000001.pack", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && fd_write_full(fd, copy, n - 1) == 0);
	if (pack_file_open(dir_fd, 1, O_RDONLY, &pack, &e) < 0)
		return 0;
	if (pack_walk(&pack, NULL, NULL, &end, &e) == 0)
		assert(end.offset <= pack.bytes);
	read_all(&pack);
	return 0;
}
