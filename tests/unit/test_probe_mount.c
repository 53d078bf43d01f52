/* test_probe_mount.c - claims about the records of calls that change the tree of file systems; each
 * makes a real call in a tracked child with a mount namespace of its own. */
#include <linux/mount.h>

#include "probe_file_fixture.h"

#define NR_OPEN_TREE_ATTR 467

/* What a record must say; what is not named must be 0 or absent, descriptors -1 unless given. */
struct want_mount {
	unsigned type;
	uint64_t flags;
	int fd, fd2;
	const char *path, *claim, *path2, *claim2, *source, *fstype, *data;
	int kernel_source, kernel_fstype; /* the kernel's and no claims */
	unsigned marks;
};

static void assert_mount_record(const struct wire_mount *w, const struct want_mount *x)
{
	size_t n = sizeof(*w);
	unsigned claim = WIRE_TEXT_CLAIM;

	assert_head(&w->head, x->type, x->marks | (x->claim || x->claim2 ? WIRE_MARK_CLAIM : 0));
	assert_int_equal(w->flags, x->flags);
	assert_int_equal(w->fd, x->fd);
	assert_int_equal(w->fd2, x->fd2);
	assert_kernel_path(w, n, WIRE_TEXT_PATH, x->path, 0);
	assert_text(w, n, WIRE_TEXT_PATH_CLAIM, x->claim, claim);
	assert_kernel_path(w, n, WIRE_TEXT_PATH2, x->path2, 0);
	assert_text(w, n, WIRE_TEXT_PATH2_CLAIM, x->claim2, claim);
	assert_text(w, n, WIRE_TEXT_SOURCE, x->source, x->kernel_source ? 0 : claim);
	assert_text(w, n, WIRE_TEXT_FSTYPE, x->fstype, x->kernel_fstype ? 0 : claim);
	assert_text(w, n, WIRE_TEXT_DATA, x->data, claim);
}

/* The last record of the run with that type: setting up makes others. */
static const struct wire_mount *last_mount(unsigned type)
{
	const struct wire_mount *w = NULL, *next;

	for (unsigned n = 0; (next = fixture_nth(type, n)); n++)
		w = next;
	if (!w)
		fail_msg("no record of type %u", type);
	return w;
}

static void assert_mount(const struct want_mount *x)
{
	assert_mount_record(last_mount(x->type), x);
}

static void assert_done(void)
{
	if (work.told->ret < 0)
		fail_msg("call %ld: %s", work.step.nr, strerror((int)-work.told->ret));
}

static void enter_namespace(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(96);
}

/* Makes a call in a mount namespace of its own, after `prepare`, in the test's folder. */
#define mount_run(prepare, number, ...)                              \
	do {                                                         \
		work.step = (struct call_step){.nr = number,         \
					       .arg = {__VA_ARGS__}, \
					       .cwd = work.dir,      \
					       .before = prepare,    \
					       .stat_fd = -1};       \
		step_run();                                          \
	} while (0)

static void a_mount_tells_source_type_flags_and_options(void **state)
{
	char *path = work_folder("m");

	fixture_need();
	mount_run(enter_namespace, SYS_mount, (long)"some source", (long)path, (long)"tmpfs",
		  MS_NOSUID | MS_NODEV, (long)"size=64k,mode=0700");
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOUNT,
					  .flags = MS_NOSUID | MS_NODEV,
					  .fd = -1,
					  .fd2 = -1,
					  .claim = path,
					  .source = "some source",
					  .fstype = "tmpfs",
					  .data = "size=64k,mode=0700"});
}

static void a_bind_mount_needs_no_type(void **state)
{
	work_folder("m");
	fixture_need();
	mount_run(enter_namespace, SYS_mount, (long)"/etc", (long)"m", 0, MS_BIND | MS_REC, 0);
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOUNT,
					  .flags = MS_BIND | MS_REC,
					  .fd = -1,
					  .fd2 = -1,
					  .path = work.dir,
					  .claim = "m",
					  .source = "/etc"});
}

static void a_refused_mount_is_told(void **state)
{
	fixture_need();
	mount_run(NULL, SYS_mount, (long)"/dev/none", (long)"/no/such/place", (long)"nofs", 0, 0);
	assert_true(work.told->ret < 0);
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOUNT,
					  .fd = -1,
					  .fd2 = -1,
					  .claim = "/no/such/place",
					  .source = "/dev/none",
					  .fstype = "nofs"});
}

static void enter_tmpfs(void)
{
	enter_namespace();
	if (mkdir("m", 0755) && errno != EEXIST)
		_exit(95);
	if (mount("none", "m", "tmpfs", 0, NULL))
		_exit(94);
}

static void an_unmount_tells_place_and_flags(void **state)
{
	char *path = work_path("m");
	struct want_mount x = {
		.type = WIRE_MOUNT_UMOUNT, .flags = MNT_DETACH, .fd = -1, .fd2 = -1, .claim = path};

	fixture_need();
	mount_run(enter_tmpfs, SYS_umount2, (long)path, MNT_DETACH);
	assert_done();
	assert_mount(&x);
	mount_run(enter_namespace, SYS_umount2, (long)path, MNT_DETACH);
	assert_int_equal(work.told->ret, -EINVAL);
	assert_mount(&x);
}

/* ---- fsopen and its family ---- */

static void a_context_tells_the_kernels_name_of_its_file_system(void **state)
{
	struct want_mount x = {.type = WIRE_MOUNT_FSOPEN,
			       .flags = FSOPEN_CLOEXEC,
			       .fd2 = -1,
			       .fstype = "tmpfs",
			       .kernel_fstype = 1};

	fixture_need();
	mount_run(NULL, SYS_fsopen, (long)"tmpfs", FSOPEN_CLOEXEC);
	assert_done();
	x.fd = (int)work.told->ret;
	assert_mount(&x);
	mount_run(NULL, SYS_fsopen, (long)"nofs", 0);
	assert_true(work.told->ret < 0);
	x = (struct want_mount){.type = WIRE_MOUNT_FSOPEN, .fd = -1, .fd2 = -1, .fstype = "nofs"};
	assert_mount(&x);
}

static int context;

static void enter_context(void)
{
	enter_namespace();
	if (dup2((int)syscall(SYS_fsopen, "tmpfs", 0), context) < 0 ||
	    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "their source", 0))
		_exit(95);
}

static void enter_configured(void)
{
	enter_context();
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		_exit(94);
}

static void an_option_of_a_context_is_told(void **state)
{
	struct want_mount x = {.type = WIRE_MOUNT_FSOPEN,
			       .flags = FSCONFIG_SET_STRING,
			       .fd = 700,
			       .fd2 = -1,
			       .fstype = "tmpfs",
			       .kernel_fstype = 1,
			       .data = "size=64k"};

	fixture_need();
	context = 700;
	mount_run(enter_context, SYS_fsconfig, 700, FSCONFIG_SET_STRING, (long)"size", (long)"64k",
		  0);
	assert_done();
	assert_mount(&x);
	x.flags = FSCONFIG_SET_FLAG;
	x.data = "ro";
	mount_run(enter_context, SYS_fsconfig, 700, FSCONFIG_SET_FLAG, (long)"ro", 0, 0);
	assert_done();
	assert_mount(&x);
	x.flags = FSCONFIG_CMD_CREATE;
	x.data = NULL;
	mount_run(enter_context, SYS_fsconfig, 700, FSCONFIG_CMD_CREATE, 0, 0, 0);
	assert_done();
	assert_mount(&x);
	x.flags = FSCONFIG_SET_FD;
	x.data = "no-such";
	x.fd2 = 1;
	mount_run(enter_context, SYS_fsconfig, 700, FSCONFIG_SET_FD, (long)"no-such", 0, 1);
	assert_true(work.told->ret < 0);
	assert_mount(&x);
	x = (struct want_mount){.type = WIRE_MOUNT_FSOPEN,
				.flags = FSCONFIG_SET_STRING,
				.fd = 1,
				.fd2 = -1,
				.data = "a=b"};
	mount_run(NULL, SYS_fsconfig, 1, FSCONFIG_SET_STRING, (long)"a", (long)"b", 0);
	assert_int_equal(work.told->ret, -EINVAL);
	assert_mount(&x);
}

static void a_detached_mount_tells_what_the_kernel_made(void **state)
{
	struct want_mount x = {.type = WIRE_MOUNT_FSMOUNT,
			       .flags = MOUNT_ATTR_NOEXEC,
			       .fd2 = 701,
			       .source = "their source",
			       .kernel_source = 1,
			       .fstype = "tmpfs",
			       .kernel_fstype = 1};

	fixture_need();
	context = 701;
	mount_run(enter_configured, SYS_fsmount, 701, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC);
	assert_done();
	x.fd = (int)work.told->ret;
	assert_mount(&x);
	x.fd = -1;
	x.source = NULL;
	mount_run(enter_context, SYS_fsmount, 701, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC);
	assert_true(work.told->ret < 0);
	assert_mount(&x);
}

static void a_picked_context_tells_its_place(void **state)
{
	fixture_need();
	mount_run(enter_tmpfs, SYS_fspick, AT_FDCWD, (long)"m", FSPICK_CLOEXEC);
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_FSOPEN,
					  .flags = FSPICK_CLOEXEC,
					  .fd = (int)work.told->ret,
					  .fd2 = -1,
					  .path = work.dir,
					  .claim = "m",
					  .fstype = "tmpfs",
					  .kernel_fstype = 1});
}

static void a_cloned_tree_is_a_detached_mount(void **state)
{
	struct want_mount x = {.type = WIRE_MOUNT_FSMOUNT,
			       .flags = OPEN_TREE_CLONE | AT_RECURSIVE,
			       .fd2 = -1,
			       .path = work.dir,
			       .claim = "m",
			       .source = "none",
			       .kernel_source = 1,
			       .fstype = "tmpfs",
			       .kernel_fstype = 1};

	fixture_need();
	mount_run(enter_tmpfs, SYS_open_tree, AT_FDCWD, (long)"m", OPEN_TREE_CLONE | AT_RECURSIVE);
	assert_done();
	x.fd = (int)work.told->ret;
	assert_mount(&x);
	mount_run(enter_tmpfs, NR_OPEN_TREE_ATTR, AT_FDCWD, (long)"m",
		  OPEN_TREE_CLONE | AT_RECURSIVE, 0, 0);
	if (work.told->ret != -ENOSYS) {
		x.fd = (int)work.told->ret;
		assert_mount(&x);
	}
	mount_run(NULL, SYS_open_tree, AT_FDCWD, (long)"/etc", 0);
	assert_done();
	assert_no_call();
}

static void changed_attributes_of_a_mount_are_told(void **state)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};

	fixture_need();
	mount_run(enter_tmpfs, SYS_mount_setattr, AT_FDCWD, (long)"m", 0, (long)&attr,
		  sizeof(attr));
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOUNT,
					  .flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
					  .fd = -1,
					  .fd2 = -1,
					  .path = work.dir,
					  .claim = "m"});
}

static void enter_tree(void)
{
	enter_tmpfs();
	if (mkdir("to", 0755) && errno != EEXIST)
		_exit(93);
	if (dup2((int)syscall(SYS_open_tree, AT_FDCWD, "m", OPEN_TREE_CLONE), context) < 0)
		_exit(92);
}

/* The descriptor of the moved mount leads to where it is now. */
static void a_moved_mount_tells_both_places(void **state)
{
	char *to = work_path("to");

	fixture_need();
	context = 702;
	mount_run(enter_tree, SYS_move_mount, 702, (long)"", AT_FDCWD, (long)"to",
		  MOVE_MOUNT_F_EMPTY_PATH);
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOVE,
					  .flags = MOVE_MOUNT_F_EMPTY_PATH,
					  .fd = 702,
					  .fd2 = -1,
					  .path = to,
					  .claim = "",
					  .path2 = work.dir,
					  .claim2 = "to"});
	mount_run(enter_namespace, SYS_move_mount, AT_FDCWD, (long)"/no/such", 5, (long)"/etc", 0);
	assert_int_equal(work.told->ret, -ENOENT);
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_MOVE,
					  .fd = -1,
					  .fd2 = 5,
					  .claim = "/no/such",
					  .claim2 = "/etc"});
}

/* ---- roots ---- */

static void enter_new_root(void)
{
	enter_tmpfs();
	if (mkdir("m/old", 0755) || chdir("m"))
		_exit(93);
}

static void a_pivot_tells_both_folders(void **state)
{
	char *root = work_path("m"), *old = work_path("m/old");
	struct want_mount x = {
		.type = WIRE_MOUNT_PIVOT_ROOT, .fd = -1, .fd2 = -1, .claim = root, .claim2 = old};

	fixture_need();
	mount_run(enter_new_root, SYS_pivot_root, (long)root, (long)old);
	assert_done();
	assert_mount(&x);
	mount_run(NULL, SYS_pivot_root, (long)"/no/such", (long)"/no/such/old");
	assert_true(work.told->ret < 0);
	x.claim = "/no/such";
	x.claim2 = "/no/such/old";
	assert_mount(&x);
}

/* Afterwards the working folder is the new root. */
static void a_pivot_by_relative_names_starts_at_the_new_root(void **state)
{
	fixture_need();
	mount_run(enter_new_root, SYS_pivot_root, (long)".", (long)"old");
	assert_done();
	assert_mount(&(struct want_mount){.type = WIRE_MOUNT_PIVOT_ROOT,
					  .fd = -1,
					  .fd2 = -1,
					  .path = "/",
					  .claim = ".",
					  .path2 = "/",
					  .claim2 = "old"});
}

static void a_chroot_tells_the_folder(void **state)
{
	struct want_mount x = {.type = WIRE_MOUNT_CHROOT, .fd = -1, .fd2 = -1, .claim = work.dir};

	fixture_need();
	mount_run(NULL, SYS_chroot, (long)work.dir);
	assert_done();
	assert_mount(&x);
	x.path = work.dir;
	x.claim = "no-such";
	mount_run(NULL, SYS_chroot, (long)"no-such");
	assert_int_equal(work.told->ret, -ENOENT);
	assert_mount(&x);
}

static void act_attempts(void *arg)
{
	for (int i = 0; i < 500; i++)
		if (!chroot("/no/such") || !mount("x", "/no/such", "tmpfs", 0, NULL))
			_exit(1);
}

static void refused_attempts_are_counted(void **state)
{
	const struct wire_head *h;
	unsigned chroots = 0, mounts = 0, n;

	fixture_need();
	fixture_run(act_attempts, NULL);
	assert_int_equal(fixture.status, 0);
	assert_null(fixture_nth(WIRE_MOUNT_CHROOT, 20));
	usleep(1100000);
	probe_sweep(fixture.probe, fixture_collect, NULL);
	for (n = 0; (h = fixture_nth(WIRE_MOUNT_CHROOT, n)); n++)
		chroots += h->count;
	for (n = 0; (h = fixture_nth(WIRE_MOUNT_MOUNT, n)); n++)
		mounts += h->count;
	assert_int_equal(chroots, 500);
	assert_int_equal(mounts, 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mount_tells_source_type_flags_and_options),
		TEST(a_bind_mount_needs_no_type),
		TEST(a_refused_mount_is_told),
		TEST(an_unmount_tells_place_and_flags),
		TEST(a_context_tells_the_kernels_name_of_its_file_system),
		TEST(an_option_of_a_context_is_told),
		TEST(a_detached_mount_tells_what_the_kernel_made),
		TEST(a_picked_context_tells_its_place),
		TEST(a_cloned_tree_is_a_detached_mount),
		TEST(changed_attributes_of_a_mount_are_told),
		TEST(a_moved_mount_tells_both_places),
		TEST(a_pivot_tells_both_folders),
		TEST(a_pivot_by_relative_names_starts_at_the_new_root),
		TEST(a_chroot_tells_the_folder),
		TEST(refused_attempts_are_counted),
	};

	return cmocka_run_group_tests(tests, work_probe_open, work_probe_close);
}
