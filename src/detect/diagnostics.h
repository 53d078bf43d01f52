/* diagnostics.h - what is wrong with files of rules, each with its place and what to write instead.
 *
 * The same words at the same place are kept once.  At most LIMIT_DIAGNOSTICS are kept; all are
 * counted. */
#ifndef AMBER_DETECT_DIAGNOSTICS_H
#define AMBER_DETECT_DIAGNOSTICS_H

#include "base/map.h"

enum severity {
	SEVERITY_ERROR,
	SEVERITY_WARNING,
};

/* Lines and columns count from 1; columns count bytes.  Line 0: the whole file. */
struct place {
	uint32_t file, line, column;
};

struct diagnostic {
	enum severity severity;
	struct place place;
	struct span text, hint; /* hint may be empty */
};

struct diagnostics {
	struct diagnostic *items;
	size_t n, cap;
	size_t errors, warnings; /* also those that were not kept */
	struct intern seen;	 /* owns the texts */
	bool lost;		 /* memory ran out: something was not told */
};

void diagnostics_init(struct diagnostics *d);
void diagnostics_fini(struct diagnostics *d);
DEFINE_AUTO(diagnostics, struct diagnostics, diagnostics_fini);

/* Adds one; `hint` may be NULL.  Without memory it counts all the same and sets `lost`. */
void diagnostics_add(struct diagnostics *d, enum severity severity, struct place place,
		     const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Orders them by file, line and column. */
void diagnostics_sort(struct diagnostics *d);

#endif
