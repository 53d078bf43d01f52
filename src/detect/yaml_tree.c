/* yaml_tree.c - see yaml_tree.h. */
#include "detect/yaml_tree.h"

#include <yaml.h>

#include "base/map.h"

/* Sequences and mappings that are open, with the last child of each; the outermost is the stream.
 */
struct builder {
	struct ytree *t;
	uint32_t open[LIMIT_RULES_NESTING + 1], last[LIMIT_RULES_NESTING + 1];
	unsigned depth;
	struct intern anchors;
	struct map named; /* number of an anchor to its newest node */
	unsigned aliases;
	size_t mark_line, mark_column, mark_byte; /* the last one that was looked up */
	struct yplace place;
	struct err *e;
};

void ytree_init(struct ytree *t)
{
	memset(t, 0, sizeof(*t));
	t->first_document = YNODE_NONE;
	t->cursor.node = YNODE_NONE;
	buf_init(&t->source, LIMIT_RULES_FILE);
	buf_init(&t->texts, LIMIT_RULES_FILE);
}

void ytree_fini(struct ytree *t)
{
	buf_fini(&t->source);
	buf_fini(&t->texts);
	free(t->nodes);
	free(t->lines);
	ytree_init(t);
}

static int add_line(struct ytree *t, size_t at, struct err *e)
{
	if (t->line_n == t->line_cap) {
		size_t cap = t->line_cap ? t->line_cap * 2 : 256;
		uint32_t *more = reallocarray(t->lines, cap, sizeof(*more));

		if (!more)
			return err_set(e, ENOMEM, "no memory for a file of rules");
		t->lines = more;
		t->line_cap = cap;
	}
	t->lines[t->line_n++] = (uint32_t)at;
	return 0;
}

/* Bytes of the line break at p, 0 when there is none: what YAML 1.1 takes for one. */
static size_t break_len(const uint8_t *p, size_t left)
{
	if (p[0] == '\n')
		return 1;
	if (p[0] == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (left > 1 && p[0] == 0xc2 && p[1] == 0x85)
		return 2;
	if (left > 2 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		return 3;
	return 0;
}

static int find_lines(struct ytree *t, struct err *e)
{
	struct span s = buf_span(&t->source);
	int r = add_line(t, 0, e);

	for (size_t i = 0; i < s.n && r == 0;) {
		size_t n = break_len(s.p + i, s.n - i);

		i += n ? n : 1;
		if (n)
			r = add_line(t, i, e);
	}
	return r;
}

/* libyaml counts characters; the source is bytes.  Goes on from the mark before when that stands on
 * the same line: a file may be one line. */
static uint32_t byte_of(struct builder *b, const yaml_mark_t *mark)
{
	const struct ytree *t = b->t;
	size_t line = mark->line < t->line_n ? mark->line : t->line_n - 1;
	size_t at = t->lines[line], column = 0;

	if (line == b->mark_line && mark->column >= b->mark_column && b->mark_byte >= at) {
		at = b->mark_byte;
		column = b->mark_column;
	}
	for (; column < mark->column && at < t->source.n; column++) {
		at++;
		while (at < t->source.n && (t->source.p[at] & 0xc0) == 0x80)
			at++;
	}
	b->mark_line = line;
	b->mark_column = column;
	b->mark_byte = at;
	return (uint32_t)at;
}

static struct yplace place_of(const struct ytree *t, uint32_t byte)
{
	size_t low = 0, high = t->line_n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->lines[middle] <= byte)
			low = middle;
		else
			high = middle;
	}
	return (struct yplace){(uint32_t)low + 1, byte - t->lines[low] + 1};
}

static int refuse(struct builder *b, const yaml_mark_t *mark, int code, const char *text)
{
	b->place = place_of(b->t, byte_of(b, mark));
	return err_set(b->e, code, "%s", text);
}

static int add_node(struct builder *b, enum ynode_kind kind, const yaml_event_t *event,
		    uint32_t *ret_node)
{
	struct ytree *t = b->t;
	uint32_t begin = byte_of(b, &event->start_mark), node = (uint32_t)t->n;
	struct yplace place = place_of(t, begin);

	if (t->n == LIMIT_RULES_NODES)
		return refuse(b, &event->start_mark, E2BIG, "too many values in one file");
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		struct ynode *more = reallocarray(t->nodes, cap, sizeof(*more));

		if (!more)
			return err_set(b->e, ENOMEM, "no memory for a file of rules");
		t->nodes = more;
		t->cap = cap;
	}
	t->nodes[t->n++] = (struct ynode){.kind = (uint8_t)kind,
					  .first = YNODE_NONE,
					  .next = YNODE_NONE,
					  .target = YNODE_NONE,
					  .line = place.line,
					  .column = place.column,
					  .begin = begin};
	if (b->last[b->depth] != YNODE_NONE)
		t->nodes[b->last[b->depth]].next = node;
	else if (b->depth)
		t->nodes[b->open[b->depth]].first = node;
	else
		t->first_document = node;
	b->last[b->depth] = node;
	*ret_node = node;
	return 0;
}

static int name_anchor(struct builder *b, const yaml_char_t *anchor, uint32_t node)
{
	uint32_t number;

	if (!anchor)
		return 0;
	if (intern_get(&b->anchors, span_of((const char *)anchor), &number) < 0 ||
	    map_put(&b->named, number, node) < 0)
		return err_set(b->e, ENOMEM, "no memory for a file of rules");
	return 0;
}

static int open_node(struct builder *b, enum ynode_kind kind, const yaml_event_t *event,
		     const yaml_char_t *anchor)
{
	uint32_t node;
	int r = add_node(b, kind, event, &node);

	if (r == 0)
		r = name_anchor(b, anchor, node);
	if (r < 0)
		return r;
	if (b->depth == LIMIT_RULES_NESTING)
		return refuse(b, &event->start_mark, E2BIG, "YAML is nested too deeply");
	b->depth++;
	b->open[b->depth] = node;
	b->last[b->depth] = YNODE_NONE;
	return 0;
}

static enum ynode_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return YSTYLE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return YSTYLE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return YSTYLE_BLOCK;
	default:
		return YSTYLE_PLAIN;
	}
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
	uint32_t node;
	int r = add_node(b, YNODE_SCALAR, event, &node);

	if (r < 0)
		return r;
	b->t->nodes[node].style = (uint8_t)style_of(event->data.scalar.style);
	b->t->nodes[node].text = (uint32_t)b->t->texts.n;
	b->t->nodes[node].len = (uint32_t)event->data.scalar.length;
	buf_add(&b->t->texts, event->data.scalar.value, event->data.scalar.length);
	r = buf_check(&b->t->texts, "a file of rules", b->e);
	return r < 0 ? r : name_anchor(b, event->data.scalar.anchor, node);
}

static int add_alias(struct builder *b, const yaml_event_t *event)
{
	struct span name = span_of((const char *)event->data.alias.anchor);
	const uint64_t *target = NULL;
	uint32_t node, number;
	int r;

	if (b->aliases++ == LIMIT_RULES_ALIASES)
		return refuse(b, &event->start_mark, E2BIG, "too many aliases in one file");
	if (intern_find(&b->anchors, name, &number))
		target = map_find(&b->named, number);
	if (!target)
		return refuse(b, &event->start_mark, EINVAL, "an alias names no anchor before it");
	r = add_node(b, YNODE_ALIAS, event, &node);
	if (r == 0)
		b->t->nodes[node].target = (uint32_t)*target;
	return r;
}

/* 1 to go on, 0 at the end. */
static int take_event(struct builder *b, const yaml_event_t *event)
{
	int r = 0;

	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return 0;
	case YAML_SCALAR_EVENT:
		r = add_scalar(b, event);
		break;
	case YAML_ALIAS_EVENT:
		r = add_alias(b, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		r = open_node(b, YNODE_SEQUENCE, event, event->data.sequence_start.anchor);
		break;
	case YAML_MAPPING_START_EVENT:
		r = open_node(b, YNODE_MAPPING, event, event->data.mapping_start.anchor);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		break;
	case YAML_DOCUMENT_START_EVENT:
		map_clear(&b->named); /* anchors end with their document */
		break;
	default:
		break;
	}
	return r < 0 ? r : 1;
}

static int parser_failed(struct builder *b, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return err_set(b->e, ENOMEM, "no memory for a file of rules");
	if (parser->error == YAML_READER_ERROR) {
		size_t at = parser->problem_offset;

		b->place = place_of(b->t, (uint32_t)(at < b->t->source.n ? at : b->t->source.n));
		return err_set(b->e, EINVAL, "no YAML: %s", parser->problem);
	}
	return refuse(b, &parser->problem_mark, EINVAL,
		      parser->problem ? parser->problem : "no YAML");
}

static int build(struct builder *b, yaml_parser_t *parser)
{
	int r = 1;

	while (r > 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return parser_failed(b, parser);
		r = take_event(b, &event);
		yaml_event_delete(&event);
	}
	return r;
}

int ytree_parse(struct ytree *t, struct buf *source, struct yplace *ret_place, struct err *e)
{
	struct builder b = {.t = t, .e = e, .last = {YNODE_NONE}, .place = {1, 1}};
	yaml_parser_t parser;
	int r;

	buf_fini(&t->source);
	t->source = *source;
	buf_init(source, source->max);
	if (span_starts(buf_span(&t->source), "\xef\xbb\xbf")) {
		memmove(t->source.p, t->source.p + 3, t->source.n - 3);
		t->source.n -= 3; /* libyaml takes a mark for an error once it knows the encoding */
	}
	r = find_lines(t, e);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return err_set(e, ENOMEM, "no memory for a file of rules");
	intern_init(&b.anchors);
	map_init(&b.named);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, t->source.n ? t->source.p : (const uint8_t *)"",
				     t->source.n);
	r = build(&b, &parser);
	yaml_parser_delete(&parser);
	intern_fini(&b.anchors);
	map_fini(&b.named);
	*ret_place = b.place;
	return r;
}

uint32_t ytree_follow(const struct ytree *t, uint32_t node)
{
	if (node != YNODE_NONE && t->nodes[node].kind == YNODE_ALIAS)
		return t->nodes[node].target; /* which is no alias: those cannot have anchors */
	return node;
}

enum ynode_kind ytree_kind(const struct ytree *t, uint32_t node)
{
	node = ytree_follow(t, node);
	return node == YNODE_NONE ? YNODE_ALIAS : (enum ynode_kind)t->nodes[node].kind;
}

struct span ytree_text(const struct ytree *t, uint32_t node)
{
	node = ytree_follow(t, node);
	if (node == YNODE_NONE || t->nodes[node].kind != YNODE_SCALAR || !t->nodes[node].len)
		return span_make(NULL, 0);
	return span_make(t->texts.p + t->nodes[node].text, t->nodes[node].len);
}

uint32_t ytree_first(const struct ytree *t, uint32_t node)
{
	node = ytree_follow(t, node);
	return node == YNODE_NONE ? YNODE_NONE : t->nodes[node].first;
}

bool ytree_is_null(const struct ytree *t, uint32_t node)
{
	struct span text = ytree_text(t, node);

	node = ytree_follow(t, node);
	return node == YNODE_NONE ||
	       (t->nodes[node].kind == YNODE_SCALAR && t->nodes[node].style == YSTYLE_PLAIN &&
		(!text.n || span_is(text, "~") || span_is(text, "null") || span_is(text, "Null") ||
		 span_is(text, "NULL")));
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Where the text of a scalar begins behind its quote or its header line. */
static uint32_t text_begin(const struct ytree *t, const struct ynode *n)
{
	uint32_t at = n->begin;

	if (n->style == YSTYLE_SINGLE || n->style == YSTYLE_DOUBLE)
		return at + 1;
	while (n->style == YSTYLE_BLOCK && at < t->source.n && !break_len(t->source.p + at, 1))
		at++;
	return at;
}

/* Source bytes of an escape in double quotes. */
static uint32_t escape_len(const uint8_t *p, size_t left)
{
	uint8_t c = left > 1 ? p[1] : 0;

	return c == 'x' ? 4 : c == 'u' ? 6 : c == 'U' ? 10 : 2;
}

/* An escape that became a blank, or a break that is not there. */
static bool escapes_blank(const uint8_t *p, size_t left)
{
	return left > 1 && p[0] == '\\' && (is_space(p[1]) || strchr("nrtbvf", p[1])) && p[1];
}

/* Moves *from to the source byte that value byte `c` was made of, and returns the one behind. */
static uint32_t match_byte(const struct ytree *t, const struct ynode *n, uint8_t c, uint32_t *from)
{
	const struct buf *s = &t->source;
	bool quoted = n->style == YSTYLE_DOUBLE;

	if (is_space(c))
		return *from;
	while (*from < s->n && s->p[*from] != c) {
		const uint8_t *p = s->p + *from;
		size_t left = s->n - *from;

		if (quoted && escapes_blank(p, left))
			*from += 2;
		else if (quoted && *p == '\\')
			return *from + escape_len(p, left);
		else
			(*from)++;
	}
	if (quoted && c == '\\' && *from < s->n)
		return *from + escape_len(s->p + *from, s->n - *from);
	return *from + (n->style == YSTYLE_SINGLE && c == '\'' ? 2 : 1);
}

struct yplace ytree_place(struct ytree *t, uint32_t node, uint32_t offset)
{
	struct yplace_cursor *c = &t->cursor;
	const struct ynode *n;
	uint32_t from;

	node = ytree_follow(t, node);
	n = &t->nodes[node];
	if (n->kind != YNODE_SCALAR || n->len == 0)
		return (struct yplace){n->line, n->column};
	if (c->node != node || c->at > offset)
		*c = (struct yplace_cursor){node, 0, text_begin(t, n)};
	while (c->at < offset && c->at < n->len) {
		from = c->from;
		c->from = match_byte(t, n, t->texts.p[n->text + c->at], &from);
		c->at++;
	}
	from = c->from;
	if (c->at < n->len)
		(void)match_byte(t, n, t->texts.p[n->text + c->at], &from); /* for `from` alone */
	if (from > t->source.n)
		from = (uint32_t)t->source.n;
	return place_of(t, from);
}
