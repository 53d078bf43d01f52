/* print.h - one event for people (a line) and for programs (a JSON object).
 *
 * The JSON members and their order are those of the SQL columns of `events`. */
#ifndef AMBER_CMD_PRINT_H
#define AMBER_CMD_PRINT_H

#include "base/json.h"
#include "model/event.h"

/* Appends what the event says beyond who and when: "/bin/sh -c id", "10.0.0.1:443 failed: ...".
 * Hostile bytes are escaped. */
void print_summary(struct buf *b, const struct event *ev);

/* Appends one line without its end: time, container, process, type, summary. */
void print_line(struct buf *b, const struct event *ev, bool colour);

/* Writes the event as a member-less object. */
void print_json(struct json *j, const struct event *ev);

/* What to call a container in a line: its name, else the first twelve digits of its id. */
struct span print_container_name(const struct container *c);

/* The part of an id that people read: twelve digits of a long hexadecimal one, all of a short one.
 */
struct span print_short_id(struct span id);

#endif
