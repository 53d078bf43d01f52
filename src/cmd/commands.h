/* commands.h - every command's struct, for the table alone. */
#ifndef AMBER_CMD_COMMANDS_H
#define AMBER_CMD_COMMANDS_H

struct command;

extern const struct command command_help;

#endif
