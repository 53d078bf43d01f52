/* test_keeper.c - claims about the file keeper, on real overlay and tmpfs mounts. */
#include <sys/fanotify.h>
#include <sys/sysmacros.h>

#include "keep_test.h"
#include "record/keeper_cache.h"
#include "record/keeper_mounts.h"

/* One keeper with one container whose root is an overlay. */
struct world {
	char dir[64];
	struct seen_list seen;
	struct memory_store store;
	struct keep_out out;
	struct keeper *keeper;
	bool can;
};

static struct world w;

static const char *merged(const char *name)
{
	return at("%s/%s/merged", w.dir, name);
}

static void mount_overlay(const char *name, const char *lower)
{
	assert_int_equal(mkdir(at("%s/%s", w.dir, name), 0755), 0);
	assert_int_equal(mkdir(at("%s/%s/upper", w.dir, name), 0755), 0);
	assert_int_equal(mkdir(at("%s/%s/work", w.dir, name), 0755), 0);
	assert_int_equal(mkdir(merged(name), 0755), 0);
	assert_int_equal(mount("overlay", merged(name), "overlay", 0,
			       at("lowerdir=%s,upperdir=%s/%s/upper,workdir=%s/%s/work", lower,
				  w.dir, name, w.dir, name)),
			 0);
}

static struct container container_of(const char *name)
{
	static char text[4][LIMIT_PATH];
	static unsigned next;
	char *root = text[next++ % 4], *upper = text[next++ % 4];

	(void)snprintf(root, LIMIT_PATH, "%s", merged(name));
	(void)snprintf(upper, LIMIT_PATH, "%s/%s/upper", w.dir, name);
	return (struct container){.id = span_of(at("id-of-container-%s", name)),
				  .cgroup_id = 7,
				  .rootfs = span_of(root),
				  .upper_dir = span_of(upper)};
}

static int setup(void **state)
{
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/amber-keeper-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	pthread_mutex_init(&w.seen.lock, NULL);
	pthread_mutex_init(&w.store.lock, NULL);
	w.out = (struct keep_out){.sink = {seen_emit, &w.seen}};
	w.can = geteuid() == 0;
	if (!w.can)
		return 0;
	assert_int_equal(mkdir(at("%s/lower", w.dir), 0755), 0);
	assert_int_equal(mkdir(at("%s/lower/bin", w.dir), 0755), 0);
	assert_int_equal(mkdir(at("%s/lower/tmp", w.dir), 01777), 0);
	write_file(at("%s/lower/image-file", w.dir), "from the image", 14, 0644);
	if (access("/bin/true", X_OK) == 0)
		copy_file("/bin/true", at("%s/lower/bin/true", w.dir));
	mount_overlay("a", at("%s/lower", w.dir));
	return 0;
}

static int teardown(void **state)
{
	keeper_close(w.keeper);
	w.keeper = NULL;
	(void)umount2(merged("a"), MNT_DETACH);
	(void)umount2(merged("b"), MNT_DETACH);
	(void)umount2(at("%s/other", w.dir), MNT_DETACH);
	remove_tree(w.dir);
	seen_clear(&w.seen);
	store_clear(&w.store);
	return 0;
}

static struct keeper_options default_options(void)
{
	struct keeper_options options = {.threads = 1};

	keeper_policy_default(&options.policy);
	return options;
}

static void open_keeper(const struct keeper_options *options)
{
	struct keeper_store store = {store_put, &w.store};
	struct err e = ERR_INIT;

	if (keeper_open(options, store, &w.out, &w.keeper, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		fail();
	}
}

static void arm(const char *name)
{
	struct container container = container_of(name);
	struct err e = ERR_INIT;

	if (keeper_arm(w.keeper, &container, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		fail();
	}
}

static void open_armed(const struct keeper_options *options)
{
	open_keeper(options);
	arm("a");
}

/* Closing reads what is queued. */
static struct keeper_stats close_keeper(void)
{
	struct keeper_stats stats;

	usleep(20000); /* the queue is empty most of the time: figures before the close */
	keeper_stats_get(w.keeper, &stats);
	keeper_close(w.keeper);
	w.keeper = NULL;
	return stats;
}

/* Runs `body` in a child, as the container would: events of Amber itself do not count. */
#define IN_CHILD(...)                                  \
	do {                                           \
		pid_t child_ = fork();                 \
		if (child_ == 0) {                     \
			__VA_ARGS__;                   \
			_exit(0);                      \
		}                                      \
		assert_int_equal(wait_for(child_), 0); \
	} while (0)

#define NEEDS_ROOT() PROBE(w.can, "needs root")

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i += 8) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		memcpy(p + i, &seed, 8);
	}
}

#define STORM 2000

static void storm(const char *root)
{
	char dir[LIMIT_PATH];
	uint8_t bytes[4096];

	(void)snprintf(dir, sizeof(dir), "%s", root);
	for (unsigned i = 0; i < STORM; i++) {
		fill(bytes, sizeof(bytes), i + 1);
		write_file(at("%s/f%u", dir, i), bytes, sizeof(bytes), 0644);
		if (rename(at("%s/f%u", dir, i), at("%s/g%u", dir, i)) != 0 ||
		    unlink(at("%s/g%u", dir, i)) != 0)
			_exit(98);
	}
}

static void check_storm(void)
{
	uint8_t bytes[4096];
	unsigned found = 0;

	for (unsigned i = 0; i < STORM; i++) {
		fill(bytes, sizeof(bytes), i + 1);
		found += store_has(&w.store, bytes, sizeof(bytes));
	}
	assert_int_equal(found, STORM);
	assert_int_equal(seen_gaps(&w.seen, "overflow"), 0);
	assert_int_equal(seen_gaps(&w.seen, "unattributed"), 0);
}

static void every_file_of_a_write_rename_unlink_storm_is_kept(void **state)
{
	struct keeper_options options = default_options();
	struct keeper_stats stats;

	NEEDS_ROOT();
	open_armed(&options);
	IN_CHILD(storm(merged("a")));
	stats = close_keeper();
	check_storm();
	assert_int_equal(stats.skipped, 0);
	assert_string_equal(seen_kept(&w.seen, NULL, "written", 0)->id, "id-of-container-a");
	assert_true(seen_kept(&w.seen, NULL, "written", 0)->flags & KEPT_OVERLAY);
	assert_true(seen_kept(&w.seen, NULL, "written", 0)->flags & KEPT_UPPER);
	assert_null(seen_kept(&w.seen, NULL, NULL, STORM));
}

static void two_threads_keep_all_of_a_storm_as_well(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	options.threads = 2;
	open_armed(&options);
	IN_CHILD(storm(merged("a")));
	(void)close_keeper();
	check_storm();
}

static void a_kept_file_has_its_path_size_mode_and_deletion(void **state)
{
	struct keeper_options options = default_options();
	const struct seen *s;
	pid_t pid;

	NEEDS_ROOT();
	open_armed(&options);
	pid = fork();
	if (pid == 0) {
		const char *goes = at("%s/tmp/goes", merged("a"));
		int fd = open(goes, O_WRONLY | O_CREAT, 0600);

		write_file(at("%s/tmp/stays", merged("a")), "123", 3, 0640);
		_exit(write(fd, "12345", 5) != 5 || unlink(goes) != 0 || close(fd) != 0);
	}
	assert_int_equal(wait_for(pid), 0);
	(void)close_keeper();
	s = seen_kept(&w.seen, "/tmp/stays", "written", 0);
	assert_non_null(s);
	assert_int_equal(s->size, 3);
	assert_int_equal(s->mode, 0640);
	assert_int_equal(s->tid, pid);
	assert_true(s->ino != 0 && s->real_ns != 0 && s->boot_ns != 0);
	assert_false(s->flags & KEPT_DELETED);
	s = seen_kept(&w.seen, "/tmp/goes", "written", 0);
	assert_non_null(s);
	assert_true(s->flags & KEPT_DELETED);
	assert_true(store_has(&w.store, "12345", 5));
}

static void hostile_names_come_through_as_bytes(void **state)
{
	static const char *const names[] = {"new\nline", "\xff\xfe",	      "is (deleted)",
					    "\x1b[31m",	 "back\\slash \\040", "..."};
	struct keeper_options options = default_options();
	char longest[256];

	NEEDS_ROOT();
	memset(longest, 'x', 255);
	longest[255] = '\0';
	open_armed(&options);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		IN_CHILD(write_file(at("%s/%s", merged("a"), names[i]), &i, sizeof(i), 0644));
	IN_CHILD(write_file(at("%s/%s", merged("a"), longest), "long", 4, 0644));
	IN_CHILD(write_file(at("%s/x (deleted)", merged("a")), "y", 1, 0644);
		 unlink(at("%s/x (deleted)", merged("a"))));
	(void)close_keeper();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct seen *s = seen_kept(&w.seen, at("/%s", names[i]), "written", 0);

		assert_non_null(s);
		assert_false(s->flags & KEPT_DELETED);
		assert_true(store_has(&w.store, &i, sizeof(i)));
	}
	assert_non_null(seen_kept(&w.seen, at("/%s", longest), "written", 0));
	assert_non_null(seen_kept(&w.seen, "/x (deleted)", "written", 0));
}

static void a_path_of_four_thousand_bytes_is_told_whole(void **state)
{
	struct keeper_options options = default_options();
	char part[201], want[LIMIT_PATH] = "";

	NEEDS_ROOT();
	memset(part, 'd', 200);
	part[200] = '\0';
	open_armed(&options);
	IN_CHILD(if (chdir(merged("a")) != 0) _exit(97); for (int i = 0; i < 19; i++) {
		if (mkdir(part, 0755) != 0 || chdir(part) != 0)
			_exit(97);
	} write_file("end", "deep", 4, 0644));
	(void)close_keeper();
	for (int i = 0; i < 19; i++) {
		size_t n = strlen(want);

		(void)snprintf(want + n, sizeof(want) - n, "/%s", part);
	}
	assert_non_null(seen_kept(&w.seen, at("%s/end", want), "written", 0));
}

static void an_executed_file_that_deletes_itself_is_kept(void **state)
{
	struct keeper_options options = default_options();
	const struct seen *s;
	char path[LIMIT_PATH];

	NEEDS_ROOT();
	(void)snprintf(path, sizeof(path), "%s/dropped", merged("a"));
	open_armed(&options);
	IN_CHILD(write_file(path, "#!/bin/sh\nrm \"$0\"\n", 18, 0755); pid_t p = fork();
		 if (p == 0) {
			 execl(path, path, NULL);
			 _exit(1);
		 } _exit(wait_for(p)));
	assert_int_not_equal(access(path, F_OK), 0);
	(void)close_keeper();
	s = seen_kept(&w.seen, "/dropped", "executed", 0);
	assert_non_null(s);
	assert_true(s->flags & KEPT_UPPER);
	assert_true(store_has(&w.store, "#!/bin/sh\nrm \"$0\"\n", 18));
}

static void execute(const char *program, unsigned times)
{
	char path[LIMIT_PATH];

	(void)snprintf(path, sizeof(path), "%s", program);
	for (unsigned i = 0; i < times; i++) {
		pid_t p = fork();

		if (p == 0) {
			execl(path, path, NULL);
			_exit(1);
		}
		if (wait_for(p) != 0)
			_exit(96);
	}
}

static void an_image_binary_executed_often_is_read_once_and_told_once(void **state)
{
	struct keeper_options options = default_options();
	struct keeper_stats stats;

	NEEDS_ROOT();
	usleep(1200000); /* the layer has to be older than the container by a second */
	mount_overlay("b", at("%s/lower", w.dir));
	open_armed(&options);
	IN_CHILD(execute(at("%s/bin/true", merged("a")), 200));
	usleep(50000);
	arm("b");
	IN_CHILD(execute(at("%s/bin/true", merged("b")), 200));
	stats = close_keeper();
	assert_int_equal(w.store.puts, 2); /* "a" is as young as the image here, "b" is not */
	assert_non_null(seen_kept(&w.seen, "/bin/true", "executed", 1));
	assert_null(seen_kept(&w.seen, "/bin/true", "executed", 2));
	assert_true(stats.events < 400); /* the kernel was told to be quiet about it */
}

static void containers_of_one_image_share_what_was_read(void **state)
{
	struct keeper_options options = default_options();
	struct keeper_stats stats;

	NEEDS_ROOT();
	(void)umount2(merged("a"), MNT_DETACH);
	remove_tree(at("%s/a", w.dir));
	usleep(1200000);
	mount_overlay("a", at("%s/lower", w.dir));
	mount_overlay("b", at("%s/lower", w.dir));
	open_armed(&options);
	arm("b");
	IN_CHILD(execute(at("%s/bin/true", merged("a")), 20));
	usleep(50000);
	IN_CHILD(execute(at("%s/bin/true", merged("b")), 20));
	stats = close_keeper();
	assert_int_equal(w.store.puts, 1);
	assert_int_equal(stats.reused, 1);
	assert_string_equal(seen_kept(&w.seen, "/bin/true", "executed", 1)->id,
			    "id-of-container-b");
	assert_memory_equal(seen_kept(&w.seen, "/bin/true", "executed", 0)->digest,
			    seen_kept(&w.seen, "/bin/true", "executed", 1)->digest, SHA256_BYTES);
	assert_false(seen_kept(&w.seen, "/bin/true", "executed", 1)->flags & KEPT_UPPER);
}

static void a_changed_binary_is_read_again(void **state)
{
	static const char one[] = "#!/bin/sh\nexit 0 # one\n", two[] = "#!/bin/sh\nexit 0 # two\n";
	struct keeper_options options = default_options();
	char path[LIMIT_PATH];

	NEEDS_ROOT();
	(void)snprintf(path, sizeof(path), "%s/tool", merged("a"));
	open_armed(&options);
	IN_CHILD(write_file(path, one, sizeof(one), 0755); execute(path, 3));
	usleep(50000);
	IN_CHILD(write_file(path, two, sizeof(two), 0755); execute(path, 3));
	(void)close_keeper();
	assert_true(store_has(&w.store, one, sizeof(one)));
	assert_true(store_has(&w.store, two, sizeof(two)));
	assert_non_null(seen_kept(&w.seen, "/tool", "executed", 1));
	assert_memory_not_equal(seen_kept(&w.seen, "/tool", "executed", 0)->digest,
				seen_kept(&w.seen, "/tool", "executed", 1)->digest, SHA256_BYTES);
}

static void what_is_too_large_is_a_gap_unless_it_is_executable(void **state)
{
	struct keeper_options options = default_options();
	uint8_t bytes[8192] = "\x7f"
			      "ELF";

	NEEDS_ROOT();
	options.policy.max_bytes[KEEPER_DATA] = 4096;
	options.policy.max_bytes[KEEPER_EXECUTABLE] = 16384;
	open_armed(&options);
	IN_CHILD(write_file(at("%s/elf", merged("a")), bytes, sizeof(bytes), 0644);
		 write_file(at("%s/data", merged("a")), bytes + 1, sizeof(bytes) - 1, 0644);
		 write_file(at("%s/small", merged("a")), bytes, 4096, 0644);
		 int fd = open(at("%s/sparse", merged("a")), O_WRONLY | O_CREAT, 0755);
		 if (ftruncate(fd, 1ll << 40) != 0) _exit(95); close(fd));
	(void)close_keeper();
	assert_non_null(seen_kept(&w.seen, "/elf", "written", 0));
	assert_non_null(seen_kept(&w.seen, "/small", "written", 0));
	assert_null(seen_kept(&w.seen, "/data", NULL, 0));
	assert_null(seen_kept(&w.seen, "/sparse", NULL, 0));
	assert_int_equal(seen_gaps(&w.seen, "skipped_size"), 2);
}

static void a_sparse_file_below_the_limit_is_kept_with_its_holes(void **state)
{
	struct keeper_options options = default_options();
	uint8_t *want = calloc(1, 1 << 20);

	NEEDS_ROOT();
	open_armed(&options);
	IN_CHILD(int fd = open(at("%s/sparse", merged("a")), O_WRONLY | O_CREAT, 0644);
		 if (ftruncate(fd, 1 << 20) != 0 || pwrite(fd, "x", 1, 777777) != 1) _exit(95);
		 close(fd));
	(void)close_keeper();
	want[777777] = 'x';
	assert_true(store_has(&w.store, want, 1 << 20));
	free(want);
}

static void a_budget_that_is_spent_is_a_gap_and_spares_executables(void **state)
{
	struct keeper_options options = default_options();
	uint8_t bytes[4096];
	uint64_t kept = 0;

	NEEDS_ROOT();
	options.policy.container_rate = 1;
	options.policy.container_burst = 64 << 10;
	open_armed(&options);
	IN_CHILD(for (unsigned i = 0; i < 100; i++) {
		fill(bytes, sizeof(bytes), i + 1);
		write_file(at("%s/data%u", merged("a"), i), bytes, sizeof(bytes), 0644);
	} write_file(at("%s/tool", merged("a")), "#!tool", 6, 0755));
	(void)close_keeper();
	while (seen_kept(&w.seen, NULL, "written", (unsigned)kept))
		kept++;
	assert_int_equal(kept, 16 + 1);
	assert_int_equal(seen_gaps(&w.seen, "skipped_budget"), 84);
	assert_non_null(seen_kept(&w.seen, "/tool", "written", 0));
}

static void the_total_of_a_container_is_bounded(void **state)
{
	struct keeper_options options = default_options();
	uint8_t bytes[4096];

	NEEDS_ROOT();
	options.policy.container_total = 8192;
	open_armed(&options);
	IN_CHILD(for (unsigned i = 0; i < 5; i++) {
		fill(bytes, sizeof(bytes), i / 2 + 1);
		write_file(at("%s/data%u", merged("a"), i), bytes, sizeof(bytes), 0644);
	});
	(void)close_keeper();
	assert_int_equal(seen_gaps(&w.seen, "skipped_budget"),
			 2); /* what it holds is read to know */
}

static void excluded_paths_are_counted(void **state)
{
	static const char *const patterns[] = {"/tmp/*.log", "/cache/*"};
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	options.policy.exclude = patterns;
	options.policy.exclude_count = 2;
	open_armed(&options);
	IN_CHILD(write_file(at("%s/tmp/x.log", merged("a")), "1", 1, 0644);
		 write_file(at("%s/tmp/x.txt", merged("a")), "2", 1, 0644));
	(void)close_keeper();
	assert_int_equal(seen_gaps(&w.seen, "excluded"), 1);
	assert_null(seen_kept(&w.seen, "/tmp/x.log", NULL, 0));
	assert_non_null(seen_kept(&w.seen, "/tmp/x.txt", NULL, 0));
}

static void when_events_come_too_fast_data_is_let_go_and_executables_are_kept(void **state)
{
	struct keeper_options options = default_options();
	uint64_t kept = 0, lost;

	NEEDS_ROOT();
	options.max_backlog = 100;
	w.store.slow_us = 2000;
	open_armed(&options);
	IN_CHILD(for (unsigned i = 0; i < 1000; i++)
			 write_file(at("%s/data%u", merged("a"), i), &i, sizeof(i), 0644);
		 write_file(at("%s/tool", merged("a")), "#!tool", 6, 0755));
	(void)close_keeper();
	while (seen_kept(&w.seen, NULL, "written", (unsigned)kept))
		kept++;
	lost = seen_gaps(&w.seen, "overflow");
	assert_true(lost > 0);
	assert_int_equal(kept + lost, 1001);
	assert_non_null(seen_kept(&w.seen, "/tool", "written", 0));
}

static void gaps_of_one_second_are_one_event(void **state)
{
	static const char *const patterns[] = {"*"};
	struct keeper_options options = default_options();
	size_t events;

	NEEDS_ROOT();
	options.policy.exclude = patterns;
	options.policy.exclude_count = 1;
	open_armed(&options);
	IN_CHILD(for (unsigned i = 0; i < 500; i++)
			 write_file(at("%s/x%u", merged("a"), i), &i, sizeof(i), 0644));
	(void)close_keeper();
	events = w.seen.n;
	assert_true(events >= 1 && events <= 3);
	assert_int_equal(seen_gaps(&w.seen, "excluded"), 500);
	assert_string_equal(w.seen.p[0].id, "id-of-container-a");
	assert_memory_equal(w.seen.p[0].text, "/x", 2);
}

static void pipes_devices_and_folders_are_never_read(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	open_armed(&options);
	IN_CHILD(const char *pipe = at("%s/pipe", merged("a"));
		 if (mkfifo(pipe, 0644) != 0 || mknod(at("%s/zero", merged("a")), S_IFCHR | 0666,
						      makedev(1, 5)) != 0) _exit(94);
		 int fd = open(pipe, O_RDWR); (void)!write(fd, "x", 1); close(fd);
		 fd = open(at("%s/zero", merged("a")), O_WRONLY); close(fd);
		 write_file(at("%s/file", merged("a")), "f", 1, 0644));
	(void)close_keeper();
	assert_int_equal(w.store.puts, 1);
	assert_non_null(seen_kept(&w.seen, "/file", "written", 0));
}

static void hard_links_are_one_content_under_the_name_that_was_used(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	open_armed(&options);
	IN_CHILD(write_file(at("%s/one", merged("a")), "same", 4, 0644));
	usleep(50000);
	IN_CHILD(if (link(at("%s/one", merged("a")), at("%s/two", merged("a"))) != 0) _exit(93);
		 int fd = open(at("%s/two", merged("a")), O_WRONLY | O_APPEND);
		 (void)!write(fd, "more", 4); close(fd));
	(void)close_keeper();
	assert_true(store_has(&w.store, "same", 4));
	assert_true(store_has(&w.store, "samemore", 8));
	assert_non_null(seen_kept(&w.seen, "/two", "written", 0));
}

static void reading_leaves_the_access_time_alone(void **state)
{
	struct keeper_options options = default_options();
	struct stat before, after;

	NEEDS_ROOT();
	open_armed(&options);
	IN_CHILD(write_file(at("%s/file", merged("a")), "content", 7, 0644);
		 const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_nsec = UTIME_OMIT}};
		 if (utimensat(AT_FDCWD, at("%s/file", merged("a")), times, 0) != 0) _exit(92));
	assert_int_equal(stat(at("%s/file", merged("a")), &before), 0);
	(void)close_keeper();
	assert_true(store_has(&w.store, "content", 7));
	assert_int_equal(stat(at("%s/file", merged("a")), &after), 0);
	assert_int_equal(after.st_atim.tv_sec, 1000);
	assert_int_equal(before.st_atim.tv_sec, 1000);
}

static void a_container_can_be_unmounted_and_its_last_files_are_kept(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	options.nap_us = 50000;
	open_armed(&options);
	IN_CHILD(write_file(at("%s/last", merged("a")), "words", 5, 0644));
	assert_int_equal(umount2(merged("a"), MNT_DETACH), 0);
	keeper_disarm(w.keeper, span_of("id-of-container-a"));
	(void)close_keeper();
	assert_true(store_has(&w.store, "words", 5));
	assert_non_null(seen_kept(&w.seen, "/last", "written", 0));
}

/* A child with mounts of its own: a tmpfs at /mnt, and then it waits for our word to write. */
static pid_t start_mounter(int word[2], int answer[2])
{
	pid_t pid;

	assert_int_equal(pipe(word) | pipe(answer), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		if (!private_mounts() || mount("none", "/mnt", "tmpfs", 0, "size=8m") != 0)
			_exit(91);
		if (write(answer[1], "r", 1) != 1 || read(word[0], &byte, 1) != 1)
			_exit(90);
		int fd = open("/mnt/secret", O_WRONLY | O_CREAT, 0600);

		_exit(write(fd, "in memory only", 14) != 14 || unlink("/mnt/secret") != 0 ||
		      close(fd) != 0);
	}
	return pid;
}

static void files_on_a_tmpfs_of_the_container_are_kept(void **state)
{
	struct keeper_options options = default_options();
	struct err e = ERR_INIT;
	int word[2], answer[2];
	unsigned found = 0;
	const struct seen *s;
	char byte;
	pid_t pid;

	NEEDS_ROOT();
	open_armed(&options);
	pid = start_mounter(word, answer);
	assert_int_equal(read(answer[0], &byte, 1), 1);
	assert_int_equal(keeper_arm_mounts(w.keeper, span_of("id-of-container-a"), (uint32_t)pid,
					   &found, &e),
			 0);
	assert_int_equal(found, 1); /* and not /dev/shm, nor /, nor any other of the host */
	assert_int_equal(write(word[1], "w", 1), 1);
	assert_int_equal(wait_for(pid), 0);
	(void)close_keeper();
	s = seen_kept(&w.seen, "/mnt/secret", "written", 0);
	assert_non_null(s);
	assert_true(s->flags & KEPT_TMPFS);
	assert_true(s->flags & KEPT_DELETED);
	assert_string_equal(s->id, "id-of-container-a");
	assert_true(store_has(&w.store, "in memory only", 14));
	for (unsigned i = 0; i < 2; i++)
		(void)(close(word[i]) | close(answer[i]));
}

static void a_folder_of_the_host_is_refused_as_a_root(void **state)
{
	struct keeper_options options = default_options();
	struct container container = {.id = span_of("plain"), .rootfs = span_of(w.dir)};
	struct err e = ERR_INIT;

	NEEDS_ROOT();
	open_keeper(&options);
	assert_int_equal(keeper_arm(w.keeper, &container, &e), -EOPNOTSUPP);
	container.rootfs = span_of("/");
	assert_int_equal(keeper_arm(w.keeper, &container, &e), -EOPNOTSUPP);
	container.rootfs = span_of("/dev/shm");
	assert_int_equal(keeper_arm(w.keeper, &container, &e), -EOPNOTSUPP);
	IN_CHILD(write_file(at("%s/file", w.dir), "host", 4, 0644));
	(void)close_keeper();
	assert_int_equal(w.store.puts, 0);
}

static void a_folder_inside_another_file_system_is_refused_too(void **state)
{
	struct keeper_options options = default_options();
	struct container container = container_of("a");
	struct err e = ERR_INIT;

	NEEDS_ROOT();
	container.rootfs = span_of(at("%s/tmp", merged("a")));
	open_keeper(&options);
	assert_int_equal(keeper_arm(w.keeper, &container, &e), -EOPNOTSUPP);
}

static void layers_on_several_file_systems_are_attributed(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	assert_int_equal(mkdir(at("%s/other", w.dir), 0755), 0);
	assert_int_equal(mount("none", at("%s/other", w.dir), "tmpfs", 0, NULL), 0);
	copy_file("/bin/true", at("%s/other/true", w.dir));
	mount_overlay("b", at("%s/other:%s/lower", w.dir, w.dir));
	open_keeper(&options);
	arm("b");
	IN_CHILD(execute(at("%s/true", merged("b")), 1));
	IN_CHILD(write_file(at("%s/file", merged("b")), "upper", 5, 0644));
	(void)close_keeper();
	assert_non_null(seen_kept(&w.seen, "/true", "executed", 0));
	assert_string_equal(seen_kept(&w.seen, "/true", "executed", 0)->id, "id-of-container-b");
	assert_non_null(seen_kept(&w.seen, "/file", "written", 0));
}

static void a_store_that_fails_is_a_gap(void **state)
{
	struct keeper_options options = default_options();

	NEEDS_ROOT();
	w.store.refuse = ENOSPC;
	open_armed(&options);
	IN_CHILD(write_file(at("%s/file", merged("a")), "x", 1, 0644));
	usleep(50000);
	w.store.refuse = EIO;
	IN_CHILD(write_file(at("%s/file", merged("a")), "y", 1, 0644));
	(void)close_keeper();
	assert_int_equal(seen_gaps(&w.seen, "store_full"), 1);
	assert_int_equal(seen_gaps(&w.seen, "unreadable"), 1);
	assert_null(seen_kept(&w.seen, "/file", NULL, 0));
}

#define ON_MOUNTS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_MOUNTS(every_file_of_a_write_rename_unlink_storm_is_kept),
		ON_MOUNTS(two_threads_keep_all_of_a_storm_as_well),
		ON_MOUNTS(a_kept_file_has_its_path_size_mode_and_deletion),
		ON_MOUNTS(hostile_names_come_through_as_bytes),
		ON_MOUNTS(a_path_of_four_thousand_bytes_is_told_whole),
		ON_MOUNTS(an_executed_file_that_deletes_itself_is_kept),
		ON_MOUNTS(an_image_binary_executed_often_is_read_once_and_told_once),
		ON_MOUNTS(containers_of_one_image_share_what_was_read),
		ON_MOUNTS(a_changed_binary_is_read_again),
		ON_MOUNTS(what_is_too_large_is_a_gap_unless_it_is_executable),
		ON_MOUNTS(a_sparse_file_below_the_limit_is_kept_with_its_holes),
		ON_MOUNTS(a_budget_that_is_spent_is_a_gap_and_spares_executables),
		ON_MOUNTS(the_total_of_a_container_is_bounded),
		ON_MOUNTS(excluded_paths_are_counted),
		ON_MOUNTS(when_events_come_too_fast_data_is_let_go_and_executables_are_kept),
		ON_MOUNTS(gaps_of_one_second_are_one_event),
		ON_MOUNTS(pipes_devices_and_folders_are_never_read),
		ON_MOUNTS(hard_links_are_one_content_under_the_name_that_was_used),
		ON_MOUNTS(reading_leaves_the_access_time_alone),
		ON_MOUNTS(a_container_can_be_unmounted_and_its_last_files_are_kept),
		ON_MOUNTS(files_on_a_tmpfs_of_the_container_are_kept),
		ON_MOUNTS(a_folder_of_the_host_is_refused_as_a_root),
		ON_MOUNTS(a_folder_inside_another_file_system_is_refused_too),
		ON_MOUNTS(layers_on_several_file_systems_are_attributed),
		ON_MOUNTS(a_store_that_fails_is_a_gap),
	};

	if (geteuid() == 0 && !private_mounts()) {
		fprintf(stderr, "cannot make a mount namespace\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
