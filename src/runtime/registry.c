/* registry.c - see registry.h. */
#include "runtime/registry.h"

#include <pthread.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/path.h"
#include "runtime/draft.h"
#include "runtime/rcu.h"

#define KEEP_NS (3600 * NSEC_PER_SEC)

/* The fields that have a source of their own, behind the texts. */
enum ranked {
	RANK_LABELS = CONTAINER_TEXTS,
	RANK_MOUNTS,
	RANK_RUNTIME,
	RANK_PRIVILEGED,
	RANK_AUTO_REMOVE,
	RANK_INIT_PID,
	RANK_EXIT_CODE,
	RANK_CREATED,
	RANK_STARTED,
	RANK_DIED,
	RANK_COUNT
};

struct entry {
	struct rcu_node node; /* carries the entry itself away; the first member, see rcu_retire */
	_Atomic(struct container *) c;
	struct rcu_node *retire; /* carries c away */
	uint8_t rank[RANK_COUNT];
	bool gone;   /* its own control group was removed */
	bool dead;   /* in the list of the dead */
	bool closed; /* another container has its id now */
	uint64_t dead_since_ns;
	uint64_t *cgroups; /* all that lead here, its own among them */
	size_t cgroup_count, cgroup_cap;
	size_t at; /* in registry.entries */
	struct entry *same_hash;
	TAILQ_ENTRY(entry) link;
};

struct listener {
	registry_change_fn *fn;
	void *ctx;
};

struct registry {
	struct rcu rcu;
	struct rcu_map index; /* control group to entry */
	pthread_mutex_t lock; /* everything below, and every change of the above */
	struct entry **entries;
	size_t count, cap, dead_count;
	TAILQ_HEAD(, entry) dead; /* longest dead first */
	struct map by_id;	  /* hash64(id) to entry, chained by same_hash */
	struct map by_path;	  /* hash64(cgroup_path) to entry */
	uint64_t rev;
	size_t max;
	uint64_t keep_ns;
	struct registry_stats stats;
	struct listener listeners[REGISTRY_LISTENERS];
	size_t listener_count;
};

static struct container *content(struct entry *en)
{
	return atomic_load_explicit(&en->c, memory_order_acquire);
}

static struct entry *index_find(struct registry *r, uint64_t cgroup_id)
{
	return rcu_map_find(&r->index, cgroup_id);
}

int registry_new(const struct registry_options *o, struct registry **ret_r, struct err *e)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r || rcu_map_init(&r->index) < 0) {
		free(r);
		return err_sys(e, ENOMEM, "cannot make the registry of containers");
	}
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail with default attributes */
	TAILQ_INIT(&r->dead);
	map_init(&r->by_id);
	map_init(&r->by_path);
	r->max = o && o->max ? o->max : LIMIT_CONTAINERS;
	r->keep_ns = o && o->keep_ns ? o->keep_ns : KEEP_NS;
	*ret_r = r;
	return 0;
}

static void entry_free(struct entry *en)
{
	free(content(en));
	free(en->retire);
	free(en->cgroups);
	free(en);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		entry_free(r->entries[i]);
	free(r->entries);
	rcu_fini(&r->rcu);
	rcu_map_fini(&r->index);
	map_fini(&r->by_id);
	map_fini(&r->by_path);
	(void)pthread_mutex_destroy(&r->lock); /* nobody holds it */
	free(r);
}

unsigned registry_read_lock(struct registry *r)
{
	return rcu_lock(&r->rcu);
}

void registry_read_unlock(struct registry *r, unsigned section)
{
	rcu_unlock(&r->rcu, section);
}

const struct container *registry_find_cgroup(struct registry *r, uint64_t cgroup_id)
{
	struct entry *en = index_find(r, cgroup_id);

	return en ? content(en) : NULL;
}

static struct entry *map_entry(const struct map *m, uint64_t key)
{
	uint64_t *found = map_find(m, key);

	return found ? (struct entry *)(uintptr_t)*found : NULL;
}

static int id_add(struct registry *r, struct entry *en, struct span id)
{
	uint64_t hash = hash64(id);
	struct entry *first = map_entry(&r->by_id, hash);

	en->same_hash = first;
	return map_put(&r->by_id, hash, (uintptr_t)en);
}

static void id_drop(struct registry *r, struct entry *en)
{
	struct span id = content(en)->id;
	uint64_t hash = hash64(id);
	struct entry *first = id.n ? map_entry(&r->by_id, hash) : NULL, *at = first;

	if (first && first == en) {
		if (en->same_hash) /* the key is there: this put needs no memory */
			(void)map_put(&r->by_id, hash, (uintptr_t)en->same_hash);
		else
			(void)map_remove(&r->by_id, hash);
		return;
	}
	while (at && at->same_hash != en)
		at = at->same_hash;
	if (at)
		at->same_hash = en->same_hash;
}

static void path_drop(struct registry *r, struct entry *en)
{
	uint64_t hash = hash64(content(en)->cgroup_path);

	if (map_entry(&r->by_path, hash) == en)
		(void)map_remove(&r->by_path, hash); /* it was just found */
}

/* Takes an entry out of everything; readers may still look at it. */
static void entry_drop(struct registry *r, struct entry *en)
{
	struct container *c = content(en);

	for (size_t i = 0; i < en->cgroup_count; i++)
		rcu_map_drop(&r->index, en->cgroups[i], en);
	id_drop(r, en);
	path_drop(r, en);
	r->entries[en->at] = r->entries[--r->count];
	r->entries[en->at]->at = en->at;
	if (en->dead) {
		TAILQ_REMOVE(&r->dead, en, link);
		r->dead_count--;
	}
	free(en->cgroups); /* only the writer reads it */
	rcu_retire(&r->rcu, en->retire, c);
	rcu_retire(&r->rcu, &en->node, NULL);
}

static void expire(struct registry *r, uint64_t now_ns)
{
	struct entry *en;

	while ((en = TAILQ_FIRST(&r->dead)) && en->dead_since_ns + r->keep_ns <= now_ns) {
		entry_drop(r, en);
		r->stats.expired++;
	}
}

void registry_expire(struct registry *r, uint64_t now_ns)
{
	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	expire(r, now_ns);
	(void)pthread_mutex_unlock(&r->lock);
}

static int make_room(struct registry *r, struct err *e)
{
	if (r->count >= r->max)
		expire(r, clock_real_ns());
	if (r->count >= r->max && TAILQ_FIRST(&r->dead)) {
		entry_drop(r, TAILQ_FIRST(&r->dead));
		r->stats.evicted++;
	}
	if (r->count >= r->max) {
		r->stats.refused++;
		return err_set(e, ENOSPC, "cannot keep another container: %zu are alive", r->max);
	}
	if (r->count == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct entry **grown = realloc(r->entries, cap * sizeof(struct entry *));

		if (!grown)
			return err_sys(e, ENOMEM, "cannot keep another container");
		r->entries = grown;
		r->cap = cap;
	}
	return 0;
}

static bool differ(struct span a, struct span b)
{
	return a.n && b.n && !span_eq(a, b);
}

/* Whether `c` cannot be the container of `en`, which has the same id. */
static bool contradicts(struct entry *en, const struct container *c)
{
	const struct container *old = content(en);

	if (en->dead || en->gone)
		return false;
	if (c->cgroup_id && old->cgroup_id && c->cgroup_id != old->cgroup_id)
		return true;
	return differ(c->bundle, old->bundle);
}

static struct entry *find_by_id(struct registry *r, const struct container *c)
{
	struct entry *best = NULL;

	if (!c->id.n)
		return NULL;
	for (struct entry *en = map_entry(&r->by_id, hash64(c->id)); en; en = en->same_hash) {
		if (en->closed || !span_eq(content(en)->id, c->id) || contradicts(en, c))
			continue;
		if (!best || (best->dead && !en->dead))
			best = en;
	}
	return best;
}

static bool is_over(const struct entry *en)
{
	return en->dead || en->gone;
}

/* A dead container's id in a new control group: Docker and Podman start the same container again,
 * but runc's and ctr's ids are free for another one, which the old one must not be taken for. */
static bool is_another(const struct entry *en, const struct container *c)
{
	return is_over(en) && c->cgroup_id && c->state != CONTAINER_DEAD &&
	       !container_id_is_hex(c->id);
}

static struct entry *find_entry(struct registry *r, const struct container *c)
{
	struct entry *en = index_find(r, c->cgroup_id);

	if (en && !differ(content(en)->id, c->id))
		return en;
	en = find_by_id(r, c);
	if (!en || !is_another(en, c))
		return en;
	en->closed = true;
	return NULL;
}

/* Whether a field with such a value may be replaced, and notes the source. */
static bool wins(struct entry *en, size_t field, enum source source, bool old_known, bool known)
{
	if (!known || (old_known && source < en->rank[field]))
		return false;
	en->rank[field] = (uint8_t)source;
	return true;
}

#define MERGE(field, ranked, known_when)                                                 \
	do {                                                                             \
		if (wins(en, ranked, source, to->field known_when, c->field known_when)) \
			to->field = c->field;                                            \
	} while (0)

static void merge_state(struct entry *en, struct container *to, const struct container *c,
			enum source source)
{
	/* a runtime's word does not kill what has a control group */
	if (c->state == CONTAINER_DEAD && source < SOURCE_KERNEL && to->cgroup_id && !en->gone)
		return;
	if (to->state < c->state)
		to->state = c->state;
}

/* Puts into `to`, a copy of what is known, what `c` adds. */
static void merge(struct entry *en, struct container *to, const struct container *c,
		  enum source source)
{
	for (size_t i = 0; i < CONTAINER_TEXTS; i++) {
		struct span *old = container_text(to, i), value = *container_text_const(c, i);
		bool kernels = old == &to->cgroup_path && c->cgroup_id;

		if (wins(en, i, kernels ? SOURCE_KERNEL : source, old->n != 0, value.n != 0) &&
		    !(old == &to->id && old->n))
			*old = value;
	}
	if (wins(en, RANK_LABELS, source, to->label_count, c->label_count)) {
		to->labels = c->labels;
		to->label_count = c->label_count;
	}
	if (wins(en, RANK_MOUNTS, source, to->mount_count, c->mount_count)) {
		to->mounts = c->mounts;
		to->mount_count = c->mount_count;
	}
	merge_state(en, to, c, source);
	MERGE(runtime, RANK_RUNTIME, != RUNTIME_UNKNOWN);
	MERGE(privileged, RANK_PRIVILEGED, != TRUTH_UNKNOWN);
	MERGE(auto_remove, RANK_AUTO_REMOVE, != TRUTH_UNKNOWN);
	MERGE(init_pid, RANK_INIT_PID, != 0);
	MERGE(created_ns, RANK_CREATED, != 0);
	MERGE(started_ns, RANK_STARTED, != 0);
	if (c->state == CONTAINER_DEAD) {
		MERGE(exit_code, RANK_EXIT_CODE, >= 0);
		MERGE(died_ns, RANK_DIED, != 0);
	}
	if (!to->cgroup_id)
		to->cgroup_id = c->cgroup_id;
	if (to->cut < c->cut)
		to->cut = c->cut;
}

/* A dead container that starts again: what belonged to its last life is unknown now. */
static void live_again(struct entry *en, struct container *to)
{
	static const uint8_t of_a_life[] = {RANK_INIT_PID, RANK_EXIT_CODE, RANK_STARTED, RANK_DIED};

	to->state = CONTAINER_CREATED;
	to->cgroup_id = 0;
	to->init_pid = 0;
	to->exit_code = -1;
	to->started_ns = to->died_ns = 0;
	to->cgroup_path = to->conflict = span_make(NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(of_a_life); i++)
		en->rank[of_a_life[i]] = 0;
	en->gone = false;
}

static void track_death(struct registry *r, struct entry *en, const struct container *c)
{
	bool dead = c->state == CONTAINER_DEAD;

	if (dead == en->dead)
		return;
	en->dead = dead;
	if (dead) {
		en->dead_since_ns = clock_real_ns();
		TAILQ_INSERT_TAIL(&r->dead, en, link);
		r->dead_count++;
	} else {
		TAILQ_REMOVE(&r->dead, en, link);
		r->dead_count--;
	}
}

/* Gives the entry a new snapshot of `next`.  *ret_before is the old one, which lives until the
 * caller's read section ends; unchanged when nothing is different. */
static int publish(struct registry *r, struct entry *en, struct container *next,
		   const struct container **ret_before, const struct container **ret_after,
		   struct err *e)
{
	struct container *old = content(en), *copy;
	struct rcu_node *node;

	if (old && container_same(old, next)) {
		*ret_before = *ret_after = old;
		return 0;
	}
	next->rev = ++r->rev;
	copy = container_copy(next);
	node = malloc(sizeof(*node));
	if (!copy || !node) {
		free(copy);
		free(node);
		return err_sys(e, ENOMEM, "cannot keep a container's identity");
	}
	atomic_store_explicit(&en->c, copy, memory_order_release);
	if (old)
		rcu_retire(&r->rcu, en->retire, old);
	en->retire = node;
	track_death(r, en, copy);
	*ret_before = old;
	*ret_after = copy;
	return 0;
}

/* Adds a control group to those that lead to the entry. */
static int bind_cgroup(struct registry *r, struct entry *en, uint64_t cgroup_id, struct err *e)
{
	if (index_find(r, cgroup_id) == en)
		return 0;
	if (en->cgroup_count == LIMIT_CGROUPS) {
		size_t oldest = en->cgroups[0] == content(en)->cgroup_id ? 1 : 0;

		rcu_map_drop(&r->index, en->cgroups[oldest], en);
		memmove(en->cgroups + oldest, en->cgroups + oldest + 1,
			(--en->cgroup_count - oldest) * sizeof(en->cgroups[0]));
		r->stats.unbound++;
	}
	if (en->cgroup_count == en->cgroup_cap) {
		size_t cap = en->cgroup_cap ? en->cgroup_cap * 2 : 2;
		uint64_t *grown = realloc(en->cgroups, cap * sizeof(*grown));

		if (!grown)
			return err_sys(e, ENOMEM, "cannot index a container");
		en->cgroups = grown;
		en->cgroup_cap = cap;
	}
	en->cgroups[en->cgroup_count++] = cgroup_id;
	if (rcu_map_put(&r->index, &r->rcu, cgroup_id, en) < 0)
		return err_sys(e, ENOMEM, "cannot index a container");
	return 0;
}

/* A new entry with `c` as its content, in the list but not yet indexed. */
static int add_entry(struct registry *r, const struct container *c, struct entry **ret_en,
		     struct err *e)
{
	struct container first = {.exit_code = -1};
	const struct container *before, *after;
	struct entry *en;
	int rc = make_room(r, e);

	if (rc < 0)
		return rc;
	en = calloc(1, sizeof(*en));
	if (!en)
		return err_sys(e, ENOMEM, "cannot keep another container");
	first.id = c->id; /* by_id is kept by the id of the content */
	rc = publish(r, en, &first, &before, &after, e);
	if (rc == 0 && c->id.n && id_add(r, en, c->id) < 0)
		rc = err_sys(e, ENOMEM, "cannot index a container");
	if (rc < 0) {
		entry_free(en);
		return rc;
	}
	en->at = r->count;
	r->entries[r->count++] = en;
	*ret_en = en;
	return 0;
}

/* Indexes what the snapshot `c` of `en` has that the one before had not. */
static int index_entry(struct registry *r, struct entry *en, const struct container *before,
		       const struct container *c, struct err *e)
{
	if (c->id.n && !before->id.n && id_add(r, en, c->id) < 0)
		return err_sys(e, ENOMEM, "cannot index a container");
	if (c->cgroup_path.n && map_put(&r->by_path, hash64(c->cgroup_path), (uintptr_t)en) < 0)
		return err_sys(e, ENOMEM, "cannot index a container");
	return c->cgroup_id ? bind_cgroup(r, en, c->cgroup_id, e) : 0;
}

static void tell(struct registry *r, const struct container *before, const struct container *after)
{
	if (before == after)
		return;
	for (size_t i = 0; i < r->listener_count; i++)
		r->listeners[i].fn(r->listeners[i].ctx, before, after);
}

static int put_locked(struct registry *r, const struct container *c, enum source source,
		      const struct container **ret_before, const struct container **ret_after,
		      struct err *e)
{
	const struct container *before, *after;
	struct entry *en = find_entry(r, c);
	bool fresh = !en;
	struct container next;
	int rc;

	if (fresh) {
		rc = add_entry(r, c, &en, e);
		if (rc < 0)
			return rc;
	}
	next = *content(en);
	if (!fresh && is_over(en) && c->cgroup_id && c->state != CONTAINER_DEAD &&
	    index_find(r, c->cgroup_id) != en)
		live_again(en, &next);
	merge(en, &next, c, source);
	rc = publish(r, en, &next, &before, &after, e);
	if (rc == 0 && before != after)
		rc = index_entry(r, en, before, after, e);
	if (rc < 0) {
		if (fresh)
			entry_drop(r, en);
		return rc;
	}
	*ret_before = fresh ? NULL : before;
	*ret_after = after;
	return 0;
}

int registry_put(struct registry *r, const struct container *c, enum source source,
		 uint64_t *ret_rev, struct err *e)
{
	const struct container *before = NULL, *after = NULL;
	unsigned section;
	int rc;

	if (!c->id.n && !c->cgroup_id)
		return err_set(e, EINVAL, "a container without id and control group");
	section = rcu_lock(&r->rcu);
	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	rc = put_locked(r, c, source, &before, &after, e);
	(void)pthread_mutex_unlock(&r->lock);
	if (rc == 0) {
		if (ret_rev)
			*ret_rev = after->rev;
		tell(r, before, after);
	}
	rcu_unlock(&r->rcu, section);
	return rc;
}

/* The entry whose own control group is an ancestor of `path`. */
static struct entry *find_ancestor(struct registry *r, struct span path)
{
	while (path.n > 1) {
		struct span base = path_base(path);
		struct entry *en;

		path.n -= base.n + 1;
		if (!path.n)
			return NULL;
		en = map_entry(&r->by_path, hash64(path));
		if (en && span_eq(content(en)->cgroup_path, path) && !en->gone)
			return en;
	}
	return NULL;
}

int registry_bind(struct registry *r, uint64_t cgroup_id, struct span path, bool *ret_bound,
		  struct err *e)
{
	struct entry *en;
	int rc = 0;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	en = find_ancestor(r, path);
	if (en)
		rc = bind_cgroup(r, en, cgroup_id, e);
	(void)pthread_mutex_unlock(&r->lock);
	if (rc == 0)
		*ret_bound = en != NULL;
	return rc;
}

/* Replaces the content of `en` under the lock and tells of it outside. */
static int replace(struct registry *r, struct entry *en, struct container *next, struct err *e,
		   const struct container **ret_before, const struct container **ret_after)
{
	int rc = publish(r, en, next, ret_before, ret_after, e);

	if (rc < 0)
		*ret_before = *ret_after = NULL;
	return rc;
}

bool registry_gone(struct registry *r, uint64_t cgroup_id, uint64_t died_ns)
{
	const struct container *before = NULL, *after = NULL;
	struct err ignored = ERR_INIT; /* without memory it stays as it was: alive and gone */
	unsigned section = rcu_lock(&r->rcu);
	struct entry *en;
	bool own;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	en = index_find(r, cgroup_id);
	own = en && content(en)->cgroup_id == cgroup_id;
	if (own && !en->gone) {
		struct container next = *content(en);

		en->gone = true;
		next.state = CONTAINER_DEAD;
		if (!next.died_ns)
			next.died_ns = died_ns;
		(void)replace(r, en, &next, &ignored, &before, &after);
	}
	(void)pthread_mutex_unlock(&r->lock);
	tell(r, before, after);
	rcu_unlock(&r->rcu, section);
	return own;
}

int registry_revive(struct registry *r, struct span id, struct err *e)
{
	const struct container *before = NULL, *after = NULL;
	struct container wanted = {.id = id};
	unsigned section = rcu_lock(&r->rcu);
	struct entry *en;
	int rc = 0;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	en = find_by_id(r, &wanted);
	if (en && is_over(en) && !container_id_is_hex(id)) {
		en->closed = true;
	} else if (en && is_over(en)) {
		struct container next = *content(en);

		path_drop(r, en);
		live_again(en, &next);
		rc = replace(r, en, &next, e, &before, &after);
	}
	(void)pthread_mutex_unlock(&r->lock);
	tell(r, before, after);
	rcu_unlock(&r->rcu, section);
	return rc;
}

const struct container *registry_find_id(struct registry *r, struct span id)
{
	struct container wanted = {.id = id};
	struct entry *en;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	en = find_by_id(r, &wanted);
	(void)pthread_mutex_unlock(&r->lock);
	return en ? content(en) : NULL;
}

/* How well `c` is what `text` names: 3 whole id, 2 name, 1 start of the id; alive above dead. */
static int rank_of(const struct container *c, struct span text)
{
	int how = span_eq(c->id, text)					     ? 3
		  : span_eq(c->name, text)				     ? 2
		  : c->id.n > text.n && memcmp(c->id.p, text.p, text.n) == 0 ? 1
									     : 0;

	return how ? how * 2 + (c->state != CONTAINER_DEAD) : 0;
}

int registry_find_name(struct registry *r, struct span text, const struct container **ret_c,
		       struct err *e)
{
	const struct container *best = NULL;
	int best_rank = 0;
	bool several = false;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	for (size_t i = 0; text.n && i < r->count; i++) {
		const struct container *c = content(r->entries[i]);
		int rank = rank_of(c, text);

		if (!rank || rank < best_rank)
			continue;
		several = rank == best_rank && (rank & 1 || rank == 2);
		if (rank > best_rank || c->died_ns > best->died_ns)
			best = c;
		best_rank = rank;
	}
	(void)pthread_mutex_unlock(&r->lock);
	if (!best)
		return err_set(e, ENOENT, "no container is called '%.*s'; see amber ps --all",
			       (int)(text.n < 200 ? text.n : 200), (const char *)text.p);
	if (several)
		return err_set(e, EEXIST, "several containers are called '%.*s'; give the whole id",
			       (int)(text.n < 200 ? text.n : 200), (const char *)text.p);
	*ret_c = best;
	return 0;
}

int registry_on_change(struct registry *r, registry_change_fn *fn, void *ctx, struct err *e)
{
	if (r->listener_count == REGISTRY_LISTENERS)
		return err_set(e, ENOSPC, "more than %d listen to the registry",
			       REGISTRY_LISTENERS);
	r->listeners[r->listener_count++] = (struct listener){fn, ctx};
	return 0;
}

void registry_off_change(struct registry *r, const void *ctx)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->listener_count; i++) {
		if (r->listeners[i].ctx != ctx)
			r->listeners[kept++] = r->listeners[i];
	}
	r->listener_count = kept;
}

int registry_each(struct registry *r, int (*fn)(void *ctx, const struct container *c), void *ctx)
{
	int rc = 0;

	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	for (size_t i = 0; rc == 0 && i < r->count; i++)
		rc = fn(ctx, content(r->entries[i]));
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

void registry_stats(struct registry *r, struct registry_stats *ret_stats)
{
	(void)pthread_mutex_lock(&r->lock); /* cannot fail: not recursive, not robust */
	*ret_stats = r->stats;
	ret_stats->dead = r->dead_count;
	ret_stats->live = r->count - r->dead_count;
	(void)pthread_mutex_unlock(&r->lock);
}
