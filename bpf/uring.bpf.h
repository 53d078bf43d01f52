/* SPDX-License-Identifier: GPL-2.0 */
/* uring.bpf.h - the requests of io_uring as the kernel keeps them (io_uring/). */
#ifndef AMBER_BPF_URING_H
#define AMBER_BPF_URING_H

#include "kernel.h"

#define NR_io_uring_enter 426 /* asm/unistd_64.h */

#define IORING_OP_OPENAT  18 /* linux/io_uring.h */
#define IORING_OP_OPENAT2 28

struct io_cqe {
	s32 res;
} KERNEL_TYPE;

struct io_uring_task {
	struct task_struct *task;
} KERNEL_TYPE;

struct io_kiocb {
	u8 opcode;
	struct io_cqe cqe;
	struct io_uring_task *tctx;
} KERNEL_TYPE;

/* Before 6.14 (not checked further back than 6.1) a request names its task itself. */
struct io_kiocb___task {
	struct task_struct *task;
} KERNEL_TYPE;

struct open_how {
	u64 flags, mode;
} KERNEL_TYPE;

/* Stands at the start of the request of an open. */
struct io_open {
	u32 file_slot;
	struct open_how how;
} KERNEL_TYPE;

#endif
