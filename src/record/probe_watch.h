/* probe_watch.h - the names whose opening for reading is recorded; part of probe.c. */
#ifndef AMBER_RECORD_PROBE_WATCH_H
#define AMBER_RECORD_PROBE_WATCH_H

#include <stddef.h>

#include "base/err.h"

/* Makes the two maps of bpf/file.bpf.c say these names: see probe_watch_read (probe.h), whose
 * errors these are. */
int probe_watch_set(int names_map, int bits_map, const char *const *names, size_t count,
		    struct err *e);

#endif
