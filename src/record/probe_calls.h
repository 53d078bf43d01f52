/* probe_calls.h - which kernel program handles which system call. */
#ifndef AMBER_RECORD_PROBE_CALLS_H
#define AMBER_RECORD_PROBE_CALLS_H

#include <stdint.h>

#define PROBE_COMPAT_GAP (-1) /* of interest, and its 32-bit form is not decoded: counted */

struct probe_call {
	uint16_t nr;	     /* native (asm/unistd_64.h) */
	const char *program; /* of bpf/ */
};

/* A 32-bit call whose arguments mean the same as those of a native one. */
struct probe_compat {
	uint16_t nr;	/* asm/unistd_32.h */
	int16_t native; /* or PROBE_COMPAT_GAP */
};

/* Both end with a zero entry (nr 0 is read, restart_syscall: nobody's). */
extern const struct probe_call probe_calls[];
extern const struct probe_compat probe_compat[];

#endif
