/* docker.h - Docker: its Engine API, and the files that its daemon keeps.
 *
 * The API is asked with deadlines (http.h).  While a container starts, the daemon holds that
 * container's lock, and an inspect would wait for the start that waits for us: within a start hold
 * only docker_read_disk may be used.  The files are the daemon's own state, not a documented
 * interface; they have been the same from Docker 1.13 to 28. */
#ifndef AMBER_RUNTIME_DOCKER_H
#define AMBER_RUNTIME_DOCKER_H

#include "base/jtree.h"
#include "runtime/draft.h"
#include "runtime/http.h"

#define DOCKER_SOCKET	 "/run/docker.sock"
#define DOCKER_DATA_ROOT "/var/lib/docker"

/* 0 when a daemon answers there.  `data_root` (may be NULL) gets its folder, `version` (may be
 * NULL) its version. */
int docker_ping(const char *socket, struct buf *version, struct buf *data_root, struct err *e);

/* Calls `fn` with the id of every container, running or not, until it returns other than 0. */
int docker_list(const char *socket, int (*fn)(void *ctx, struct span id), void *ctx, struct err *e);

/* Fills everything that the daemon knows about one container, by id or name; its image is asked
 * for the digest.  -ENOENT when there is none. */
int docker_inspect(const char *socket, const char *id, struct draft *d, struct err *e);

/* The same from an inspect answer, and the digest from an image's. */
void docker_fill_inspect(struct draft *d, struct jval answer);
void docker_fill_digest(struct draft *d, struct jval image);

/* Reads DATA_ROOT/containers/ID/{config.v2.json,hostconfig.json} and the image's digest from
 * DATA_ROOT/image/DRIVER/repositories.json.  No network, no locks. */
int docker_read_disk(const char *data_root, const char *id, struct draft *d, struct err *e);

/* The same from parsed files. */
void docker_fill_config(struct draft *d, struct jval config);
void docker_fill_host(struct draft *d, struct jval host);
void docker_fill_repositories(struct draft *d, struct jval repositories);

/* The daemon's folder as a bundle gives it away: the source of the bind mount on /etc/hosts (or
 * /etc/hostname, /etc/resolv.conf) is DATA_ROOT/containers/ID/...; LIMIT_PATH bytes.  False when
 * no mount has that form. */
bool docker_root_of(const struct container *c, char *ret_root);

/* One message of the event stream; all borrowed for the call. */
struct docker_event {
	struct span action; /* "start", "die", "rename", "exec_create" (without the command) ... */
	struct span id;
	int32_t exit_code; /* of "die"; -1 */
	uint64_t real_ns;
};

/* The reading end of the event stream. */
struct docker_stream {
	struct http_stream http;
	uint64_t last_ns; /* of the last event; 0: none yet */
	/* called for each event about a container; must not block for long */
	void (*on_event)(void *ctx, const struct docker_event *ev);
	void *ctx;
	struct buf line;   /* what arrived of the next message */
	uint64_t unparsed; /* messages that could not be read */
};

/* Fields on_event and ctx are the caller's to set after it. */
int docker_stream_init(struct docker_stream *s, struct err *e);
void docker_stream_fini(struct docker_stream *s);

/* Listens until the stream ends, breaks or is stopped (http_stream_run); begins with what the
 * daemon still remembers from last_ns on.  Call it again after a pause to go on. */
int docker_stream_run(struct docker_stream *s, const char *socket, struct err *e);

/* Takes a piece of the stream apart; run does it, and the fuzz target. */
int docker_stream_piece(struct docker_stream *s, struct span piece, struct err *e);

#endif
