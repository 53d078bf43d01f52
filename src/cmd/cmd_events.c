/* cmd_events.c - amber events: the record, line by line, past or as it grows. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/print.h"
#include "cmd/table.h"
#include "store/journal_read.h"

enum {
	OPT_FOLLOW,
	OPT_CONTAINER,
	OPT_TYPE,
	OPT_PID,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_GREP,
	OPT_LAST
};

static const struct cmd_option options[] = {
	[OPT_FOLLOW] = {"follow", NULL, "go on with what is recorded from now on"},
	[OPT_CONTAINER] = {"container", "NAME",
			   "only this container: a name, an id, or its beginning"},
	[OPT_TYPE] = {"type", "TYPES", "only these types, separated by commas; file.* is a group"},
	[OPT_PID] = {"pid", "PID", "only this process"},
	[OPT_SINCE] = {"since", "TIME", "from then on: 15m, 2d, 2026-11-24T07:43:00Z"},
	[OPT_UNTIL] = {"until", "TIME", "up to then"},
	[OPT_GREP] = {"grep", "TEXT", "only lines that contain the text"},
	[OPT_LAST] = {"last", "N", "begin about N events before the end"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"what happened in the last quarter of an hour?", "amber events --since 15m"},
	{"what did this container run, and whom did it talk to?",
	 "amber events --container web --type process.exec,net.*"},
	{"watch every container start programs", "amber events --follow --type process.exec"},
	{"what was lost?", "amber events --type gap"},
	{NULL, NULL},
};

struct show {
	struct cmd *cmd;
	struct buf line;
	bool colour, gaps;
	uint64_t shown;
};

/* Whether `text` names the type: itself, or "group.*". */
static bool names_type(struct span text, const char *type)
{
	if (span_ends(text, ".*"))
		return strncmp(type, (const char *)text.p, text.n - 1) == 0;
	return span_is(text, type);
}

static int add_types(struct journal_filter *filter, const char *list, struct err *e)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		bool found = false;

		for (unsigned t = 0; t < EVENT_TYPE_MAX; t++) {
			if (!event_types[t].name ||
			    !names_type(span_make(list, n), event_types[t].name))
				continue;
			journal_filter_type(filter, (enum event_type)t);
			found = true;
		}
		if (!found)
			return err_set(e, EINVAL, "no event type '%.*s'; 'amber schema' lists them",
				       (int)n, list);
		list += n + (list[n] == ',');
	}
	return 0;
}

static int make_filter(struct cmd *cmd, struct journal_filter *filter, struct buf *id,
		       struct err *e)
{
	const char *const *option = cmd->option;
	char *end;
	int r = 0;

	if (option[OPT_TYPE])
		r = add_types(filter, option[OPT_TYPE], e);
	if (r == 0 && option[OPT_SINCE])
		r = clock_parse(option[OPT_SINCE], &filter->from_ns, e);
	if (r == 0 && option[OPT_UNTIL])
		r = clock_parse(option[OPT_UNTIL], &filter->to_ns, e);
	if (r == 0 && option[OPT_PID]) {
		filter->pid = (uint32_t)strtoul(option[OPT_PID], &end, 10);
		if (*end || filter->pid == 0)
			r = err_set(e, EINVAL, "cannot read '%s' as a process id", option[OPT_PID]);
	}
	if (r == 0 && option[OPT_CONTAINER]) {
		r = lookup_container(cmd->state_dir, option[OPT_CONTAINER], id, e);
		filter->container = buf_span(id);
	}
	return r;
}

static int show_event(struct show *show, const struct event *ev, struct err *e)
{
	const char *grep = show->cmd->option[OPT_GREP];

	show->gaps |= ev->type == EVENT_GAP;
	buf_clear(&show->line);
	if (show->cmd->json) {
		struct json j = json_to(&show->line);

		print_json(&j, ev);
	} else {
		print_line(&show->line, ev, show->colour);
	}
	if (buf_check(&show->line, "one event", e) < 0)
		return -e->code;
	if (grep && !span_contains(buf_span(&show->line), span_of(grep)))
		return 0;
	show->shown++;
	buf_add_u8(&show->line, '\n');
	if (fwrite(show->line.p, 1, show->line.n, stdout) != show->line.n)
		return err_sys(e, errno, "cannot write the result");
	return 0;
}

static int show_all(struct show *show, struct journal_reader *reader, struct journal_rows *rows,
		    struct err *e)
{
	bool follow = show->cmd->option[OPT_FOLLOW];
	struct event ev;
	int r;

	for (;;) {
		r = journal_rows_next(rows, &ev, e);
		if (r > 0)
			r = show_event(show, &ev, e);
		else if (r == 0 && !follow)
			return 0;
		else if (r == 0) {
			(void)fflush(stdout); /* a failure shows at the next write */
			(void)nanosleep(&(struct timespec){.tv_nsec = 200000000},
					NULL); /* a pause */
			r = journal_reader_refresh(reader, e);
		}
		if (r < 0)
			return r;
	}
}

static int run(struct cmd *cmd, struct err *e)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	AUTO(buf) struct buf id;
	struct show show = {.cmd = cmd, .colour = table_colour(stdout)};
	struct journal_filter filter = {0};
	int r;

	buf_init(&id, LIMIT_CONTAINER_ID);
	r = make_filter(cmd, &filter, &id, e);
	if (r == -EINVAL)
		return EXIT_USAGE;
	if (r == 0)
		r = lookup_record(cmd->state_dir, e);
	if (r == 0)
		r = journal_reader_open(cmd->state_dir, &reader, e);
	if (r == 0)
		r = journal_rows_open(reader, &filter, &rows, e);
	if (r == 0 && cmd->option[OPT_LAST])
		r = journal_rows_tail(rows, strtoull(cmd->option[OPT_LAST], NULL, 10), e);
	if (r < 0)
		return EXIT_FAILED;
	buf_init(&show.line, LIMIT_BLOCK_BYTES);
	r = show_all(&show, reader, rows, e);
	buf_fini(&show.line);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_events = {
	.name = "events",
	.summary = "show what was recorded, past or as it happens",
	.options = options,
	.description = "Prints events in the order in which they were recorded: when, in which "
		       "container, by which\n"
		       "process, what. Paths come from the kernel unless the event's marks say "
		       "claim (1).\n\n"
		       "For questions rather than listings use 'amber query'.",
	.examples = examples,
	.run = run,
};
