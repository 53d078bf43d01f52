/* test_probe_memory.c - claims about the records of code that comes from no file, and of getting
 * at another process, each field against a real system call. */
#include <sys/ipc.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/uio.h>

#include <bpf/btf.h>

#include "probe_misc_fixture.h"

#define CALL_MEMFD_SECRET 447
#define PAGE		  4096ul
#define RWX		  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define RX		  (PROT_READ | PROT_EXEC)
#define ANONYMOUS	  (MAP_PRIVATE | MAP_ANONYMOUS)

static void needs(int condition)
{
	if (!condition)
		_exit(97);
}

/* ---- memfds ---- */

static void a_memfd_tells_the_kernels_name(void **state)
{
	fixture_need();
	call_run(SYS_memfd_create, (long)"payload", 1);
	assert_true(work.told->ret >= 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_MEMFD,
					.flags = 1,
					.has_fd = 1,
					.fd = work.told->ret,
					.name = "payload",
					.name_known = 1});
}

static void a_refused_memfd_tells_what_was_asked(void **state)
{
	fixture_need();
	call_run(SYS_memfd_create, (long)"payload", 0x40000000);
	assert_int_equal(work.told->ret, -EINVAL);
	assert_misc(&(struct misc_want){
		.type = WIRE_MEMORY_MEMFD, .flags = 0x40000000, .name = "payload"});
}

static void a_secret_memfd_has_no_name(void **state)
{
	fixture_need();
	call_run(CALL_MEMFD_SECRET, O_CLOEXEC);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_MEMFD,
					.flags = O_CLOEXEC,
					.has_fd = work.told->ret >= 0,
					.fd = work.told->ret});
}

/* ---- executable memory ---- */

static void an_anonymous_executable_mapping_is_told(void **state)
{
	fixture_need();
	call_run(SYS_mmap, 0, 3 * PAGE, RWX, ANONYMOUS, -1, 0);
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_EXEC,
					.flags = ANONYMOUS,
					.address = (uint64_t)work.told->ret,
					.size = 3 * PAGE,
					.prot = RWX});
}

static void a_refused_mapping_tells_what_was_asked(void **state)
{
	fixture_need();
	call_run(SYS_mmap, 0x10000, 0, RX, ANONYMOUS, -1, 0);
	assert_int_equal(work.told->ret, -EINVAL);
	assert_misc(&(struct misc_want){
		.type = WIRE_MEMORY_EXEC, .flags = ANONYMOUS, .address = 0x10000, .prot = RX});
}

static void an_executable_memfd_is_told_with_its_name(void **state)
{
	int fd = memfd_create("stage2", MFD_CLOEXEC);

	fixture_need();
	assert_int_equal(ftruncate(fd, PAGE), 0);
	call_run(SYS_mmap, 0, PAGE, RX, MAP_SHARED, fd, 0);
	close(fd);
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_EXEC,
					.flags = MAP_SHARED,
					.address = (uint64_t)work.told->ret,
					.size = PAGE,
					.prot = RX,
					.has_fd = 1,
					.fd = fd,
					.name = "stage2",
					.name_known = 1});
}

static int open_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void a_file_that_is_writable_and_executable_is_told(void **state)
{
	int fd = open_program();

	fixture_need();
	call_run(SYS_mmap, 0, PAGE, RWX, MAP_PRIVATE, fd, 0);
	close(fd);
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_EXEC,
					.flags = MAP_PRIVATE,
					.address = (uint64_t)work.told->ret,
					.size = PAGE,
					.prot = RWX,
					.has_fd = 1,
					.fd = fd});
}

static void a_library_is_mapped_without_a_record(void **state)
{
	int fd = open_program();
	void *map = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	fixture_need();
	call_run(SYS_mmap, 0, PAGE, RX, MAP_PRIVATE, fd, 0);
	assert_true(work.told->ret > 0);
	assert_null(fixture_nth(WIRE_MEMORY_EXEC, 0));
	call_run(SYS_mprotect, (long)map, PAGE, RX);
	assert_int_equal(work.told->ret, 0);
	assert_null(fixture_nth(WIRE_MEMORY_EXEC, 0));
	close(fd);
	munmap(map, PAGE);
}

static void assert_mprotect(long nr, void *map, uint64_t size, const char *name)
{
	call_run(nr, (long)map, (long)size, RX, -1);
	assert_int_equal(work.told->ret, 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_EXEC,
					.address = (uintptr_t)map,
					.size = size,
					.prot = RX,
					.name = name,
					.name_known = 1});
}

static void anonymous_memory_made_executable_is_told(void **state)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

	fixture_need();
	assert_mprotect(SYS_mprotect, map, PAGE, NULL);
	assert_mprotect(SYS_pkey_mprotect, map + PAGE, PAGE, NULL);
	munmap(map, 2 * PAGE);
}

static void a_memfd_made_executable_is_told_with_its_name(void **state)
{
	int fd = memfd_create("stage3", MFD_CLOEXEC);
	void *map;

	fixture_need();
	assert_int_equal(ftruncate(fd, PAGE), 0);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_mprotect(SYS_mprotect, map, PAGE, "stage3");
	close(fd);
	munmap(map, PAGE);
}

static void a_changed_copy_of_a_file_made_executable_is_told(void **state)
{
	int fd = open_program();
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	fixture_need();
	map[100] = 0x5a;
	assert_mprotect(SYS_mprotect, map, PAGE, NULL);
	close(fd);
	munmap(map, PAGE);
}

static void a_range_beyond_one_mapping_is_told(void **state)
{
	char *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
	int fd = open_program();

	fixture_need();
	assert_true(mmap(map, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == map);
	assert_mprotect(SYS_mprotect, map, 2 * PAGE, NULL);
	close(fd);
	munmap(map, 2 * PAGE);
}

static void act_compiler(void *arg)
{
	char *map = mmap(NULL, 100 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < 100; i++) {
		needs(!mprotect(map + i * PAGE, PAGE, RX));
		needs(!mprotect(map + i * PAGE, PAGE, PROT_READ | PROT_WRITE));
	}
}

static void repeats_of_a_compiler_are_counted(void **state)
{
	fixture_need();
	act_run(SYS_mprotect, act_compiler, NULL);
	assert_in_range(records_told(WIRE_MEMORY_EXEC), 1, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(calls_told(WIRE_MEMORY_EXEC), 100);
}

static void executable_shared_memory_is_told(void **state)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);

	fixture_need();
	assert_true(id >= 0);
	call_run(SYS_shmat, id, 0, SHM_EXEC);
	assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_MEMORY_EXEC,
					.flags = SHM_EXEC,
					.address = (uint64_t)work.told->ret,
					.size = 2 * PAGE,
					.prot = PROT_EXEC});
}

/* ---- other processes ---- */

struct victim {
	char cgroup[256];
	uint64_t cgroup_id, start_ticks;
	pid_t pid;
};

static long data[1024]; /* in the victim at the same address */

static void act_wait(void *arg)
{
	for (;;)
		pause();
}

static uint64_t start_ticks(pid_t pid)
{
	char name[64], text[1024], *p;
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	fd = open(name, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = 0;
	p = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		p = strchr(p + 1, ' ');
	return strtoull(p + 1, NULL, 10);
}

/* A process that waits, in an untracked cgroup of its own. */
static void victim_open(struct victim *v)
{
	int in[2];
	char byte;

	(void)snprintf(v->cgroup, sizeof(v->cgroup), "%s/amber-victim-%d",
		       probe_cgroup_root(fixture.probe), getpid());
	v->cgroup_id = fixture_cgroup_make(v->cgroup);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	v->pid = fork();
	assert_true(v->pid >= 0);
	if (!v->pid) {
		alarm(30);
		fixture_enter(v->cgroup);
		(void)!write(in[1], "x", 1);
		act_wait(NULL);
	}
	assert_int_equal(read(in[0], &byte, 1), 1);
	close(in[0]);
	close(in[1]);
	v->start_ticks = start_ticks(v->pid);
}

static void victim_close(struct victim *v)
{
	kill(v->pid, SIGKILL);
	waitpid(v->pid, NULL, 0);
	fixture_cgroup_remove(v->cgroup);
}

/* Kernels before 6.14 or so have no way from a pid to its process for programs of this kind: the
 * pid is told as it was given, and nothing else of the target (KNOWN_RISKS.md). */
static bool targets_are_found(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool found = btf && btf__find_by_name_kind(btf, "bpf_task_from_vpid", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return found;
}

static void assert_target(const struct wire_target *w, unsigned type, const struct victim *v)
{
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);

	assert_non_null(w);
	assert_head(&w->head, type, 0);
	assert_int_equal(w->target_start_ns / tick_ns, targets_are_found() ? v->start_ticks : 0);
	assert_int_equal(w->target_cgroup_id, targets_are_found() ? v->cgroup_id : 0);
	assert_int_equal(w->target_pid, v->pid);
	assert_int_equal(w->target_vpid, v->pid);
}

static void act_ptrace(void *arg)
{
	const struct victim *v = arg;

	told_ret(syscall(SYS_ptrace, PTRACE_ATTACH, v->pid, 0, 0));
	needs(!work.told->ret && waitpid(v->pid, NULL, __WALL) == v->pid);
	for (unsigned i = 0; i < 100; i++) {
		long word;

		needs(!syscall(SYS_ptrace, PTRACE_PEEKDATA, v->pid, &data[i], &word));
		needs(!syscall(SYS_ptrace, PTRACE_POKEDATA, v->pid, &data[(size_t)i * 10], 7));
	}
	needs(!syscall(SYS_ptrace, PTRACE_DETACH, v->pid, 0, 0));
}

static const struct wire_target *traced(unsigned request)
{
	for (unsigned n = 0;; n++) {
		const struct wire_target *w = fixture_nth(WIRE_PROCESS_PTRACE, n);

		if (!w || w->request == request)
			return w;
	}
}

static void tracing_tells_request_and_target(void **state)
{
	static const unsigned requests[] = {PTRACE_ATTACH, PTRACE_PEEKDATA, PTRACE_POKEDATA,
					    PTRACE_DETACH};
	struct victim v;

	fixture_need();
	victim_open(&v);
	act_run(SYS_ptrace, act_ptrace, &v);
	victim_close(&v);
	for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
		const struct wire_target *w = traced(requests[i]);
		uint64_t address = i == 1 || i == 2 ? (uintptr_t)data : 0;

		assert_target(w, WIRE_PROCESS_PTRACE, &v);
		assert_int_equal(w->request, requests[i]);
		assert_int_equal(w->address, address);
		assert_int_equal(w->size, 0);
	}
	/* 4 kinds; the writes reach over 2 or 3 pages; each CPU that it ran on may say it once */
	assert_in_range(records_told(WIRE_PROCESS_PTRACE), 4, 12);
	assert_int_equal(calls_told(WIRE_PROCESS_PTRACE), 202);
}

static void act_traceme(void *arg)
{
	told_ret(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0x1000, 0));
}

static void asking_to_be_traced_names_oneself(void **state)
{
	const struct wire_target *w;

	fixture_need();
	act_run(SYS_ptrace, act_traceme, NULL);
	w = fixture_find(WIRE_PROCESS_PTRACE);
	assert_head(&w->head, WIRE_PROCESS_PTRACE, 0);
	assert_int_equal(w->head.ret, 0);
	assert_int_equal(w->request, PTRACE_TRACEME);
	assert_int_equal(w->address, 0x1000);
	assert_int_equal(w->target_pid, fixture.child);
	assert_int_equal(w->target_vpid, 0);
	assert_int_equal(w->target_start_ns, w->head.start_ns);
	assert_int_equal(w->target_cgroup_id, fixture.cgroup_id);
}

static void tracing_nobody_is_told(void **state)
{
	const struct wire_target *w;

	fixture_need();
	call_run(SYS_ptrace, PTRACE_SEIZE, 0x3ffffff, 0, 0);
	assert_int_equal(work.told->ret, -ESRCH);
	w = fixture_find(WIRE_PROCESS_PTRACE);
	assert_head(&w->head, WIRE_PROCESS_PTRACE, 0);
	assert_int_equal(w->request, PTRACE_SEIZE);
	assert_int_equal(w->target_pid, targets_are_found() ? 0 : 0x3ffffff);
	assert_int_equal(w->target_start_ns, 0);
	assert_int_equal(w->target_cgroup_id, 0);
	assert_int_equal(w->target_vpid, 0x3ffffff);
}

static void writing_into_a_process_tells_where_and_how_much(void **state)
{
	char bytes[64] = "x";
	struct iovec from = {bytes, sizeof(bytes)};
	struct iovec to[2] = {{&data[8], 24}, {&data[100], 40}};
	const struct wire_target *w;
	struct victim v;

	fixture_need();
	victim_open(&v);
	call_run(SYS_process_vm_writev, v.pid, (long)&from, 1, (long)to, 2, 0);
	victim_close(&v);
	assert_int_equal(work.told->ret, 64);
	w = fixture_find(WIRE_PROCESS_VM_WRITE);
	assert_target(w, WIRE_PROCESS_VM_WRITE, &v);
	assert_int_equal(w->request, 0);
	assert_int_equal(w->address, (uintptr_t)&data[8]);
	assert_int_equal(w->size, 64);
}

/* In a pid namespace of its own: process 1 writes into process 2. */
static void act_inner_write(void *arg)
{
	struct iovec from = {data, 8}, to = {&data[8], 8};
	pid_t first, second;

	needs(!unshare(CLONE_NEWPID));
	first = fork();
	if (!first) {
		second = fork();
		if (!second)
			act_wait(NULL);
		told_ret(syscall(SYS_process_vm_writev, second, &from, 1, &to, 1, 0));
		_exit(second == 2 ? 0 : 1); /* the namespace ends with it */
	}
	needs(waitpid(first, NULL, 0) == first);
}

static void a_pid_of_a_namespace_leads_to_the_process(void **state)
{
	const struct wire_target *w;
	const struct wire_fork *f = NULL;

	fixture_need();
	if (!targets_are_found()) {
		print_message("skip: this kernel has no bpf_task_from_vpid\n");
		skip();
	}
	act_run(SYS_process_vm_writev, act_inner_write, NULL);
	w = fixture_find(WIRE_PROCESS_VM_WRITE);
	assert_int_equal(w->head.ret, 8);
	assert_int_equal(w->head.vpid, 1);
	for (unsigned n = 0; !f || f->child_vpid != 2; n++) {
		f = fixture_nth(WIRE_PROCESS_FORK, n);
		assert_non_null(f);
	}
	assert_int_equal(w->target_vpid, 2);
	assert_int_equal(w->target_pid, f->child_pid);
	assert_int_equal(w->target_start_ns, f->child_start_ns);
	assert_int_equal(w->target_cgroup_id, fixture.cgroup_id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_memfd_tells_the_kernels_name),
		TEST(a_refused_memfd_tells_what_was_asked),
		TEST(a_secret_memfd_has_no_name),
		TEST(an_anonymous_executable_mapping_is_told),
		TEST(a_refused_mapping_tells_what_was_asked),
		TEST(an_executable_memfd_is_told_with_its_name),
		TEST(a_file_that_is_writable_and_executable_is_told),
		TEST(a_library_is_mapped_without_a_record),
		TEST(anonymous_memory_made_executable_is_told),
		TEST(a_memfd_made_executable_is_told_with_its_name),
		TEST(a_changed_copy_of_a_file_made_executable_is_told),
		TEST(a_range_beyond_one_mapping_is_told),
		TEST(repeats_of_a_compiler_are_counted),
		TEST(executable_shared_memory_is_told),
		TEST(tracing_tells_request_and_target),
		TEST(asking_to_be_traced_names_oneself),
		TEST(tracing_nobody_is_told),
		TEST(writing_into_a_process_tells_where_and_how_much),
		TEST(a_pid_of_a_namespace_leads_to_the_process),
	};

	return cmocka_run_group_tests_name("probe_memory", tests, work_probe_open,
					   work_probe_close);
}
