/* fuzz_record.c - bytes as the records of one ring: decoded, shown to the process table, and every
 * field read to its last byte. */
#include "record/decode.h"
#include "record/processes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct decoder decoder;
static volatile uint64_t sink;

static void read_bytes(struct span s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += s.p[i];
	sink += sum;
}

static void read_event(const struct event *ev)
{
	const struct event_type_info *info = &event_types[ev->type];

	for (unsigned i = 0; i < info->field_count; i++) {
		enum event_field field = info->fields[i];

		if (value_kind_is_bytes(event_fields[field].kind))
			read_bytes(ev->value[field].bytes);
		else
			sink += ev->value[field].u;
	}
	if (ev->process) {
		read_bytes(ev->process->comm);
		read_bytes(ev->process->exe);
	}
}

/* The record is moved to the start of memory of exactly its size: a read beyond it is seen. */
static size_t run_one(struct processes *p, const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct event ev;
	uint32_t len = 0;
	uint8_t *copy;

	if (size >= sizeof(len))
		memcpy(&len, data, sizeof(len));
	if (len == 0 || len > size)
		len = (uint32_t)size;
	copy = malloc(len ? len : 1);
	if (!copy)
		return size;
	memcpy(copy, data, len);
	if (decode_record(&decoder, span_make(copy, len), &ev, &e) == 0) {
		processes_event(p, decode_head(span_make(copy, len)), &ev);
		read_event(&ev);
	}
	free(copy);
	return len ? len : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	AUTO(processes) struct processes table = {.proc_fd = -1};

	if (size > 1u << 20 || processes_init(&table, 16, -1, &e) < 0)
		return 0;
	while (size) {
		size_t used = run_one(&table, data, size);

		data += used;
		size -= used;
	}
	processes_sweep(&table, UINT64_MAX, 16);
	return 0;
}
