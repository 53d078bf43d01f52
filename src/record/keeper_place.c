/* keeper_place.c - which file system is whose, and what a file is called there. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "record/keeper_internal.h"
#include "record/keeper_mounts.h"

#define DELETED " (deleted)" /* what d_path (fs/d_path.c) appends */

static uint64_t place_key(uint64_t key, bool by_mount)
{
	return by_mount ? key | (1ull << 63) : key;
}

int keeper_places_init(struct keeper *k, struct err *e)
{
	struct keeper_places *t = &k->places;

	t->p = calloc(KEEPER_PLACES_MAX, sizeof(*t->p));
	if (!t->p)
		return err_sys(e, ENOMEM, "cannot keep a table of file systems");
	map_init(&t->by_key);
	pthread_rwlock_init(&t->lock, NULL);
	return 0;
}

void keeper_subject_release(struct keeper_subject *subject)
{
	if (!subject || atomic_fetch_sub(&subject->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&subject->lock);
	free(subject->rootfs);
	free(subject);
}

void keeper_places_fini(struct keeper *k)
{
	struct keeper_places *t = &k->places;

	if (!t->p)
		return;
	for (size_t i = 0; i < t->subject_n; i++)
		keeper_subject_release(t->subjects[i]);
	free(t->subjects);
	free(t->p);
	t->p = NULL;
	map_fini(&t->by_key);
	pthread_rwlock_destroy(&t->lock);
}

/* With the lock held for writing. */
static struct keeper_subject *subject_new(struct keeper *k, struct span id)
{
	const struct keeper_policy *policy = &k->options.policy;
	struct keeper_places *t = &k->places;
	uint64_t now = clock_boot_ns();
	struct keeper_subject *s;

	if (t->subject_n == t->subject_cap) {
		size_t cap = t->subject_cap ? t->subject_cap * 2 : 64;
		void *grown = realloc(t->subjects, cap * sizeof(struct keeper_subject *));

		if (!grown)
			return NULL;
		t->subjects = grown;
		t->subject_cap = cap;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	keep_who_set(&s->who, id, 0);
	s->serial = ++t->serial;
	s->refs = 1;
	s->total_left = policy->container_total;
	pthread_mutex_init(&s->lock, NULL);
	for (unsigned i = 0; i < KEEPER_CLASSES; i++)
		keeper_bucket_init(&s->bucket[i], policy->container_rate, policy->container_burst,
				   now);
	t->subjects[t->subject_n++] = s;
	return s;
}

struct keeper_subject *keeper_subject_find(struct keeper *k, struct span id, bool make)
{
	struct keeper_places *t = &k->places;
	struct keeper_subject *found = NULL;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->subject_n && !found; i++)
		if (span_is(id, t->subjects[i]->who.id))
			found = t->subjects[i];
	if (!found && make && t->subject_n < LIMIT_CONTAINERS)
		found = subject_new(k, id);
	if (found)
		atomic_fetch_add(&found->refs, 1);
	pthread_rwlock_unlock(&t->lock);
	return found;
}

/* With the lock held for writing: the last place takes the gap. */
static void remove_at(struct keeper_places *t, size_t i)
{
	struct keeper_place *last = &t->p[t->n - 1];

	map_remove(&t->by_key, place_key(t->p[i].key, t->p[i].by_mount));
	t->p[i].subject->place_count--;
	if (&t->p[i] != last) {
		uint64_t *index = map_find(&t->by_key, place_key(last->key, last->by_mount));

		t->p[i] = *last;
		*index = i;
	}
	t->n--;
}

int keeper_place_add(struct keeper *k, const struct keeper_place *place)
{
	struct keeper_places *t = &k->places;
	uint64_t key = place_key(place->key, place->by_mount);
	uint64_t *index;
	int r = 0;

	pthread_rwlock_wrlock(&t->lock);
	index = map_find(&t->by_key, key);
	if (index && t->p[*index].subject == place->subject)
		r = -EEXIST;
	else if (index)
		remove_at(t, *index);
	if (r == 0 &&
	    (t->n == KEEPER_PLACES_MAX || place->subject->place_count >= KEEPER_MOUNTS_MAX))
		r = -ENOSPC;
	if (r == 0)
		r = map_put(&t->by_key, key, t->n);
	if (r == 0) {
		t->p[t->n++] = *place;
		place->subject->place_count++;
	}
	pthread_rwlock_unlock(&t->lock);
	return r;
}

void keeper_place_remove(struct keeper *k, const struct keeper_place *place)
{
	struct keeper_places *t = &k->places;
	uint64_t *index;

	pthread_rwlock_wrlock(&t->lock);
	index = map_find(&t->by_key, place_key(place->key, place->by_mount));
	if (index && t->p[*index].subject == place->subject)
		remove_at(t, *index);
	pthread_rwlock_unlock(&t->lock);
}

/* With the lock held for writing. */
static void drop(struct keeper_places *t, struct keeper_subject *subject)
{
	for (size_t i = 0; i < t->n && subject->place_count;) {
		if (t->p[i].subject == subject)
			remove_at(t, i);
		else
			i++;
	}
}

void keeper_places_drop(struct keeper *k, struct keeper_subject *subject)
{
	pthread_rwlock_wrlock(&k->places.lock);
	drop(&k->places, subject);
	pthread_rwlock_unlock(&k->places.lock);
}

void keeper_places_bury(struct keeper *k, uint64_t before_ns)
{
	struct keeper_places *t = &k->places;

	pthread_rwlock_wrlock(&t->lock);
	for (size_t i = 0; i < t->subject_n;) {
		struct keeper_subject *s = t->subjects[i];

		if (s->dead_ns == 0 || s->dead_ns >= before_ns) {
			i++;
			continue;
		}
		drop(t, s);
		t->subjects[i] = t->subjects[--t->subject_n];
		keeper_subject_release(s);
	}
	pthread_rwlock_unlock(&t->lock);
}

uint64_t keeper_mount_id(int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) != 0 ||
	    !(stx.stx_mask & STATX_MNT_ID))
		return 0;
	return stx.stx_mnt_id;
}

/* The device of a mount as the process sees it.  For an overlay whose layers lie on several file
 * systems: there a file has a device that is not its file system's (overlayfs.rst). */
static uint64_t mount_dev(uint32_t pid, uint64_t mount_id)
{
	struct keeper_mount mount;
	struct err e = ERR_INIT;
	AUTO(buf) struct buf b;
	struct span text, line;
	char path[48];

	buf_init(&b, 1u << 20);
	(void)snprintf(path, sizeof(path), "/proc/%u/mountinfo", pid); /* cannot be cut */
	if (mount_id == 0 || fd_read_file(AT_FDCWD, path, &b, &e) < 0)
		return 0;
	text = buf_span(&b);
	while (keeper_mount_line(&text, &line))
		if (keeper_mount_parse(line, &mount) && mount.id == mount_id)
			return mount.dev;
	return 0;
}

/* With the lock held. */
static struct keeper_place *find_place(struct keeper_places *t, int fd, uint64_t dev, uint32_t pid)
{
	uint64_t *index = map_find(&t->by_key, place_key(dev, false));
	uint64_t mount_id;

	if (index)
		return &t->p[*index];
	mount_id = keeper_mount_id(fd);
	index = map_find(&t->by_key, place_key(mount_id, true));
	if (!index && pid) {
		dev = mount_dev(pid, mount_id);
		index = dev ? map_find(&t->by_key, place_key(dev, false)) : NULL;
	}
	return index ? &t->p[*index] : NULL;
}

struct keeper_subject *keeper_subject_of(struct keeper *k, int fd, uint32_t pid)
{
	struct keeper_subject *subject = NULL;
	struct keeper_place *place;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return NULL;
	pthread_rwlock_rdlock(&k->places.lock);
	place = find_place(&k->places, fd, st.st_dev, pid);
	if (place) {
		subject = place->subject;
		atomic_fetch_add(&subject->refs, 1);
	}
	pthread_rwlock_unlock(&k->places.lock);
	return subject;
}

/* Reads the kernel's name of the file.  A file without a link has DELETED behind its name for
 * certain; one that has a link may be called that. */
static ssize_t read_name(struct keeper_job *job)
{
	size_t suffix_n = strlen(DELETED);
	bool had_links = job->st.st_nlink > 0;
	struct stat now;
	char link[40];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", job->fd); /* cannot be cut */
	n = readlink(link, job->path, sizeof(job->path) - 1);
	if (n > 0 && had_links && span_ends(span_make(job->path, (size_t)n), DELETED) &&
	    fstat(job->fd, &now) == 0 && now.st_nlink == 0) { /* unlinked since we looked */
		job->st.st_nlink = 0;
		had_links = false;
		n = readlink(link, job->path, sizeof(job->path) - 1);
	}
	if (n < 0)
		n = 0;
	job->path_cut = n == (ssize_t)sizeof(job->path) - 1;
	if (had_links)
		return n;
	job->flags |= KEPT_DELETED;
	return n >= (ssize_t)suffix_n && !job->path_cut ? n - (ssize_t)suffix_n : n;
}

/* Names the file as its container does.  The kernel gives the path from the root of the mount
 * namespace that the event came through: the container's, or the host's before pivot_root and for
 * the runtime; once that namespace is gone, from the root of the mount itself. */
static void name_file(struct keeper_job *job, const struct keeper_place *place)
{
	const char *rootfs = place->subject->rootfs;
	size_t root_n = rootfs ? strlen(rootfs) : 0, point_n = strlen(place->point);
	ssize_t n = read_name(job);

	if (root_n > 1 && (size_t)n > root_n && memcmp(job->path, rootfs, root_n) == 0 &&
	    job->path[root_n] == '/') {
		n -= (ssize_t)root_n;
		memmove(job->path, job->path + root_n, (size_t)n);
	}
	if (!keeper_mount_below(span_make(job->path, (size_t)n), span_of(place->point)) &&
	    (size_t)n + point_n < sizeof(job->path)) {
		memmove(job->path + point_n, job->path, (size_t)n);
		memcpy(job->path, place->point, point_n);
		n += (ssize_t)point_n;
	}
	job->path[n] = '\0';
	job->path_n = (size_t)n;
}

/* What the caches call the file's device (keeper_cache.h).  A file of an overlay that has the
 * overlay's own device and a small inode number carries the number it has in the file system of
 * the writable layer (overlayfs.rst, "Inode properties"); one whose ctime is older than that layer
 * is from an image and the same in every container of it. */
static void name_devices(struct keeper_job *job, const struct keeper_place *place)
{
	const struct keeper_subject *s = place->subject;
	uint64_t ctime_ns =
		(uint64_t)job->st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)job->st.st_ctim.tv_nsec;

	job->own_dev = job->st.st_dev;
	if (place->by_mount)
		job->own_dev ^= s->serial << 40;
	job->shared_dev = 0;
	if (!(place->flags & KEPT_OVERLAY))
		return;
	if ((job->mask & FAN_CLOSE_WRITE) || (s->born_ns && ctime_ns >= s->born_ns))
		job->flags |= KEPT_UPPER;
	else if (s->upper_dev && ctime_ns + NSEC_PER_SEC < s->born_ns &&
		 job->st.st_dev == place->key && job->st.st_ino <= UINT32_MAX)
		job->shared_dev = s->upper_dev;
}

bool keeper_places_attribute(struct keeper *k, struct keeper_job *job, uint32_t pid)
{
	struct keeper_places *t = &k->places;
	struct keeper_place *place;

	pthread_rwlock_rdlock(&t->lock);
	place = find_place(t, job->fd, job->st.st_dev, pid);
	if (place) {
		job->subject = place->subject;
		atomic_fetch_add(&job->subject->refs, 1);
		job->who = job->subject->who;
		job->who.pid = pid;
		job->flags = place->flags;
		name_file(job, place);
		name_devices(job, place);
	}
	pthread_rwlock_unlock(&t->lock);
	return place != NULL;
}
