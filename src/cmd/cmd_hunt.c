/* cmd_hunt.c - amber hunt: rules over what was recorded. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/print.h"
#include "cmd/table.h"
#include "detect/engine.h"
#include "store/journal_read.h"

enum {
	OPT_RULES,
	OPT_CONTAINER,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_EXACT
};

static const struct cmd_option options[] = {
	[OPT_RULES] = {"rules", "FILES", "rules files in Falco's language, separated by commas"},
	[OPT_CONTAINER] = {"container", "NAME",
			   "only this container: a name, an id, or its beginning"},
	[OPT_SINCE] = {"since", "TIME", "findings from then on: 15m, 2d, 2026-11-24T07:43:00Z"},
	[OPT_UNTIL] = {"until", "TIME", "up to then"},
	[OPT_EXACT] = {"falco-exact", NULL,
		       "as Falco: what is not known is false, and the first rule of an event wins"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"what would these rules have found today?",
	 "amber hunt --rules base.yaml,local.yaml --since 1d"},
	{NULL, NULL},
};

struct hunt {
	struct cmd *cmd;
	struct ruleset rules;
	struct engine *engine;
	struct lineage *lineage;
	struct detect_event event;
	struct buf id, line, output;
	uint64_t from_ns, to_ns, findings;
	char host[HOST_NAME_MAX + 1];
	bool colour, gaps;
	int failed; /* writing */
};

/* ---- rules ---- */

static void tell_diagnostics(const struct ruleset *rules)
{
	static const char *const words[] = {"error", "warning"};

	for (size_t i = 0; i < rules->diagnostics.n; i++) {
		const struct diagnostic *d = &rules->diagnostics.items[i];

		fprintf(stderr, "%s:%u:%u: %s: %.*s\n", rules->files[d->place.file].name,
			d->place.line, d->place.column, words[d->severity], (int)d->text.n,
			(const char *)d->text.p);
		if (d->hint.n)
			fprintf(stderr, "   -> %.*s\n", (int)d->hint.n, (const char *)d->hint.p);
	}
}

static void tell_blinds(const struct engine *engine)
{
	size_t n;
	const struct engine_blind *blinds = engine_blinds(engine, &n);

	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "amber: rule '%.*s': %s\n", (int)blinds[i].rule->name.n,
			(const char *)blinds[i].rule->name.p, blinds[i].why);
}

static int add_files(struct ruleset *rules, const char *list, struct err *e)
{
	while (*list) {
		char path[LIMIT_PATH];
		size_t n = strcspn(list, ",");
		int r;

		if (n == 0 || n >= sizeof(path))
			return err_set(e, EINVAL, "--rules wants paths separated by commas");
		memcpy(path, list, n);
		path[n] = '\0';
		r = ruleset_add_file(rules, path, e);
		if (r < 0)
			return r;
		list += n + (list[n] == ',');
	}
	return 0;
}

static int load_rules(struct hunt *h, struct err *e)
{
	bool exact = h->cmd->option[OPT_EXACT];
	struct engine_options how = {.mode = exact ? MATCH_FALCO : MATCH_AMBER,
				     .first_match = exact};
	int r = add_files(&h->rules, h->cmd->option[OPT_RULES], e);

	if (r == 0)
		r = ruleset_compile(&h->rules,
				    &(struct ruleset_options){.threshold = PRIORITY_DEBUG}, e);
	if (r < 0)
		return r;
	tell_diagnostics(&h->rules);
	if (h->rules.diagnostics.errors)
		return err_set(e, EBADMSG, "%zu errors in the rules", h->rules.diagnostics.errors);
	r = engine_new(&h->rules, &how, &h->engine, e);
	if (r == 0)
		tell_blinds(h->engine);
	return r;
}

/* ---- findings ---- */

static void print_finding(struct hunt *h, const struct rule *rule)
{
	char time[CLOCK_TEXT];

	clock_print(h->event.ev->real_ns, time);
	buf_addf(&h->line, "%.10s %.15s  %s%-13s%s  ", time, time + 11, h->colour ? "\033[1m" : "",
		 rule_priority_name(rule->priority), h->colour ? "\033[0m" : "");
	path_escape(&h->line, print_container_name(h->event.ev->container));
	buf_add_text(&h->line, "  ");
	path_escape(&h->line, rule->name);
	buf_add_text(&h->line, "\n    ");
	path_escape(&h->line, buf_span(&h->output));
}

static void json_field(void *ctx, struct span name, const struct detect_value *value)
{
	struct json *j = ctx;
	char member[128];
	AUTO(buf) struct buf text;

	(void)snprintf(member, sizeof(member), "%.*s", (int)name.n,
		       (const char *)name.p); /* a longer name is cut */
	buf_init(&text, LIMIT_TEXT_BYTES);
	switch (value->kind) {
	case DETECT_ABSENT:
	case DETECT_NONE:
		json_null(j, member);
		break;
	case DETECT_BOOL:
		json_bool(j, member, value->yes);
		break;
	case DETECT_I64:
		json_i64(j, member, value->i);
		break;
	case DETECT_U64:
		json_u64(j, member, value->u);
		break;
	default:
		detect_value_print(&text, value);
		json_bytes(j, member, buf_span(&text));
	}
}

/* The members of Falco's own output, so that what reads those reads these. */
static void json_finding(struct hunt *h, const struct rule *rule)
{
	struct json j = json_to(&h->line);
	char time[CLOCK_TEXT];

	clock_print(h->event.ev->real_ns, time);
	json_object(&j, NULL);
	json_text(&j, "time", time);
	json_bytes(&j, "rule", rule->name);
	json_text(&j, "priority", rule_priority_name(rule->priority));
	json_bytes(&j, "source", rule->source);
	json_text(&j, "hostname", h->host);
	json_bytes(&j, "output", buf_span(&h->output));
	json_array(&j, "tags");
	for (size_t i = 0; i < rule->tag_n; i++)
		json_bytes(&j, NULL, rule->tags[i]);
	json_array_end(&j);
	json_object(&j, "output_fields");
	engine_output_each(h->engine, rule, json_field, &j);
	json_object_end(&j);
	json_object_end(&j);
}

static void on_hit(void *ctx, const struct rule *rule)
{
	struct hunt *h = ctx;

	if (h->event.ev->real_ns < h->from_ns)
		return;
	h->findings++;
	buf_clear(&h->output);
	buf_clear(&h->line);
	engine_output(h->engine, rule, &h->output);
	if (h->cmd->json)
		json_finding(h, rule);
	else
		print_finding(h, rule);
	buf_add_u8(&h->line, '\n');
	if (h->line.failed || fwrite(h->line.p, 1, h->line.n, stdout) != h->line.n)
		h->failed = h->line.failed ? ENOMEM : errno;
}

static int walk(struct hunt *h, struct journal_rows *rows, struct err *e)
{
	struct event ev;
	int r;

	while ((r = journal_rows_next(rows, &ev, e)) > 0) {
		h->gaps |= ev.type == EVENT_GAP;
		r = lineage_feed(h->lineage, &ev, e);
		if (r < 0)
			return r;
		h->event.ev = &ev;
		h->event.number++;
		(void)engine_event(h->engine, &h->event, on_hit, h); /* counted in findings */
		if (h->failed)
			return err_sys(e, h->failed, "cannot write the result");
	}
	return r;
}

static int hunt(struct hunt *h, struct err *e)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	/* Rows before --since are read as well: they say who the parents are. */
	struct journal_filter filter = {.to_ns = h->to_ns, .container = buf_span(&h->id)};
	int r = lineage_new(LIMIT_LINEAGE, &h->lineage, e);

	if (r == 0)
		r = journal_reader_open(h->cmd->state_dir, &reader, e);
	if (r == 0)
		r = journal_rows_open(reader, &filter, &rows, e);
	if (r < 0)
		return r;
	(void)gethostname(h->host, sizeof(h->host) - 1); /* empty when it is not known */
	h->event = (struct detect_event){.hostname = span_of(h->host),
					 .ancestry = lineage_ancestry(h->lineage)};
	return walk(h, rows, e);
}

static int prepare(struct hunt *h, struct err *e)
{
	const char *const *option = h->cmd->option;
	int r = 0;

	if (!option[OPT_RULES])
		r = err_set(e, EINVAL, "which rules? --rules FILE");
	if (r == 0 && option[OPT_SINCE])
		r = clock_parse(option[OPT_SINCE], &h->from_ns, e);
	if (r == 0 && option[OPT_UNTIL])
		r = clock_parse(option[OPT_UNTIL], &h->to_ns, e);
	if (r == 0)
		r = load_rules(h, e);
	if (r == 0 && option[OPT_CONTAINER])
		r = lookup_container(h->cmd->state_dir, option[OPT_CONTAINER], &h->id, e);
	if (r == 0)
		r = lookup_record(h->cmd->state_dir, e);
	return r;
}

static int run(struct cmd *cmd, struct err *e)
{
	struct hunt h = {.cmd = cmd, .colour = table_colour(stdout)};
	int r;

	ruleset_init(&h.rules);
	buf_init(&h.id, LIMIT_CONTAINER_ID);
	buf_init(&h.line, LIMIT_BLOCK_BYTES);
	buf_init(&h.output, LIMIT_TEXT_BYTES);
	r = prepare(&h, e);
	if (r == 0)
		r = hunt(&h, e);
	if (r == 0 && !cmd->json)
		fprintf(stderr, "%" PRIu64 " findings in %" PRIu64 " events\n", h.findings,
			h.event.number);
	engine_free(h.engine);
	lineage_free(h.lineage);
	ruleset_fini(&h.rules);
	buf_fini(&h.id);
	buf_fini(&h.line);
	buf_fini(&h.output);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : r == -EBADMSG ? EXIT_WRONG : EXIT_FAILED;
	return EXIT_DONE;
}

const struct command command_hunt = {
	.name = "hunt",
	.summary = "run rules over what was recorded",
	.options = options,
	.description = "Reads the journal from its beginning and prints each event for which a "
		       "rule holds: when, how\n"
		       "bad, in which container, and the rule's own output.\n\n"
		       "Rules are Falco's files as they are. What is not known makes no rule hold, "
		       "neither a\n"
		       "condition nor its opposite; with --falco-exact it is false, as there. "
		       "Errors in the\n"
		       "rules are told with their place, and nothing is run (3).",
	.examples = examples,
	.run = run,
};
