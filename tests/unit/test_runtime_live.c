/* test_runtime_live.c - claims about real Docker, containerd, Podman and runc, each private to the
 * run: own data folders, own sockets, own ids.  What is not installed or refuses to start here is
 * a skip that says why. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/jtree.h"
#include "base/path.h"
#include "live.h"
#include "runtime/containerd.h"
#include "runtime/docker.h"
#include "runtime/identify.h"
#include "runtime/oci.h"
#include "runtime/podman.h"
#include "runtime/statefile.h"
#include "test.h"

/* ---- a registry with identify over all private runtimes ---- */

struct seen {
	_Atomic uint64_t states, gaps;
};

static int emit(void *ctx, const struct event *ev, struct err *e)
{
	struct seen *s = ctx;

	atomic_fetch_add(ev->type == EVENT_GAP ? &s->gaps : &s->states, 1);
	return 0;
}

struct world {
	struct registry *registry;
	struct identify *identify;
	struct cgroup_host cgroups;
	struct event_sink sink;
	struct seen seen;
};

static void world_start(struct world *w)
{
	const char *docker_sockets[] = {docker.socket, NULL};
	const char *docker_roots[] = {below("docker-data"), NULL};
	const char *containerd_sockets[] = {containerd.socket, NULL};
	const char *none[] = {NULL};
	const char *storages[] = {below("podman"), NULL};
	const char *oci_roots[] = {below("runc"), below("docker-exec/runtime-runc/moby"),
				   below("podman-state"), NULL};
	struct identify_options o = {
		.cgroups = &w->cgroups,
		.sink = &w->sink,
		.docker_sockets = docker.pid > 0 ? docker_sockets : none,
		.docker_roots = docker_roots,
		.containerd_sockets = containerd.pid > 0 ? containerd_sockets : none,
		.podman_sockets = none,
		.podman_storages = storages,
		.oci_roots = oci_roots,
	};
	struct err e = ERR_INIT;

	*w = (struct world){.sink = {emit, &w->seen}};
	assert_int_equal(cgroup_open(&w->cgroups, NULL, &e), 0);
	assert_int_equal(registry_new(NULL, &w->registry, &e), 0);
	o.registry = w->registry;
	assert_int_equal(identify_start(&o, &w->identify, &e), 0);
	sleep_ms(300); /* the streams stand, and their scans are queued */
	assert_int_equal(identify_settle(w->identify, 20000, &e), 0);
}

static void world_stop(struct world *w)
{
	identify_stop(w->identify);
	registry_free(w->registry);
	cgroup_close(&w->cgroups);
}

/* Waits until `holds` is true of the container called `name`; a copy for free(), or NULL. */
static struct container *await(struct world *w, const char *name,
			       bool (*holds)(const struct container *c))
{
	for (int i = 0; i < 200; i++) {
		unsigned s = registry_read_lock(w->registry);
		struct err e = ERR_INIT;
		const struct container *c;
		struct container *copy = NULL;

		if (registry_find_name(w->registry, span_of(name), &c, &e) == 0 && holds(c))
			copy = container_copy(c);
		registry_read_unlock(w->registry, s);
		if (copy)
			return copy;
		sleep_ms(25);
	}
	return NULL;
}

static bool is_bound(const struct container *c)
{
	return c->state == CONTAINER_RUNNING && c->cgroup_id && c->init_pid && c->rootfs.n;
}

static bool is_dead(const struct container *c)
{
	return c->state == CONTAINER_DEAD && c->exit_code >= 0;
}

/* That the group is the one in which the kernel has the process. */
static void check_group(struct world *w, const struct container *c)
{
	char path[LIMIT_PATH];
	struct err e = ERR_INIT;
	uint64_t id = 0;

	assert_int_equal(cgroup_of_pid(&w->cgroups, c->init_pid, path, &e), 0);
	assert_true(span_is(c->cgroup_path, path));
	assert_int_equal(cgroup_id(&w->cgroups, path, &id, &e), 0);
	assert_int_equal(c->cgroup_id, id);
}

#define assert_span(s, text) assert_true(span_is((s), (text)))

static void docker_start(const char *name, const char *more)
{
	assert_int_equal(
		DOCKER("run -d --network none --name %s %s amberbox:1 /bin/sleep 600", name, more),
		0);
}

/* What `docker inspect` prints for a template without blanks. */
static void assert_inspects(const char *name, const char *field, struct span got)
{
	assert_int_equal(DOCKER("inspect -f {{%s}} %s", field, name), 0);
	if (!span_is(got, output()))
		print_message("%s: docker has '%s', amber '%.*s'\n", field, output(), (int)got.n,
			      (const char *)got.p);
	assert_span(got, output());
}

static void docker_api_and_files_say_what_docker_inspect_says(void **state)
{
	struct err e = ERR_INIT;
	char id[80], number[32];
	AUTO(draft) struct draft api = DRAFT_INIT;
	AUTO(draft) struct draft disk = DRAFT_INIT;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	(void)run("mkdir -p %s/vol", dir);
	assert_int_equal(
		DOCKER("run -d --network none --name a1 --label a=b --label c=d --restart "
		       "on-failure:3 --user 5:6 -v %s/vol:/vol:ro amberbox:1 /bin/sleep 600",
		       dir),
		0);
	(void)snprintf(id, sizeof(id), "%s", output());
	assert_int_equal(docker_inspect(docker.socket, id, &api, &e), 0);
	assert_int_equal(docker_read_disk(below("docker-data"), id, &disk, &e), 0);
	for (int i = 0; i < 2; i++) {
		const struct container *c = i ? &disk.c : &api.c;

		assert_inspects("a1", ".Id", c->id);
		assert_inspects("a1", ".Image", c->image_id);
		assert_inspects("a1", ".Config.Image", c->image);
		assert_inspects("a1", ".Config.User", c->user);
		assert_inspects("a1", ".LogPath", c->log_path);
		assert_span(c->name, "a1");
		assert_span(c->restart, "on-failure:3");
		assert_span(c->command, "/bin/sleep 600");
		assert_int_equal(c->privileged, TRUTH_NO);
		assert_int_equal(c->auto_remove, TRUTH_NO);
		assert_int_equal(c->state, CONTAINER_RUNNING);
		assert_int_equal(c->label_count, 2);
		assert_int_equal(c->mount_count, 1);
		assert_span(c->mounts[0].target, "/vol");
		assert_int_equal(c->mounts[0].writable, TRUTH_NO);
		(void)snprintf(number, sizeof(number), "%u", c->init_pid);
		assert_inspects("a1", ".State.Pid", span_of(number));
	}
	assert_inspects("a1", ".GraphDriver.Data.UpperDir", api.c.upper_dir);
	assert_inspects("a1", ".GraphDriver.Data.MergedDir", api.c.rootfs);
	assert_int_equal(docker_inspect(docker.socket, "nosuchcontainer", &api, &e), -ENOENT);
}

static void privileged_and_auto_remove_are_read_before_a_start(void **state)
{
	struct err e = ERR_INIT;
	char id[80];
	AUTO(draft) struct draft d = DRAFT_INIT;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	assert_int_equal(DOCKER("create --privileged --rm --network none --name a2 amberbox:1 sh"),
			 0);
	(void)snprintf(id, sizeof(id), "%s", output());
	assert_int_equal(docker_read_disk(below("docker-data"), id, &d, &e), 0);
	assert_int_equal(d.c.privileged, TRUTH_YES);
	assert_int_equal(d.c.auto_remove, TRUTH_YES);
	assert_int_equal(d.c.state, CONTAINER_CREATED);
	assert_true(span_ends(d.c.log_path, "-json.log"));
}

static void running_docker_containers_are_found_at_the_start(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	docker_start("a3", "--label x=y");
	world_start(&w);
	c = await(&w, "a3", is_bound);
	assert_non_null(c);
	check_group(&w, c);
	assert_inspects("a3", ".GraphDriver.Data.UpperDir", c->upper_dir);
	assert_inspects("a3", ".Id", c->id);
	assert_int_equal(c->runtime, RUNTIME_DOCKER);
	assert_span(c->image, "amberbox:1");
	assert_int_equal(c->conflict.n, 0);
	free(c);
	assert_true(atomic_load(&w.seen.states) > 0);
	world_stop(&w);
}

static bool is_renamed(const struct container *c)
{
	return span_is(c->name, "a4new");
}

static void docker_events_bring_starts_renames_and_exit_codes(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	world_start(&w);
	docker_start("a4", "");
	c = await(&w, "a4", is_bound);
	assert_non_null(c);
	check_group(&w, c);
	free(c);
	assert_int_equal(DOCKER("rename a4 a4new"), 0);
	c = await(&w, "a4new", is_renamed);
	assert_non_null(c);
	identify_gone(w.identify, c->cgroup_id, clock_real_ns()); /* what the probe will say */
	free(c);
	assert_int_equal(DOCKER("rm -f a4new"), 0);
	c = await(&w, "a4new", is_dead);
	assert_non_null(c);
	assert_int_equal(c->exit_code, 137);
	free(c);
	world_stop(&w);
}

static bool is_nine(const struct container *c)
{
	return c->exit_code == 9;
}

static void a_short_lived_container_keeps_its_name_image_and_exit_code(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	write_file("rootfs/nine", "exit 9\n");
	assert_int_equal(run("tar -C %s/rootfs -cf %s/root2.tar .", dir, dir), 0);
	assert_int_equal(DOCKER("import %s/root2.tar amberbox:2", dir), 0);
	world_start(&w);
	assert_int_equal(DOCKER("run --rm --network none --name a5 amberbox:2 /bin/sh /nine"), 9);
	c = await(&w, "a5", is_nine);
	assert_non_null(c);
	assert_span(c->image, "amberbox:2");
	assert_int_equal(c->auto_remove, TRUTH_YES);
	free(c);
	world_stop(&w);
}

static void a_daemon_that_went_away_leaves_a_gap_and_is_heard_again(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;
	struct identify_stats stats;

	SKIP_UNLESS(docker_ready(), "no Docker daemon can be started here");
	world_start(&w);
	assert_int_equal(DOCKER("rm -f a1 a2 a3"), 0); /* else the stop waits for them */
	stop_daemon(&docker);
	sleep_ms(200);
	assert_true(docker_up());
	docker_start("a6", "");
	c = await(&w, "a6", is_bound);
	assert_non_null(c);
	free(c);
	identify_stats(w.identify, &stats);
	assert_true(stats.broken >= 1);
	assert_true(atomic_load(&w.seen.gaps) >= 1);
	world_stop(&w);
}

#define CTR(format, ...) run("ctr -a %s -n space " format, containerd.socket, ##__VA_ARGS__)

static int ctr_run(const char *id, const char *root)
{
	char *argv[] = {(char *)"ctr",
			(char *)"-a",
			containerd.socket,
			(char *)"-n",
			(char *)"space",
			(char *)"run",
			(char *)"-d",
			(char *)"--label",
			(char *)"io.kubernetes.pod.name=pod1",
			(char *)"--rootfs",
			(char *)(uintptr_t)root,
			(char *)(uintptr_t)id,
			(char *)"/bin/sleep",
			(char *)"600",
			NULL};

	return run_detached(argv);
}

struct listed {
	size_t n;
	char id[80], space[80];
};

static int note_listed(void *ctx, struct span space, struct span id)
{
	struct listed *l = ctx;

	l->n++;
	(void)snprintf(l->id, sizeof(l->id), "%.*s", (int)id.n, (const char *)id.p);
	(void)snprintf(l->space, sizeof(l->space), "%.*s", (int)space.n, (const char *)space.p);
	return 0;
}

static void containerd_is_asked_over_grpc(void **state)
{
	struct err e = ERR_INIT;
	struct listed l = {.n = 0};
	char pid[16];
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(buf) struct buf text = {.max = 100};

	SKIP_UNLESS(containerd_ready(), "no containerd can be started here");
	assert_int_equal(containerd_ping(containerd.socket, &text, &e), 0);
	assert_true(text.n > 0);
	assert_int_equal(ctr_run("c1", below("rootfs")), 0);
	assert_int_equal(containerd_list(containerd.socket, note_listed, &l, &e), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.id, "c1");
	assert_string_equal(l.space, "space");
	buf_clear(&text);
	assert_int_equal(containerd_find(containerd.socket, "c1", &text, &e), 0);
	assert_string_equal(buf_text(&text), "space");
	assert_int_equal(containerd_find(containerd.socket, "c2", &text, &e), -ENOENT);
	assert_int_equal(containerd_inspect(containerd.socket, "space", "c1", &d, &e), 0);
	assert_span(d.c.id, "c1");
	assert_span(d.c.pod, "pod1");
	assert_span(d.c.command, "/bin/sleep 600");
	assert_int_equal(d.c.state, CONTAINER_RUNNING);
	assert_true(d.c.created_ns > 0);
	assert_int_equal(CTR("tasks ls"), 0);
	(void)snprintf(pid, sizeof(pid), " %u ", d.c.init_pid);
	assert_true(span_contains(buf_span(&out), span_of(pid)));
	assert_int_equal(containerd_inspect(containerd.socket, "space", "c2", &d, &e), -ENOENT);
}

static void a_containerd_image_gives_its_digest(void **state)
{
	struct err e = ERR_INIT;
	AUTO(draft) struct draft d = DRAFT_INIT;

	SKIP_UNLESS(containerd_ready() && docker_ready(), "needs containerd and Docker");
	assert_int_equal(DOCKER("save -o %s/image.tar amberbox:1", dir), 0);
	assert_int_equal(CTR("images import %s/image.tar", dir), 0);
	char *argv[] = {(char *)"ctr",	   (char *)"-a",
			containerd.socket, (char *)"-n",
			(char *)"space",   (char *)"run",
			(char *)"-d",	   (char *)"--snapshotter",
			(char *)"native",  (char *)"docker.io/library/amberbox:1",
			(char *)"c3",	   (char *)"/bin/sleep",
			(char *)"600",	   NULL};
	assert_int_equal(run_detached(argv), 0);
	assert_int_equal(containerd_inspect(containerd.socket, "space", "c3", &d, &e), 0);
	assert_span(d.c.image, "docker.io/library/amberbox:1");
	assert_int_equal(CTR("images ls"), 0);
	assert_true(span_starts(d.c.digest, "sha256:"));
	assert_true(span_contains(buf_span(&out), d.c.digest));
}

static void containerd_events_bring_starts_and_exits(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;

	SKIP_UNLESS(containerd_ready(), "no containerd can be started here");
	world_start(&w);
	assert_int_equal(ctr_run("c4", below("rootfs")), 0);
	c = await(&w, "c4", is_bound);
	assert_non_null(c);
	check_group(&w, c);
	assert_int_equal(c->runtime, RUNTIME_CONTAINERD);
	assert_span(c->pod, "pod1");
	identify_gone(w.identify, c->cgroup_id, clock_real_ns());
	free(c);
	assert_int_equal(CTR("tasks kill -s 9 c4"), 0);
	c = await(&w, "c4", is_dead);
	assert_non_null(c);
	assert_int_equal(c->exit_code, 137);
	free(c);
	world_stop(&w);
}

#define PODMAN                                                                           \
	"podman --root %1$s/podman --runroot %1$s/podman-run --cgroup-manager cgroupfs " \
	"--events-backend file --runtime runc --runtime-flag=root=%1$s/podman-state "

static void podman_is_read_from_its_storage_and_found_running(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	struct container *c;
	char id[80];
	AUTO(draft) struct draft d = DRAFT_INIT;

	SKIP_UNLESS(have("podman") && have("runc"), "no podman");
	SKIP_UNLESS(run(PODMAN "import %1$s/root.tar localhost/pbox:1", dir) == 0,
		    "podman cannot import an image here");
	SKIP_UNLESS(run(PODMAN "run -d --name p1 --label l=m --network none --ulimit "
			       "nofile=1024:1024 --ulimit nproc=1024:1024 localhost/pbox:1 "
			       "/bin/sleep 600",
			dir) == 0,
		    "podman cannot run a container here");
	(void)snprintf(id, sizeof(id), "%s", output());
	assert_int_equal(podman_read_disk(below("podman"), id, &d, &e), 0);
	assert_span(d.c.name, "p1");
	assert_span(d.c.image, "localhost/pbox:1");
	assert_int_equal(d.c.runtime, RUNTIME_PODMAN);
	assert_int_equal(d.c.auto_remove, TRUTH_NO);
	assert_int_equal(d.c.privileged, TRUTH_NO);
	assert_int_equal(run(PODMAN "inspect -f {{.ImageDigest}} p1", dir), 0);
	assert_span(d.c.digest, output());
	world_start(&w);
	c = await(&w, "p1", is_bound);
	assert_non_null(c);
	check_group(&w, c);
	assert_int_equal(run(PODMAN "inspect -f {{.GraphDriver.Data.UpperDir}} p1", dir), 0);
	assert_span(c->upper_dir, output());
	assert_int_equal(run(PODMAN "inspect -f {{.State.Pid}} p1", dir), 0);
	assert_int_equal(c->init_pid, strtoul(output(), NULL, 10));
	free(c);
	world_stop(&w);
}

static void podman_service_says_the_same_as_its_storage(void **state)
{
	struct err e = ERR_INIT;
	char uri[128], root[128], runroot[128], id[80];
	struct daemon service = {.pid = 0};
	char *argv[] = {(char *)"podman",
			(char *)"--root",
			root,
			(char *)"--runroot",
			runroot,
			(char *)"--cgroup-manager",
			(char *)"cgroupfs",
			(char *)"--events-backend",
			(char *)"file",
			(char *)"--runtime",
			(char *)"runc",
			(char *)"system",
			(char *)"service",
			(char *)"-t",
			(char *)"0",
			uri,
			NULL};
	AUTO(draft) struct draft api = DRAFT_INIT;
	AUTO(draft) struct draft disk = DRAFT_INIT;
	int r = -1;

	SKIP_UNLESS(have("podman") &&
			    run(PODMAN "create --name p2 --rm --network none --restart no "
				       "localhost/pbox:1 /bin/sleep 600",
				dir) == 0,
		    "podman cannot create a container here");
	(void)snprintf(id, sizeof(id), "%s", output());
	(void)snprintf(root, sizeof(root), "%s/podman", dir);
	(void)snprintf(runroot, sizeof(runroot), "%s/podman-run", dir);
	(void)snprintf(service.socket, sizeof(service.socket), "%s/podman.sock", dir);
	(void)snprintf(uri, sizeof(uri), "unix://%s", service.socket);
	service.pid = spawn(argv, -1, "podman.log");
	for (int i = 0; i < 100 && r < 0; i++) {
		sleep_ms(100);
		r = podman_inspect(service.socket, id, &api, &e);
	}
	assert_int_equal(podman_inspect(service.socket, "nosuch", &disk, &e), -ENOENT);
	stop_daemon(&service);
	assert_int_equal(r, 0);
	assert_int_equal(podman_read_disk(below("podman"), id, &disk, &e), 0);
	assert_span(api.c.name, "p2");
	assert_span(api.c.image, "localhost/pbox:1");
	assert_int_equal(api.c.auto_remove, TRUTH_YES);
	assert_int_equal(api.c.runtime, RUNTIME_PODMAN);
	assert_int_equal(api.c.state, CONTAINER_CREATED);
	assert_true(span_eq(api.c.id, disk.c.id));
	assert_true(span_eq(api.c.name, disk.c.name));
	assert_true(span_eq(api.c.image, disk.c.image));
	assert_true(span_eq(api.c.image_id, disk.c.image_id));
	assert_true(span_eq(api.c.digest, disk.c.digest));
}

static const char spec[] =
	"{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},"
	"\"args\":[\"/bin/sleep\",\"600\"],\"env\":[\"PATH=/bin\"],\"cwd\":\"/\"},"
	"\"root\":{\"path\":\"rootfs\"},\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\","
	"\"source\":\"proc\"}],\"linux\":{\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},"
	"{\"type\":\"ipc\"}]}}";

static int oci_run(const char *tool, const char *root, const char *id)
{
	char *argv[] = {(char *)(uintptr_t)tool, (char *)"--root",	(char *)(uintptr_t)root,
			(char *)"run",		 (char *)"-d",		(char *)"--bundle",
			(char *)(uintptr_t)dir,	 (char *)(uintptr_t)id, NULL};

	write_file("config.json", spec);
	return run_detached(argv);
}

static void bare_runc_is_found_by_its_state_folder(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;
	char id[64];

	SKIP_UNLESS(have("runc"), "no runc");
	(void)snprintf(id, sizeof(id), "amber-r1-%d", (int)getpid());
	SKIP_UNLESS(oci_run("runc", below("runc"), id) == 0, "runc cannot run a container here");
	world_start(&w);
	c = await(&w, id, is_bound);
	assert_non_null(c);
	check_group(&w, c);
	assert_int_equal(c->runtime, RUNTIME_RUNC);
	assert_span(c->rootfs, below("rootfs"));
	assert_span(c->bundle, dir);
	free(c);
	world_stop(&w);
	assert_int_equal(run("runc --root %s/runc delete -f %s", dir, id), 0);
}

static void a_held_start_is_bound_when_its_group_appears(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct err e = ERR_INIT;
	enum identify_result result = IDENTIFY_HOST;
	char id[64], path[LIMIT_PATH];
	struct container *held = NULL;
	uint64_t group = 0;
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(fd) int root = -1;

	SKIP_UNLESS(have("runc"), "no runc");
	(void)snprintf(id, sizeof(id), "amber-r2-%d", (int)getpid());
	world_start(&w);
	write_file("config.json", spec);
	assert_int_equal(identify_bundle(w.identify, RUNTIME_RUNC, id, dir, &held, &e), 0);
	assert_int_equal(held->state, CONTAINER_CREATED);
	assert_span(held->rootfs, below("rootfs"));
	free(held);
	if (oci_run("runc", below("runc"), id) != 0) {
		world_stop(&w);
		SKIP_UNLESS(false, "runc cannot run a container here");
	}
	root = statefile_open_dir(below("runc"), &e);
	assert_int_equal(oci_read_state(root, id, w.cgroups.mount, &d, &e), 0);
	assert_int_equal(path_print(path, &e, "%.*s", (int)d.c.cgroup_path.n,
				    (const char *)d.c.cgroup_path.p),
			 0);
	assert_int_equal(cgroup_id(&w.cgroups, path, &group, &e), 0);
	assert_int_equal(identify_cgroup(w.identify, group, path, &result, &e), 0);
	assert_int_equal(result, IDENTIFY_NEW);
	unsigned s = registry_read_lock(w.registry);
	const struct container *c = registry_find_cgroup(w.registry, group);
	assert_non_null(c);
	assert_span(c->id, id);
	assert_span(c->bundle, dir);
	registry_read_unlock(w.registry, s);
	world_stop(&w);
	assert_int_equal(run("runc --root %s/runc delete -f %s", dir, id), 0);
}

static void bare_crun_is_found_by_its_state_folder(void **state)
{
	static struct world w; /* outlives a failed test, whose threads go on */
	struct container *c;
	char id[64];

	SKIP_UNLESS(have("crun"), "no crun");
	(void)snprintf(id, sizeof(id), "amber-u1-%d", (int)getpid());
	SKIP_UNLESS(oci_run("crun", below("runc"), id) == 0,
		    "crun cannot run a container here (it refuses hybrid control groups)");
	world_start(&w);
	c = await(&w, id, is_bound);
	assert_non_null(c);
	check_group(&w, c);
	assert_int_equal(c->runtime, RUNTIME_CRUN);
	free(c);
	world_stop(&w);
	assert_int_equal(run("crun --root %s/runc delete -f %s", dir, id), 0);
}

static int tear_down(void **state)
{
	if (docker.pid > 0)
		(void)DOCKER("rm -f a1 a2 a3 a4 a4new a5 a6");
	stop_daemon(&docker);
	if (containerd.pid > 0) {
		(void)CTR("tasks rm -f c1 c3 c4");
		(void)CTR("containers rm c1 c3 c4");
	}
	stop_daemon(&containerd);
	if (have("podman"))
		(void)run(PODMAN "rm -f -t 0 p1 p2", dir);
	/* daemons mount both on themselves at each start, and the clean-up that podman leaves
	 * behind may do so once more after this */
	for (int i = 0; i < 20 && access(dir, F_OK) == 0; i++) {
		while (umount2(below("docker-data"), MNT_DETACH) == 0)
			;
		while (umount2(below("podman/overlay"), MNT_DETACH) == 0)
			;
		(void)run("rm -rf %s", dir);
		sleep_ms(200);
	}
	buf_fini(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_api_and_files_say_what_docker_inspect_says),
		cmocka_unit_test(privileged_and_auto_remove_are_read_before_a_start),
		cmocka_unit_test(running_docker_containers_are_found_at_the_start),
		cmocka_unit_test(docker_events_bring_starts_renames_and_exit_codes),
		cmocka_unit_test(a_short_lived_container_keeps_its_name_image_and_exit_code),
		cmocka_unit_test(a_daemon_that_went_away_leaves_a_gap_and_is_heard_again),
		cmocka_unit_test(containerd_is_asked_over_grpc),
		cmocka_unit_test(a_containerd_image_gives_its_digest),
		cmocka_unit_test(containerd_events_bring_starts_and_exits),
		cmocka_unit_test(podman_is_read_from_its_storage_and_found_running),
		cmocka_unit_test(podman_service_says_the_same_as_its_storage),
		cmocka_unit_test(bare_runc_is_found_by_its_state_folder),
		cmocka_unit_test(a_held_start_is_bound_when_its_group_appears),
		cmocka_unit_test(bare_crun_is_found_by_its_state_folder),
	};

	return cmocka_run_group_tests_name("runtime_live", tests, set_up, tear_down);
}
