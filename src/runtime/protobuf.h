/* protobuf.h - reading and writing the few protobuf fields that containerd's API needs.
 *
 * By hand and not by protobuf-c: about twenty fields of a dozen messages are read, unknown ones
 * must be skipped anyway, and a cursor over borrowed bytes neither allocates what a hostile length
 * says nor needs generated code.  Encoding: protobuf.dev/programming-guides/encoding. */
#ifndef AMBER_RUNTIME_PROTOBUF_H
#define AMBER_RUNTIME_PROTOBUF_H

#include "base/buf.h"

struct pb_field {
	uint32_t number;
	uint64_t value;	   /* of a varint or fixed field */
	struct span bytes; /* of a length-delimited one: text or a message, borrowed */
};

/* Reads the next field.  False at the end and at the first field that is broken (cursor_left tells
 * which: it did not move). */
bool pb_next(struct cursor *c, struct pb_field *ret_field);

/* The bytes of the last field with that number, empty when there is none. */
struct span pb_bytes(struct span message, uint32_t number);

/* The value of the last field with that number, 0 when there is none. */
uint64_t pb_value(struct span message, uint32_t number);

/* A google.protobuf.Timestamp as real_ns, 0 when it is empty or before 1970. */
uint64_t pb_time(struct span message);

/* Appends a length-delimited field; an empty one is left out, as proto3 does. */
void pb_add(struct buf *b, uint32_t number, struct span bytes);

#endif
