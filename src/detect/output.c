/* output.c - see output.h. */
#include "detect/output.h"

#include <stdio.h>

#include "detect/condition_types.h"
#include "detect/field.h"

struct writer {
	struct output *o;
	const struct output_judge *judge;
	struct err *e;
	uint32_t at; /* of the field that is being read */
	bool good;
};

void output_init(struct output *o)
{
	memset(o, 0, sizeof(*o));
	buf_init(&o->text, LIMIT_CONDITION);
	condition_init(&o->tree);
}

void output_fini(struct output *o)
{
	buf_fini(&o->text);
	free(o->pieces);
	condition_fini(&o->tree);
	output_init(o);
}

static void tell(struct writer *w, size_t at, int code, const char *hint, const char *text)
{
	w->good = w->good && code == 0;
	w->judge->tell(w->judge->ctx, (uint32_t)at, code, hint, text);
}

/* "text; hint" as two texts. */
static void tell_err(struct writer *w, size_t at, int code, struct err *e)
{
	char *hint = strstr(e->text, "; ");

	if (hint)
		*hint = '\0';
	tell(w, at, code, hint ? hint + 2 : "", e->text);
}

static int add_piece(struct writer *w, const struct output_piece *piece)
{
	struct output *o = w->o;

	if (o->n == LIMIT_OUTPUT_PIECES)
		return err_set(w->e, E2BIG, "an output has more than %u texts and fields",
			       LIMIT_OUTPUT_PIECES);
	if (o->n == o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 16;
		struct output_piece *more = reallocarray(o->pieces, cap, sizeof(*more));

		if (!more)
			return err_set(w->e, ENOMEM, "no memory for an output");
		o->pieces = more;
		o->cap = cap;
	}
	o->pieces[o->n++] = *piece;
	return 0;
}

static int add_text(struct writer *w, size_t at, size_t end)
{
	struct output_piece piece = {.at = (uint32_t)at, .len = (uint32_t)(end - at)};

	return end > at ? add_piece(w, &piece) : 0;
}

/* What a plain field's flags say about outputs. */
static void check_flags(struct writer *w, const struct field *f)
{
	char text[160];

	if (f->flags & FFLAG_FILTER_ONLY) {
		(void)snprintf(text, sizeof(text), "field '%s' has no value in an output", f->name);
		tell(w, w->at, 0, "it is for conditions", text);
	}
	if (f->flags & FFLAG_DEPRECATED) {
		(void)snprintf(text, sizeof(text), "field '%s' is deprecated and has no value",
			       f->name);
		tell(w, w->at, 0, "remove it", text);
	}
}

static bool is_letter(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* name( at the beginning. */
static bool is_transformer(struct span rest)
{
	size_t n = 0;

	while (n < rest.n && (is_letter(rest.p[n]) || (n && rest.p[n] >= '0' && rest.p[n] <= '9')))
		n++;
	return n && n < rest.n && rest.p[n] == '(';
}

/* Reads one field or transformer; *ret_len is 0 when it was refused and told. */
static int read_operand(struct writer *w, struct span rest, uint32_t *ret_node, size_t *ret_len)
{
	struct err why = ERR_INIT;
	struct cond_fault fault;
	struct field_use use;
	int r;

	*ret_len = 0;
	if (is_transformer(rest)) {
		r = condition_parse_operand(&w->o->tree, rest, ret_node, ret_len, &fault, &why);
		if (r == -EINVAL)
			return tell(w, w->at + fault.at, r, fault.hint, why.text), 0;
		return r < 0 ? err_set(w->e, -r, "%s", why.text) : 0;
	}
	r = field_parse_prefix(rest, &use, ret_len, &why);
	if (r < 0)
		return tell_err(w, w->at, r, &why), 0;
	check_flags(w, use.field);
	return condition_add_field(&w->o->tree, span_of(use.field->name), use.arg, use.has_arg,
				   ret_node, w->e);
}

static void heard(void *ctx, const struct cond_node *node, enum cond_verdict verdict,
		  const char *hint, const char *text)
{
	struct writer *w = ctx;

	if (verdict != COND_DOUBT || node->kind == COND_TRANSFORM)
		tell(w, w->at,
		     verdict == COND_UNKNOWN ? -ENOENT
		     : verdict == COND_WRONG ? -EINVAL
					     : 0,
		     hint, text);
}

/* Digits behind the %; the width is cut at OUTPUT_WIDTH. */
static size_t read_width(struct span rest, uint32_t *ret_width)
{
	size_t n = 0;
	uint32_t width = 0;

	for (; n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9'; n++)
		if (width < OUTPUT_WIDTH)
			width = width * 10 + (uint32_t)(rest.p[n] - '0');
	*ret_width = width < OUTPUT_WIDTH ? width : OUTPUT_WIDTH;
	return n;
}

/* %container.info once stood for two fields; now for nothing. */
static size_t container_info(struct writer *w, struct span rest)
{
	if (!span_starts(rest, "container.info"))
		return 0;
	tell(w, w->at, 0, "write %container.id %container.name",
	     "%container.info is deprecated and empty");
	return strlen("container.info");
}

/* At the byte behind a %.  *at moves behind the field. */
static int read_field(struct writer *w, size_t *at)
{
	const struct cond_judge judge = {w, heard};
	struct span text = buf_span(&w->o->text);
	struct output_piece piece = {.is_field = true};
	size_t skip = read_width(span_make(text.p + *at, text.n - *at), &piece.width);
	size_t begin = *at + skip, len;
	struct span rest = span_make(text.p + begin, text.n - begin);
	int r;

	w->at = (uint32_t)begin;
	if (begin == text.n)
		return tell(w, *at - 1, -EINVAL, "write a field behind it",
			    "an output ends in '%'"),
		       *at = begin, 0;
	len = container_info(w, rest);
	if (len)
		return *at = begin + len, 0;
	r = read_operand(w, rest, &piece.node, &len);
	*at = begin + len;
	if (r < 0 || len == 0)
		return r;
	if (w->o->tree.nodes[piece.node].kind == COND_TRANSFORM)
		condition_check_operand(&w->o->tree, piece.node, &judge);
	piece.at = (uint32_t)begin;
	piece.len = (uint32_t)len;
	return add_piece(w, &piece);
}

int output_parse(struct output *o, struct span text, const struct output_judge *judge,
		 bool *ret_good, struct err *e)
{
	struct writer w = {.o = o, .judge = judge, .e = e, .good = true};
	size_t at = text.n && text.p[0] == '*', begin = at;
	int r;

	buf_add_span(&o->text, text);
	r = buf_check(&o->text, "an output", e);
	while (at < text.n && r == 0) {
		if (o->text.p[at] != '%') {
			at++;
			continue;
		}
		r = add_text(&w, begin, at++);
		if (r == 0)
			r = read_field(&w, &at);
		begin = at;
	}
	if (r == 0)
		r = add_text(&w, begin, at);
	*ret_good = w.good;
	return r;
}
