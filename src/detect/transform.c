/* transform.c - see transform.h. */
#include "detect/transform.h"

#include "base/buf.h"
#include "base/limits.h"

static const char *const names[] = {
	[TRANSFORM_TOLOWER] = "tolower", [TRANSFORM_TOUPPER] = "toupper",
	[TRANSFORM_B64] = "b64",	 [TRANSFORM_BASENAME] = "basename",
	[TRANSFORM_LEN] = "len",	 [TRANSFORM_JOIN] = "join",
	[TRANSFORM_CONCAT] = "concat",	 [TRANSFORM_GETOPT] = "getopt",
};

static const char *const takes[] = {
	[TRANSFORM_TOLOWER] = "one text",
	[TRANSFORM_TOUPPER] = "one text",
	[TRANSFORM_B64] = "one text or buffer",
	[TRANSFORM_BASENAME] = "one text",
	[TRANSFORM_LEN] = "one text, buffer or list",
	[TRANSFORM_JOIN] = "a list and the text to put between",
	[TRANSFORM_CONCAT] = "two or more values that are no lists",
	[TRANSFORM_GETOPT] = "arguments, the text of options, and perhaps one option's letter",
};

bool transform_find(struct span name, enum transform *ret_transform)
{
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (span_is(name, names[i])) {
			*ret_transform = (enum transform)i;
			return true;
		}
	return false;
}

const char *transform_name(enum transform t)
{
	return (unsigned)t < ARRAY_LEN(names) ? names[t] : "?";
}

static bool is_text(const struct transform_type *type)
{
	return type->kind == DETECT_TEXT && !type->list;
}

static bool all_scalar(const struct transform_type *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (args[i].list)
			return false;
	return true;
}

static bool takes_args(enum transform t, const struct transform_type *args, size_t n)
{
	bool text = n && args[0].kind == DETECT_TEXT, bytes = n && args[0].kind == DETECT_BYTES;

	switch (t) {
	case TRANSFORM_TOLOWER:
	case TRANSFORM_TOUPPER:
	case TRANSFORM_BASENAME:
		return n == 1 && text;
	case TRANSFORM_B64:
		return n == 1 && (text || bytes);
	case TRANSFORM_LEN:
		return n == 1 && (text || bytes || args[0].list);
	case TRANSFORM_JOIN:
		return n == 2 && args[0].list && is_text(&args[1]);
	case TRANSFORM_CONCAT:
		return n >= 2 && all_scalar(args, n);
	default:
		return (n == 2 || n == 3) && text && all_scalar(args + 1, n - 1) &&
		       is_text(&args[1]) && is_text(&args[n - 1]);
	}
}

int transform_check(enum transform t, const struct transform_type *args, size_t n,
		    struct transform_type *ret_type, struct err *e)
{
	if (!takes_args(t, args, n))
		return err_set(e, EINVAL, "%s takes %s", transform_name(t), takes[t]);
	if (t == TRANSFORM_LEN)
		*ret_type = (struct transform_type){DETECT_U64, false};
	else if (t == TRANSFORM_JOIN || t == TRANSFORM_CONCAT)
		*ret_type = (struct transform_type){DETECT_TEXT, false};
	else if (t == TRANSFORM_GETOPT)
		*ret_type = (struct transform_type){DETECT_TEXT, true};
	else
		*ret_type = args[0];
	return 0;
}

static struct detect_value change_case(const struct detect_value *v, struct detect_scratch *s,
				       uint8_t first)
{
	struct detect_value made = *v;
	uint8_t *p = detect_room(s, v->bytes.n);

	if (!p)
		return detect_absent();
	for (size_t i = 0; i < v->bytes.n; i++) {
		uint8_t c = v->bytes.p[i];

		p[i] = c >= first && c < first + 26 ? c ^ 32 : c;
	}
	made.bytes.p = p;
	return made;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, 4; bits that are left over are not looked at. */
static struct detect_value decode(const struct detect_value *v, struct detect_scratch *s)
{
	struct detect_value made = *v;
	size_t n = v->bytes.n, at = 0, padding = 0;
	uint32_t bits = 0, have = 0;
	uint8_t *p;

	while (n && padding < 2 && v->bytes.p[n - 1] == '=') {
		n--;
		padding++;
	}
	if (n % 4 == 1 || (padding && (n + padding) % 4))
		return detect_absent();
	p = detect_room(s, n / 4 * 3 + 2);
	if (!p)
		return detect_absent();
	for (size_t i = 0; i < n; i++) {
		int digit = base64_digit(v->bytes.p[i]);

		if (digit < 0)
			return detect_absent();
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			p[at++] = (uint8_t)(bits >> have);
		}
	}
	made.bytes = span_make(p, at);
	return made;
}

static struct detect_value basename_of(const struct detect_value *v)
{
	struct detect_value made = *v;
	const uint8_t *slash = v->bytes.n ? memrchr(v->bytes.p, '/', v->bytes.n) : NULL;

	if (slash)
		made.bytes = span_make(slash + 1, v->bytes.n - (size_t)(slash + 1 - v->bytes.p));
	return made;
}

static struct detect_value apply_one(enum transform t, const struct detect_value *v,
				     struct detect_scratch *s)
{
	if (v->kind != DETECT_TEXT && v->kind != DETECT_BYTES)
		return detect_absent();
	switch (t) {
	case TRANSFORM_TOLOWER:
		return change_case(v, s, 'A');
	case TRANSFORM_TOUPPER:
		return change_case(v, s, 'a');
	case TRANSFORM_B64:
		return decode(v, s);
	default:
		return basename_of(v);
	}
}

static struct detect_value apply_each(enum transform t, const struct detect_value *v,
				      struct detect_scratch *s)
{
	struct detect_value made = *v;
	struct detect_value *items;

	if (!detect_is_many(v))
		return apply_one(t, v, s);
	items = detect_room_items(s, v->list.n);
	if (!items)
		return detect_absent();
	for (size_t i = 0; i < v->list.n; i++)
		items[i] = apply_one(t, &v->list.items[i], s);
	made.list.items = items;
	return made;
}

static struct detect_value length(const struct detect_value *v)
{
	if (detect_is_many(v))
		return v->open ? detect_absent() : detect_u64(v->list.n);
	return detect_u64(v->bytes.n);
}

/* Values as text, one after the other, with `between` in between. */
static struct detect_value print_all(const struct detect_value *values, size_t n,
				     struct span between, struct detect_scratch *s)
{
	AUTO(buf) struct buf text;
	uint8_t *p;

	buf_init(&text, LIMIT_DETECT_SCRATCH);
	for (size_t i = 0; i < n; i++) {
		if (detect_is_missing(&values[i]))
			return values[i];
		if (i)
			buf_add_span(&text, between);
		detect_value_print(&text, &values[i]);
	}
	p = text.failed ? NULL : detect_room(s, text.n);
	if (!p) {
		s->refused += text.failed != 0;
		return detect_absent();
	}
	if (text.n)
		memcpy(p, text.p, text.n);
	return detect_text(span_make(p, text.n));
}

/* The arguments of getopt, one after the other. */
struct words {
	const struct detect_value *from;
	size_t at;
};

static bool next_word(struct words *w, struct span *ret_word)
{
	struct span text = w->from->bytes;
	size_t begin;

	if (detect_is_many(w->from)) {
		if (w->at == w->from->list.n)
			return false;
		*ret_word = w->from->list.items[w->at++].bytes;
		return true;
	}
	while (w->at < text.n && text.p[w->at] == ' ')
		w->at++;
	begin = w->at;
	while (w->at < text.n && text.p[w->at] != ' ')
		w->at++;
	*ret_word = span_make(text.p + begin, w->at - begin);
	return w->at > begin;
}

struct options {
	struct words words;
	struct span opts, wanted; /* wanted: a letter, or empty for all letters */
	struct detect_value *items;
	size_t n, max;
	bool more; /* than found room */
	bool seen[256];
};

static void found_option(struct options *o, const uint8_t *letter, struct span argument,
			 bool has_argument)
{
	static const uint8_t unknown = '?';
	struct span name = span_make(letter ? letter : &unknown, 1);

	if (o->n == o->max) {
		o->more = true;
		return;
	}
	if (o->wanted.n) {
		if (letter && has_argument && span_eq(name, o->wanted))
			o->items[o->n++] = detect_text(argument);
	} else if (!o->seen[*name.p]) {
		o->seen[*name.p] = true;
		o->items[o->n++] = detect_text(name);
	}
}

/* How many ':' stand behind the letter in the options; -1 when it is none. */
static int option_kind(struct span opts, uint8_t letter)
{
	const uint8_t *p = opts.n ? memchr(opts.p, letter, opts.n) : NULL, *end = opts.p + opts.n;

	if (!p || letter == ':')
		return -1;
	return p + 1 < end && p[1] == ':' ? 1 + (p + 2 < end && p[2] == ':') : 0;
}

/* One word of options: "-nt80". */
static void read_word(struct options *o, struct span word)
{
	for (size_t i = 1; i < word.n; i++) {
		const uint8_t *letter = word.p + i;
		struct span argument = span_make(letter + 1, word.n - i - 1);
		int kind = option_kind(o->opts, *letter);

		if (kind <= 0) {
			found_option(o, kind == 0 ? letter : NULL, argument, false);
			continue;
		}
		if (argument.n == 0 && kind == 1 && !next_word(&o->words, &argument)) {
			found_option(o, NULL, argument, false);
			return;
		}
		found_option(o, letter, argument, argument.n || kind == 1);
		return;
	}
}

static struct detect_value options_of(const struct detect_value *args, size_t n,
				      struct detect_scratch *s)
{
	struct options o = {.words = {.from = &args[0]}, .opts = args[1].bytes, .max = 64};
	struct detect_value made;
	struct span word;

	if (n == 3)
		o.wanted = args[2].bytes;
	o.items = detect_room_items(s, o.max);
	if (!o.items)
		return detect_absent();
	while (next_word(&o.words, &word)) {
		if (word.n < 2 || word.p[0] != '-' || span_is(word, "--"))
			break; /* the first word that is no option ends them */
		read_word(&o, word);
	}
	made = detect_several(DETECT_LIST, o.items, o.n);
	made.open = o.more;
	return made;
}

struct detect_value transform_apply(enum transform t, const struct detect_value *args, size_t n,
				    struct detect_scratch *s)
{
	for (size_t i = 0; i < n; i++)
		if (detect_is_missing(&args[i]))
			return args[i];
	switch (t) {
	case TRANSFORM_LEN:
		return length(&args[0]);
	case TRANSFORM_JOIN:
		return detect_is_many(&args[0])
			       ? print_all(args[0].list.items, args[0].list.n, args[1].bytes, s)
			       : detect_absent();
	case TRANSFORM_CONCAT:
		return print_all(args, n, span_make(NULL, 0), s);
	case TRANSFORM_GETOPT:
		return options_of(args, n, s);
	default:
		return apply_each(t, &args[0], s);
	}
}
