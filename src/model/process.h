/* process.h - who did it: a process as the kernel knows it.
 *
 * A process is (boot id, pid, start time), never a bare pid (law 6).  The boot id is the
 * segment's; pid is the thread group id in the initial pid namespace. */
#ifndef AMBER_MODEL_PROCESS_H
#define AMBER_MODEL_PROCESS_H

#include <stdint.h>

#include "base/span.h"

/* A snapshot.  `rev` names this exact content: two events with the same rev share the snapshot,
 * any change of a field (exec, setuid, rename of comm) gives a new rev.  0 means no process (a
 * gap, a log line). */
struct process {
	uint64_t rev;
	uint64_t start_ns;	  /* boot_ns of the start; 0 when unknown */
	uint64_t parent_start_ns; /* of the parent at the time of the snapshot; 0 when unknown */
	uint64_t exec_ns;	  /* boot_ns of its last exec; 0 when it has only been forked */
	uint32_t pid, ppid;
	uint32_t vpid; /* pid in its own pid namespace; 0 when unknown */
	uint32_t uid, gid;
	uint32_t loginuid; /* UINT32_MAX when unset */
	struct span comm;  /* a claim: the process can set it */
	struct span exe;   /* path of the executable as the kernel resolved it, in the mount ns */
};

#endif
