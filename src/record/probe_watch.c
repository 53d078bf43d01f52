/* probe_watch.c - see probe_watch.h. */
#include "record/probe_watch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "amber/wire.h"
#include "base/auto.h"

/* The names that shall be watched, as the kernel programs look them up. */
struct watch_set {
	struct wire_watch_name names[WIRE_WATCH_MAX];
	uint32_t flags[WIRE_WATCH_MAX];
	size_t count;
	struct wire_watch_bits bits;
};

static size_t set_find(const struct watch_set *set, const struct wire_watch_name *name)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!memcmp(&set->names[i], name, sizeof(*name)))
			break;
	return i;
}

static int name_parse(const char *text, struct wire_watch_name *ret_name, uint32_t *ret_flags,
		      struct err *e)
{
	struct wire_watch_name name = {0};
	size_t n = strlen(text);
	uint32_t flags = WIRE_WATCH_FILE;

	if (n && text[n - 1] == '/') {
		flags = WIRE_WATCH_FOLDER;
		n--;
	}
	if (!n || memchr(text, '/', n))
		return err_set(e, EINVAL,
			       "'%s' is not the name of a file, nor that of a folder and a slash",
			       text);
	if (n > WIRE_WATCH_NAME)
		return err_set(e, ENAMETOOLONG, "watched name '%s' is longer than %u bytes", text,
			       WIRE_WATCH_NAME);
	memcpy(&name, text, n);
	*ret_name = name;
	*ret_flags = flags;
	return 0;
}

static int set_add(struct watch_set *set, const char *text, struct err *e)
{
	struct wire_watch_name name = {0};
	uint32_t flags = 0, bit;
	size_t at;
	int r = name_parse(text, &name, &flags, e);

	if (r)
		return r;
	at = set_find(set, &name);
	if (at == WIRE_WATCH_MAX)
		return err_set(e, E2BIG, "more than %u watched names", WIRE_WATCH_MAX);
	if (at == set->count) {
		set->names[at] = name;
		set->flags[at] = 0;
		set->count++;
	}
	set->flags[at] |= flags;
	bit = wire_watch_bit(&name);
	set->bits.word[bit / 64] |= 1ull << (bit % 64);
	return 0;
}

/* Removes the names that are not in the set. */
static int set_prune(const struct watch_set *set, int names_map, struct err *e)
{
	struct wire_watch_name key, next;
	int r = bpf_map_get_next_key(names_map, NULL, &next);

	while (!r) {
		key = next;
		r = bpf_map_get_next_key(names_map, &key, &next);
		if (set_find(set, &key) == set->count && bpf_map_delete_elem(names_map, &key))
			return err_sys(e, errno, "cannot forget a watched name");
	}
	return 0;
}

int probe_watch_set(int names_map, int bits_map, const char *const *names, size_t count,
		    struct err *e)
{
	AUTO(free) struct watch_set *set = calloc(1, sizeof(*set));
	uint32_t zero = 0;
	int r;

	if (!set)
		return err_set(e, ENOMEM, "no memory for watched names");
	for (size_t i = 0; i < count; i++) {
		r = set_add(set, names[i], e);
		if (r)
			return r;
	}
	r = set_prune(set, names_map, e);
	if (r)
		return r;
	for (size_t i = 0; i < set->count; i++)
		if (bpf_map_update_elem(names_map, &set->names[i], &set->flags[i], BPF_ANY))
			return err_sys(e, errno, "cannot watch a name");
	if (bpf_map_update_elem(bits_map, &zero, &set->bits, BPF_ANY))
		return err_sys(e, errno, "cannot watch names");
	return 0;
}
