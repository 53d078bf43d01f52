/* bench_journal.c - the journal writer's speed and size on a mix that looks like containers at
 * work, and how fast its columns are scanned.
 *
 *   bench_journal [EVENTS] [STATE_DIR]
 *
 * Prints one line a figure: NAME VALUE UNIT.  With a directory the journal is kept there. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "mix.h"
#include "store/journal.h"
#include "store/journal_read.h"

static double now_s(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct err *e)
{
	(void)fprintf(stderr, "bench_journal: %s\n", e->text);
	return 1;
}

static int bench_write(const char *dir, uint64_t events, struct err *e)
{
	AUTO(key) struct key *key = NULL;
	const char *rows = getenv("BENCH_BLOCK_ROWS");
	struct journal_options options = {.state_dir = dir};
	struct journal_stats stats;
	struct rusage usage;
	struct journal *journal;
	double cpu, wall, making;
	struct mix mix;
	int r = key_open(dir, &key, e);

	options.key = key;
	if (rows)
		options.block_rows = (uint32_t)strtoul(rows, NULL, 10);
	if (r == 0)
		r = journal_open(&options, &journal, NULL, e);
	if (r < 0)
		return r;
	mix_init(&mix);
	making = now_s(CLOCK_PROCESS_CPUTIME_ID);
	for (uint64_t i = 0; i < events; i++)
		(void)mix_next(&mix); /* only to know what making them costs */
	making = now_s(CLOCK_PROCESS_CPUTIME_ID) - making;
	mix_init(&mix);
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
	wall = now_s(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < events && r == 0; i++)
		r = journal_append(journal, mix_next(&mix), e);
	if (r == 0)
		r = journal_seal(journal, e);
	cpu = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu - making;
	wall = now_s(CLOCK_MONOTONIC) - wall;
	journal_stats(journal, &stats);
	if (r == 0)
		r = journal_close(journal, e);
	printf("journal.size %.2f bytes/event\n", (double)stats.total_bytes / (double)events);
	printf("journal.cpu %.2f Mevents/s/core\n", (double)events / cpu / 1e6);
	printf("journal.wall %.2f Mevents/s\n", (double)events / wall / 1e6);
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		printf("journal.memory %.1f MB\n", (double)usage.ru_maxrss / 1024);
	printf("journal.waits %" PRIu64 "\n", stats.waits);
	return r;
}

/* Times a scan over all blocks, best of five. */
static int bench_scan(const char *dir, const char *name,
		      int (*scan)(struct journal_block *block, uint64_t *hits, struct err *e),
		      const struct journal_filter *filter, struct err *e)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_block) struct journal_block *block = NULL;
	double best = 1e9;
	uint64_t hits = 0;
	int r = journal_reader_open(dir, &reader, e);

	if (r == 0)
		r = journal_block_new(&block, e);
	for (unsigned round = 0; round < 5 && r == 0; round++) {
		double start = now_s(CLOCK_MONOTONIC), took;

		hits = 0;
		for (size_t i = 0; i < journal_reader_blocks(reader) && r == 0; i++) {
			if (!journal_block_may_match(journal_reader_block(reader, i), filter))
				continue;
			r = journal_block_load(block, reader, i, e);
			if (r == 0)
				r = scan(block, &hits, e);
		}
		took = now_s(CLOCK_MONOTONIC) - start;
		best = took < best ? took : best;
	}
	printf("%s %.2f ms (%" PRIu64 " hits)\n", name, best * 1e3, hits);
	return r;
}

static struct journal_filter point;

static int scan_point(struct journal_block *block, uint64_t *hits, struct err *e)
{
	const struct container *containers;
	const uint32_t *container_of;
	const uint64_t *real;
	struct event ev;
	uint32_t n, wanted = 0;
	int r = journal_block_containers(block, &containers, &n, e);

	for (uint32_t i = 0; i < n && r == 0; i++)
		if (span_eq(containers[i].id, point.container))
			wanted = i + 1;
	if (r == 0)
		r = journal_block_indexes(block, JOURNAL_CONTAINER, &container_of, e);
	if (r == 0)
		r = journal_block_numbers(block, JOURNAL_REAL, &real, &n, e);
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		if (container_of[i] != wanted || real[i] < point.from_ns || real[i] > point.to_ns)
			continue;
		r = journal_block_event(block, i, &ev, e);
		++*hits;
	}
	return r;
}

/* Marks the distinct texts that hold the needle, searching all of them as one piece of memory. */
static bool mark(const struct journal_text *t, struct span needle, uint8_t *wanted)
{
	const uint8_t *p = t->bytes, *end = p + t->ends[t->distinct - 1];
	uint32_t i = 0;
	bool any = false;

	memset(wanted, 0, t->distinct);
	for (; (p = memmem(p, (size_t)(end - p), needle.p, needle.n)) != NULL; p++) {
		while (t->bytes + t->ends[i] <= p)
			i++;
		if (p + needle.n <= t->bytes + t->ends[i])
			wanted[i] = any = true;
	}
	return any;
}

static int scan_like(struct journal_block *block, uint64_t *hits, struct err *e)
{
	static uint8_t wanted[LIMIT_BLOCK_ROWS + 1];
	const struct span needle = span_of("evil");
	struct journal_text t;
	bool any = false;
	int r = journal_block_distinct(block, journal_column(FIELD_ARGV), &t, e);

	if (r == 0)
		any = mark(&t, needle, wanted);
	if (r == 0 && any)
		r = journal_block_text(block, journal_column(FIELD_ARGV), &t, e);
	for (uint32_t i = 0; r == 0 && any && i < t.n; i++)
		*hits += wanted[t.index[i]];
	return r;
}

static int scan_group(struct journal_block *block, uint64_t *hits, struct err *e)
{
	static uint32_t counts[4096][256];
	const uint32_t *container_of;
	const uint8_t *types;
	uint32_t rows = journal_block_row_count(block);
	int r = journal_block_types(block, &types, e);

	if (r == 0)
		r = journal_block_indexes(block, JOURNAL_CONTAINER, &container_of, e);
	for (uint32_t i = 0; r == 0 && i < rows; i++)
		counts[container_of[i] & 4095][types[i]]++;
	*hits += rows;
	return r;
}

static int bench_read(const char *dir, uint64_t events, struct err *e)
{
	static const struct journal_filter all;
	struct mix mix;
	const struct event *ev = NULL;
	static char id[128];
	int r;

	mix_init(&mix);
	for (uint64_t i = 0; i < events / 2; i++)
		ev = mix_next(&mix);
	while (!ev->container)
		ev = mix_next(&mix);
	memcpy(id, ev->container->id.p, ev->container->id.n);
	point = (struct journal_filter){
		.container = span_make(id, ev->container->id.n),
		.from_ns = ev->real_ns - 1000000,
		.to_ns = ev->real_ns + 1000000,
	};
	r = bench_scan(dir, "journal.point", scan_point, &point, e);
	if (r == 0)
		r = bench_scan(dir, "journal.like", scan_like, &all, e);
	if (r == 0)
		r = bench_scan(dir, "journal.group", scan_group, &all, e);
	return r;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/amber-bench-XXXXXX";
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
	const char *where = argc > 2 ? argv[2] : mkdtemp(dir);
	struct err e = ERR_INIT;
	int r;

	if (!where || events < 1000) {
		(void)fprintf(stderr, "usage: bench_journal [EVENTS >= 1000] [STATE_DIR]\n");
		return 2;
	}
	r = bench_write(where, events, &e);
	if (r == 0)
		r = bench_read(where, events, &e);
	if (argc <= 2)
		mix_remove(where);
	return r < 0 ? fail(&e) : 0;
}
