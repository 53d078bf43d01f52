/* jtree.c - see jtree.h. */
#include "base/jtree.h"

#include <stdarg.h>

enum want {
	WANT_VALUE,
	WANT_VALUE_OR_END, /* after [ */
	WANT_KEY,
	WANT_KEY_OR_END, /* after { */
	WANT_COMMA_OR_END,
	WANT_NOTHING,
};

struct parser {
	struct jtree *t;
	uint8_t *p; /* the text, which is rewritten behind the cursor */
	size_t at, n;
	const char *what;
	struct err *e;
	uint32_t open[LIMIT_JSON_DEPTH]; /* nodes of the arrays and objects around the cursor */
	unsigned depth;
};

/* Line and column of the cursor; texts that were unescaped before it hold no line ends in JSON
 * (they are escaped), but may after, so that the line is a hint once \n was unescaped. */
static int refuse(struct parser *p, const char *why)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < p->at && i < p->n; i++) {
		if (p->p[i] != '\n')
			continue;
		line++;
		start = i + 1;
	}
	return err_set(p->e, EINVAL, "%s:%zu:%zu: %s", p->what, line, p->at - start + 1, why);
}

static int add_node(struct parser *p, enum jkind kind, size_t at, size_t len)
{
	struct jtree *t = p->t;

	if (t->n == LIMIT_JSON_NODES)
		return err_set(p->e, E2BIG, "%s has more than %u values", p->what,
			       LIMIT_JSON_NODES);
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		struct jnode *grown = realloc(t->nodes, cap * sizeof(*grown));

		if (!grown)
			return err_sys(p->e, ENOMEM, "cannot read %s", p->what);
		t->nodes = grown;
		t->cap = cap;
	}
	t->nodes[t->n] = (struct jnode){kind, (uint32_t)at, (uint32_t)len, (uint32_t)t->n + 1};
	t->n++;
	return 0;
}

static int hex4(const struct parser *p, size_t at, uint32_t *ret_value)
{
	uint32_t value = 0;

	if (p->n - at < 4)
		return -EINVAL;
	for (size_t i = 0; i < 4; i++) {
		uint8_t c = p->p[at + i];
		unsigned digit = c >= '0' && c <= '9'	? c - '0'
				 : c >= 'a' && c <= 'f' ? c - 'a' + 10
				 : c >= 'A' && c <= 'F' ? c - 'A' + 10
							: 16;

		if (digit > 15)
			return -EINVAL;
		value = value << 4 | digit;
	}
	*ret_value = value;
	return 0;
}

static size_t put_utf8(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Reads \uXXXX (the cursor stands behind the u) and a second half of a pair. */
static int unescape_unicode(struct parser *p, size_t *out)
{
	uint32_t c, low;

	if (hex4(p, p->at, &c) < 0)
		return refuse(p, "\\u needs four hexadecimal digits");
	p->at += 4;
	if (c >= 0xd800 && c < 0xdc00 && p->n - p->at >= 6 && p->p[p->at] == '\\' &&
	    p->p[p->at + 1] == 'u' && hex4(p, p->at + 2, &low) == 0 && low >= 0xdc00 &&
	    low < 0xe000) {
		p->at += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c >= 0xd800 && c < 0xe000)
		c = 0xfffd;
	*out += put_utf8(p->p + *out, c);
	return 0;
}

static int unescape(struct parser *p, size_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (p->at + 1 >= p->n)
		return refuse(p, "text without an end");
	uint8_t c = p->p[p->at + 1];
	p->at += 2;
	if (c == 'u')
		return unescape_unicode(p, out);
	found = c ? strchr(from, c) : NULL;
	if (!found)
		return refuse(p, "unknown escape");
	p->p[(*out)++] = (uint8_t)to[found - from];
	return 0;
}

/* The cursor stands behind the opening quote. */
static int text_node(struct parser *p)
{
	size_t start = p->at, out = p->at;

	while (p->at < p->n && p->p[p->at] != '"') {
		int r = 0;

		if (p->p[p->at] == '\\')
			r = unescape(p, &out);
		else if (p->p[p->at] < 0x20)
			r = refuse(p, "control byte in a text");
		else
			p->p[out++] = p->p[p->at++];
		if (r < 0)
			return r;
	}
	if (p->at == p->n)
		return refuse(p, "text without an end");
	p->at++;
	return add_node(p, JKIND_TEXT, start, out - start);
}

static bool digits(struct parser *p)
{
	size_t start = p->at;

	while (p->at < p->n && p->p[p->at] >= '0' && p->p[p->at] <= '9')
		p->at++;
	return p->at > start;
}

static int number_node(struct parser *p)
{
	size_t start = p->at;
	bool good;

	p->at += p->p[p->at] == '-';
	good = digits(p);
	if (good && p->at < p->n && p->p[p->at] == '.') {
		p->at++;
		good = digits(p);
	}
	if (good && p->at < p->n && (p->p[p->at] | 0x20) == 'e') {
		p->at++;
		p->at += p->at < p->n && (p->p[p->at] == '+' || p->p[p->at] == '-');
		good = digits(p);
	}
	return good ? add_node(p, JKIND_NUMBER, start, p->at - start) : refuse(p, "broken number");
}

static int word_node(struct parser *p, const char *word, enum jkind kind)
{
	size_t n = strlen(word);

	if (p->n - p->at < n || memcmp(p->p + p->at, word, n) != 0)
		return refuse(p, "value expected");
	p->at += n;
	return add_node(p, kind, p->at - n, n);
}

static int open_node(struct parser *p, enum jkind kind, enum want *want)
{
	int r;

	if (p->depth == LIMIT_JSON_DEPTH) {
		(void)refuse(p, "nested too deeply"); /* only for its line and column */
		p->e->code = E2BIG;
		return -E2BIG;
	}
	r = add_node(p, kind, p->at, 0);
	if (r < 0)
		return r;
	p->at++;
	p->open[p->depth++] = (uint32_t)p->t->n - 1;
	*want = kind == JKIND_ARRAY ? WANT_VALUE_OR_END : WANT_KEY_OR_END;
	return 0;
}

static int value_node(struct parser *p, enum want *want)
{
	uint8_t c = p->p[p->at];

	if (c == '[' || c == '{')
		return open_node(p, c == '[' ? JKIND_ARRAY : JKIND_OBJECT, want);
	*want = p->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
	if (c == '"') {
		p->at++;
		return text_node(p);
	}
	if (c == 't')
		return word_node(p, "true", JKIND_TRUE);
	if (c == 'f')
		return word_node(p, "false", JKIND_FALSE);
	if (c == 'n')
		return word_node(p, "null", JKIND_NULL);
	if (c == '-' || (c >= '0' && c <= '9'))
		return number_node(p);
	return refuse(p, "value expected");
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->n && (p->p[p->at] == ' ' || p->p[p->at] == '\n' || p->p[p->at] == '\r' ||
				p->p[p->at] == '\t'))
		p->at++;
}

static int key_node(struct parser *p, enum want *want)
{
	int r;

	if (p->p[p->at] != '"')
		return refuse(p, "name in quotes expected");
	p->at++;
	r = text_node(p);
	if (r < 0)
		return r;
	skip_blanks(p);
	if (p->at == p->n || p->p[p->at] != ':')
		return refuse(p, "':' expected");
	p->at++;
	*want = WANT_VALUE;
	return 0;
}

/* Closes the innermost array or object when its bracket stands here. */
static bool close_node(struct parser *p, enum want *want)
{
	struct jnode *node = p->depth ? &p->t->nodes[p->open[p->depth - 1]] : NULL;

	if (!node || p->p[p->at] != (node->kind == JKIND_ARRAY ? ']' : '}'))
		return false;
	node->next = (uint32_t)p->t->n;
	p->at++;
	p->depth--;
	*want = p->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
	return true;
}

static int comma(struct parser *p, enum want *want)
{
	if (p->p[p->at] != ',')
		return refuse(p, "',' or the closing bracket expected");
	p->at++;
	*want = p->t->nodes[p->open[p->depth - 1]].kind == JKIND_ARRAY ? WANT_VALUE : WANT_KEY;
	return 0;
}

static int step(struct parser *p, enum want *want)
{
	switch (*want) {
	case WANT_VALUE_OR_END:
		if (close_node(p, want))
			return 0;
		return value_node(p, want);
	case WANT_VALUE:
		return value_node(p, want);
	case WANT_KEY_OR_END:
		if (close_node(p, want))
			return 0;
		return key_node(p, want);
	case WANT_KEY:
		return key_node(p, want);
	case WANT_COMMA_OR_END:
		if (close_node(p, want))
			return 0;
		return comma(p, want);
	default:
		return refuse(p, "more text behind the value");
	}
}

static int parse_all(struct parser *p)
{
	enum want want = WANT_VALUE;

	for (;;) {
		int r;

		skip_blanks(p);
		if (p->at == p->n)
			return want == WANT_NOTHING ? 0 : refuse(p, "the text ends too early");
		r = step(p, &want);
		if (r < 0)
			return r;
	}
}

int jtree_parse(struct jtree *t, struct buf *text, const char *what, struct err *e)
{
	struct parser p = {.t = t, .what = what, .e = e};
	int r;

	*t = (struct jtree){.text = *text};
	buf_init(text, text->max);
	p.p = t->text.p;
	p.n = t->text.n;
	r = p.n < UINT32_MAX ? parse_all(&p) : err_set(e, E2BIG, "%s is too large", what);
	if (r < 0)
		jtree_fini(t);
	return r;
}

void jtree_fini(struct jtree *t)
{
	buf_fini(&t->text);
	free(t->nodes);
	*t = (struct jtree)JTREE_INIT;
}

static struct jval absent(void)
{
	return (struct jval){NULL, UINT32_MAX};
}

static const struct jnode *node_of(struct jval v)
{
	return v.tree && v.at < v.tree->n ? &v.tree->nodes[v.at] : NULL;
}

struct jval jtree_root(const struct jtree *t)
{
	return t->n ? (struct jval){t, 0} : absent();
}

enum jkind jval_kind(struct jval v)
{
	const struct jnode *node = node_of(v);

	return node ? (enum jkind)node->kind : JKIND_ABSENT;
}

struct jval jval_first(struct jval parent)
{
	const struct jnode *node = node_of(parent);

	if (!node || node->kind < JKIND_ARRAY || node->next == parent.at + 1)
		return absent();
	return (struct jval){parent.tree, parent.at + 1};
}

struct jval jval_value(struct jval key)
{
	return node_of(key) ? (struct jval){key.tree, key.at + 1} : absent();
}

struct jval jval_next(struct jval parent, struct jval child)
{
	const struct jnode *node = node_of(parent), *last;
	uint32_t at;

	if (!node || !node_of(child))
		return absent();
	last = node->kind == JKIND_OBJECT ? node_of(jval_value(child)) : node_of(child);
	at = last ? last->next : node->next;
	return at < node->next ? (struct jval){parent.tree, at} : absent();
}

struct jval jval_get(struct jval object, const char *key)
{
	struct jval found = absent();

	if (jval_kind(object) != JKIND_OBJECT)
		return found;
	jval_each (name, object) {
		if (span_is(jval_text(name), key))
			found = jval_value(name);
	}
	return found;
}

struct jval jval_path(struct jval object, ...)
{
	va_list keys;
	const char *key;

	va_start(keys, object);
	while ((key = va_arg(keys, const char *)))
		object = jval_get(object, key);
	va_end(keys);
	return object;
}

struct span jval_text(struct jval v)
{
	const struct jnode *node = node_of(v);

	if (!node || node->kind != JKIND_TEXT)
		return span_make(NULL, 0);
	return span_make(v.tree->text.p + node->at, node->len);
}

int64_t jval_int(struct jval v, int64_t otherwise)
{
	const struct jnode *node = node_of(v);
	char digits_text[24];
	char *end;
	long long value;

	if (!node || node->kind != JKIND_NUMBER || node->len >= sizeof(digits_text))
		return otherwise;
	memcpy(digits_text, v.tree->text.p + node->at, node->len);
	digits_text[node->len] = '\0';
	errno = 0;
	value = strtoll(digits_text, &end, 10);
	return errno || *end ? otherwise : value;
}
