/* http.h - HTTP over a unix socket, against a server that may be dead, hang, lie or talk garbage.
 *
 * Every call ends within its deadline and takes at most LIMIT_HTTP_BODY bytes.  Nothing is
 * followed: no redirects, no proxies, no other protocols.  HTTP/1.1 for Docker and Podman, HTTP/2
 * without TLS ("prior knowledge") for containerd's gRPC.  libcurl does the protocol. */
#ifndef AMBER_RUNTIME_HTTP_H
#define AMBER_RUNTIME_HTTP_H

#include <stdatomic.h>

#include "base/buf.h"

#define HTTP_DEADLINE_MS 2000u

/* One request.  `body` is sent by POST when it is not empty or `grpc` is set. */
struct http_request {
	const char *socket; /* path of the unix socket */
	const char *path;   /* "/containers/json?all=1" */
	struct span body;
	bool grpc;	      /* HTTP/2, content type application/grpc */
	const char *header;   /* one more header line, or NULL */
	unsigned deadline_ms; /* 0: HTTP_DEADLINE_MS; of a stream, of its connection only */
};

/* Appends the answer's body to `body` and gives its status.  -ETIMEDOUT, -ECONNREFUSED, -E2BIG,
 * -EPROTO (no HTTP, cut off, or gRPC's own status is not 0), each naming the socket. */
int http_fetch(const struct http_request *q, struct buf *body, long *ret_status, struct err *e);

/* A stream that never ends by itself. */
struct http_stream {
	void *multi; /* CURLM */
	_Atomic bool stop;
};

int http_stream_init(struct http_stream *s, struct err *e);
void http_stream_fini(struct http_stream *s);

/* Sends the request and calls `fn` with what arrives, in pieces, until the server ends the stream
 * (0), it breaks (-errno), `fn` returns other than 0 (that), or http_stream_stop is called
 * (-ECANCELED).  An answer other than 200 is -EPROTO. */
typedef int http_piece_fn(void *ctx, struct span piece, struct err *e);
int http_stream_run(struct http_stream *s, const struct http_request *q, http_piece_fn *fn,
		    void *ctx, struct err *e);

/* Ends a run, now and later ones, from any thread. */
void http_stream_stop(struct http_stream *s);

#endif
