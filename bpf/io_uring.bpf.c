// SPDX-License-Identifier: GPL-2.0
/* io_uring.bpf.c - requests of io_uring, which are no system calls and so pass by every other
 * program.
 *
 * Each process's use of an opcode is told once a window, with the number of requests; what they did
 * is not decoded, but for opens that return a descriptor (file_open.bpf.c).  wire_head.syscall is
 * io_uring_enter, which tells them from io_uring_setup; `request` is the opcode (linux/io_uring.h).
 */
#include "file.bpf.h"

#include "uring.bpf.h"

static __always_inline int submitted(struct io_kiocb *req)
{
	struct wire_misc *w;
	u32 opcode;

	if (!rec_for(task_cgroup(bpf_get_current_task_btf())))
		return 0;
	COUNT(seen);
	opcode = KREAD(req, opcode);
	if (fold_check(WIRE_KERNEL_IO_URING, mix(NR_io_uring_enter, opcode)))
		return 0;
	w = rec_begin(WIRE_KERNEL_IO_URING, sizeof(*w), 0);
	if (!w)
		return 0;
	w->head.syscall = NR_io_uring_enter;
	w->request = opcode;
	w->fd = -1;
	return rec_end();
}

/* The tracepoint has two names; the loader leaves out the program whose name the kernel lacks. */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_uring_submit, struct io_kiocb *req)
{
	return submitted(req);
}

/* Before 6.4. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_uring_submit_sqe, struct io_kiocb *req)
{
	return submitted(req);
}
