/* strings.c - see strings.h.  A number is the block's offset in units of 64 bytes; unit 0 is not
 * used, so that 0 can be none. */
#include "record/strings.h"

#include <assert.h>
#include <sys/mman.h>

#include "base/hash.h"

#define UNIT	64u
#define BUCKETS 16384u

struct block {
	uint32_t next; /* in the bucket, or in the list of free blocks */
	uint32_t refs;
	uint32_t hash;
	uint16_t len;
	uint8_t class; /* the block has UNIT << class bytes */
	uint8_t zero;
	uint8_t text[];
};
static_assert(sizeof(struct block) == 16, "block");
static_assert((UNIT << (STRINGS_CLASSES - 1)) - sizeof(struct block) >= STRINGS_LONGEST, "class");

static struct block *block_at(const struct strings *t, uint32_t number)
{
	return (struct block *)(void *)(t->bytes + (size_t)number * UNIT);
}

int strings_init(struct strings *t, size_t max_bytes, struct err *e)
{
	struct strings made = {.max = max_bytes, .top = 1};
	void *bytes;

	bytes = mmap(NULL, max_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return err_sys(e, errno, "cannot map %zu bytes for texts", max_bytes);
	made.bytes = bytes;
	made.buckets = calloc(BUCKETS, sizeof(*made.buckets));
	if (!made.buckets) {
		strings_fini(&made);
		return err_set(e, ENOMEM, "no memory for an index of texts");
	}
	*t = made;
	return 0;
}

void strings_fini(struct strings *t)
{
	if (t->bytes)
		munmap(t->bytes, t->max);
	free(t->buckets);
	*t = (struct strings){0};
}

static unsigned class_for(size_t n)
{
	unsigned class = 0;

	while ((UNIT << class) - sizeof(struct block) < n)
		class ++;
	return class;
}

/* A block of at least `class`: a free one of that size, fresh memory, or a free one that is
 * larger, in this order.  0 when there is none. */
static uint32_t block_take(struct strings *t, unsigned class)
{
	uint32_t number = t->free[class];
	unsigned from = class;

	if (!number && ((size_t)t->top + (1u << class)) * UNIT <= t->max) {
		number = t->top;
		t->top += 1u << class;
		block_at(t, number)->class = (uint8_t) class;
		return number;
	}
	while (!number && ++from < STRINGS_CLASSES)
		number = t->free[from];
	if (number)
		t->free[from] = block_at(t, number)->next;
	return number;
}

uint32_t strings_get(struct strings *t, struct span text)
{
	uint32_t hash = (uint32_t)hash64(text), number;
	uint32_t *bucket = &t->buckets[hash % BUCKETS];
	struct block *b;

	if (text.n == 0)
		return 0;
	for (number = *bucket; number; number = b->next) {
		b = block_at(t, number);
		if (b->hash == hash && b->len == text.n && memcmp(b->text, text.p, text.n) == 0)
			return strings_hold(t, number);
	}
	number = text.n <= STRINGS_LONGEST ? block_take(t, class_for(text.n)) : 0;
	if (!number) {
		t->refused++;
		return 0;
	}
	b = block_at(t, number);
	b->refs = 1;
	b->hash = hash;
	b->len = (uint16_t)text.n;
	memcpy(b->text, text.p, text.n);
	b->next = *bucket;
	*bucket = number;
	return number;
}

uint32_t strings_hold(struct strings *t, uint32_t number)
{
	if (number)
		block_at(t, number)->refs++;
	return number;
}

void strings_drop(struct strings *t, uint32_t number)
{
	struct block *b = block_at(t, number);
	uint32_t *link;

	if (!number || --b->refs)
		return;
	link = &t->buckets[b->hash % BUCKETS];
	while (*link != number)
		link = &block_at(t, *link)->next;
	*link = b->next;
	b->next = t->free[b->class];
	t->free[b->class] = number;
}

struct span strings_text(const struct strings *t, uint32_t number)
{
	const struct block *b = block_at(t, number);

	return number ? span_make(b->text, b->len) : span_make(NULL, 0);
}
