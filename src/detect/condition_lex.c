/* condition_lex.c - see condition_lex.h. */
#include "detect/condition_lex.h"

#include <stdio.h>

static const char *const op_names[COND_OPS] = {
	[COND_EXISTS] = "exists",
	[COND_LT] = "<",
	[COND_LE] = "<=",
	[COND_GT] = ">",
	[COND_GE] = ">=",
	[COND_EQ] = "=",
	[COND_NE] = "!=",
	[COND_GLOB] = "glob",
	[COND_IGLOB] = "iglob",
	[COND_CONTAINS] = "contains",
	[COND_ICONTAINS] = "icontains",
	[COND_BCONTAINS] = "bcontains",
	[COND_STARTSWITH] = "startswith",
	[COND_BSTARTSWITH] = "bstartswith",
	[COND_ENDSWITH] = "endswith",
	[COND_REGEX] = "regex",
	[COND_IN] = "in",
	[COND_INTERSECTS] = "intersects",
	[COND_PMATCH] = "pmatch",
};

static const char *const modifier_names[COND_MODIFIERS] = {
	[COND_PLAIN] = "",
	[COND_ONEOF] = "oneof",
	[COND_ANYOF] = "anyof",
	[COND_ALLOF] = "allof",
};

static const char *const transformer_names[COND_TRANSFORMERS] = {
	[COND_VAL] = "val",   [COND_TOLOWER] = "tolower",   [COND_TOUPPER] = "toupper",
	[COND_B64] = "b64",   [COND_BASENAME] = "basename", [COND_LEN] = "len",
	[COND_JOIN] = "join", [COND_CONCAT] = "concat",	    [COND_GETOPT] = "getopt",
};

const char *cond_op_name(enum cond_op op)
{
	return op_names[op];
}

const char *cond_modifier_name(enum cond_modifier modifier)
{
	return modifier_names[modifier];
}

const char *cond_transformer_name(enum cond_transformer transformer)
{
	return transformer_names[transformer];
}

bool cond_op_is_list(enum cond_op op)
{
	return op == COND_IN || op == COND_INTERSECTS || op == COND_PMATCH;
}

bool cond_op_is_text(enum cond_op op)
{
	return op >= COND_EQ && op <= COND_REGEX;
}

bool lex_is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\b' && c <= '\r');
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word_byte(uint8_t c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

static bool is_bare_byte(uint8_t c)
{
	return c && !lex_is_blank(c) && !strchr("()\"'=,", c);
}

static bool is_arg_byte(uint8_t c)
{
	return c && !lex_is_blank(c) && !strchr("[]\"'", c);
}

bool lex_blank(struct lexer *l)
{
	size_t before = l->at;

	while (l->at < l->text.n && lex_is_blank(l->text.p[l->at]))
		l->at++;
	return l->at > before;
}

bool lex_byte(struct lexer *l, char c)
{
	if (l->at >= l->text.n || l->text.p[l->at] != (uint8_t)c)
		return false;
	l->at++;
	return true;
}

static size_t identifier_len(struct span text, size_t at)
{
	size_t n = 0;

	if (at >= text.n || !is_letter(text.p[at]))
		return 0;
	while (at + n < text.n && is_word_byte(text.p[at + n]))
		n++;
	return n;
}

bool lex_identifier(struct lexer *l, struct span *ret_word)
{
	size_t n = identifier_len(l->text, l->at);

	if (!n)
		return false;
	*ret_word = span_make(l->text.p + l->at, n);
	l->at += n;
	return true;
}

bool lex_name(struct lexer *l, struct span *ret_name, unsigned *ret_dots)
{
	size_t n = identifier_len(l->text, l->at), more;
	unsigned dots = 0;

	if (!n)
		return false;
	while (l->at + n < l->text.n && l->text.p[l->at + n] == '.' &&
	       (more = identifier_len(l->text, l->at + n + 1)) > 0) {
		n += more + 1;
		dots++;
	}
	*ret_name = span_make(l->text.p + l->at, n);
	*ret_dots = dots;
	l->at += n;
	return true;
}

bool lex_word(struct lexer *l, const char *word)
{
	size_t n = identifier_len(l->text, l->at);

	if (!n || !span_is(span_make(l->text.p + l->at, n), word))
		return false;
	l->at += n;
	return true;
}

static bool run(struct lexer *l, bool (*belongs)(uint8_t), struct span *ret_run)
{
	size_t n = 0;

	while (l->at + n < l->text.n && belongs(l->text.p[l->at + n]))
		n++;
	*ret_run = span_make(l->text.p + l->at, n);
	l->at += n;
	return n > 0;
}

bool lex_bare(struct lexer *l, struct span *ret_bare)
{
	return run(l, is_bare_byte, ret_bare);
}

bool lex_bare_arg(struct lexer *l, struct span *ret_arg)
{
	return run(l, is_arg_byte, ret_arg);
}

static bool all(struct span s, bool (*belongs)(uint8_t))
{
	for (size_t i = 0; i < s.n; i++)
		if (!belongs(s.p[i]))
			return false;
	return s.n > 0;
}

bool lex_is_bare(struct span value)
{
	return all(value, is_bare_byte);
}

bool lex_is_bare_arg(struct span arg)
{
	return all(arg, is_arg_byte);
}

bool lex_is_identifier(struct span word)
{
	return word.n && identifier_len(word, 0) == word.n;
}

static size_t digits(struct span s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && is_digit(s.p[at + n]))
		n++;
	return n;
}

/* [+-]digits[.digits][e+-digits], or 0x and hexadecimal digits. */
bool lex_is_number(struct span s)
{
	size_t at = 0, n;

	if (s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		for (at = 2; at < s.n; at++)
			if (!is_hex(s.p[at]))
				return false;
		return true;
	}
	if (s.n && (s.p[0] == '+' || s.p[0] == '-'))
		at++;
	n = digits(s, at);
	if (!n)
		return false;
	at += n;
	if (at < s.n && s.p[at] == '.')
		at += 1 + digits(s, at + 1);
	if (at + 2 < s.n && (s.p[at] == 'e' || s.p[at] == 'E') &&
	    (s.p[at + 1] == '+' || s.p[at + 1] == '-')) {
		n = digits(s, at + 2);
		at += n ? n + 2 : 0;
	}
	return at == s.n;
}

/* The byte that an escape stands for, or -1.  A backslash before a blank stays one: rules in use
 * are written so. */
static int unescape(uint8_t c, uint8_t quote)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case ' ':
	case '\\':
		return '\\';
	case '/':
		return '/';
	default:
		return c == quote ? c : -1;
	}
}

int lex_quoted(struct lexer *l, struct buf *out)
{
	uint8_t quote = lex_peek(l);
	size_t begin = l->at;

	if (quote != '"' && quote != '\'')
		return 0;
	for (size_t i = begin + 1; i < l->text.n; i++) {
		int c = l->text.p[i];

		if (c == quote) {
			l->at = i + 1;
			return 1;
		}
		if (c == '\\' && i + 1 < l->text.n) {
			c = unescape(l->text.p[++i], quote);
			if (c < 0)
				return lex_fault(l, i - 1, "write two backslashes for one",
						 "there is no escape '\\%c'",
						 l->text.p[i] > ' ' && l->text.p[i] < 0x7f
							 ? l->text.p[i]
							 : '?');
		}
		buf_add_u8(out, (uint8_t)c);
	}
	return lex_fault(l, begin, "add the same quote at its end", "a text is not closed");
}

bool lex_operator(struct lexer *l, enum cond_op *ret_op)
{
	static const struct {
		const char *text;
		enum cond_op op;
	} signs[] = {
		{"==", COND_EQ}, {"!=", COND_NE}, {"<=", COND_LE}, {">=", COND_GE},
		{"=", COND_EQ},	 {"<", COND_LT},  {">", COND_GT},
	};
	struct span rest = span_make(l->text.p + l->at, l->text.n - l->at);

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (!span_starts(rest, signs[i].text))
			continue;
		l->at += strlen(signs[i].text);
		*ret_op = signs[i].op;
		return true;
	}
	for (unsigned i = 0; i < COND_OPS; i++) {
		if (!lex_word(l, op_names[i]))
			continue;
		*ret_op = (enum cond_op)i;
		return true;
	}
	return false;
}

bool cond_op_parse(struct span text, enum cond_op *ret_op, enum cond_modifier *ret_modifier)
{
	struct lexer l = {.text = text};
	enum cond_modifier modifier = COND_PLAIN;
	enum cond_op op;

	(void)lex_blank(&l); /* blanks around the words are allowed */
	if (!lex_operator(&l, &op))
		return false;
	(void)lex_blank(&l);
	for (unsigned i = COND_ONEOF; i < COND_MODIFIERS; i++)
		if (cond_op_is_text(op) && lex_word(&l, modifier_names[i]))
			modifier = (enum cond_modifier)i;
	(void)lex_blank(&l);
	if (l.at < text.n)
		return false;
	*ret_op = op;
	*ret_modifier = modifier;
	return true;
}

int lex_fault(struct lexer *l, size_t at, const char *hint, const char *format, ...)
{
	char text[LIMIT_ERR_TEXT];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut when it is too long */
	va_end(args);
	l->fault->at = (uint32_t)at;
	(void)snprintf(l->fault->hint, sizeof(l->fault->hint), "%s", hint);
	return err_set(l->e, EINVAL, "%s", text);
}

void lex_shown(const struct lexer *l, size_t at, char ret_text[40])
{
	size_t n = 0, out = 0;
	struct span rest;

	if (at >= l->text.n) {
		(void)snprintf(ret_text, 40, "the end");
		return;
	}
	rest = span_make(l->text.p + at, l->text.n - at);
	ret_text[out++] = '\'';
	do {
		uint8_t c = rest.p[n++];

		ret_text[out++] = (char)(c > ' ' && c < 0x7f ? c : '?');
	} while (n < rest.n && n < 24 && (is_word_byte(rest.p[n]) || rest.p[n] == '.') &&
		 (is_word_byte(rest.p[n - 1]) || rest.p[n - 1] == '.'));
	ret_text[out++] = '\'';
	ret_text[out] = '\0';
}
