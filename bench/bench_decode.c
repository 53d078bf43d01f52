/* bench_decode.c - what one record costs between the ring and the journal: decode and process
 * table.
 *
 * Prints nanoseconds per event for each kind and for the mix.  Run alone; best of several rounds.
 */
#include "../tests/unit/wire_build.h"
#include "base/clock.h"
#include "record/decode.h"
#include "record/processes.h"

#define RECORDS	  512u
#define PROCESSES 200u
#define ROUNDS	  400u

struct bench {
	uint8_t *bytes; /* RECORDS records, each at a multiple of 8 */
	struct span records[RECORDS];
	size_t n;
	struct decoder *decoder;
	struct processes table;
	uint64_t sum;
};

static struct wire_build build;

static void keep(struct bench *b, size_t i)
{
	struct span record = wire_end(&build);
	struct wire_head *head = (void *)(b->bytes + b->n);

	memcpy(head, record.p, record.n);
	head->tgid = head->tid = 1000 + (uint32_t)(i * 7 % PROCESSES);
	head->start_ns = 1000000000ull * head->tgid;
	b->records[i] = span_make(head, record.n);
	b->n += (record.n + 7) & ~(size_t)7;
}

static void make_open(struct bench *b, size_t i)
{
	wire_begin(&build, WIRE_FILE_OPEN, sizeof(struct wire_file_call));
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0,
			 "/var/lib/app/cache/objects/4f/entry-000123.tmp");
	keep(b, i);
}

static void make_open_failed(struct bench *b, size_t i)
{
	struct wire_file_call *w = wire_begin(&build, WIRE_FILE_OPEN, sizeof(*w));

	w->head.ret = -2;
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/var/lib/app");
	wire_claim(&build, WIRE_TEXT_PATH_CLAIM, "../etc/./app/settings.d/local.conf");
	keep(b, i);
}

static void make_exit(struct bench *b, size_t i)
{
	wire_begin(&build, WIRE_PROCESS_EXIT, sizeof(struct wire_exit));
	keep(b, i);
}

static void make_connect(struct bench *b, size_t i)
{
	struct wire_net *w = wire_begin(&build, WIRE_NET_CONNECT, sizeof(*w));

	w->family = 2;
	w->remote_port = 443;
	memset(w->remote_addr, 10, 4);
	keep(b, i);
}

static void make_exec(struct bench *b, size_t i)
{
	static const char argv[] = "gcc\0-O2\0-Wall\0-c\0src/record/decode.c\0-o\0build/decode.o";
	struct wire_exec *w = wire_begin(&build, WIRE_PROCESS_EXEC, sizeof(*w));

	w->ancestor_count = 4;
	for (unsigned a = 0; a < 4; a++)
		w->ancestors[a] = (struct wire_ancestor){.tgid = 4000 - a, .comm = "make"};
	for (unsigned fd = 0; fd < 3; fd++)
		w->stdio[fd] = (struct wire_stdio){.ino = 99, .kind = 1, .flags = WIRE_STDIO_OPEN};
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/usr/bin/x86_64-linux-gnu-gcc-12");
	wire_claim(&build, WIRE_TEXT_FILENAME, "/usr/bin/gcc");
	wire_kernel_path(&build, WIRE_TEXT_CWD, 0, "/home/user/project");
	wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, argv, sizeof(argv));
	keep(b, i);
}

static void make_mix(struct bench *b, size_t i)
{
	static void (*const makers[])(struct bench *, size_t) = {
		make_open, make_open, make_open, make_open_failed,
		make_open, make_open, make_exec, make_connect,
	};

	makers[i % (sizeof(makers) / sizeof(makers[0]))](b, i);
}

static uint64_t run_round(struct bench *b)
{
	uint64_t begin = clock_boot_ns();
	struct err e = ERR_INIT;
	struct event ev;

	for (size_t i = 0; i < RECORDS; i++) {
		if (decode_record(b->decoder, b->records[i], &ev, &e) < 0)
			abort();
		processes_event(&b->table, decode_head(b->records[i]), &ev);
		b->sum += ev.process->rev + ev.value[FIELD_PATH].bytes.n;
	}
	return clock_boot_ns() - begin;
}

static void run(struct bench *b, const char *name, void (*make)(struct bench *, size_t))
{
	uint64_t best = UINT64_MAX;

	b->n = 0;
	for (size_t i = 0; i < RECORDS; i++)
		make(b, i);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t took = run_round(b);

		best = took < best ? took : best;
	}
	printf("%-12s %6.1f ns an event\n", name, (double)best / RECORDS);
}

int main(void)
{
	struct err e = ERR_INIT;
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return 1;
	b->bytes = aligned_alloc(64, (size_t)RECORDS * 2048);
	b->decoder = calloc(1, sizeof(*b->decoder));
	if (!b->bytes || !b->decoder || processes_init(&b->table, LIMIT_PROCESSES, -1, &e) < 0) {
		(void)fprintf(stderr, "bench_decode: no memory\n");
		return 1;
	}
	run(b, "open", make_open);
	run(b, "open failed", make_open_failed);
	run(b, "connect", make_connect);
	run(b, "exec", make_exec);
	run(b, "exit", make_exit);
	run(b, "mix", make_mix);
	processes_fini(&b->table);
	free(b->decoder);
	free(b->bytes);
	free(b);
	return 0;
}
