/* test_identify.c - claims about bad servers, event streams, and what leads to an identity. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "runtime/containerd.h"
#include "runtime/docker.h"
#include "runtime/http.h"
#include "runtime/identify.h"
#include "runtime/mountinfo.h"
#include "runtime/oci.h"
#include "runtime/podman.h"
#include "runtime/protobuf.h"
#include "runtime/statefile.h"
#include "runtime_files.h"
#include "test.h"

/* A server on a unix socket that sends `answer` and then hangs or closes. */
struct fake {
	char path[100];
	const char *answer;
	size_t n;
	bool hangs;
	size_t repeat; /* how often the last `repeat_n` bytes are sent again */
	int fd;
	pthread_t thread;
};

static void serve_one(struct fake *f, int fd)
{
	char request[4096];

	(void)recv(fd, request, sizeof(request), 0);
	(void)send(fd, f->answer, f->n, MSG_NOSIGNAL);
	for (size_t i = 0; i < f->repeat; i++) {
		if (send(fd, f->answer, f->n, MSG_NOSIGNAL) < 0)
			break;
	}
	if (f->hangs)
		(void)recv(fd, request, sizeof(request), 0); /* until the client goes */
	(void)close(fd);
}

static void *serve(void *ctx)
{
	struct fake *f = ctx;
	int fd;

	while ((fd = accept(f->fd, NULL, NULL)) >= 0)
		serve_one(f, fd);
	return NULL;
}

static void fake_start(struct fake *f, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	(void)snprintf(f->path, sizeof(f->path), "%s/%s", dir, name);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(f->fd, 8), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_stop(struct fake *f)
{
	(void)shutdown(f->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	(void)close(f->fd);
}

static int inspect_at(struct fake *f, struct err *e)
{
	AUTO(draft) struct draft d = DRAFT_INIT;

	return docker_inspect(f->path, HEX, &d, e);
}

static int answered(const char *name, const char *answer, struct err *e)
{
	struct fake f = {.answer = answer, .n = strlen(answer)};
	int r;

	fake_start(&f, name);
	r = inspect_at(&f, e);
	fake_stop(&f);
	return r;
}

static void bad_servers_get_a_clear_error_and_nothing_hangs(void **state)
{
	struct err e = ERR_INIT;
	struct fake hang = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
			    .hangs = true};
	uint64_t start;

	assert_int_equal(answered("s1", "this is no HTTP\r\n\r\n", &e), -EPROTO);
	assert_int_equal(
		answered("s2", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", &e),
		-ENOENT);
	assert_int_equal(answered("s3", "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}", &e),
			 -EPROTO);
	assert_int_equal(answered("s4", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\"a", &e),
			 -EINVAL);
	assert_int_equal(answered("s5", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", &e),
			 -EPROTO);
	assert_int_equal(
		answered("s6", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"Id\"",
			 &e),
		-EPROTO);
	assert_int_equal(answered("s7",
				  "HTTP/1.1 301 Go\r\nLocation: file:///etc/passwd\r\n"
				  "Content-Length: 0\r\n\r\n",
				  &e),
			 -EPROTO);
	assert_int_equal(answered("s8", "", &e), -EPROTO);
	hang.n = strlen(hang.answer);
	fake_start(&hang, "s9");
	start = clock_boot_ns();
	assert_int_equal(inspect_at(&hang, &e), -ETIMEDOUT);
	assert_true(clock_boot_ns() - start < 4 * NSEC_PER_SEC);
	fake_stop(&hang);
	(void)snprintf(hang.path, sizeof(hang.path), "%s/nobody", dir);
	assert_int_equal(inspect_at(&hang, &e), -ECONNREFUSED);
}

static void a_body_without_end_is_cut_at_the_limit(void **state)
{
	size_t n = 1u << 20;
	AUTO(free) char *piece = malloc(n);
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n[";
	struct fake f = {.answer = piece, .n = n, .repeat = 40};
	struct err e = ERR_INIT;
	AUTO(buf) struct buf body = {.max = LIMIT_HTTP_BODY};
	long status = 0;

	assert_non_null(piece);
	memset(piece, ' ', n);
	memcpy(piece, head, sizeof(head) - 1);
	fake_start(&f, "s10");
	assert_int_equal(
		http_fetch(
			&(struct http_request){.socket = f.path, .path = "/", .deadline_ms = 60000},
			&body, &status, &e),
		-E2BIG);
	assert_true(body.n <= LIMIT_HTTP_BODY);
	fake_stop(&f);
}

static void grpc_against_garbage_is_an_error(void **state)
{
	struct fake f = {.answer = "HTTP/1.1 200 OK\r\n\r\n", .n = 19};
	struct err e = ERR_INIT;

	fake_start(&f, "s11");
	assert_true(containerd_ping(f.path, NULL, &e) < 0);
	assert_true(e.text[0] != '\0');
	fake_stop(&f);
}

struct events {
	size_t n;
	int32_t exit_code;
	char last[64];
};

static void note_event(void *ctx, const struct docker_event *ev)
{
	struct events *x = ctx;

	x->n++;
	x->exit_code = ev->exit_code;
	(void)snprintf(x->last, sizeof(x->last), "%.*s", (int)ev->action.n,
		       (const char *)ev->action.p);
}

static void events_are_read_in_any_pieces(void **state)
{
	static const char text[] =
		"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"" HEX "\"}}\n"
		"garbage\n\n"
		"{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"n\"}}\n"
		"{\"Type\":\"container\",\"Action\":\"exec_create: sh -c "
		"x\",\"Actor\":{\"ID\":\"" HEX "\"}}\n"
		"{\"Type\":\"container\",\"Action\":\"die\",\"timeNano\":5,\"Actor\":{\"ID\":\"" HEX
		"\",\"Attributes\":{\"exitCode\":\"137\"}}}\n";

	for (size_t step = 1; step < sizeof(text); step += 7) {
		struct events x = {.n = 0};
		struct docker_stream s;
		struct err e = ERR_INIT;

		assert_int_equal(docker_stream_init(&s, &e), 0);
		s.on_event = note_event;
		s.ctx = &x;
		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			size_t left = sizeof(text) - 1 - at;

			assert_int_equal(
				docker_stream_piece(
					&s, span_make(text + at, left < step ? left : step), &e),
				0);
		}
		assert_int_equal(x.n, 3);
		assert_string_equal(x.last, "die");
		assert_int_equal(x.exit_code, 137);
		assert_int_equal(s.unparsed, 1);
		assert_int_equal(s.last_ns, 5);
		docker_stream_fini(&s);
	}
}

static void an_endless_event_is_refused(void **state)
{
	AUTO(free) char *text = malloc(2u << 20);
	struct docker_stream s;
	struct err e = ERR_INIT;

	assert_non_null(text);
	memset(text, 'x', 2u << 20);
	assert_int_equal(docker_stream_init(&s, &e), 0);
	assert_int_equal(docker_stream_piece(&s, span_make(text, 2u << 20), &e), -E2BIG);
	assert_int_equal(docker_stream_piece(&s, span_of("{}\n"), &e), 0);
	docker_stream_fini(&s);
}

/* identify with nothing but files below `dir`. */
struct world {
	struct registry *registry;
	struct identify *identify;
	struct cgroup_host cgroups;
	char docker_root[128], oci_root[128], storage[128];
	const char *docker_socket; /* NULL: none */
};

static void world_start(struct world *w)
{
	static const char *const none[] = {NULL};
	const char *roots[] = {w->docker_root, NULL};
	const char *sockets[] = {w->docker_socket, NULL};
	const char *oci[] = {w->oci_root, NULL};
	const char *storages[] = {w->storage, NULL};
	struct identify_options o = {
		.cgroups = &w->cgroups,
		.docker_sockets = sockets,
		.containerd_sockets = none,
		.podman_sockets = none,
		.docker_roots = roots,
		.podman_storages = storages,
		.oci_roots = oci,
	};
	struct err e = ERR_INIT;

	(void)snprintf(w->docker_root, sizeof(w->docker_root), "%s/d", dir);
	(void)snprintf(w->oci_root, sizeof(w->oci_root), "%s/oci", dir);
	(void)snprintf(w->storage, sizeof(w->storage), "%s/p", dir);
	write_file("emptycg/x/y", "");
	write_file("fakemounts", "");
	char line[300];
	(void)snprintf(line, sizeof(line), "1 1 0:1 / %s/emptycg rw - cgroup2 cgroup2 rw\n", dir);
	write_file("fakemounts", line);
	assert_int_equal(cgroup_open(&w->cgroups, below("fakemounts"), &e), 0);
	assert_int_equal(registry_new(NULL, &w->registry, &e), 0);
	o.registry = w->registry;
	assert_int_equal(identify_start(&o, &w->identify, &e), 0);
	assert_int_equal(identify_settle(w->identify, 10000, &e), 0);
}

static void world_stop(struct world *w)
{
	identify_stop(w->identify);
	registry_free(w->registry);
	cgroup_close(&w->cgroups);
}

static void a_held_docker_start_is_known_before_its_first_instruction(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	struct container *held = NULL;
	uint64_t start;

	world_start(&w);
	write_docker();
	write_file("hold/io.containerd.runtime.v2.task/moby/" HEX "/config.json", bundle_json);
	start = clock_boot_ns();
	assert_int_equal(identify_bundle(w.identify, RUNTIME_RUNC, HEX,
					 below("hold/io.containerd.runtime.v2.task/moby/" HEX),
					 &held, &e),
			 0);
	print_message("identify_bundle took %d us\n", (int)((clock_boot_ns() - start) / 1000));
	assert_span(held->image, "reg:5000/web:1");
	assert_int_equal(held->state, CONTAINER_CREATED);
	assert_int_equal(held->runtime, RUNTIME_DOCKER);
	free(held);
	/* cgroupsPath of the bundle is "/foo/box": that group is the container's */
	assert_int_equal(identify_cgroup(w.identify, 4711, "/foo/box", &result, &e), 0);
	assert_int_equal(result, IDENTIFY_NEW);
	assert_int_equal(identify_cgroup(w.identify, 4712, "/foo/box/inner", &result, &e), 0);
	assert_int_equal(result, IDENTIFY_NESTED);
	unsigned s = registry_read_lock(w.registry);
	const struct container *c = registry_find_cgroup(w.registry, 4712);
	assert_non_null(c);
	assert_span(c->id, HEX);
	assert_span(c->image, "reg:5000/web:1");
	assert_span(c->digest, "sha256:22");
	assert_span(c->cgroup_path, "/foo/box");
	assert_int_equal(c->state, CONTAINER_RUNNING);
	identify_exit(w.identify, 4711, 9, 77);
	identify_gone(w.identify, 4711, 99);
	c = registry_find_cgroup(w.registry, 4711);
	assert_int_equal(c->state, CONTAINER_DEAD);
	assert_int_equal(c->exit_code, 9);
	assert_int_equal(c->died_ns, 77);
	registry_read_unlock(w.registry, s);
	world_stop(&w);
}

static void a_group_without_a_hold_is_named_by_a_worker(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;

	world_start(&w);
	write_docker();
	assert_int_equal(identify_cgroup(w.identify, 5, "/docker/" HEX, &result, &e), 0);
	assert_int_equal(result, IDENTIFY_NEW);
	assert_int_equal(identify_settle(w.identify, 10000, &e), 0);
	unsigned s = registry_read_lock(w.registry);
	const struct container *c = registry_find_cgroup(w.registry, 5);
	assert_span(c->image, "reg:5000/web:1");
	assert_int_equal(c->runtime, RUNTIME_DOCKER);
	registry_read_unlock(w.registry, s);
	world_stop(&w);
}

static void what_nobody_knows_stays_unknown_and_is_counted(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	struct identify_stats stats;

	world_start(&w);
	assert_int_equal(
		identify_cgroup(w.identify, 6, "/kubepods/pod" UID "/aaaa" HEX, &result, &e), 0);
	assert_int_equal(result, IDENTIFY_PENDING);
	assert_int_equal(
		identify_cgroup(w.identify, 7,
				"/kubepods/pod" UID "/aa"
				"c2eefcc0ae8eadffd3b9fdc0bee05f362b3f9f4f39ccc01dd4234eb214af18",
				&result, &e),
		0);
	assert_int_equal(result, IDENTIFY_NEW);
	assert_int_equal(identify_settle(w.identify, 10000, &e), 0);
	identify_stats(w.identify, &stats);
	assert_int_equal(stats.unresolved, 1);
	unsigned s = registry_read_lock(w.registry);
	assert_null(registry_find_cgroup(w.registry, 6));
	assert_int_equal(registry_find_cgroup(w.registry, 7)->image.n, 0);
	assert_int_equal(registry_find_cgroup(w.registry, 7)->privileged, TRUTH_UNKNOWN);
	assert_span(registry_find_cgroup(w.registry, 7)->pod_uid, UID);
	registry_read_unlock(w.registry, s);
	world_stop(&w);
}

static void a_bare_runc_group_is_found_in_the_state_folder(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	char text[512];

	world_start(&w);
	(void)snprintf(text, sizeof(text),
		       "{\"id\":\"odd\",\"init_process_pid\":0,\"config\":{\"rootfs\":\"/r\"},"
		       "\"cgroup_paths\":{\"\":\"%s/some/where\"}}",
		       w.cgroups.mount);
	write_file("oci/odd/state.json", text);
	assert_int_equal(identify_cgroup(w.identify, 8, "/some/where", &result, &e), 0);
	assert_int_equal(result, IDENTIFY_PENDING);
	assert_int_equal(identify_settle(w.identify, 10000, &e), 0);
	unsigned s = registry_read_lock(w.registry);
	const struct container *c = registry_find_cgroup(w.registry, 8);
	assert_non_null(c);
	assert_span(c->id, "odd");
	assert_int_equal(c->runtime, RUNTIME_RUNC);
	registry_read_unlock(w.registry, s);
	world_stop(&w);
}

static void a_claim_against_the_kernel_is_recorded_and_not_believed(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	char text[512];

	world_start(&w);
	/* this process is not in the container's group, whatever the state file says */
	(void)snprintf(text, sizeof(text),
		       "{\"id\":\"liar\",\"init_process_pid\":%d,\"config\":{\"rootfs\":\"/r\"},"
		       "\"cgroup_paths\":{\"\":\"%s/the/group\"}}",
		       (int)getpid(), w.cgroups.mount);
	write_file("oci/liar/state.json", text);
	assert_int_equal(identify_cgroup(w.identify, 9, "/the/group", &result, &e), 0);
	assert_int_equal(identify_settle(w.identify, 10000, &e), 0);
	unsigned s = registry_read_lock(w.registry);
	const struct container *c = registry_find_cgroup(w.registry, 9);
	assert_non_null(c);
	assert_span(c->cgroup_path, "/the/group");
	assert_int_equal(c->init_pid, 0);
	assert_true(span_contains(c->conflict, span_of("claimed_init_pid")));
	registry_read_unlock(w.registry, s);
	world_stop(&w);
}

static void a_hanging_daemon_does_not_hold_up_what_files_tell(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	static struct fake hang = {.answer = "", .hangs = true};
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	uint64_t start;

	fake_start(&hang, "hanging");
	w.docker_socket = hang.path;
	write_docker();
	world_start(&w);
	start = clock_boot_ns();
	assert_int_equal(identify_cgroup(w.identify, 5, "/docker/" HEX, &result, &e), 0);
	for (uint64_t i = 0; i < 50; i++) {
		char path[100];

		(void)snprintf(path, sizeof(path), "/docker/%064d", (int)i);
		assert_int_equal(identify_cgroup(w.identify, 100 + i, path, &result, &e), 0);
	}
	assert_true(clock_boot_ns() - start < NSEC_PER_SEC); /* the caller never waits */
	assert_int_equal(identify_settle(w.identify, 30000, &e), 0);
	unsigned s = registry_read_lock(w.registry);
	assert_span(registry_find_cgroup(w.registry, 5)->image, "reg:5000/web:1");
	registry_read_unlock(w.registry, s);
	world_stop(&w);
	fake_stop(&hang);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_servers_get_a_clear_error_and_nothing_hangs),
		cmocka_unit_test(a_body_without_end_is_cut_at_the_limit),
		cmocka_unit_test(grpc_against_garbage_is_an_error),
		cmocka_unit_test(events_are_read_in_any_pieces),
		cmocka_unit_test(an_endless_event_is_refused),
		cmocka_unit_test(a_held_docker_start_is_known_before_its_first_instruction),
		cmocka_unit_test(a_group_without_a_hold_is_named_by_a_worker),
		cmocka_unit_test(what_nobody_knows_stays_unknown_and_is_counted),
		cmocka_unit_test(a_bare_runc_group_is_found_in_the_state_folder),
		cmocka_unit_test(a_hanging_daemon_does_not_hold_up_what_files_tell),
		cmocka_unit_test(a_claim_against_the_kernel_is_recorded_and_not_believed),
	};

	return cmocka_run_group_tests_name("identify", tests, make_dir, remove_dir);
}
