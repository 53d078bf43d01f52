/* test_probe.c - claims about the core of the kernel programs: what is watched, folding, quotas,
 * loss, 32-bit calls.  Each makes real system calls. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "probe_fixture.h"

#define FOLD_MS 200

static char container_path[256];

static struct probe_options options(void)
{
	struct probe_options o = probe_defaults();

	o.fold_ms = FOLD_MS;
	return o;
}

static void reopen(const struct probe_options *o)
{
	fixture_close();
	assert_int_equal(fixture_open(o), 0);
	fixture_need();
}

static void reopen_as_usual(void)
{
	struct probe_options o = options();

	reopen(&o);
}

static const void *find_for(enum wire_type type, uint64_t cgroup, unsigned n)
{
	fixture.cgroup_id = cgroup;
	return fixture_nth(type, n);
}

struct found_slot {
	uint64_t id;
	struct wire_slot slot;
	bool found;
};

static void keep_slot(void *ctx, uint64_t cgroup_id, const struct wire_slot *slot)
{
	struct found_slot *found = ctx;

	if (cgroup_id == found->id) {
		found->slot = *slot;
		found->found = true;
	}
}

/* The counters of a container; found is false when it is not tracked. */
static struct found_slot slot_of(uint64_t cgroup_id)
{
	struct found_slot found = {.id = cgroup_id};

	probe_losses(fixture.probe, keep_slot, &found);
	return found;
}

static void act_true(void *arg)
{
	execl("/bin/true", "true", NULL);
}

/* ---- what is watched ---- */

static void a_process_outside_containers_leaves_nothing(void **state)
{
	int status;

	fixture_need();
	fixture_clear();
	pid_t pid = fork();
	if (!pid) {
		(void)!setuid(0); /* a handled call, its result does not matter */
		act_true(NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_drain();
	for (size_t i = 0; i < fixture.count; i++)
		assert_int_not_equal(fixture.records[i]->tgid, pid);
}

/* Makes a cgroup named PREFIX, 64 digits that are this process's own, SUFFIX. */
static uint64_t make_named(const char *prefix, const char *suffix)
{
	(void)snprintf(container_path, sizeof(container_path), "%s/%s%032llx%032x%s",
		       probe_cgroup_root(fixture.probe), prefix,
		       (unsigned long long)clock_real_ns(), getpid(), suffix);
	return fixture_cgroup_make(container_path);
}

static void move(pid_t pid, const char *path)
{
	char procs[320], text[32];
	int fd, n;

	(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	n = snprintf(text, sizeof(text), "%d", pid);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
}

static void assert_cgroup(const struct wire_cgroup *w, uint64_t id, uint64_t parent)
{
	const char *name = container_path + strlen(probe_cgroup_root(fixture.probe));

	assert_non_null(w);
	assert_int_equal(w->id, id);
	assert_int_equal(w->parent_id, parent);
	assert_int_equal(w->level, 1);
	assert_int_equal(w->head.tgid, getpid());
	assert_true(w->head.marks & WIRE_MARK_OWN);
	fixture_assert_text(w, sizeof(*w), WIRE_TEXT_CGROUP, name, strlen(name), 0);
}

/* A runtime's ways: the process is moved in from outside, executes the runtime again, and then the
 * program of the container in a mount namespace of its own. */
static pid_t start_like_a_runtime(int go)
{
	pid_t pid = fork();
	char byte;

	if (!pid) {
		alarm(30);
		if (read(go, &byte, 1) != 1)
			_exit(1);
		execl("/bin/sh", "sh", "-c", "unshare -m /bin/true", NULL);
		_exit(1);
	}
	return pid;
}

static void a_cgroup_with_a_container_id_is_watched_from_its_first_process_on(void **state)
{
	uint64_t id, root;
	int go[2], status;

	fixture_need();
	fixture_clear();
	root = fixture_cgroup_id(probe_cgroup_root(fixture.probe));
	assert_int_equal(pipe(go), 0);
	pid_t pid = start_like_a_runtime(go[0]);
	id = make_named("docker-", ".scope");
	move(pid, container_path);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(go[0]);
	close(go[1]);
	fixture_cgroup_remove(container_path);
	fixture_drain();

	assert_cgroup(find_for(WIRE_CGROUP_MKDIR, id, 0), id, root);
	const struct wire_cgroup *attach = find_for(WIRE_CGROUP_ATTACH, id, 0);
	assert_cgroup(attach, id, root);
	assert_int_equal(attach->target_pid, pid);
	assert_true(attach->target_start_ns > 0);
	assert_int_equal(attach->head.task_cgroup_id, root);
	assert_cgroup(find_for(WIRE_CGROUP_RMDIR, id, 0), id, root);

	const struct wire_head *sh = find_for(WIRE_PROCESS_EXEC, id, 0);
	const struct wire_head *true_ = NULL;
	for (unsigned n = 0; (attach = find_for(WIRE_PROCESS_EXEC, id, n)); n++)
		true_ = &attach->head;
	assert_non_null(sh);
	assert_int_equal(
		sh->start_ns,
		((const struct wire_cgroup *)find_for(WIRE_CGROUP_ATTACH, id, 0))->target_start_ns);
	assert_string_equal(sh->comm, "sh");
	assert_int_equal(sh->marks, WIRE_MARK_SETUP);
	assert_string_equal(true_->comm, "true");
	assert_int_equal(true_->marks, 0);
	struct found_slot slot = slot_of(id);
	assert_true(slot.found);
	assert_int_equal(slot.slot.flags, WIRE_SLOT_NAME | WIRE_SLOT_STARTED | WIRE_SLOT_DEAD);
	assert_int_equal(slot.slot.setup, 0);
	probe_untrack(fixture.probe, id);
	assert_false(slot_of(id).found);
}

static void a_monitor_named_after_a_container_is_none(void **state)
{
	uint64_t id;

	fixture_need();
	id = make_named("libpod-conmon-", ".scope");
	assert_false(slot_of(id).found);
	fixture_cgroup_remove(container_path);
	id = make_named("libpod-", ".scope");
	assert_true(slot_of(id).found);
	fixture_cgroup_remove(container_path);
	id = make_named("a", "");
	assert_false(slot_of(id).found); /* 65 digits */
	fixture_cgroup_remove(container_path);
}

static void an_announced_name_is_watched_and_another_is_not(void **state)
{
	struct err e = ERR_INIT;
	char name[64], longer[200];
	uint64_t id;

	fixture_need();
	(void)snprintf(name, sizeof(name), "amber-expected-%d", getpid());
	(void)snprintf(container_path, sizeof(container_path), "%s/%s",
		       probe_cgroup_root(fixture.probe), name);
	assert_int_equal(probe_expect(fixture.probe, name, &e), 0);
	id = fixture_cgroup_make(container_path);
	struct found_slot slot = slot_of(id);
	assert_true(slot.found);
	assert_int_equal(slot.slot.flags, WIRE_SLOT_EXPECT);
	fixture_cgroup_remove(container_path);
	probe_unexpect(fixture.probe, name);
	id = fixture_cgroup_make(container_path);
	assert_false(slot_of(id).found);
	fixture_cgroup_remove(container_path);
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(probe_expect(fixture.probe, longer, &e), -ENAMETOOLONG);
}

static void a_cgroup_below_a_container_belongs_to_it(void **state)
{
	uint64_t id, below;
	char path[300];
	int status;

	fixture_need();
	fixture_clear();
	id = make_named("", "");
	(void)snprintf(path, sizeof(path), "%s/init.scope", container_path);
	below = fixture_cgroup_make(path);
	pid_t pid = fixture_start(path, act_true, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_cgroup_remove(path);
	fixture_cgroup_remove(container_path);
	fixture_drain();
	const struct wire_head *h = find_for(WIRE_PROCESS_EXEC, id, 0);
	assert_non_null(h);
	assert_int_equal(h->tgid, pid);
	assert_int_equal(h->task_cgroup_id, below);
	const struct wire_cgroup *w = find_for(WIRE_CGROUP_MKDIR, id, 1);
	assert_non_null(w);
	assert_int_equal(w->id, below);
	assert_int_equal(w->parent_id, id);
	assert_int_equal(w->level, 2);
	assert_false(slot_of(below).found);
	probe_untrack(fixture.probe, id);
}

static void act_setuids(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		(void)!setuid(0); /* the event counts, not what comes of it */
}

/* Runs an action in a cgroup that stays tracked; returns its counters. */
static struct found_slot run_and_count(void (*act)(void *arg), void *arg)
{
	struct found_slot slot;
	int status;

	fixture_clear();
	fixture.cgroup_id = make_named("", "");
	pid_t pid = fixture_start(container_path, act, arg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fixture_drain();
	slot = slot_of(fixture.cgroup_id);
	assert_true(slot.found);
	fixture_cgroup_remove(container_path);
	probe_untrack(fixture.probe, slot.id);
	return slot;
}

static void a_version_1_hierarchy_serves_as_well(void **state)
{
	struct probe_options o = options();
	const struct wire_cred *w;
	int calls = 1;

	fixture_need();
	o.hierarchy = PROBE_HIERARCHY_PIDS;
	fixture_close();
	assert_int_equal(fixture_open(&o), 0);
	if (!fixture.probe) {
		print_message("skip: %s\n", fixture.why);
		reopen_as_usual();
		skip();
	}
	assert_int_equal(probe_hierarchy(fixture.probe), PROBE_HIERARCHY_PIDS);
	run_and_count(act_setuids, &calls);
	w = fixture_find(WIRE_CRED_SETID);
	assert_int_equal(w->head.task_cgroup_id, fixture.cgroup_id);
	assert_non_null(fixture_find(WIRE_CGROUP_MKDIR));
	reopen_as_usual();
}

static void a_dead_container_is_forgotten_after_its_counters_were_there_to_read(void **state)
{
	uint64_t id;

	fixture_need();
	id = make_named("", "");
	fixture_cgroup_remove(container_path);
	(void)probe_sweep(fixture.probe, fixture_drop, NULL); /* what it tells is not asked for */
	struct found_slot slot = slot_of(id);
	assert_true(slot.found);
	assert_true(slot.slot.flags & WIRE_SLOT_DEAD);
	assert_true(slot.slot.dead_ns > slot.slot.made_ns);
	sleep(6);
	(void)probe_sweep(fixture.probe, fixture_drop, NULL); /* as above */
	assert_false(slot_of(id).found);
}

/* ---- folding, quota, loss ---- */

/* `arg` calls that fail the same way. */
static void act_kill_nobody(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		(void)!kill(0x3fffffff, SIGTERM); /* fails: that is the event */
}

static uint64_t sum_counts(enum wire_type type)
{
	uint64_t sum = 0;
	const struct wire_head *h;

	for (unsigned n = 0; (h = fixture_nth(type, n)); n++)
		sum += h->count;
	return sum;
}

static void repeats_are_folded_and_none_is_lost(void **state)
{
	const struct wire_head *first, *last;
	int calls = 1000;

	fixture_need();
	reopen_as_usual();
	fixture_run(act_kill_nobody, &calls);
	first = fixture_nth(WIRE_PROCESS_SIGNAL, 0);
	assert_non_null(first);
	assert_int_equal(first->count, 1);
	assert_int_equal(first->marks & WIRE_MARK_FOLDED, 0);
	usleep((FOLD_MS + 50) * 1000);
	assert_true(probe_sweep(fixture.probe, fixture_collect, NULL) >= 1);
	assert_int_equal(sum_counts(WIRE_PROCESS_SIGNAL), calls);
	last = fixture_nth(WIRE_PROCESS_SIGNAL, 1);
	assert_non_null(last);
	assert_int_equal(last->marks, WIRE_MARK_FOLDED);
	assert_int_equal(last->seq, 0);
	assert_int_equal(last->tgid, first->tgid);
	assert_int_equal(last->ret, -ESRCH);
	assert_true(last->boot_ns > first->boot_ns);
	(void)probe_sweep(fixture.probe, fixture_collect,
			  NULL); /* other containers may have some */
	assert_null(fixture_nth(WIRE_PROCESS_SIGNAL, 2));
	struct probe_stats stats;
	probe_stats(fixture.probe, &stats);
	assert_true(stats.all.folded >= 900);
}

/* Repeats over three windows: each window's first record takes the count along. */
static void act_kill_for_long(void *arg)
{
	uint64_t until = clock_boot_ns() + 3ull * FOLD_MS * 1000000u;
	int *calls = arg;

	while (clock_boot_ns() < until) {
		(void)!kill(0x3fffffff, SIGTERM); /* fails: that is the event */
		++*calls;
		usleep(1000);
	}
}

static void a_count_goes_with_the_next_window(void **state)
{
	int *calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	uint32_t most = 0;
	const struct wire_head *h;

	fixture_need();
	assert_true(calls != MAP_FAILED);
	fixture_run(act_kill_for_long, calls);
	for (unsigned n = 0; (h = fixture_nth(WIRE_PROCESS_SIGNAL, n)); n++)
		most = h->count > most ? h->count : most;
	assert_true(most > 20);
	usleep((FOLD_MS + 50) * 1000);
	(void)probe_sweep(fixture.probe, fixture_collect, NULL); /* none is as good as one */
	assert_int_equal(sum_counts(WIRE_PROCESS_SIGNAL), *calls);
	munmap(calls, sizeof(*calls));
}

static unsigned count_type(enum wire_type type)
{
	unsigned n = 0;

	while (fixture_nth(type, n))
		n++;
	return n;
}

static void beyond_its_quota_a_container_is_counted(void **state)
{
	struct probe_options o = options();
	struct found_slot slot;
	int calls = 3000;
	unsigned told;

	fixture_need();
	o.fold_ms = 0;
	o.quota_rate = 1000;
	o.quota_burst = 100;
	reopen(&o);
	slot = run_and_count(act_setuids, &calls);
	told = count_type(WIRE_CRED_SETID);
	assert_true(told >= 99 && told < 2000);
	assert_int_equal(told + slot.slot.lost[WIRE_LOST_QUOTA], calls);
	assert_true(slot.slot.first_lost_ns > 0);
	assert_true(slot.slot.last_lost_ns >= slot.slot.first_lost_ns);
	fixture_find(WIRE_PROCESS_EXIT); /* the end of the process has a reserve */
}

static void act_fork_bomb(void *arg)
{
	for (volatile int i = 0; i < *(int *)arg; i++) {
		pid_t pid = vfork(); /* the fastest bomb: nothing is copied */

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

static void a_fork_bomb_is_bounded_and_counted(void **state)
{
	struct probe_options o = options();
	struct found_slot slot;
	unsigned forks, exits;
	int calls = 1500;

	fixture_need();
	o.quota_rate = 10;
	o.quota_burst = 100;
	reopen(&o);
	slot = run_and_count(act_fork_bomb, &calls);
	forks = count_type(WIRE_PROCESS_FORK);
	exits = count_type(WIRE_PROCESS_EXIT);
	assert_true(forks + exits < 1500);
	assert_int_equal(forks + exits + slot.slot.lost[WIRE_LOST_QUOTA], 2 * calls + 1);
}

static void a_full_ring_is_counted_and_shows_in_seq(void **state)
{
	struct probe_options o = options();
	struct found_slot slot;
	struct probe_stats stats;
	int calls = 3000;
	uint64_t highest = 0;

	fixture_need();
	o.fold_ms = 0;
	o.ring_bytes = 16384;
	reopen(&o);
	slot = run_and_count(act_setuids, &calls);
	assert_true(slot.slot.lost[WIRE_LOST_RING] > 2000);
	assert_int_equal(count_type(WIRE_CRED_SETID) + count_type(WIRE_PROCESS_EXIT) +
				 slot.slot.lost[WIRE_LOST_RING],
			 calls + 1);
	probe_stats(fixture.probe, &stats);
	assert_true(stats.all.lost[WIRE_LOST_RING] >= slot.slot.lost[WIRE_LOST_RING]);
	assert_int_equal(stats.all.seq, stats.all.emitted + stats.all.lost[WIRE_LOST_RING]);
	assert_int_equal(stats.ring_bytes % 16384, 0);
	fixture_clear();
	probe_canary(1, 1);
	fixture_drain();
	for (size_t i = 0; i < fixture.count; i++)
		highest = fixture.records[i]->seq > highest ? fixture.records[i]->seq : highest;
	assert_true(highest > fixture.count);
	reopen_as_usual();
}

static void act_setuids_later(void *arg)
{
	usleep(300000); /* the parent waits by then */
	act_setuids(arg);
}

static void a_ring_that_fills_up_ends_the_wait(void **state)
{
	struct probe_options o = options();
	int calls = 3000, status;
	uint64_t began;
	pid_t pid;

	fixture_need();
	o.fold_ms = 0;
	o.ring_bytes = 1 << 20;
	reopen(&o);
	fixture.cgroup_id = make_named("", "");
	pid = fixture_start(container_path, act_setuids_later, &calls);
	usleep(100000);
	fixture_clear(); /* its own beginning */
	began = clock_boot_ns();
	probe_wait(fixture.probe, 20000);
	assert_true(clock_boot_ns() - began < 10 * NSEC_PER_SEC);
	fixture_drain();
	assert_true(count_type(WIRE_CRED_SETID) > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_cgroup_remove(container_path);
	probe_untrack(fixture.probe, fixture.cgroup_id);
	reopen_as_usual();
}

static void without_loss_seq_has_no_hole(void **state)
{
	uint64_t next[256] = {0};
	int calls = 2000;

	fixture_need();
	fixture_run(act_setuids, &calls);
	for (size_t i = 0; i < fixture.count; i++) {
		const struct wire_head *h = fixture.records[i];

		if (next[h->cpu])
			assert_int_equal(h->seq, next[h->cpu]);
		next[h->cpu] = h->seq + 1;
	}
}

/* ---- canary, 32-bit calls, refusals ---- */

static void the_canary_comes_back_with_its_numbers(void **state)
{
	const struct wire_canary *w;
	int status;

	fixture_need();
	fixture_clear();
	pid_t pid = fork();
	if (!pid) { /* somebody else's is no canary */
		probe_canary(1, 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	probe_canary(0x1122334455667788ull, 99);
	fixture_drain();
	w = find_for(WIRE_CANARY, 0, 0);
	assert_non_null(w);
	assert_null(find_for(WIRE_CANARY, 0, 1));
	assert_int_equal(w->request, 0x1122334455667788ull);
	assert_int_equal(w->lost, 99);
	assert_int_equal(w->head.tgid, getpid());
	assert_int_equal(w->head.marks, WIRE_MARK_OWN);
	assert_int_equal(w->head.ret, -EINVAL);
	assert_int_equal(w->head.syscall, SYS_prctl);
}

static long int80(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

static void act_int80_getpid(void *arg)
{
	_exit(int80(20, 0, 0, 0) == getpid() ? 0 : 3);
}

static void act_int80(void *arg)
{
	char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (path == MAP_FAILED)
		_exit(1);
	memcpy(path, "/no/such", 9);
	(void)int80(213, 0, 0, 0);		 /* setuid32 */
	(void)int80(37, 0x3fffffff, SIGUSR1, 0); /* kill */
	(void)int80(11, (long)path, 0, 0);	 /* execve */
	(void)int80(28, 0, 0, 0);		 /* oldfstat: of no interest */
	(void)int80(26, 7, 0x3fffffff, 0);	 /* ptrace */
}

static void a_32_bit_call_is_decoded(void **state)
{
	const struct wire_cred *cred;
	const struct wire_target *target;
	const struct wire_exec *exec;

	fixture_need();
	fixture_run(act_int80_getpid, NULL);
	if (fixture.status) {
		print_message("skip: the kernel runs no 32-bit calls (IA32_EMULATION)\n");
		skip();
	}
	run_and_count(act_int80, NULL);
	cred = fixture_find(WIRE_CRED_SETID);
	assert_int_equal(cred->head.marks, WIRE_MARK_COMPAT);
	assert_int_equal(cred->head.syscall, SYS_setuid);
	assert_int_equal(cred->head.ret, 0);
	target = fixture_find(WIRE_PROCESS_SIGNAL);
	assert_int_equal(target->head.marks, WIRE_MARK_COMPAT);
	assert_int_equal(target->head.syscall, SYS_kill);
	assert_int_equal(target->head.ret, -ESRCH);
	assert_int_equal(target->target_vpid, 0x3fffffff);
	assert_int_equal(target->request, SIGUSR1);
	exec = fixture_find(WIRE_PROCESS_EXEC);
	assert_int_equal(exec->head.marks, WIRE_MARK_COMPAT | WIRE_MARK_CLAIM);
	fixture_assert_text(exec, sizeof(*exec), WIRE_TEXT_PATH_CLAIM, "/no/such", 8,
			    WIRE_TEXT_CLAIM);
}

static void an_unprivileged_open_is_refused_with_advice(void **state)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct probe_options o = options();
		struct probe *probe = NULL;
		struct err e = ERR_INIT;

		if (setuid(65534) && geteuid() == 0)
			_exit(3);
		int r = probe_open(&o, &probe, &e);
		_exit(r == -EPERM && !probe && strstr(e.text, "run as root") ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void features_agree_with_what_was_opened(void **state)
{
	struct probe_features f;

	fixture_need();
	probe_features(&f);
	assert_true(f.btf && f.privileged && f.ring);
	assert_non_null(f.lockdown);
	assert_int_equal(f.unified, probe_hierarchy(fixture.probe) == PROBE_HIERARCHY_UNIFIED);
}

static int open_probe(void **state)
{
	struct probe_options o = options();

	return fixture_open(&o);
}

static int close_probe(void **state)
{
	fixture_close();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_outside_containers_leaves_nothing),
		cmocka_unit_test(a_cgroup_with_a_container_id_is_watched_from_its_first_process_on),
		cmocka_unit_test(a_monitor_named_after_a_container_is_none),
		cmocka_unit_test(an_announced_name_is_watched_and_another_is_not),
		cmocka_unit_test(a_cgroup_below_a_container_belongs_to_it),
		cmocka_unit_test(a_version_1_hierarchy_serves_as_well),
		cmocka_unit_test(
			a_dead_container_is_forgotten_after_its_counters_were_there_to_read),
		cmocka_unit_test(repeats_are_folded_and_none_is_lost),
		cmocka_unit_test(a_count_goes_with_the_next_window),
		cmocka_unit_test(beyond_its_quota_a_container_is_counted),
		cmocka_unit_test(a_fork_bomb_is_bounded_and_counted),
		cmocka_unit_test(a_full_ring_is_counted_and_shows_in_seq),
		cmocka_unit_test(a_ring_that_fills_up_ends_the_wait),
		cmocka_unit_test(without_loss_seq_has_no_hole),
		cmocka_unit_test(the_canary_comes_back_with_its_numbers),
		cmocka_unit_test(a_32_bit_call_is_decoded),
		cmocka_unit_test(an_unprivileged_open_is_refused_with_advice),
		cmocka_unit_test(features_agree_with_what_was_opened),
	};

	return cmocka_run_group_tests(tests, open_probe, close_probe);
}
