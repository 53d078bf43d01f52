/* cmd_help.c - amber help: help, man pages and shell completion. */
#include <string.h>

#include "base/auto.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/config.h"

enum {
	OPT_MAN,
	OPT_COMPLETION
};

static const struct cmd_option options[] = {
	[OPT_MAN] = {"man", NULL, "print the man page in roff instead"},
	[OPT_COMPLETION] = {"completion", NULL, "print the completion script for bash"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"what can it do?", "amber help"},
	{"read a man page without installing it", "amber help --man events | man -l -"},
	{"the settings file's page", "amber help --man amber.conf | man -l -"},
	{"completion in this shell", "source <(amber help --completion)"},
	{NULL, NULL},
};

static int run(struct cmd *cmd, struct err *e)
{
	const struct command *about = NULL;

	if (cmd->option[OPT_COMPLETION]) {
		help_print_completion();
		return EXIT_DONE;
	}
	if (cmd->words && cmd->option[OPT_MAN] && strcmp(cmd->word[0], "amber.conf") == 0) {
		config_print_man();
		return EXIT_DONE;
	}
	if (cmd->words) {
		about = cmd_find(cmd->word[0]);
		if (!about) {
			(void)err_set(e, EINVAL, "no command '%s'; 'amber help' lists them",
				      cmd->word[0]); /* told through e */
			return EXIT_USAGE;
		}
	}
	if (cmd->option[OPT_MAN])
		help_print_man(about);
	else
		help_print(about);
	return EXIT_DONE;
}

const struct command command_help = {
	.name = "help",
	.summary = "show help, man pages and shell completion",
	.words = "[COMMAND]",
	.words_max = 1,
	.options = options,
	.description =
		"Without a command it lists all of them. The same tables print the man pages, "
		"so that\nthe help cannot differ from them.",
	.examples = examples,
	.run = run,
};
