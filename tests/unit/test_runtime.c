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
#include "test.h"

#define HEX "eec2eefcc0ae8eadffd3b9fdc0bee05f362b3f9f4f39ccc01dd4234eb214af18"
#define UID "0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"

static char dir[64]; /* a folder of this run's own */

static int make_dir(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/amber-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s", dir);
	char *argv[] = {(char *)"rm", (char *)"-rf", path, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp("rm", argv);
		_exit(127);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* Writes a file below `dir`, folders and all. */
static void write_file(const char *name, const char *content)
{
	char path[512], *slash;
	struct err e = ERR_INIT;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(fd_make_dirs(path, 0755, &e), 0);
	*slash = '/';
	assert_int_equal(fd_replace_file(path, span_of(content), 0644, &e), 0);
}

static const char *below(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

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

#define assert_span(s, text) assert_true(span_is((s), (text)))

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
		print_message("skipped: %s\n", e.text);
		skip();
	}
	(void)snprintf(name, sizeof(name), "/amber-test-%d", (int)getpid());
	(void)snprintf(made_path, sizeof(made_path), "%s%s", h.mount, name);
	if (mkdir(made_path, 0755) != 0) {
		cgroup_close(&h);
		print_message("skipped: cannot make a control group here\n");
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

static const char config_json[] =
	"{\"State\":{\"Running\":false,\"Pid\":0,\"ExitCode\":0,"
	"\"StartedAt\":\"0001-01-01T00:00:00Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\"},"
	"\"ID\":\"" HEX "\",\"Created\":\"2026-11-24T08:04:07Z\",\"Path\":\"sh\","
	"\"Args\":[\"-c\",\"echo\\nhi\"],\"Config\":{\"User\":\"1:2\",\"Image\":\"reg:5000/web:1\","
	"\"Labels\":{\"a\":\"b\",\"io.kubernetes.pod.name\":\"p\"}},"
	"\"Image\":\"sha256:" HEX "\",\"LogPath\":\"\",\"Name\":\"/we\\\"b\\u0000\","
	"\"MountPoints\":{\"/x\":{\"Source\":\"/src\",\"Destination\":\"/x\",\"RW\":false,"
	"\"Type\":\"bind\"}}}";

static void write_docker(void)
{
	write_file("d/containers/" HEX "/config.v2.json", config_json);
	write_file(
		"d/containers/" HEX "/hostconfig.json",
		"{\"RestartPolicy\":{\"Name\":\"on-failure\",\"MaximumRetryCount\":3},"
		"\"AutoRemove\":false,\"Privileged\":true,\"LogConfig\":{\"Type\":\"json-file\"}}");
	write_file("d/image/overlay2/repositories.json",
		   "{\"Repositories\":{\"other\":{\"other@sha256:11\":\"sha256:" HEX "\"},"
		   "\"reg:5000/web\":{\"reg:5000/web:1\":\"sha256:" HEX "\","
		   "\"reg:5000/web@sha256:22\":\"sha256:" HEX "\"}}}");
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

static const char bundle_json[] =
	"{\"process\":{\"user\":{\"uid\":3,\"gid\":4},\"args\":[\"a\",\"b c\"],"
	"\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\"]}},\"root\":{\"path\":\"rootfs\"},"
	"\"mounts\":[{\"destination\":\"/etc/hosts\",\"type\":\"bind\","
	"\"source\":\"/data/containers/" HEX "/hosts\",\"options\":[\"rbind\",\"ro\"]}],"
	"\"annotations\":{\"io.kubernetes.cri.image-name\":\"img\","
	"\"io.kubernetes.cri.sandbox-name\":\"pod1\"},"
	"\"linux\":{\"cgroupsPath\":\"/foo/box\",\"resources\":{\"devices\":["
	"{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"access\":\"rwm\"}]}}}";

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

	return cmocka_run_group_tests_name("runtime", tests, make_dir, remove_dir);
}
