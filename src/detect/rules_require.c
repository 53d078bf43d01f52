/* rules_require.c - see rules_require.h. */
#include "detect/rules_require.h"

struct version {
	unsigned part[3];
};

/* "x.y.z"; what may stand behind it (-rc1, +build) is not compared. */
static bool parse_version(struct span text, struct version *ret_version)
{
	struct version v = {{0}};
	size_t i = 0;

	for (unsigned part = 0; part < 3; part++) {
		size_t begin;

		if (part && (i >= text.n || text.p[i++] != '.'))
			return false;
		for (begin = i; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++) {
			if (i - begin > 7)
				return false;
			v.part[part] = v.part[part] * 10 + (unsigned)(text.p[i] - '0');
		}
		if (i == begin)
			return false;
	}
	if (i < text.n && text.p[i] != '-' && text.p[i] != '+')
		return false;
	*ret_version = v;
	return true;
}

/* As Falco compares them: the same major version, and not newer. */
static bool satisfies(const struct version *have, const struct version *wanted)
{
	if (have->part[0] != wanted->part[0])
		return false;
	if (have->part[1] != wanted->part[1])
		return have->part[1] > wanted->part[1];
	return have->part[2] >= wanted->part[2];
}

static bool is_number(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n > 0 && text.n < 8;
}

static void tell(const struct rules_file *f, uint32_t node, struct diagnostics *d, const char *hint,
		 const char *text, struct span subject)
{
	diagnostics_add(d, SEVERITY_ERROR, rules_file_at(f, node), hint, "%s '%.*s'", text,
			(int)(subject.n < 80 ? subject.n : 80), (const char *)subject.p);
}

void rules_require_engine(const struct rules_file *f, uint32_t value, struct diagnostics *d)
{
	static const struct version have = {{0, RULES_ENGINE_MINOR, 0}};
	struct span text = ytree_text(&f->tree, value);
	struct version wanted = {{0}};

	if (is_number(text)) {
		for (size_t i = 0; i < text.n; i++)
			wanted.part[1] = wanted.part[1] * 10 + (unsigned)(text.p[i] - '0');
	} else if (!parse_version(text, &wanted)) {
		tell(f, value, d, "write a number or \"x.y.z\"",
		     "required_engine_version is no version:", text);
		return;
	}
	if (!satisfies(&have, &wanted))
		tell(f, value, d, "Amber speaks the rules of Falco 0.44, engine 0.62.0",
		     "the rules need a newer engine:", text);
}

static uint32_t value_of(const struct ytree *t, uint32_t mapping, const char *name)
{
	if (ytree_kind(t, mapping) != YNODE_MAPPING)
		return YNODE_NONE;
	for (uint32_t key = ytree_first(t, mapping); key != YNODE_NONE;
	     key = t->nodes[t->nodes[key].next].next)
		if (span_is(ytree_text(t, key), name))
			return t->nodes[key].next;
	return YNODE_NONE;
}

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_OLD, /* the plugin is ours and a newer one is wanted */
	ANSWER_BROKEN,
};

static enum answer ask_plugin(const struct rules_file *f, uint32_t node)
{
	struct span name = ytree_text(&f->tree, value_of(&f->tree, node, "name"));
	struct span version = ytree_text(&f->tree, value_of(&f->tree, node, "version"));
	struct version have, wanted;

	if (!name.n || !parse_version(version, &wanted) ||
	    !parse_version(span_of(RULES_CONTAINER_PLUGIN), &have))
		return ANSWER_BROKEN;
	if (!span_is(name, "container"))
		return ANSWER_NO;
	return satisfies(&have, &wanted) ? ANSWER_YES : ANSWER_OLD;
}

static void require_plugin(const struct rules_file *f, uint32_t node, struct diagnostics *d)
{
	const struct ytree *t = &f->tree;
	enum answer answer = ask_plugin(f, node);
	uint32_t alternatives = value_of(t, node, "alternatives");
	struct span name = ytree_text(t, value_of(t, node, "name"));

	if (ytree_kind(t, alternatives) == YNODE_SEQUENCE) {
		ytree_each (other, t, alternatives) {
			enum answer more = ask_plugin(f, other);

			if (answer != ANSWER_YES && more != ANSWER_NO)
				answer = more;
		}
	}
	if (answer == ANSWER_BROKEN)
		tell(f, node, d, "write {name: container, version: 0.4.0}",
		     "a required plugin needs 'name' and a 'version' x.y.z:", name);
	else if (answer == ANSWER_OLD)
		tell(f, node, d, "Amber stands for version " RULES_CONTAINER_PLUGIN,
		     "the rules need a newer plugin:", name);
	else if (answer == ANSWER_NO)
		tell(f, node, d, "Amber has no plugins but the container plugin's fields",
		     "the rules need a plugin:", name);
}

void rules_require_plugins(const struct rules_file *f, uint32_t value, struct diagnostics *d)
{
	if (ytree_kind(&f->tree, value) != YNODE_SEQUENCE) {
		tell(f, value, d, "write a list of {name, version}",
		     "required_plugin_versions is no list:", ytree_text(&f->tree, value));
		return;
	}
	ytree_each (plugin, &f->tree, value)
		require_plugin(f, plugin, d);
}
