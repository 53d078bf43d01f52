/* extract.c - finding and preparing fields; see extract.h. */
#include "detect/extract_impl.h"

#include "base/limits.h"

static const struct extractor *const parts[] = {extract_event_fields, extract_fd_fields,
						extract_proc_fields, extract_container_fields};

/* Fields whose argument may stand behind a dot. */
static bool dotted(struct span name, const char *prefix, struct span *ret_arg)
{
	size_t n = strlen(prefix);

	if (name.n <= n || !span_starts(name, prefix))
		return false;
	*ret_arg = span_make(name.p + n, name.n - n);
	return true;
}

static const struct extractor *find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct extractor *x = parts[i]; x->name; x++)
			if (span_is(name, x->name))
				return x;
	return NULL;
}

const struct extractor *extract_find(struct span name, struct span *ret_arg)
{
	*ret_arg = span_make(NULL, 0);
	if (dotted(name, "evt.arg.", ret_arg))
		return find(span_of("evt.arg"));
	if (dotted(name, "evt.rawarg.", ret_arg))
		return find(span_of("evt.rawarg"));
	return find(name);
}

const struct extractor *extract_at(size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (const struct extractor *x = parts[i]; x->name; x++)
			if (n-- == 0)
				return x;
	return NULL;
}

static void read_number(struct extract_field *field)
{
	uint64_t value = 0;

	for (size_t i = 0; i < field->arg.n; i++) {
		uint8_t c = field->arg.p[i];

		if (c < '0' || c > '9' || value > UINT32_MAX)
			return;
		value = value * 10 + (c - '0');
	}
	field->is_number = field->arg.n && value <= UINT32_MAX;
	field->number = field->is_number ? (uint32_t)value : 0;
}

static int check_arg(const struct extract_field *field, struct span name, struct err *e)
{
	const struct extractor *x = field->extractor;
	int n = (int)(name.n < 100 ? name.n : 100),
	    m = (int)(field->arg.n < 60 ? field->arg.n : 60);
	const char *text = (const char *)name.p, *arg = (const char *)field->arg.p;

	if (x->arg == EXTRACT_NO_ARG && field->arg.n)
		return err_set(e, EINVAL, "field '%.*s' takes no argument", n, text);
	if (x->arg == EXTRACT_ARG_REQUIRED && !field->arg.n)
		return err_set(e, EINVAL, "field '%.*s' needs an argument: %s[...]", n, text,
			       x->name);
	if (strcmp(x->name, "evt.arg") == 0 && !extract_arg_known(field->arg))
		return err_set(e, EINVAL,
			       "'%.*s' is no argument of an event; see the names in the "
			       "list of fields",
			       m, arg);
	if (span_starts(name, "proc.a") && !span_is(name, "proc.args") && field->arg.n &&
	    (!field->is_number || field->number > LIMIT_ANCESTORS))
		return err_set(e, EINVAL, "'%.*s' is no number of a parent, which is 1 to %u", m,
			       arg, LIMIT_ANCESTORS);
	return 0;
}

int extract_prepare(struct span name, struct span arg, struct extract_field *ret_field,
		    struct err *e)
{
	struct extract_field field = {.arg = arg};
	int n = (int)(name.n < 100 ? name.n : 100), r;
	struct span in_name;

	field.extractor = extract_find(name, &in_name);
	if (!field.extractor)
		return err_set(e, ENOENT, "there is no field '%.*s'", n, (const char *)name.p);
	if (in_name.n && arg.n)
		return err_set(e, EINVAL, "field '%.*s' has two arguments", n,
			       (const char *)name.p);
	if (in_name.n)
		field.arg = in_name;
	read_number(&field);
	if (!field.extractor->read)
		return err_set(e, ENOTSUP, "field '%.*s' is not answered: %s", n,
			       (const char *)name.p, field.extractor->note);
	r = check_arg(&field, name, e);
	if (r < 0)
		return r;
	*ret_field = field;
	return 0;
}

void extract(const struct extract_field *field, const struct detect_event *event,
	     struct detect_value *ret_value)
{
	*ret_value =
		field->extractor->read ? field->extractor->read(field, event) : detect_absent();
}
