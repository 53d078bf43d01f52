/* cmd_ps.c - amber ps: the containers that are and that were. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/print.h"
#include "cmd/table.h"
#include "store/catalog.h"

enum {
	OPT_ALIVE,
	OPT_WIDE
};

static const struct cmd_option options[] = {
	[OPT_ALIVE] = {"alive", NULL, "only those that run"},
	[OPT_WIDE] = {"wide", NULL, "also pod, restart policy, whole id, and digest of the image"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"which containers were there, also the ones that are gone?", "amber ps"},
	{"everything that is known of one", "amber --json ps web"},
	{NULL, NULL},
};

struct list {
	struct cmd *cmd;
	struct table table;
	uint64_t now_ns;
	unsigned shown;
};

static void time_cell(struct table *t, uint64_t now_ns, uint64_t at_ns)
{
	char age[16], text[24];

	if (!at_ns) {
		table_cell(t, span_of("?"));
		return;
	}
	table_age_text(now_ns > at_ns ? now_ns - at_ns : 0, age);
	(void)snprintf(text, sizeof(text), "%s ago", age); /* fits */
	table_cell(t, span_of(text));
}

static void state_cell(struct list *list, const struct container *c)
{
	if (c->state == CONTAINER_DEAD && c->exit_code >= 0)
		table_cellf(&list->table, "dead (%d)", c->exit_code);
	else
		table_cell(&list->table, span_of(container_state_name(c->state)));
}

static const char *flags_of(const struct container *c)
{
	if (c->privileged == TRUTH_YES)
		return c->auto_remove == TRUTH_YES ? "privileged,rm" : "privileged";
	return c->auto_remove == TRUTH_YES ? "rm" : "";
}

static void add_row(struct list *list, const struct container *c)
{
	struct table *t = &list->table;
	bool wide = list->cmd->option[OPT_WIDE];

	table_cell(t, wide ? c->id : print_short_id(c->id));
	table_cell(t, c->name);
	table_cell(t, c->image.n ? c->image : span_of("?"));
	table_cell(t, span_of(container_runtime_name(c->runtime)));
	state_cell(list, c);
	time_cell(t, list->now_ns, c->started_ns ? c->started_ns : c->created_ns);
	time_cell(t, list->now_ns, c->died_ns);
	if (wide) {
		table_cell(t, c->pod);
		table_cell(t, c->restart);
		table_cell(t, c->digest.n ? c->digest : c->image_id);
	}
	table_cell(t, span_of(flags_of(c)));
}

static const char *truth_word(enum truth truth)
{
	return truth == TRUTH_YES ? "yes" : truth == TRUTH_NO ? "no" : "unknown";
}

static void json_times(struct json *j, const struct container *c)
{
	static const char *const names[] = {"created", "started", "died"};
	const uint64_t times[] = {c->created_ns, c->started_ns, c->died_ns};
	char text[CLOCK_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!times[i]) {
			json_null(j, names[i]);
			continue;
		}
		clock_print(times[i], text);
		json_text(j, names[i], text);
	}
}

/* Labels and mounts are JSON in the catalog; they go in as they are. */
static void json_raw(struct json *j, const char *name, struct span value)
{
	if (!value.n) {
		json_null(j, name);
		return;
	}
	buf_addf(j->out, "%s\"%s\":", j->comma ? "," : "", name);
	buf_add_span(j->out, value);
	j->comma = true;
}

static int row_json(const struct catalog_container *row)
{
	const struct container *c = &row->container;
	AUTO(buf) struct buf b;
	struct json j;

	buf_init(&b, LIMIT_FILE_READ);
	j = json_to(&b);
	json_object(&j, NULL);
	json_bytes(&j, "id", c->id);
	json_bytes(&j, "name", c->name);
	json_bytes(&j, "image", c->image);
	json_bytes(&j, "image_id", c->image_id);
	json_bytes(&j, "digest", c->digest);
	json_text(&j, "runtime", container_runtime_name(c->runtime));
	json_text(&j, "state", container_state_name(c->state));
	json_i64(&j, "exit_code", c->exit_code);
	json_times(&j, c);
	json_bytes(&j, "pod", c->pod);
	json_bytes(&j, "pod_namespace", c->pod_namespace);
	json_bytes(&j, "pod_uid", c->pod_uid);
	json_u64(&j, "cgroup_id", c->cgroup_id);
	json_bytes(&j, "cgroup_path", c->cgroup_path);
	json_bytes(&j, "rootfs", c->rootfs);
	json_bytes(&j, "upper_dir", c->upper_dir);
	json_bytes(&j, "command", c->command);
	json_bytes(&j, "user", c->user);
	json_bytes(&j, "restart", c->restart);
	json_text(&j, "privileged", truth_word(c->privileged));
	json_text(&j, "auto_remove", truth_word(c->auto_remove));
	json_u64(&j, "init_pid", c->init_pid);
	json_raw(&j, "labels", row->labels);
	json_raw(&j, "mounts", row->mounts);
	json_object_end(&j);
	return puts(buf_text(&b)) < 0 ? -EIO : 0;
}

static int on_container(void *ctx, const struct catalog_container *row)
{
	struct list *list = ctx;

	if (list->cmd->option[OPT_ALIVE] && row->container.state == CONTAINER_DEAD)
		return 0;
	list->shown++;
	if (list->cmd->json)
		return row_json(row);
	add_row(list, &row->container);
	return 0;
}

static int run(struct cmd *cmd, struct err *e)
{
	static const char *const titles[] = {"ID",    "NAME",  "IMAGE", "RUNTIME",
					     "STATE", "BEGAN", "ENDED", "FLAGS"};
	static const char *const wide[] = {"ID",    "NAME", "IMAGE",   "RUNTIME", "STATE", "BEGAN",
					   "ENDED", "POD",  "RESTART", "DIGEST",  "FLAGS"};
	AUTO(catalog) struct catalog *catalog = NULL;
	struct list list = {.cmd = cmd, .now_ns = clock_real_ns()};
	int r = catalog_open_reader(cmd->state_dir, &catalog, e);

	if (r == -ENOENT)
		(void)err_set(e, ENOENT, "nothing was recorded in '%s' yet; start 'amber watch'",
			      cmd->state_dir); /* told through e */
	if (r < 0)
		return EXIT_FAILED;
	if (cmd->option[OPT_WIDE])
		table_init(&list.table, wide, ARRAY_LEN(wide));
	else
		table_init(&list.table, titles, ARRAY_LEN(titles));
	r = catalog_containers(catalog, span_of(cmd->words ? cmd->word[0] : NULL), on_container,
			       &list, e);
	if (r == 0 && !cmd->json)
		r = table_print(&list.table, stdout, e);
	table_fini(&list.table);
	if (r == 0 && cmd->words && list.shown == 0)
		r = err_set(e, ENOENT, "the record knows no container '%s'", cmd->word[0]);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_ps = {
	.name = "ps",
	.summary = "list containers, alive and dead, with their identity",
	.words = "[CONTAINER]",
	.words_max = 1,
	.options = options,
	.description = "Lists every container that the record knows, those that live first, then "
		       "the dead from\n"
		       "the last on. What no runtime has told is '?', never a guess.",
	.examples = examples,
	.run = run,
};
