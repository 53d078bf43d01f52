/* protobuf.c - see protobuf.h. */
#include "runtime/protobuf.h"

#include "base/clock.h"

enum wire {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_BYTES = 2,
	WIRE_32 = 5,
};

bool pb_next(struct cursor *c, struct pb_field *ret_field)
{
	struct cursor at = *c;
	struct pb_field f = {.value = 0};
	uint64_t tag, n;
	uint32_t half;
	bool good;

	if (!cursor_varint(&at, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return false;
	f.number = (uint32_t)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		good = cursor_varint(&at, &f.value);
		break;
	case WIRE_64:
		good = cursor_u64(&at, &f.value);
		break;
	case WIRE_BYTES:
		good = cursor_varint(&at, &n) && n <= cursor_left(&at) &&
		       cursor_bytes(&at, (size_t)n, &f.bytes);
		break;
	case WIRE_32:
		good = cursor_u32(&at, &half);
		f.value = good ? half : 0;
		break;
	default:
		good = false;
	}
	if (!good)
		return false;
	*c = at;
	*ret_field = f;
	return true;
}

struct span pb_bytes(struct span message, uint32_t number)
{
	struct cursor c = cursor_of(message);
	struct span found = span_make(NULL, 0);
	struct pb_field f;

	while (pb_next(&c, &f)) {
		if (f.number == number)
			found = f.bytes;
	}
	return found;
}

uint64_t pb_value(struct span message, uint32_t number)
{
	struct cursor c = cursor_of(message);
	struct pb_field f;
	uint64_t found = 0;

	while (pb_next(&c, &f)) {
		if (f.number == number)
			found = f.value;
	}
	return found;
}

uint64_t pb_time(struct span message)
{
	int64_t seconds = (int64_t)pb_value(message, 1);
	uint64_t ns = pb_value(message, 2);

	if (seconds <= 0 || seconds > 9000000000 || ns >= NSEC_PER_SEC)
		return 0;
	return (uint64_t)seconds * NSEC_PER_SEC + ns;
}

void pb_add(struct buf *b, uint32_t number, struct span bytes)
{
	if (!bytes.n)
		return;
	buf_add_varint(b, (uint64_t)number << 3 | WIRE_BYTES);
	buf_add_varint(b, bytes.n);
	buf_add_span(b, bytes);
}
