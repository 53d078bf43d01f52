/* help.c - help, man pages and completion, all printed from the command tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

static bool use_colour(void)
{
	return isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

static const char *bold(void)
{
	return use_colour() ? "\033[1m" : "";
}

static const char *plain(void)
{
	return use_colour() ? "\033[0m" : "";
}

static void print_options(const struct cmd_option *options)
{
	char left[64];

	for (; options && options->name; options++) {
		(void)snprintf(left, sizeof(left), "--%s%s%s", options->name,
			       options->arg ? " " : "",
			       options->arg ? options->arg : ""); /* names are short */
		printf("  %-22s %s\n", left, options->what);
	}
}

static void print_overview(void)
{
	printf("%sAmber%s preserves what lived briefly: container forensics and incident "
	       "response.\n\n",
	       bold(), plain());
	printf("usage: amber [--state DIR] [--config FILE] [--json] [-v] COMMAND "
	       "...\n\n%scommands%s\n",
	       bold(), plain());
	for (const struct command *const *c = commands; *c; c++)
		printf("  %-12s %s\n", (*c)->name, (*c)->summary);
	printf("\n%soptions of every command%s\n", bold(), plain());
	print_options(cmd_global_options);
	printf("\n%sexit codes%s\n"
	       "  0 done   1 failed   2 called wrongly   3 looked, and something is wrong\n"
	       "  4 done, with recorded gaps\n\n"
	       "first steps: 'amber doctor' says what this host allows, 'amber watch' records,\n"
	       "'amber COMMAND --help' shows examples.\n",
	       bold(), plain());
}

void help_print(const struct command *command)
{
	if (!command) {
		print_overview();
		return;
	}
	printf("%samber %s%s - %s\n\n", bold(), command->name, plain(), command->summary);
	printf("usage: amber %s%s%s%s\n\n%s\n", command->name, command->options ? " [OPTIONS]" : "",
	       command->words ? " " : "", command->words ? command->words : "",
	       command->description);
	if (command->options) {
		printf("\n%soptions%s\n", bold(), plain());
		print_options(command->options);
	}
	printf("\n%soptions of every command%s\n", bold(), plain());
	print_options(cmd_global_options);
	printf("\n%sexamples%s\n", bold(), plain());
	for (const struct cmd_example *x = command->examples; x && x->line; x++)
		printf("  # %s\n  %s\n", x->what, x->line);
}

/* Text as roff: a line must not begin with a dot or an apostrophe, backslashes and dashes are
 * escaped (man(7)). */
void help_roff(const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			printf("\\&");
		if (*text == '\\')
			printf("\\e");
		else if (*text == '-')
			printf("\\-");
		else if (*text == '\n' && text[1] == '\n')
			printf("\n.PP"), text++, putchar('\n');
		else
			putchar(*text);
		start = *text == '\n';
	}
}

static void man_options(const char *title, const struct cmd_option *options)
{
	printf(".SH %s\n", title);
	for (; options && options->name; options++) {
		printf(".TP\n\\fB\\-\\-%s\\fR", options->name);
		if (options->arg)
			printf(" \\fI%s\\fR", options->arg);
		printf("\n");
		help_roff(options->what);
		printf("\n");
	}
}

static void man_overview(void)
{
	printf(".TH AMBER 1 \"\" \"amber %s\" \"Amber\"\n.SH NAME\namber \\- container forensics "
	       "and "
	       "incident response\n.SH SYNOPSIS\n.B amber\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n"
	       ".SH DESCRIPTION\nAmber records what containers do, with the files that they "
	       "delete, "
	       "so that questions have answers after they are gone.\n.SH COMMANDS\n",
	       AMBER_VERSION);
	for (const struct command *const *c = commands; *c; c++) {
		printf(".TP\n\\fBamber\\-%s\\fR(1)\n", (*c)->name);
		help_roff((*c)->summary);
		printf("\n");
	}
	man_options("OPTIONS", cmd_global_options);
}

static void man_tail(void)
{
	printf(".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nfailed\n.TP\n2\ncalled "
	       "wrongly\n.TP\n3\nlooked, "
	       "and something is wrong: tampered, violated, invalid\n.TP\n4\ndone, with recorded "
	       "gaps\n"
	       ".SH FILES\n/var/lib/amber, /etc/amber/amber.conf\n.SH SEE "
	       "ALSO\n\\fBamber\\fR(1), \\fBamber.conf\\fR(5)\n");
}

void help_print_man(const struct command *command)
{
	if (!command) {
		man_overview();
		man_tail();
		return;
	}
	printf(".TH \"AMBER\\-%s\" 1 \"\" \"amber %s\" \"Amber\"\n.SH NAME\namber\\-%s \\- ",
	       command->name, AMBER_VERSION, command->name);
	help_roff(command->summary);
	printf("\n.SH SYNOPSIS\n.B amber %s\n%s%s\n.SH DESCRIPTION\n", command->name,
	       command->options ? "[\\fIOPTIONS\\fR] " : "", command->words ? command->words : "");
	help_roff(command->description);
	printf("\n");
	if (command->options)
		man_options("OPTIONS", command->options);
	man_options("OPTIONS OF EVERY COMMAND", cmd_global_options);
	printf(".SH EXAMPLES\n");
	for (const struct cmd_example *x = command->examples; x && x->line; x++) {
		printf(".TP\n");
		help_roff(x->what);
		printf("\n.B ");
		help_roff(x->line);
		printf("\n");
	}
	man_tail();
}

static void complete_options(const struct cmd_option *options)
{
	for (; options && options->name; options++)
		printf(" --%s", options->name);
}

void help_print_completion(void)
{
	printf("# bash completion for amber; load it with: source <(amber help --completion)\n"
	       "_amber()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} i command=\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t--state | --config) i=$((i + 1)) ;;\n\t\t-*) ;;\n"
	       "\t\t*) command=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n\tcase $command in\n"
	       "\t\"\") COMPREPLY=($(compgen -W '");
	for (const struct command *const *c = commands; *c; c++)
		printf("%s%s", c == commands ? "" : " ", (*c)->name);
	complete_options(cmd_global_options);
	printf("' -- \"$word\")) ;;\n");
	for (const struct command *const *c = commands; *c; c++) {
		printf("\t%s) COMPREPLY=($(compgen -W '", (*c)->name);
		complete_options((*c)->options);
		complete_options(cmd_global_options);
		printf("' -- \"$word\")) ;;\n");
	}
	printf("\tesac\n}\ncomplete -o default -F _amber amber\n");
}
