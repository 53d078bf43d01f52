/* match_compile.c - reading the right-hand side of a condition; see match.h. */
#include <errno.h>
#include <math.h>
#include <netdb.h>

#include "base/hash.h"
#include "base/limits.h"
#include "detect/match_impl.h"

static const char *const op_names[] = {
	[MATCH_EXISTS] = "exists",
	[MATCH_EQ] = "=",
	[MATCH_NE] = "!=",
	[MATCH_LT] = "<",
	[MATCH_LE] = "<=",
	[MATCH_GT] = ">",
	[MATCH_GE] = ">=",
	[MATCH_IN] = "in",
	[MATCH_INTERSECTS] = "intersects",
	[MATCH_PMATCH] = "pmatch",
	[MATCH_GLOB] = "glob",
	[MATCH_IGLOB] = "iglob",
	[MATCH_CONTAINS] = "contains",
	[MATCH_ICONTAINS] = "icontains",
	[MATCH_BCONTAINS] = "bcontains",
	[MATCH_STARTSWITH] = "startswith",
	[MATCH_BSTARTSWITH] = "bstartswith",
	[MATCH_ENDSWITH] = "endswith",
	[MATCH_REGEX] = "regex",
};

bool match_op_find(struct span name, enum match_op *ret_op)
{
	if (span_is(name, "==")) {
		*ret_op = MATCH_EQ;
		return true;
	}
	for (unsigned i = 0; i < ARRAY_LEN(op_names); i++)
		if (span_is(name, op_names[i])) {
			*ret_op = (enum match_op)i;
			return true;
		}
	return false;
}

const char *match_op_name(enum match_op op)
{
	return (unsigned)op < ARRAY_LEN(op_names) ? op_names[op] : "?";
}

#define OP(name) (1u << MATCH_##name)
#define SAME	 (OP(EXISTS) | OP(EQ) | OP(NE) | OP(IN) | OP(INTERSECTS))
#define ORDER	 (OP(LT) | OP(LE) | OP(GT) | OP(GE))

bool match_allows(enum match_op op, enum detect_kind kind)
{
	static const uint32_t allowed[] = {
		[DETECT_BOOL] = SAME,
		[DETECT_I64] = SAME | ORDER,
		[DETECT_U64] = SAME | ORDER,
		[DETECT_DOUBLE] = SAME | ORDER,
		[DETECT_TEXT] = SAME | ORDER | OP(PMATCH) | OP(GLOB) | OP(IGLOB) | OP(CONTAINS) |
				OP(ICONTAINS) | OP(STARTSWITH) | OP(ENDSWITH) | OP(REGEX),
		[DETECT_BYTES] = SAME | OP(CONTAINS) | OP(STARTSWITH) | OP(ENDSWITH) |
				 OP(BCONTAINS) | OP(BSTARTSWITH),
		[DETECT_ADDR] = SAME,
		[DETECT_NET] = SAME,
	};

	return (unsigned)kind < ARRAY_LEN(allowed) && (allowed[kind] >> op & 1);
}

bool match_allows_list(enum match_op op)
{
	return op == MATCH_IN || op == MATCH_INTERSECTS || op == MATCH_EXISTS;
}

static const char *kind_name(enum detect_kind kind)
{
	static const char *const names[] = {
		[DETECT_BOOL] = "truths",    [DETECT_I64] = "numbers",	[DETECT_U64] = "numbers",
		[DETECT_DOUBLE] = "numbers", [DETECT_TEXT] = "texts",	[DETECT_BYTES] = "buffers",
		[DETECT_ADDR] = "addresses", [DETECT_NET] = "networks",
	};

	return (unsigned)kind < ARRAY_LEN(names) && names[kind] ? names[kind] : "this field";
}

static int bad_value(struct span text, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "'%.*s' is %s", (int)(text.n < 80 ? text.n : 80),
		       (const char *)text.p, what);
}

static bool read_port_name(const char *name, struct detect_value *ret_value)
{
	struct servent entry, *found = NULL;
	char room[1024];

	if (getservbyname_r(name, NULL, &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	*ret_value = detect_u64(ntohs((uint16_t)found->s_port));
	return true;
}

/* Whole numbers may be written with an exponent, as Falco's grammar has it. */
static bool read_number(const char *text, enum detect_kind kind, struct detect_value *ret_value)
{
	char *end;
	double d;

	errno = 0;
	if (kind != DETECT_DOUBLE && text[0] == '-') {
		long long i = strtoll(text, &end, 0);

		if (errno == 0 && *end == 0) {
			*ret_value = detect_i64(i);
			return true;
		}
	} else if (kind != DETECT_DOUBLE) {
		/* a leading 0 is no octal number in a rule */
		bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
		unsigned long long u = strtoull(text, &end, hex ? 16 : 10);

		if (errno == 0 && *end == 0) {
			*ret_value = detect_u64(u);
			return true;
		}
	}
	errno = 0;
	d = strtod(text, &end);
	if (errno || *end || !isfinite(d))
		return false;
	*ret_value = detect_double(d);
	if (kind == DETECT_DOUBLE)
		return true;
	if (d != floor(d) || fabs(d) > 9007199254740992.0)
		return false;
	*ret_value = detect_i64((int64_t)d);
	return true;
}

static int read_scalar(const struct match *m, struct span text, struct detect_value *ret_value,
		       struct err *e)
{
	char copy[64] = "";
	bool read;

	if (m->kind == DETECT_BOOL) {
		if (!span_is(text, "true") && !span_is(text, "false"))
			return bad_value(text, "neither true nor false", e);
		*ret_value = detect_bool(span_is(text, "true"));
		return 0;
	}
	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return bad_value(text, "no number", e);
	memcpy(copy, text.p, text.n);
	if (strchr("0123456789-.", copy[0]))
		read = read_number(copy, m->kind, ret_value);
	else
		read = m->services && read_port_name(copy, ret_value);
	if (read)
		return 0;
	return bad_value(text, "no number; write it in decimal or as 0x...", e);
}

/* Copies or converts one text to *at in m->bytes. */
static int read_text(struct match *m, struct span text, size_t *at, struct span *ret_text,
		     struct err *e)
{
	uint8_t *p = m->bytes + *at;

	if (m->op == MATCH_BCONTAINS || m->op == MATCH_BSTARTSWITH) {
		if (text.n % 2 || hex_parse(text, p, text.n / 2) < 0)
			return bad_value(text, "no pairs of hexadecimal digits, such as cafebabe",
					 e);
		text.n /= 2;
	} else {
		for (size_t i = 0; i < text.n; i++)
			p[i] = m->op == MATCH_ICONTAINS ? match_fold(text.p[i]) : text.p[i];
	}
	*ret_text = span_make(p, text.n);
	*at += text.n;
	return 0;
}

static int read_net(const struct match *m, struct span text, struct match_net *ret_net,
		    struct err *e)
{
	if (m->kind == DETECT_ADDR && text.n && memchr(text.p, '/', text.n))
		return bad_value(text, "a network; compare fd.net, fd.snet or fd.cnet with it", e);
	return match_net_parse(text, ret_net, e);
}

static int compile_arg(struct match *m, struct match_arg *arg, struct span text, size_t *at,
		       struct err *e)
{
	struct match_net net;
	int r;

	if (m->op == MATCH_GLOB || m->op == MATCH_IGLOB)
		return glob_new(text, m->op == MATCH_IGLOB, &arg->glob, e);
	if (m->op == MATCH_REGEX)
		return regex_new(text, &arg->regex, e);
	if (match_is_addr(m->kind)) {
		r = read_net(m, text, &net, e);
		return r < 0 ? r : match_nets_new(&net, 1, &arg->net, e);
	}
	if (!match_is_text(m->kind))
		return read_scalar(m, text, &arg->value, e);
	arg->value.kind = m->kind;
	return read_text(m, text, at, &arg->value.bytes, e);
}

static int compile_args(struct match *m, const struct match_spec *spec, struct err *e)
{
	size_t at = 0;

	if (spec->n == 0 || (spec->modifier == MATCH_ONE_VALUE && spec->n != 1))
		return err_set(e, EINVAL, "%s takes one value; put several behind anyof or allof",
			       match_op_name(m->op));
	for (size_t i = 0; i < spec->n; i++) {
		if (spec->values[i].n > LIMIT_DETECT_MATCH - m->size)
			return err_set(e, E2BIG, "the values are more than %u bytes",
				       LIMIT_DETECT_MATCH);
		m->size += spec->values[i].n;
	}
	m->bytes = malloc(m->size + 1);
	m->args = calloc(spec->n, sizeof(*m->args));
	if (!m->bytes || !m->args)
		return err_set(e, ENOMEM, "no memory for the values of a condition");
	m->n = spec->n;
	for (size_t i = 0; i < spec->n; i++) {
		int r = compile_arg(m, &m->args[i], spec->values[i], &at, e);

		if (r < 0)
			return r;
	}
	if (m->op == MATCH_STARTSWITH && m->modifier == MATCH_ANYOF && m->kind == DETECT_TEXT)
		return match_prefixes_new(spec->values, spec->n, &m->prefixes, e);
	return 0;
}

static int compile_nets(struct match *m, const struct match_spec *spec, struct err *e)
{
	AUTO(free) struct match_net *nets = calloc(spec->n + 1, sizeof(*nets));

	if (!nets)
		return err_set(e, ENOMEM, "no memory for the values of a condition");
	for (size_t i = 0; i < spec->n; i++) {
		int r = read_net(m, spec->values[i], &nets[i], e);

		if (r < 0)
			return r;
	}
	return match_nets_new(nets, spec->n, &m->nets, e);
}

static int compile_numbers(struct match *m, const struct match_spec *spec, struct err *e)
{
	AUTO(free) struct span *keys = calloc(spec->n + 1, sizeof(*keys));
	AUTO(free) uint8_t *bytes = calloc(spec->n + 1, 9);

	if (!keys || !bytes)
		return err_set(e, ENOMEM, "no memory for the values of a condition");
	for (size_t i = 0; i < spec->n; i++) {
		struct detect_value v;
		int r = read_scalar(m, spec->values[i], &v, e);

		if (r < 0)
			return r;
		if (m->kind != DETECT_BOOL) {
			keys[i] = match_number_key(&v, bytes + i * 9);
			continue;
		}
		bytes[i * 9] = v.yes;
		keys[i] = span_make(bytes + i * 9, 1);
	}
	return match_set_new(keys, spec->n, &m->set, e);
}

static int compile(struct match *m, const struct match_spec *spec, struct err *e)
{
	if (m->op == MATCH_EXISTS)
		return spec->n == 0 ? 0 : err_set(e, EINVAL, "exists takes no value");
	if (m->op == MATCH_PMATCH)
		return match_paths_new(spec->values, spec->n, &m->paths, e);
	if (m->op != MATCH_IN && m->op != MATCH_INTERSECTS)
		return compile_args(m, spec, e);
	if (spec->n > LIMIT_DETECT_VALUES)
		return err_set(e, E2BIG, "%zu values are more than %u; split the list", spec->n,
			       LIMIT_DETECT_VALUES);
	if (match_is_addr(m->kind))
		return compile_nets(m, spec, e);
	if (match_is_text(m->kind))
		return match_set_new(spec->values, spec->n, &m->set, e);
	return compile_numbers(m, spec, e);
}

int match_compile(const struct match_spec *spec, struct match **ret_match, struct err *e)
{
	bool lists = spec->op == MATCH_IN || spec->op == MATCH_INTERSECTS ||
		     spec->op == MATCH_PMATCH || spec->op == MATCH_EXISTS;
	struct match *m;
	int r;

	if (!match_allows(spec->op, spec->kind))
		return err_set(e, EINVAL, "%s does not compare %s", match_op_name(spec->op),
			       kind_name(spec->kind));
	if (spec->modifier != MATCH_ONE_VALUE && lists)
		return err_set(e, EINVAL, "%s takes a list without anyof, allof or oneof",
			       match_op_name(spec->op));
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, ENOMEM, "no memory for a condition");
	m->op = spec->op;
	m->modifier = spec->modifier;
	m->kind = spec->kind;
	m->services = spec->services;
	r = compile(m, spec, e);
	if (r < 0) {
		match_free(m);
		return r;
	}
	*ret_match = m;
	return 0;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->args && i < m->n; i++) {
		glob_free(m->args[i].glob);
		regex_free(m->args[i].regex);
		match_nets_free(m->args[i].net);
	}
	free(m->args);
	free(m->bytes);
	match_set_free(m->set);
	match_nets_free(m->nets);
	match_paths_free(m->paths);
	match_prefixes_free(m->prefixes);
	free(m);
}
