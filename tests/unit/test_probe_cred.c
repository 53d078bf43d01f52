/* test_probe_cred.c - claims about the records of credentials, namespaces and signals, each field
 * against a real system call. */
#include <grp.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "probe_fixture.h"

static uint64_t run_from_ns;

static void run(void (*act)(void *arg), void *arg)
{
	run_from_ns = clock_boot_ns();
	fixture_run(act, arg);
	assert_int_equal(fixture.status, 0);
}

static void needs(int condition)
{
	if (!condition)
		_exit(97);
}

static void assert_head(const struct wire_head *h, int64_t ret, unsigned syscall_nr)
{
	assert_non_null(h);
	assert_true(h->boot_ns > run_from_ns && h->boot_ns < clock_boot_ns());
	assert_int_equal(h->cgroup_id, fixture.cgroup_id);
	assert_int_equal(h->task_cgroup_id, fixture.cgroup_id);
	assert_int_equal(h->tgid, fixture.child);
	assert_int_equal(h->ppid, getpid());
	assert_int_equal(h->vpid, fixture.child);
	assert_int_equal(h->ret, ret);
	assert_int_equal(h->syscall, syscall_nr);
	assert_int_equal(h->count, 1);
	assert_int_equal(h->marks, 0);
}

/* ---- set*id ---- */

static void act_setids(void *arg)
{
	const gid_t groups[] = {5, 6, 7};

	needs(!setgroups(3, groups));
	needs(!syscall(SYS_setgid, 100));
	needs(!syscall(SYS_setregid, 101, 102));
	needs(!syscall(SYS_setresgid, 103, 104, 105));
	needs(syscall(SYS_setfsgid, 106) == 104);
	needs(syscall(SYS_setfsuid, 206) == 0);
	needs(!syscall(SYS_setresuid, 201, 0, 203));
	needs(!syscall(SYS_setreuid, 204, 205));
	needs(syscall(SYS_setuid, 0) == -1);
}

struct want {
	unsigned nr;
	int64_t ret;
	uint32_t arg[3];
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
};

static const struct want wants[] = {
	{SYS_setgroups, 0, {3}, 0, 0, 0, 0, 0, 0, 0, 0},
	{SYS_setgid, 0, {100}, 0, 0, 0, 0, 100, 100, 100, 100},
	{SYS_setregid, 0, {101, 102}, 0, 0, 0, 0, 101, 102, 102, 102},
	{SYS_setresgid, 0, {103, 104, 105}, 0, 0, 0, 0, 103, 104, 105, 104},
	{SYS_setfsgid, 104, {106}, 0, 0, 0, 0, 103, 104, 105, 106},
	{SYS_setfsuid, 0, {206}, 0, 0, 0, 206, 103, 104, 105, 106},
	{SYS_setresuid, 0, {201, 0, 203}, 201, 0, 203, 0, 103, 104, 105, 106},
	{SYS_setreuid, 0, {204, 205}, 204, 205, 205, 205, 103, 104, 105, 106},
	{SYS_setuid, -EPERM, {0}, 204, 205, 205, 205, 103, 104, 105, 106},
};

static void assert_want(const struct wire_cred *w, const struct want *want)
{
	assert_head(&w->head, want->ret, want->nr);
	assert_int_equal(w->head.uid, want->uid);
	assert_int_equal(w->head.gid, want->gid);
	if (want->nr != SYS_setgroups)
		for (unsigned i = 0; i < 3 && want->arg[i]; i++)
			assert_int_equal(w->arg[i], want->arg[i]);
	assert_int_equal((uint32_t)w->arg[0], want->arg[0]);
	assert_int_equal(w->uid, want->uid);
	assert_int_equal(w->euid, want->euid);
	assert_int_equal(w->suid, want->suid);
	assert_int_equal(w->fsuid, want->fsuid);
	assert_int_equal(w->gid, want->gid);
	assert_int_equal(w->egid, want->egid);
	assert_int_equal(w->sgid, want->sgid);
	assert_int_equal(w->fsgid, want->fsgid);
}

static void every_change_of_ids_tells_all_ids_after_it(void **state)
{
	fixture_need();
	run(act_setids, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(wants); i++)
		assert_want(fixture_nth(WIRE_CRED_SETID, i), &wants[i]);
	assert_null(fixture_nth(WIRE_CRED_SETID, ARRAY_LEN(wants)));
	const struct wire_cred *last = fixture_nth(WIRE_CRED_SETID, (unsigned)ARRAY_LEN(wants) - 1);
	assert_int_equal(last->caps, 0);
	assert_int_equal(last->caps_permitted, 0);
}

/* ---- capset ---- */

static void act_capset(void *arg)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = 0x2001, .permitted = 0x2003, .inheritable = 0x2000},
		{.permitted = 0x80},
	};

	needs(!syscall(SYS_capset, &header, data));
	data[0].permitted = 0xffffffff;
	needs(syscall(SYS_capset, &header, data) == -1);
}

static void capset_tells_the_sets_after_it(void **state)
{
	fixture_need();
	run(act_capset, NULL);
	for (unsigned i = 0; i < 2; i++) {
		const struct wire_cred *w = fixture_nth(WIRE_CRED_CAPSET, i);

		assert_head(&w->head, i ? -EPERM : 0, SYS_capset);
		assert_int_equal(w->caps, 0x2001);
		assert_int_equal(w->caps_permitted, 0x8000002003ull);
		assert_int_equal(w->caps_inheritable, 0x2000);
	}
}

/* ---- namespaces ---- */

static void act_namespaces(void *arg)
{
	int uts = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int pid = (int)syscall(SYS_pidfd_open, getppid(), 0);

	needs(uts >= 0 && pid >= 0 && dup2(uts, 77) == 77 && dup2(pid, 78) == 78);
	needs(!unshare(CLONE_NEWUTS | CLONE_NEWIPC));
	needs(!setns(77, 0));
	needs(!setns(78, CLONE_NEWIPC));
	needs(setns(0x7fff, CLONE_NEWNET) == -1);
}

static void unshare_and_setns_tell_what_was_left_and_joined(void **state)
{
	const struct wire_ns *w;
	struct stat st;

	fixture_need();
	run(act_namespaces, NULL);
	w = fixture_find(WIRE_NS_UNSHARE);
	assert_head(&w->head, 0, SYS_unshare);
	assert_int_equal(w->flags, CLONE_NEWUTS | CLONE_NEWIPC);
	assert_int_equal(w->fd, -1);
	w = fixture_nth(WIRE_NS_SETNS, 0);
	assert_head(&w->head, 0, SYS_setns);
	assert_int_equal(stat("/proc/self/ns/uts", &st), 0);
	assert_int_equal(w->ns_ino, st.st_ino);
	assert_int_equal(w->ns_type, CLONE_NEWUTS);
	assert_int_equal(w->flags, 0);
	assert_int_equal(w->fd, 77);
	assert_int_equal(w->target_pid, 0);
	w = fixture_nth(WIRE_NS_SETNS, 1);
	assert_head(&w->head, 0, SYS_setns);
	assert_int_equal(w->ns_type, CLONE_NEWIPC);
	assert_int_equal(w->ns_ino, 0);
	assert_int_equal(w->fd, 78);
	assert_int_equal(w->target_pid, getpid());
	w = fixture_nth(WIRE_NS_SETNS, 2);
	assert_head(&w->head, -EBADF, SYS_setns);
	assert_int_equal(w->flags, CLONE_NEWNET);
	assert_int_equal(w->fd, 0x7fff);
}

/* ---- signals ---- */

static void on_usr1(int signal)
{
	(void)signal;
}

static void act_signal_out(void *arg)
{
	needs(!kill(getppid(), SIGUSR1));
	needs(!kill(getpid(), SIGCONT)); /* within the container: of no interest */
}

static void a_signal_out_of_a_container_tells_both_sides(void **state)
{
	const struct wire_target *w;
	struct stat st;

	fixture_need();
	assert_true(signal(SIGUSR1, on_usr1) != SIG_ERR);
	run(act_signal_out, NULL);
	w = fixture_find(WIRE_PROCESS_SIGNAL);
	assert_head(&w->head, 0, SYS_kill);
	assert_int_equal(w->request, SIGUSR1);
	assert_int_equal(w->target_pid, getpid());
	assert_int_equal(w->target_start_ns, w->head.parent_start_ns);
	assert_int_equal(stat(probe_cgroup_root(fixture.probe), &st), 0);
	assert_int_not_equal(w->target_cgroup_id, fixture.cgroup_id);
	assert_int_equal(w->size, 0);
	assert_int_equal(w->address, 0);
}

static void act_wait(void *arg)
{
	pause();
}

static void a_signal_into_a_container_belongs_to_the_container(void **state)
{
	const struct wire_target *w;
	struct err e = ERR_INIT;
	int status;

	fixture_need();
	fixture_clear();
	(void)snprintf(fixture.cgroup_path, sizeof(fixture.cgroup_path), "%s/amber-test-%d-into",
		       probe_cgroup_root(fixture.probe), getpid());
	fixture.cgroup_id = fixture_cgroup_make(fixture.cgroup_path);
	assert_true(probe_track(fixture.probe, fixture.cgroup_id, fixture.cgroup_id, &e) >= 0);
	pid_t pid = fixture_start(fixture.cgroup_path, act_wait, NULL);
	while (!fixture_nth(WIRE_CGROUP_ATTACH, 0)) {
		usleep(1000);
		fixture_drain();
	}
	usleep(10000); /* until it is back from the write that moved it */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_drain();
	w = fixture_find(WIRE_PROCESS_SIGNAL);
	assert_int_equal(w->head.tgid, getpid());
	assert_int_equal(w->head.marks, WIRE_MARK_OWN);
	assert_int_not_equal(w->head.task_cgroup_id, fixture.cgroup_id);
	assert_int_equal(w->request, SIGKILL);
	assert_int_equal(w->target_pid, pid);
	assert_true(w->target_start_ns > w->head.start_ns);
	assert_int_equal(w->target_cgroup_id, fixture.cgroup_id);
	fixture_cgroup_remove(fixture.cgroup_path);
	probe_untrack(fixture.probe, fixture.cgroup_id);
}

static void act_refused(void *arg)
{
	needs(!setuid(12345));
	needs(kill(1, SIGTERM) == -1);
	needs(syscall(SYS_tkill, 1, SIGHUP) == -1);
	needs(syscall(SYS_tgkill, 1, 1, SIGINT) == -1);
	needs(syscall(SYS_pidfd_send_signal, -1, SIGTERM, NULL, 0) == -1);
}

static void a_refused_signal_is_told(void **state)
{
	static const struct {
		unsigned nr;
		int ret, pid, signal;
	} want[] = {{SYS_kill, -EPERM, 1, SIGTERM},
		    {SYS_tkill, -EPERM, 1, SIGHUP},
		    {SYS_tgkill, -EPERM, 1, SIGINT},
		    {SYS_pidfd_send_signal, -EBADF, 0, SIGTERM}};

	fixture_need();
	run(act_refused, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
		const struct wire_target *w = fixture_nth(WIRE_PROCESS_SIGNAL, i);

		assert_head(&w->head, want[i].ret, want[i].nr);
		assert_int_equal(w->target_vpid, want[i].pid);
		assert_int_equal(w->request, want[i].signal);
		assert_int_equal(w->target_pid, 0);
		assert_int_equal(w->target_cgroup_id, 0);
	}
	assert_null(fixture_nth(WIRE_PROCESS_SIGNAL, ARRAY_LEN(want)));
}

static int open_probe(void **state)
{
	struct probe_options o = probe_defaults();

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
		cmocka_unit_test(every_change_of_ids_tells_all_ids_after_it),
		cmocka_unit_test(capset_tells_the_sets_after_it),
		cmocka_unit_test(unshare_and_setns_tell_what_was_left_and_joined),
		cmocka_unit_test(a_signal_out_of_a_container_tells_both_sides),
		cmocka_unit_test(a_signal_into_a_container_belongs_to_the_container),
		cmocka_unit_test(a_refused_signal_is_told),
	};

	return cmocka_run_group_tests(tests, open_probe, close_probe);
}
