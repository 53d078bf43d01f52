/* lineage.c - see lineage.h. */
#include "detect/lineage.h"

#include "base/limits.h"

#define NONE UINT32_MAX

enum lineage_state {
	STATE_FREE,
	STATE_ALIVE,
	STATE_DEAD,
	STATE_COUNT,
};

/* What an exec said, shared by the process and the children that only forked. */
struct lineage_image {
	struct detect_image image;
	uint32_t refs;
	uint32_t owner; /* entry that ran it; the list of ancestors begins at its parent */
	size_t size;
	uint8_t bytes[];
};

struct lineage_entry {
	uint64_t start_ns, parent_start_ns, exec_ns;
	uint32_t pid, ppid, vpid, uid, gid, loginuid;
	struct lineage_image *image;
	uint64_t caps[3];
	uint32_t bucket_next;
	uint32_t older, newer; /* in the list of its state */
	uint8_t state, caps_known, comm_n;
	char comm[21];
};

/* A list from the one that is forgotten first to the one that was touched last. */
struct lineage_list {
	uint32_t oldest, newest;
};

struct lineage {
	struct lineage_entry *entries;
	uint32_t *buckets; /* by pid */
	uint32_t mask, max, top;
	struct lineage_list lists[STATE_COUNT];
	struct lineage_stats stats;
	char room[64]; /* the name of an ancestor that only a list knows */
};

static void list_remove(struct lineage *l, uint32_t number)
{
	struct lineage_entry *entry = &l->entries[number];
	struct lineage_list *list = &l->lists[entry->state];

	if (entry->older == NONE)
		list->oldest = entry->newer;
	else
		l->entries[entry->older].newer = entry->newer;
	if (entry->newer == NONE)
		list->newest = entry->older;
	else
		l->entries[entry->newer].older = entry->older;
}

static void list_add(struct lineage *l, uint32_t number, enum lineage_state state)
{
	struct lineage_list *list = &l->lists[state];
	struct lineage_entry *entry = &l->entries[number];

	entry->state = (uint8_t)state;
	entry->older = list->newest;
	entry->newer = NONE;
	if (list->newest == NONE)
		list->oldest = number;
	else
		l->entries[list->newest].newer = number;
	list->newest = number;
}

static void touch(struct lineage *l, struct lineage_entry *entry)
{
	uint32_t number = (uint32_t)(entry - l->entries);

	if (entry->newer == NONE)
		return;
	list_remove(l, number);
	list_add(l, number, (enum lineage_state)entry->state);
}

static uint32_t bucket_of(const struct lineage *l, uint32_t pid)
{
	return (pid * 2654435761u >> 8) & l->mask;
}

/* start_ns 0: the youngest of that pid. */
static struct lineage_entry *find_entry(struct lineage *l, uint32_t pid, uint64_t start_ns)
{
	struct lineage_entry *best = NULL;

	for (uint32_t i = l->buckets[bucket_of(l, pid)]; i != NONE; i = l->entries[i].bucket_next) {
		struct lineage_entry *entry = &l->entries[i];

		if (entry->pid != pid)
			continue;
		if (start_ns && entry->start_ns == start_ns)
			return entry;
		if (!start_ns && (!best || entry->start_ns > best->start_ns))
			best = entry;
	}
	return best;
}

static void image_release(struct lineage *l, struct lineage_image *image)
{
	if (!image || --image->refs)
		return;
	l->stats.bytes -= image->size;
	free(image);
}

static void forget(struct lineage *l, uint32_t number)
{
	struct lineage_entry *entry = &l->entries[number];
	uint32_t *at = &l->buckets[bucket_of(l, entry->pid)];

	while (*at != number)
		at = &l->entries[*at].bucket_next;
	*at = entry->bucket_next;
	if (entry->state == STATE_DEAD) {
		l->stats.dead--;
		l->stats.evicted_dead++;
	} else {
		l->stats.live--;
		l->stats.evicted_alive++;
	}
	list_remove(l, number);
	image_release(l, entry->image);
	entry->image = NULL;
	list_add(l, number, STATE_FREE);
}

/* Forgets one process other than `keep`; false when there is none. */
static bool forget_one(struct lineage *l, uint32_t keep)
{
	for (unsigned state = STATE_DEAD; state >= STATE_ALIVE; state--) {
		uint32_t number = l->lists[state].oldest;

		if (number != NONE && number == keep)
			number = l->entries[number].newer;
		if (number != NONE) {
			forget(l, number);
			return true;
		}
	}
	return false;
}

static struct lineage_entry *add_entry(struct lineage *l, uint32_t pid, uint64_t start_ns,
				       uint32_t keep)
{
	uint32_t number, *bucket = &l->buckets[bucket_of(l, pid)];

	if (l->lists[STATE_FREE].oldest == NONE && l->top == l->max)
		(void)forget_one(l, keep); /* the table holds two and more, so one can go */
	number = l->lists[STATE_FREE].oldest;
	if (number == NONE)
		number = l->top++;
	else
		list_remove(l, number);
	l->entries[number] =
		(struct lineage_entry){.pid = pid, .start_ns = start_ns, .loginuid = UINT32_MAX};
	l->entries[number].bucket_next = *bucket;
	*bucket = number;
	list_add(l, number, STATE_ALIVE);
	l->stats.live++;
	return &l->entries[number];
}

int lineage_new(uint32_t max, struct lineage **ret_lineage, struct err *e)
{
	struct lineage *l = calloc(1, sizeof(*l));
	uint32_t buckets = 4;

	if (max < 2 || max > LIMIT_LINEAGE)
		max = max < 2 ? 2 : LIMIT_LINEAGE;
	while (buckets < max)
		buckets *= 2;
	if (l) {
		l->entries = calloc(max, sizeof(*l->entries));
		l->buckets = malloc(buckets * sizeof(*l->buckets));
	}
	if (!l || !l->entries || !l->buckets) {
		lineage_free(l);
		return err_set(e, ENOMEM, "no memory for the ancestry of processes");
	}
	memset(l->buckets, 0xff, buckets * sizeof(*l->buckets));
	l->mask = buckets - 1;
	l->max = max;
	for (unsigned i = 0; i < STATE_COUNT; i++)
		l->lists[i] = (struct lineage_list){NONE, NONE};
	*ret_lineage = l;
	return 0;
}

void lineage_free(struct lineage *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; l->entries && i < l->top; i++)
		image_release(l, l->entries[i].image);
	free(l->entries);
	free(l->buckets);
	free(l);
}

/* The members of an image that are texts. */
static void image_texts(struct detect_image *image, struct span *texts[9])
{
	texts[0] = &image->exe;
	texts[1] = &image->argv;
	texts[2] = &image->filename;
	texts[3] = &image->cwd;
	texts[4] = &image->tty;
	texts[5] = &image->stdio[0];
	texts[6] = &image->stdio[1];
	texts[7] = &image->stdio[2];
	texts[8] = &image->ancestors;
}

/* A copy of what the event says, each text at most LIMIT_LINEAGE_TEXT bytes. */
static struct lineage_image *image_copy(struct lineage *l, const struct detect_image *from)
{
	struct detect_image image = *from;
	struct lineage_image *copy;
	struct span *texts[9];
	size_t size = sizeof(*copy);
	uint8_t *p;

	image_texts(&image, texts);
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i]->n > LIMIT_LINEAGE_TEXT) {
			texts[i]->n = LIMIT_LINEAGE_TEXT;
			image.cut = true;
			l->stats.cut++;
		}
		size += texts[i]->n;
	}
	copy = malloc(size);
	if (!copy)
		return NULL;
	p = copy->bytes;
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i]->n)
			memcpy(p, texts[i]->p, texts[i]->n);
		texts[i]->p = p;
		p += texts[i]->n;
	}
	copy->image = image;
	copy->refs = 1;
	copy->size = size;
	l->stats.bytes += size;
	return copy;
}

void detect_image_of(const struct event *ev, struct detect_image *ret_image)
{
	const union value *value = ev->value;

	*ret_image = (struct detect_image){
		.exe = value[FIELD_PATH].bytes,
		.argv = value[FIELD_ARGV].bytes,
		.filename = value[FIELD_FILENAME].bytes,
		.cwd = value[FIELD_CWD].bytes,
		.tty = value[FIELD_TTY].bytes,
		.stdio = {value[FIELD_STDIN].bytes, value[FIELD_STDOUT].bytes,
			  value[FIELD_STDERR].bytes},
		.ancestors = value[FIELD_ANCESTORS].bytes,
		.argc = value[FIELD_ARGC].u,
		.ino = value[FIELD_INO].u,
		.file_flags = value[FIELD_FILE_FLAGS].u,
		.exec_real_ns = ev->real_ns,
		.cut = ev->marks & EVENT_TRUNCATED,
	};
}

/* Takes over what the snapshot says of the process. */
static void see(struct lineage_entry *entry, const struct process *process)
{
	if (process->start_ns && !entry->start_ns)
		entry->start_ns = process->start_ns;
	if (!entry->ppid) {
		/* the first parent that is told stays: who has double-forked was still started by
		 * it */
		entry->ppid = process->ppid;
		entry->parent_start_ns = process->parent_start_ns;
	}
	entry->exec_ns = process->exec_ns;
	entry->vpid = process->vpid;
	entry->uid = process->uid;
	entry->gid = process->gid;
	entry->loginuid = process->loginuid;
	entry->comm_n = (uint8_t)(process->comm.n < sizeof(entry->comm) ? process->comm.n
									: sizeof(entry->comm));
	if (entry->comm_n)
		memcpy(entry->comm, process->comm.p, entry->comm_n);
}

static struct lineage_entry *entry_of(struct lineage *l, const struct process *process)
{
	struct lineage_entry *entry = find_entry(l, process->pid, process->start_ns);

	if (!entry)
		entry = add_entry(l, process->pid, process->start_ns, NONE);
	see(entry, process);
	touch(l, entry);
	return entry;
}

static void keep_caps(struct lineage_entry *entry, const struct event *ev)
{
	entry->caps[0] = ev->value[FIELD_CAPS].u;
	entry->caps[1] = ev->value[FIELD_CAPS_PERMITTED].u;
	entry->caps[2] = ev->value[FIELD_CAPS_INHERITABLE].u;
	entry->caps_known = true;
}

static int feed_exec(struct lineage *l, struct lineage_entry *entry, const struct event *ev,
		     struct err *e)
{
	uint32_t number = (uint32_t)(entry - l->entries);
	struct detect_image said;

	detect_image_of(ev, &said);
	image_release(l, entry->image);
	entry->image = image_copy(l, &said);
	if (entry->image)
		entry->image->owner = number;
	keep_caps(entry, ev);
	while (l->stats.bytes > LIMIT_LINEAGE_BYTES && forget_one(l, number))
		;
	return entry->image ? 0 : err_set(e, ENOMEM, "no memory for the ancestry of processes");
}

static void feed_fork(struct lineage *l, struct lineage_entry *parent, const struct event *ev)
{
	uint32_t pid = (uint32_t)ev->value[FIELD_CHILD_PID].u;
	uint64_t start_ns = ev->value[FIELD_CHILD_START].u;
	struct lineage_entry *child = find_entry(l, pid, start_ns);

	if (pid == 0 || child == parent)
		return;
	if (child && child->image)
		return; /* its own exec came first: events of several CPUs are not in order */
	if (!child)
		child = add_entry(l, pid, start_ns, (uint32_t)(parent - l->entries));
	child->ppid = parent->pid;
	child->parent_start_ns = parent->start_ns;
	child->exec_ns = parent->exec_ns;
	child->vpid = (uint32_t)ev->value[FIELD_CHILD_VPID].u;
	child->uid = parent->uid;
	child->gid = parent->gid;
	child->loginuid = parent->loginuid;
	child->comm_n = parent->comm_n;
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	memcpy(child->caps, parent->caps, sizeof(child->caps));
	child->caps_known = parent->caps_known;
	child->image = parent->image;
	if (child->image)
		child->image->refs++;
}

static void feed_exit(struct lineage *l, struct lineage_entry *entry)
{
	uint32_t number = (uint32_t)(entry - l->entries);

	if (entry->state != STATE_ALIVE)
		return;
	list_remove(l, number);
	list_add(l, number, STATE_DEAD);
	l->stats.live--;
	l->stats.dead++;
}

int lineage_feed(struct lineage *l, const struct event *ev, struct err *e)
{
	struct lineage_entry *entry;

	if (!ev->process || ev->process->pid == 0)
		return 0;
	entry = entry_of(l, ev->process);
	switch (ev->type) {
	case EVENT_PROCESS_EXEC:
		return ev->ret < 0 ? 0 : feed_exec(l, entry, ev, e);
	case EVENT_PROCESS_FORK:
		if (ev->ret >= 0)
			feed_fork(l, entry, ev);
		return 0;
	case EVENT_PROCESS_EXIT:
		feed_exit(l, entry);
		return 0;
	case EVENT_CRED_SETID:
	case EVENT_CRED_CAPSET:
		if (event_type_has(ev->type, FIELD_CAPS))
			keep_caps(entry, ev);
		else
			entry->caps_known = false; /* they may have changed and were not told */
		return 0;
	default:
		return 0;
	}
}

static void give(const struct lineage_entry *entry, struct detect_process *ret_process)
{
	*ret_process = (struct detect_process){
		.process =
			{
				.start_ns = entry->start_ns,
				.parent_start_ns = entry->parent_start_ns,
				.exec_ns = entry->exec_ns,
				.pid = entry->pid,
				.ppid = entry->ppid,
				.vpid = entry->vpid,
				.uid = entry->uid,
				.gid = entry->gid,
				.loginuid = entry->loginuid,
				.comm = span_make(entry->comm, entry->comm_n),
			},
		.image = entry->image ? &entry->image->image : NULL,
		.caps = {entry->caps[0], entry->caps[1], entry->caps[2]},
		.caps_known = entry->caps_known,
	};
	if (entry->image)
		ret_process->process.exe = entry->image->image.exe;
}

static bool next_pid(const uint8_t **p, const uint8_t *end, uint32_t *ret_pid)
{
	uint64_t pid = 0;
	const uint8_t *at = *p;

	while (at < end && *at >= '0' && *at <= '9' && pid <= UINT32_MAX)
		pid = pid * 10 + (uint64_t)(*at++ - '0');
	if (at == *p || at == end || *at != ':' || pid > UINT32_MAX)
		return false;
	*p = at + 1;
	*ret_pid = (uint32_t)pid;
	return true;
}

/* A name that may stand in single quotes, '\'' being one of them.  Whether it was in quotes is
 * told by whether it is in `room`. */
static struct span next_name(const uint8_t **p, const uint8_t *end, char room[64])
{
	const uint8_t *begin = *p, *at = begin;
	bool quoted = false, changed = false;
	size_t n = 0;

	for (; at < end && (quoted || *at != ' '); at++) {
		uint8_t c = *at;

		if (c == '\'') {
			quoted = !quoted;
			changed = true;
			continue;
		}
		if (c == '\\' && !quoted && at + 1 < end) {
			c = *++at;
			changed = true;
		}
		if (n < 64)
			room[n++] = (char)c;
	}
	*p = at;
	return changed ? span_make(room, n) : span_make(begin, (size_t)(at - begin));
}

bool detect_ancestor_at(struct span ancestors, unsigned n, uint32_t *ret_pid, struct span *ret_comm,
			char room[64])
{
	const uint8_t *p = ancestors.p, *end = p + ancestors.n;
	struct span comm;
	uint32_t pid;

	if (ancestors.n == 0)
		return false;
	for (unsigned i = 0;; i++) {
		if (!next_pid(&p, end, &pid))
			return false;
		comm = next_name(&p, end, room);
		if (i == n) {
			*ret_pid = pid;
			*ret_comm = comm;
			return true;
		}
		if (p == end)
			return false;
		p++;
	}
}

/* The n-th parent from here on by the list of an exec. */
static enum truth find_listed(struct lineage *l, struct span ancestors, unsigned n,
			      struct detect_process *ret_process)
{
	struct process process = {.loginuid = UINT32_MAX};

	if (!detect_ancestor_at(ancestors, n, &process.pid, &process.comm, l->room))
		return TRUTH_UNKNOWN;
	*ret_process = (struct detect_process){.process = process};
	return TRUTH_YES;
}

/* Walks up by the keys of parents.  `listed` is the last list of ancestors that was passed, and
 * `behind` how many steps ago. */
static enum truth find_parent(void *ctx, const struct process *of, unsigned n,
			      struct detect_process *ret_process)
{
	struct lineage *l = ctx;
	const struct lineage_entry *entry = find_entry(l, of->pid, of->start_ns);
	uint32_t pid = of->pid, ppid = entry ? entry->ppid : of->ppid;
	uint64_t parent_start_ns = entry ? entry->parent_start_ns : of->parent_start_ns;
	struct span listed = {NULL, 0};
	unsigned behind = 0;

	if (n > LIMIT_ANCESTORS)
		return TRUTH_UNKNOWN;
	for (unsigned i = 0; i < n; i++) {
		/* a child that only forked has its parent's list, which begins further up */
		if (entry && entry->image && entry->image->image.ancestors.n &&
		    &l->entries[entry->image->owner] == entry) {
			listed = entry->image->image.ancestors;
			behind = i;
		}
		if (ppid == 0) /* init and kthreadd have none; of others it was not told */
			return pid <= 2 ? TRUTH_NO : TRUTH_UNKNOWN;
		pid = ppid;
		entry = find_entry(l, ppid, parent_start_ns);
		if (!entry)
			return listed.n ? find_listed(l, listed, n - 1 - behind, ret_process)
					: TRUTH_UNKNOWN;
		ppid = entry->ppid;
		parent_start_ns = entry->parent_start_ns;
	}
	if (!entry)
		return TRUTH_UNKNOWN;
	give(entry, ret_process);
	return TRUTH_YES;
}

struct detect_ancestry lineage_ancestry(struct lineage *l)
{
	return (struct detect_ancestry){find_parent, l};
}

void lineage_get_stats(const struct lineage *l, struct lineage_stats *ret_stats)
{
	*ret_stats = l->stats;
}
