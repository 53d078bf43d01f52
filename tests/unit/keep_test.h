/* keep_test.h - a sink that remembers events, a store that remembers contents, small folders. */
#ifndef AMBER_TESTS_UNIT_KEEP_TEST_H
#define AMBER_TESTS_UNIT_KEEP_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "record/keeper.h"
#include "test.h"

/* One remembered event: the fields that these tests ask for. */
struct seen {
	enum event_type type;
	uint32_t marks, tid;
	uint64_t real_ns, boot_ns, lost, flags, size, ino, mode;
	char id[LIMIT_CONTAINER_ID];
	char reason[32], stream[16];
	uint8_t digest[SHA256_BYTES];
	size_t text_n; /* of PATH for files and gaps, of TEXT for logs */
	char *text;
};

struct seen_list {
	pthread_mutex_t lock;
	struct seen *p;
	size_t n, cap;
};

static inline void text_of(struct span s, char *out, size_t max)
{
	size_t n = s.n < max - 1 ? s.n : max - 1;

	if (n)
		memcpy(out, s.p, n);
	out[n] = '\0';
}

static inline struct span span_if(const struct event *ev, enum event_field field)
{
	return event_type_has(ev->type, field) ? ev->value[field].bytes : span_make(NULL, 0);
}

static inline uint64_t u64_if(const struct event *ev, enum event_field field)
{
	return event_type_has(ev->type, field) ? ev->value[field].u : 0;
}

static inline int seen_emit(void *ctx, const struct event *ev, struct err *e)
{
	struct seen_list *list = ctx;
	struct span text =
		ev->type == EVENT_CONTAINER_LOG ? span_if(ev, FIELD_TEXT) : span_if(ev, FIELD_PATH);
	struct span digest = span_if(ev, FIELD_SHA256);
	struct seen *s;

	pthread_mutex_lock(&list->lock);
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 1024;
		list->p = realloc(list->p, list->cap * sizeof(*list->p));
		assert_non_null(list->p);
	}
	s = &list->p[list->n++];
	memset(s, 0, sizeof(*s));
	s->type = ev->type;
	s->marks = ev->marks;
	s->tid = ev->tid;
	s->real_ns = ev->real_ns;
	s->boot_ns = ev->boot_ns;
	s->lost = u64_if(ev, FIELD_LOST);
	s->flags = u64_if(ev, FIELD_FILE_FLAGS);
	s->size = u64_if(ev, FIELD_FILE_SIZE);
	s->ino = u64_if(ev, FIELD_INO);
	s->mode = u64_if(ev, FIELD_MODE);
	if (ev->container)
		text_of(ev->container->id, s->id, sizeof(s->id));
	text_of(span_if(ev, FIELD_REASON), s->reason, sizeof(s->reason));
	text_of(span_if(ev, FIELD_STREAM), s->stream, sizeof(s->stream));
	if (digest.n == SHA256_BYTES)
		memcpy(s->digest, digest.p, SHA256_BYTES);
	s->text = malloc(text.n + 1);
	assert_non_null(s->text);
	text_of(text, s->text, text.n + 1);
	s->text_n = text.n;
	pthread_mutex_unlock(&list->lock);
	return 0;
}

static inline void seen_clear(struct seen_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->p[i].text);
	free(list->p);
	list->p = NULL;
	list->n = list->cap = 0;
}

/* Sum of LOST of the gaps with that reason (1 for each that cannot count). */
static inline uint64_t seen_gaps(const struct seen_list *list, const char *reason)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->p[i].type == EVENT_GAP && strcmp(list->p[i].reason, reason) == 0)
			sum += list->p[i].lost ? list->p[i].lost : 1;
	return sum;
}

/* The n-th kept file (from 0) with that path and reason (NULL: any), or NULL. */
static inline const struct seen *seen_kept(const struct seen_list *list, const char *path,
					   const char *reason, unsigned nth)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct seen *s = &list->p[i];

		if (s->type == EVENT_FILE_KEPT && (!path || strcmp(s->text, path) == 0) &&
		    (!reason || strcmp(s->reason, reason) == 0) && nth-- == 0)
			return s;
	}
	return NULL;
}

/* --- a store --- */

struct held {
	uint8_t digest[SHA256_BYTES];
	uint8_t *p;
	size_t n;
};

struct memory_store {
	pthread_mutex_t lock;
	struct held *p;
	size_t n, cap;
	unsigned puts, slow_us;
	_Atomic int refuse; /* errno that every put fails with */
};

static inline const struct held *store_find(const struct memory_store *store,
					    const uint8_t digest[SHA256_BYTES])
{
	for (size_t i = 0; i < store->n; i++)
		if (memcmp(store->p[i].digest, digest, SHA256_BYTES) == 0)
			return &store->p[i];
	return NULL;
}

static inline int store_put(void *ctx, int fd, uint64_t max_bytes, struct keeper_object *ret,
			    struct err *e)
{
	struct memory_store *store = ctx;
	struct stat st;
	uint8_t *p;
	ssize_t n;

	if (store->slow_us)
		usleep(store->slow_us);
	if (store->refuse)
		return err_sys(e, store->refuse, "cannot store");
	if (fstat(fd, &st) != 0)
		return err_sys(e, errno, "cannot look at a file");
	p = malloc((size_t)st.st_size + 1);
	assert_non_null(p);
	n = fd_pread_full(fd, p, (uint64_t)st.st_size < max_bytes ? (size_t)st.st_size : max_bytes,
			  0);
	if (n < 0) {
		free(p);
		return err_sys(e, (int)-n, "cannot read a file");
	}
	sha256_of(span_make(p, (size_t)n), ret->digest);
	ret->size = (uint64_t)n;
	ret->truncated = (uint64_t)st.st_size > max_bytes;
	pthread_mutex_lock(&store->lock);
	store->puts++;
	ret->is_new = !store_find(store, ret->digest);
	if (ret->is_new) {
		if (store->n == store->cap) {
			store->cap = store->cap ? store->cap * 2 : 1024;
			store->p = realloc(store->p, store->cap * sizeof(*store->p));
			assert_non_null(store->p);
		}
		memcpy(store->p[store->n].digest, ret->digest, SHA256_BYTES);
		store->p[store->n].p = p;
		store->p[store->n++].n = (size_t)n;
	} else {
		free(p);
	}
	pthread_mutex_unlock(&store->lock);
	return 0;
}

static inline bool store_has(const struct memory_store *store, const void *p, size_t n)
{
	uint8_t digest[SHA256_BYTES];
	const struct held *held;

	sha256_of(span_make(p, n), digest);
	held = store_find(store, digest);
	return held && held->n == n && (n == 0 || memcmp(held->p, p, n) == 0);
}

static inline void store_clear(struct memory_store *store)
{
	for (size_t i = 0; i < store->n; i++)
		free(store->p[i].p);
	free(store->p);
	store->p = NULL;
	store->n = store->cap = 0;
	store->puts = store->slow_us = 0;
	store->refuse = 0;
}

/* --- folders and processes --- */

static inline int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Prints a path into a buffer that is good for the next 63 calls. */
static inline const char *at(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline const char *at(const char *format, ...)
{
	static char ring[64][LIMIT_PATH];
	static unsigned next;
	char *p = ring[next++ % 64];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(p, LIMIT_PATH, format, args);
	va_end(args);
	return p;
}

static inline void write_file(const char *path, const void *p, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || fd_write_full(fd, p, n) < 0 || close(fd) != 0) {
		fprintf(stderr, "cannot write '%s': %s\n", path, strerror(errno));
		_exit(99);
	}
}

static inline void copy_file(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(fd_write_full(out, chunk, (size_t)n), 0);
	(void)close(in);
	(void)close(out);
}

/* Waits for a child and returns its exit status, or 128 + signal. */
static inline int wait_for(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs argv with its output to /dev/null unless KEEP_TEST_TALK is set.  Returns the exit status. */
static inline pid_t spawn(const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		if (!getenv("KEEP_TEST_TALK")) {
			dup2(null, 1);
			dup2(null, 2);
		}
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static inline int run(const char *const *argv)
{
	return wait_for(spawn(argv));
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static inline const char *find_program(const char *name)
{
	static const char *const dirs[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin",
					   "/usr/local/sbin"};

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (access(at("%s/%s", dirs[i], name), X_OK) == 0)
			return at("%s/%s", dirs[i], name);
	return NULL;
}

/* Our own mount namespace, so that nothing that a test mounts is seen by others. */
static inline bool private_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#define PROBE(condition, why)                               \
	do {                                                \
		if (!(condition)) {                         \
			fprintf(stderr, "skip: %s\n", why); \
			skip();                             \
		}                                           \
	} while (0)

#endif
