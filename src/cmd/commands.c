/* commands.c - the table of commands, in the order in which a newcomer needs them. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"

const struct command *const commands[] = {
	&command_doctor, &command_watch, &command_ps,
	&command_events, &command_query, &command_schema,
	&command_tree,	 &command_vault, &command_verify,
	&command_hold,	 &command_hunt,	 &command_rules,
	&command_help,	 NULL,
};

const struct command *cmd_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}
