/* json.h - a JSON writer for results (RFC 8259).  base/jtree.h reads it.
 *
 * The writer puts the commas and the escapes; the caller opens and closes.  Bytes of a container
 * are written with json_bytes, which keeps what is not UTF-8. */
#ifndef AMBER_BASE_JSON_H
#define AMBER_BASE_JSON_H

#include "base/buf.h"

struct json {
	struct buf *out; /* borrowed */
	bool comma;	 /* a value stands before the next one */
};

static inline struct json json_to(struct buf *out)
{
	return (struct json){.out = out};
}

/* `name` is NULL inside an array and at the top. */
void json_object(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_text(struct json *j, const char *name, const char *value); /* NULL writes null */
void json_u64(struct json *j, const char *name, uint64_t value);
void json_i64(struct json *j, const char *name, int64_t value);
void json_double(struct json *j, const char *name, double value); /* null when not finite */
void json_bool(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);

/* Text from a hostile source.  Well-formed UTF-8 is written as it is; otherwise each broken byte
 * becomes U+FFFD and, where there is a name, a second member NAME_hex holds all bytes. */
void json_bytes(struct json *j, const char *name, struct span value);

#endif
