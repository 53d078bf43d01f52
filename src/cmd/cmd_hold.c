/* cmd_hold.c - amber hold: keep a part of the record from being deleted by retention. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/table.h"
#include "store/journal.h"
#include "store/key.h"

enum { OPT_REASON, OPT_BY, OPT_SINCE, OPT_UNTIL };

static const struct cmd_option options[] = {
	[OPT_REASON] = {"reason", "TEXT", "why it must be kept (needed to add)"},
	[OPT_BY] = {"by", "WHO", "who wants it (default: the user that calls)"},
	[OPT_SINCE] = {"since", "TIME", "from then on (default: from the beginning)"},
	[OPT_UNTIL] = {"until", "TIME", "up to then (default: without end)"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"keep last night", "amber hold add INC-7 --since 2026-11-23T20:00:00Z --until "
			    "2026-11-24T08:00:00Z --reason 'counsel, incident 7'"},
	{"what is held?", "amber hold ls"},
	{"let it go", "amber hold rm INC-7"},
	{NULL, NULL},
};

static int add(struct cmd *cmd, struct err *e)
{
	AUTO(key) struct key *key = NULL;
	struct journal_hold hold = {.to_ns = UINT64_MAX, .created_ns = clock_real_ns()};
	const struct passwd *user = getpwuid(getuid());
	const char *by = cmd->option[OPT_BY] ? cmd->option[OPT_BY] : user ? user->pw_name : "unknown";
	int r = 0;

	if (cmd->words < 2 || !cmd->option[OPT_REASON])
		return err_set(e, EINVAL, "write: amber hold add NAME --reason TEXT");
	if (snprintf(hold.name, sizeof(hold.name), "%s", cmd->word[1]) >= (int)sizeof(hold.name) ||
	    snprintf(hold.by, sizeof(hold.by), "%s", by) >= (int)sizeof(hold.by) ||
	    snprintf(hold.reason, sizeof(hold.reason), "%s", cmd->option[OPT_REASON]) >=
		    (int)sizeof(hold.reason))
		return err_set(e, EINVAL, "name, person or reason is too long");
	if (cmd->option[OPT_SINCE])
		r = clock_parse(cmd->option[OPT_SINCE], &hold.from_ns, e);
	if (r == 0 && cmd->option[OPT_UNTIL])
		r = clock_parse(cmd->option[OPT_UNTIL], &hold.to_ns, e);
	if (r == 0)
		r = key_open(cmd->state_dir, &key, e);
	if (r == 0)
		r = journal_hold_add(cmd->state_dir, key, &hold, e);
	if (r == 0)
		printf("held: %s\n", hold.name);
	return r;
}

static int each_hold(void *ctx, const struct journal_hold *hold)
{
	struct table *t = ctx;
	char from[CLOCK_TEXT] = "the beginning", to[CLOCK_TEXT] = "without end";

	if (hold->from_ns)
		clock_print(hold->from_ns, from);
	if (hold->to_ns != UINT64_MAX)
		clock_print(hold->to_ns, to);
	table_cell(t, span_of(hold->name));
	table_cell(t, span_of(from));
	table_cell(t, span_of(to));
	table_cell(t, span_of(hold->by));
	table_cell(t, span_of(hold->trusted ? "good" : "NOT OF THIS HOST'S KEY"));
	table_cell(t, span_of(hold->reason));
	return 0;
}

static int each_json(void *ctx, const struct journal_hold *hold)
{
	struct json *j = ctx;

	json_object(j, NULL);
	json_text(j, "name", hold->name);
	json_text(j, "by", hold->by);
	json_text(j, "reason", hold->reason);
	json_u64(j, "from_ns", hold->from_ns);
	json_u64(j, "to_ns", hold->to_ns);
	json_u64(j, "created_ns", hold->created_ns);
	json_bool(j, "trusted", hold->trusted);
	json_object_end(j);
	return 0;
}

static int list(struct cmd *cmd, struct err *e)
{
	static const char *const titles[] = {"NAME", "FROM", "TO", "BY", "SIGNATURE", "REASON"};
	AUTO(key) struct key *key = NULL;
	AUTO(buf) struct buf out;
	AUTO(table) struct table t;
	struct json j;
	int r;

	buf_init(&out, LIMIT_FILE_READ);
	j = json_to(&out);
	table_init(&t, titles, ARRAY_LEN(titles));
	r = key_open_public(cmd->state_dir, &key, e);
	if (r < 0)
		return r;
	json_array(&j, NULL);
	r = cmd->json ? journal_hold_list(cmd->state_dir, key, each_json, &j, e)
		      : journal_hold_list(cmd->state_dir, key, each_hold, &t, e);
	json_array_end(&j);
	if (r == 0 && cmd->json)
		printf("%s\n", buf_text(&out));
	else if (r == 0)
		r = table_print(&t, stdout, e);
	return r;
}

static int run(struct cmd *cmd, struct err *e)
{
	const char *verb = cmd->word[0];
	int r;

	if (strcmp(verb, "add") == 0)
		r = add(cmd, e);
	else if (strcmp(verb, "ls") == 0)
		r = list(cmd, e);
	else if (strcmp(verb, "rm") == 0 && cmd->words == 2)
		r = journal_hold_remove(cmd->state_dir, cmd->word[1], e);
	else
		r = err_set(e, EINVAL, "write: amber hold add NAME --reason TEXT, ls, or rm NAME");
	return r == -EINVAL ? EXIT_USAGE : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_hold = {
	.name = "hold",
	.summary = "keep a part of the record from being deleted (legal hold)",
	.words = "add NAME | ls | rm NAME",
	.words_min = 1,
	.words_max = 2,
	.options = options,
	.description = "Retention deletes the oldest journal files and kept contents when there are too many.\n"
		       "What overlaps the window of a hold stays. A hold is a signed file; one that was\n"
		       "tampered with holds everything.",
	.examples = examples,
	.run = run,
};
