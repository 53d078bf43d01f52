/* cgroup_name.c - container ids in the names of control groups: cgroup_name_parse of cgroup.h. */
#include "runtime/cgroup.h"
#include "runtime/draft.h"

struct pattern {
	const char *prefix;
	enum container_runtime runtime;
};

/* A name that starts with a prefix goes on with an id, and ".scope" may stand behind it.  Names
 * such as crio-conmon-ID and libpod-conmon-ID (the monitor outside the container) match none,
 * because what is behind their prefix is no id. */
static const struct pattern patterns[] = {
	{"docker-", RUNTIME_DOCKER},
	{"cri-containerd-", RUNTIME_CONTAINERD},
	{"containerd-", RUNTIME_CONTAINERD},
	{"nerdctl-", RUNTIME_CONTAINERD},
	{"crio-", RUNTIME_CRIO},
	{"libpod-payload-", RUNTIME_PODMAN},
	{"libpod-", RUNTIME_PODMAN},
};

static struct span without(struct span name, const char *suffix)
{
	if (span_ends(name, suffix))
		name.n -= strlen(suffix);
	return name;
}

static struct span behind(struct span name, const char *prefix)
{
	size_t n = strlen(prefix);

	return span_starts(name, prefix) ? span_make(name.p + n, name.n - n) : span_make(NULL, 0);
}

static bool match(struct span name, struct span parent, struct cgroup_name *ret)
{
	struct span bare = without(name, ".scope");

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct span id = behind(bare, patterns[i].prefix);

		if (!container_id_is_hex(id))
			continue;
		ret->runtime = patterns[i].runtime;
		ret->id = id;
		return true;
	}
	if (!container_id_is_hex(name))
		return false;
	ret->runtime = span_is(parent, "docker") ? RUNTIME_DOCKER : RUNTIME_UNKNOWN;
	ret->id = name;
	return true;
}

/* "pod<UID>" and "kubepods-burstable-pod<UID_WITH_UNDERSCORES>.slice". */
static void note_pod(struct span name, struct cgroup_name *ret)
{
	struct span uid = behind(name, "pod");

	if (span_starts(name, "kubepods") && span_ends(name, ".slice")) {
		name = without(name, ".slice");
		for (size_t i = 0; i + 4 < name.n; i++) {
			if (memcmp(name.p + i, "-pod", 4) == 0)
				uid = span_make(name.p + i + 4, name.n - i - 4);
		}
	}
	if (uid.n < 32 || uid.n >= sizeof(ret->pod_uid))
		return;
	for (size_t i = 0; i < uid.n; i++)
		ret->pod_uid[i] = (char)(uid.p[i] == '_' ? '-' : uid.p[i]);
	ret->pod_uid[uid.n] = '\0';
}

bool cgroup_name_parse(struct span path, struct cgroup_name *ret_name)
{
	struct cgroup_name found = {.pod_uid = ""};
	struct span parent = span_make(NULL, 0);
	bool in_kubernetes = false;

	for (size_t at = 0; at < path.n;) {
		const uint8_t *slash = memchr(path.p + at, '/', path.n - at);
		size_t end = slash ? (size_t)(slash - path.p) : path.n;
		struct span name = span_make(path.p + at, end - at);

		in_kubernetes = in_kubernetes || span_starts(name, "kubepods");
		if (in_kubernetes)
			note_pod(name, &found);
		if (match(name, parent, &found)) {
			found.own = span_make(path.p, end);
			*ret_name = found;
			return true;
		}
		parent = name;
		at = end + 1;
	}
	return false;
}
