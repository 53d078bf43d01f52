/* field.c - see field.h. */
#include "detect/field.h"

#include "detect/near.h"

const struct field *field_find(struct span name)
{
	size_t low = 0, high = field_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_cmp(name, span_of(fields[middle].name));

		if (order == 0)
			return &fields[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct field *field_near(struct span name)
{
	struct near near;
	const struct field *best = NULL;

	near_init(&near, name);
	for (size_t i = 0; i < field_n; i++)
		if (near_offer(&near, span_of(fields[i].name)))
			best = &fields[i];
	return best;
}

static bool is_index(struct span arg)
{
	for (size_t i = 0; i < arg.n; i++)
		if (arg.p[i] < '0' || arg.p[i] > '9')
			return false;
	return arg.n && arg.n < 10;
}

static int check_arg(const struct field_use *use, struct err *e)
{
	const struct field *f = use->field;

	if (!use->has_arg) {
		if (f->flags & FFLAG_ARG_REQUIRED)
			return err_set(e, EINVAL, "field '%s' needs an argument; write '%s[%s]'",
				       f->name, f->name, f->flags & FFLAG_KEY ? "name" : "0");
		return 0;
	}
	if (!(f->flags & (FFLAG_ARG_REQUIRED | FFLAG_ARG_ALLOWED)))
		return err_set(e, EINVAL, "field '%s' takes no argument; write '%s'", f->name,
			       f->name);
	if (!use->arg.n)
		return err_set(e, EINVAL, "the argument of field '%s' is empty", f->name);
	if (!(f->flags & FFLAG_KEY) && !is_index(use->arg))
		return err_set(e, EINVAL, "the argument of field '%s' must be a number: '%s[1]'",
			       f->name, f->name);
	return 0;
}

static int unknown(struct span name, struct err *e)
{
	const struct field *near = field_near(name);
	int shown = name.n < 80 ? (int)name.n : 80;

	(void)err_set(e, ENOENT, "unknown field '%.*s'", shown, (const char *)name.p);
	if (near)
		return err_hint(e, "did you mean '%s'?", near->name);
	return err_hint(e, "it is neither Falco's nor the container plugin's");
}

/* The longest beginning of a dotted name that is a field which takes its argument so. */
static const struct field *find_dotted(struct span name, struct span *ret_arg)
{
	for (size_t n = name.n; n-- > 1;) {
		const struct field *f;

		if (name.p[n] != '.')
			continue;
		f = field_find(span_make(name.p, n));
		if (f && f->flags & FFLAG_DOT) {
			*ret_arg = span_make(name.p + n + 1, name.n - n - 1);
			return f;
		}
	}
	return NULL;
}

int field_resolve(struct span name, struct span arg, bool has_arg, struct field_use *ret_use,
		  struct err *e)
{
	struct field_use use = {field_find(name), arg, has_arg};
	int r;

	if (!use.field && !has_arg) {
		use.field = find_dotted(name, &use.arg);
		use.has_arg = true;
	}
	if (!use.field)
		return unknown(name, e);
	r = check_arg(&use, e);
	if (r == 0)
		*ret_use = use;
	return r;
}

/* Takes the quotes off; false for one that is not closed. */
static bool unquote(struct span *arg)
{
	uint8_t quote = arg->n ? arg->p[0] : 0;

	if (quote != '"' && quote != '\'')
		return true;
	if (arg->n < 2 || arg->p[arg->n - 1] != quote)
		return false;
	*arg = span_make(arg->p + 1, arg->n - 2);
	return true;
}

/* Where the bracket at text.p[0] is closed, outside of quotes; 0 when it is not. */
static size_t closing(struct span text)
{
	uint8_t quote = 0;

	for (size_t i = 1; i < text.n; i++) {
		if (quote)
			quote = text.p[i] == quote ? 0 : quote;
		else if (text.p[i] == '"' || text.p[i] == '\'')
			quote = text.p[i];
		else if (text.p[i] == ']')
			return i;
	}
	return 0;
}

int field_parse(struct span text, struct field_use *ret_use, struct err *e)
{
	const uint8_t *open = text.n ? memchr(text.p, '[', text.n) : NULL;
	size_t n = open ? (size_t)(open - text.p) : text.n;
	struct span arg = span_make(NULL, 0);

	if (open) {
		size_t end = closing(span_make(open, text.n - n));

		arg = span_make(open + 1, end ? end - 1 : 0);
		if (!end || n + end + 1 != text.n || !unquote(&arg))
			return err_set(e, EINVAL, "the argument of a field is not closed by ']'");
	}
	return field_resolve(span_make(text.p, n), arg, open != NULL, ret_use, e);
}

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static bool is_label_byte(uint8_t c)
{
	return c == '.' || c == '/' || c == '-';
}

/* The bytes of an argument behind a dot.  A label's name has dots, dashes and slashes in it; a
 * dot at its end is the sentence's. */
static size_t dotted_len(const struct field *f, struct span rest)
{
	bool label = f->flags & FFLAG_PLUGIN;
	size_t n = 0;

	while (n < rest.n && (is_name_byte(rest.p[n]) || (label && is_label_byte(rest.p[n]))))
		n++;
	while (n && rest.p[n - 1] == '.')
		n--;
	return n;
}

static size_t name_len(struct span text)
{
	size_t n = 0;

	while (n < text.n && (is_name_byte(text.p[n]) || text.p[n] == '.'))
		n++;
	return n;
}

int field_parse_prefix(struct span text, struct field_use *ret_use, size_t *ret_len, struct err *e)
{
	size_t whole = name_len(text), n = whole;
	const struct field *f = NULL;
	struct field_use use;
	size_t len;
	int r;

	for (; n; n--) {
		if (n < whole && text.p[n] != '.')
			continue;
		f = field_find(span_make(text.p, n));
		if (f)
			break;
	}
	if (!f)
		return unknown(span_make(text.p, whole), e);
	use = (struct field_use){.field = f};
	len = n;
	if (n < text.n && text.p[n] == '[') {
		size_t end = closing(span_make(text.p + n, text.n - n));

		use.arg = span_make(text.p + n + 1, end ? end - 1 : 0);
		use.has_arg = true;
		if (!end || !unquote(&use.arg))
			return err_set(e, EINVAL, "the argument of field '%s' is not closed by ']'",
				       f->name);
		len = n + end + 1;
	} else if (n + 1 < text.n && text.p[n] == '.' && f->flags & FFLAG_DOT) {
		use.arg = span_make(text.p + n + 1, text.n - n - 1);
		use.arg.n = dotted_len(f, use.arg);
		use.has_arg = use.arg.n > 0;
		len = n + (use.has_arg ? use.arg.n + 1 : 0);
	}
	r = check_arg(&use, e);
	if (r < 0)
		return r;
	*ret_use = use;
	*ret_len = len;
	return 0;
}

const char *field_type_name(enum field_type type)
{
	static const char *const names[] = {
		[FTYPE_TEXT] = "text",	      [FTYPE_BOOL] = "true or false",
		[FTYPE_I16] = "whole number", [FTYPE_I32] = "whole number",
		[FTYPE_I64] = "whole number", [FTYPE_U32] = "whole number",
		[FTYPE_U64] = "whole number", [FTYPE_DOUBLE] = "number",
		[FTYPE_PORT] = "port",	      [FTYPE_RELTIME] = "time span",
		[FTYPE_ABSTIME] = "time",     [FTYPE_BYTES] = "bytes",
		[FTYPE_ADDRESS] = "address",  [FTYPE_NETWORK] = "network",
		[FTYPE_DYNAMIC] = "argument",
	};

	return names[type];
}
