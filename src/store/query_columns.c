/* query_columns.c - the head of table `events`. */
#include "store/query_columns.h"

#include <assert.h>

#include "store/journal_read.h"

#define CONTAINER(member) QUERY_CONTAINER_TEXT, offsetof(struct container, member), true, false
#define U32(member, zero) QUERY_PROCESS_U32, offsetof(struct process, member), false, zero
#define U64(member)	  QUERY_PROCESS_U64, offsetof(struct process, member), false, true
#define COMM(member)	  QUERY_PROCESS_TEXT, offsetof(struct process, member), true, false

/* clang-format off */
const struct query_column query_head[QUERY_HEAD_COLUMNS] = {
	{"time", QUERY_TIME, 0, true, false, "when, RFC 3339 in UTC; compared as a time: '15m', '2026-11-24'"},
	{"time_ns", QUERY_TIME_NS, 0, false, false, "when, nanoseconds since 1970"},
	{"type", QUERY_TYPE, 0, true, false, "what: process.exec, file.open, ..."},
	{"container", CONTAINER(id), "id of the container; NULL for the host"},
	{"container_name", CONTAINER(name), "its name"},
	{"image", CONTAINER(image), "its image as the user named it"},
	{"pid", U32(pid, false), "process, in the initial pid namespace"},
	{"comm", COMM(comm), "name of the process: a claim"},
	{"exe", COMM(exe), "its executable"},
	{"uid", U32(uid, false), "real user id"},
	{"ret", QUERY_NUMBER, JOURNAL_RET, false, false, "what the call returned; below 0 an errno"},
	{"count", QUERY_NUMBER, JOURNAL_COUNT, false, false, "how often within the fold window"},
	{"marks", QUERY_NUMBER, JOURNAL_MARKS, false, false, "bits; amber_marks() names them"},
	{"gid", U32(gid, false), "real group id"},
	{"loginuid", U32(loginuid, false), "user who logged in; NULL when unset"},
	{"ppid", U32(ppid, false), "parent"},
	{"vpid", U32(vpid, true), "pid in its own pid namespace"},
	{"tid", QUERY_TID, 0, false, true, "thread"},
	{"start_ns", U64(start_ns), "start of the process, boot time: with pid its identity"},
	{"parent_start_ns", U64(parent_start_ns), "start of the parent, boot time"},
	{"exec_ns", U64(exec_ns), "its last exec, boot time"},
	{"boot_ns", QUERY_BOOT_NS, 0, false, false, "when, nanoseconds since boot: the order of events"},
	{"boot_id", QUERY_BOOT_ID, 0, true, false, "which boot"},
	{"pod", CONTAINER(pod), "pod of the container"},
	{"pod_namespace", CONTAINER(pod_namespace), "its Kubernetes namespace"},
	{"image_id", CONTAINER(image_id), "sha256 of the image's configuration"},
	{"segment", QUERY_SEGMENT, 0, false, false, "where it stands in the journal: segment,"},
	{"block", QUERY_BLOCK, 0, false, false, "block in the segment,"},
	{"row", QUERY_ROW, 0, false, false, "row in the block"},
};
/* clang-format on */

static_assert(QUERY_HEAD_REST <= QUERY_HEAD_COLUMNS, "the named head columns are there");

static bool is_text(enum value_kind kind)
{
	return value_kind_is_bytes(kind);
}

struct query_column query_column_get(unsigned number)
{
	enum event_field field;

	if (number < QUERY_HEAD_COLUMNS)
		return query_head[number];
	field = (enum event_field)(number - QUERY_HEAD_COLUMNS);
	return (struct query_column){.name = event_fields[field].name,
				     .class = QUERY_FIELD,
				     .offset = field,
				     .text = is_text(event_fields[field].kind),
				     .what = event_fields[field].what};
}

const char *query_column_kind(const struct query_column *column)
{
	return column->text ? "TEXT" : "INTEGER";
}
