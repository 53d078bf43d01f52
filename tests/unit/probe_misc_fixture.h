/* probe_misc_fixture.h - a check of every field of struct wire_misc.
 *
 *	call_run(SYS_io_uring_setup, 8, (long)&params);
 *	assert_misc(&(struct misc_want){.type = WIRE_KERNEL_IO_URING, .request = 8, .fd = ...}); */
#ifndef AMBER_TESTS_UNIT_PROBE_MISC_FIXTURE_H
#define AMBER_TESTS_UNIT_PROBE_MISC_FIXTURE_H

#include "probe_file_fixture.h"

/* What is not named must be 0 or absent; fd: -1 unless has_fd. */
struct misc_want {
	unsigned type;
	uint64_t request, flags, address, size, prot;
	int has_fd;
	int64_t fd;
	pid_t target_pid;
	const char *name, *data, *path;
	int name_known; /* from the kernel, no claim */
};

static inline void assert_misc_record(const struct wire_misc *w, const struct misc_want *x)
{
	assert_head(&w->head, x->type, 0);
	assert_int_equal(w->request, x->request);
	assert_int_equal(w->flags, x->flags);
	assert_int_equal(w->address, x->address);
	assert_int_equal(w->size, x->size);
	assert_int_equal(w->prot, x->prot);
	assert_int_equal(w->fd, x->has_fd ? x->fd : -1);
	assert_int_equal(w->target_pid, x->target_pid);
	assert_text(w, sizeof(*w), WIRE_TEXT_NAME, x->name, x->name_known ? 0 : WIRE_TEXT_CLAIM);
	assert_text(w, sizeof(*w), WIRE_TEXT_DATA, x->data, WIRE_TEXT_CLAIM);
	assert_kernel_path(w, sizeof(*w), WIRE_TEXT_PATH, x->path, 0);
}

/* The only record of the type says this. */
static inline void assert_misc(const struct misc_want *x)
{
	assert_misc_record(fixture_find(x->type), x);
}

/* Runs `act`, which leaves the result of its call `nr` in work.told->ret. */
static inline void act_run(long nr, void (*act)(void *arg), void *arg)
{
	memset(work.told, 0, sizeof(*work.told));
	work.step.nr = nr;
	work.before_ns = work_boot_ns();
	fixture_run(act, arg);
	assert_int_equal(fixture.status, 0);
}

static inline void told_ret(long ret)
{
	work.told->ret = ret < 0 ? -errno : ret;
}

/* How many calls the records of a type tell, repeats included. */
static inline uint64_t calls_told(unsigned type)
{
	uint64_t n = 0;

	usleep(1100000); /* a window of folding */
	probe_sweep(fixture.probe, fixture_collect, NULL);
	for (size_t i = 0; i < fixture.count; i++)
		if (fixture.records[i]->type == type &&
		    fixture.records[i]->cgroup_id == fixture.cgroup_id)
			n += fixture.records[i]->count;
	return n;
}

static inline unsigned records_told(unsigned type)
{
	unsigned n = 0;

	while (fixture_nth(type, n))
		n++;
	return n;
}

#endif
