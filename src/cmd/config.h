/* config.h - the settings file: "key = value" lines, '#' begins a comment.
 *
 * One table of keys: parsing, defaults, `amber watch --print-config` and amber.conf(5) come from
 * it.  An unknown key or a value that cannot be read is an error with file and line, never ignored.
 */
#ifndef AMBER_CMD_CONFIG_H
#define AMBER_CMD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

struct config {
	uint64_t ring_bytes;
	uint64_t fold_ns;
	uint64_t quota_rate; /* events a second and container; 0 is no quota */
	uint64_t quota_burst;
	bool hold;
	uint64_t hold_deadline_ns;
	bool keep_files;
	uint64_t keep_executable_bytes;
	uint64_t keep_file_bytes;
	uint64_t keep_rate_bytes; /* a second and container */
	bool keep_logs;
	uint64_t log_rate_lines; /* a second and container */
	uint64_t segment_bytes;
	uint64_t flush_ns;
	uint64_t journal_bytes;
	uint64_t journal_age_ns;
	uint64_t vault_bytes;
	uint64_t canary_ns;
	char docker_socket[LIMIT_PATH];
	char containerd_socket[LIMIT_PATH];
	char podman_socket[LIMIT_PATH];
	char keep_exclude[LIMIT_PATH]; /* glob patterns, separated by blanks */
	char watch_read[LIMIT_PATH];   /* names whose reading is recorded, separated by blanks */
};

/* The defaults. */
void config_init(struct config *c);

/* Reads `path` over what is there.  With `path` NULL the default file is read when it exists.
 * On failure `c` is as it was. */
int config_read(struct config *c, const char *path, struct err *e);

/* Sets one key from text; `where` names the place in errors ("amber.conf:3", "--set"). */
int config_set(struct config *c, const char *key, const char *value, const char *where,
	       struct err *e);

/* Prints a commented file with every key and its default to stdout. */
void config_print_example(void);

/* Prints amber.conf(5) in roff, man(7), to stdout. */
void config_print_man(void);

#endif
