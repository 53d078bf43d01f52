/* keeper_internal.h - what keeper.c, keeper_place.c and keeper_file.c share. */
#ifndef AMBER_RECORD_KEEPER_INTERNAL_H
#define AMBER_RECORD_KEEPER_INTERNAL_H

#include <sys/stat.h>

#include "base/map.h"
#include "record/keeper.h"
#include "record/keeper_cache.h"
#include "record/permit.h"

#define KEEPER_BATCH	   64 /* events that a thread takes at once: its descriptors */
#define KEEPER_THREADS_MAX 4
#define KEEPER_PLACES_MAX  4096 /* file systems and mounts that are marked at once */
#define KEEPER_MOUNTS_MAX  64	/* of one container */
#define KEEPER_POINT	   512	/* bytes of a mount point that are remembered */

/* A container.  Lives until the last place and job let go. */
struct keeper_subject {
	struct keep_who who;
	uint64_t serial;
	char *rootfs;		   /* on the host */
	_Atomic uint64_t root_dev; /* of its own root file system; 0 when it has none */
	uint64_t upper_dev;	   /* device of overlay's writable layer; 0 unknown */
	uint64_t born_ns;	   /* when that layer was made, real_ns; 0 unknown */
	_Atomic uint64_t guard_ns; /* boot_ns when the guard gives up; 0: not guarded */
	_Atomic uint64_t dead_ns;  /* boot_ns of disarm; 0 alive */
	unsigned place_count;
	_Atomic unsigned refs;
	pthread_mutex_t lock; /* buckets, total */
	struct keeper_bucket bucket[KEEPER_CLASSES];
	uint64_t total_left;
};

/* One marked file system (by st_dev) or mount (by mount id). */
struct keeper_place {
	uint64_t key;
	bool by_mount;
	uint64_t flags; /* KEPT_OVERLAY, KEPT_TMPFS */
	struct keeper_subject *subject;
	char point[KEEPER_POINT]; /* in the container; "/" of its root */
};

struct keeper_places {
	pthread_rwlock_t lock;
	struct keeper_place *p; /* [KEEPER_PLACES_MAX] */
	size_t n;
	struct map by_key; /* place_key to index in p */
	struct keeper_subject **subjects;
	size_t subject_n, subject_cap;
	uint64_t serial;
};

/* One event, from its arrival to its end. */
struct keeper_job {
	int fd;
	uint64_t mask;
	struct stat st;
	struct keeper_subject *subject; /* a reference */
	struct keep_who who;
	uint64_t flags;
	uint64_t own_dev;    /* names the file within this container */
	uint64_t shared_dev; /* names it across containers (an image's layer); 0: it does not */
	enum keeper_class class;
	size_t path_n;
	bool path_cut;
	char path[LIMIT_PATH + 16]; /* in the container; NUL-terminated */
};

struct keeper {
	struct keeper_options options;
	struct keeper_store store;
	struct keep_out *out;
	struct keep_gaps gaps;
	struct keeper_cache cache;
	struct keeper_places places;
	pthread_mutex_t global_lock;
	struct keeper_bucket global[KEEPER_CLASSES];
	int group, wake;
	struct permit *guard; /* NULL: off */
	pthread_t threads[KEEPER_THREADS_MAX];
	unsigned thread_n;
	_Atomic bool shedding, stop;
	_Atomic uint64_t events, kept, kept_bytes, reused, known, skipped, unattributed, guarded,
		guard_late;
};

/* keeper_place.c */
int keeper_places_init(struct keeper *k, struct err *e);
void keeper_places_fini(struct keeper *k);

/* Finds whose file job->fd is and fills subject, who, flags, devices and path.  false when
 * nobody's. The job holds a reference to its subject then. */
bool keeper_places_attribute(struct keeper *k, struct keeper_job *job, uint32_t pid);

/* The subject whose file system `fd` is on, with a reference; NULL when nobody's. */
struct keeper_subject *keeper_subject_of(struct keeper *k, int fd, uint32_t pid);

/* The subject with that id, with a reference; a new one when there was none and `make`.  NULL. */
struct keeper_subject *keeper_subject_find(struct keeper *k, struct span id, bool make);
void keeper_subject_release(struct keeper_subject *subject);

/* Adds a place, or moves one with the same key to the subject (a number that the kernel used
 * again).  -EEXIST when it is the subject's already, -ENOSPC at a limit. */
int keeper_place_add(struct keeper *k, const struct keeper_place *place);
void keeper_place_remove(struct keeper *k, const struct keeper_place *place);
/* Removes all places of a subject. */
void keeper_places_drop(struct keeper *k, struct keeper_subject *subject);
/* Takes subjects that died before `before_ns` out of the table, with their places. */
void keeper_places_bury(struct keeper *k, uint64_t before_ns);

/* The mount id behind a descriptor (statx(2)); 0 where the kernel does not tell. */
uint64_t keeper_mount_id(int fd);

/* keeper_arm.c */
void keeper_guard_event(void *ctx, const struct permit_event *event);
void keeper_guard_late(void *ctx, uint32_t tid);
/* Every second: ends guards whose time is over, forgets the dead. */
void keeper_sweep(struct keeper *k);

/* keeper_file.c: keeps the file of the job, or says why not. */
void keeper_file_keep(struct keeper *k, struct keeper_job *job);
/* Counts a file that is let go. */
void keeper_file_skip(struct keeper *k, const struct keeper_job *job, const char *reason);

#endif
