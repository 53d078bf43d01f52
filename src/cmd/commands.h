/* commands.h - every command's struct, for the table alone. */
#ifndef AMBER_CMD_COMMANDS_H
#define AMBER_CMD_COMMANDS_H

struct command;

extern const struct command command_doctor;
extern const struct command command_watch;
extern const struct command command_ps;
extern const struct command command_events;
extern const struct command command_query;
extern const struct command command_schema;
extern const struct command command_tree;
extern const struct command command_vault;
extern const struct command command_verify;
extern const struct command command_hold;
extern const struct command command_hunt;
extern const struct command command_rules;
extern const struct command command_help;

#endif
