/* extract_proc.c - proc.* and thread.*: who did it, and its parents. */
#include "detect/extract_impl.h"

#include "base/limits.h"
#include "base/path.h"
#include "detect/names.h"

enum truth extract_process(const struct detect_event *event, unsigned n,
			   struct detect_process *ret_process)
{
	const struct event *ev = event->ev;
	enum truth answer = TRUTH_UNKNOWN;

	if (!ev->process)
		return TRUTH_NO;
	if (event->ancestry.find)
		answer = event->ancestry.find(event->ancestry.ctx, ev->process, n, ret_process);
	if (n == 0) {
		if (answer != TRUTH_YES)
			*ret_process = (struct detect_process){.image = NULL};
		ret_process->process = *ev->process; /* of this very moment */
		return TRUTH_YES;
	}
	return answer;
}

/* An exec event says it itself; *ret_image is then filled in `room`. */
static enum truth image_of(const struct detect_event *event, unsigned n, struct detect_image *room,
			   const struct detect_image **ret_image)
{
	struct detect_process found;
	enum truth answer;

	if (n == 0 && event->ev->type == EVENT_PROCESS_EXEC && event->ev->ret >= 0) {
		detect_image_of(event->ev, room);
		*ret_image = room;
		return TRUTH_YES;
	}
	answer = extract_process(event, n, &found);
	if (answer != TRUTH_YES)
		return answer;
	*ret_image = found.image;
	return found.image ? TRUTH_YES : TRUTH_UNKNOWN;
}

/* Reads one argument of the journal's argv, quoted as for the POSIX shell, to `out`, which may be
 * NULL to skip it. */
static bool next_argument(struct span argv, size_t *at, uint8_t *out, size_t *n)
{
	bool quoted = false;

	if (*at >= argv.n)
		return false;
	for (; *at < argv.n; (*at)++) {
		uint8_t c = argv.p[*at];

		if (c == '\'') {
			quoted = !quoted;
			continue;
		}
		if (c == ' ' && !quoted)
			break;
		if (c == '\\' && !quoted && *at + 1 < argv.n)
			c = argv.p[++*at];
		if (out)
			out[(*n)++] = c;
	}
	(*at)++; /* the blank; beyond the end at the last one */
	return true;
}

struct detect_value extract_argv(const struct detect_event *event, struct span argv, unsigned skip)
{
	size_t at = 0, n = 0;
	uint8_t *out;

	for (unsigned i = 0; i < skip; i++)
		if (!next_argument(argv, &at, NULL, NULL))
			break;
	if (at >= argv.n)
		return detect_text(span_make(argv.p, 0));
	argv = span_make(argv.p + at, argv.n - at);
	if (!memchr(argv.p, '\'', argv.n) && !memchr(argv.p, '\\', argv.n))
		return detect_text(argv);
	out = detect_room(event->scratch, argv.n);
	if (!out)
		return detect_absent();
	at = 0;
	for (bool first = true; at < argv.n; first = false) {
		if (!first)
			out[n++] = ' ';
		(void)next_argument(argv, &at, out, &n); /* there is one: at is below the end */
	}
	return detect_text(span_make(out, n));
}

struct detect_value extract_argv0(const struct detect_event *event, struct span argv)
{
	size_t at = 0, n = 0;
	uint8_t *out = detect_room(event->scratch, argv.n);

	if (!out || !next_argument(argv, &at, out, &n))
		return detect_absent();
	return detect_text(span_make(out, n));
}

/* Readers of the n-th parent; those of one name share a function. */
typedef struct detect_value reader(const struct detect_event *event, unsigned n);

static struct detect_value name_of(const struct detect_event *event, unsigned n)
{
	struct detect_process found;
	enum truth answer = extract_process(event, n, &found);

	return answer == TRUTH_YES ? detect_known(found.process.comm) : missing(answer);
}

static struct detect_value exepath_of(const struct detect_event *event, unsigned n)
{
	struct detect_process found;
	enum truth answer = extract_process(event, n, &found);

	return answer == TRUTH_YES ? detect_known(found.process.exe) : missing(answer);
}

static struct detect_value exe_of(const struct detect_event *event, unsigned n)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, n, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	return image->argv.n ? extract_argv0(event, image->argv) : detect_absent();
}

static struct detect_value args_of(const struct detect_event *event, unsigned n)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, n, &room, &image);

	return answer == TRUTH_YES ? extract_argv(event, image->argv, 1) : missing(answer);
}

/* Two values with a blank between, as Falco prints a command line; missing when one is. */
static struct detect_value two_words(const struct detect_event *event, struct detect_value first,
				     struct detect_value rest)
{
	struct span parts[2] = {first.bytes, rest.bytes};

	if (detect_is_missing(&first))
		return first;
	if (detect_is_missing(&rest))
		return rest;
	return detect_joined(event->scratch, parts, rest.bytes.n ? 2 : 1, " ");
}

static struct detect_value cmdline_of(const struct detect_event *event, unsigned n)
{
	return two_words(event, name_of(event, n), args_of(event, n));
}

static struct detect_value pid_of(const struct detect_event *event, unsigned n)
{
	struct detect_process found;
	enum truth answer = extract_process(event, n, &found);

	return answer == TRUTH_YES && found.process.pid ? detect_i64(found.process.pid)
							: missing(answer);
}

static struct detect_value vpid_of(const struct detect_event *event, unsigned n)
{
	struct detect_process found;
	enum truth answer = extract_process(event, n, &found);

	return answer == TRUTH_YES && found.process.vpid ? detect_i64(found.process.vpid)
							 : missing(answer);
}

/* Nanoseconds from the start to the event; absolute: the start on the real clock. */
static struct detect_value age_of(const struct detect_event *event, unsigned n, bool absolute)
{
	const struct event *ev = event->ev;
	struct detect_process found;
	enum truth answer = extract_process(event, n, &found);

	if (answer != TRUTH_YES)
		return missing(answer);
	if (!found.process.start_ns || found.process.start_ns > ev->boot_ns ||
	    (absolute && ev->real_ns < ev->boot_ns))
		return detect_absent();
	return detect_u64(absolute ? ev->real_ns - (ev->boot_ns - found.process.start_ns)
				   : ev->boot_ns - found.process.start_ns);
}

/* The n-th parent's, or, without a number, those of all parents as candidates. */
static struct detect_value of_parents(const struct extract_field *field,
				      const struct detect_event *event, reader *read)
{
	struct detect_value items[LIMIT_ANCESTORS], *kept, value, made;
	bool open = false;
	size_t n = 0;

	if (field->is_number)
		return read(event, field->number);
	for (unsigned i = 1; i <= LIMIT_ANCESTORS; i++) {
		struct detect_process found;
		enum truth answer = extract_process(event, i, &found);

		if (answer != TRUTH_YES) {
			open = open || answer == TRUTH_UNKNOWN;
			break;
		}
		value = read(event, i);
		if (detect_is_missing(&value))
			open = true;
		else
			items[n++] = value;
	}
	kept = detect_room_items(event->scratch, n);
	if (!kept)
		return detect_absent();
	if (n)
		memcpy(kept, items, n * sizeof(*items));
	made = detect_several(DETECT_ANY, kept, n);
	made.open = open;
	return made;
}

READER(name)
{
	return name_of(event, 0);
}

READER(pname)
{
	return name_of(event, 1);
}

READER(aname)
{
	return of_parents(field, event, name_of);
}

READER(exe)
{
	return exe_of(event, 0);
}

READER(pexe)
{
	return exe_of(event, 1);
}

READER(aexe)
{
	return of_parents(field, event, exe_of);
}

READER(exepath)
{
	return exepath_of(event, 0);
}

READER(pexepath)
{
	return exepath_of(event, 1);
}

READER(aexepath)
{
	return of_parents(field, event, exepath_of);
}

/* proc.args[n] is the n-th argument, from 0. */
READER(args)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer;
	size_t at = 0, n = 0;
	uint8_t *out;

	if (!field->is_number)
		return field->arg.n ? detect_absent() : args_of(event, 0);
	answer = image_of(event, 0, &room, &image);
	if (answer != TRUTH_YES)
		return missing(answer);
	for (uint64_t i = 0; i <= field->number; i++)
		if (!next_argument(image->argv, &at, NULL, NULL))
			return image->cut ? detect_absent() : detect_none();
	out = detect_room(event->scratch, image->argv.n);
	if (!out)
		return detect_absent();
	if (next_argument(image->argv, &at, out, &n))
		return detect_text(span_make(out, n));
	return image->cut ? detect_absent() : detect_none();
}

READER(aargs)
{
	return of_parents(field, event, args_of);
}

READER(cmdline)
{
	return cmdline_of(event, 0);
}

READER(pcmdline)
{
	return cmdline_of(event, 1);
}

READER(acmdline)
{
	return of_parents(field, event, cmdline_of);
}

READER(exeline)
{
	return two_words(event, exe_of(event, 0), args_of(event, 0));
}

READER(cmdnargs)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	return image->cut ? detect_absent() : detect_u64(image->argc ? image->argc - 1 : 0);
}

/* Bytes of all arguments but the first, without what divides them. */
READER(cmdlenargs)
{
	const struct detect_image *image;
	struct detect_image room;
	struct detect_value text;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	text = extract_argv(event, image->argv, 1);
	if (image->cut || detect_is_missing(&text))
		return detect_absent();
	return detect_u64(text.bytes.n - (image->argc > 2 ? image->argc - 2 : 0));
}

READER(cwd)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	if (image->cwd.n && image->cwd.p[image->cwd.n - 1] != '/') { /* Falco ends it with one */
		struct span parts[2] = {image->cwd, span_of("/")};

		return detect_joined(event->scratch, parts, 2, "");
	}
	return detect_known(image->cwd);
}

/* A device number as Falco has it, from the name below /dev (admin-guide/devices). */
static uint64_t tty_number(struct span tty)
{
	static const struct {
		const char *prefix;
		uint32_t major, minor;
	} kinds[] = {{"pts/", 136, 0}, {"ttyS", 4, 64}, {"tty", 4, 0}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint64_t n = 0;

		if (!span_starts(tty, kinds[i].prefix))
			continue;
		for (size_t at = strlen(kinds[i].prefix); at < tty.n && n < 1u << 20; at++)
			n = n * 10 +
			    (uint64_t)(tty.p[at] >= '0' && tty.p[at] <= '9' ? tty.p[at] - '0' : 0);
		n += kinds[i].minor;
		return (kinds[i].major + (n >> 8)) << 8 | (n & 0xff);
	}
	return 5 << 8 | 1; /* console, and kinds that are rare: not 0, which is no terminal */
}

READER(tty)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	return detect_u64(image->tty.n ? tty_number(image->tty) : 0);
}

READER(pid)
{
	return pid_of(event, 0);
}

READER(ppid)
{
	const struct process *process = event->ev->process;

	if (!process)
		return detect_none();
	return process->ppid ? detect_i64(process->ppid) : pid_of(event, 1);
}

READER(apid)
{
	return of_parents(field, event, pid_of);
}

READER(vpid)
{
	return vpid_of(event, 0);
}

READER(pvpid)
{
	return vpid_of(event, 1);
}

READER(duration)
{
	return age_of(event, 0, false);
}

READER(parent_duration)
{
	return age_of(event, 1, false);
}

READER(start_time)
{
	return age_of(event, 0, true);
}

READER(parent_start_time)
{
	return age_of(event, 1, true);
}

/* Flags of the executable's file; its inode tells whether they are known. */
static struct detect_value exe_flag(const struct detect_event *event, uint64_t mask, uint64_t value)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	return image->ino ? detect_bool((image->file_flags & mask) == value) : detect_absent();
}

READER(exe_upper)
{
	return exe_flag(event, FILE_FLAG_UPPER, FILE_FLAG_UPPER);
}

READER(exe_lower)
{
	return exe_flag(event, FILE_FLAG_OVERLAY | FILE_FLAG_UPPER, FILE_FLAG_OVERLAY);
}

READER(exe_memfd)
{
	return exe_flag(event, FILE_FLAG_MEMFD, FILE_FLAG_MEMFD);
}

READER(exe_inode)
{
	const struct detect_image *image;
	struct detect_image room;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	return image->ino ? detect_u64(image->ino) : detect_absent();
}

static struct detect_value stdio(const struct detect_event *event, unsigned n, bool name)
{
	const struct detect_image *image;
	struct detect_image room;
	const uint8_t *colon;
	struct span text;
	enum truth answer = image_of(event, 0, &room, &image);

	if (answer != TRUTH_YES)
		return missing(answer);
	text = image->stdio[n];
	if (text.n == 0)
		return detect_absent();
	if (span_is(text, "closed"))
		return detect_none();
	colon = memchr(text.p, ':', text.n);
	if (!colon)
		return name ? detect_text(span_of("/dev/null")) : detect_text(span_of("file"));
	if (name)
		return span_starts(text, "file:") || span_starts(text, "tty:")
			       ? detect_text(span_make(colon + 1,
						       text.n - (size_t)(colon + 1 - text.p)))
			       : detect_text(text);
	if (span_starts(text, "tty:"))
		return detect_text(span_of("file"));
	return detect_text(span_make(text.p, (size_t)(colon - text.p)));
}

READER(stdin_type)
{
	return stdio(event, 0, false);
}

READER(stdout_type)
{
	return stdio(event, 1, false);
}

READER(stderr_type)
{
	return stdio(event, 2, false);
}

READER(stdin_name)
{
	return stdio(event, 0, true);
}

READER(stdout_name)
{
	return stdio(event, 1, true);
}

READER(stderr_name)
{
	return stdio(event, 2, true);
}

/* Which of effective, permitted, inheritable. */
static struct detect_value caps(const struct detect_event *event, unsigned which)
{
	static const enum event_field fields[3] = {FIELD_CAPS, FIELD_CAPS_PERMITTED,
						   FIELD_CAPS_INHERITABLE};
	struct detect_process found;
	enum truth answer;

	if (event_has(event, fields[which]) && event->ev->ret >= 0)
		return detect_cap_names(event_u64(event, fields[which]), event->scratch);
	answer = extract_process(event, 0, &found);
	if (answer != TRUTH_YES)
		return missing(answer);
	return found.caps_known ? detect_cap_names(found.caps[which], event->scratch)
				: detect_absent();
}

READER(effective)
{
	return caps(event, 0);
}

READER(permitted)
{
	return caps(event, 1);
}

READER(inheritable)
{
	return caps(event, 2);
}

READER(tid)
{
	return event->ev->tid ? detect_i64(event->ev->tid) : detect_none();
}

READER(is_main)
{
	if (!event->ev->tid || !event->ev->process)
		return detect_none();
	return detect_bool(event->ev->tid == event->ev->process->pid);
}

READER(name_and_tid)
{
	if (!event->ev->tid || !event->ev->process)
		return detect_none();
	return detect_print(event->scratch, "%.*s %u", (int)event->ev->process->comm.n,
			    (const char *)event->ev->process->comm.p, event->ev->tid);
}

#define NO_ENV	   "the environment of processes is not recorded"
#define NO_SESSION "sessions and process groups are not recorded"
#define NO_TIMES \
	"times of the executable's inode are not recorded; drift from the image compares them"
#define NO_MEMORY "figures of processes are metrics, not events"
#define NO_RIGHTS \
	"whether the executable could be written is not recorded; compare proc.is_exe_upper_layer"
#define NO_THREAD "thread ids of inner namespaces are not recorded"

/* clang-format off */
const struct extractor extract_proc_fields[] = {
	{"proc.name", DETECT_TEXT, false, EXTRACT_NO_ARG, name, "comm: the process can set it"},
	{"proc.pname", DETECT_TEXT, false, EXTRACT_NO_ARG, pname, NULL},
	{"proc.aname", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, aname, "without a number any parent"},
	{"proc.exe", DETECT_TEXT, false, EXTRACT_NO_ARG, exe, "the first argument: a claim"},
	{"proc.pexe", DETECT_TEXT, false, EXTRACT_NO_ARG, pexe, NULL},
	{"proc.aexe", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, aexe, "without a number any parent"},
	{"proc.exepath", DETECT_TEXT, false, EXTRACT_NO_ARG, exepath, "from the kernel"},
	{"proc.pexepath", DETECT_TEXT, false, EXTRACT_NO_ARG, pexepath, NULL},
	{"proc.aexepath", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, aexepath, "without a number any parent"},
	{"proc.args", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, args, "without the first; with a number one of them, from 0"},
	{"proc.aargs", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, aargs, "without a number any parent"},
	{"proc.cmdline", DETECT_TEXT, false, EXTRACT_NO_ARG, cmdline, "proc.name and proc.args"},
	{"proc.pcmdline", DETECT_TEXT, false, EXTRACT_NO_ARG, pcmdline, NULL},
	{"proc.acmdline", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, acmdline, "without a number any parent"},
	{"proc.cmdnargs", DETECT_U64, false, EXTRACT_NO_ARG, cmdnargs, NULL},
	{"proc.cmdlenargs", DETECT_U64, false, EXTRACT_NO_ARG, cmdlenargs, NULL},
	{"proc.exeline", DETECT_TEXT, false, EXTRACT_NO_ARG, exeline, "proc.exe and proc.args"},
	{"proc.cwd", DETECT_TEXT, false, EXTRACT_NO_ARG, cwd, "at the last exec"},
	{"proc.tty", DETECT_U64, false, EXTRACT_NO_ARG, tty, "at the last exec; 0 for none"},
	{"proc.pid", DETECT_I64, false, EXTRACT_NO_ARG, pid, NULL},
	{"proc.ppid", DETECT_I64, false, EXTRACT_NO_ARG, ppid, NULL},
	{"proc.apid", DETECT_I64, false, EXTRACT_ARG_ALLOWED, apid, "without a number any parent"},
	{"proc.vpid", DETECT_I64, false, EXTRACT_NO_ARG, vpid, NULL},
	{"proc.pvpid", DETECT_I64, false, EXTRACT_NO_ARG, pvpid, NULL},
	{"proc.duration", DETECT_U64, false, EXTRACT_NO_ARG, duration, NULL},
	{"proc.ppid.duration", DETECT_U64, false, EXTRACT_NO_ARG, parent_duration, NULL},
	{"proc.pid.ts", DETECT_U64, false, EXTRACT_NO_ARG, start_time, NULL},
	{"proc.ppid.ts", DETECT_U64, false, EXTRACT_NO_ARG, parent_start_time, NULL},
	{"proc.is_exe_upper_layer", DETECT_BOOL, false, EXTRACT_NO_ARG, exe_upper, NULL},
	{"proc.is_exe_lower_layer", DETECT_BOOL, false, EXTRACT_NO_ARG, exe_lower, NULL},
	{"proc.is_exe_from_memfd", DETECT_BOOL, false, EXTRACT_NO_ARG, exe_memfd, NULL},
	{"proc.exe_ino", DETECT_U64, false, EXTRACT_NO_ARG, exe_inode, NULL},
	{"proc.stdin.type", DETECT_TEXT, false, EXTRACT_NO_ARG, stdin_type, "at the last exec"},
	{"proc.stdout.type", DETECT_TEXT, false, EXTRACT_NO_ARG, stdout_type, "at the last exec"},
	{"proc.stderr.type", DETECT_TEXT, false, EXTRACT_NO_ARG, stderr_type, "at the last exec"},
	{"proc.stdin.name", DETECT_TEXT, false, EXTRACT_NO_ARG, stdin_name, "at the last exec"},
	{"proc.stdout.name", DETECT_TEXT, false, EXTRACT_NO_ARG, stdout_name, "at the last exec"},
	{"proc.stderr.name", DETECT_TEXT, false, EXTRACT_NO_ARG, stderr_name, "at the last exec"},
	{"thread.cap_effective", DETECT_TEXT, false, EXTRACT_NO_ARG, effective, "unknown after set*id until the next exec"},
	{"thread.cap_permitted", DETECT_TEXT, false, EXTRACT_NO_ARG, permitted, "unknown after set*id until the next exec"},
	{"thread.cap_inheritable", DETECT_TEXT, false, EXTRACT_NO_ARG, inheritable, "unknown after set*id until the next exec"},
	{"thread.tid", DETECT_I64, false, EXTRACT_NO_ARG, tid, NULL},
	{"thread.ismain", DETECT_BOOL, false, EXTRACT_NO_ARG, is_main, NULL},
	{"thread.nametid", DETECT_TEXT, false, EXTRACT_NO_ARG, name_and_tid, NULL},
	{"thread.vtid", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_THREAD},
	{"proc.env", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, NULL, NO_ENV},
	{"proc.aenv", DETECT_TEXT, false, EXTRACT_ARG_ALLOWED, NULL, NO_ENV},
	{"proc.loginshellid", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.sid", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.sname", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.sid.exe", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.sid.exepath", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.vpgid", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.vpgid.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.vpgid.exe", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.vpgid.exepath", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.pgid", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.pgid.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.pgid.exe", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.pgid.exepath", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.is_sid_leader", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.is_vpgid_leader", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.is_pgid_leader", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, NO_SESSION},
	{"proc.is_exe_writable", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, NO_RIGHTS},
	{"proc.exe_ino.ctime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_TIMES},
	{"proc.exe_ino.mtime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_TIMES},
	{"proc.exe_ino.ctime_duration_proc_start", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_TIMES},
	{"proc.exe_ino.ctime_duration_pidns_start", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_TIMES},
	{"proc.pidns_init_start_ts", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "starts of namespaces are not recorded; compare container.start_ts"},
	{"proc.fdopencount", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.fdlimit", DETECT_I64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.fdusage", DETECT_DOUBLE, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.vmsize", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.vmrss", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.vmswap", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.pfmajor", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.pfminor", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.exectime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.totexectime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.cgroups", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "a container has one control group here; compare container.id"},
	{"thread.cgroup", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, NULL, "a container has one control group here; compare container.id"},
	{"proc.nthreads", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"proc.nchilds", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.cpu", DETECT_DOUBLE, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.cpu.user", DETECT_DOUBLE, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.cpu.system", DETECT_DOUBLE, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.vmsize", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.vmrss", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.vmsize.b", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{"thread.vmrss.b", DETECT_U64, false, EXTRACT_NO_ARG, NULL, NO_MEMORY},
	{NULL, DETECT_ABSENT, false, EXTRACT_NO_ARG, NULL, NULL},
};
/* clang-format on */
