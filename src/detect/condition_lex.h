/* condition_lex.h - the words of a condition, one at a time; only condition_*.c include it.
 *
 * What a byte means depends on where the grammar stands (a `-` begins a number, a value or
 * nothing), so there is no stream of tokens: the parser asks for what may come. */
#ifndef AMBER_DETECT_CONDITION_LEX_H
#define AMBER_DETECT_CONDITION_LEX_H

#include "detect/condition.h"

struct lexer {
	struct span text;
	size_t at;
	struct cond_fault *fault;
	struct err *e;
};

/* The byte at the cursor, 0 at the end. */
static inline uint8_t lex_peek(const struct lexer *l)
{
	return l->at < l->text.n ? l->text.p[l->at] : 0;
}

/* Skips blanks; true when there were any. */
bool lex_blank(struct lexer *l);

/* Takes the byte `c` when it is next. */
bool lex_byte(struct lexer *l, char c);

/* A letter, then letters, digits and _; false, moving nothing, when there is none. */
bool lex_identifier(struct lexer *l, struct span *ret_word);

/* Identifiers joined by dots; *ret_dots is how many dots. */
bool lex_name(struct lexer *l, struct span *ret_name, unsigned *ret_dots);

/* Takes the word when it is next and nothing of an identifier follows. */
bool lex_word(struct lexer *l, const char *word);

/* A value without quotes. */
bool lex_bare(struct lexer *l, struct span *ret_bare);

/* What stands in brackets without quotes. */
bool lex_bare_arg(struct lexer *l, struct span *ret_arg);

/* A text in quotes, unescaped and appended to `out`.  1 taken, 0 there is none, -EINVAL. */
int lex_quoted(struct lexer *l, struct buf *out);

/* An operator.  False when there is none. */
bool lex_operator(struct lexer *l, enum cond_op *ret_op);

bool lex_is_blank(uint8_t c);
bool lex_is_identifier(struct span word);
bool lex_is_bare(struct span value);
bool lex_is_bare_arg(struct span arg);
bool lex_is_number(struct span value);

/* Writes fault and error.  Returns -EINVAL. */
int lex_fault(struct lexer *l, size_t at, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A few bytes at `at` for an error text, in quotes and escaped; or "the end". */
void lex_shown(const struct lexer *l, size_t at, char ret_text[40]);

#endif
