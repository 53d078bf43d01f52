/* match_paths.c - paths by their components, for pmatch; see match_set.h.
 *
 * The tree is built by sorting: paths become lists of components, sorted lists share their
 * beginnings, and the children of a node stand together, in order.  Names without a glob are
 * found by bisection; the globs of a node are tried one after the other. */
#include "detect/match_set.h"

#include "base/limits.h"
#include "detect/glob.h"

struct path_node {
	struct span name;
	struct glob *glob; /* NULL: the name itself */
	uint32_t first;	   /* children */
	uint32_t names, globs;
	bool whole; /* a path ends here; there are no children then */
};

struct match_paths {
	struct path_node *nodes; /* [n], the root first */
	uint8_t *bytes;
	size_t n, size;
};

/* Components of one path. */
struct parts {
	uint32_t n;
	struct span name[LIMIT_DETECT_PATH_DEPTH];
};

/* Moves over one component; false at the end of the path. */
static bool next_part(struct span path, size_t *at, struct span *ret_part)
{
	const uint8_t *slash;
	size_t n;

	while (*at < path.n && path.p[*at] == '/')
		(*at)++;
	if (*at == path.n)
		return false;
	n = path.n - *at;
	slash = memchr(path.p + *at, '/', n);
	if (slash)
		n = (size_t)(slash - path.p) - *at;
	*ret_part = span_make(path.p + *at, n);
	*at += n;
	return true;
}

static int split(struct span path, struct parts *ret_parts, struct err *e)
{
	struct span part;
	size_t at = 0;

	ret_parts->n = 0;
	while (next_part(path, &at, &part)) {
		if (ret_parts->n == LIMIT_DETECT_PATH_DEPTH)
			return err_set(e, E2BIG, "a path of pmatch has more than %u components",
				       LIMIT_DETECT_PATH_DEPTH);
		ret_parts->name[ret_parts->n++] = part;
	}
	return 0;
}

/* Names before globs, so that both are one range of a node's children. */
static int part_order(struct span a, struct span b)
{
	int globs = (int)glob_is_pattern(a) - (int)glob_is_pattern(b);

	return globs ? globs : span_cmp(a, b);
}

static int path_order(const void *a, const void *b)
{
	struct span x = *(const struct span *)a, y = *(const struct span *)b, p, q;
	size_t i = 0, j = 0;

	for (;;) {
		bool more_x = next_part(x, &i, &p), more_y = next_part(y, &j, &q);
		int order = more_x && more_y ? part_order(p, q) : (int)more_x - (int)more_y;

		if (order || !more_x)
			return order;
	}
}

/* A range of sorted paths that share the components down to a node. */
struct range {
	size_t first, last; /* [first, last) */
	uint32_t node, depth;
};

struct builder {
	struct match_paths *paths;
	struct parts *parts; /* [n], sorted */
	struct range *todo;  /* as many as nodes: each is put in once */
	size_t todo_n;
};

static int add_child(struct builder *b, struct span name, struct path_node *parent, struct err *e)
{
	struct path_node *child = &b->paths->nodes[b->paths->n];

	child->name = name;
	if (glob_is_pattern(name)) {
		int r = glob_new(name, false, &child->glob, e);

		if (r < 0)
			return r;
		parent->globs++;
	} else {
		parent->names++;
	}
	b->paths->n++;
	return 0;
}

/* Makes the children of one node.  A path that ends at the node sorts first and covers the rest. */
static int build_node(struct builder *b, struct range range, struct err *e)
{
	struct path_node *node = &b->paths->nodes[range.node];
	const struct parts *parts = b->parts;

	node->first = (uint32_t)b->paths->n;
	if (parts[range.first].n == range.depth) {
		node->whole = true;
		return 0;
	}
	for (size_t i = range.first; i < range.last;) {
		struct span name = parts[i].name[range.depth];
		size_t first = i;
		int r;

		while (i < range.last && span_eq(parts[i].name[range.depth], name))
			i++;
		b->todo[b->todo_n++] =
			(struct range){first, i, (uint32_t)b->paths->n, range.depth + 1};
		r = add_child(b, name, node, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int build(struct builder *b, const struct span *sorted, size_t n, struct err *e)
{
	size_t nodes = 1;

	for (size_t i = 0; i < n; i++) {
		int r = split(sorted[i], &b->parts[i], e);

		if (r < 0)
			return r;
		nodes += b->parts[i].n;
	}
	b->paths->nodes = calloc(nodes, sizeof(*b->paths->nodes));
	b->todo = calloc(nodes, sizeof(*b->todo));
	if (!b->paths->nodes || !b->todo)
		return err_set(e, ENOMEM, "no memory for the paths of a condition");
	b->paths->n = 1;
	if (n)
		b->todo[b->todo_n++] = (struct range){0, n, 0, 0};
	for (size_t i = 0; i < b->todo_n; i++) {
		int r = build_node(b, b->todo[i], e);

		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_paths(struct match_paths *p, const struct span *paths, size_t n,
		      struct span *sorted, struct err *e)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (paths[i].n > LIMIT_DETECT_MATCH - p->size)
			return err_set(e, E2BIG, "the paths are more than %u bytes",
				       LIMIT_DETECT_MATCH);
		p->size += paths[i].n;
	}
	p->bytes = malloc(p->size + 1);
	if (!p->bytes)
		return err_set(e, ENOMEM, "no memory for the paths of a condition");
	for (size_t i = 0; i < n; i++) {
		if (paths[i].n)
			memcpy(p->bytes + at, paths[i].p, paths[i].n);
		sorted[i] = span_make(p->bytes + at, paths[i].n);
		at += paths[i].n;
	}
	qsort(sorted, n, sizeof(*sorted), path_order);
	return 0;
}

int match_paths_new(const struct span *paths, size_t n, struct match_paths **ret_paths,
		    struct err *e)
{
	AUTO(free) struct span *sorted = NULL;
	struct builder b = {.parts = NULL};
	int r = 0;

	if (n > LIMIT_DETECT_MATCH / sizeof(*b.parts))
		return err_set(e, E2BIG, "%zu paths are more than %zu", n,
			       LIMIT_DETECT_MATCH / sizeof(*b.parts));
	sorted = calloc(n + 1, sizeof(*sorted));
	b.paths = calloc(1, sizeof(*b.paths));
	b.parts = calloc(n + 1, sizeof(*b.parts));
	if (!sorted || !b.paths || !b.parts)
		r = err_set(e, ENOMEM, "no memory for the paths of a condition");
	if (r == 0)
		r = copy_paths(b.paths, paths, n, sorted, e);
	if (r == 0)
		r = build(&b, sorted, n, e);
	free(b.parts);
	free(b.todo);
	if (r < 0) {
		match_paths_free(b.paths);
		return r;
	}
	*ret_paths = b.paths;
	return 0;
}

void match_paths_free(struct match_paths *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		glob_free(p->nodes[i].glob);
	free(p->nodes);
	free(p->bytes);
	free(p);
}

/* The child with that name, or NULL. */
static const struct path_node *child_named(const struct match_paths *p,
					   const struct path_node *node, struct span name)
{
	size_t low = node->first, high = low + node->names;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_cmp(p->nodes[middle].name, name);

		if (order == 0)
			return &p->nodes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* A node on the way down and what of it was tried: 0 the name, n the n-th glob. */
struct step {
	const struct path_node *node;
	uint32_t tried;
};

/* The next child of the step's node that takes the component, or NULL. */
static const struct path_node *try_next(const struct match_paths *p, struct step *step,
					struct span name)
{
	const struct path_node *node = step->node, *child;

	if (step->tried == 0) {
		step->tried = 1;
		child = child_named(p, node, name);
		if (child)
			return child;
	}
	while (step->tried <= node->globs) {
		child = &p->nodes[node->first + node->names + step->tried++ - 1];
		if (glob_match(child->glob, name))
			return child;
	}
	return NULL;
}

bool match_paths_has(const struct match_paths *p, struct span path)
{
	struct step steps[LIMIT_DETECT_PATH_DEPTH + 1];
	struct span part[LIMIT_DETECT_PATH_DEPTH];
	size_t parts = 0, at = 0, depth = 0;

	if (p->nodes[0].whole)
		return true;
	while (parts < LIMIT_DETECT_PATH_DEPTH && next_part(path, &at, &part[parts]))
		parts++;
	steps[0] = (struct step){&p->nodes[0], 0};
	for (;;) {
		const struct path_node *child =
			depth < parts ? try_next(p, &steps[depth], part[depth]) : NULL;

		if (child && child->whole)
			return true;
		if (child)
			steps[++depth] = (struct step){child, 0};
		else if (depth-- == 0)
			return false;
	}
}

size_t match_paths_bytes(const struct match_paths *p)
{
	size_t bytes = sizeof(*p) + p->size + p->n * sizeof(*p->nodes);

	for (size_t i = 0; i < p->n; i++)
		bytes += p->nodes[i].glob ? glob_bytes(p->nodes[i].glob) : 0;
	return bytes;
}
