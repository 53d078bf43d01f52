/* lookup.c - see lookup.h. */
#include "cmd/lookup.h"

#include <unistd.h>

#include "base/path.h"
#include "store/catalog.h"

struct search {
	struct span text;
	struct buf *id;
	unsigned matches; /* containers whose id begins with the text */
	bool by_name;
	uint64_t newest_ns;
};

/* The catalog gives those whose name is the text or whose id begins with it. */
static int on_container(void *ctx, const struct catalog_container *c)
{
	struct search *s = ctx;
	bool name = span_eq(c->container.name, s->text);
	bool whole = span_eq(c->container.id, s->text);

	if (whole || name) {
		if (s->by_name && !whole && c->container.created_ns < s->newest_ns)
			return 0;
		s->by_name = true;
		s->newest_ns = whole ? UINT64_MAX : c->container.created_ns;
	} else {
		s->matches++;
		if (s->by_name)
			return 0;
	}
	buf_clear(s->id);
	buf_add_span(s->id, c->container.id);
	return 0;
}

int lookup_container(const char *state_dir, const char *text, struct buf *ret_id, struct err *e)
{
	AUTO(catalog) struct catalog *catalog = NULL;
	struct search s = {.text = span_of(text), .id = ret_id};
	int r = catalog_open_reader(state_dir, &catalog, e);

	if (r == -ENOENT)
		return err_set(e, ENOENT, "nothing was recorded in '%s' yet", state_dir);
	if (r == 0)
		r = catalog_containers(catalog, s.text, on_container, &s, e);
	if (r < 0)
		return r;
	if (!s.by_name && s.matches > 1)
		return err_set(e, EEXIST,
			       "%u containers have an id that begins with '%s'; write more of it",
			       s.matches, text);
	if (!s.by_name && s.matches == 0)
		return err_set(e, ENOENT,
			       "the record knows no container '%s'; 'amber ps' lists them", text);
	return buf_check(ret_id, "a container id", e);
}

int lookup_record(const char *state_dir, struct err *e)
{
	char path[LIMIT_PATH];
	int r = path_print(path, e, "%s/journal", state_dir);

	if (r == 0 && access(path, F_OK) != 0 && errno == ENOENT)
		return err_set(e, ENOENT, "nothing was recorded in '%s' yet", state_dir);
	return r;
}
