/* ruleset_list.c - lists put into lists, and into conditions. */
#include "detect/ruleset_build.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_delimiter(uint8_t c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

static struct def_list *find_list(struct builder *b, struct span name, uint32_t *ret_number)
{
	return intern_find(&b->list_names, name, ret_number) ? &b->lists[*ret_number] : NULL;
}

/* As Falco quotes items: what has a blank in it and no quote in front. */
static int add_item(struct builder *b, struct rules_text *to, struct piece item)
{
	struct span text = piece_text(b, item);
	struct rules_segment exact = piece_segment(item, true), near = piece_segment(item, false);
	bool quote = (!text.n || memchr(text.p, ' ', text.n)) &&
		     !(text.n && (text.p[0] == '"' || text.p[0] == '\''));
	int r = 0;

	if (quote)
		r = rules_text_add(to, span_of("\""), &near, b->e);
	if (r == 0)
		r = rules_text_add(to, text, &exact, b->e);
	if (r == 0 && quote)
		r = rules_text_add(to, span_of("\""), &near, b->e);
	return r;
}

static int resolve(struct builder *b, uint32_t number, unsigned level);

/* A list that is named by another one's item. */
static int add_list(struct builder *b, struct def_list *list, struct piece item, uint32_t number,
		    unsigned level)
{
	struct def_list *inner = &b->lists[number];
	int r = 0;

	inner->used = true;
	if (inner->resolved == RESOLVED_NOW || level > LIMIT_RULES_NESTING) {
		ruleset_tell(b, SEVERITY_ERROR, item, "write the values themselves",
			     inner->resolved == RESOLVED_NOW ? "lists name each other in a cycle"
							     : "lists are nested too deeply");
		return 0;
	}
	if (inner->index > list->seen)
		ruleset_tell(b, SEVERITY_WARNING, item, "put it before",
			     "list '%.*s' is defined later", (int)inner->name.n,
			     (const char *)inner->name.p);
	if (inner->resolved == RESOLVED_NOT)
		r = resolve(b, number, level + 1);
	return r < 0 ? r
		     : rules_text_copy(&list->text, &inner->text, 0, inner->text.text.n,
				       RULES_NO_LIST, b->e);
}

static int count_text(struct builder *b, size_t n)
{
	b->text_bytes += n;
	if (b->text_bytes > LIMIT_RULES_TEXT)
		return err_set(b->e, E2BIG,
			       "the conditions have more than %u bytes with their lists",
			       LIMIT_RULES_TEXT);
	return 0;
}

/* Takes a ", " off again when nothing followed it. */
static void drop_comma(struct rules_text *text, size_t before, size_t comma)
{
	if (text->text.n == comma)
		rules_text_cut(text, comma - before);
}

/* Nested calls are at most LIMIT_RULES_NESTING. */
static int resolve(struct builder *b, uint32_t number, unsigned level)
{
	struct def_list *list = &b->lists[number];
	int r = 0;

	list->resolved = RESOLVED_NOW;
	for (uint32_t i = 0; i < list->items.n && r == 0; i++) {
		struct piece item = list->items.p[i];
		struct rules_segment near = piece_segment(item, false);
		size_t before = list->text.text.n, comma;
		uint32_t other;

		if (before)
			r = rules_text_add(&list->text, span_of(", "), &near, b->e);
		comma = list->text.text.n;
		if (r < 0)
			break;
		if (find_list(b, piece_text(b, item), &other) && other != number)
			r = add_list(b, list, item, other, level);
		else
			r = add_item(b, &list->text, item);
		drop_comma(&list->text, before, comma);
	}
	list->resolved = RESOLVED_DONE;
	return r < 0 ? r : count_text(b, list->text.text.n);
}

int ruleset_resolve_lists(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; i < b->list_n; i++)
		rules_text_init(&b->lists[i].text);
	for (uint32_t i = 0; i < b->list_n && r == 0; i++)
		if (b->lists[i].resolved == RESOLVED_NOT)
			r = resolve(b, i, 0);
	return r;
}

/* An empty list takes one comma with it: the one before, else the one behind. */
static size_t drop_empty(struct rules_text *to, const struct rules_text *from, size_t end)
{
	size_t n = to->text.n;

	while (n && is_blank(to->text.p[n - 1]))
		n--;
	if (n && to->text.p[n - 1] == ',') {
		rules_text_cut(to, to->text.n - (n - 1));
		return end;
	}
	for (n = end; n < from->text.n && is_blank(from->text.p[n]);)
		n++;
	return n < from->text.n && from->text.p[n] == ',' ? n + 1 : end;
}

int ruleset_put_lists(struct builder *b, const struct rules_text *from, struct rules_text *to)
{
	const struct buf *text = &from->text;
	size_t at = 0;
	int r = 0;

	while (at < text->n && r == 0) {
		bool delimiter = is_delimiter(text->p[at]);
		struct def_list *list = NULL;
		size_t end = at;
		uint32_t number;

		while (end < text->n && is_delimiter(text->p[end]) == delimiter)
			end++;
		if (!delimiter)
			list = find_list(b, span_make(text->p + at, end - at), &number);
		if (!list) {
			r = rules_text_copy(to, from, at, end, RULES_NO_LIST, b->e);
		} else {
			list->used = true;
			r = rules_text_copy(to, &list->text, 0, list->text.text.n, number, b->e);
			if (!list->text.text.n)
				end = drop_empty(to, from, end);
		}
		at = end;
	}
	return r < 0 ? r : count_text(b, to->text.n);
}
