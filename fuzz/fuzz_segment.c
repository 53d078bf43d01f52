/* fuzz_segment.c - a hostile segment file: everything the reader and verify do with one.
 *
 * Hashes would keep every mutation out of the parsers behind them, so those of the header and of
 * the seal are made right first; whoever can write the file could do that too. */
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "store/journal_format.h"
#include "store/journal_verify.h"

static char dir[] = "/tmp/amber-fuzz-XXXXXX";
static char path[64];
static struct key *key;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(name);
}

static void clean_up(void)
{
	key_close(key);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* it is in /tmp */
}

static void start(void)
{
	struct err e = ERR_INIT;

	if (!mkdtemp(dir) || key_open(dir, &key, &e) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/journal", dir);
	if (mkdir(path, 0700) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/journal/00000001.seg", dir);
	(void)atexit(clean_up);
}

static void mend(uint8_t *p, size_t n)
{
	struct segment_trailer trailer;
	struct segment_header h;

	if (n < sizeof(h) + sizeof(trailer))
		return;
	memcpy(&h, p, sizeof(h));
	if (h.header_bytes > sizeof(h) + SHA256_BYTES && h.header_bytes <= n)
		sha256_of(span_make(p, h.header_bytes - SHA256_BYTES),
			  p + h.header_bytes - SHA256_BYTES);
	memcpy(&trailer, p + n - sizeof(trailer), sizeof(trailer));
	if (trailer.footer_bytes > FOOTER_TAIL_BYTES && trailer.footer_bytes <= n)
		sha256_of(span_make(p + n - trailer.footer_bytes,
				    trailer.footer_bytes - FOOTER_TAIL_BYTES),
			  p + n - FOOTER_TAIL_BYTES);
}

static void write_segment(const uint8_t *data, size_t size)
{
	AUTO(free) uint8_t *copy = malloc(size ? size : 1);
	int fd;

	/* Read-only like a sealed one, so that verify does not wait for a writer. */
	(void)unlink(path); /* not there at first */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (!copy || fd < 0)
		abort();
	if (size)
		memcpy(copy, data, size);
	mend(copy, size);
	if (write(fd, copy, size) != (ssize_t)size || close(fd) < 0)
		abort();
}

static volatile unsigned touched; /* so that no read is optimised away */

/* Every text of every column, touched to its last byte. */
static unsigned touch(const struct event *ev)
{
	const struct event_type_info *info = &event_types[ev->type];
	unsigned sum = ev->process ? ev->process->pid : 0;

	for (unsigned i = 0; i < info->field_count; i++) {
		const union value *v = &ev->value[info->fields[i]];

		if (value_kind_is_bytes(event_fields[info->fields[i]].kind) && v->bytes.n)
			sum += v->bytes.p[0] + v->bytes.p[v->bytes.n - 1];
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	const struct journal_filter all = {0};
	struct journal_verdict verdict;
	struct err e = ERR_INIT;
	unsigned failures = 0;
	struct event ev;
	int r;

	if (!key)
		start();
	write_segment(data, size);
	if (journal_reader_open(dir, &reader, &e) < 0 ||
	    journal_rows_open(reader, &all, &rows, &e) < 0)
		return 0;
	for (unsigned n = 0; n < 2000 && failures < 100; n++) {
		r = journal_rows_next(rows, &ev, &e);
		if (r == 0)
			break;
		if (r > 0)
			touched += touch(&ev);
		else
			failures++;
	}
	(void)journal_verify(dir, key, NULL, NULL, &verdict, &e); /* it may say what it likes */
	return 0;
}
