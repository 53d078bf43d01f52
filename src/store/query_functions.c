/* query_functions.c - the few functions that SQL over the journal needs beside SQLite's own. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/path.h"
#include "store/query_internal.h"
#include "store/query_match.h"
#include "store/query_view.h"
#include "store/vault.h"

static struct span argument(sqlite3_value *value)
{
	const void *p = sqlite3_value_blob(value);

	return span_make(p, p ? (size_t)sqlite3_value_bytes(value) : 0);
}

static void fail(sqlite3_context *ctx, const struct err *e)
{
	sqlite3_result_error(ctx, e->text, -1);
}

/* amber_time(text): nanoseconds since 1970. */
static void fn_time(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct err e = ERR_INIT;
	uint64_t ns;

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (clock_parse((const char *)sqlite3_value_text(argv[0]), &ns, &e) < 0)
		fail(ctx, &e);
	else
		sqlite3_result_int64(ctx, (sqlite3_int64)ns);
}

/* amber_rfc3339(ns): the text of a time. */
static void fn_rfc3339(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	char text[CLOCK_TEXT];

	if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER || sqlite3_value_int64(argv[0]) < 0)
		return;
	clock_print((uint64_t)sqlite3_value_int64(argv[0]), text);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* amber_escape(bytes): safe to show on a terminal. */
static void fn_escape(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	AUTO(buf) struct buf b = {0};
	struct err e = ERR_INIT;

	buf_init(&b, LIMIT_BLOCK_BYTES);
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	path_escape(&b, argument(argv[0]));
	if (buf_check(&b, "an escaped text", &e) < 0)
		fail(ctx, &e);
	else
		sqlite3_result_text64(ctx, b.n ? (const char *)b.p : "", b.n, SQLITE_TRANSIENT,
				      SQLITE_UTF8);
}

static const struct {
	uint32_t bit;
	const char *name;
} marks[] = {
	{EVENT_CLAIM, "claim"},	    {EVENT_TRUNCATED, "truncated"},
	{EVENT_COMPAT, "compat"},   {EVENT_SETUP, "setup"},
	{EVENT_OWN, "own"},	    {EVENT_FOLDED, "folded"},
	{EVENT_TAINTED, "tainted"},
};

/* amber_marks(marks): "claim,truncated". */
static void fn_marks(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	uint64_t bits = (uint64_t)sqlite3_value_int64(argv[0]);
	char text[128];
	size_t n = 0;

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	text[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (bits & marks[i].bit)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "",
					      marks[i].name);
	}
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

/* Takes one argument off the text that argv is shown as: blanks part, single quotes hold together,
 * and '\'' inside stands for a quote. */
static bool next_arg(struct span *text, struct buf *arg)
{
	size_t i = 0;
	bool quoted = false;

	buf_clear(arg);
	while (i < text->n && text->p[i] == ' ')
		i++;
	if (i == text->n)
		return false;
	for (; i < text->n && (quoted || text->p[i] != ' '); i++) {
		uint8_t c = text->p[i];

		if (c == '\'')
			quoted = !quoted;
		else if (c == '\\' && !quoted && i + 1 < text->n && text->p[i + 1] == '\'')
			buf_add_u8(arg, text->p[++i]);
		else
			buf_add_u8(arg, c);
	}
	text->p += i;
	text->n -= i;
	return true;
}

/* amber_arg(argv, n): argument n, 0 is the program; NULL when there are fewer. */
static void fn_arg(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct span text = argument(argv[0]);
	int64_t n = sqlite3_value_int64(argv[1]);
	AUTO(buf) struct buf arg = {0};
	struct err e = ERR_INIT;

	buf_init(&arg, LIMIT_BLOCK_BYTES);
	while (n >= 0 && next_arg(&text, &arg)) {
		if (n-- > 0)
			continue;
		if (buf_check(&arg, "an argument", &e) < 0)
			fail(ctx, &e);
		else
			query_result_bytes(ctx, buf_span(&arg), false);
		return;
	}
}

/* amber_kept(sha256): 1 when the vault holds the content now, 0 when it does not. */
static void fn_kept(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct query *q = sqlite3_user_data(ctx);
	uint8_t digest[SHA256_BYTES];
	struct vault_object object;
	struct err ignored = ERR_INIT;

	if (hex_parse(argument(argv[0]), digest, SHA256_BYTES) < 0)
		return;
	if (!q->vault && vault_open_reader(q->state_dir, &q->vault, &ignored) < 0) {
		sqlite3_result_int(ctx, 0); /* there is no vault */
		return;
	}
	sqlite3_result_int(ctx, vault_find(q->vault, digest, &object, &ignored) == 0);
}

/* Whose container is meant: an exact id or name before the start of an id. */
struct lookup {
	struct span which;
	uint32_t exact, prefix; /* numbers in q->texts plus one, 0 none */
	bool two_exact, two_prefix;
};

static int look_at(struct query *q, struct lookup *l, const struct container *c, struct err *e)
{
	bool exact = span_eq(c->id, l->which) || (c->name.n && span_eq(c->name, l->which));
	bool prefix = c->id.n > l->which.n && memcmp(c->id.p, l->which.p, l->which.n) == 0;
	uint32_t number;
	int r;

	if ((!exact && !prefix) || c->id.n == 0)
		return 0;
	r = query_intern(q, c->id, &number, e);
	if (r < 0)
		return r;
	uint32_t *slot = exact ? &l->exact : &l->prefix;
	bool *two = exact ? &l->two_exact : &l->two_prefix;

	*two = *two || (*slot && *slot != number + 1);
	*slot = number + 1;
	return 0;
}

static int look_everywhere(struct query *q, struct lookup *l, struct err *e)
{
	struct query_view view;
	size_t blocks = journal_reader_blocks(q->reader);
	int r = query_view_init(&view, q->reader, e);

	for (size_t i = 0; i < blocks && r == 0; i++) {
		r = query_check(q, e);
		if (r == 0)
			r = query_view_load(&view, i, e);
		if (r == 0)
			r = query_view_containers(&view, e);
		for (uint32_t k = 0; r == 0 && k < view.container_n; k++)
			r = look_at(q, l, &view.containers[k], e);
		r = r < 0 ? query_skip(q, r, e) : 0;
	}
	query_view_fini(&view);
	return r;
}

/* amber_container(which): the id behind a name, an id, or the unique start of one. */
static void fn_container(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct query *q = sqlite3_user_data(ctx);
	struct lookup l = {.which = argument(argv[0])};
	struct err e = ERR_INIT;
	uint32_t found;

	if (l.which.n == 0)
		return;
	if (look_everywhere(q, &l, &e) < 0) {
		fail(ctx, &e);
		return;
	}
	found = l.exact ? l.exact : l.prefix;
	if (l.exact ? l.two_exact : l.two_prefix)
		sqlite3_result_error(ctx,
				     "more than one container has this name or start of an id; "
				     "see table containers",
				     -1);
	else if (found)
		query_result_bytes(ctx, intern_key(&q->texts, found - 1), false);
}

/* like(pattern, text[, escape]) and glob(pattern, text) are what the operators call. */
static bool wildcard_arguments(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	for (int i = 0; i < argc; i++) {
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			return false;
	}
	if (sqlite3_value_bytes(argv[0]) > (int)LIMIT_QUERY_PATTERN) {
		sqlite3_result_error(ctx, "the pattern of LIKE or GLOB is too long", -1);
		return false;
	}
	return true;
}

static void fn_like(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	uint32_t escape = QUERY_NO_ESCAPE;

	if (!wildcard_arguments(ctx, argc, argv))
		return;
	if (argc == 3) {
		struct span text = argument(argv[2]);

		if (text.n == 0 || query_character(text, &escape) != text.n) {
			sqlite3_result_error(ctx, "ESCAPE takes one character", -1);
			return;
		}
	}
	sqlite3_result_int(ctx, query_like(argument(argv[0]), argument(argv[1]), escape));
}

static void fn_glob(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	if (wildcard_arguments(ctx, argc, argv))
		sqlite3_result_int(ctx, query_glob(argument(argv[0]), argument(argv[1])));
}

static const struct {
	const char *name, *usage, *kind, *what;
	int arguments;
	int flags;
	void (*call)(sqlite3_context *ctx, int argc, sqlite3_value **argv);
} functions[] = {
	{"amber_time", "amber_time(text)", "INTEGER", "ns since 1970 of a time, date or age (15m)",
	 1, 0, fn_time},
	{"amber_rfc3339", "amber_rfc3339(ns)", "TEXT", "the time of a number of ns", 1,
	 SQLITE_DETERMINISTIC, fn_rfc3339},
	{"amber_container", "amber_container(which)", "TEXT",
	 "id of the container with that name, id or start of an id", 1, SQLITE_DETERMINISTIC,
	 fn_container},
	{"amber_arg", "amber_arg(argv, n)", "TEXT", "argument n of argv, 0 is the program", 2,
	 SQLITE_DETERMINISTIC, fn_arg},
	{"amber_marks", "amber_marks(marks)", "TEXT", "names of the marks of an event", 1,
	 SQLITE_DETERMINISTIC, fn_marks},
	{"amber_escape", "amber_escape(bytes)", "TEXT", "bytes made safe to show", 1,
	 SQLITE_DETERMINISTIC, fn_escape},
	{"amber_kept", "amber_kept(sha256)", "INTEGER", "1 when the vault holds the content now", 1,
	 0, fn_kept},
};

static int register_wildcards(struct query *q)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC, code;

	code = sqlite3_create_function_v2(q->db, "like", 2, flags, q, fn_like, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function_v2(q->db, "like", 3, flags, q, fn_like, NULL, NULL,
						  NULL);
	if (code == SQLITE_OK)
		code = sqlite3_create_function_v2(q->db, "glob", 2, flags, q, fn_glob, NULL, NULL,
						  NULL);
	return code;
}

int query_functions_register(struct query *q)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		int code = sqlite3_create_function_v2(
			q->db, functions[i].name, functions[i].arguments,
			SQLITE_UTF8 | functions[i].flags, q, functions[i].call, NULL, NULL, NULL);

		if (code != SQLITE_OK)
			return code;
	}
	return register_wildcards(q);
}

void query_functions_schema(void (*each)(void *ctx, const struct query_schema_line *line),
			    void *ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		struct query_schema_line line = {"functions", "beside those of SQLite",
						 functions[i].usage, functions[i].kind,
						 functions[i].what};

		each(ctx, &line);
	}
}
