/* test_probe_uring.c - claims about what io_uring does behind the system calls; each makes real
 * requests in a tracked child. */
#include <linux/io_uring.h>

#include "probe_file_fixture.h"

#define LARGEFILE 0100000 /* O_LARGEFILE as the kernel adds it; 0 for the C library */

/* A ring of eight entries, as io_uring_setup(2) and io_uring(7) lay it out. */
struct ring {
	int fd;
	struct io_uring_params params;
	uint8_t *sq, *cq;
	struct io_uring_sqe *entries;
};

static void ring_open(struct ring *r)
{
	size_t sq, cq;

	memset(r, 0, sizeof(*r));
	r->fd = (int)syscall(SYS_io_uring_setup, 8, &r->params);
	if (r->fd < 0)
		_exit(errno == EPERM || errno == ENOSYS ? 77 : 91);
	sq = r->params.sq_off.array + r->params.sq_entries * sizeof(uint32_t);
	cq = r->params.cq_off.cqes + r->params.cq_entries * sizeof(struct io_uring_cqe);
	r->sq = mmap(NULL, sq, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, cq, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_CQ_RING);
	r->entries = mmap(NULL, r->params.sq_entries * sizeof(struct io_uring_sqe),
			  PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
	if (r->sq == MAP_FAILED || r->cq == MAP_FAILED || r->entries == MAP_FAILED)
		_exit(90);
}

/* Makes one request, waits for it and returns its result. */
static int ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t *tail = (uint32_t *)(r->sq + r->params.sq_off.tail);
	uint32_t *array = (uint32_t *)(r->sq + r->params.sq_off.array);
	uint32_t *head = (uint32_t *)(r->cq + r->params.cq_off.head);
	struct io_uring_cqe *done = (struct io_uring_cqe *)(r->cq + r->params.cq_off.cqes);
	uint32_t slot = *tail & (r->params.sq_entries - 1);
	int result;

	r->entries[slot] = *sqe;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		_exit(89);
	result = done[*head & (r->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return result;
}

struct request {
	struct io_uring_sqe sqe;
	unsigned times;
};

static void act_requests(void *arg)
{
	const struct request *q = arg;
	struct ring r;

	ring_open(&r);
	for (unsigned i = 0; i < q->times; i++) {
		int result = ring_do(&r, &q->sqe);

		work.told->ret = result;
		if (i || result < 0)
			continue;
		work.told->open_flags = fcntl(result, F_GETFL);
		(void)fstat(result, &work.told->st);
	}
}

/* False: there is no io_uring here. */
static bool requests_run(struct request *q)
{
	memset(work.told, 0, sizeof(*work.told));
	work.before_ns = work_boot_ns();
	work.step.nr = SYS_io_uring_enter;
	fixture_run(act_requests, q);
	if (WIFEXITED(fixture.status) && WEXITSTATUS(fixture.status) == 77) {
		print_message("skip: io_uring is not there or not allowed\n");
		return false;
	}
	assert_int_equal(fixture.status, 0);
	return true;
}

static struct request request_open(const char *path, unsigned flags, unsigned times)
{
	struct request q = {.times = times};

	q.sqe.opcode = IORING_OP_OPENAT;
	q.sqe.fd = AT_FDCWD;
	q.sqe.addr = (uintptr_t)path;
	q.sqe.len = 0600;
	q.sqe.open_flags = flags;
	return q;
}

static void an_open_by_io_uring_is_told_like_another(void **state)
{
	char *path = work_path("by-ring");
	struct request q = request_open(path, O_CREAT | O_WRONLY, 1);

	fixture_need();
	if (!requests_run(&q))
		skip();
	assert_true(work.told->ret >= 0);
	work.by_worker = true; /* as each that may create */
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .st = &work.told->st,
				   .file_flags = WIRE_FILE_CREATED,
				   .flags = O_CREAT | O_WRONLY | LARGEFILE,
				   .open_flags = (unsigned)work.told->open_flags,
				   .mode = 0600,
				   .has_fd = 1,
				   .fd = (int)work.told->ret,
				   .path = path});
}

/* Asynchronous requests run in a worker thread, which has another id. */
static void an_open_by_a_worker_is_told(void **state)
{
	char *path = work_file("by-worker", "x");
	struct request q = request_open(path, O_RDWR, 1);
	const struct wire_file_call *w;

	fixture_need();
	q.sqe.flags = IOSQE_ASYNC;
	if (!requests_run(&q))
		skip();
	assert_true(work.told->ret >= 0);
	w = fixture_find(WIRE_FILE_OPEN);
	assert_int_equal(w->head.tgid, fixture.child);
	assert_int_equal(w->head.ret, work.told->ret);
	assert_int_equal(w->file.ino, work.told->st.st_ino);
	assert_string_equal(fixture_path(w, sizeof(*w), WIRE_TEXT_PATH), path);
}

static void a_refused_open_by_io_uring_is_told(void **state)
{
	char *path = work_path("absent/x");
	struct request q = request_open(path, O_CREAT | O_WRONLY, 1);

	fixture_need();
	if (!requests_run(&q))
		skip();
	assert_int_equal(work.told->ret, -ENOENT);
	work.by_worker = true;
	assert_call(&(struct want){.type = WIRE_FILE_OPEN,
				   .flags = O_CREAT | O_WRONLY | LARGEFILE,
				   .open_flags = O_CREAT | O_WRONLY | LARGEFILE,
				   .mode = 0600});
}

static void plain_reads_by_io_uring_leave_only_their_count(void **state)
{
	char *path = work_file("plain", "x");
	struct request q = request_open(path, O_RDONLY, 50);
	const struct wire_misc *w;
	unsigned count = 0, n;

	fixture_need();
	if (!requests_run(&q))
		skip();
	assert_no_call();
	w = fixture_nth(WIRE_KERNEL_IO_URING, 0);
	assert_non_null(w);
	usleep(1100000);
	probe_sweep(fixture.probe, fixture_collect, NULL);
	for (n = 0; (w = fixture_nth(WIRE_KERNEL_IO_URING, n)); n++)
		if (w->head.syscall == SYS_io_uring_enter && w->request == IORING_OP_OPENAT)
			count += w->head.count;
	assert_int_equal(count, 50);
}

static void every_opcode_is_counted_by_itself(void **state)
{
	struct request q = {.times = 1};
	const struct wire_misc *w;

	fixture_need();
	q.sqe.opcode = IORING_OP_NOP;
	if (!requests_run(&q))
		skip();
	for (unsigned n = 0; (w = fixture_nth(WIRE_KERNEL_IO_URING, n)); n++)
		if (w->head.syscall == SYS_io_uring_enter)
			break;
	assert_non_null(w);
	assert_head(&w->head, WIRE_KERNEL_IO_URING, 0);
	assert_int_equal(w->request, IORING_OP_NOP);
	assert_int_equal(w->fd, -1);
	assert_int_equal(w->flags, 0);
	assert_int_equal(w->address, 0);
	assert_int_equal(w->size, 0);
	assert_int_equal(w->prot, 0);
	assert_int_equal(w->target_pid, 0);
	assert_int_equal(w->head.len, sizeof(*w));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, work_open, work_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_open_by_io_uring_is_told_like_another),
		TEST(an_open_by_a_worker_is_told),
		TEST(a_refused_open_by_io_uring_is_told),
		TEST(plain_reads_by_io_uring_leave_only_their_count),
		TEST(every_opcode_is_counted_by_itself),
	};

	return cmocka_run_group_tests(tests, work_probe_open, work_probe_close);
}
