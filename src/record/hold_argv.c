/* hold_argv.c - see hold_argv.h. */
#include "record/hold_argv.h"

#include "base/auto.h"

/* Options of runc 1.0-1.3 and crun 0.1-1.20 that take a value; all others are switches. */
static const char *const valued[] = {
	"log",
	"log-format",
	"log-level",
	"root",
	"criu",
	"rootless",
	"bundle",
	"b",
	"config",
	"f",
	"console-socket",
	"pidfd-socket",
	"pid-file",
	"preserve-fds",
	"image-path",
	"work-path",
	"parent-path",
	"manage-cgroups-mode",
	"empty-ns",
	"status-fd",
	"lsm-profile",
	"lsm-mount-context",
	"cgroup-manager",
};

static bool takes_value(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(valued); i++)
		if (span_is(name, valued[i]))
			return true;
	return false;
}

static enum hold_verb verb_of(struct span text)
{
	static const char *const names[HOLD_VERBS] = {[HOLD_CREATE] = "create",
						      [HOLD_RUN] = "run",
						      [HOLD_RESTORE] = "restore",
						      [HOLD_START] = "start"};

	for (unsigned i = 0; i < HOLD_VERBS; i++)
		if (names[i] && span_is(text, names[i]))
			return (enum hold_verb)i;
	return HOLD_OTHER;
}

static void note_option(struct hold_argv *out, struct span name, struct span value)
{
	if (span_is(name, "bundle") || span_is(name, "b"))
		out->bundle = value;
	else if (span_is(name, "root"))
		out->root = value;
	else if (span_is(name, "config") || span_is(name, "f"))
		out->config = value;
	else if (span_is(name, "pid-file"))
		out->pid_file = value;
}

/* Takes argv[i], an option, and its value.  Returns how many arguments that were. */
static size_t take_option(const struct span *argv, size_t argc, size_t i, struct hold_argv *out)
{
	size_t dashes = argv[i].n > 1 && argv[i].p[1] == '-' ? 2 : 1;
	struct span name = span_make(argv[i].p + dashes, argv[i].n - dashes);
	const uint8_t *equals = name.n ? memchr(name.p, '=', name.n) : NULL;

	if (equals) {
		size_t n = (size_t)(equals - name.p);

		note_option(out, span_make(name.p, n), span_make(equals + 1, name.n - n - 1));
		return 1;
	}
	if (dashes == 1 && name.n > 1 && (name.p[0] == 'b' || name.p[0] == 'f') &&
	    !takes_value(name)) { /* argp: -bDIR */
		note_option(out, span_make(name.p, 1), span_make(name.p + 1, name.n - 1));
		return 1;
	}
	if (!takes_value(name) || i + 1 >= argc)
		return 1;
	note_option(out, name, argv[i + 1]);
	return 2;
}

int hold_argv_parse(const struct span *argv, size_t argc, struct hold_argv *ret)
{
	struct hold_argv out = {0};
	bool literal = false; /* after "--" nothing is an option */

	for (size_t i = 1; i < argc;) {
		if (!literal && span_is(argv[i], "--")) {
			literal = true;
			i++;
		} else if (!literal && argv[i].n > 1 && argv[i].p[0] == '-') {
			i += take_option(argv, argc, i, &out);
		} else {
			if (out.verb_text.n == 0) {
				out.verb_text = argv[i];
				out.verb = verb_of(argv[i]);
			} else if (out.id.n == 0) {
				out.id = argv[i];
			}
			i++;
		}
	}
	if (out.verb_text.n == 0 || (out.verb != HOLD_OTHER && out.id.n == 0))
		return -EINVAL;
	*ret = out;
	return 0;
}
