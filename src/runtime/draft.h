/* draft.h - a container's identity while it is being put together, and the immutable snapshot
 * that comes of it.
 *
 * Every text that is set is copied, so that a source (a JSON tree, a protobuf frame) may go as
 * soon as it was read.  What is longer than LIMIT_IDENTITY_TEXT is cut and what is more than
 * LIMIT_LABELS or LIMIT_MOUNTS is left out; c.cut counts both. */
#ifndef AMBER_RUNTIME_DRAFT_H
#define AMBER_RUNTIME_DRAFT_H

#include "base/auto.h"
#include "base/err.h"
#include "model/container.h"

struct draft {
	struct container c; /* its spans point into the draft's own memory */
	struct draft_chunk *chunks;
	struct container_label *labels;
	struct container_mount *mounts;
	size_t label_cap, mount_cap;
	bool failed; /* memory ran out; draft_check tells */
};

/* An identity of which nothing is known (exit_code is -1). */
void draft_init(struct draft *d);
void draft_fini(struct draft *d);
DEFINE_AUTO(draft, struct draft, draft_fini);

/* Sets a text (`field` points into d->c) to a copy of `value`.  An empty value changes nothing:
 * unknown never overwrites known. */
void draft_set(struct draft *d, struct span *field, struct span value);
void draft_setf(struct draft *d, struct span *field, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void draft_label(struct draft *d, struct span key, struct span value);
void draft_mount(struct draft *d, const struct container_mount *m);

/* The value of a label, the empty span when there is none. */
struct span draft_find_label(const struct draft *d, const char *key);

/* Fills what is unknown in `d` from `c`. */
void draft_fill(struct draft *d, const struct container *c);

/* 0 or -ENOMEM. */
int draft_check(const struct draft *d, struct err *e);

/* One allocation with a copy of everything that `c` points to.  NULL when there is no memory.
 * Free it with free(). */
struct container *container_copy(const struct container *c);

/* Whether all but rev is the same. */
bool container_same(const struct container *a, const struct container *b);

/* The texts of a container, one after the other, for code that treats them alike. */
#define CONTAINER_TEXTS 17
extern const size_t container_texts[CONTAINER_TEXTS]; /* offsets of struct span */

static inline struct span *container_text(struct container *c, size_t i)
{
	return (struct span *)(void *)((char *)c + container_texts[i]);
}

static inline const struct span *container_text_const(const struct container *c, size_t i)
{
	return (const struct span *)(const void *)((const char *)c + container_texts[i]);
}

/* A container id that may stand in a path or a URL: letters, digits, "_.-+", not starting with a
 * dot, shorter than LIMIT_CONTAINER_ID. */
bool container_id_is_safe(struct span id);

/* 64 lower-case hexadecimal digits, as Docker, containerd's CRI, CRI-O and Podman make them. */
bool container_id_is_hex(struct span id);

/* Writes the identity as one JSON object: known fields only, hostile bytes escaped (json.h).
 * `name` as for json_object. */
struct json;
void container_json(struct json *j, const char *name, const struct container *c);

#endif
