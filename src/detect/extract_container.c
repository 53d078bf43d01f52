/* extract_container.c - container.* and k8s.*: where it happened. */
#include "detect/extract_impl.h"

#include <ctype.h>

#include "detect/glob.h"

#define SHORT_ID 12u /* digits that Falco and Docker show */

/* Whether a runtime has told about the container: what it left out then is not there. */
static bool is_told(const struct container *c)
{
	return c->image.n || c->image_id.n;
}

/* A text of the container's: of the host none. */
static struct detect_value text_of(const struct container *c, struct span text)
{
	if (!c)
		return detect_none();
	return text.n || !is_told(c) ? detect_known(text) : detect_none();
}

READER(id)
{
	const struct container *c = event->ev->container;
	struct span text;

	if (!c)
		return detect_text(span_of("host"));
	text = c->id;
	if (text.n > SHORT_ID)
		text.n = SHORT_ID;
	return detect_known(text);
}

READER(full_id)
{
	const struct container *c = event->ev->container;

	return c ? detect_known(c->id) : detect_text(span_of("host"));
}

READER(name)
{
	const struct container *c = event->ev->container;

	return c ? detect_known(c->name) : detect_text(span_of("host"));
}

READER(type)
{
	const struct container *c = event->ev->container;

	if (!c)
		return detect_text(span_of("host"));
	return c->runtime == RUNTIME_UNKNOWN
		       ? detect_absent()
		       : detect_text(span_of(container_runtime_name(c->runtime)));
}

READER(image)
{
	const struct container *c = event->ev->container;

	return c ? detect_known(c->image) : detect_none();
}

READER(image_id)
{
	const struct container *c = event->ev->container;
	struct span text;

	if (!c)
		return detect_none();
	text = c->image_id;
	if (span_starts(text, "sha256:"))
		text = span_make(text.p + 7, text.n - 7);
	return detect_known(text);
}

READER(digest)
{
	const struct container *c = event->ev->container;

	return text_of(c, c ? c->digest : span_make(NULL, 0));
}

/* "registry:5000/name:tag@sha256:..." (github.com/distribution/reference): the tag is what stands
 * behind the last ':' that has no '/' behind it. */
static void split_image(struct span image, struct span *ret_repository, struct span *ret_tag)
{
	const uint8_t *at = image.n ? memchr(image.p, '@', image.n) : NULL, *colon;

	if (at)
		image.n = (size_t)(at - image.p);
	*ret_tag = span_make(NULL, 0);
	colon = image.n ? memrchr(image.p, ':', image.n) : NULL;
	if (colon && !memchr(colon, '/', image.n - (size_t)(colon - image.p))) {
		*ret_tag = span_make(colon + 1, image.n - (size_t)(colon + 1 - image.p));
		image.n = (size_t)(colon - image.p);
	}
	*ret_repository = image;
}

/* An image that was named by its id has no repository. */
static bool is_image_id(struct span image)
{
	if (span_starts(image, "sha256:"))
		return true;
	for (size_t i = 0; i < image.n; i++)
		if (!isxdigit(image.p[i]))
			return false;
	return image.n == 64;
}

static struct detect_value image_part(const struct container *c, bool tag)
{
	struct span repository, name;

	if (!c)
		return detect_none();
	if (is_image_id(c->image))
		return detect_absent();
	split_image(c->image, &repository, &name);
	return tag && c->image.n && !name.n ? detect_none() : detect_known(tag ? name : repository);
}

READER(repository)
{
	return image_part(event->ev->container, false);
}

READER(tag)
{
	return image_part(event->ev->container, true);
}

READER(privileged)
{
	const struct container *c = event->ev->container;

	return c ? detect_truth(c->privileged) : detect_none();
}

static struct detect_value when(const struct detect_event *event, bool since)
{
	const struct container *c = event->ev->container;

	if (!c)
		return detect_none();
	if (!c->started_ns || (since && event->ev->real_ns < c->started_ns))
		return detect_absent();
	return detect_u64(since ? event->ev->real_ns - c->started_ns : c->started_ns);
}

READER(start_time)
{
	return when(event, false);
}

READER(duration)
{
	return when(event, true);
}

static struct detect_value label(const struct container *c, struct span key)
{
	if (!c)
		return detect_none();
	for (size_t i = 0; i < c->label_count; i++)
		if (span_eq(c->labels[i].key, key))
			return detect_text(c->labels[i].value);
	return is_told(c) && !c->cut ? detect_none() : detect_absent();
}

READER(one_label)
{
	return label(event->ev->container, field->arg);
}

READER(all_labels)
{
	const struct container *c = event->ev->container;
	struct detect_value *items;

	if (!c)
		return detect_none();
	if (!is_told(c) && c->label_count == 0)
		return detect_absent();
	items = detect_room_items(event->scratch, c->label_count);
	if (!items)
		return detect_absent();
	for (size_t i = 0; i < c->label_count; i++) {
		struct span parts[2] = {c->labels[i].key, c->labels[i].value};

		items[i] = detect_joined(event->scratch, parts, 2, ":");
	}
	return detect_several(DETECT_LIST, items, c->label_count);
}

enum mount_part {
	MOUNT_WHOLE,
	MOUNT_SOURCE,
	MOUNT_DEST,
	MOUNT_MODE,
	MOUNT_WRITABLE,
};

static struct span writable_word(const struct container_mount *m)
{
	return span_of(m->writable == TRUTH_UNKNOWN ? ""
		       : m->writable == TRUTH_YES   ? "true"
						    : "false");
}

/* "source:target:type:true", as Falco prints one, but for the propagation. */
static struct detect_value print_mount(const struct detect_event *event,
				       const struct container_mount *m)
{
	struct span parts[4] = {m->source, m->target, m->type, writable_word(m)};

	return detect_joined(event->scratch, parts, 4, ":");
}

/* The mount that the argument names: by number, else by a glob of `by`, its source or target. */
static const struct container_mount *find_mount(const struct container *c,
						const struct extract_field *field, bool by_target)
{
	const struct container_mount *found = NULL;
	struct glob *g = NULL;
	struct err e = ERR_INIT;

	if (field->is_number)
		return field->number < c->mount_count ? &c->mounts[field->number] : NULL;
	if (glob_new(field->arg, false, &g, &e) < 0)
		return NULL;
	for (size_t i = 0; i < c->mount_count && !found; i++)
		if (glob_match(g, by_target ? c->mounts[i].target : c->mounts[i].source))
			found = &c->mounts[i];
	glob_free(g);
	return found;
}

/* Falco says "N/A" of a mount that is not there, and rules compare with that. */
static struct detect_value mount(const struct extract_field *field,
				 const struct detect_event *event, enum mount_part part)
{
	const struct container *c = event->ev->container;
	const struct container_mount *m;

	if (!c)
		return detect_none();
	m = find_mount(c, field, part == MOUNT_SOURCE);
	if (!m)
		return is_told(c) && !c->cut ? detect_text(span_of("N/A")) : detect_absent();
	switch (part) {
	case MOUNT_SOURCE:
		return detect_known(m->source);
	case MOUNT_DEST:
		return detect_known(m->target);
	case MOUNT_MODE:
		return detect_known(m->type);
	case MOUNT_WRITABLE:
		return detect_known(writable_word(m));
	default:
		return print_mount(event, m);
	}
}

READER(one_mount)
{
	return mount(field, event, MOUNT_WHOLE);
}

READER(mount_source)
{
	return mount(field, event, MOUNT_SOURCE);
}

READER(mount_dest)
{
	return mount(field, event, MOUNT_DEST);
}

READER(mount_mode)
{
	return mount(field, event, MOUNT_MODE);
}

READER(mount_writable)
{
	return mount(field, event, MOUNT_WRITABLE);
}

READER(all_mounts)
{
	const struct container *c = event->ev->container;
	struct span *parts;
	struct detect_value made;

	if (!c)
		return detect_none();
	if (!is_told(c) && c->mount_count == 0)
		return detect_absent();
	parts = calloc(c->mount_count + 1, sizeof(*parts));
	if (!parts)
		return detect_absent();
	for (size_t i = 0; i < c->mount_count; i++) {
		made = print_mount(event, &c->mounts[i]);
		parts[i] = made.kind == DETECT_TEXT ? made.bytes : span_make(NULL, 0);
	}
	made = detect_joined(event->scratch, parts, c->mount_count, ",");
	free(parts);
	return made;
}

READER(pod)
{
	const struct container *c = event->ev->container;

	return text_of(c, c ? c->pod : span_make(NULL, 0));
}

READER(pod_namespace)
{
	const struct container *c = event->ev->container;

	return text_of(c, c ? c->pod_namespace : span_make(NULL, 0));
}

READER(pod_uid)
{
	const struct container *c = event->ev->container;

	return text_of(c, c ? c->pod_uid : span_make(NULL, 0));
}

#define NO_API	   "Kubernetes is not asked; labels of the container are container.label[KEY]"
#define NO_PROBES  "health checks are not known from the runtime's events"
#define NO_NETWORK "the container's own addresses are not recorded; compare fd.lip"

/* clang-format off */
const struct extractor extract_container_fields[] = {
	{"container.id", DETECT_TEXT, false, EXTRACT_NO_ARG, id, "12 digits; host for processes outside of containers"},
	{"container.full_id", DETECT_TEXT, false, EXTRACT_NO_ARG, full_id, NULL},
	{"container.name", DETECT_TEXT, false, EXTRACT_NO_ARG, name, NULL},
	{"container.type", DETECT_TEXT, false, EXTRACT_NO_ARG, type, NULL},
	{"container.image", DETECT_TEXT, false, EXTRACT_NO_ARG, image, "as the user named it"},
	{"container.image.id", DETECT_TEXT, false, EXTRACT_NO_ARG, image_id, NULL},
	{"container.image.repository", DETECT_TEXT, false, EXTRACT_NO_ARG, repository, "of the image as the user named it"},
	{"container.image.tag", DETECT_TEXT, false, EXTRACT_NO_ARG, tag, NULL},
	{"container.image.digest", DETECT_TEXT, false, EXTRACT_NO_ARG, digest, NULL},
	{"container.privileged", DETECT_BOOL, false, EXTRACT_NO_ARG, privileged, NULL},
	{"container.start_ts", DETECT_U64, false, EXTRACT_NO_ARG, start_time, NULL},
	{"container.duration", DETECT_U64, false, EXTRACT_NO_ARG, duration, NULL},
	{"container.label", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, one_label, NULL},
	{"container.labels", DETECT_TEXT, true, EXTRACT_NO_ARG, all_labels, "KEY:VALUE each"},
	{"container.mounts", DETECT_TEXT, false, EXTRACT_NO_ARG, all_mounts, NULL},
	{"container.mount", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, one_mount, "by number or by a glob of its source; N/A when there is none"},
	{"container.mount.source", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, mount_source, "by number or by a glob of its target"},
	{"container.mount.dest", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, mount_dest, "by number or by a glob of its source"},
	{"container.mount.mode", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, mount_mode, NULL},
	{"container.mount.rdwr", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, mount_writable, NULL},
	{"k8s.pod.name", DETECT_TEXT, false, EXTRACT_NO_ARG, pod, NULL},
	{"k8s.ns.name", DETECT_TEXT, false, EXTRACT_NO_ARG, pod_namespace, NULL},
	{"k8s.pod.id", DETECT_TEXT, false, EXTRACT_NO_ARG, pod_uid, "the same as k8s.pod.uid"},
	{"k8s.pod.uid", DETECT_TEXT, false, EXTRACT_NO_ARG, pod_uid, NULL},
	{"container.info", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, "Falco has emptied it; use container.id and container.name"},
	{"container.ip", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_NETWORK},
	{"container.cni.json", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_NETWORK},
	{"container.host_pid", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, "which namespaces of the host it shares is not part of its identity"},
	{"container.host_network", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, "which namespaces of the host it shares is not part of its identity"},
	{"container.host_ipc", DETECT_BOOL, false, EXTRACT_NO_ARG, NULL, "which namespaces of the host it shares is not part of its identity"},
	{"container.mount.propagation", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, NULL, "the propagation of mounts is not kept"},
	{"container.healthcheck", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_PROBES},
	{"container.liveness_probe", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_PROBES},
	{"container.readiness_probe", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_PROBES},
	{"k8s.pod.label", DETECT_TEXT, false, EXTRACT_ARG_REQUIRED, NULL, NO_API},
	{"k8s.pod.labels", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_API},
	{"k8s.pod.ip", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_NETWORK},
	{"k8s.pod.cni.json", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_NETWORK},
	{"k8s.pod.sandbox_id", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_API},
	{"k8s.pod.full_sandbox_id", DETECT_TEXT, false, EXTRACT_NO_ARG, NULL, NO_API},
	{NULL, DETECT_ABSENT, false, EXTRACT_NO_ARG, NULL, NULL},
};
/* clang-format on */
