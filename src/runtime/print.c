/* print.c - a container as JSON: container_json of draft.h. */
#include "base/clock.h"
#include "base/json.h"
#include "runtime/draft.h"

static void text(struct json *j, const char *name, struct span value)
{
	if (value.n)
		json_bytes(j, name, value);
}

static void truth(struct json *j, const char *name, enum truth value)
{
	if (value != TRUTH_UNKNOWN)
		json_bool(j, name, value == TRUTH_YES);
}

static void when(struct json *j, const char *name, uint64_t real_ns)
{
	char printed[CLOCK_TEXT];

	if (!real_ns)
		return;
	clock_print(real_ns, printed);
	json_text(j, name, printed);
}

/* Arrays of pairs and not an object: a key that is not UTF-8 or is there twice stays whole. */
static void labels(struct json *j, const struct container *c)
{
	if (!c->label_count)
		return;
	json_array(j, "labels");
	for (size_t i = 0; i < c->label_count; i++) {
		json_object(j, NULL);
		json_bytes(j, "key", c->labels[i].key);
		json_bytes(j, "value", c->labels[i].value);
		json_object_end(j);
	}
	json_array_end(j);
}

static void mounts(struct json *j, const struct container *c)
{
	if (!c->mount_count)
		return;
	json_array(j, "mounts");
	for (size_t i = 0; i < c->mount_count; i++) {
		const struct container_mount *m = &c->mounts[i];

		json_object(j, NULL);
		text(j, "source", m->source);
		text(j, "target", m->target);
		text(j, "type", m->type);
		truth(j, "writable", m->writable);
		json_object_end(j);
	}
	json_array_end(j);
}

static void texts(struct json *j, const struct container *c)
{
	const struct {
		const char *name;
		struct span value;
	} members[] = {
		{"image", c->image},
		{"image_id", c->image_id},
		{"digest", c->digest},
		{"pod", c->pod},
		{"pod_namespace", c->pod_namespace},
		{"pod_uid", c->pod_uid},
		{"cgroup_path", c->cgroup_path},
		{"rootfs", c->rootfs},
		{"upper_dir", c->upper_dir},
		{"bundle", c->bundle},
		{"log_path", c->log_path},
		{"restart", c->restart},
		{"user", c->user},
		{"command", c->command},
		{"conflict", c->conflict},
	};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		text(j, members[i].name, members[i].value);
}

void container_json(struct json *j, const char *name, const struct container *c)
{
	json_object(j, name);
	text(j, "id", c->id);
	text(j, "name", c->name);
	json_text(j, "state", container_state_name(c->state));
	json_text(j, "runtime", container_runtime_name(c->runtime));
	texts(j, c);
	truth(j, "privileged", c->privileged);
	truth(j, "auto_remove", c->auto_remove);
	if (c->cgroup_id)
		json_u64(j, "cgroup_id", c->cgroup_id);
	if (c->init_pid)
		json_u64(j, "init_pid", c->init_pid);
	if (c->exit_code >= 0)
		json_i64(j, "exit_code", c->exit_code);
	when(j, "created", c->created_ns);
	when(j, "started", c->started_ns);
	when(j, "died", c->died_ns);
	labels(j, c);
	mounts(j, c);
	if (c->cut)
		json_u64(j, "cut", c->cut);
	if (c->rev)
		json_u64(j, "rev", c->rev);
	json_object_end(j);
}
