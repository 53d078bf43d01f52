/* test_probe_open.c - claims about the records of opens; each makes a real call in a tracked child.
 */
#include <signal.h>

#include "probe_file_fixture.h"

#define NR_OPENAT2 437

/* The calls' own flags, as the child's F_GETFL tells them. */
static struct want want_open(const char *path, uint64_t flags)
{
	return (struct want){.type = WIRE_FILE_OPEN,
			     .st = &work.told->st,
			     .path = path,
			     .flags = flags,
			     .open_flags = (unsigned)work.told->open_flags,
			     .has_fd = 1,
			     .fd = (int)work.told->ret};
}

static void an_open_that_creates_tells_the_file_as_the_kernel_has_it(void **state)
{
	char *path = work_path("new");
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	struct want x;

	fixture_need();
	call_run(SYS_openat, AT_FDCWD, (long)path, flags, 0604);
	x = want_open(path, (uint64_t)flags);
	x.mode = 0604;
	x.file_flags = WIRE_FILE_CREATED;
	assert_true(work.told->ret >= 0);
	assert_call(&x);
}

static void an_open_of_a_file_that_is_there_is_not_marked_created(void **state)
{
	char *path = work_file("old", "abc");
	struct want x;

	fixture_need();
	call_run_at(work.dir, SYS_open, (long)"./absent", O_RDWR, 0);
	assert_int_equal(work.told->ret, -ENOENT);
	call_run_at(work.dir, SYS_open, (long)"./old", O_RDWR | O_APPEND, 0777);
	x = want_open(path, O_RDWR | O_APPEND);
	assert_int_equal(work.told->st.st_size, 3);
	assert_call(&x);
}

static void creat_is_an_open_that_writes_and_cuts(void **state)
{
	char *path = work_path("made");
	struct want x;

	fixture_need();
	call_run(SYS_creat, (long)path, 0751);
	x = want_open(path, O_CREAT | O_WRONLY | O_TRUNC);
	x.mode = 0751;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
}

static void openat2_tells_the_flags_of_its_struct(void **state)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_WRONLY | O_CREAT, 0600, 8 /* RESOLVE_BENEATH */};
	int dir = open(work.dir, O_PATH);
	struct want x;

	fixture_need();
	call_run(NR_OPENAT2, dir, (long)"under", (long)&how, sizeof(how));
	close(dir);
	x = want_open(work_path("under"), how.flags);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
}

static void an_open_that_cuts_is_recorded_even_when_it_only_reads(void **state)
{
	char *path = work_file("cut", "abc");
	struct want x;

	fixture_need();
	call_run(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_TRUNC, 0);
	x = want_open(path, O_RDONLY | O_TRUNC);
	assert_int_equal(work.told->st.st_size, 0);
	assert_call(&x);
}

static void plain_reads_and_path_opens_leave_nothing(void **state)
{
	char *path = work_file("plain", "abc");

	fixture_need();
	call_run(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0);
	assert_true(work.told->ret >= 0);
	assert_no_call();
	call_run(SYS_openat, AT_FDCWD, (long)path, O_PATH, 0);
	assert_no_call();
	call_run(SYS_openat, AT_FDCWD, (long)path, O_PATH | O_RDWR | O_CREAT, 0);
	assert_no_call();
	call_run(SYS_open, (long)work_path("absent"), O_RDONLY, 0);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_no_call();
}

static void a_refused_open_tells_the_claim_and_where_it_starts(void **state)
{
	char *folder = work_folder("folder");
	int dir = open(folder, O_RDONLY);

	fixture_need();
	call_run(SYS_openat, dir, (long)"no/such", O_WRONLY | O_CREAT, 0644);
	close(dir);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .flags = O_WRONLY | O_CREAT,
				   .open_flags = O_WRONLY | O_CREAT,
				   .mode = 0644,
				   .path = folder,
				   .claim = "no/such"});
	call_run(SYS_open, (long)folder, O_RDWR, 0);
	assert_int_equal(work.told->ret, -EISDIR);
	assert_call(&(struct want){
		.type = WIRE_FILE_OPEN, .flags = O_RDWR, .open_flags = O_RDWR, .claim = folder});
	call_run_at(folder, SYS_open, (long)"", O_RDWR, 0);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .flags = O_RDWR,
				   .open_flags = O_RDWR,
				   .path = folder,
				   .claim = ""});
}

static void a_path_that_cannot_be_read_is_told_as_a_fault(void **state)
{
	fixture_need();
	call_run_at(work.dir, SYS_open, 16, O_RDWR, 0);
	assert_int_equal(work.told->ret, -EFAULT);
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .marks = WIRE_MARK_FAULT,
				   .flags = O_RDWR,
				   .open_flags = O_RDWR,
				   .path = work.dir,
				   .claim = "",
				   .claim_flags = WIRE_TEXT_FAULT});
}

static void an_unnamed_file_is_told_as_deleted_and_its_link_names_it(void **state)
{
	char path[128];
	struct want x;
	int fd;

	fixture_need();
	call_run(SYS_openat, AT_FDCWD, (long)work.dir, O_TMPFILE | O_RDWR, 0600);
	if (work.told->ret == -EOPNOTSUPP) {
		print_message("skip: no O_TMPFILE in /tmp\n");
		skip();
	}
	(void)snprintf(path, sizeof(path), "%s/#%lu", work.dir,
		       (unsigned long)work.told->st.st_ino);
	x = want_open(path, O_TMPFILE | O_RDWR);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_DELETED;
	assert_call(&x);

	fd = open(work.dir, O_TMPFILE | O_RDWR, 0600);
	work.step = (struct call_step){
		.nr = SYS_linkat,
		.arg = {fd, (long)"", AT_FDCWD, (long)work_path("named"), AT_EMPTY_PATH},
		.stat_fd = fd};
	step_run();
	(void)snprintf(path, sizeof(path), "%s/#%lu", work.dir,
		       (unsigned long)work.told->st.st_ino);
	assert_int_equal(work.told->ret, 0);
	assert_call(&(struct want){.type = WIRE_FILE_LINK,
				   .st = &work.told->st,
				   .flags = AT_EMPTY_PATH,
				   .has_fd = 1,
				   .fd = fd,
				   .path = path,
				   .claim2 = work_path("named")});
	close(fd);
}

/* ---- handles ---- */

union handle {
	struct file_handle head;
	char room[sizeof(struct file_handle) + 128];
};

static void a_handle_opens_what_it_opens_also_for_reading(void **state)
{
	char *path = work_file("by-handle", "abc");
	union handle handle = {.head.handle_bytes = 128};
	int mount_id, dir = open(work.dir, O_RDONLY);
	struct want x;

	fixture_need();
	assert_int_equal(name_to_handle_at(AT_FDCWD, path, &handle.head, &mount_id, 0), 0);
	call_run(SYS_open_by_handle_at, dir, (long)&handle, O_RDONLY);
	if (work.told->ret == -EOPNOTSUPP || work.told->ret == -ESTALE) {
		print_message("skip: the file system of the test opens nothing by handle\n");
		skip();
	}
	x = want_open(path, O_RDONLY);
	assert_true(work.told->ret >= 0);
	assert_call(&x);
	handle.head.handle_bytes = 0; /* no kernel takes that; some take any type */
	call_run(SYS_open_by_handle_at, dir, (long)&handle, O_RDWR);
	assert_true(work.told->ret < 0);
	assert_call(&(struct want){
		.type = WIRE_FILE_OPEN, .flags = O_RDWR, .open_flags = O_RDWR, .path = work.dir});
	close(dir);
}

/* ---- hostile names ---- */

static void names_of_any_bytes_come_through(void **state)
{
	char *path = work_path("a\nb\xff\xfe\x1b[31m");
	struct want x;

	fixture_need();
	call_run(SYS_creat, (long)path, 0600);
	x = want_open(path, O_CREAT | O_WRONLY | O_TRUNC);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
}

static void a_path_of_4095_bytes_is_told_whole(void **state)
{
	static char claim[PATH_MAX];
	size_t n = (size_t)snprintf(claim, sizeof(claim), "%s/", work.dir);
	struct want x;

	fixture_need();
	while (n + 2 < sizeof(claim) - 4) {
		claim[n++] = '.';
		claim[n++] = '/';
	}
	while (n < sizeof(claim) - 1)
		claim[n++] = 'f';
	assert_int_equal(strlen(claim), 4095);
	call_run(SYS_creat, (long)claim, 0600);
	assert_true(work.told->ret >= 0);
	x = want_open(work_path(strrchr(claim, '/') + 1), O_CREAT | O_WRONLY | O_TRUNC);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
	call_run(SYS_mkdir, (long)claim, 0700);
	assert_int_equal(work.told->ret, -EEXIST);
	assert_call(&(struct want){.type = WIRE_FILE_MKDIR, .mode = 0700, .claim = claim});
}

/* Makes a folder `levels` deep, each named 0123456789 and so on; returns a descriptor of the last
 * and its path. */
static int make_deep(unsigned levels, char *path, size_t room)
{
	int dir = open(work.dir, O_RDONLY | O_DIRECTORY);
	size_t n = (size_t)snprintf(path, room, "%s", work.dir);

	for (unsigned i = 0; i < levels; i++) {
		char name[32];
		int next;

		(void)snprintf(name, sizeof(name), "level-%03u", i);
		assert_int_equal(mkdirat(dir, name, 0700), 0);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY);
		close(dir);
		dir = next;
		assert_true(n + strlen(name) + 2 < room);
		n += (size_t)snprintf(path + n, room - n, "/%s", name);
	}
	return dir;
}

static void a_folder_200_levels_down_has_its_whole_path(void **state)
{
	static char path[8192];
	int dir = make_deep(200, path, sizeof(path));
	struct want x;

	fixture_need();
	call_run(SYS_openat, dir, (long)"file", O_CREAT | O_RDWR, 0600);
	memcpy(path + strlen(path), "/file", 6);
	x = want_open(path, O_CREAT | O_RDWR);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
	close(dir);
}

/* More than WIRE_DEPTH_MAX levels: what is nearest to the file is kept, and the loss is marked. */
static void a_folder_that_is_too_deep_keeps_the_end_of_its_path(void **state)
{
	static char path[8192];
	int dir = make_deep(300, path, sizeof(path));
	const struct wire_file_call *w;
	const char *got;

	fixture_need();
	call_run(SYS_openat, dir, (long)"file", O_CREAT | O_RDWR, 0600);
	close(dir);
	memcpy(path + strlen(path), "/file", 6);
	w = fixture_find(WIRE_FILE_OPEN);
	assert_int_equal(w->head.marks, WIRE_MARK_TRUNCATED);
	got = fixture_path(w, sizeof(*w), WIRE_TEXT_PATH);
	assert_true(strlen(got) > 2000);
	assert_string_equal(path + strlen(path) - strlen(got), got);
}

/* ---- where a file really is ---- */

static void links_do_not_hide_where_a_file_is(void **state)
{
	char *path = work_file("real", "abc"), *link = work_path("link"), proc[PATH_MAX + 32];
	struct want x;

	fixture_need();
	assert_int_equal(symlink("real", link), 0);
	call_run(SYS_open, (long)link, O_WRONLY, 0);
	x = want_open(path, O_WRONLY);
	assert_call(&x);
	(void)snprintf(proc, sizeof(proc), "/proc/self/root/proc/self/root%s", link);
	call_run(SYS_open, (long)proc, O_WRONLY, 0);
	x = want_open(path, O_WRONLY);
	assert_call(&x);
}

static int held_fd;

static void a_file_that_was_unlinked_is_told_as_deleted(void **state)
{
	char *path = work_file("gone", "abc"), proc[64];
	struct want x;

	fixture_need();
	held_fd = open(path, O_RDONLY);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", held_fd);
	call_run(SYS_open, (long)proc, O_RDWR, 0);
	close(held_fd);
	x = want_open(path, O_RDWR);
	x.file_flags = WIRE_FILE_DELETED;
	assert_call(&x);
}

static void a_memfd_is_told_as_one(void **state)
{
	int fd = (int)syscall(SYS_memfd_create, "payload", 0);
	char proc[64];
	struct want x;

	fixture_need();
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	call_run(SYS_open, (long)proc, O_RDWR, 0);
	close(fd);
	x = want_open("/memfd:payload", O_RDWR);
	x.path_flags = WIRE_TEXT_DETACHED;
	x.file_flags = WIRE_FILE_MEMFD | WIRE_FILE_TMPFS | WIRE_FILE_DELETED;
	assert_call(&x);
}

/* A mount namespace of its own with a tmpfs on the test's folder. */
static void enter_tmpfs(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", work.dir, "tmpfs", 0, NULL))
		_exit(96);
}

static void a_file_on_tmpfs_is_told_as_one(void **state)
{
	char *path = work_path("file");
	struct want x;

	fixture_need();
	work.step = (struct call_step){
		.nr = SYS_creat, .arg = {(long)path, 0600}, .before = enter_tmpfs, .stat_fd = -1};
	step_run();
	x = want_open(path, O_CREAT | O_WRONLY | O_TRUNC);
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED | WIRE_FILE_TMPFS;
	assert_call(&x);
}

/* An overlay on DIR/merged with a lower file `low`, on a tmpfs so that it works anywhere. */
static void enter_overlay(void)
{
	char options[512];
	int fd;

	enter_tmpfs();
	if (chdir(work.dir) || mkdir("lower", 0755) || mkdir("upper", 0755) ||
	    mkdir("index", 0755) || mkdir("merged", 0755))
		_exit(95);
	fd = open("lower/low", O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || write(fd, "abc", 3) != 3 || close(fd))
		_exit(94);
	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/index", work.dir, work.dir,
		       work.dir);
	if (mount("overlay", "merged", "overlay", 0, options))
		_exit(93);
}

/* The nth open of the run that is of this name; setting up makes others. */
static const struct wire_file_call *open_of(const char *path)
{
	const struct wire_file_call *w;

	for (unsigned n = 0; (w = fixture_nth(WIRE_FILE_OPEN, n)); n++) {
		const char *got = fixture_path(w, sizeof(*w), WIRE_TEXT_PATH);

		if (got && !strcmp(got, path))
			return w;
	}
	fail_msg("no open of '%s'", path);
	return NULL;
}

static void the_layer_of_an_overlay_file_is_told(void **state)
{
	const char *const watch[] = {"low"};
	char *path = work_path("merged/low");
	struct err e = ERR_INIT;
	struct want x;

	fixture_need();
	assert_int_equal(probe_watch_read(fixture.probe, watch, 1, &e), 0);
	work.step = (struct call_step){.nr = SYS_open,
				       .arg = {(long)path, O_RDONLY, 0},
				       .before = enter_overlay,
				       .stat_fd = -1};
	step_run();
	x = want_open(path, O_RDONLY);
	x.file_flags = WIRE_FILE_OVERLAY;
	assert_record(open_of(path), &x);

	work.step.arg[1] = O_RDWR;
	step_run();
	x = want_open(path, O_RDWR);
	x.file_flags = WIRE_FILE_OVERLAY | WIRE_FILE_UPPER;
	assert_record(open_of(path), &x);
	assert_int_equal(probe_watch_read(fixture.probe, NULL, 0, &e), 0);
}

/* ---- watched reads ---- */

static void watch(const char *const *names, size_t count)
{
	struct err e = ERR_INIT;

	if (probe_watch_read(fixture.probe, names, count, &e))
		fail_msg("%s", e.text);
}

static void assert_read(const char *path, bool recorded)
{
	struct want x;

	call_run(SYS_openat, AT_FDCWD, (long)path, O_RDONLY, 0);
	assert_true(work.told->ret >= 0);
	if (!recorded) {
		assert_no_call();
		return;
	}
	x = want_open(path, O_RDONLY);
	assert_call(&x);
}

static void a_watched_name_is_recorded_when_it_is_read(void **state)
{
	static const char *const names[] = {"shadow", "0123456789abcdef0123456789abcdef"};

	fixture_need();
	watch(names, 2);
	assert_read(work_file("shadow", "x"), true);
	assert_read(work_file("0123456789abcdef0123456789abcdef", "x"), true);
	assert_read(work_file("0123456789abcdef0123456789abcdef0", "x"), false);
	assert_read(work_file("shadow-", "x"), false);
	assert_read(work_file("shado", "x"), false);
	assert_read(work_file("Shadow", "x"), false);
	watch(NULL, 0);
	assert_read(work_path("shadow"), false);
}

static void what_is_in_a_watched_folder_is_recorded(void **state)
{
	static const char *const names[] = {".ssh/", ".ssh/", "other"};
	char *folder;

	fixture_need();
	watch(names, 3);
	folder = work_folder(".ssh");
	work_folder(".ssh/deep");
	work_folder(".ssh/deep/deeper");
	assert_read(folder, true);
	assert_read(work_file(".ssh/id", "x"), true);
	assert_read(work_file(".ssh/deep/id", "x"), true);
	assert_read(work_file(".ssh/deep/deeper/id", "x"), false);
	assert_read(work_file("id", "x"), false);
	watch(NULL, 0);
	assert_read(work_path(".ssh/id"), false);
}

static void a_watched_name_of_a_file_is_none_of_a_folder(void **state)
{
	static const char *const names[] = {"token"};

	fixture_need();
	watch(names, 1);
	work_folder("token");
	assert_read(work_file("token/x", "x"), false);
	watch(NULL, 0);
}

/* The test's folder is mounted on itself as DIR/secrets, as a runtime mounts what it lends. */
static void enter_bind(void)
{
	enter_tmpfs();
	if (mkdir(work_path("plain"), 0755) || mkdir(work_path("secrets"), 0755) ||
	    mknod(work_path("plain/x"), S_IFREG | 0644, 0) ||
	    mount(work_path("plain"), work_path("secrets"), NULL, MS_BIND, NULL))
		_exit(95);
}

static void the_place_of_a_mount_counts_as_a_name(void **state)
{
	static const char *const names[] = {"secrets/"};
	char *path = work_path("secrets/x");
	struct want x;

	fixture_need();
	watch(names, 1);
	work.step = (struct call_step){.nr = SYS_open,
				       .arg = {(long)path, O_RDONLY, 0},
				       .before = enter_bind,
				       .stat_fd = -1};
	step_run();
	x = want_open(path, O_RDONLY);
	x.file_flags = WIRE_FILE_TMPFS;
	assert_call(&x);
	watch(NULL, 0);
}

static void a_refused_read_of_a_watched_name_is_told(void **state)
{
	static const char *const names[] = {"shadow", ".aws/"};
	char *claim = work_path("absent/shadow");
	static const char *const claims[] = {".aws/credentials", ".aws//x/credentials", "shadow",
					     ".aws"};

	fixture_need();
	watch(names, 2);
	call_run(SYS_openat, AT_FDCWD, (long)claim, O_RDONLY | O_CLOEXEC, 0);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .flags = O_CLOEXEC,
				   .open_flags = O_CLOEXEC,
				   .claim = claim});
	for (size_t i = 0; i < 4; i++) {
		call_run_at(work.dir, SYS_open, (long)claims[i], O_RDONLY, 0);
		assert_call(&(struct want){
			.type = WIRE_FILE_OPEN, .path = work.dir, .claim = claims[i]});
	}
	call_run(SYS_open, (long)work_path(".aws/a/b/credentials"), O_RDONLY, 0);
	assert_no_call();
	call_run(SYS_open, (long)work_path("xshadow"), O_RDONLY, 0);
	assert_no_call();
	call_run(SYS_open, (long)work_path("shadowx"), O_RDONLY, 0);
	assert_no_call();
	call_run(SYS_open, 8, O_RDONLY, 0);
	assert_no_call();
	watch(NULL, 0);
}

static void names_that_cannot_be_watched_are_refused_and_change_nothing(void **state)
{
	static const char *const good[] = {"shadow"};
	static const char *const bad[][1] = {
		{""}, {"/"}, {"etc/shadow"}, {"0123456789abcdef0123456789abcdef0"}};
	static const int codes[] = {EINVAL, EINVAL, EINVAL, ENAMETOOLONG};
	static char text[WIRE_WATCH_MAX + 1][8];
	static const char *many[WIRE_WATCH_MAX + 1];
	struct err e = ERR_INIT;

	fixture_need();
	watch(good, 1);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(probe_watch_read(fixture.probe, bad[i], 1, &e), -codes[i]);
	for (unsigned i = 0; i <= WIRE_WATCH_MAX; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "n%u", i);
		many[i] = text[i];
	}
	assert_int_equal(probe_watch_read(fixture.probe, many, WIRE_WATCH_MAX + 1, &e), -E2BIG);
	assert_read(work_file("shadow", "x"), true);
	watch(many, WIRE_WATCH_MAX);
	assert_read(work_file("n0", "x"), true);
	assert_read(work_file("n1023", "x"), true);
	assert_read(work_path("shadow"), false);
	watch(NULL, 0);
}

/* ---- repeats ---- */

static void act_same(void *arg)
{
	for (int i = 0; i < 1000; i++)
		close(open(arg, O_WRONLY));
}

static unsigned count_opens(void)
{
	const struct wire_head *h;
	unsigned sum = 0;

	for (unsigned n = 0; (h = fixture_nth(WIRE_FILE_OPEN, n)); n++)
		sum += h->count;
	return sum;
}

static void repeats_are_counted_and_none_is_lost(void **state)
{
	char *path = work_file("same", "x");
	const struct wire_file_call *w;

	fixture_need();
	fixture_run(act_same, path);
	assert_true(fixture_nth(WIRE_FILE_OPEN, 0) != NULL);
	assert_true(fixture_nth(WIRE_FILE_OPEN, 20) == NULL);
	usleep(1100000);
	probe_sweep(fixture.probe, fixture_collect, NULL);
	assert_int_equal(count_opens(), 1000);
	for (unsigned n = 0; (w = fixture_nth(WIRE_FILE_OPEN, n)); n++)
		assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), path);
}

/* The same buffer for each name, of which only the last bytes differ. */
static void act_different(void *arg)
{
	char path[PATH_MAX];

	for (int i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof(path), "%s/%03d", work.dir, i);
		close(open(path, O_WRONLY | (i & 1 ? O_CREAT : 0), 0600));
		unlink(path);
	}
}

static void different_files_are_never_told_as_repeats(void **state)
{
	fixture_need();
	fixture_run(act_different, NULL);
	assert_non_null(fixture_nth(WIRE_FILE_OPEN, 199));
	assert_null(fixture_nth(WIRE_FILE_OPEN, 200));
	assert_non_null(fixture_nth(WIRE_FILE_UNLINK, 199));
	assert_null(fixture_nth(WIRE_FILE_UNLINK, 200));
}

/* ---- 32-bit calls ---- */

static long call32(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static void act_compat(void *arg)
{
	(void)signal(SIGSEGV, SIG_DFL); /* where 32-bit calls are not taken, they end like this */
	work.told->ret = call32(5, (long)arg, O_WRONLY | O_CREAT, 0600);
	work.told->open_flags = fcntl((int)work.told->ret, F_GETFL);
	(void)fstat((int)work.told->ret, &work.told->st);
}

static void a_32_bit_open_is_decoded(void **state)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct want x;

	fixture_need();
	(void)snprintf(low, 4096, "%s", work_path("compat"));
	work.before_ns = work_boot_ns();
	work.step.nr = SYS_open;
	fixture_run(act_compat, low);
	if (WIFSIGNALED(fixture.status) && WTERMSIG(fixture.status) == SIGSEGV) {
		print_message("skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	x = want_open(low, O_WRONLY | O_CREAT);
	x.marks = WIRE_MARK_COMPAT;
	x.mode = 0600;
	x.file_flags = WIRE_FILE_CREATED;
	assert_call(&x);
	munmap(low, 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_open_that_creates_tells_the_file_as_the_kernel_has_it),
		TEST(an_open_of_a_file_that_is_there_is_not_marked_created),
		TEST(creat_is_an_open_that_writes_and_cuts),
		TEST(openat2_tells_the_flags_of_its_struct),
		TEST(an_open_that_cuts_is_recorded_even_when_it_only_reads),
		TEST(plain_reads_and_path_opens_leave_nothing),
		TEST(a_refused_open_tells_the_claim_and_where_it_starts),
		TEST(a_path_that_cannot_be_read_is_told_as_a_fault),
		TEST(an_unnamed_file_is_told_as_deleted_and_its_link_names_it),
		TEST(a_handle_opens_what_it_opens_also_for_reading),
		TEST(names_of_any_bytes_come_through),
		TEST(a_path_of_4095_bytes_is_told_whole),
		TEST(a_folder_200_levels_down_has_its_whole_path),
		TEST(a_folder_that_is_too_deep_keeps_the_end_of_its_path),
		TEST(links_do_not_hide_where_a_file_is),
		TEST(a_file_that_was_unlinked_is_told_as_deleted),
		TEST(a_memfd_is_told_as_one),
		TEST(a_file_on_tmpfs_is_told_as_one),
		TEST(the_layer_of_an_overlay_file_is_told),
		TEST(a_watched_name_is_recorded_when_it_is_read),
		TEST(what_is_in_a_watched_folder_is_recorded),
		TEST(a_watched_name_of_a_file_is_none_of_a_folder),
		TEST(the_place_of_a_mount_counts_as_a_name),
		TEST(a_refused_read_of_a_watched_name_is_told),
		TEST(names_that_cannot_be_watched_are_refused_and_change_nothing),
		TEST(repeats_are_counted_and_none_is_lost),
		TEST(different_files_are_never_told_as_repeats),
		TEST(a_32_bit_open_is_decoded),
	};

	return cmocka_run_group_tests(tests, work_probe_open, work_probe_close);
}
