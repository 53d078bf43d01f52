/* lookup.h - from what a person types to a container id. */
#ifndef AMBER_CMD_LOOKUP_H
#define AMBER_CMD_LOOKUP_H

#include "base/buf.h"

/* Puts the whole id of the container that `text` names (id, name, or beginning of an id) into
 * `ret_id`.  Of several dead ones with the same name the newest is taken.  -ENOENT when the record
 * knows none, -EEXIST when the beginning fits several. */
int lookup_container(const char *state_dir, const char *text, struct buf *ret_id, struct err *e);

/* -ENOENT when nothing was ever recorded in `state_dir`: an empty answer would read as "nothing
 * happened" to whoever mistyped the folder. */
int lookup_record(const char *state_dir, struct err *e);

#endif
