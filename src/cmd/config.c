/* config.c - see config.h. */
#include "cmd/config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cmd/cmd.h"

#define DEFAULT_PATH "/etc/amber/amber.conf"

enum kind {
	KIND_SIZE,
	KIND_SPAN,
	KIND_NUMBER,
	KIND_SWITCH,
	KIND_TEXT
};

#define AT(member) offsetof(struct config, member)

/* clang-format off */
static const struct key {
	const char *name;
	enum kind kind;
	size_t at;
	const char *normal, *what;
} keys[] = {
	{"ring_size", KIND_SIZE, AT(ring_bytes), "8M", "memory between the kernel and Amber, for each group of four processors"},
	{"fold_window", KIND_SPAN, AT(fold_ns), "1s", "repeats of the same event within it are one record with a count"},
	{"quota_rate", KIND_NUMBER, AT(quota_rate), "200000", "events a second that one container may cause; what is above becomes a gap; 0 is no quota"},
	{"quota_burst", KIND_NUMBER, AT(quota_burst), "400000", "events that it may cause at once"},
	{"hold", KIND_SWITCH, AT(hold), "on", "hold the start of a container until its identity and its files are watched"},
	{"hold_deadline", KIND_SPAN, AT(hold_deadline_ns), "250ms", "a start is never held longer than this"},
	{"keep_files", KIND_SWITCH, AT(keep_files), "on", "keep the contents of files that containers write and run"},
	{"keep_executable_size", KIND_SIZE, AT(keep_executable_bytes), "64M", "largest executable or script that is kept"},
	{"keep_file_size", KIND_SIZE, AT(keep_file_bytes), "16M", "largest other file that is kept"},
	{"keep_rate", KIND_SIZE, AT(keep_rate_bytes), "256M", "bytes a second that are kept of one container"},
	{"keep_exclude", KIND_TEXT, AT(keep_exclude), "", "paths inside containers whose contents are not kept: glob patterns, separated by blanks"},
	{"keep_logs", KIND_SWITCH, AT(keep_logs), "on", "keep the lines that containers print"},
	{"log_rate", KIND_NUMBER, AT(log_rate_lines), "20000", "lines a second that are kept of one container"},
	{"watch_read", KIND_TEXT, AT(watch_read), "shadow gshadow sudoers token .dockerconfigjson id_rsa id_ed25519 id_ecdsa authorized_keys .netrc .pgpass .git-credentials credentials config.json .env environ mem kcore docker.sock containerd.sock", "names of files whose reading is recorded, separated by blanks"},
	{"segment_size", KIND_SIZE, AT(segment_bytes), "256M", "a journal file is sealed and signed at this size"},
	{"flush", KIND_SPAN, AT(flush_ns), "1s", "events are on disk after this time at the latest"},
	{"journal_size", KIND_SIZE, AT(journal_bytes), "20G", "the oldest journal files go when there is more"},
	{"journal_age", KIND_SPAN, AT(journal_age_ns), "90d", "journal files older than this go"},
	{"vault_size", KIND_SIZE, AT(vault_bytes), "20G", "the oldest kept files go when there is more"},
	{"canary", KIND_SPAN, AT(canary_ns), "10s", "how often a sign of life goes through the whole pipeline"},
	{"docker_socket", KIND_TEXT, AT(docker_socket), "/run/docker.sock", "Docker Engine API"},
	{"containerd_socket", KIND_TEXT, AT(containerd_socket), "/run/containerd/containerd.sock", "containerd's gRPC socket"},
	{"podman_socket", KIND_TEXT, AT(podman_socket), "/run/podman/podman.sock", "Podman API"},
};
/* clang-format on */

/* Sizes with K, M, G, T (powers of 1024). */
static int parse_size(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t value;
	unsigned shift = 0;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return -EINVAL;
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (*end && (!unit || end[1]))
		return -EINVAL;
	if (unit)
		shift = 10 * (unsigned)(unit - units + 1);
	if (value > UINT64_MAX >> shift)
		return -EINVAL;
	*ret_bytes = value << shift;
	return 0;
}

static int parse_switch(const char *text, bool *ret_on)
{
	static const char *const on[] = {"on", "yes", "true", "1"};
	static const char *const off[] = {"off", "no", "false", "0"};

	for (size_t i = 0; i < ARRAY_LEN(on); i++) {
		if (strcmp(text, on[i]) == 0 || strcmp(text, off[i]) == 0) {
			*ret_on = strcmp(text, on[i]) == 0;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *const wanted[] = {
	[KIND_SIZE] = "a size such as 64M",
	[KIND_SPAN] = "a length of time such as 250ms or 90d",
	[KIND_NUMBER] = "a whole number",
	[KIND_SWITCH] = "on or off",
	[KIND_TEXT] = "fewer than 4096 bytes",
};

static int set_value(void *place, enum kind kind, const char *value)
{
	struct err ignored = ERR_INIT;
	size_t n = strlen(value);
	char *end;

	switch (kind) {
	case KIND_SIZE:
		return parse_size(value, place);
	case KIND_SPAN:
		return clock_parse_span(value, place, &ignored);
	case KIND_NUMBER:
		errno = 0;
		*(uint64_t *)place = strtoull(value, &end, 10);
		return errno || end == value || *end || *value == '-' ? -EINVAL : 0;
	case KIND_SWITCH:
		return parse_switch(value, place);
	case KIND_TEXT:
		if (n >= LIMIT_PATH)
			return -EINVAL;
		memcpy(place, value, n + 1);
		return 0;
	}
	return -EINVAL;
}

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		(void)set_value((char *)c + keys[i].at, keys[i].kind, keys[i].normal); /* tested */
}

int config_set(struct config *c, const char *key, const char *value, const char *where,
	       struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, key) != 0)
			continue;
		if (set_value((char *)c + keys[i].at, keys[i].kind, value) < 0)
			return err_set(e, EINVAL, "%s: cannot read '%s' for %s; write %s", where,
				       value, key, wanted[keys[i].kind]);
		return 0;
	}
	return err_set(e, EINVAL, "%s: no setting '%s'; 'amber watch --print-config' lists them",
		       where, key);
}

static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

static int read_line(struct config *c, char *line, const char *where, struct err *e)
{
	char *equals;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return err_set(e, EINVAL, "%s: no '=' in '%.80s'; write KEY = VALUE", where, line);
	*equals = '\0';
	return config_set(c, trim(line), trim(equals + 1), where, e);
}

int config_read(struct config *c, const char *path, struct err *e)
{
	AUTO(buf) struct buf b = {0};
	struct config fresh = *c;
	char where[LIMIT_PATH];
	char *line, *rest;
	int r;

	if (!path && access(DEFAULT_PATH, F_OK) != 0)
		return 0;
	path = path ? path : DEFAULT_PATH;
	buf_init(&b, 1u << 20);
	r = fd_read_file(AT_FDCWD, path, &b, e);
	if (r < 0)
		return r;
	rest = (char *)(uintptr_t)buf_text(&b);
	if (!rest)
		return buf_check(&b, path, e);
	for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		(void)snprintf(where, sizeof(where), "%s:%u", path, number); /* cut text is text */
		r = read_line(&fresh, line, where, e);
		if (r < 0)
			return r;
	}
	*c = fresh;
	return 0;
}

void config_print_example(void)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		printf("# %s\n%s = %s\n\n", keys[i].what, keys[i].name, keys[i].normal);
}

void config_print_man(void)
{
	printf(".TH AMBER.CONF 5 \"\" \"amber %s\" \"Amber\"\n.SH NAME\namber.conf \\- settings of "
	       "the recorder\n.SH SYNOPSIS\n" DEFAULT_PATH
	       "\n.SH DESCRIPTION\nA line is KEY = VALUE; # begins a comment. Sizes take K, M, G "
	       "and T, lengths of time ms, s, m, h and d. A key that is not known, and a value "
	       "that "
	       "cannot be read, is an error with its line.\n.SH SETTINGS\n",
	       AMBER_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		printf(".TP\n\\fB%s\\fR = ", keys[i].name);
		help_roff(keys[i].normal);
		printf("\n");
		help_roff(keys[i].what);
		printf("\n");
	}
	printf(".SH FILES\n" DEFAULT_PATH "\n.SH SEE ALSO\n\\fBamber\\-watch\\fR(1)\n");
}
