/* cmd_query.c - amber query and amber schema: plain SQL over the record. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/table.h"
#include "model/event.h"
#include "store/query.h"

#define SQL_BYTES (1u << 20)

enum {
	OPT_TIMEOUT
};

static const struct cmd_option options[] = {
	[OPT_TIMEOUT] = {"timeout", "TIME", "give up after it: 500ms, 30s"},
	{NULL, NULL, NULL},
};

static struct query *running; /* for the signal handler */

static void on_interrupt(int number)
{
	(void)number;
	/* It sets a flag and nothing else.  NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
	query_interrupt(running);
}

struct output {
	bool json;
	struct table table;
	bool has_table;
	struct buf line;
	char **names; /* of the columns, for JSON */
	size_t columns;
	struct err *e;
};

/* JSON members need the names for every row. */
static int on_columns(void *ctx, const char *const *names, size_t n)
{
	struct output *o = ctx;

	if (n > TABLE_COLUMNS && !o->json)
		return err_set(o->e, E2BIG,
			       "%zu columns do not fit a table of %u; name some, or use --json", n,
			       TABLE_COLUMNS);
	if (!o->json) {
		table_init(&o->table, names, (unsigned)n);
		o->has_table = true;
		return 0;
	}
	o->names = calloc(n, sizeof(*o->names));
	for (size_t i = 0; o->names && i < n; i++, o->columns++)
		if (!(o->names[i] = strdup(names[i])))
			break;
	return o->columns == n ? 0 : err_set(o->e, ENOMEM, "no memory for the columns' names");
}

static void json_cell(struct json *j, const char *name, const struct query_value *v)
{
	switch (v->kind) {
	case QUERY_NULL:
		json_null(j, name);
		break;
	case QUERY_INTEGER:
		json_i64(j, name, v->integer);
		break;
	case QUERY_REAL:
		json_double(j, name, v->real);
		break;
	case QUERY_TEXT:
	case QUERY_BLOB:
		json_bytes(j, name, v->bytes);
		break;
	}
}

static void table_value(struct table *t, const struct query_value *v)
{
	switch (v->kind) {
	case QUERY_NULL:
		table_cell(t, span_of(""));
		break;
	case QUERY_INTEGER:
		table_cellf(t, "%" PRId64, v->integer);
		break;
	case QUERY_REAL:
		table_cellf(t, "%.15g", v->real);
		break;
	case QUERY_TEXT:
	case QUERY_BLOB:
		table_cell(t, v->bytes);
		break;
	}
}

static int on_row(void *ctx, const struct query_value *values, size_t n)
{
	struct output *o = ctx;
	struct json j;

	if (!o->json) {
		for (size_t i = 0; i < n; i++)
			table_value(&o->table, &values[i]);
		return buf_check(&o->table.cells, "the table; use --json, which has no limit",
				 o->e);
	}
	buf_clear(&o->line);
	j = json_to(&o->line);
	json_object(&j, NULL);
	for (size_t i = 0; i < n; i++)
		json_cell(&j, o->names[i], &values[i]);
	json_object_end(&j);
	buf_add_u8(&o->line, '\n');
	if (buf_check(&o->line, "one row", o->e) < 0)
		return -o->e->code;
	if (fwrite(o->line.p, 1, o->line.n, stdout) != o->line.n)
		return err_sys(o->e, errno, "cannot write the result");
	return 0;
}

static int read_sql(struct cmd *cmd, struct buf *sql, struct err *e)
{
	if (strcmp(cmd->word[0], "-") == 0) {
		uint8_t chunk[4096];
		ssize_t n;

		while ((n = fd_read_full(STDIN_FILENO, chunk, sizeof(chunk))) > 0)
			buf_add(sql, chunk, (size_t)n);
		if (n < 0)
			return err_sys(e, (int)-n, "cannot read the question from stdin");
	} else {
		buf_add_text(sql, cmd->word[0]);
	}
	return buf_check(sql, "the question", e);
}

static int ask(struct cmd *cmd, const char *sql, struct err *e)
{
	AUTO(query) struct query *query = NULL;
	struct output o = {.json = cmd->json, .e = e};
	struct query_handler handler = {on_columns, on_row, &o};
	char damage[LIMIT_ERR_TEXT];
	uint64_t timeout_ns = 0;
	int r = lookup_record(cmd->state_dir, e);

	if (r == 0)
		r = query_open(cmd->state_dir, &query, e);
	if (r == 0 && cmd->option[OPT_TIMEOUT])
		r = clock_parse_span(cmd->option[OPT_TIMEOUT], &timeout_ns, e);
	if (r < 0)
		return r;
	query_set_timeout(query, (unsigned)(timeout_ns / 1000000));
	buf_init(&o.line, LIMIT_BLOCK_BYTES);
	running = query;
	(void)signal(SIGINT, on_interrupt); /* cannot fail for SIGINT */
	r = query_run(query, sql, &handler, e);
	(void)signal(SIGINT, SIG_DFL);
	if (r == 0 && o.has_table)
		r = table_print(&o.table, stdout, e);
	if (query_damaged(query, damage))
		log_warning("rows are missing: %s; 'amber verify' looks at everything", damage);
	if (o.has_table)
		table_fini(&o.table);
	buf_fini(&o.line);
	for (size_t i = 0; i < o.columns; i++)
		free(o.names[i]);
	free(o.names);
	return r;
}

static int run(struct cmd *cmd, struct err *e)
{
	AUTO(buf) struct buf sql;
	int r;

	buf_init(&sql, SQL_BYTES);
	r = read_sql(cmd, &sql, e);
	if (r == 0)
		r = ask(cmd, buf_text(&sql), e);
	return r == -EINVAL || r == -EPERM ? EXIT_USAGE : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static const struct cmd_example examples[] = {
	{"which programs ran most?",
	 "amber query \"SELECT exe, count(*) n FROM events WHERE type='process.exec' GROUP BY exe "
	 "ORDER BY n DESC LIMIT 10\""},
	{"who talked to the metadata service?",
	 "amber query \"SELECT time, container_name, exe FROM events WHERE type='net.connect' AND "
	 "remote_addr='169.254.169.254'\""},
	{"how much happened in each container? (counted natively, fast)",
	 "amber query \"SELECT container_name, sum(n) FROM counts GROUP BY 1\""},
	{"a longer question from a file", "amber query - < question.sql"},
	{NULL, NULL},
};

const struct command command_query = {
	.name = "query",
	.summary = "ask the record in SQL",
	.words = "SQL",
	.words_min = 1,
	.words_max = 1,
	.options = options,
	.description = "Answers one SELECT over the tables that 'amber schema' lists, also while "
		       "the recorder\n"
		       "writes. The dialect is SQLite's. Conditions on time, container, type, pid "
		       "and texts are\n"
		       "answered by skipping blocks and comparing each distinct text once.",
	.examples = examples,
	.run = run,
};

/* ---- schema ---- */

struct schema {
	struct cmd *cmd;
	const char *wanted, *last;
	unsigned shown;
	struct buf line;
};

static void schema_json(struct schema *s, const struct query_schema_line *line)
{
	struct json j;

	buf_clear(&s->line);
	j = json_to(&s->line);
	json_object(&j, NULL);
	json_text(&j, "table", line->table);
	json_text(&j, "column", line->column);
	json_text(&j, "kind", line->kind);
	json_text(&j, "what", line->what);
	json_object_end(&j);
	puts(buf_text(&s->line));
}

static void on_schema(void *ctx, const struct query_schema_line *line)
{
	struct schema *s = ctx;
	bool colour = table_colour(stdout);

	if (s->wanted && strcmp(s->wanted, line->table) != 0)
		return;
	s->shown++;
	if (s->cmd->json) {
		schema_json(s, line);
		return;
	}
	if (!s->last || strcmp(s->last, line->table) != 0)
		printf("%s%s%s%s  %s\n", s->last ? "\n" : "", colour ? "\033[1m" : "", line->table,
		       colour ? "\033[0m" : "", line->table_what);
	s->last = line->table;
	printf("  %-18s %-8s %s\n", line->column, line->kind, line->what);
}

static void print_types(void)
{
	bool colour = table_colour(stdout);

	printf("\n%sevent types%s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
	for (unsigned t = 0; t < EVENT_TYPE_MAX; t++)
		if (event_types[t].name)
			printf("  %-18s %s\n", event_types[t].name, event_types[t].what);
}

static int run_schema(struct cmd *cmd, struct err *e)
{
	struct schema s = {.cmd = cmd, .wanted = cmd->words ? cmd->word[0] : NULL};

	buf_init(&s.line, 65536);
	query_schema(on_schema, &s);
	buf_fini(&s.line);
	if (s.wanted && s.shown == 0) {
		(void)err_set(e, ENOENT, "no table '%s'; 'amber schema' lists them",
			      s.wanted); /* told through e */
		return EXIT_USAGE;
	}
	if (!cmd->json && !s.wanted)
		print_types();
	return EXIT_DONE;
}

static const struct cmd_example schema_examples[] = {
	{"what can be asked?", "amber schema"},
	{"the columns of one table", "amber schema events"},
	{NULL, NULL},
};

const struct command command_schema = {
	.name = "schema",
	.summary = "list the tables, columns and event types that query knows",
	.words = "[TABLE]",
	.words_max = 1,
	.description =
		"Printed from the same tables that the recorder and the journal are built from.",
	.examples = schema_examples,
	.run = run_schema,
};
