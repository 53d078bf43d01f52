/* hold_argv.h - what a container runtime was asked to do, from its argv.
 *
 * runc and crun share the OCI command line (runtime-tools, docs/command-line-interface.md): global
 * options, a verb, options of the verb, the container's id last.  Both accept --name value,
 * --name=value and one dash; crun (argp) also takes options after the id. */
#ifndef AMBER_RECORD_HOLD_ARGV_H
#define AMBER_RECORD_HOLD_ARGV_H

#include "base/err.h"
#include "base/span.h"

#define HOLD_ARGV_COUNT 128   /* arguments that are looked at */
#define HOLD_ARGV_BYTES 65536 /* of all of them */

enum hold_verb {
	HOLD_OTHER, /* state, kill, delete, exec, init, ... */
	HOLD_CREATE,
	HOLD_RUN,
	HOLD_RESTORE,
	HOLD_START,
	HOLD_VERBS
};

/* All spans point into argv; empty when not given. */
struct hold_argv {
	enum hold_verb verb;
	struct span verb_text, id, bundle, root, config, pid_file;
};

/* -EINVAL when there is no verb, or a verb that needs an id comes without one. */
int hold_argv_parse(const struct span *argv, size_t argc, struct hold_argv *ret);

#endif
