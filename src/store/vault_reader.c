/* vault_reader.c - finding, giving out and listing what was kept.
 *
 * The folder is read anew for each question: packs come and go while the writer writes. */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/path.h"
#include "store/vault_internal.h"
#include "store/vault_pack.h"
#include "store/vault_read.h"

int vault_open_reader(const char *state_dir, struct vault_reader **ret_reader, struct err *e)
{
	struct vault_reader *reader;
	AUTO(fd) int fd = -1;
	char path[LIMIT_PATH];
	int r = path_print(path, e, "%s/vault", state_dir);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot open the vault '%s'", path);
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return err_set(e, ENOMEM, "no memory to read the vault");
	reader->dir_fd = fd_take(&fd);
	*ret_reader = reader;
	return 0;
}

void vault_close_reader(struct vault_reader *reader)
{
	if (!reader)
		return;
	fd_close(&reader->dir_fd);
	free(reader);
}

/* Finds the object and leaves its pack open in *ret_pack. */
static int find_pack(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES],
		     struct pack_file *ret_pack, struct pack_row *ret_row, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	struct err first = ERR_INIT;
	size_t n = 0;
	int r = vault_numbers(reader->dir_fd, &numbers, &n, e);

	if (r < 0)
		return r;
	for (size_t i = n; i-- > 0;) {
		AUTO(pack_file) struct pack_file pack;
		struct err why = ERR_INIT;

		pack_file_init(&pack);
		if (numbers[i] % 2)
			continue;
		r = pack_file_open(reader->dir_fd, numbers[i] / 2, O_RDONLY, &pack, &why);
		if (r == 0)
			r = pack_find(&pack, sha256, ret_row, &why);
		if (r == 0) {
			*ret_pack = pack;
			pack.fd = -1;
			return 0;
		}
		if (r != -ENOENT && first.code == 0)
			first = why;
	}
	err_set(e, ENOENT, "the vault holds no content with this SHA-256");
	if (first.code)
		err_hint(e, "not all of it can be read: %s", first.text);
	return -ENOENT;
}

int vault_find(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES],
	       struct vault_object *ret_object, struct err *e)
{
	AUTO(pack_file) struct pack_file pack;
	struct pack_row row;
	int r;

	pack_file_init(&pack);
	r = find_pack(reader, sha256, &pack, &row, e);
	if (r < 0)
		return r;
	memcpy(ret_object->sha256, sha256, SHA256_BYTES);
	ret_object->size = row.raw_size;
	ret_object->stored_size = row.stored_size;
	ret_object->kept_ns = row.kept_ns;
	ret_object->pack = pack.number;
	ret_object->offset = row.offset;
	ret_object->sealed = pack.sealed;
	return 0;
}

int vault_get(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES],
	      const struct vault_out *out, struct err *e)
{
	AUTO(pack_file) struct pack_file pack;
	struct pack_row row;
	int r;

	pack_file_init(&pack);
	r = find_pack(reader, sha256, &pack, &row, e);
	return r < 0 ? r : pack_read(&pack, row.offset, sha256, out, NULL, e);
}

static int write_fd(void *ctx, struct span bytes, struct err *e)
{
	int r = fd_write_full(*(int *)ctx, bytes.p, bytes.n);

	return r < 0 ? err_sys(e, -r, "cannot write the content") : 0;
}

int vault_get_fd(struct vault_reader *reader, const uint8_t sha256[SHA256_BYTES], int fd,
		 struct err *e)
{
	struct vault_out out = {write_fd, &fd};

	return vault_get(reader, sha256, &out, e);
}

static int offset_order(const void *a, const void *b)
{
	const struct pack_row *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int list_pack(const struct pack_file *pack, struct pack_row *rows, size_t n,
		     int (*each)(void *ctx, const struct vault_object *object), void *ctx)
{
	if (n)
		qsort(rows, n, sizeof(*rows), offset_order);
	for (size_t i = 0; i < n; i++) {
		struct vault_object object = {.size = rows[i].raw_size,
					      .stored_size = rows[i].stored_size,
					      .kept_ns = rows[i].kept_ns,
					      .pack = pack->number,
					      .offset = rows[i].offset,
					      .sealed = pack->sealed};

		memcpy(object.sha256, rows[i].sha256, SHA256_BYTES);
		int r = each(ctx, &object);

		if (r)
			return r;
	}
	return 0;
}

int vault_list(struct vault_reader *reader,
	       int (*each)(void *ctx, const struct vault_object *object), void *ctx, struct err *e)
{
	AUTO(free) uint64_t *numbers = NULL;
	struct err first = ERR_INIT;
	size_t n = 0;
	int r = vault_numbers(reader->dir_fd, &numbers, &n, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		AUTO(pack_file) struct pack_file pack;
		AUTO(free) struct pack_row *rows = NULL;
		struct err why = ERR_INIT;
		size_t count = 0;

		pack_file_init(&pack);
		if (numbers[i] % 2)
			continue;
		r = pack_file_open(reader->dir_fd, numbers[i] / 2, O_RDONLY, &pack, &why);
		if (r == 0)
			r = pack_rows(&pack, &rows, &count, &why);
		if (r < 0 && why.code != ENOENT && first.code == 0)
			first = why;
		if (r < 0)
			continue;
		r = list_pack(&pack, rows, count, each, ctx);
		if (r)
			return r;
	}
	if (first.code)
		*e = first;
	return -first.code;
}
