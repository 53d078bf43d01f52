/* bench_query.c - questions through SQL over five million events, and the same in plain SQLite.
 *
 * Times are of the processor.  bench_query [EVENTS [FOLDER [alone]]]; alone: no plain SQLite. */
#include <inttypes.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/path.h"
#include "mix.h"
#include "store/journal.h"
#include "store/query.h"

#define ROUNDS 7

/* Processor time: a query runs on one thread, and the machine may be shared. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

struct question {
	const char *what, *sql, *plain; /* plain: for the table of plain SQLite; NULL none */
};

struct answer {
	uint64_t rows, sum; /* of the numbers in the rows, so that both sides can be compared */
};

static int on_row(void *ctx, const struct query_value *values, size_t n)
{
	struct answer *a = ctx;

	a->rows++;
	for (size_t i = 0; i < n; i++)
		a->sum += values[i].kind == QUERY_INTEGER ? (uint64_t)values[i].integer : 0;
	return 0;
}

static int fill_journal(const char *dir, uint64_t events, struct err *e)
{
	struct journal *journal = NULL;
	struct key *key = NULL;
	struct mix *mix = malloc(sizeof(*mix));
	uint64_t start = clock_boot_ns();
	struct journal_stats stats;
	int r = mix ? key_open(dir, &key, e) : err_set(e, ENOMEM, "no memory");

	if (r == 0) {
		struct journal_options options = {.state_dir = dir, .key = key};

		mix_init(mix);
		r = journal_open(&options, &journal, NULL, e);
	}
	for (uint64_t i = 0; i < events && r == 0; i++)
		r = journal_append(journal, mix_next(mix), e);
	if (r == 0)
		r = journal_flush(journal, e);
	if (r == 0) {
		journal_stats(journal, &stats);
		printf("journal     %6.2f s to write %" PRIu64 " events, %.0f MB\n",
		       (double)(clock_boot_ns() - start) / 1e9, events,
		       (double)stats.bytes_written / 1e6);
	}
	if (journal && journal_close(journal, e) < 0)
		r = -1;
	key_close(key);
	free(mix);
	return r;
}

static int insert(sqlite3_stmt *stmt, const struct event *ev)
{
	bool exec = ev->type == EVENT_PROCESS_EXEC;
	struct span path = event_type_has(ev->type, FIELD_PATH) ? ev->value[FIELD_PATH].bytes
								: span_make(NULL, 0);
	struct span argv = exec ? ev->value[FIELD_ARGV].bytes : span_make(NULL, 0);

	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)ev->real_ns);
	sqlite3_bind_text(stmt, 2, event_types[ev->type].name, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, (const char *)ev->container->id.p, (int)ev->container->id.n,
			  SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 4, ev->process->pid);
	sqlite3_bind_text(stmt, 5, (const char *)ev->process->comm.p, (int)ev->process->comm.n,
			  SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 6, ev->ret);
	sqlite3_bind_text(stmt, 7, (const char *)path.p, (int)path.n, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 8, (const char *)argv.p, (int)argv.n, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 9, (sqlite3_int64)ev->count);
	sqlite3_step(stmt);
	return sqlite3_reset(stmt);
}

static int fill_plain(sqlite3 *db, uint64_t events, struct err *e)
{
	struct mix *mix = malloc(sizeof(*mix));
	sqlite3_stmt *stmt = NULL;
	uint64_t start = clock_boot_ns();
	int code;

	if (!mix)
		return err_set(e, ENOMEM, "no memory");
	mix_init(mix);
	code = sqlite3_exec(
		db,
		"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE "
		"events(time_ns INTEGER, type, container, pid INTEGER, comm, ret INTEGER, "
		"path, argv, count INTEGER); BEGIN",
		NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, "INSERT INTO events VALUES(?,?,?,?,?,?,?,?,?)", -1,
					  &stmt, NULL);
	for (uint64_t i = 0; i < events && code == SQLITE_OK; i++)
		code = insert(stmt, mix_next(mix));
	sqlite3_finalize(stmt);
	free(mix);
	if (code == SQLITE_OK)
		code = sqlite3_exec(
			db,
			"COMMIT; CREATE INDEX by_container ON events(container, time_ns); "
			"CREATE INDEX by_time ON events(time_ns)",
			NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return err_set(e, EIO, "plain SQLite: %s", sqlite3_errmsg(db));
	printf("plain table %6.2f s to write and index nine columns\n",
	       (double)(clock_boot_ns() - start) / 1e9);
	return 0;
}

static int ask_plain(sqlite3 *db, const char *sql, struct answer *ret, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (code != SQLITE_OK)
		return err_set(e, EIO, "plain SQLite: %s", sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		ret->rows++;
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			if (sqlite3_column_type(stmt, i) == SQLITE_INTEGER)
				ret->sum += (uint64_t)sqlite3_column_int64(stmt, i);
		}
	}
	sqlite3_finalize(stmt);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int ask(struct query *q, sqlite3 *db, const struct question *question, struct err *e)
{
	struct answer ours = {0}, plain = {0};
	double our_ms[ROUNDS], plain_ms[ROUNDS];
	struct query_handler h = {.row = on_row, .ctx = &ours};

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t start = cpu_ns(), middle;
		int r;

		ours = plain = (struct answer){0};
		r = query_run(q, question->sql, &h, e);
		middle = cpu_ns();
		if (r == 0 && question->plain && db)
			r = ask_plain(db, question->plain, &plain, e);
		if (r < 0)
			return err_prefix(e, "%s", question->what);
		our_ms[i] = (double)(middle - start) / 1e6;
		plain_ms[i] = (double)(cpu_ns() - middle) / 1e6;
	}
	qsort(our_ms, ROUNDS, sizeof(*our_ms), by_number);
	qsort(plain_ms, ROUNDS, sizeof(*plain_ms), by_number);
	printf("%-44s %9.2f ms", question->what, our_ms[ROUNDS / 2]);
	if (question->plain && db)
		printf("  plain %9.2f ms  ratio %7.3f%s", plain_ms[ROUNDS / 2],
		       our_ms[ROUNDS / 2] / plain_ms[ROUNDS / 2],
		       ours.rows == plain.rows && ours.sum == plain.sum ? ""
									: "  DIFFERENT ANSWER");
	printf("  (%" PRIu64 " rows)\n", ours.rows);
	return 0;
}

static int ask_all(struct query *q, sqlite3 *db, struct err *e)
{
	static const struct question questions[] = {
		{"substring of argv", "SELECT count(*) FROM events WHERE argv LIKE '%evil%'",
		 "SELECT count(*) FROM events WHERE argv LIKE '%evil%'"},
		{"group-by count (counts)",
		 "SELECT container, sum(n) FROM counts GROUP BY container",
		 "SELECT container, sum(count) FROM events GROUP BY container"},
		{"count by type and comm (counts)",
		 "SELECT type, comm, sum(n) FROM counts GROUP BY 1, 2",
		 "SELECT type, comm, sum(count) FROM events GROUP BY 1, 2"},
		{"group-by count (events)",
		 "SELECT container, count(*) FROM events GROUP BY container",
		 "SELECT container, count(*) FROM events GROUP BY container"},
		{"distinct containers", "SELECT DISTINCT container FROM events",
		 "SELECT DISTINCT container FROM events"},
		{"newest 20", "SELECT time_ns, pid, ret FROM events ORDER BY time DESC LIMIT 20",
		 "SELECT time_ns, pid, ret FROM events ORDER BY time_ns DESC LIMIT 20"},
		{"newest 20, all columns", "SELECT * FROM events ORDER BY time DESC LIMIT 20",
		 NULL},
		{"a container by name", "SELECT amber_container('service-3')", NULL},
		{"count(*)", "SELECT count(*) FROM events", "SELECT count(*) FROM events"},
		{"failed opens of one path",
		 "SELECT count(*) FROM events WHERE type = 'file.open' AND path LIKE '%file00%' "
		 "AND "
		 "ret < 0",
		 "SELECT count(*) FROM events WHERE type = 'file.open' AND path LIKE '%file00%' "
		 "AND "
		 "ret < 0"},
	};
	char ours[256], plain[256];
	struct question first = {"container + time", ours, plain};
	struct mix *mix = malloc(sizeof(*mix));
	int r;

	if (!mix)
		return err_set(e, ENOMEM, "no memory");
	mix_init(mix);

	snprintf(ours, sizeof(ours),
		 "SELECT time_ns, pid, ret FROM events WHERE container = "
		 "'%s' "
		 "AND time_ns BETWEEN 1790005010000000000 AND 1790005010500000000",
		 mix->ids[3]);
	free(mix);
	snprintf(plain, sizeof(plain),
		 "SELECT time_ns, pid, ret FROM events WHERE container = (SELECT container FROM "
		 "service) AND time_ns BETWEEN 1790005010000000000 AND 1790005010500000000");
	r = ask(q, db, &first, e);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]) && r == 0; i++)
		r = ask(q, db, &questions[i], e);
	return r;
}

/* The id behind service-3, for the plain table. */
static int note_service(sqlite3 *db, struct err *e)
{
	struct mix *mix = malloc(sizeof(*mix));
	char *sql;
	int code;

	if (!mix)
		return err_set(e, ENOMEM, "no memory");
	mix_init(mix);
	sql = sqlite3_mprintf("CREATE TEMP TABLE service AS SELECT '%q' AS container", mix->ids[3]);
	code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	free(mix);
	return code == SQLITE_OK ? 0 : err_set(e, EIO, "plain SQLite: %s", sqlite3_errmsg(db));
}

static int run(const char *dir, uint64_t events, bool alone, struct err *e)
{
	AUTO(query) struct query *q = NULL;
	char path[LIMIT_PATH];
	sqlite3 *db = NULL;
	int r = fill_journal(dir, events, e);

	if (r == 0)
		r = path_print(path, e, "%s/plain.db", dir);
	if (r == 0 && !alone && sqlite3_open(path, &db) != SQLITE_OK)
		r = err_set(e, EIO, "plain SQLite cannot open '%s'", path);
	if (r == 0 && db)
		r = fill_plain(db, events, e);
	if (r == 0 && db)
		r = note_service(db, e);
	if (r == 0)
		r = query_open(dir, &q, e);
	if (r == 0)
		r = ask_all(q, db, e);
	sqlite3_close(db);
	return r;
}

int main(int argc, char **argv)
{
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
	char dir[LIMIT_PATH];
	struct err e = ERR_INIT;
	int r = path_print(dir, &e, "%s/amber-bench-query-XXXXXX", argc > 2 ? argv[2] : "/var/tmp");

	if (r == 0 && !mkdtemp(dir))
		r = err_sys(&e, errno, "cannot make '%s'", dir);
	if (r == 0) {
		r = run(dir, events, argc > 3, &e);
		mix_remove(dir);
	}
	if (r < 0)
		fprintf(stderr, "bench_query: %s\n", e.text);
	return r < 0;
}
