/* extract_event.c - evt.*, fs.path.*, user.* and group.*: the event itself. */
#include "detect/extract_impl.h"

#include <inttypes.h>
#include <time.h>

#include "detect/names.h"

#define NS UINT64_C(1000000000)

READER(number)
{
	return detect_u64(event->number);
}

READER(direction)
{
	return detect_text(span_of("<"));
}

READER(type)
{
	return detect_text(span_of(detect_call_name(event->ev)));
}

READER(type_is)
{
	return detect_u64(span_is(field->arg, detect_call_name(event->ev)));
}

READER(category)
{
	return detect_text(span_of(detect_category(event->ev->type)));
}

READER(amber_type)
{
	return detect_text(span_of(event_types[event->ev->type].name));
}

/* Whether the event is a call that returned something. */
static bool is_call(const struct event *ev)
{
	return ev->type > EVENT_NONE && ev->type < EVENT_CGROUP_MKDIR &&
	       ev->type != EVENT_PROCESS_EXIT && ev->type != EVENT_FILE_KEPT;
}

READER(result)
{
	if (!is_call(event->ev))
		return detect_none();
	if (event->ev->ret >= 0)
		return detect_text(span_of("SUCCESS"));
	return detect_text(span_of(detect_errno_name((int)-event->ev->ret)));
}

READER(raw_result)
{
	return is_call(event->ev) ? detect_i64(event->ev->ret) : detect_none();
}

READER(failed)
{
	return detect_bool(is_call(event->ev) && event->ev->ret < 0);
}

READER(count)
{
	return detect_u64(event->ev->count);
}

READER(source)
{
	return detect_text(span_of("syscall"));
}

READER(is_async)
{
	return detect_bool(false);
}

READER(hostname)
{
	return detect_known(event->hostname);
}

READER(is_send)
{
	return detect_bool(event->ev->type == EVENT_NET_SEND);
}

READER(is_read)
{
	return detect_bool(false);
}

READER(io_direction)
{
	return event->ev->type == EVENT_NET_SEND ? detect_text(span_of("write")) : detect_none();
}

READER(sent_bytes)
{
	return event->ev->type == EVENT_NET_SEND ? detect_u64(event_u64(event, FIELD_FILE_SIZE))
						 : detect_none();
}

#define ACCESS_MODE 3u

READER(is_open_read)
{
	bool whole;

	if (event->ev->type != EVENT_FILE_OPEN)
		return detect_bool(false);
	return detect_bool((extract_open_flags(event, &whole) & ACCESS_MODE) != 1);
}

READER(is_open_write)
{
	bool whole;

	if (event->ev->type != EVENT_FILE_OPEN)
		return detect_bool(false);
	return detect_bool((extract_open_flags(event, &whole) & ACCESS_MODE) != 0);
}

/* The probe keeps the mode only of calls that would make a file. */
READER(is_open_exec)
{
	return detect_bool(event->ev->type == EVENT_FILE_OPEN &&
			   (event_u64(event, FIELD_MODE) & 0111));
}

READER(is_open_create)
{
	return detect_bool(event->ev->type == EVENT_FILE_OPEN &&
			   (event_u64(event, FIELD_FILE_FLAGS) & FILE_FLAG_CREATED));
}

READER(argument)
{
	return extract_arg_named(event, field->arg);
}

READER(arguments)
{
	return extract_args(event);
}

static bool broken_down(const struct detect_event *event, struct tm *ret_tm)
{
	time_t seconds = (time_t)(event->ev->real_ns / NS);

	return event->ev->real_ns && gmtime_r(&seconds, ret_tm);
}

static struct detect_value print_time(const struct detect_event *event, bool date, bool nanoseconds,
				      const char *between, const char *end)
{
	char day[40] = "", part[16] = "";
	struct tm tm;

	if (!broken_down(event, &tm))
		return detect_absent();
	if (date)
		(void)snprintf(day, sizeof(day), "%04d-%02d-%02d%s", tm.tm_year + 1900,
			       tm.tm_mon + 1, tm.tm_mday, between); /* fits */
	if (nanoseconds)
		(void)snprintf(part, sizeof(part), ".%09" PRIu64,
			       event->ev->real_ns % NS); /* fits */
	return detect_print(event->scratch, "%s%02d:%02d:%02d%s%s", day, tm.tm_hour, tm.tm_min,
			    tm.tm_sec, part, end);
}

READER(time_of_day)
{
	return print_time(event, false, true, "", "");
}

READER(time_seconds)
{
	return print_time(event, false, false, "", "");
}

READER(time_iso8601)
{
	return print_time(event, true, true, "T", "+0000");
}

READER(date_time)
{
	return print_time(event, true, true, " ", "");
}

READER(date_time_seconds)
{
	return print_time(event, true, false, " ", "");
}

static struct detect_value known_time(uint64_t real_ns, uint64_t value)
{
	return real_ns ? detect_u64(value) : detect_absent();
}

READER(raw_time)
{
	return known_time(event->ev->real_ns, event->ev->real_ns);
}

READER(raw_seconds)
{
	return known_time(event->ev->real_ns, event->ev->real_ns / NS);
}

READER(raw_part)
{
	return known_time(event->ev->real_ns, event->ev->real_ns % NS);
}

static bool two_files(const struct detect_event *event)
{
	return event->ev->type == EVENT_FILE_RENAME || event->ev->type == EVENT_FILE_LINK ||
	       event->ev->type == EVENT_FILE_SYMLINK;
}

READER(fs_name)
{
	bool file = event->ev->type >= EVENT_FILE_OPEN && event->ev->type <= EVENT_FILE_SETXATTR;

	if (event->ev->type == EVENT_MOUNT_MOUNT || event->ev->type == EVENT_MOUNT_UMOUNT)
		return event_text(event, FIELD_PATH);
	return file && !two_files(event) ? event_text(event, FIELD_PATH) : detect_none();
}

/* A symbolic link's source is what it says, its target where it stands. */
READER(fs_source)
{
	if (event->ev->type == EVENT_MOUNT_MOUNT)
		return event_text(event, FIELD_SOURCE);
	if (!two_files(event))
		return detect_none();
	return event_text(event, event->ev->type == EVENT_FILE_SYMLINK ? FIELD_PATH2 : FIELD_PATH);
}

READER(fs_target)
{
	if (event->ev->type == EVENT_MOUNT_MOUNT)
		return event_text(event, FIELD_PATH);
	if (!two_files(event))
		return detect_none();
	return event_text(event, event->ev->type == EVENT_FILE_SYMLINK ? FIELD_PATH : FIELD_PATH2);
}

struct detect_value extract_user_name(const struct detect_event *event, bool group, uint32_t id)
{
	struct span name;

	if (event->name_of && event->name_of(event->name_ctx, event->ev, group, id, &name))
		return detect_known(name);
	return id == 0 ? detect_text(span_of("root")) : detect_absent();
}

READER(user_uid)
{
	return event->ev->process ? detect_u64(event->ev->process->uid) : detect_none();
}

READER(user_name)
{
	return event->ev->process ? extract_user_name(event, false, event->ev->process->uid)
				  : detect_none();
}

READER(user_loginuid)
{
	const struct process *process = event->ev->process;

	if (!process)
		return detect_none();
	return detect_i64(process->loginuid == UINT32_MAX ? -1 : (int64_t)process->loginuid);
}

READER(user_loginname)
{
	const struct process *process = event->ev->process;

	if (!process || process->loginuid == UINT32_MAX)
		return detect_none();
	return extract_user_name(event, false, process->loginuid);
}

READER(group_gid)
{
	return event->ev->process ? detect_u64(event->ev->process->gid) : detect_none();
}

READER(group_name)
{
	return event->ev->process ? extract_user_name(event, true, event->ev->process->gid)
				  : detect_none();
}

#define ENTER_ONLY "Falco itself has not had it since events of entering a call were dropped"
#define PRINT_ONLY "it formats output and has no value of its own"

/* clang-format off */
const struct extractor extract_event_fields[] = {
	{"evt.num", DETECT_U64, false, EXTRACT_NO_ARG, number, "counts the events that rules saw, from 1"},
	{"evt.dir", DETECT_TEXT, false, EXTRACT_NO_ARG, direction, "always <: calls are recorded when they return"},
	{"evt.type", DETECT_TEXT, false, EXTRACT_NO_ARG, type, "the system call; Amber's own name where there is none"},
	{"evt.type.is", DETECT_U64, false, EXTRACT_ARG_REQUIRED, type_is, NULL},
	{"syscall.type", DETECT_TEXT, false, EXTRACT_NO_ARG, type, NULL},
	{"evt.category", DETECT_TEXT, false, EXTRACT_NO_ARG, category, NULL},
	{"amber.type", DETECT_TEXT, false, EXTRACT_NO_ARG, amber_type, "Amber's name of the type: file.open"},
	{"evt.args", DETECT_TEXT, false, EXTRACT_NO_ARG, arguments, NULL},
	{"evt.info", DETECT_TEXT, false, EXTRACT_NO_ARG, arguments, "the same as evt.args"},
	{"evt.arg", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, argument, "by name, not by number"},
	{"evt.rawarg", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, NULL, "its type depends on the event; use evt.arg"},
	{"evt.res", DETECT_TEXT, false, EXTRACT_NO_ARG, result, NULL},
	{"evt.rawres", DETECT_I64, false, EXTRACT_NO_ARG, raw_result, NULL},
	{"evt.failed", DETECT_BOOL, false, EXTRACT_NO_ARG, failed, NULL},
	{"evt.count", DETECT_U64, false, EXTRACT_NO_ARG, count, "how often, when repeats were folded"},
	{"evt.is_open_read", DETECT_BOOL, false, EXTRACT_NO_ARG, is_open_read, NULL},
	{"evt.is_open_write", DETECT_BOOL, false, EXTRACT_NO_ARG, is_open_write, NULL},
	{"evt.is_open_exec", DETECT_BOOL, false, EXTRACT_NO_ARG, is_open_exec, NULL},
	{"evt.is_open_create", DETECT_BOOL, false, EXTRACT_NO_ARG, is_open_create, NULL},
	{"evt.is_io", DETECT_BOOL, false, EXTRACT_NO_ARG, is_send, "only sending is recorded"},
	{"evt.is_io_read", DETECT_BOOL, false, EXTRACT_NO_ARG, is_read, "reads and writes are not recorded"},
	{"evt.is_io_write", DETECT_BOOL, false, EXTRACT_NO_ARG, is_send, "only sending is recorded"},
	{"evt.io_dir", DETECT_TEXT, false, EXTRACT_NO_ARG, io_direction, NULL},
	{"evt.buflen", DETECT_U64, false, EXTRACT_NO_ARG, sent_bytes, "of what was sent"},
	{"evt.buflen.out", DETECT_U64, false, EXTRACT_NO_ARG, sent_bytes, NULL},
	{"evt.buflen.net", DETECT_U64, false, EXTRACT_NO_ARG, sent_bytes, NULL},
	{"evt.buflen.net.out", DETECT_U64, false, EXTRACT_NO_ARG, sent_bytes, NULL},
	{"evt.abspath", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, NULL, "paths are absolute already; use fs.path.name, fs.path.source or fs.path.target"},
	{"evt.source", DETECT_TEXT, false, EXTRACT_NO_ARG, source, NULL},
	{"evt.is_async", DETECT_BOOL, false, EXTRACT_NO_ARG, is_async, NULL},
	{"evt.hostname", DETECT_TEXT, false, EXTRACT_NO_ARG, hostname, NULL},
	{"evt.time", DETECT_TEXT, false, EXTRACT_NO_ARG, time_of_day, "UTC"},
	{"evt.time.s", DETECT_TEXT, false, EXTRACT_NO_ARG, time_seconds, "UTC"},
	{"evt.time.iso8601", DETECT_TEXT, false, EXTRACT_NO_ARG, time_iso8601, NULL},
	{"evt.datetime", DETECT_TEXT, false, EXTRACT_NO_ARG, date_time, "UTC"},
	{"evt.datetime.s", DETECT_TEXT, false, EXTRACT_NO_ARG, date_time_seconds, "UTC"},
	{"evt.rawtime", DETECT_U64, false, EXTRACT_NO_ARG, raw_time, NULL},
	{"evt.rawtime.s", DETECT_U64, false, EXTRACT_NO_ARG, raw_seconds, NULL},
	{"evt.rawtime.ns", DETECT_U64, false, EXTRACT_NO_ARG, raw_part, NULL},
	{"fs.path.name", DETECT_TEXT, false, EXTRACT_NO_ARG, fs_name, NULL},
	{"fs.path.source", DETECT_TEXT, false, EXTRACT_NO_ARG, fs_source, NULL},
	{"fs.path.target", DETECT_TEXT, false, EXTRACT_NO_ARG, fs_target, NULL},
	{"fs.path.nameraw", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the path as the caller wrote it is resolved and not kept; use fs.path.name"},
	{"fs.path.sourceraw", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the path as the caller wrote it is resolved and not kept; use fs.path.source"},
	{"fs.path.targetraw", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the path as the caller wrote it is resolved and not kept; use fs.path.target"},
	{"user.uid", DETECT_U64, false, EXTRACT_NO_ARG, user_uid, NULL},
	{"user.name", DETECT_TEXT, false, EXTRACT_NO_ARG, user_name, "0 is root; others where names are known"},
	{"user.homedir", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the container's user database is not read"},
	{"user.shell", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "the container's user database is not read"},
	{"user.loginuid", DETECT_I64, false, EXTRACT_NO_ARG, user_loginuid, "-1 when nobody logged in"},
	{"user.loginname", DETECT_TEXT, false, EXTRACT_NO_ARG, user_loginname, "0 is root; others where names are known"},
	{"group.gid", DETECT_U64, false, EXTRACT_NO_ARG, group_gid, NULL},
	{"group.name", DETECT_TEXT, false, EXTRACT_NO_ARG, group_name, "0 is root; others where names are known"},
	{"evt.buffer", DETECT_BYTES, false, EXTRACT_NO_ARG, NULL, "what is read and written is not recorded"},
	{"evt.cpu", DETECT_I64, false, EXTRACT_NO_ARG, NULL, "events do not keep the processor"},
	{"evt.latency", DETECT_U64, false, EXTRACT_NO_ARG, NULL, ENTER_ONLY},
	{"evt.latency.s", DETECT_U64, false, EXTRACT_NO_ARG, NULL, ENTER_ONLY},
	{"evt.latency.ns", DETECT_U64, false, EXTRACT_NO_ARG, NULL, ENTER_ONLY},
	{"evt.latency.quantized", DETECT_U64, false, EXTRACT_NO_ARG, NULL, ENTER_ONLY},
	{"evt.latency.human", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, ENTER_ONLY},
	{"evt.deltatime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "the events between are filtered in the kernel"},
	{"evt.deltatime.s", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "the events between are filtered in the kernel"},
	{"evt.deltatime.ns", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "the events between are filtered in the kernel"},
	{"evt.reltime", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "there is no start of a capture; use evt.rawtime"},
	{"evt.reltime.s", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "there is no start of a capture; use evt.rawtime.s"},
	{"evt.reltime.ns", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "there is no start of a capture; use evt.rawtime.ns"},
	{"evt.outputtime", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.is_wait", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, "calls that wait are not recorded"},
	{"evt.wait_latency", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "calls that wait are not recorded"},
	{"evt.is_syslog", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, "what is written is not recorded"},
	{"evt.count.error", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.error.file", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.error.net", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.error.memory", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.error.other", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.exit", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.procinfo", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.count.threadinfo", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{"evt.around", DETECT_U64, false, EXTRACT_ARG_REQUIRED, NULL, "it selects from a capture file; use amber events --since"},
	{"evt.buflen.in", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "reads are not recorded"},
	{"evt.buflen.file", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "reads and writes are not recorded"},
	{"evt.buflen.file.in", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "reads and writes are not recorded"},
	{"evt.buflen.file.out", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "reads and writes are not recorded"},
	{"evt.buflen.net.in", DETECT_U64, false, EXTRACT_NO_ARG, NULL, "reads are not recorded"},
	{"evt.infra.docker.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "events of Docker are container.state here"},
	{"evt.infra.docker.container.id", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "events of Docker are container.state here"},
	{"evt.infra.docker.container.name", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "events of Docker are container.state here"},
	{"evt.infra.docker.container.image", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "events of Docker are container.state here"},
	{"evt.pluginname", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "there are no plugins"},
	{"evt.plugininfo", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "there are no plugins"},
	{"evt.asynctype", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "there are no plugins"},
	{"util.cnt", DETECT_U64, false, EXTRACT_NO_ARG, NULL, PRINT_ONLY},
	{NULL, DETECT_ABSENT, false, EXTRACT_NO_ARG, NULL, NULL},
};
/* clang-format on */
