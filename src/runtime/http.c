/* http.c - see http.h. */
#include "runtime/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>

#include "base/auto.h"

#define HEADER_BYTES (256u << 10)

struct transfer {
	const struct http_request *q;
	struct buf *body; /* NULL for a stream */
	http_piece_fn *fn;
	void *ctx;
	struct err *e;
	CURL *easy;
	int stopped; /* -errno with which a callback ended it */
	size_t header_bytes;
	char grpc_status[8];
	char grpc_message[200];
	char why[CURL_ERROR_SIZE];
};

static void curl_close(CURL **easy)
{
	curl_easy_cleanup(*easy);
}
DEFINE_AUTO(curl, CURL *, curl_close);

static void list_close(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}
DEFINE_AUTO(list, struct curl_slist *, list_close);

static void start_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT); /* curl_easy_init fails if this did */
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;

	n *= size;
	if (t->body) {
		buf_add(t->body, p, n);
		if (t->body->failed)
			t->stopped = buf_check(t->body, "an answer", t->e);
	} else {
		(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 then */
		if (status != 200)
			t->stopped = err_set(t->e, EPROTO, "'%s' answers %s with status %ld",
					     t->q->socket, t->q->path, status);
		else
			t->stopped = t->fn(t->ctx, span_make(p, n), t->e);
	}
	return t->stopped ? CURL_WRITEFUNC_ERROR : n;
}

/* The value of header or trailer `name` when the line has it, copied to `to`. */
static void note_header(const char *p, size_t n, const char *name, char *to, size_t size)
{
	size_t skip = strlen(name);

	if (n <= skip || strncasecmp(p, name, skip) != 0)
		return;
	while (skip < n && p[skip] == ' ')
		skip++;
	while (n > skip && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	(void)snprintf(to, size, "%.*s", (int)(n - skip), p + skip); /* a cut one still tells */
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	t->header_bytes += n;
	if (t->header_bytes > HEADER_BYTES) {
		t->stopped = err_set(t->e, E2BIG, "'%s' answers with more than %u bytes of headers",
				     t->q->socket, HEADER_BYTES);
		return 0;
	}
	note_header(p, n, "grpc-status:", t->grpc_status, sizeof(t->grpc_status));
	note_header(p, n, "grpc-message:", t->grpc_message, sizeof(t->grpc_message));
	return n;
}

static int refuse(struct transfer *t, CURLcode code)
{
	int number = code == CURLE_OPERATION_TIMEDOUT ? ETIMEDOUT
		     : code == CURLE_COULDNT_CONNECT  ? ECONNREFUSED
		     : code == CURLE_OUT_OF_MEMORY    ? ENOMEM
						      : EPROTO;

	if (t->stopped)
		return t->stopped;
	return err_set(t->e, number, "cannot ask '%s' for %s: %s", t->q->socket, t->q->path,
		       t->why[0] ? t->why : curl_easy_strerror(code));
}

static void set_post(CURL *easy, const struct http_request *q)
{
	if (!q->grpc && !q->body.n)
		return;
	(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, q->body.p);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)q->body.n);
}

/* The results of setopt are ignored one by one: each can only fail without memory or for an option
 * that this libcurl does not know, and then the request fails. */
static int prepare(struct transfer *t, struct curl_slist **headers)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct http_request *q = t->q;
	long deadline_ms = (long)(q->deadline_ms ? q->deadline_ms : HTTP_DEADLINE_MS);
	char url[LIMIT_PATH];
	CURL *easy;

	(void)pthread_once(&once, start_curl);
	t->easy = easy = curl_easy_init();
	if (!easy)
		return err_sys(t->e, ENOMEM, "cannot ask '%s'", q->socket);
	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", q->path) >= sizeof(url))
		return err_set(t->e, E2BIG, "too long a request to '%s'", q->socket);
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, q->socket);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, deadline_ms);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			       q->grpc ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
				       : (long)CURL_HTTP_VERSION_1_1);
	if (t->body)
		(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, deadline_ms);
	if (q->grpc)
		*headers = curl_slist_append(*headers, "Content-Type: application/grpc");
	if (q->grpc)
		*headers = curl_slist_append(*headers, "TE: trailers");
	if (q->header)
		*headers = curl_slist_append(*headers, q->header);
	if (*headers)
		(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers);
	set_post(easy, q);
	return 0;
}

static int check_grpc(struct transfer *t)
{
	if (!t->q->grpc || strcmp(t->grpc_status, "0") == 0)
		return 0;
	/* 5 is gRPC's NOT_FOUND */
	return err_set(t->e, strcmp(t->grpc_status, "5") == 0 ? ENOENT : EPROTO,
		       "'%s' refuses %s: status %s %s", t->q->socket, t->q->path,
		       t->grpc_status[0] ? t->grpc_status : "missing", t->grpc_message);
}

int http_fetch(const struct http_request *q, struct buf *body, long *ret_status, struct err *e)
{
	struct transfer t = {.q = q, .body = body, .e = e};
	AUTO(list) struct curl_slist *headers = NULL;
	AUTO(curl) CURL *easy = NULL;
	long status = 0;
	CURLcode code;
	int r = prepare(&t, &headers);

	easy = t.easy;
	if (r < 0)
		return r;
	code = curl_easy_perform(easy);
	if (code != CURLE_OK)
		return refuse(&t, code);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* stays 0 then */
	r = check_grpc(&t);
	if (r == 0)
		*ret_status = status;
	return r;
}

int http_stream_init(struct http_stream *s, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, start_curl);
	*s = (struct http_stream){.multi = curl_multi_init()};
	return s->multi ? 0 : err_sys(e, ENOMEM, "cannot listen to a container runtime");
}

void http_stream_fini(struct http_stream *s)
{
	if (s->multi)
		(void)curl_multi_cleanup(s->multi); /* nothing is added to it any more */
	s->multi = NULL;
}

void http_stream_stop(struct http_stream *s)
{
	atomic_store(&s->stop, true);
	if (s->multi)
		(void)curl_multi_wakeup(s->multi); /* else the poll's own second ends it */
}

/* Drives the transfer to its end. */
static int drive(struct http_stream *s, struct transfer *t)
{
	int running = 1, left;
	CURLMcode code = CURLM_OK;
	CURLMsg *done;

	while (running && code == CURLM_OK && !atomic_load(&s->stop)) {
		code = curl_multi_perform(s->multi, &running);
		if (running && code == CURLM_OK && !atomic_load(&s->stop))
			code = curl_multi_poll(s->multi, NULL, 0, 1000, NULL);
	}
	if (atomic_load(&s->stop))
		return err_set(t->e, ECANCELED, "stopped listening to '%s'", t->q->socket);
	if (code != CURLM_OK)
		return err_set(t->e, EPROTO, "cannot listen to '%s': %s", t->q->socket,
			       curl_multi_strerror(code));
	done = curl_multi_info_read(s->multi, &left);
	if (done && done->msg == CURLMSG_DONE && done->data.result != CURLE_OK)
		return refuse(t, done->data.result);
	return check_grpc(t);
}

int http_stream_run(struct http_stream *s, const struct http_request *q, http_piece_fn *fn,
		    void *ctx, struct err *e)
{
	struct transfer t = {.q = q, .fn = fn, .ctx = ctx, .e = e};
	AUTO(list) struct curl_slist *headers = NULL;
	AUTO(curl) CURL *easy = NULL;
	int r = prepare(&t, &headers);

	easy = t.easy;
	if (r < 0)
		return r;
	if (curl_multi_add_handle(s->multi, easy) != CURLM_OK)
		return err_sys(e, ENOMEM, "cannot listen to '%s'", q->socket);
	r = drive(s, &t);
	(void)curl_multi_remove_handle(s->multi, easy); /* it was added */
	return r;
}
