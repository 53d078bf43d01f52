/* test_hold.c - claims about the start hold, with real runc and crun, and with the file keeper. */
#include <sys/syscall.h>

#include "keep_test.h"
#include "record/hold.h"

/* --- argv --- */

struct argv_case {
	const char *line; /* words at blanks */
	enum hold_verb verb;
	const char *id, *bundle, *root;
};

static const struct argv_case cases[] = {
	{"runc create abc", HOLD_CREATE, "abc", "", ""},
	{"runc --root /run/r create --bundle /b --pid-file /p abc", HOLD_CREATE, "abc", "/b",
	 "/run/r"},
	{"runc --root=/run/r --log /l --log-format json --systemd-cgroup create --bundle=/b id-1",
	 HOLD_CREATE, "id-1", "/b", "/run/r"},
	{"/usr/bin/runc -root /r run -b /b -d --keep x.y_z", HOLD_RUN, "x.y_z", "/b", "/r"},
	{"crun --systemd-cgroup --root=/r create -b /b --pid-file /p --console-socket /c q",
	 HOLD_CREATE, "q", "/b", "/r"},
	{"crun run -b/b q", HOLD_RUN, "q", "/b", ""},
	{"crun run q -b /b", HOLD_RUN, "q", "/b", ""},
	{"crun --cgroup-manager=cgroupfs create -f /c.json q", HOLD_CREATE, "q", "", ""},
	{"runc --debug restore --image-path /i --work-path /w --bundle /b --detach q", HOLD_RESTORE,
	 "q", "/b", ""},
	{"runc --log /create start q", HOLD_START, "q", "", ""},
	{"runc --criu create state q", HOLD_OTHER, "q", "", ""},
	{"runc delete --force q", HOLD_OTHER, "q", "", ""},
	{"runc exec --process /p q sh", HOLD_OTHER, NULL, "", ""},
	{"runc init", HOLD_OTHER, "", "", ""},
	{"runc create -- -q", HOLD_CREATE, "-q", "", ""},
	{"runc create --bundle", HOLD_VERBS, "", "", ""},
	{"runc create", HOLD_VERBS, "", "", ""},
	{"runc --version", HOLD_VERBS, "", "", ""},
	{"runc", HOLD_VERBS, "", "", ""},
	{"runc --root", HOLD_VERBS, "", "", ""},
	{"runc - -- =", HOLD_OTHER, NULL, "", ""},
};

static size_t split(const char *line, struct span *argv)
{
	size_t n = 0;

	while (*line) {
		size_t len = strcspn(line, " ");

		argv[n++] = span_make(line, len);
		line += len + (line[len] == ' ');
	}
	return n;
}

static void the_argv_of_runtimes_is_understood(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct argv_case *c = &cases[i];
		struct span argv[32];
		struct hold_argv got = {0};
		int r = hold_argv_parse(argv, split(c->line, argv), &got);

		if (c->verb == HOLD_VERBS) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		if (r != 0 || got.verb != c->verb || !span_is(got.bundle, c->bundle) ||
		    !span_is(got.root, c->root) || (c->id && !span_is(got.id, c->id))) {
			fprintf(stderr, "wrong: %s\n", c->line);
			fail();
		}
	}
}

static void an_empty_argv_is_refused(void **state)
{
	struct span none[1] = {{NULL, 0}};
	struct hold_argv got;

	assert_int_equal(hold_argv_parse(none, 0, &got), -EINVAL);
	assert_int_equal(hold_argv_parse(none, 1, &got), -EINVAL);
}

/* --- real runtimes --- */

struct start {
	enum hold_kind kind;
	enum hold_verb verb;
	uint32_t pid;
	char id[LIMIT_CONTAINER_ID], bundle[LIMIT_PATH], root[LIMIT_PATH];
};

struct world {
	char dir[64];
	char runc[128], crun[128];
	struct seen_list seen;
	struct memory_store store;
	struct keep_out out;
	struct hold *hold;
	struct keeper *keeper;
	struct start starts[64];
	_Atomic unsigned start_n;
	unsigned sleep_ms;
	int told; /* pipe: a byte for every start */
	bool can;
};

static struct world w;

static int setup(void **state)
{
	const char *program;

	memset(&w, 0, sizeof(w));
	w.told = -1;
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/amber-hold-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	pthread_mutex_init(&w.seen.lock, NULL);
	pthread_mutex_init(&w.store.lock, NULL);
	w.out = (struct keep_out){.sink = {seen_emit, &w.seen}};
	program = find_program("runc");
	w.can = geteuid() == 0 && program && find_program("busybox");
	if (!w.can)
		return 0;
	/* Copies: nobody else's containers are held. */
	(void)snprintf(w.runc, sizeof(w.runc), "%s/runc", w.dir);
	copy_file(program, w.runc);
	program = find_program("crun");
	if (program) {
		(void)snprintf(w.crun, sizeof(w.crun), "%s/crun", w.dir);
		copy_file(program, w.crun);
	}
	assert_int_equal(mkdir(at("%s/state", w.dir), 0700), 0);
	return 0;
}

static int teardown(void **state)
{
	hold_close(w.hold);
	keeper_close(w.keeper);
	(void)umount2(at("%s/bundle/rootfs", w.dir), MNT_DETACH);
	remove_tree(w.dir);
	seen_clear(&w.seen);
	store_clear(&w.store);
	return 0;
}

#define NEEDS_RUNC() PROBE(w.can, "needs root, runc and busybox")

static void on_start(void *ctx, const struct hold_start *start)
{
	struct start *s = &w.starts[w.start_n % ARRAY_LEN(w.starts)];

	s->kind = start->kind;
	s->verb = start->verb;
	s->pid = start->pid;
	(void)snprintf(s->id, sizeof(s->id), "%s", start->id);
	(void)snprintf(s->bundle, sizeof(s->bundle), "%s", start->bundle);
	(void)snprintf(s->root, sizeof(s->root), "%s", start->root);
	w.start_n++;
	if (w.told >= 0)
		(void)!write(w.told, "s", 1);
	if (w.sleep_ms)
		usleep(w.sleep_ms * 1000);
}

static void open_hold(unsigned deadline_ms, void (*callback)(void *, const struct hold_start *))
{
	const char *const paths[] = {w.runc, w.crun};
	static const char *kept[2];
	struct hold_options options = {.paths = kept,
				       .path_count = w.crun[0] ? 2 : 1,
				       .only_paths = true,
				       .deadline_ms = deadline_ms,
				       .on_start = callback,
				       .out = &w.out};
	struct err e = ERR_INIT;

	memcpy(kept, paths, sizeof(kept));
	if (hold_open(&options, &w.hold, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		fail();
	}
}

static struct hold_stats close_hold(void)
{
	struct hold_stats stats;

	hold_stats_get(w.hold, &stats);
	hold_close(w.hold);
	w.hold = NULL;
	return stats;
}

/* Runs argv as a grandchild: Amber's own children are not held. */
static int run_apart(const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(wait_for(spawn(argv)));
	return wait_for(pid);
}

#define APART(...) run_apart((const char *const[]){__VA_ARGS__, NULL})

static void make_bundle(bool overlay, const char *script)
{
	static const char config[] =
		"{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,\"user\":{\"uid\":0,"
		"\"gid\":0},\"args\":[\"/bin/sh\",\"/start\"],\"env\":[\"PATH=/bin\"],\"cwd\":\"/"
		"\"},"
		"\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/proc\",\"type\":"
		"\"proc\",\"source\":\"proc\"},{\"destination\":\"/tmp\",\"type\":\"tmpfs\","
		"\"source\":\"tmpfs\",\"options\":[\"size=16m\"]}],\"linux\":{\"cgroupsPath\":"
		"\"/amber-hold-%d\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},"
		"{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"network\"}]}}";
	const char *lower = overlay ? "lower" : "bundle/rootfs";
	static const char *const dirs[] = {"/bin", "/proc", "/tmp", "/dev", "/sys"};
	const char *text = at(config, (int)getpid());

	assert_int_equal(mkdir(at("%s/bundle", w.dir), 0755), 0);
	assert_int_equal(mkdir(at("%s/bundle/rootfs", w.dir), 0755), 0);
	if (overlay)
		assert_int_equal(mkdir(at("%s/lower", w.dir), 0755), 0);
	write_file(at("%s/bundle/config.json", w.dir), text, strlen(text), 0644);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		assert_int_equal(mkdir(at("%s/%s%s", w.dir, lower, dirs[i]), 0755), 0);
	copy_file(find_program("busybox"), at("%s/%s/bin/busybox", w.dir, lower));
	assert_int_equal(symlink("busybox", at("%s/%s/bin/sh", w.dir, lower)), 0);
	write_file(at("%s/%s/start", w.dir, lower), script, strlen(script), 0755);
	if (!overlay)
		return;
	assert_int_equal(mkdir(at("%s/upper", w.dir), 0755), 0);
	assert_int_equal(mkdir(at("%s/work", w.dir), 0755), 0);
	assert_int_equal(mount("overlay", at("%s/bundle/rootfs", w.dir), "overlay", 0,
			       at("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", w.dir,
				  w.dir, w.dir)),
			 0);
}

static void a_start_is_held_until_it_is_known(const char *runtime, enum hold_kind kind)
{
	const char *id = at("amber-%d-known", (int)getpid());
	char root[LIMIT_PATH], bundle[LIMIT_PATH];
	struct hold_stats stats;
	bool works;

	make_bundle(false, "true\n");
	open_hold(0, on_start);
	(void)snprintf(root, sizeof(root), "%s/state", w.dir);
	(void)snprintf(bundle, sizeof(bundle), "%s/bundle", w.dir);
	works = APART(find_program(kind == HOLD_RUNC ? "runc" : "crun"), "--root", root, "run",
		      "--bundle", bundle, at("%s-before", id)) == 0;
	assert_true(works || kind != HOLD_RUNC);
	if (!works) /* it is held all the same */
		fprintf(stderr, "crun starts no container here (1.8 refuses hybrid cgroups)\n");
	assert_int_equal(APART(runtime, "--root", root, "create", "--bundle", bundle, id) == 0,
			 works);
	assert_int_equal(w.start_n, 1);
	assert_int_equal(APART(runtime, "--root", root, "start", id) == 0, works);
	(void)APART(runtime, "--root", root, "delete", "--force", id);
	stats = close_hold();
	assert_int_equal(w.start_n, 2);
	assert_int_equal(w.starts[0].kind, kind);
	assert_int_equal(w.starts[0].verb, HOLD_CREATE);
	assert_int_equal(w.starts[1].verb, HOLD_START);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(w.starts[i].id, id);
		assert_string_equal(w.starts[i].root, root);
		assert_true(w.starts[i].pid > 1);
	}
	assert_string_equal(w.starts[0].bundle, bundle);
	assert_true(stats.others >= 1); /* delete, and what the runtime makes of itself */
	assert_int_equal(stats.unreadable, 0);
	assert_int_equal(stats.permit.late, 0);
	assert_true(stats.permit.events >= 3);
	fprintf(stderr, "hold: median %.3f ms, most %.3f ms\n",
		(double)stats.permit.median_ns / 1e6, (double)stats.permit.max_ns / 1e6);
}

static void a_start_by_runc_is_held_until_it_is_known(void **state)
{
	NEEDS_RUNC();
	a_start_is_held_until_it_is_known(w.runc, HOLD_RUNC);
}

static void a_start_by_crun_is_held_until_it_is_known(void **state)
{
	NEEDS_RUNC();
	PROBE(w.crun[0], "needs crun");
	a_start_is_held_until_it_is_known(w.crun, HOLD_CRUN);
}

static void the_working_directory_is_the_bundle_when_none_is_named(void **state)
{
	pid_t pid;

	NEEDS_RUNC();
	open_hold(0, on_start);
	pid = fork();
	if (pid == 0) {
		const char *const argv[] = {w.runc, "--root", "state", "run", "nowhere", NULL};

		if (chdir(w.dir) != 0)
			_exit(1);
		_exit(wait_for(spawn(argv)));
	}
	(void)wait_for(pid); /* there is no config.json: it fails */
	(void)close_hold();
	assert_int_equal(w.start_n, 1);
	assert_string_equal(w.starts[0].bundle, w.dir);
	assert_string_equal(w.starts[0].root, at("%s/state", w.dir));
	assert_string_equal(w.starts[0].id, "nowhere");
}

static void execveat_is_read_as_execve_is(void **state)
{
	pid_t pid;

	NEEDS_RUNC();
	open_hold(0, on_start);
	pid = fork();
	if (pid == 0) {
		pid_t inner = fork();
		char *const argv[] = {(char *)"runc", (char *)"create", (char *)"by-fd", NULL};
		char *const env[] = {NULL};

		if (inner == 0) {
			int fd = open(w.runc, O_PATH | O_CLOEXEC);
			int null = open("/dev/null", O_RDWR);

			dup2(null, 1);
			dup2(null, 2);
			syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
			_exit(1);
		}
		_exit(wait_for(inner));
	}
	(void)wait_for(pid);
	(void)close_hold();
	assert_int_equal(w.start_n, 1);
	assert_string_equal(w.starts[0].id, "by-fd");
}

static void a_callback_that_hangs_holds_nobody_longer_than_the_deadline(void **state)
{
	struct hold_stats stats;
	uint64_t began, took;

	NEEDS_RUNC();
	w.sleep_ms = 3000;
	open_hold(100, on_start);
	began = clock_boot_ns();
	(void)APART(w.runc, "--root", at("%s/state", w.dir), "create", "late");
	took = clock_boot_ns() - began;
	assert_true(took < 2 * NSEC_PER_SEC); /* and not three */
	(void)APART(w.runc, "--root", at("%s/state", w.dir), "create", "later");
	assert_true(clock_boot_ns() - began < 3 * NSEC_PER_SEC);
	stats = close_hold();
	assert_int_equal(stats.permit.late, 2);
	assert_true(stats.permit.max_ns >= 100000000);
	assert_int_equal(seen_gaps(&w.seen, "hold_timeout"), 2);
}

static void a_dead_amber_holds_nobody(void **state)
{
	const char *const argv[] = {w.runc, "--root", w.dir, "create", "orphan", NULL};
	uint64_t began;
	pid_t amber, runtime;
	int told[2];
	char byte;

	NEEDS_RUNC();
	assert_int_equal(pipe(told), 0);
	amber = fork();
	if (amber == 0) {
		w.sleep_ms = 60000;
		w.told = told[1];
		open_hold(60000, on_start);
		(void)!write(told[1], "o", 1);
		pause();
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
	runtime = spawn(argv);
	assert_int_equal(read(told[0], &byte, 1), 1);
	usleep(50000);
	assert_int_equal(waitpid(runtime, NULL, WNOHANG), 0); /* it is held */
	began = clock_boot_ns();
	assert_int_equal(kill(amber, SIGKILL), 0);
	assert_int_equal(wait_for(amber), 128 + SIGKILL);
	(void)wait_for(runtime);
	assert_true(clock_boot_ns() - began < 5 * NSEC_PER_SEC);
	(void)(close(told[0]) | close(told[1]));
}

static void a_held_process_can_be_killed(void **state)
{
	const char *const argv[] = {w.runc, "create", "killed", NULL};
	struct hold_stats stats;
	int told[2], ids[2];
	char byte;
	pid_t pid, runtime;

	NEEDS_RUNC();
	assert_int_equal(pipe(told) | pipe(ids), 0);
	w.told = told[1];
	w.sleep_ms = 500;
	open_hold(5000, on_start);
	pid = fork();
	if (pid == 0) {
		runtime = spawn(argv);
		(void)!write(ids[1], &runtime, sizeof(runtime));
		_exit(wait_for(runtime) == 128 + SIGKILL ? 0 : 1);
	}
	assert_int_equal(read(ids[0], &runtime, sizeof(runtime)), sizeof(runtime));
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(kill(runtime, SIGKILL), 0);
	assert_int_equal(wait_for(pid), 0);
	stats = close_hold();
	assert_int_equal(stats.starts, 1);
	(void)(close(told[0]) | close(told[1]) | close(ids[0]) | close(ids[1]));
}

static void other_programs_and_own_children_are_not_held(void **state)
{
	struct hold_stats stats;

	NEEDS_RUNC();
	open_hold(0, on_start);
	assert_int_equal(APART("/bin/true"), 0);
	(void)RUN(w.runc, "create", "own");
	stats = close_hold();
	assert_int_equal(w.start_n, 0);
	assert_int_equal(stats.permit.events, 0);
	assert_true(stats.permit.own >= 1);
	assert_int_equal(stats.marked, w.crun[0] ? 2 : 1);
}

static void a_replaced_runtime_is_marked_again(void **state)
{
	const char *fresh = at("%s/runc.new", w.dir);

	NEEDS_RUNC();
	open_hold(0, on_start);
	copy_file(w.runc, fresh);
	assert_int_equal(rename(fresh, w.runc), 0);
	for (unsigned i = 0; i < 60 && w.start_n == 0; i++) {
		(void)APART(w.runc, "create", "upgraded");
		usleep(100000);
	}
	(void)close_hold();
	assert_true(w.start_n > 0);
}

/* --- together with the file keeper --- */

/* Arms the keeper as the recorder does: root at create and run, mounts at start. */
static void arm_on_start(void *ctx, const struct hold_start *start)
{
	struct err e = ERR_INIT;
	char rootfs[LIMIT_PATH], upper[LIMIT_PATH];
	struct container container = {.id = span_of(start->id)};

	on_start(ctx, start);
	if (start->verb == HOLD_START) {
		char text[32] = "";
		int fd = open(at("%s/pid", w.dir), O_RDONLY | O_CLOEXEC);

		(void)fd_read_full(fd, text, sizeof(text) - 1);
		(void)close(fd);
		(void)keeper_arm_mounts(w.keeper, container.id, (uint32_t)strtoul(text, NULL, 10),
					NULL, &e);
		return;
	}
	(void)snprintf(rootfs, sizeof(rootfs), "%s/rootfs", start->bundle);
	(void)snprintf(upper, sizeof(upper), "%s/upper", w.dir);
	container.rootfs = span_of(rootfs);
	container.upper_dir = span_of(upper);
	(void)keeper_arm(w.keeper, &container, &e);
}

#define DROPPER(place)                                                                            \
	"echo '#!/bin/sh' >" place "/payload; echo 'exit 0 # in " place "' >>" place "/payload\n" \
	"/bin/busybox chmod 755 " place "/payload; " place "/payload; "                           \
	"/bin/busybox rm " place "/payload\n"
#define DROPPED(place) "#!/bin/sh\nexit 0 # in " place "\n"

static void check_dropped(const char *id, const char *place, const char *content)
{
	const struct seen *s = seen_kept(&w.seen, at("%s/payload", place), "executed", 0);

	assert_non_null(s);
	assert_string_equal(s->id, id);
	assert_true(store_has(&w.store, content, strlen(content)));
}

static void open_both(unsigned guard_ms)
{
	struct keeper_options options = {.guard_ms = guard_ms};
	struct keeper_store store = {store_put, &w.store};
	struct err e = ERR_INIT;

	keeper_policy_default(&options.policy);
	assert_int_equal(keeper_open(&options, store, &w.out, &w.keeper, &e), 0);
	open_hold(2000, arm_on_start);
}

static void close_both(void)
{
	assert_int_equal(close_hold().permit.late, 0);
	keeper_close(w.keeper);
	w.keeper = NULL;
}

static void create_and_start(const char *id)
{
	char root[LIMIT_PATH], bundle[LIMIT_PATH], pid_file[LIMIT_PATH];

	(void)snprintf(root, sizeof(root), "%s/state", w.dir);
	(void)snprintf(bundle, sizeof(bundle), "%s/bundle", w.dir);
	(void)snprintf(pid_file, sizeof(pid_file), "%s/pid", w.dir);
	assert_int_equal(APART(w.runc, "--root", root, "create", "--bundle", bundle, "--pid-file",
			       pid_file, id),
			 0);
	assert_int_equal(APART(w.runc, "--root", root, "start", id), 0);
	for (unsigned i = 0; i < 100; i++) { /* delete works once it has stopped */
		if (APART(w.runc, "--root", root, "delete", id) == 0)
			return;
		usleep(50000);
	}
	fail();
}

static void from_the_first_instruction_on_a_held_container_loses_no_file(void **state)
{
	const char *id = at("amber-%d-overlay", (int)getpid());

	NEEDS_RUNC();
	make_bundle(true, DROPPER("/tmp") DROPPER("/bin"));
	open_both(0);
	create_and_start(id);
	close_both();
	check_dropped(id, "/tmp", DROPPED("/tmp"));
	check_dropped(id, "/bin", DROPPED("/bin"));
	assert_non_null(seen_kept(&w.seen, "/bin/busybox", "executed", 0));
}

static void a_root_that_is_a_folder_of_the_host_is_kept_by_its_mount(void **state)
{
	const char *id = at("amber-%d-plain", (int)getpid());

	NEEDS_RUNC();
	make_bundle(false, DROPPER("/tmp") DROPPER("/bin"));
	open_both(0);
	create_and_start(id);
	close_both();
	check_dropped(id, "/tmp", DROPPED("/tmp"));
	check_dropped(id, "/bin", DROPPED("/bin"));
}

static void the_guard_arms_a_bare_run_at_its_first_execution(void **state)
{
	const char *id = at("amber-%d-guard", (int)getpid());

	NEEDS_RUNC();
	make_bundle(true, DROPPER("/tmp") DROPPER("/bin"));
	open_both(10000);
	assert_int_equal(APART(w.runc, "--root", at("%s/state", w.dir), "run", "--bundle",
			       at("%s/bundle", w.dir), id),
			 0);
	close_both();
	check_dropped(id, "/tmp", DROPPED("/tmp"));
	check_dropped(id, "/bin", DROPPED("/bin"));
	assert_int_equal(seen_gaps(&w.seen, "guard_timeout"), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_argv_of_runtimes_is_understood),
		cmocka_unit_test(an_empty_argv_is_refused),
		WITH_WORLD(a_start_by_runc_is_held_until_it_is_known),
		WITH_WORLD(a_start_by_crun_is_held_until_it_is_known),
		WITH_WORLD(the_working_directory_is_the_bundle_when_none_is_named),
		WITH_WORLD(execveat_is_read_as_execve_is),
		WITH_WORLD(a_callback_that_hangs_holds_nobody_longer_than_the_deadline),
		WITH_WORLD(a_dead_amber_holds_nobody),
		WITH_WORLD(a_held_process_can_be_killed),
		WITH_WORLD(other_programs_and_own_children_are_not_held),
		WITH_WORLD(a_replaced_runtime_is_marked_again),
		WITH_WORLD(from_the_first_instruction_on_a_held_container_loses_no_file),
		WITH_WORLD(a_root_that_is_a_folder_of_the_host_is_kept_by_its_mount),
		WITH_WORLD(the_guard_arms_a_bare_run_at_its_first_execution),
	};

	if (geteuid() == 0 && !private_mounts()) {
		fprintf(stderr, "cannot make a mount namespace\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
