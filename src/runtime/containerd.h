/* containerd.h - containerd's gRPC API (api/services of containerd 1.x and 2.x), over libcurl.
 *
 * Every container is in a namespace ("k8s.io" for Kubernetes, "moby" for Docker, "default").
 * What CRI knows comes from the container's labels and its specification's annotations. */
#ifndef AMBER_RUNTIME_CONTAINERD_H
#define AMBER_RUNTIME_CONTAINERD_H

#include "runtime/draft.h"
#include "runtime/http.h"

#define CONTAINERD_SOCKET "/run/containerd/containerd.sock"

/* 0 when containerd answers there; `version` may be NULL. */
int containerd_ping(const char *socket, struct buf *version, struct err *e);

/* Calls `fn` with every namespace and container id until it returns other than 0. */
int containerd_list(const char *socket, int (*fn)(void *ctx, struct span space, struct span id),
		    void *ctx, struct err *e);

/* Finds the namespace of a container; *ret_space is appended to.  -ENOENT when there is none. */
int containerd_find(const char *socket, const char *id, struct buf *space, struct err *e);

/* Fills everything that is known about one container: its record, its image's digest, and its
 * task's pid and exit.  -ENOENT when there is none. */
int containerd_inspect(const char *socket, const char *space, const char *id, struct draft *d,
		       struct err *e);

/* The same from a message containerd.services.containers.v1.Container, .images.v1.Image, and
 * containerd.v1.types.Process. */
void containerd_fill_container(struct draft *d, struct span message);
void containerd_fill_image(struct draft *d, struct span message);
void containerd_fill_task(struct draft *d, struct span message);

/* One message of the event stream; all borrowed for the call. */
struct containerd_event {
	struct span topic; /* "/tasks/start", "/tasks/exit", "/containers/create" ... */
	struct span space, id;
	int32_t exit_code; /* of the container's first process in "/tasks/exit"; else -1 */
	uint64_t real_ns;
};

struct containerd_stream {
	struct http_stream http;
	void (*on_event)(void *ctx, const struct containerd_event *ev);
	void *ctx;
	struct buf frames; /* what arrived of the next message */
	uint64_t unparsed;
};

/* As docker_stream_*. */
int containerd_stream_init(struct containerd_stream *s, struct err *e);
void containerd_stream_fini(struct containerd_stream *s);
int containerd_stream_run(struct containerd_stream *s, const char *socket, struct err *e);
int containerd_stream_piece(struct containerd_stream *s, struct span piece, struct err *e);

/* The namespace in a bundle's path STATE/io.containerd.runtime.v2.task/SPACE/ID, else empty. */
struct span containerd_space_of(struct span bundle);

#endif
