/* test_probe_file.c - claims about the records of calls that change names and attributes; each
 * makes a real call in a tracked child. */
#include <sys/xattr.h>

#include "probe_file_fixture.h"

#define NR_FCHMODAT2  452
#define NR_SETXATTRAT 463

/* A record that has nothing but two paths that are claims. */
static struct want want_paths(unsigned type, const char *from, const char *to)
{
	return (struct want){.type = type, .claim = from, .claim2 = to};
}

/* A call on a descriptor: the file as it is after the call. */
static struct want want_fd(unsigned type, int fd, const char *path)
{
	return (struct want){
		.type = type, .st = &work.told->st, .path = path, .has_fd = 1, .fd = fd};
}

static void assert_done(void)
{
	if (work.told->ret)
		fail_msg("call %ld: %s", work.step.nr, strerror((int)-work.told->ret));
}

/* Makes a call on the descriptor `fd` and tells its file. */
#define call_run_fd(handle, number, ...)                                                \
	do {                                                                            \
		work.step = (struct call_step){                                         \
			.nr = number, .arg = {handle, __VA_ARGS__}, .stat_fd = handle}; \
		step_run();                                                             \
	} while (0)

/* ---- names ---- */

static void a_rename_tells_both_names(void **state)
{
	char *from = work_file("from", "x"), *to = work_path("to");
	struct want x = want_paths(WIRE_FILE_RENAME, from, to);

	fixture_need();
	call_run(SYS_rename, (long)from, (long)to);
	assert_done();
	assert_call(&x);
	call_run(SYS_rename, (long)from, (long)to);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&x);
}

static void a_rename_over_another_file_is_told_with_its_folders(void **state)
{
	char *a = work_folder("a"), *b = work_folder("b");
	int from = open(a, O_RDONLY), to = open(b, O_RDONLY);
	struct want x = want_paths(WIRE_FILE_RENAME, "x", "y");

	fixture_need();
	work_file("a/x", "x");
	work_file("b/y", "old");
	call_run(SYS_renameat, from, (long)"x", to, (long)"y", 12345);
	assert_done();
	assert_int_equal(work_stat(work_path("b/y")).st_size, 1);
	x.path = a;
	x.path2 = b;
	assert_call(&x);

	x = want_paths(WIRE_FILE_RENAME, "y", "z");
	x.path = x.path2 = b;
	x.flags = 1 /* RENAME_NOREPLACE */;
	call_run_at(b, SYS_renameat2, AT_FDCWD, (long)"y", to, (long)"z", 1);
	assert_done();
	assert_call(&x);
	close(from);
	close(to);
}

static void an_unlink_tells_the_name(void **state)
{
	char *path = work_file("x", "x");
	int dir = open(work.dir, O_RDONLY);
	struct want x = {.type = WIRE_FILE_UNLINK, .claim = path};

	fixture_need();
	call_run(SYS_unlink, (long)path);
	assert_done();
	assert_call(&x);
	call_run(SYS_unlink, (long)path);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&x);
	work_file("x", "x");
	call_run(SYS_unlinkat, dir, (long)"x", 0);
	assert_done();
	assert_call(&(struct want){.type = WIRE_FILE_UNLINK, .claim = "x", .path = work.dir});
	close(dir);
}

static void an_unlink_of_an_open_file_is_told(void **state)
{
	char *path = work_file("x", "x");
	int fd = open(path, O_RDONLY);

	fixture_need();
	call_run(SYS_unlink, (long)path);
	assert_done();
	assert_call(&(struct want){.type = WIRE_FILE_UNLINK, .claim = path});
	close(fd);
}

static void a_removed_folder_is_told_by_both_calls(void **state)
{
	char *path = work_folder("x");
	struct want x = {.type = WIRE_FILE_RMDIR, .claim = path};

	fixture_need();
	call_run(SYS_rmdir, (long)path);
	assert_done();
	assert_call(&x);
	work_folder("x");
	x.flags = AT_REMOVEDIR;
	call_run(SYS_unlinkat, 77, (long)path, AT_REMOVEDIR);
	assert_done();
	assert_call(&x);
	assert_null(fixture_nth(WIRE_FILE_UNLINK, 0));
}

static void a_hard_link_tells_both_names(void **state)
{
	char *old = work_file("x", "x"), *new = work_path("y");
	int dir = open(work.dir, O_RDONLY);
	struct want x = want_paths(WIRE_FILE_LINK, old, new);

	fixture_need();
	call_run(SYS_link, (long)old, (long)new);
	assert_done();
	assert_call(&x);
	call_run(SYS_link, (long)old, (long)new);
	assert_int_equal(work.told->ret, -EEXIST);
	assert_call(&x);
	x = want_paths(WIRE_FILE_LINK, "x", "z");
	x.path = x.path2 = work.dir;
	x.flags = AT_SYMLINK_FOLLOW;
	call_run_at(work.dir, SYS_linkat, dir, (long)"x", AT_FDCWD, (long)"z", AT_SYMLINK_FOLLOW);
	assert_done();
	assert_call(&x);
	close(dir);
}

static void a_symbolic_link_tells_what_it_says(void **state)
{
	char *link = work_path("link");
	int dir = open(work.dir, O_RDONLY);
	struct want x = want_paths(WIRE_FILE_SYMLINK, link, "../etc/shadow");

	fixture_need();
	x.relative2 = 1;
	call_run(SYS_symlink, (long)"../etc/shadow", (long)link);
	assert_done();
	assert_call(&x);
	x.claim = "other";
	x.path = work.dir;
	call_run(SYS_symlinkat, (long)"../etc/shadow", dir, (long)"other");
	assert_done();
	assert_call(&x);
	call_run(SYS_symlinkat, (long)"../etc/shadow", dir, (long)"other");
	assert_int_equal(work.told->ret, -EEXIST);
	assert_call(&x);
	close(dir);
}

static void a_made_folder_tells_its_mode(void **state)
{
	char *path = work_path("x");
	int dir = open(work.dir, O_RDONLY);

	fixture_need();
	call_run(SYS_mkdir, (long)path, 01751);
	assert_done();
	assert_call(&(struct want){.type = WIRE_FILE_MKDIR, .mode = 01751, .claim = path});
	call_run(SYS_mkdirat, dir, (long)"y", 0700);
	assert_done();
	assert_call(&(struct want){
		.type = WIRE_FILE_MKDIR, .mode = 0700, .claim = "y", .path = work.dir});
	call_run(SYS_mkdir, (long)"/proc/self/x", 0700);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&(struct want){.type = WIRE_FILE_MKDIR, .mode = 0700, .claim = "/proc/self/x"});
}

static void a_made_node_tells_its_kind_and_device(void **state)
{
	char *path = work_path("x"), *pipe = work_path("pipe");
	int dir = open(work.dir, O_RDONLY);
	struct want x = {.type = WIRE_FILE_MKNOD, .claim = path};

	fixture_need();
	x.mode = S_IFCHR | 0620;
	x.rdev = 300u << 20 | 70000u;
	call_run(SYS_mknod, (long)path, S_IFCHR | 0620, (long)makedev(300, 70000));
	if (!work.told->ret)
		assert_int_equal(work_stat(path).st_rdev, makedev(300, 70000));
	assert_call(&x);

	x = (struct want){.type = WIRE_FILE_MKNOD, .claim = pipe, .mode = S_IFIFO | 0600};
	call_run(SYS_mknod, (long)pipe, S_IFIFO | 0600, 4711);
	assert_done();
	assert_call(&x);

	x = (struct want){.type = WIRE_FILE_MKNOD,
			  .claim = "disk",
			  .path = work.dir,
			  .mode = S_IFBLK | 0600,
			  .rdev = 8u << 20 | 1u};
	call_run(SYS_mknodat, dir, (long)"disk", S_IFBLK | 0600, (long)makedev(8, 1));
	assert_call(&x);
	close(dir);
}

/* ---- attributes ---- */

static void a_chmod_tells_the_mode(void **state)
{
	char *path = work_file("x", "x");
	int dir = open(work.dir, O_RDONLY);
	struct want x = {.type = WIRE_FILE_CHMOD, .mode = 04755, .claim = path};

	fixture_need();
	call_run(SYS_chmod, (long)path, 04755);
	assert_done();
	assert_call(&x);
	x.claim = "x";
	x.path = work.dir;
	call_run(SYS_fchmodat, dir, (long)"x", 04755, AT_SYMLINK_NOFOLLOW);
	assert_done();
	assert_call(&x);
	x.mode = 0600;
	x.claim = "absent";
	call_run(SYS_fchmodat, dir, (long)"absent", 0600);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_call(&x);
	x.flags = AT_SYMLINK_NOFOLLOW;
	call_run(NR_FCHMODAT2, dir, (long)"absent", 0600, AT_SYMLINK_NOFOLLOW);
	assert_true(work.told->ret == -ENOENT || work.told->ret == -ENOSYS);
	assert_call(&x);
	close(dir);
}

static void a_chmod_of_an_open_file_tells_the_file(void **state)
{
	char *path = work_file("x", "x");
	int fd = open(path, O_RDONLY);
	struct want x;

	fixture_need();
	call_run_fd(fd, SYS_fchmod, 0711);
	assert_done();
	assert_int_equal(work.told->st.st_mode, S_IFREG | 0711);
	x = want_fd(WIRE_FILE_CHMOD, fd, path);
	x.mode = 0711;
	assert_call(&x);

	call_run_fd(fd, NR_FCHMODAT2, (long)"", 0722, AT_EMPTY_PATH);
	x = want_fd(WIRE_FILE_CHMOD, fd, path);
	x.mode = 0722;
	x.flags = AT_EMPTY_PATH;
	assert_call(&x);
	close(fd);

	call_run(SYS_fchmod, fd, 0711);
	assert_int_equal(work.told->ret, -EBADF);
	assert_call(&(struct want){.type = WIRE_FILE_CHMOD, .mode = 0711, .has_fd = 1, .fd = fd});
}

static void a_chown_tells_the_owners(void **state)
{
	char *path = work_file("x", "x");
	int dir = open(work.dir, O_RDONLY);
	struct want x = {.type = WIRE_FILE_CHOWN, .claim = path};

	fixture_need();
	x.owner_uid = 1234;
	x.owner_gid = -1;
	call_run(SYS_chown, (long)path, 1234, 0xffffffff);
	assert_done();
	assert_int_equal(work_stat(path).st_uid, 1234);
	assert_call(&x);
	x.owner_uid = -1;
	x.owner_gid = 4000000000;
	call_run(SYS_lchown, (long)path, -1, 4000000000);
	assert_done();
	assert_call(&x);
	x.claim = "x";
	x.path = work.dir;
	x.flags = AT_SYMLINK_NOFOLLOW;
	x.owner_uid = x.owner_gid = 0;
	call_run(SYS_fchownat, dir, (long)"x", 0, 0, AT_SYMLINK_NOFOLLOW);
	assert_done();
	assert_call(&x);
	close(dir);
}

static void a_chown_of_an_open_file_tells_the_file(void **state)
{
	char *path = work_file("x", "x");
	int fd = open(path, O_RDONLY);
	struct want x;

	fixture_need();
	call_run_fd(fd, SYS_fchown, 5, 6);
	assert_done();
	assert_int_equal(work.told->st.st_gid, 6);
	x = want_fd(WIRE_FILE_CHOWN, fd, path);
	x.owner_uid = 5;
	x.owner_gid = 6;
	assert_call(&x);
	call_run_fd(fd, SYS_fchownat, (long)"", 7, -1, AT_EMPTY_PATH);
	assert_done();
	x = want_fd(WIRE_FILE_CHOWN, fd, path);
	x.flags = AT_EMPTY_PATH;
	x.owner_uid = 7;
	x.owner_gid = -1;
	assert_call(&x);
	close(fd);
}

static void a_truncate_tells_the_new_length(void **state)
{
	char *path = work_file("x", "abcdef");
	int fd = open(path, O_RDWR);
	struct want x = {.type = WIRE_FILE_TRUNCATE, .size = 3, .claim = path};

	fixture_need();
	call_run(SYS_truncate, (long)path, 3);
	assert_done();
	assert_int_equal(work_stat(path).st_size, 3);
	assert_call(&x);
	call_run_fd(fd, SYS_ftruncate, 1l << 33);
	assert_done();
	x = want_fd(WIRE_FILE_TRUNCATE, fd, path);
	x.size = 1ull << 33;
	assert_int_equal(work.told->st.st_size, 1l << 33);
	assert_call(&x);
	close(fd);
	call_run(SYS_truncate, (long)work.dir, 3);
	assert_int_equal(work.told->ret, -EISDIR);
	assert_call(&(struct want){.type = WIRE_FILE_TRUNCATE, .size = 3, .claim = work.dir});
}

static void a_set_attribute_tells_its_name_and_size(void **state)
{
	char *path = work_file("x", "x");
	struct want x = {.type = WIRE_FILE_SETXATTR, .claim = path, .xattr = "trusted.amber"};

	fixture_need();
	x.size = 5;
	x.flags = XATTR_CREATE;
	call_run(SYS_setxattr, (long)path, (long)"trusted.amber", (long)"value", 5, XATTR_CREATE);
	assert_done();
	assert_call(&x);
	x.size = 2;
	x.flags = 0;
	call_run(SYS_lsetxattr, (long)path, (long)"trusted.amber", (long)"value", 2, 0);
	assert_done();
	assert_call(&x);
	x.xattr = "no.such.space";
	call_run(SYS_setxattr, (long)path, (long)"no.such.space", (long)"value", 2, 0);
	assert_int_equal(work.told->ret, -EOPNOTSUPP);
	assert_call(&x);
}

static void an_attribute_of_an_open_file_tells_the_file(void **state)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} args = {(uint64_t)(uintptr_t) "value", 4, XATTR_REPLACE};
	char *path = work_file("x", "x");
	int fd = open(path, O_RDONLY);
	struct want x;

	fixture_need();
	call_run_fd(fd, SYS_fsetxattr, (long)"trusted.a", (long)"value", 5, 0);
	assert_done();
	x = want_fd(WIRE_FILE_SETXATTR, fd, path);
	x.size = 5;
	x.xattr = "trusted.a";
	assert_call(&x);
	call_run_fd(fd, NR_SETXATTRAT, (long)"", AT_EMPTY_PATH, (long)"trusted.a", (long)&args,
		    sizeof(args));
	assert_true(!work.told->ret || work.told->ret == -ENOSYS);
	x = want_fd(WIRE_FILE_SETXATTR, fd, path);
	x.size = 4;
	x.flags = XATTR_REPLACE;
	x.xattr = "trusted.a";
	assert_call(&x);
	close(fd);
	work.step = (struct call_step){
		.nr = NR_SETXATTRAT,
		.arg = {AT_FDCWD, (long)path, 0, (long)"trusted.a", (long)&args, sizeof(args)},
		.stat_fd = -1};
	step_run();
	assert_true(!work.told->ret || work.told->ret == -ENOSYS);
	assert_call(&(struct want){.type = WIRE_FILE_SETXATTR,
				   .size = 4,
				   .flags = XATTR_REPLACE,
				   .claim = path,
				   .xattr = "trusted.a"});
}

/* ---- what is hard ---- */

static void every_call_tells_paths_of_4095_bytes(void **state)
{
	static char a[PATH_MAX], b[PATH_MAX];
	struct want x = want_paths(WIRE_FILE_RENAME, a, b);

	fixture_need();
	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'b', sizeof(b) - 1);
	a[0] = b[0] = '/';
	call_run(SYS_rename, (long)a, (long)b);
	assert_int_equal(work.told->ret, -ENAMETOOLONG);
	assert_call(&x);
}

static void act_churn(void *arg)
{
	char path[PATH_MAX];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "%s/dir-%03d", work.dir, i % 100);
		mkdir(path, 0700);
		rmdir(path);
	}
}

/* Three rounds of 100 names: each name is told, and each repeat is counted. */
static void repeats_by_name_are_counted(void **state)
{
	const struct wire_head *h;
	unsigned made = 0, removed = 0, n;

	fixture_need();
	work.before_ns = work_boot_ns();
	fixture_run(act_churn, NULL);
	for (n = 0; fixture_nth(WIRE_FILE_MKDIR, n); n++)
		;
	assert_in_range(n, 100, 300);
	usleep(1100000);
	probe_sweep(fixture.probe, fixture_collect, NULL);
	for (n = 0; (h = fixture_nth(WIRE_FILE_MKDIR, n)); n++)
		made += h->count;
	for (n = 0; (h = fixture_nth(WIRE_FILE_RMDIR, n)); n++)
		removed += h->count;
	assert_int_equal(made, 300);
	assert_int_equal(removed, 300);
}

/* The child's root is the test's folder: kernel paths are those that it sees. */
static void enter_root(void)
{
	if (chroot(work.dir) || chdir("/"))
		_exit(92);
}

static void kernel_paths_are_those_of_the_tasks_root(void **state)
{
	int outside = open("/usr", O_RDONLY);
	const struct wire_file_call *w;
	const char *bytes;

	fixture_need();
	work_folder("sub");
	work.step = (struct call_step){.nr = SYS_creat,
				       .arg = {(long)"/sub/../sub/x", 0600},
				       .before = enter_root,
				       .stat_fd = -1};
	step_run();
	w = fixture_find(WIRE_FILE_OPEN);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/sub/x");
	work.step = (struct call_step){.nr = SYS_unlinkat,
				       .arg = {outside, (long)"no-such", 0},
				       .before = enter_root,
				       .stat_fd = -1};
	step_run();
	assert_int_equal(work.told->ret, -ENOENT);
	w = fixture_find(WIRE_FILE_UNLINK);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), "/usr");
	assert_int_equal(fixture_text(w, sizeof(*w), WIRE_TEXT_PATH, &bytes)->flags,
			 WIRE_TEXT_KERNEL_PATH | WIRE_TEXT_OUTSIDE);
	close(outside);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rename_tells_both_names),
		TEST(a_rename_over_another_file_is_told_with_its_folders),
		TEST(an_unlink_tells_the_name),
		TEST(an_unlink_of_an_open_file_is_told),
		TEST(a_removed_folder_is_told_by_both_calls),
		TEST(a_hard_link_tells_both_names),
		TEST(a_symbolic_link_tells_what_it_says),
		TEST(a_made_folder_tells_its_mode),
		TEST(a_made_node_tells_its_kind_and_device),
		TEST(a_chmod_tells_the_mode),
		TEST(a_chmod_of_an_open_file_tells_the_file),
		TEST(a_chown_tells_the_owners),
		TEST(a_chown_of_an_open_file_tells_the_file),
		TEST(a_truncate_tells_the_new_length),
		TEST(a_set_attribute_tells_its_name_and_size),
		TEST(an_attribute_of_an_open_file_tells_the_file),
		TEST(every_call_tells_paths_of_4095_bytes),
		TEST(repeats_by_name_are_counted),
		TEST(kernel_paths_are_those_of_the_tasks_root),
	};

	return cmocka_run_group_tests(tests, work_probe_open, work_probe_close);
}
