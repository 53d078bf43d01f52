/* wire_build.h - wire records made by hand, for the tests, the fuzzer's corpus and the bench. */
#ifndef AMBER_TESTS_UNIT_WIRE_BUILD_H
#define AMBER_TESTS_UNIT_WIRE_BUILD_H

#include <stdint.h>
#include <string.h>

#include "amber/wire.h"
#include "base/span.h"

struct wire_build {
	_Alignas(8) uint8_t bytes[WIRE_REC_MAX];
	size_t n;
};

/* Starts a record of a struct of `bytes`, with a head whose members are all different. */
static inline void *wire_begin(struct wire_build *b, unsigned type, size_t bytes)
{
	struct wire_head *head = (void *)b->bytes;

	memset(b->bytes, 0, bytes);
	b->n = bytes;
	*head = (struct wire_head){
		.type = (uint16_t)type,
		.boot_ns = 5000000000,
		.seq = 7,
		.cgroup_id = 1001,
		.task_cgroup_id = 1002,
		.start_ns = 4000000123,
		.parent_start_ns = 3000000456,
		.tgid = 300,
		.tid = 300,
		.ppid = 200,
		.vpid = 3,
		.uid = 1000,
		.gid = 1100,
		.loginuid = UINT32_MAX,
		.count = 1,
		.exec_id = 10,
		.cpu = 1,
		.syscall = 257,
		.comm = "sh",
	};
	return head;
}

static inline void wire_text(struct wire_build *b, unsigned slot, unsigned flags, const void *p,
			     size_t n)
{
	struct wire_text text = {
		.len = (uint16_t)n, .slot = (uint8_t)slot, .flags = (uint8_t)flags};

	memcpy(b->bytes + b->n, &text, sizeof(text));
	memcpy(b->bytes + b->n + sizeof(text), p, n);
	b->n += sizeof(text) + n;
}

/* A kernel path from "/etc/passwd": its components, leaf first, a NUL behind each. */
static inline void wire_kernel_path(struct wire_build *b, unsigned slot, unsigned flags,
				    const char *path)
{
	char leaf_first[WIRE_PATH_MAX];
	size_t end = strlen(path), n = 0;

	while (end) {
		size_t start = end;

		while (start && path[start - 1] != '/')
			start--;
		if (end > start) {
			memcpy(leaf_first + n, path + start, end - start);
			n += end - start;
			leaf_first[n++] = 0;
		}
		end = start ? start - 1 : 0;
	}
	wire_text(b, slot, flags | WIRE_TEXT_KERNEL_PATH, leaf_first, n);
}

static inline void wire_claim(struct wire_build *b, unsigned slot, const char *text)
{
	wire_text(b, slot, WIRE_TEXT_CLAIM, text, strlen(text));
}

/* The finished record. */
static inline struct span wire_end(struct wire_build *b)
{
	struct wire_head *head = (void *)b->bytes;

	head->len = (uint32_t)b->n;
	return span_make(b->bytes, b->n);
}

#endif
