/* cmd_tree.c - amber tree: who started whom in a container, with what they did.
 *
 * Built from the record alone, so it works long after everything in it has ended. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/print.h"
#include "cmd/table.h"
#include "store/journal_read.h"

#define TREE_NODES 1000000u /* processes that are shown at most */
#define TREE_DEPTH 64u	    /* levels that are indented; deeper ones are shown at that level */

enum {
	OPT_SINCE,
	OPT_UNTIL,
	OPT_DEEDS
};

static const struct cmd_option options[] = {
	[OPT_SINCE] = {"since", "TIME", "from then on: 15m, 2d, 2026-11-24T07:43:00Z"},
	[OPT_UNTIL] = {"until", "TIME", "up to then"},
	[OPT_DEEDS] = {"deeds", NULL,
		       "also files written and deleted, and connections, under each"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"who started whom in a container that is gone", "amber tree web"},
	{"and what did each of them touch?", "amber tree web --deeds"},
	{NULL, NULL},
};

struct line {
	struct line *next;
	enum event_type type;
	char *text; /* escaped */
};

struct node {
	uint32_t pid, ppid;
	uint64_t start_ns, parent_start_ns;
	struct line *first, **last; /* programs that it ran, and deeds, in order */
	char *comm;
	char *end;	       /* how it ended; NULL when it still ran */
	size_t child, sibling; /* 0 none, else number + 1 */
	bool has_parent;
};

struct tree {
	struct node *nodes;
	size_t n, cap;
	struct map by_key;
	bool deeds;
	uint64_t left_out; /* processes beyond TREE_NODES */
};

static uint64_t key_of(uint32_t pid, uint64_t start_ns)
{
	uint64_t key[2] = {pid, start_ns};

	return hash64(span_make(key, sizeof(key)));
}

static void tree_fini(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct line *line = t->nodes[i].first;

		while (line) {
			struct line *next = line->next;

			free(line->text);
			free(line);
			line = next;
		}
		free(t->nodes[i].comm);
		free(t->nodes[i].end);
	}
	free(t->nodes);
	map_fini(&t->by_key);
}
DEFINE_AUTO(tree, struct tree, tree_fini);

static int grow(struct tree *t, struct err *e)
{
	size_t cap = t->cap ? t->cap * 2 : 256;
	struct node *nodes;

	if (t->n < t->cap)
		return 0;
	nodes = reallocarray(t->nodes, cap, sizeof(*nodes));
	if (!nodes)
		return err_set(e, ENOMEM, "no memory for %zu processes", cap);
	t->nodes = nodes;
	t->cap = cap;
	/* The list heads moved with the array. */
	for (size_t i = 0; i < t->n; i++)
		if (!t->nodes[i].first)
			t->nodes[i].last = &t->nodes[i].first;
	return 0;
}

/* The node of a process, a new one at first sight; NULL in *ret_node beyond the limit. */
static int node_of(struct tree *t, const struct process *p, struct node **ret_node, struct err *e)
{
	uint64_t key = key_of(p->pid, p->start_ns);
	uint64_t *number = map_find(&t->by_key, key);
	struct node *node;

	*ret_node = number ? &t->nodes[*number] : NULL;
	if (number)
		return 0;
	if (t->n >= TREE_NODES) {
		t->left_out++;
		return 0;
	}
	if (grow(t, e) < 0)
		return -ENOMEM;
	if (map_put(&t->by_key, key, t->n) < 0)
		return err_set(e, ENOMEM, "no memory for %zu processes", t->n);
	node = &t->nodes[t->n++];
	*node = (struct node){.pid = p->pid,
			      .ppid = p->ppid,
			      .start_ns = p->start_ns,
			      .parent_start_ns = p->parent_start_ns};
	node->last = &node->first;
	*ret_node = node;
	return 0;
}

/* An owned, escaped copy of what the event says. */
static char *words(const struct event *ev)
{
	AUTO(buf) struct buf b;
	const char *text;

	buf_init(&b, LIMIT_BLOCK_BYTES);
	print_summary(&b, ev);
	text = buf_text(&b);
	return text ? strdup(text) : NULL;
}

static int add_line(struct node *node, const struct event *ev, struct err *e)
{
	struct line *line = calloc(1, sizeof(*line));

	if (!line || !(line->text = words(ev))) {
		free(line);
		return err_set(e, ENOMEM, "no memory for the tree");
	}
	line->type = ev->type;
	*node->last = line;
	node->last = &line->next;
	return 0;
}

static bool is_deed(enum event_type type)
{
	return type == EVENT_FILE_OPEN || type == EVENT_FILE_UNLINK || type == EVENT_FILE_RENAME ||
	       type == EVENT_FILE_KEPT || type == EVENT_NET_CONNECT || type == EVENT_NET_ACCEPT ||
	       type == EVENT_MEMORY_MEMFD || type == EVENT_PROCESS_PTRACE;
}

static int see(struct tree *t, const struct event *ev, struct err *e)
{
	struct node *node;
	int r;

	if (!ev->process || !ev->process->pid)
		return 0;
	r = node_of(t, ev->process, &node, e);
	if (r < 0 || !node)
		return r;
	if (!node->comm || ev->type == EVENT_PROCESS_EXEC) {
		free(node->comm);
		node->comm = strndup((const char *)ev->process->comm.p, ev->process->comm.n);
	}
	if (ev->type == EVENT_PROCESS_EXIT && !node->end)
		node->end = words(ev);
	if (ev->type == EVENT_PROCESS_EXEC || (t->deeds && is_deed(ev->type)))
		return add_line(node, ev, e);
	return 0;
}

/* Hangs each node under its parent, in order of first sight. */
static void link_nodes(struct tree *t)
{
	for (size_t i = t->n; i-- > 0;) {
		struct node *node = &t->nodes[i];
		uint64_t *parent = map_find(&t->by_key, key_of(node->ppid, node->parent_start_ns));

		if (!parent || *parent == i)
			continue;
		node->has_parent = true;
		node->sibling = t->nodes[*parent].child;
		t->nodes[*parent].child = i + 1;
	}
}

static void print_text(const char *text)
{
	AUTO(buf) struct buf b;

	buf_init(&b, (size_t)LIMIT_PATH * 4);
	path_escape(&b, span_of(text));
	fwrite(b.p, 1, b.n, stdout);
}

static void print_node(const struct node *node, const char *lead, const char *branch, bool colour)
{
	const char *below = node->child ? "\u2502 " : "  ";

	printf("%s%s%s%u%s ", lead, branch, colour ? "\033[1m" : "", node->pid,
	       colour ? "\033[0m" : "");
	print_text(node->comm ? node->comm : "?");
	if (node->end)
		printf("  %s[%s]%s", colour ? "\033[2m" : "", node->end, colour ? "\033[0m" : "");
	putchar('\n');
	for (const struct line *line = node->first; line; line = line->next) {
		const char *go_on = *branch == '\0'			   ? ""
				    : strcmp(branch, "\u2514\u2500 ") == 0 ? "   "
									   : "\u2502  ";
		printf("%s%s%s  ", lead, go_on, below);
		if (line->type == EVENT_PROCESS_EXEC)
			printf("ran %s\n", line->text);
		else
			printf("%s %s\n", event_types[line->type].name, line->text);
	}
}

/* One root and all below it, without recursion: the path down is kept in `stack`. */
static void print_root(const struct tree *t, size_t root, bool colour)
{
	size_t stack[TREE_DEPTH + 1], depth = 0;
	char lead[TREE_DEPTH * 4 + 1];

	stack[0] = root + 1;
	while (1) {
		const struct node *node = &t->nodes[stack[depth] - 1];
		const char *branch = depth == 0	     ? ""
				     : node->sibling ? "\u251c\u2500 "
						     : "\u2514\u2500 ";

		lead[0] = '\0';
		for (size_t d = 1, at = 0; d < depth; d++)
			at += (size_t)snprintf(lead + at, sizeof(lead) - at,
					       "%s", /* fits: 5 bytes each */
					       t->nodes[stack[d] - 1].sibling ? "\u2502  " : "   ");
		print_node(node, lead, branch, colour);
		if (node->child && depth < TREE_DEPTH - 1) {
			stack[++depth] = node->child;
			continue;
		}
		while (depth && !t->nodes[stack[depth] - 1].sibling)
			depth--;
		if (depth == 0)
			return;
		stack[depth] = t->nodes[stack[depth] - 1].sibling;
	}
}

static void print_json_tree(const struct tree *t)
{
	AUTO(buf) struct buf b;

	buf_init(&b, LIMIT_BLOCK_BYTES);
	for (size_t i = 0; i < t->n; i++) {
		const struct node *node = &t->nodes[i];
		struct json j;

		buf_clear(&b);
		j = json_to(&b);
		json_object(&j, NULL);
		json_u64(&j, "pid", node->pid);
		json_u64(&j, "start_ns", node->start_ns);
		json_u64(&j, "ppid", node->ppid);
		json_u64(&j, "parent_start_ns", node->parent_start_ns);
		json_text(&j, "comm", node->comm);
		json_array(&j, "ran");
		for (const struct line *line = node->first; line; line = line->next)
			if (line->type == EVENT_PROCESS_EXEC)
				json_text(&j, NULL, line->text);
		json_array_end(&j);
		json_text(&j, "end", node->end);
		json_object_end(&j);
		printf("%s\n", buf_text(&b));
	}
}

static int read_events(struct cmd *cmd, struct tree *t, struct journal_filter *filter,
		       struct err *e)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	struct event ev;
	int r = journal_reader_open(cmd->state_dir, &reader, e);

	if (r == 0)
		r = journal_rows_open(reader, filter, &rows, e);
	while (r == 0 && (r = journal_rows_next(rows, &ev, e)) > 0)
		r = see(t, &ev, e);
	return r;
}

static int run(struct cmd *cmd, struct err *e)
{
	AUTO(tree) struct tree t = {.deeds = cmd->option[OPT_DEEDS] != NULL};
	AUTO(buf) struct buf id;
	struct journal_filter filter = {0};
	int r;

	buf_init(&id, LIMIT_CONTAINER_ID);
	map_init(&t.by_key);
	r = lookup_container(cmd->state_dir, cmd->word[0], &id, e);
	filter.container = buf_span(&id);
	if (r == 0 && cmd->option[OPT_SINCE])
		r = clock_parse(cmd->option[OPT_SINCE], &filter.from_ns, e);
	if (r == 0 && cmd->option[OPT_UNTIL])
		r = clock_parse(cmd->option[OPT_UNTIL], &filter.to_ns, e);
	if (r == 0)
		r = read_events(cmd, &t, &filter, e);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	link_nodes(&t);
	if (cmd->json) {
		print_json_tree(&t);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < t.n; i++)
		if (!t.nodes[i].has_parent)
			print_root(&t, i, table_colour(stdout));
	if (t.left_out)
		fprintf(stderr, "amber: events of processes beyond the first %u are not shown\n",
			TREE_NODES);
	return EXIT_DONE;
}

const struct command command_tree = {
	.name = "tree",
	.summary = "who started whom in a container, and what they ran",
	.words = "CONTAINER",
	.words_min = 1,
	.words_max = 1,
	.options = options,
	.description = "Draws the processes of a container as a tree, from the record: each with "
		       "the programs\n"
		       "that it ran and how it ended. The container may be gone.",
	.examples = examples,
	.run = run,
};
