/* log_file.c - see log_file.h. */
#include "record/log_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define CHUNK_BYTES   (128u << 10)
#define ROUND_BYTES   (4u << 20)	  /* of one file before the others have their turn */
#define LAST_ROUNDS   64		  /* at the end: a writer may be faster than the reader */
#define SETTLE_NS     (NSEC_PER_SEC / 10) /* until a rotation is believed to be over */
#define ROTATIONS_MAX 100		  /* json-file's NAME.1 ... that are looked at */

int log_env_init(struct log_env *env, const struct logs_options *options, struct keep_out *out,
		 struct err *e)
{
	env->options = *options;
	if (env->options.lines_per_s == 0)
		env->options.lines_per_s = 20000;
	if (env->options.bytes_per_s == 0)
		env->options.bytes_per_s = 8u << 20;
	env->out = out;
	buf_init(&env->scratch, LOG_RAW_BYTES);
	env->chunk = malloc(CHUNK_BYTES);
	if (!env->chunk)
		return err_sys(e, ENOMEM, "cannot follow logs");
	return keep_gaps_init(&env->gaps, out, e);
}

void log_env_fini(struct log_env *env)
{
	keep_gaps_fini(&env->gaps);
	buf_fini(&env->scratch);
	free(env->chunk);
}

int log_file_new(struct log_env *env, const struct keep_who *who, const char *path,
		 enum log_format format, struct log_file **ret, struct err *e)
{
	struct log_file *file = calloc(1, sizeof(*file));
	uint64_t now = clock_boot_ns();

	if (file)
		file->path = strdup(path);
	if (!file || !file->path) {
		free(file);
		return err_sys(e, ENOMEM, "cannot follow '%s'", path);
	}
	file->env = env;
	file->who = *who;
	file->format = format;
	file->fd = file->wd = -1;
	file->read_ns = now;
	buf_init(&file->rest, LOG_RAW_BYTES);
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		buf_init(&file->part[i].text, LIMIT_LOG_LINE);
	keeper_bucket_init(&file->line_quota, env->options.lines_per_s,
			   2 * env->options.lines_per_s, now);
	keeper_bucket_init(&file->byte_quota, env->options.bytes_per_s,
			   8 * env->options.bytes_per_s, now);
	*ret = file;
	return 0;
}

void log_file_free(struct log_file *file)
{
	if (!file)
		return;
	fd_close(&file->fd);
	buf_fini(&file->rest);
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		buf_fini(&file->part[i].text);
	free(file->path);
	free(file);
}

void log_file_lost(struct log_file *file, const char *reason, uint64_t lines, uint64_t bytes)
{
	struct keep_loss loss = {
		.reason = reason, .lost = lines, .bytes = bytes, .path = span_of(file->path)};

	keep_gaps_add(&file->env->gaps, &file->who, &loss);
}

/* A long line is rare: its memory is not kept for the next one. */
static void forget_rest(struct log_file *file)
{
	if (file->rest.cap > LIMIT_LOG_LINE || file->rest.failed) {
		buf_fini(&file->rest);
		buf_init(&file->rest, LOG_RAW_BYTES);
	}
	buf_clear(&file->rest);
}

/* --- finding the file --- */

static int open_log(const char *path)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	AUTO(fd) int fd = open(path, flags | O_NOATIME);
	struct stat st;

	if (fd < 0 && errno == EPERM) /* O_NOATIME is for the owner and root */
		fd = open(path, flags);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) ? fd_take(&fd) : -EINVAL;
}

/* The time of the first whole line at or behind `offset`, and where that line begins. */
static bool time_behind(struct log_file *file, uint64_t offset, uint64_t *ret_at, uint64_t *ret_ns)
{
	struct log_env *env = file->env;
	ssize_t n = fd_pread_full(file->fd, env->chunk, CHUNK_BYTES, (off_t)offset);
	const uint8_t *p = env->chunk, *end = p + (n > 0 ? n : 0), *stop;
	struct log_line line;

	if (offset) { /* a line begins behind a newline */
		p = n > 0 ? memchr(p, '\n', (size_t)n) : NULL;
		if (!p++)
			return false;
	}
	for (; p < end; p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		if (!stop)
			return false;
		*ret_at = offset + (uint64_t)(p - env->chunk);
		if (log_line_parse(file->format, span_make(p, (size_t)(stop - p)), &env->scratch,
				   &line) == 0) {
			*ret_ns = line.real_ns;
			return true;
		}
	}
	return false;
}

/* Goes to where lines of since_ns begin.  Lines are in the order of their times but for the few
 * that two streams wrote at once; so it stays a chunk before the place. */
static void seek_since(struct log_file *file)
{
	struct stat st;
	uint64_t low = 0, high, at, ns;

	if (file->since_ns == 0 || fstat(file->fd, &st) != 0)
		return;
	high = (uint64_t)st.st_size;
	while (high - low > CHUNK_BYTES) {
		uint64_t middle = low + (high - low) / 2;

		if (time_behind(file, middle, &at, &ns) && ns < file->since_ns)
			low = middle;
		else
			high = middle;
	}
	low = low > CHUNK_BYTES ? low - CHUNK_BYTES : 0;
	if (low && time_behind(file, low, &at, &ns))
		file->offset = at;
}

int log_file_open(struct log_file *file)
{
	if (file->fd >= 0)
		return 0;
	file->fd = open_log(file->path);
	if (file->fd < 0) {
		int r = file->fd;

		file->fd = -1;
		return r;
	}
	file->offset = 0;
	return 0;
}

bool log_file_is_unlinked(const struct log_file *file)
{
	struct stat st;

	return file->fd >= 0 && fstat(file->fd, &st) == 0 && st.st_nlink == 0;
}

static bool is_at(const struct stat *own, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == own->st_dev && st.st_ino == own->st_ino;
}

/* Where json-file's rotation has put the open file: 0 at its name, k at NAME.k, -1 nowhere. */
static int rotation_of(struct log_file *file, const struct stat *own, int *ret_oldest)
{
	char path[LIMIT_PATH];
	struct stat st;

	*ret_oldest = 0;
	if (is_at(own, file->path))
		return 0;
	/* One name may be missing: a rotation renames from the oldest on. */
	for (int k = 1; k <= ROTATIONS_MAX && k <= *ret_oldest + 2; k++) {
		(void)snprintf(path, sizeof(path), "%s.%d", file->path, k); /* logs_follow: fits */
		if (lstat(path, &st) != 0)
			continue;
		*ret_oldest = k;
		if (is_at(own, path))
			return k;
	}
	return -1;
}

/* The open file is read to its end.  Goes on to its successor when there is one; returns whether.
 */
static bool go_on(struct log_file *file, uint64_t now)
{
	char path[LIMIT_PATH];
	struct stat own, st;
	int k, oldest, fd;

	if (fstat(file->fd, &own) != 0 || is_at(&own, file->path) || lstat(file->path, &st) != 0)
		return false;
	if (file->rotated_ns == 0)
		file->rotated_ns = now;
	k = rotation_of(file, &own, &oldest);
	if (k == 0)
		return false;
	/* The old file may still be written (CRI), or the rotation be half done (json-file). */
	if ((k < 0 || file->format == LOG_FORMAT_CRI) && now - file->rotated_ns < SETTLE_NS)
		return false;
	if (k < 0 && file->format == LOG_FORMAT_JSON) { /* how many came between, nobody knows */
		log_file_lost(file, "log_lost", 0, 0);
		k = oldest + 1;
	}
	if (k <= 1)
		(void)snprintf(path, sizeof(path), "%s", file->path); /* logs_follow: fits */
	else
		(void)snprintf(path, sizeof(path), "%s.%d", file->path, k - 1);
	fd = open_log(path);
	if (fd < 0)
		return false; /* the next round looks again */
	fd_close(&file->fd);
	file->fd = fd;
	file->offset = 0;
	file->rotated_ns = 0;
	forget_rest(file);
	file->skipping = false;
	return true;
}

/* --- lines --- */

static void emit_line(struct log_file *file, const struct log_line *line, uint64_t cut)
{
	struct err e = ERR_INIT;
	struct event ev;
	uint64_t now = clock_boot_ns();
	int64_t boot = (int64_t)line->real_ns - clock_offset_ns();

	event_init(&ev, EVENT_CONTAINER_LOG);
	ev.real_ns = line->real_ns;
	/* By the daemon's clock; a time of before the boot or to come is none of this boot's. */
	ev.boot_ns = boot <= 0 ? 1 : (uint64_t)boot > now ? now : (uint64_t)boot;
	ev.value[FIELD_STREAM].bytes = line->stream;
	ev.value[FIELD_TEXT].bytes = line->text;
	if (cut) {
		ev.marks |= EVENT_TRUNCATED;
		log_file_lost(file, "log_line_cut", 1, cut);
	}
	(void)keep_emit(file->env->out, &file->who, &ev, &e); /* counted in out->failed */
	atomic_fetch_add(&file->env->lines, 1);
}

/* Adds what fits of a part. */
static void add_part(struct log_part *part, const struct log_line *line)
{
	size_t room = LIMIT_LOG_LINE - part->text.n;
	size_t n = line->text.n < room ? line->text.n : room;

	if (!part->open)
		part->real_ns = line->real_ns;
	part->open = true;
	buf_add(&part->text, line->text.p, n);
	part->cut += line->text.n - n;
}

static void end_part(struct log_file *file, struct log_part *part, struct span stream)
{
	struct log_line whole = {
		.real_ns = part->real_ns, .stream = stream, .text = buf_span(&part->text)};

	emit_line(file, &whole, part->cut);
	buf_fini(&part->text); /* long lines are rare: keep no memory for the next one */
	buf_init(&part->text, LIMIT_LOG_LINE);
	part->cut = 0;
	part->open = false;
}

static void take_line(struct log_file *file, struct span raw)
{
	struct log_line line;
	struct log_part *part;
	uint64_t cut = 0;

	if (raw.n == 0)
		return;
	if (log_line_parse(file->format, raw, &file->env->scratch, &line) < 0) {
		log_file_lost(file, "log_garbled", 1, raw.n);
		return;
	}
	if (line.real_ns < file->since_ns)
		return;
	part = &file->part[span_is(line.stream, "stderr")];
	if (line.partial || part->open) {
		add_part(part, &line);
		if (!line.partial)
			end_part(file, part, line.stream);
		return;
	}
	if (line.text.n > LIMIT_LOG_LINE) {
		cut = line.text.n - LIMIT_LOG_LINE;
		line.text.n = LIMIT_LOG_LINE;
	}
	emit_line(file, &line, cut);
}

static void take_raw(struct log_file *file, struct span raw, uint64_t now)
{
	if (file->skipping) { /* the end of a line that was given up */
		file->skipping = false;
		log_file_lost(file, "log_garbled", 1, raw.n);
		return;
	}
	if (!keeper_bucket_take(&file->line_quota, 1, now) ||
	    !keeper_bucket_take(&file->byte_quota, raw.n, now)) {
		atomic_fetch_add(&file->env->lost, 1);
		log_file_lost(file, "log_lost", 1, raw.n);
		return;
	}
	if (file->rest.n == 0) {
		take_line(file, raw);
		return;
	}
	buf_add_span(&file->rest, raw);
	if (file->rest.failed)
		log_file_lost(file, "log_garbled", 1, file->rest.n + raw.n);
	else
		take_line(file, buf_span(&file->rest));
	forget_rest(file);
}

/* Cuts bytes of the file into lines. */
static void take_bytes(struct log_file *file, struct span bytes, uint64_t now)
{
	while (bytes.n) {
		const uint8_t *end = memchr(bytes.p, '\n', bytes.n);
		size_t n = end ? (size_t)(end - bytes.p) : bytes.n;

		if (end) {
			take_raw(file, span_make(bytes.p, n), now);
			n++;
		} else if (file->skipping) {
			log_file_lost(file, "log_garbled", 0, n);
		} else {
			buf_add(&file->rest, bytes.p, n);
			if (file->rest.failed) {
				log_file_lost(file, "log_garbled", 0, file->rest.n + n);
				forget_rest(file);
				file->skipping = true;
			}
		}
		bytes = span_make(bytes.p + n, bytes.n - n);
	}
}

static void check_truncated(struct log_file *file)
{
	struct stat st;

	if (fstat(file->fd, &st) != 0 || (uint64_t)st.st_size >= file->offset)
		return;
	log_file_lost(file, "log_truncated", 0, 0);
	file->offset = 0;
	file->skipping = false;
	forget_rest(file);
}

bool log_file_read(struct log_file *file, uint64_t now)
{
	size_t round = 0;

	if (file->fd < 0) {
		if (log_file_open(file) < 0)
			return false;
		seek_since(file);
	} else if (file->offset == 0) {
		seek_since(file);
	}
	check_truncated(file);
	while (round < ROUND_BYTES) {
		ssize_t n =
			fd_pread_full(file->fd, file->env->chunk, CHUNK_BYTES, (off_t)file->offset);

		if (n < 0) {
			log_file_lost(file, "log_lost", 0, 0);
			return false;
		}
		if (n == 0 && !go_on(file, now))
			return false;
		if (n == 0)
			continue;
		take_bytes(file, span_make(file->env->chunk, (size_t)n), now);
		file->offset += (uint64_t)n;
		file->read_ns = now;
		round += (size_t)n;
		atomic_fetch_add(&file->env->bytes, (uint64_t)n);
	}
	return true;
}

void log_file_end(struct log_file *file)
{
	static const char *const streams[LOG_STREAMS] = {"stdout", "stderr"};
	bool read_all = false;

	for (unsigned i = 0; i < LAST_ROUNDS; i++) {
		if (log_file_read(file, clock_boot_ns()))
			continue;
		if (file->rotated_ns <= 1) {
			read_all = true;
			break;
		}
		file->rotated_ns = 1; /* no time is left to see whether the rotation is over */
	}
	if (!read_all)
		log_file_lost(file, "log_lost", 0, 0);
	if (file->fd < 0)
		log_file_lost(file, "log_missing", 0, 0);
	if (file->rest.n)
		log_file_lost(file, "log_garbled", 1, file->rest.n);
	for (unsigned i = 0; i < LOG_STREAMS; i++)
		if (file->part[i].open)
			end_part(file, &file->part[i], span_of(streams[i]));
}
