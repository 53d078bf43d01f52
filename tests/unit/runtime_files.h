/* runtime_files.h - a folder of the run's own with the files that runtimes keep. */
#ifndef AMBER_TESTS_UNIT_RUNTIME_FILES_H
#define AMBER_TESTS_UNIT_RUNTIME_FILES_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "test.h"

#define HEX "eec2eefcc0ae8eadffd3b9fdc0bee05f362b3f9f4f39ccc01dd4234eb214af18"
#define UID "0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"

static char dir[64]; /* a folder of this run's own */

static inline int make_dir(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/amber-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
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
static inline void write_file(const char *name, const char *content)
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

static inline const char *below(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

#define assert_span(s, text) assert_true(span_is((s), (text)))

static const char config_json[] =
	"{\"State\":{\"Running\":false,\"Pid\":0,\"ExitCode\":0,"
	"\"StartedAt\":\"0001-01-01T00:00:00Z\",\"FinishedAt\":\"0001-01-01T00:00:00Z\"},"
	"\"ID\":\"" HEX "\",\"Created\":\"2026-11-24T08:04:07Z\",\"Path\":\"sh\","
	"\"Args\":[\"-c\",\"echo\\nhi\"],\"Config\":{\"User\":\"1:2\",\"Image\":\"reg:5000/web:1\","
	"\"Labels\":{\"a\":\"b\",\"io.kubernetes.pod.name\":\"p\"}},"
	"\"Image\":\"sha256:" HEX "\",\"LogPath\":\"\",\"Name\":\"/we\\\"b\\u0000\","
	"\"MountPoints\":{\"/x\":{\"Source\":\"/src\",\"Destination\":\"/x\",\"RW\":false,"
	"\"Type\":\"bind\"}}}";

static inline void write_docker(void)
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

static const char bundle_json[] =
	"{\"process\":{\"user\":{\"uid\":3,\"gid\":4},\"args\":[\"a\",\"b c\"],"
	"\"capabilities\":{\"bounding\":[\"CAP_SYS_ADMIN\"]}},\"root\":{\"path\":\"rootfs\"},"
	"\"mounts\":[{\"destination\":\"/etc/hosts\",\"type\":\"bind\","
	"\"source\":\"/data/containers/" HEX "/hosts\",\"options\":[\"rbind\",\"ro\"]}],"
	"\"annotations\":{\"io.kubernetes.cri.image-name\":\"img\","
	"\"io.kubernetes.cri.sandbox-name\":\"pod1\"},"
	"\"linux\":{\"cgroupsPath\":\"/foo/box\",\"resources\":{\"devices\":["
	"{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"access\":\"rwm\"}]}}}";

#endif
