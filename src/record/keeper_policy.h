/* keeper_policy.h - what the file keeper keeps: classes, size limits, budgets, exclusions.
 *
 * Executables and scripts are one class with budgets of its own, so that a container that writes
 * data as fast as it can does not crowd out the payload it drops. */
#ifndef AMBER_RECORD_KEEPER_POLICY_H
#define AMBER_RECORD_KEEPER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum keeper_class {
	KEEPER_EXECUTABLE, /* executed, mode x, ELF magic or #! */
	KEEPER_DATA,
	KEEPER_CLASSES
};

struct keeper_policy {
	uint64_t max_bytes[KEEPER_CLASSES]; /* of one file */
	uint64_t container_rate;	    /* bytes/s that are read for one container and class */
	uint64_t container_burst;
	uint64_t container_total; /* bytes of new objects for one container's life */
	uint64_t global_rate;	  /* bytes/s, all containers, one class */
	uint64_t global_burst;
	const char *const *exclude; /* fnmatch(3) patterns of paths in the container; borrowed */
	unsigned exclude_count;
};

/* 64 MB an executable, 16 MB else; 128 MB/s (burst 512) and 4 GB a container; 512 MB/s (burst
 * 1 GB) in all; nothing excluded. */
void keeper_policy_default(struct keeper_policy *policy);

/* A token bucket that may go into debt: a take is granted while tokens are left, whatever its
 * size, so that a file larger than the burst is not refused for ever.  Not thread-safe. */
struct keeper_bucket {
	uint64_t rate, burst;
	int64_t tokens;
	uint64_t at_ns;
};

void keeper_bucket_init(struct keeper_bucket *bucket, uint64_t rate, uint64_t burst,
			uint64_t now_ns);
bool keeper_bucket_take(struct keeper_bucket *bucket, uint64_t n, uint64_t now_ns);

/* Puts back what was taken for nothing. */
void keeper_bucket_give(struct keeper_bucket *bucket, uint64_t n);

/* Whether one of the patterns matches. */
bool keeper_policy_excludes(const struct keeper_policy *policy, const char *path);

/* The class by the first bytes of the content. */
enum keeper_class keeper_classify(struct span head);

#endif
