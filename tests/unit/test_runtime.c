/* test_runtime.c - claims about names, files and answers of runtimes, none of which need run. */
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

static struct jtree tree_of(const char *text)
{
	struct jtree t = JTREE_INIT;
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, LIMIT_FILE_READ);
	buf_add_text(&b, text);
	assert_int_equal(jtree_parse(&t, &b, "test", &e), 0);
	return t;
}

static void container_ids_are_read_from_cgroup_names(void **state)
{
	static const struct {
		const char *path;
		enum container_runtime runtime;
		const char *pod_uid, *own;
	} good[] = {
		{"/docker/" HEX, RUNTIME_DOCKER, "", "/docker/" HEX},
		{"/docker/" HEX "/init.scope", RUNTIME_DOCKER, "", "/docker/" HEX},
		{"/system.slice/docker-" HEX ".scope", RUNTIME_DOCKER, "",
		 "/system.slice/docker-" HEX ".scope"},
		{"/kubepods.slice/kubepods-burstable.slice/"
		 "kubepods-burstable-pod0f1e2d3c_aaaa_bbbb_cccc_0123456789ab.slice/"
		 "cri-containerd-" HEX ".scope",
		 RUNTIME_CONTAINERD, UID,
		 "/kubepods.slice/kubepods-burstable.slice/"
		 "kubepods-burstable-pod0f1e2d3c_aaaa_bbbb_cccc_0123456789ab.slice/"
		 "cri-containerd-" HEX ".scope"},
		{"/kubepods/besteffort/pod" UID "/" HEX, RUNTIME_UNKNOWN, UID,
		 "/kubepods/besteffort/pod" UID "/" HEX},
		{"/kubepods/pod" UID "/crio-" HEX, RUNTIME_CRIO, UID,
		 "/kubepods/pod" UID "/crio-" HEX},
		{"/machine.slice/libpod-" HEX ".scope/container", RUNTIME_PODMAN, "",
		 "/machine.slice/libpod-" HEX ".scope"},
		{"/libpod_parent/libpod-" HEX, RUNTIME_PODMAN, "", "/libpod_parent/libpod-" HEX},
		{"/" HEX, RUNTIME_UNKNOWN, "", "/" HEX},
		{"/docker/" HEX "/docker/aaaa" HEX, RUNTIME_DOCKER, "", "/docker/" HEX},
	};
	static const char *const bad[] = {
		"/",
		"",
		"/system.slice/ssh.service",
		"/docker",
		"/docker/short",
		"/machine.slice/libpod-conmon-" HEX ".scope",
		"/kubepods/pod" UID,
		"/crio-conmon-" HEX ".scope",
		"/docker-" HEX "0.scope",
		"/user.slice/user-0.slice",
		"/libpod_parent",
		"//////",
	};
	struct cgroup_name name;

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(cgroup_name_parse(span_of(good[i].path), &name));
		assert_span(name.id, HEX);
		assert_int_equal(name.runtime, good[i].runtime);
		assert_string_equal(name.pod_uid, good[i].pod_uid);
		assert_span(name.own, good[i].own);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(cgroup_name_parse(span_of(bad[i]), &name));
}

static void hierarchies_are_told_apart(void **state)
{
	struct cgroup_host h;
	struct err e = ERR_INIT;

	write_file("v2", "30 23 0:26 / /tmp rw - cgroup2 cgroup2 rw,nsdelegate\n");
	assert_int_equal(cgroup_open(&h, below("v2"), &e), 0);
	assert_int_equal(h.mode, CGROUP_UNIFIED);
	assert_string_equal(h.mount, "/tmp");
	cgroup_close(&h);
	write_file("hy", "30 23 0:26 / /tmp rw shared:9 - cgroup2 cgroup2 rw\n"
			 "31 23 0:27 / /var rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n");
	assert_int_equal(cgroup_open(&h, below("hy"), &e), 0);
	assert_int_equal(h.mode, CGROUP_HYBRID);
	assert_int_equal(h.v1_count, 1);
	assert_string_equal(h.v1[0].controllers, "cpu,cpuacct");
	cgroup_close(&h);
	write_file("v1", "31 23 0:27 / /var rw - cgroup cgroup rw,memory\n"
			 "broken line\n\n"
			 "32 23 0:28 / /tmp rw - cgroup cgroup rw,xattr,name=systemd\n");
	assert_int_equal(cgroup_open(&h, below("v1"), &e), 0);
	assert_int_equal(h.mode, CGROUP_LEGACY);
	assert_string_equal(h.mount, "/tmp");
	assert_string_equal(h.controllers, "name=systemd");
	cgroup_close(&h);
	write_file("none", "1 1 0:1 / / rw - ext4 /dev/sda rw\n");
	assert_int_equal(cgroup_open(&h, below("none"), &e), -ENOENT);
}

static void a_process_names_its_group_in_each_hierarchy(void **state)
{
	struct span text = span_of("9:name=systemd:/a:b\n4:cpu,cpuacct:/c\n0::/docker/x\n");
	struct span path;

	assert_true(cgroup_parse_proc(text, "", &path));
	assert_span(path, "/docker/x");
	assert_true(cgroup_parse_proc(text, "name=systemd", &path));
	assert_span(path, "/a:b");
	assert_true(cgroup_parse_proc(text, "cpu,cpuacct", &path));
	assert_span(path, "/c");
	assert_false(cgroup_parse_proc(text, "cpu", &path));
	assert_false(cgroup_parse_proc(span_of("0::"), "", &path));
	assert_false(cgroup_parse_proc(span_of(""), "", &path));
}

static void a_group_of_this_host_goes_from_path_to_id_and_back(void **state)
{
	char made_path[512], path[LIMIT_PATH], name[64];
	struct cgroup_host h;
	struct err e = ERR_INIT;
	uint32_t pids[4];
	uint64_t id;
	size_t n = 9;

	if (cgroup_open(&h, NULL, &e) < 0) {
		print_message("skip: %s\n", e.text);
		skip();
	}
	(void)snprintf(name, sizeof(name), "/amber-test-%d", (int)getpid());
	(void)snprintf(made_path, sizeof(made_path), "%s%s", h.mount, name);
	if (mkdir(made_path, 0755) != 0) {
		cgroup_close(&h);
		print_message("skip: cannot make a control group here\n");
		skip();
	}
	assert_int_equal(cgroup_id(&h, name, &id, &e), 0);
	assert_int_equal(cgroup_path(&h, id, path, &e), 0);
	assert_string_equal(path, name);
	assert_int_equal(cgroup_procs(&h, name, pids, 4, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(cgroup_of_pid(&h, (uint32_t)getpid(), path, &e), 0);
	assert_int_equal(path[0], '/');
	assert_int_equal(rmdir(made_path), 0);
	assert_true(cgroup_path(&h, id, path, &e) < 0);
	assert_int_equal(cgroup_id(&h, name, &id, &e), -ENOENT);
	cgroup_close(&h);
}

static void the_upper_directory_is_the_last_overlay_on_that_root(void **state)
{
	struct err e = ERR_INIT;
	AUTO(buf) struct buf upper = {.max = LIMIT_PATH};

	write_file(
		"mi",
		"1 1 0:1 / /a\\040b rw - overlay overlay rw,lowerdir=/l,upperdir=/old,workdir=/w\n"
		"1 1 0:1 / /a\\040b rw - overlay overlay "
		"rw,lowerdir=/l,upperdir=/u\\040p,workdir=/w\n"
		"1 1 0:1 / /c rw - overlay overlay ro,lowerdir=/l:/m\n");
	assert_int_equal(mountinfo_upper_dir(below("mi"), span_of("/a b"), &upper, &e), 0);
	assert_string_equal(buf_text(&upper), "/u p");
	assert_int_equal(mountinfo_upper_dir(below("mi"), span_of("/c"), &upper, &e), -ENOENT);
}

static void times_are_read_as_go_prints_them(void **state)
{
	assert_true(statefile_time(span_of("2026-11-24T08:04:07.562967914Z")) ==
		    1795507447562967914ull);
	assert_true(statefile_time(span_of("2026-11-24T10:04:07.5+02:00")) ==
		    1795507447500000000ull);
	assert_true(statefile_time(span_of("2026-11-24T06:04:07-02:00")) == 1795507447000000000ull);
	assert_int_equal(statefile_time(span_of("0001-01-01T00:00:00Z")), 0);
	assert_int_equal(statefile_time(span_of("9999-99-99T99:99:99Z")), 0);
	assert_int_equal(statefile_time(span_of("yesterday")), 0);
	assert_int_equal(statefile_time(span_of("")), 0);
}

static void docker_is_read_from_its_files(void **state)
{
	struct err e = ERR_INIT;
	AUTO(draft) struct draft d = DRAFT_INIT;

	write_docker();
	assert_int_equal(docker_read_disk(below("d"), HEX, &d, &e), 0);
	assert_span(d.c.id, HEX);
	assert_true(span_eq(d.c.name, span_make("we\"b\0", 5)));
	assert_span(d.c.image, "reg:5000/web:1");
	assert_span(d.c.image_id, "sha256:" HEX);
	assert_span(d.c.digest, "sha256:22");
	assert_span(d.c.restart, "on-failure:3");
	assert_span(d.c.user, "1:2");
	assert_span(d.c.command, "sh -c echo\nhi");
	assert_span(d.c.pod, "p");
	assert_true(span_ends(d.c.log_path, "/d/containers/" HEX "/" HEX "-json.log"));
	assert_int_equal(d.c.privileged, TRUTH_YES);
	assert_int_equal(d.c.auto_remove, TRUTH_NO);
	assert_int_equal(d.c.state, CONTAINER_CREATED);
	assert_int_equal(d.c.exit_code, -1);
	assert_int_equal(d.c.label_count, 2);
	assert_int_equal(d.c.mount_count, 1);
	assert_int_equal(d.c.mounts[0].writable, TRUTH_NO);
	assert_span(d.c.mounts[0].source, "/src");
}

static void docker_files_cannot_lead_out_or_lie_about_the_id(void **state)
{
	struct err e = ERR_INIT;
	AUTO(draft) struct draft d = DRAFT_INIT;

	write_docker();
	assert_int_equal(docker_read_disk(below("d"), "../../etc", &d, &e), -EINVAL);
	assert_int_equal(docker_read_disk(below("d"), "", &d, &e), -EINVAL);
	assert_int_equal(docker_read_disk(below("d"), "nothere", &d, &e), -ENOENT);
	assert_int_equal(docker_read_disk(below("nodocker"), HEX, &d, &e), -ENOENT);
	write_file("d/containers/other/config.v2.json", config_json);
	assert_int_equal(docker_read_disk(below("d"), "other", &d, &e), -EINVAL);
	/* a link to a file outside of the root finds nothing */
	write_file("outside.json", config_json);
	assert_int_equal(mkdir(below("d/containers/link"), 0755), 0);
	assert_int_equal(symlink("/tmp/../etc/passwd", below("d/containers/link/config.v2.json")),
			 0);
	assert_int_equal(docker_read_disk(below("d"), "link", &d, &e), -ENOENT);
	/* nor does a pipe hang the reader */
	assert_int_equal(mkdir(below("d/containers/pipe"), 0755), 0);
	assert_int_equal(mkfifo(below("d/containers/pipe/config.v2.json"), 0644), 0);
	assert_int_equal(docker_read_disk(below("d"), "pipe", &d, &e), -ELOOP);
}

static void an_exited_container_has_its_code_and_a_running_one_has_none(void **state)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(jtree)
	struct jtree t = tree_of(
		"{\"Id\":\"" HEX "\",\"State\":{\"Running\":false,\"ExitCode\":137,"
		"\"StartedAt\":\"2026-11-24T08:04:07Z\",\"FinishedAt\":\"2026-11-24T08:04:09Z\"}}");
	AUTO(jtree)
	struct jtree again = tree_of(
		"{\"Id\":\"" HEX "\",\"State\":{\"Running\":true,\"Pid\":12,\"ExitCode\":137,"
		"\"StartedAt\":\"2026-11-24T08:04:10Z\",\"FinishedAt\":\"2026-11-24T08:04:09Z\"}}");

	docker_fill_inspect(&d, jtree_root(&t));
	assert_int_equal(d.c.state, CONTAINER_DEAD);
	assert_int_equal(d.c.exit_code, 137);
	assert_int_equal(d.c.privileged, TRUTH_UNKNOWN);
	draft_fini(&d);
	docker_fill_inspect(&d, jtree_root(&again));
	assert_int_equal(d.c.state, CONTAINER_RUNNING);
	assert_int_equal(d.c.exit_code, -1);
	assert_int_equal(d.c.init_pid, 12);
	assert_int_equal(d.c.died_ns, 0);
}

static void identities_are_cut_at_limits_and_say_so(void **state)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(free) char *big = malloc(LIMIT_IDENTITY_TEXT + 100);

	assert_non_null(big);
	memset(big, 'x', LIMIT_IDENTITY_TEXT + 100);
	draft_set(&d, &d.c.name, span_make(big, LIMIT_IDENTITY_TEXT + 100));
	assert_int_equal(d.c.name.n, LIMIT_IDENTITY_TEXT);
	assert_int_equal(d.c.cut, 1);
	for (unsigned i = 0; i < LIMIT_LABELS + 5; i++)
		draft_label(&d, span_of("k"), span_of("v"));
	assert_int_equal(d.c.label_count, LIMIT_LABELS);
	assert_int_equal(d.c.cut, 6);
}

static void hostile_identities_print_as_whole_json(void **state)
{
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(jtree) struct jtree t = JTREE_INIT;
	struct buf b;
	struct json j = json_to(&b);
	struct err e = ERR_INIT;

	buf_init(&b, LIMIT_FILE_READ);
	draft_set(&d, &d.c.id, span_of("x"));
	draft_set(&d, &d.c.name, span_of("a\"b\n\033[31m\xff"));
	draft_label(&d, span_of("k\xfe"), span_of("</script>"));
	container_json(&j, NULL, &d.c);
	assert_int_equal(jtree_parse(&t, &b, "printed", &e), 0);
	assert_span(jval_text(jval_get(jtree_root(&t), "name")), "a\"b\n\033[31m\xef\xbf\xbd");
	assert_span(jval_text(jval_get(jtree_root(&t), "name_hex")), "6122620a1b5b33316dff");
	assert_span(jval_text(jval_get(jtree_root(&t), "state")), "created");
	assert_int_equal(jval_kind(jval_get(jtree_root(&t), "image")), JKIND_ABSENT);
	assert_int_equal(jval_kind(jval_get(jtree_root(&t), "privileged")), JKIND_ABSENT);
}

static void a_bundle_tells_root_user_and_privileges(void **state)
{
	struct err e = ERR_INIT;
	char root[LIMIT_PATH];
	AUTO(draft) struct draft d = DRAFT_INIT;
	AUTO(buf) struct buf cgroup = {.max = LIMIT_PATH};

	write_file("b/config.json", bundle_json);
	draft_set(&d, &d.c.id, span_of(HEX));
	assert_int_equal(oci_read_bundle(below("b"), &d, &cgroup, &e), 0);
	assert_true(span_ends(d.c.rootfs, "/b/rootfs"));
	assert_span(d.c.user, "3:4");
	assert_span(d.c.command, "a b c");
	assert_span(d.c.image, "img");
	assert_span(d.c.pod, "pod1");
	assert_string_equal(buf_text(&cgroup), "/foo/box");
	assert_int_equal(d.c.privileged, TRUTH_YES);
	assert_int_equal(d.c.mounts[0].writable, TRUTH_NO);
	assert_true(docker_root_of(&d.c, root));
	assert_string_equal(root, "/data");
	write_file("b2/config.json", "[1]");
	assert_int_equal(oci_read_bundle(below("b2"), &d, NULL, &e), -EINVAL);
	assert_int_equal(oci_read_bundle(below("b3"), &d, NULL, &e), -ENOENT);
}

static void privileged_is_unknown_unless_everything_agrees(void **state)
{
	static const struct {
		const char *text;
		enum truth truth;
	} cases[] = {
		{"{}", TRUTH_UNKNOWN},
		{"{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"]}}}", TRUTH_NO},
		{"{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\"]}}}",
		 TRUTH_UNKNOWN},
		{"{\"process\":{\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\"]}},"
		 "\"linux\":{\"seccomp\":{},\"maskedPaths\":[\"/proc/kcore\"]}}",
		 TRUTH_NO},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(jtree) struct jtree t = tree_of(cases[i].text);

		assert_int_equal(oci_privileged(jtree_root(&t)), cases[i].truth);
	}
}

static void states_of_runc_and_crun_are_read(void **state)
{
	struct err e = ERR_INIT;
	AUTO(fd) int root = -1;
	AUTO(draft) struct draft d = DRAFT_INIT;

	write_file("runc/box/state.json",
		   "{\"id\":\"box\",\"init_process_pid\":77,\"created\":\"2026-11-24T08:04:07Z\","
		   "\"config\":{\"rootfs\":\"/r\",\"labels\":[\"bundle=/b\"]},"
		   "\"cgroup_paths\":{\"cpu\":\"/sys/fs/cgroup/cpu/x\",\"\":\"/cg/unified/box\"}}");
	write_file("runc/crunbox/status",
		   "{\"pid\":78,\"process-start-time\":5,\"cgroup-path\":\"/user/box\","
		   "\"rootfs\":\"/r\",\"bundle\":\"/b\",\"created\":\"2026-11-24T08:04:07Z\"}");
	root = open(below("runc"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(oci_read_state(root, "box", "/cg/unified", &d, &e), 0);
	assert_int_equal(d.c.init_pid, 77);
	assert_span(d.c.bundle, "/b");
	assert_span(d.c.cgroup_path, "/box");
	assert_int_equal(d.c.runtime, RUNTIME_RUNC);
	draft_fini(&d);
	assert_int_equal(oci_read_state(root, "crunbox", "/cg/unified", &d, &e), 0);
	assert_int_equal(d.c.init_pid, 78);
	assert_span(d.c.id, "crunbox");
	assert_span(d.c.cgroup_path, "/user/box");
	assert_int_equal(d.c.runtime, RUNTIME_CRUN);
	assert_int_equal(oci_read_state(root, "../x", "", &d, &e), -EINVAL);
	assert_int_equal(oci_read_state(root, "no", "", &d, &e), -ENOENT);
}

static void write_podman(void)
{
	write_file("p/overlay-containers/containers.json",
		   "[{\"id\":\"" HEX "\",\"names\":[\"pc1\"],\"image\":\"" HEX "\","
		   "\"metadata\":\"{\\\"image-name\\\":\\\"localhost/pbox:1\\\",\\\"name\\\":"
		   "\\\"pc1\\\"}\",\"created\":\"2026-11-24T08:04:30.684921589Z\"}]");
	write_file("p/overlay-images/images.json",
		   "[{\"id\":\"" HEX
		   "\",\"digest\":\"sha256:33\",\"names\":[\"localhost/pbox:1\"]}]");
	write_file("p/overlay-containers/" HEX "/userdata/config.json",
		   "{\"root\":{\"path\":\"/merged\"},\"process\":{\"args\":[\"sleep\"]},"
		   "\"annotations\":{\"io.container.manager\":\"libpod\","
		   "\"io.podman.annotations.autoremove\":\"TRUE\","
		   "\"io.podman.annotations.privileged\":\"FALSE\"}}");
}

static void podman_is_read_from_its_storage(void **state)
{
	struct err e = ERR_INIT;
	char storage[LIMIT_PATH];
	AUTO(draft) struct draft d = DRAFT_INIT;

	write_podman();
	assert_int_equal(podman_read_disk(below("p"), HEX, &d, &e), 0);
	assert_span(d.c.name, "pc1");
	assert_span(d.c.image, "localhost/pbox:1");
	assert_span(d.c.image_id, "sha256:" HEX);
	assert_span(d.c.digest, "sha256:33");
	assert_span(d.c.rootfs, "/merged");
	assert_int_equal(d.c.auto_remove, TRUTH_YES);
	assert_int_equal(d.c.privileged, TRUTH_NO);
	assert_int_equal(d.c.runtime, RUNTIME_PODMAN);
	assert_true(podman_storage_of(&d.c, storage));
	assert_string_equal(storage, below("p"));
	draft_fini(&d);
	assert_int_equal(podman_read_disk(below("p"), "other", &d, &e), -ENOENT);
}

static void protobuf_fields_are_read_and_broken_ones_end_the_message(void **state)
{
	AUTO(buf) struct buf b = {.max = 1000};
	struct cursor c;
	struct pb_field f;

	pb_add(&b, 1, span_of("id"));
	buf_add_varint(&b, 3 << 3);
	buf_add_varint(&b, 300);
	pb_add(&b, 200, span_of("x"));
	assert_span(pb_bytes(buf_span(&b), 1), "id");
	assert_int_equal(pb_value(buf_span(&b), 3), 300);
	assert_span(pb_bytes(buf_span(&b), 200), "x");
	assert_int_equal(pb_bytes(buf_span(&b), 2).n, 0);
	static const uint8_t hostile[] = {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x'};
	c = cursor_of(span_make(hostile, sizeof(hostile)));
	assert_false(pb_next(&c, &f));
	assert_int_equal(cursor_left(&c), sizeof(hostile));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_ids_are_read_from_cgroup_names),
		cmocka_unit_test(hierarchies_are_told_apart),
		cmocka_unit_test(a_process_names_its_group_in_each_hierarchy),
		cmocka_unit_test(a_group_of_this_host_goes_from_path_to_id_and_back),
		cmocka_unit_test(the_upper_directory_is_the_last_overlay_on_that_root),
		cmocka_unit_test(times_are_read_as_go_prints_them),
		cmocka_unit_test(docker_is_read_from_its_files),
		cmocka_unit_test(docker_files_cannot_lead_out_or_lie_about_the_id),
		cmocka_unit_test(an_exited_container_has_its_code_and_a_running_one_has_none),
		cmocka_unit_test(identities_are_cut_at_limits_and_say_so),
		cmocka_unit_test(hostile_identities_print_as_whole_json),
		cmocka_unit_test(a_bundle_tells_root_user_and_privileges),
		cmocka_unit_test(privileged_is_unknown_unless_everything_agrees),
		cmocka_unit_test(states_of_runc_and_crun_are_read),
		cmocka_unit_test(podman_is_read_from_its_storage),
		cmocka_unit_test(protobuf_fields_are_read_and_broken_ones_end_the_message),
	};

	return cmocka_run_group_tests_name("runtime", tests, make_dir, remove_dir);
}
