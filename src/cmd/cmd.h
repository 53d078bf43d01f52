/* cmd.h - what a sub-command is: one file and one const struct.
 *
 * The table in commands.c is what the dispatcher, --help, the man pages and the shell completion
 * print from.  stdout carries results, stderr talk. */
#ifndef AMBER_CMD_CMD_H
#define AMBER_CMD_CMD_H

#include <stdbool.h>

#include "base/err.h"

/* Exit codes of every command (DESIGN, section 5). */
enum cmd_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1, /* could not do it */
	EXIT_USAGE = 2,	 /* called wrongly */
	EXIT_WRONG = 3,	 /* looked, and something is wrong: tampered, violated, invalid */
	EXIT_GAPS = 4,	 /* done, with recorded gaps */
};

#define CMD_OPTIONS    24 /* most options that one command has */
#define CMD_POSITIONAL 16 /* most words that one command takes */

struct cmd_option {
	const char *name; /* without the dashes */
	const char *arg;  /* name of its value in help, NULL for a switch */
	const char *what; /* one line */
};

struct cmd_example {
	const char *what, *line;
};

/* What the user asked for, after parsing. */
struct cmd {
	const struct command *command;
	const char *state_dir;
	const char *config_path; /* NULL: the default one, if it is there */
	bool json;
	bool verbose;
	const char *option[CMD_OPTIONS]; /* by place in the command's table; NULL not given */
	const char *word[CMD_POSITIONAL];
	unsigned words;
};

struct command {
	const char *name;
	const char *summary; /* one line, lower case, no full stop */
	const char *words;   /* "SQL", "CONTAINER [PID]", NULL for none */
	unsigned words_min, words_max;
	const struct cmd_option *options;   /* ends with a NULL name; may be NULL */
	const char *description;	    /* paragraphs, separated by blank lines */
	const struct cmd_example *examples; /* ends with a NULL line */
	/* Returns a cmd_exit.  On EXIT_FAILED with e->code set, the dispatcher prints e. */
	int (*run)(struct cmd *cmd, struct err *e);
};

/* Ends with NULL. */
extern const struct command *const commands[];

/* Options that every command has. */
extern const struct cmd_option cmd_global_options[];

/* The command with that name, or NULL. */
const struct command *cmd_find(const char *name);

/* Prints the help of one command, or of Amber when it is NULL, for people or as roff (man(7)) or
 * as a bash completion script, to stdout. */
void help_print(const struct command *command);
void help_print_man(const struct command *command);
void help_print_completion(void);

/* Prints text as roff text. */
void help_roff(const char *text);

#endif
