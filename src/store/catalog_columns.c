/* catalog_columns.c - the table of catalog_columns.h. */
#include "store/catalog_columns.h"

#include "base/auto.h"

#define AT(member) offsetof(struct container, member)

/* The id is first: it is the key. */
const struct catalog_column catalog_columns[] = {
	{"id", CATALOG_TEXT, AT(id), "the runtime's own id"},
	{"name", CATALOG_TEXT, AT(name), "name"},
	{"image", CATALOG_TEXT, AT(image), "image as the user named it"},
	{"image_id", CATALOG_TEXT, AT(image_id), "sha256 of the image's configuration"},
	{"digest", CATALOG_TEXT, AT(digest), "sha256 of the image's manifest"},
	{"runtime", CATALOG_RUNTIME, AT(runtime), "docker, containerd, podman, runc, ..."},
	{"state", CATALOG_STATE, AT(state), "created, running or dead"},
	{"privileged", CATALOG_TRUTH, AT(privileged), "1, 0, or NULL when unknown"},
	{"auto_remove", CATALOG_TRUTH, AT(auto_remove), "1 when it is removed on exit"},
	{"init_pid", CATALOG_U32, AT(init_pid), "pid of its first process on the host"},
	{"exit_code", CATALOG_I32, AT(exit_code), "of a dead one"},
	{"created_ns", CATALOG_U64, AT(created_ns), "when it was created, ns since 1970"},
	{"started_ns", CATALOG_U64, AT(started_ns), "when it was started"},
	{"died_ns", CATALOG_U64, AT(died_ns), "when it died"},
	{"pod", CATALOG_TEXT, AT(pod), "pod"},
	{"pod_namespace", CATALOG_TEXT, AT(pod_namespace), "Kubernetes namespace"},
	{"pod_uid", CATALOG_TEXT, AT(pod_uid), "Kubernetes uid of the pod"},
	{"cgroup_id", CATALOG_U64, AT(cgroup_id), "inode of its control group"},
	{"cgroup_path", CATALOG_TEXT, AT(cgroup_path), "path of its control group"},
	{"rootfs", CATALOG_TEXT, AT(rootfs), "merged root on the host"},
	{"upper_dir", CATALOG_TEXT, AT(upper_dir), "writable layer on the host"},
	{"bundle", CATALOG_TEXT, AT(bundle), "OCI bundle"},
	{"log_path", CATALOG_TEXT, AT(log_path), "log file on the host"},
	{"restart", CATALOG_TEXT, AT(restart), "restart policy"},
	{"user", CATALOG_TEXT, AT(user), "user asked for"},
	{"command", CATALOG_TEXT, AT(command), "configured argv: a claim"},
};

const size_t catalog_column_count = ARRAY_LEN(catalog_columns);
