/* journal_column.c - see journal_column.h. */
#include "store/journal_column.h"

#include "base/hash.h"
#include "base/limits.h"

#define TABLE_VALUES 4096u /* most distinct numbers of a COLUMN_TABLE */
#define TABLE_SLOTS  8192u
#define PLAIN_BYTES  48u      /* columns up to this are not worth a zstd frame */
#define INDEX_RANGE  0x1ffffu /* indexes never exceed it, and are never put into a table */

struct column_table {
	uint64_t values[TABLE_VALUES];
	uint16_t slots[TABLE_SLOTS]; /* number + 1 */
};

void column_entry_print(struct buf *b, const struct column_entry *entry)
{
	buf_add_varint(b, entry->id);
	buf_add_u8(b, (uint8_t)(entry->encoding << 4 | entry->width));
	buf_add_varint(b, entry->n);
	buf_add_varint(b, entry->base);
	if (entry->encoding == COLUMN_CONST)
		return;
	buf_add_varint(b, entry->raw_bytes);
	buf_add_varint(b, entry->stored_bytes);
}

static bool small_varint(struct cursor *c, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (!cursor_varint(c, &value) || value > max)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

bool column_entry_parse(struct cursor *c, struct column_entry *ret_entry)
{
	struct column_entry entry = {0};
	struct cursor at = *c;
	uint8_t how;

	if (!small_varint(&at, UINT16_MAX, &entry.id) || !cursor_u8(&at, &how) ||
	    !small_varint(&at, LIMIT_BLOCK_ROWS, &entry.n) || !cursor_varint(&at, &entry.base))
		return false;
	entry.encoding = how >> 4;
	entry.width = how & 15;
	if (entry.encoding > COLUMN_TEXTS || entry.width > 8)
		return false;
	if (entry.encoding != COLUMN_CONST &&
	    (!small_varint(&at, LIMIT_BLOCK_BYTES, &entry.raw_bytes) ||
	     !small_varint(&at, entry.raw_bytes, &entry.stored_bytes)))
		return false;
	*c = at;
	*ret_entry = entry;
	return true;
}

int text_table_init(struct text_table *t)
{
	*t = (struct text_table){.n = 1, .ends_cap = 64, .slots_cap = 128, .bytes_cap = 1024};
	t->bytes = malloc(t->bytes_cap);
	t->ends = calloc(t->ends_cap, sizeof(*t->ends));
	t->slots = calloc(t->slots_cap, sizeof(*t->slots));
	if (t->bytes && t->ends && t->slots)
		return 0;
	text_table_fini(t);
	return -ENOMEM;
}

void text_table_fini(struct text_table *t)
{
	free(t->bytes);
	free(t->ends);
	free(t->slots);
	*t = (struct text_table){0};
}

void text_table_clear(struct text_table *t)
{
	if (t->n > 1)
		memset(t->slots, 0, t->slots_cap * sizeof(*t->slots));
	t->n = 1;
}

static int grow_slots(struct text_table *t)
{
	uint32_t cap = t->slots_cap * 2;
	struct text_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->slots_cap; i++) {
		uint32_t at = t->slots[i].hash & (cap - 1);

		if (t->slots[i].number == 0)
			continue;
		while (slots[at].number)
			at = (at + 1) & (cap - 1);
		slots[at] = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->slots_cap = cap;
	return 0;
}

static int grow_bytes(struct text_table *t, size_t need)
{
	size_t cap = t->bytes_cap;
	uint8_t *bytes;

	while (cap < need)
		cap *= 2;
	bytes = realloc(t->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	t->bytes = bytes;
	t->bytes_cap = cap;
	return 0;
}

int text_table_reserve(struct text_table *t, size_t bytes)
{
	size_t need = text_table_bytes(t) + bytes;

	if (need > t->bytes_cap && grow_bytes(t, need) < 0)
		return -ENOMEM;
	if (t->n == t->ends_cap) {
		uint32_t *ends = realloc(t->ends, 2 * (size_t)t->ends_cap * sizeof(*ends));

		if (!ends)
			return -ENOMEM;
		t->ends = ends;
		t->ends_cap *= 2;
	}
	return t->n * 2 >= t->slots_cap ? grow_slots(t) : 0;
}

uint32_t text_table_get(struct text_table *t, struct span text)
{
	uint32_t hash, at, start;

	if (text.n == 0)
		return 0;
	hash = (uint32_t)hash64(text);
	for (at = hash & (t->slots_cap - 1); t->slots[at].number;
	     at = (at + 1) & (t->slots_cap - 1)) {
		uint32_t number = t->slots[at].number;

		if (t->slots[at].hash != hash)
			continue;
		start = t->ends[number - 1];
		if (t->ends[number] - start == text.n &&
		    memcmp(t->bytes + start, text.p, text.n) == 0)
			return number;
	}
	start = text_table_bytes(t);
	memcpy(t->bytes + start, text.p, text.n);
	t->ends[t->n] = start + (uint32_t)text.n;
	t->slots[at] = (struct text_slot){.hash = hash, .number = t->n};
	return t->n++;
}

int column_encoder_init(struct column_encoder *enc, int level, struct err *e)
{
	*enc = (struct column_encoder){.level = level};
	buf_init(&enc->raw, LIMIT_BLOCK_BYTES);
	enc->zstd = ZSTD_createCCtx();
	enc->values = malloc(LIMIT_BLOCK_ROWS * sizeof(*enc->values));
	enc->table = malloc(sizeof(*enc->table));
	if (enc->zstd && enc->values && enc->table)
		return 0;
	column_encoder_fini(enc);
	return err_set(e, ENOMEM, "no memory to compress the journal");
}

void column_encoder_fini(struct column_encoder *enc)
{
	ZSTD_freeCCtx(enc->zstd);
	buf_fini(&enc->raw);
	free(enc->values);
	free(enc->table);
	*enc = (struct column_encoder){0};
}

/* Bytes that the value needs. */
static unsigned width_of(uint64_t value)
{
	return value ? (71u - (unsigned)__builtin_clzll(value)) / 8u : 0;
}

static void add_planes(struct buf *b, const uint64_t *values, uint32_t n, uint64_t base,
		       unsigned width)
{
	uint8_t *out = buf_room(b, (size_t)n * width);

	if (!out)
		return;
	for (unsigned plane = 0; plane < width; plane++) {
		unsigned shift = 8 * plane;

		for (uint32_t i = 0; i < n; i++)
			out[i] = (uint8_t)((values[i] - base) >> shift);
		out += n;
	}
	b->n += (size_t)n * width;
}

/* Numbers the distinct values in enc->table and writes each value's number to enc->values.
 * Returns how many are distinct, 0 when they are too many. */
static uint32_t tabulate(struct column_encoder *enc, const uint64_t *values, uint32_t n)
{
	struct column_table *t = enc->table;
	uint32_t distinct = 0;

	memset(t->slots, 0, sizeof(t->slots));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(values[i] * 0x9e3779b97f4a7c15ull >> 51);

		while (t->slots[at] && t->values[t->slots[at] - 1] != values[i])
			at = (at + 1) & (TABLE_SLOTS - 1);
		if (!t->slots[at]) {
			if (distinct == TABLE_VALUES || distinct > n / 4)
				return 0;
			t->values[distinct++] = values[i];
			t->slots[at] = (uint16_t)distinct;
		}
		enc->values[i] = t->slots[at] - 1u;
	}
	return distinct;
}

static bool encode_table(struct column_encoder *enc, const uint64_t *values, uint32_t n,
			 unsigned width, struct column_entry *entry)
{
	uint32_t distinct = tabulate(enc, values, n);
	unsigned narrow = width_of(distinct - 1u);

	if (distinct == 0 || (uint64_t)distinct * 8 + (uint64_t)n * narrow >= (uint64_t)n * width)
		return false;
	entry->encoding = COLUMN_TABLE;
	entry->base = distinct;
	entry->width = (uint8_t)narrow;
	buf_add(&enc->raw, enc->table->values, (size_t)distinct * 8);
	add_planes(&enc->raw, enc->values, n, 0, narrow);
	return true;
}

static void encode_delta(struct column_encoder *enc, const uint64_t *values, uint32_t n,
			 unsigned width, struct column_entry *entry)
{
	enc->values[0] = 0;
	for (uint32_t i = 1; i < n; i++)
		enc->values[i] = zigzag((int64_t)(values[i] - values[i - 1]));
	entry->encoding = COLUMN_DELTA;
	entry->base = values[0];
	entry->width = (uint8_t)width;
	add_planes(&enc->raw, enc->values, n, 0, width);
}

struct extent {
	uint64_t low, range; /* value - low <= range for all, wrapping */
	uint64_t step;	     /* OR of all zigzag differences: as wide as the widest */
};

static struct extent extent_of(const uint64_t *values, uint32_t n)
{
	uint64_t low = values[0], high = low, step = 0;
	int64_t slow = (int64_t)low, shigh = slow;

	for (uint32_t i = 1; i < n; i++) {
		uint64_t v = values[i];

		low = v < low ? v : low;
		high = v > high ? v : high;
		slow = (int64_t)v < slow ? (int64_t)v : slow;
		shigh = (int64_t)v > shigh ? (int64_t)v : shigh;
		step |= zigzag((int64_t)(v - values[i - 1]));
	}
	if ((uint64_t)shigh - (uint64_t)slow < high - low)
		return (struct extent){(uint64_t)slow, (uint64_t)shigh - (uint64_t)slow, step};
	return (struct extent){low, high - low, step};
}

/* Fills enc->raw and the entry. */
static void encode_numbers(struct column_encoder *enc, const uint64_t *values, uint32_t n,
			   struct column_entry *entry)
{
	struct extent x = extent_of(values, n);
	unsigned width = width_of(x.range), step = width_of(x.step);

	buf_clear(&enc->raw);
	entry->n = n;
	entry->base = x.low;
	entry->encoding = COLUMN_CONST;
	if (width == 0)
		return;
	if (x.range > INDEX_RANGE &&
	    encode_table(enc, values, n, step < width ? step : width, entry))
		return;
	if (step < width) {
		encode_delta(enc, values, n, step, entry);
		return;
	}
	entry->encoding = COLUMN_PLANES;
	entry->width = (uint8_t)width;
	add_planes(&enc->raw, values, n, x.low, width);
}

/* Appends enc->raw to the data, compressed where that helps, and the line to the directory. */
static int store(struct column_encoder *enc, struct column_entry *entry, struct err *e)
{
	struct buf *data = enc->data;
	size_t raw = enc->raw.n, room = ZSTD_compressBound(raw), stored = raw;
	int level = entry->encoding == COLUMN_TEXTS ? 3 : enc->level;
	uint8_t *out;

	if (enc->raw.failed)
		return buf_check(&enc->raw, "a column of the journal", e);
	if (raw > PLAIN_BYTES) {
		out = buf_room(data, room);
		if (!out)
			return buf_check(data, "a block of the journal", e);
		stored = ZSTD_compressCCtx(enc->zstd, out, room, enc->raw.p, raw, level);
	}
	if (ZSTD_isError(stored) || stored >= raw) {
		stored = raw;
		buf_add_span(data, buf_span(&enc->raw));
	} else {
		data->n += stored;
	}
	entry->raw_bytes = (uint32_t)raw;
	entry->stored_bytes = (uint32_t)stored;
	column_entry_print(enc->directory, entry);
	enc->columns++;
	return buf_check(data, "a block of the journal", e);
}

int column_encode(struct column_encoder *enc, unsigned column, const uint64_t *values, uint32_t n,
		  struct err *e)
{
	struct column_entry entry = {.id = column * 2};

	if (n == 0)
		return 0;
	encode_numbers(enc, values, n, &entry);
	if (entry.encoding == COLUMN_CONST && entry.base == 0)
		return 0;
	return store(enc, &entry, e);
}

int column_encode_texts(struct column_encoder *enc, unsigned column, const struct text_table *t,
			struct err *e)
{
	struct column_entry entry = {.id = column * 2 + 1, .encoding = COLUMN_TEXTS, .n = t->n - 1};
	uint64_t widest = 0;

	if (entry.n == 0)
		return 0;
	for (uint32_t i = 0; i < entry.n; i++) {
		enc->values[i] = t->ends[i + 1] - t->ends[i];
		widest |= enc->values[i];
	}
	entry.width = (uint8_t)width_of(widest);
	entry.base = text_table_bytes(t);
	buf_clear(&enc->raw);
	add_planes(&enc->raw, enc->values, entry.n, 0, entry.width);
	buf_add(&enc->raw, t->bytes, entry.base);
	return store(enc, &entry, e);
}

int column_unpack(ZSTD_DCtx *zstd, const struct column_entry *entry, struct span stored,
		  struct buf *raw, struct err *e)
{
	uint8_t *out;
	size_t n;

	buf_clear(raw);
	out = buf_room(raw, entry->raw_bytes + 1); /* never NULL for no bytes */
	if (!out)
		return buf_check(raw, "a column of the journal", e);
	raw->n = entry->raw_bytes;
	if (entry->stored_bytes == entry->raw_bytes) {
		memcpy(out, stored.p, stored.n);
		return 0;
	}
	n = ZSTD_decompressDCtx(zstd, out, entry->raw_bytes, stored.p, stored.n);
	if (ZSTD_isError(n) || n != entry->raw_bytes)
		return err_set(e, EBADMSG, "column %u cannot be decompressed", entry->id / 2);
	return 0;
}

/* The same for each width of the result: base + planes, wrapping.  One and two planes are nearly
 * all there is, so they have loops of their own that compilers turn into vectors. */
#define DEFINE_GET_PLANES(type)                                                                    \
	static void get_planes_##type(const uint8_t *p, uint32_t n, unsigned width, uint64_t base, \
				      type##_t *restrict out)                                      \
	{                                                                                          \
		const uint8_t *q = p + n;                                                          \
		type##_t low = (type##_t)base;                                                     \
                                                                                                   \
		for (uint32_t i = 0; width < 1 && i < n; i++)                                      \
			out[i] = low;                                                              \
		for (uint32_t i = 0; width == 1 && i < n; i++)                                     \
			out[i] = (type##_t)(low + p[i]);                                           \
		for (uint32_t i = 0; width > 1 && i < n; i++)                                      \
			out[i] = (type##_t)(low + p[i] + ((unsigned)q[i] << 8));                   \
		for (unsigned plane = 2; plane < width && plane < sizeof(type##_t); plane++) {     \
			q += n;                                                                    \
			for (uint32_t i = 0; i < n; i++)                                           \
				out[i] = (type##_t)(out[i] + ((type##_t)q[i] << (8 * plane)));     \
		}                                                                                  \
	}
DEFINE_GET_PLANES(uint64)
DEFINE_GET_PLANES(uint32)

static bool get_table(const struct column_entry *entry, struct span raw, uint64_t *ret_values)
{
	uint64_t table[TABLE_VALUES];

	if (entry->base == 0 || entry->base > TABLE_VALUES ||
	    raw.n != entry->base * 8 + (uint64_t)entry->n * entry->width)
		return false;
	memcpy(table, raw.p, entry->base * 8);
	get_planes_uint64(raw.p + entry->base * 8, entry->n, entry->width, 0, ret_values);
	for (uint32_t i = 0; i < entry->n; i++) {
		if (ret_values[i] >= entry->base)
			return false;
		ret_values[i] = table[ret_values[i]];
	}
	return true;
}

bool column_decode(const struct column_entry *entry, struct span raw, uint64_t *ret_values)
{
	uint64_t value = entry->base;

	if (entry->encoding == COLUMN_TABLE)
		return get_table(entry, raw, ret_values);
	if (entry->encoding > COLUMN_DELTA || raw.n != (uint64_t)entry->n * entry->width)
		return false;
	if (entry->encoding != COLUMN_DELTA) {
		get_planes_uint64(raw.p, entry->n, entry->width, entry->base, ret_values);
		return true;
	}
	get_planes_uint64(raw.p, entry->n, entry->width, 0, ret_values);
	for (uint32_t i = 0; i < entry->n; i++) {
		value += (uint64_t)unzigzag(ret_values[i]);
		ret_values[i] = value;
	}
	return true;
}

bool column_decode_small(const struct column_entry *entry, struct span raw, uint32_t *ret_values)
{
	uint32_t value = (uint32_t)entry->base;

	if ((entry->encoding != COLUMN_CONST && entry->encoding != COLUMN_PLANES &&
	     entry->encoding != COLUMN_DELTA) ||
	    entry->width > 3 || entry->base >> 30 || raw.n != (uint64_t)entry->n * entry->width)
		return false;
	if (entry->encoding != COLUMN_DELTA) {
		get_planes_uint32(raw.p, entry->n, entry->width, entry->base, ret_values);
		return true;
	}
	get_planes_uint32(raw.p, entry->n, entry->width, 0, ret_values);
	for (uint32_t i = 0; i < entry->n; i++) {
		value += (ret_values[i] >> 1) ^ (0u - (ret_values[i] & 1));
		ret_values[i] = value;
	}
	return true;
}

bool column_decode_bytes(const struct column_entry *entry, struct span raw, uint8_t *ret_values)
{
	uint8_t base = (uint8_t)entry->base;

	if (entry->base > 255 || raw.n != (uint64_t)entry->n * entry->width)
		return false;
	if (entry->encoding == COLUMN_CONST)
		memset(ret_values, base, entry->n);
	else if (entry->encoding == COLUMN_PLANES && entry->width == 1)
		for (uint32_t i = 0; i < entry->n; i++)
			ret_values[i] = (uint8_t)(raw.p[i] + base);
	else
		return false;
	return true;
}

bool column_decode_texts(const struct column_entry *entry, struct span raw, uint32_t *ret_ends,
			 const uint8_t **ret_bytes)
{
	uint64_t lengths = (uint64_t)entry->n * entry->width, end = 0;

	if (entry->encoding != COLUMN_TEXTS || entry->width > 4 || entry->base > raw.n ||
	    raw.n != lengths + entry->base)
		return false;
	ret_ends[0] = 0;
	for (uint32_t i = 0; i < entry->n; i++) {
		uint64_t length = 0;

		for (unsigned plane = 0; plane < entry->width; plane++)
			length |= (uint64_t)raw.p[(size_t)plane * entry->n + i] << (8 * plane);
		end += length;
		if (end > entry->base)
			return false;
		ret_ends[i + 1] = (uint32_t)end;
	}
	*ret_bytes = raw.p + lengths;
	return end == entry->base;
}
