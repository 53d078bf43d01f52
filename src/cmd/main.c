/* main.c - the one binary: reads the words, finds the command, runs it. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "cmd/cmd.h"

enum global {
	GLOBAL_STATE,
	GLOBAL_CONFIG,
	GLOBAL_JSON,
	GLOBAL_VERBOSE,
	GLOBAL_HELP,
	GLOBAL_VERSION
};

const struct cmd_option cmd_global_options[] = {
	[GLOBAL_STATE] = {"state", "DIR", "where the record is kept (default /var/lib/amber)"},
	[GLOBAL_CONFIG] = {"config", "FILE", "settings (default /etc/amber/amber.conf, if there)"},
	[GLOBAL_JSON] = {"json", NULL, "results as JSON, one object a line where there are many"},
	[GLOBAL_VERBOSE] = {"verbose", NULL, "say more about what is done (also -v)"},
	[GLOBAL_HELP] = {"help", NULL, "show this help (also -h)"},
	[GLOBAL_VERSION] = {"version", NULL, "show the version"},
	{NULL, NULL, NULL},
};

struct parse {
	struct cmd *cmd;
	char **argv;
	int argc, i;
	bool help, version, only_words;
};

/* Matches "--name" and "--name=value"; *ret_value is what stands behind "=" or NULL. */
static bool names_option(const char *word, const char *name, const char **ret_value)
{
	size_t n = strlen(name);

	if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, n) != 0)
		return false;
	if (word[2 + n] != '\0' && word[2 + n] != '=')
		return false;
	*ret_value = word[2 + n] == '=' ? word + 3 + n : NULL;
	return true;
}

/* Finds the option in a table and takes its value.  1 found, 0 not in the table, -EINVAL. */
static int take_option(struct parse *p, const struct cmd_option *table, int *ret_index,
		       const char **ret_value, struct err *e)
{
	const char *word = p->argv[p->i], *value;

	for (int k = 0; table && table[k].name; k++) {
		if (!names_option(word, table[k].name, &value))
			continue;
		if (!table[k].arg && value)
			return err_set(e, EINVAL, "--%s takes no value", table[k].name);
		if (table[k].arg && !value) {
			if (p->i + 1 >= p->argc)
				return err_set(e, EINVAL, "--%s needs a value: --%s %s",
					       table[k].name, table[k].name, table[k].arg);
			value = p->argv[++p->i];
		}
		*ret_index = k;
		*ret_value = value ? value : "";
		return 1;
	}
	return 0;
}

static void set_global(struct parse *p, int which, const char *value)
{
	switch ((enum global)which) {
	case GLOBAL_STATE:
		p->cmd->state_dir = value;
		break;
	case GLOBAL_CONFIG:
		p->cmd->config_path = value;
		break;
	case GLOBAL_JSON:
		p->cmd->json = true;
		break;
	case GLOBAL_VERBOSE:
		p->cmd->verbose = true;
		break;
	case GLOBAL_HELP:
		p->help = true;
		break;
	case GLOBAL_VERSION:
		p->version = true;
		break;
	}
}

static int parse_dashes(struct parse *p, struct err *e)
{
	const char *word = p->argv[p->i], *value;
	int which, r;

	if (strcmp(word, "-v") == 0)
		return set_global(p, GLOBAL_VERBOSE, ""), 0;
	if (strcmp(word, "-h") == 0)
		return set_global(p, GLOBAL_HELP, ""), 0;
	if (strcmp(word, "--") == 0)
		return p->only_words = true, 0;
	if (p->cmd->command) {
		r = take_option(p, p->cmd->command->options, &which, &value, e);
		if (r < 0)
			return r;
		if (r > 0)
			return p->cmd->option[which] = value, 0;
	}
	r = take_option(p, cmd_global_options, &which, &value, e);
	if (r > 0)
		return set_global(p, which, value), 0;
	if (r == 0)
		r = err_set(e, EINVAL, "no option '%s'%s%s; see 'amber %s%s--help'", word,
			    p->cmd->command ? " for " : "",
			    p->cmd->command ? p->cmd->command->name : "",
			    p->cmd->command ? p->cmd->command->name : "",
			    p->cmd->command ? " " : "");
	return r;
}

static int parse_word(struct parse *p, struct err *e)
{
	struct cmd *cmd = p->cmd;

	if (!cmd->command) {
		cmd->command = cmd_find(p->argv[p->i]);
		if (!cmd->command)
			return err_set(e, EINVAL, "no command '%s'; 'amber --help' lists them",
				       p->argv[p->i]);
		return 0;
	}
	if (cmd->words == CMD_POSITIONAL || cmd->words == cmd->command->words_max)
		return err_set(e, EINVAL, "'%s' is one word too many; usage: amber %s %s",
			       p->argv[p->i], cmd->command->name,
			       cmd->command->words ? cmd->command->words : "");
	cmd->word[cmd->words++] = p->argv[p->i];
	return 0;
}

static int parse(struct parse *p, struct err *e)
{
	for (p->i = 1; p->i < p->argc; p->i++) {
		bool dashes = !p->only_words && p->argv[p->i][0] == '-' && p->argv[p->i][1];
		int r = dashes ? parse_dashes(p, e) : parse_word(p, e);

		if (r < 0)
			return r;
	}
	if (p->help || p->version)
		return 0;
	if (!p->cmd->command)
		return err_set(e, EINVAL, "what to do? 'amber --help' lists the commands");
	if (p->cmd->words < p->cmd->command->words_min)
		return err_set(e, EINVAL, "%s needs %s; see 'amber %s --help'",
			       p->cmd->command->name, p->cmd->command->words,
			       p->cmd->command->name);
	return 0;
}

static int run(struct cmd *cmd)
{
	struct err e = ERR_INIT;
	int code = cmd->command->run(cmd, &e);

	if (e.code)
		log_error("%s", e.text);
	if (fflush(stdout) != 0 && code == EXIT_DONE) {
		log_error("cannot write the result: %s", err_words(errno));
		code = EXIT_FAILED;
	}
	return code;
}

int main(int argc, char **argv)
{
	struct cmd cmd = {.state_dir = "/var/lib/amber"};
	struct parse p = {.cmd = &cmd, .argc = argc, .argv = argv};
	struct err e = ERR_INIT;

	(void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error like any other */
	if (parse(&p, &e) < 0) {
		log_error("%s", e.text);
		return EXIT_USAGE;
	}
	if (p.version) {
		(void)puts("amber " AMBER_VERSION); /* nothing to do about a closed stdout */
		return EXIT_DONE;
	}
	if (p.help) {
		help_print(cmd.command);
		return EXIT_DONE;
	}
	if (cmd.verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	return run(&cmd);
}
