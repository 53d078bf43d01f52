/* match_impl.h - between the files of match.h: what a condition is compiled to. */
#ifndef AMBER_DETECT_MATCH_IMPL_H
#define AMBER_DETECT_MATCH_IMPL_H

#include "detect/glob.h"
#include "detect/match.h"
#include "detect/match_set.h"
#include "detect/regex.h"

/* One value of the right-hand side.  Which member is set follows from operator and kind. */
struct match_arg {
	struct detect_value value; /* numbers and truths; bytes lie in match.bytes */
	struct glob *glob;
	struct regex *regex;
	struct match_nets *net;
};

struct match {
	enum match_op op;
	enum match_modifier modifier;
	enum detect_kind kind;
	bool services;
	size_t n;
	struct match_arg *args;		 /* [n], for operators that take one value each */
	uint8_t *bytes;			 /* of the values, folded for icontains */
	size_t size;			 /* of bytes */
	struct match_set *set;		 /* in, intersects: texts, and numbers as their 8 bytes */
	struct match_nets *nets;	 /* in, intersects: addresses */
	struct match_paths *paths;	 /* pmatch */
	struct match_prefixes *prefixes; /* startswith anyof */
};

/* The answer for one value of the kind, NULs already cut; never unknown. */
bool match_one(const struct match *m, const struct match_arg *arg, const struct detect_value *v);

/* The text as the mode has it. */
struct span match_cut(struct span text, enum detect_kind kind, enum match_mode mode);

/* Lower-case ASCII. */
static inline uint8_t match_fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Compares numbers of any of the three kinds: <0, 0, >0. */
int match_order(const struct detect_value *a, const struct detect_value *b);

static inline bool match_is_number(enum detect_kind kind)
{
	return kind == DETECT_I64 || kind == DETECT_U64 || kind == DETECT_DOUBLE;
}

static inline bool match_is_text(enum detect_kind kind)
{
	return kind == DETECT_TEXT || kind == DETECT_BYTES;
}

static inline bool match_is_addr(enum detect_kind kind)
{
	return kind == DETECT_ADDR || kind == DETECT_NET;
}

/* A number as the bytes that it has in a set; equal numbers of different kinds are equal. */
struct span match_number_key(const struct detect_value *v, uint8_t key[9]);

#endif
