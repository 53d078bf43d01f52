/* keeper_cache.h - which executables have been read already.
 *
 * The key is (device, inode, ctime, mtime, size).  A file whose ctime is so fresh that it could
 * change again within the clock's tick is not remembered, and a write forgets its file, so that a
 * hit is proof of the same content.  Only executions ask: while a file is executed nobody can have
 * it open for writing (execve(2), ETXTBSY), while any other file may be mapped and change without
 * a new ctime.  Fixed memory, four ways, the oldest goes.  Thread-safe. */
#ifndef AMBER_RECORD_KEEPER_CACHE_H
#define AMBER_RECORD_KEEPER_CACHE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/hash.h"

#define KEEPER_CACHE_SETS 4096u
#define KEEPER_CACHE_WAYS 4u
#define KEEPER_RACY_NS	  20000000ull /* two ticks of the slowest kernel clock (HZ=100) */

struct keeper_key {
	uint64_t dev, ino, ctime_ns, mtime_ns, size;
};

struct keeper_cache {
	pthread_mutex_t lock;
	struct keeper_known *known; /* [SETS * WAYS] */
	uint64_t clock;
};

int keeper_cache_init(struct keeper_cache *cache, struct err *e);
void keeper_cache_fini(struct keeper_cache *cache);

/* The key of a file that is on device `dev` (which need not be st->st_dev, see keeper.h). */
struct keeper_key keeper_key_of(const struct stat *st, uint64_t dev);

bool keeper_cache_find(struct keeper_cache *cache, const struct keeper_key *key,
		       uint8_t ret_digest[SHA256_BYTES]);

/* Remembers it unless `real_ns`, the time before the content was read, is too near to its ctime. */
void keeper_cache_put(struct keeper_cache *cache, const struct keeper_key *key,
		      const uint8_t digest[SHA256_BYTES], uint64_t real_ns);

/* Forgets every version of the file. */
void keeper_cache_forget(struct keeper_cache *cache, uint64_t dev, uint64_t ino);

#endif
