/* names.h - what numbers are called: system calls, flags, requests, capabilities. */
#ifndef AMBER_DETECT_NAMES_H
#define AMBER_DETECT_NAMES_H

#include "detect/value.h"
#include "model/event.h"

/* Falco's name of what happened: that of the system call where the event has its number and the
 * call is one of the type's, else the most common one of the type; Amber's own name ("file.kept")
 * where there is no such call.  An open that io_uring did is an openat.  Never NULL. */
const char *detect_call_name(const struct event *ev);

/* The types of events that detect_call_name may call by that name, at most 4; 0 when it is none
 * that is recorded, so that a rule on it can never match. */
size_t detect_call_types(struct span name, enum event_type ret_types[4]);

/* Falco's category of the event ("file", "net", "process", ...); never NULL. */
const char *detect_category(enum event_type type);

struct detect_flag {
	uint64_t mask, value; /* set when (flags & mask) == value */
	const char *name;
};

/* Families of names; each ends with a NULL name. */
extern const struct detect_flag detect_open_flags[], detect_clone_flags[], detect_mode_flags[],
	detect_mount_flags[], detect_umount_flags[], detect_unlink_flags[], detect_rename_flags[],
	detect_link_flags[], detect_memfd_flags[];

/* The names of the flags that are set, with `between` in between; "0" when there are none. */
struct detect_value detect_flag_names(const struct detect_flag *flags, uint64_t value,
				      const char *between, struct detect_scratch *s);

/* Names of the capabilities (capability.h), divided by blanks; an empty text for none. */
struct detect_value detect_cap_names(uint64_t caps, struct detect_scratch *s);

/* NULL when the number has no name. */
const char *detect_ptrace_name(uint64_t request);
const char *detect_bpf_name(uint64_t cmd);
const char *detect_family_name(uint64_t family);

/* "ENOENT"; never NULL. */
const char *detect_errno_name(int code);

#endif
