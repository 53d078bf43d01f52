/* keeper_cache.c - see keeper_cache.h. */
#include "record/keeper_cache.h"

#include "base/clock.h"

struct keeper_known {
	struct keeper_key key;
	uint64_t used; /* 0: free */
	uint8_t digest[SHA256_BYTES];
};

int keeper_cache_init(struct keeper_cache *cache, struct err *e)
{
	cache->clock = 0;
	cache->known = calloc((size_t)KEEPER_CACHE_SETS * KEEPER_CACHE_WAYS, sizeof(*cache->known));
	if (!cache->known)
		return err_sys(e, ENOMEM, "cannot remember executables");
	pthread_mutex_init(&cache->lock, NULL);
	return 0;
}

void keeper_cache_fini(struct keeper_cache *cache)
{
	if (!cache->known)
		return;
	free(cache->known);
	cache->known = NULL;
	pthread_mutex_destroy(&cache->lock);
}

static uint64_t ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
}

struct keeper_key keeper_key_of(const struct stat *st, uint64_t dev)
{
	return (struct keeper_key){.dev = dev,
				   .ino = st->st_ino,
				   .ctime_ns = ns_of(&st->st_ctim),
				   .mtime_ns = ns_of(&st->st_mtim),
				   .size = (uint64_t)st->st_size};
}

/* All versions of a file share a set, so that forgetting looks at one. */
static struct keeper_known *set_of(struct keeper_cache *cache, uint64_t dev, uint64_t ino)
{
	uint64_t file[2] = {dev, ino};
	uint64_t set = hash64(span_make(file, sizeof(file))) % KEEPER_CACHE_SETS;

	return cache->known + set * KEEPER_CACHE_WAYS;
}

static bool key_eq(const struct keeper_key *a, const struct keeper_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0; /* five u64, no padding */
}

bool keeper_cache_find(struct keeper_cache *cache, const struct keeper_key *key,
		       uint8_t ret_digest[SHA256_BYTES])
{
	struct keeper_known *set = set_of(cache, key->dev, key->ino);
	bool found = false;

	pthread_mutex_lock(&cache->lock);
	for (unsigned i = 0; i < KEEPER_CACHE_WAYS && !found; i++) {
		if (!set[i].used || !key_eq(&set[i].key, key))
			continue;
		set[i].used = ++cache->clock;
		memcpy(ret_digest, set[i].digest, SHA256_BYTES);
		found = true;
	}
	pthread_mutex_unlock(&cache->lock);
	return found;
}

void keeper_cache_put(struct keeper_cache *cache, const struct keeper_key *key,
		      const uint8_t digest[SHA256_BYTES], uint64_t real_ns)
{
	struct keeper_known *set = set_of(cache, key->dev, key->ino);
	struct keeper_known *victim = set;

	if (key->ctime_ns + KEEPER_RACY_NS > real_ns)
		return;
	pthread_mutex_lock(&cache->lock);
	for (unsigned i = 0; i < KEEPER_CACHE_WAYS; i++) {
		if (set[i].used && key_eq(&set[i].key, key)) {
			victim = &set[i];
			break;
		}
		if (set[i].used < victim->used)
			victim = &set[i];
	}
	victim->key = *key;
	victim->used = ++cache->clock;
	memcpy(victim->digest, digest, SHA256_BYTES);
	pthread_mutex_unlock(&cache->lock);
}

void keeper_cache_forget(struct keeper_cache *cache, uint64_t dev, uint64_t ino)
{
	struct keeper_known *set = set_of(cache, dev, ino);

	pthread_mutex_lock(&cache->lock);
	for (unsigned i = 0; i < KEEPER_CACHE_WAYS; i++)
		if (set[i].key.dev == dev && set[i].key.ino == ino)
			set[i].used = 0;
	pthread_mutex_unlock(&cache->lock);
}
