/* test_probe_kernel.c - claims about the records of calls that reach into the kernel, each field
 * against a real system call.  Modules and other kernels are only ever refused here: the file is
 * none, or the kernel takes none. */
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>

#include "probe_misc_fixture.h"

static void needs(int condition)
{
	if (!condition)
		_exit(97);
}

/* ---- modules ---- */

static void assert_module(const struct want *x, const char *name, const char *data)
{
	const struct wire_file_call *w = fixture_find(WIRE_KERNEL_MODULE);

	assert_true(work.told->ret < 0);
	assert_record(w, x);
	assert_text(w, sizeof(*w), WIRE_TEXT_NAME, name, WIRE_TEXT_CLAIM);
	assert_text(w, sizeof(*w), WIRE_TEXT_DATA, data, WIRE_TEXT_CLAIM);
}

static void a_module_from_memory_tells_size_and_parameters(void **state)
{
	static const char image[] = "no module at all";

	fixture_need();
	call_run(SYS_init_module, (long)image, sizeof(image), (long)"debug=1");
	assert_module(&(struct want){.type = WIRE_KERNEL_MODULE, .size = sizeof(image)}, NULL,
		      "debug=1");
}

static void a_module_from_a_file_tells_the_file(void **state)
{
	char *path = work_file("evil.ko", "no module at all");
	struct stat st = work_stat(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	fixture_need();
	call_run(SYS_finit_module, fd, (long)"hide=1", 2);
	close(fd);
	assert_module(&(struct want){.type = WIRE_KERNEL_MODULE,
				     .st = &st,
				     .flags = 2,
				     .has_fd = 1,
				     .fd = fd,
				     .path = path},
		      NULL, "hide=1");
}

static void removing_a_module_tells_its_name(void **state)
{
	fixture_need();
	call_run(SYS_delete_module, (long)"amber_none", O_NONBLOCK);
	assert_module(&(struct want){.type = WIRE_KERNEL_MODULE, .flags = O_NONBLOCK}, "amber_none",
		      NULL);
}

/* ---- bpf ---- */

static const struct bpf_insn nothing[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

static union bpf_attr attr_program(const char *name)
{
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2};

	a.insns = (uintptr_t)nothing;
	a.license = (uintptr_t) "GPL";
	(void)snprintf(a.prog_name, sizeof(a.prog_name), "%s", name);
	return a;
}

static void a_bpf_program_tells_type_and_name(void **state)
{
	union bpf_attr a = attr_program("snoop");

	fixture_need();
	call_run(SYS_bpf, BPF_PROG_LOAD, (long)&a, sizeof(a));
	assert_true(work.told->ret >= 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_BPF,
					.request = BPF_PROG_LOAD,
					.flags = BPF_PROG_TYPE_SOCKET_FILTER,
					.has_fd = 1,
					.fd = work.told->ret,
					.name = "snoop"});
}

static void a_refused_bpf_program_is_told(void **state)
{
	union bpf_attr a = attr_program("wrong");

	fixture_need();
	a.insn_cnt = 1; /* has no end */
	call_run(SYS_bpf, BPF_PROG_LOAD, (long)&a, sizeof(a));
	assert_int_equal(work.told->ret, -EINVAL);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_BPF,
					.request = BPF_PROG_LOAD,
					.flags = BPF_PROG_TYPE_SOCKET_FILTER,
					.name = "wrong"});
}

static union bpf_attr attr_map(void)
{
	union bpf_attr a = {.map_type = BPF_MAP_TYPE_ARRAY};

	a.key_size = a.value_size = 4;
	a.max_entries = 8;
	(void)snprintf(a.map_name, sizeof(a.map_name), "loot");
	return a;
}

static void act_map(void *arg)
{
	union bpf_attr a = attr_map(), element;
	uint32_t key = 3, value = 5;
	long fd = syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));

	told_ret(fd);
	needs(fd >= 0);
	memset(&element, 0, sizeof(element));
	element.map_fd = (uint32_t)fd;
	element.key = (uintptr_t)&key;
	element.value = (uintptr_t)&value;
	for (unsigned i = 0; i < 50; i++)
		needs(!syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &element, sizeof(element)));
}

static void a_bpf_map_is_told_and_its_use_is_counted(void **state)
{
	int64_t fd;

	fixture_need();
	act_run(SYS_bpf, act_map, NULL);
	fd = work.told->ret;
	assert_misc_record(fixture_nth(WIRE_KERNEL_BPF, 0),
			   &(struct misc_want){.type = WIRE_KERNEL_BPF,
					       .request = BPF_MAP_CREATE,
					       .flags = BPF_MAP_TYPE_ARRAY,
					       .has_fd = 1,
					       .fd = fd,
					       .name = "loot"});
	work.told->ret = 0;
	assert_misc_record(fixture_nth(WIRE_KERNEL_BPF, 1),
			   &(struct misc_want){.type = WIRE_KERNEL_BPF,
					       .request = BPF_MAP_UPDATE_ELEM,
					       .has_fd = 1,
					       .fd = fd});
	assert_in_range(records_told(WIRE_KERNEL_BPF), 2,
			1 + (unsigned)sysconf(_SC_NPROCESSORS_CONF));
	assert_int_equal(calls_told(WIRE_KERNEL_BPF), 51);
}

static void act_unprivileged(void *arg)
{
	union bpf_attr a = attr_program("denied");

	needs(!setresuid(65534, 65534, 65534));
	told_ret(syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a)));
}

static void a_bpf_call_without_privileges_is_told(void **state)
{
	const struct wire_misc *w;

	fixture_need();
	act_run(SYS_bpf, act_unprivileged, NULL);
	if (work.told->ret >= 0) {
		print_message("skip: bpf(2) is open to everybody here\n");
		skip();
	}
	w = fixture_find(WIRE_KERNEL_BPF);
	assert_int_equal(w->head.ret, -EPERM);
	assert_int_equal(w->head.uid, 65534);
	assert_int_equal(w->request, BPF_PROG_LOAD);
	assert_int_equal(w->fd, -1);
	assert_text(w, sizeof(*w), WIRE_TEXT_NAME, "denied", WIRE_TEXT_CLAIM);
}

/* ---- perf ---- */

static struct perf_event_attr attr_perf(void)
{
	struct perf_event_attr a = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(a)};

	a.config = PERF_COUNT_SW_TASK_CLOCK;
	a.exclude_kernel = 1;
	return a;
}

static void a_perf_event_tells_what_is_measured(void **state)
{
	struct perf_event_attr a = attr_perf();

	fixture_need();
	call_run(SYS_perf_event_open, (long)&a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	assert_true(work.told->ret >= 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_PERF,
					.request = PERF_TYPE_SOFTWARE,
					.flags = PERF_FLAG_FD_CLOEXEC,
					.address = PERF_COUNT_SW_TASK_CLOCK,
					.has_fd = 1,
					.fd = work.told->ret,
					.target_pid = fixture.child});
}

static void a_perf_event_tells_whom(void **state)
{
	struct perf_event_attr a = attr_perf();

	fixture_need();
	call_run(SYS_perf_event_open, (long)&a, getpid(), -1, -1, 0);
	assert_true(work.told->ret >= 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_PERF,
					.request = PERF_TYPE_SOFTWARE,
					.address = PERF_COUNT_SW_TASK_CLOCK,
					.has_fd = 1,
					.fd = work.told->ret,
					.target_pid = getpid()});
	call_run(SYS_perf_event_open, (long)&a, -1, -1, -1, 0);
	assert_int_equal(work.told->ret, -EINVAL); /* everybody, everywhere */
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_PERF,
					.request = PERF_TYPE_SOFTWARE,
					.address = PERF_COUNT_SW_TASK_CLOCK,
					.target_pid = -1});
}

/* ---- keys ---- */

static void a_key_that_is_added_tells_kind_name_and_ring(void **state)
{
	fixture_need();
	call_run(SYS_add_key, (long)"user", (long)"amber:test", (long)"payload", 7,
		 KEY_SPEC_PROCESS_KEYRING);
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_KEYCTL,
					.flags = (uint32_t)KEY_SPEC_PROCESS_KEYRING,
					.size = 7,
					.name = "amber:test",
					.data = "user"});
}

static void a_key_that_is_asked_for_tells_kind_name_and_ring(void **state)
{
	fixture_need();
	call_run(SYS_request_key, (long)"user", (long)"amber:none", 0, KEY_SPEC_PROCESS_KEYRING);
	assert_int_equal(work.told->ret, -ENOKEY);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_KEYCTL,
					.flags = (uint32_t)KEY_SPEC_PROCESS_KEYRING,
					.name = "amber:none",
					.data = "user"});
}

static void keyctl_tells_its_operation(void **state)
{
	fixture_need();
	call_run(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, (long)"amber-session");
	assert_true(work.told->ret > 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_KEYCTL,
					.request = KEYCTL_JOIN_SESSION_KEYRING,
					.name = "amber-session"});
	call_run(SYS_keyctl, KEYCTL_READ, 0x7ffffff0, 0, 0);
	assert_int_equal(work.told->ret, -ENOKEY);
	assert_misc(&(struct misc_want){
		.type = WIRE_KERNEL_KEYCTL, .request = KEYCTL_READ, .flags = 0x7ffffff0});
	call_run(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, (long)"user",
		 (long)"amber:none", 0);
	assert_true(work.told->ret < 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_KEYCTL,
					.request = KEYCTL_SEARCH,
					.flags = (uint32_t)KEY_SPEC_PROCESS_KEYRING,
					.name = "amber:none"});
}

/* ---- other kernels ---- */

static void another_kernel_tells_entry_and_flags(void **state)
{
	fixture_need();
	/* more segments than any kernel takes: it is refused before it does anything */
	call_run(SYS_kexec_load, 0x1000000, 100, 0, 1);
	assert_true(work.told->ret < 0);
	assert_misc(&(struct misc_want){
		.type = WIRE_KERNEL_KEXEC, .flags = 1, .address = 0x1000000, .size = 100});
}

static void another_kernel_from_a_file_tells_the_file(void **state)
{
	char *path = work_file("vmlinuz", "no kernel at all");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	fixture_need();
	/* these flags are not known to any kernel */
	call_run(SYS_kexec_file_load, fd, -1, 5, (long)"quiet", 0x4000);
	close(fd);
	assert_true(work.told->ret < 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_KEXEC,
					.flags = 0x4000,
					.has_fd = 1,
					.fd = fd,
					.data = "quiet",
					.path = path});
}

/* ---- io_uring ---- */

static void an_io_uring_tells_entries_and_flags(void **state)
{
	struct io_uring_params p = {.flags = IORING_SETUP_CLAMP};

	fixture_need();
	call_run(SYS_io_uring_setup, 8, (long)&p);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_IO_URING,
					.request = 8,
					.flags = IORING_SETUP_CLAMP,
					.has_fd = work.told->ret >= 0,
					.fd = work.told->ret});
}

static void a_refused_io_uring_is_told(void **state)
{
	struct io_uring_params p = {.flags = 0};

	fixture_need();
	call_run(SYS_io_uring_setup, 0, (long)&p);
	assert_true(work.told->ret < 0);
	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_IO_URING});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_module_from_memory_tells_size_and_parameters),
		TEST(a_module_from_a_file_tells_the_file),
		TEST(removing_a_module_tells_its_name),
		TEST(a_bpf_program_tells_type_and_name),
		TEST(a_refused_bpf_program_is_told),
		TEST(a_bpf_map_is_told_and_its_use_is_counted),
		TEST(a_bpf_call_without_privileges_is_told),
		TEST(a_perf_event_tells_what_is_measured),
		TEST(a_perf_event_tells_whom),
		TEST(a_key_that_is_added_tells_kind_name_and_ring),
		TEST(a_key_that_is_asked_for_tells_kind_name_and_ring),
		TEST(keyctl_tells_its_operation),
		TEST(another_kernel_tells_entry_and_flags),
		TEST(another_kernel_from_a_file_tells_the_file),
		TEST(an_io_uring_tells_entries_and_flags),
		TEST(a_refused_io_uring_is_told),
	};

	return cmocka_run_group_tests_name("probe_kernel", tests, work_probe_open,
					   work_probe_close);
}
