/* cmd_vault.c - amber vault: the contents that were kept, also of files that are gone. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/map.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/print.h"
#include "cmd/table.h"
#include "store/journal_read.h"
#include "store/vault.h"

enum {
	OPT_CONTAINER,
	OPT_OUT
};

static const struct cmd_option options[] = {
	[OPT_CONTAINER] = {"container", "NAME", "ls: only what was seen in this container"},
	[OPT_OUT] = {"out", "FILE", "get: write there (must not exist) instead of to stdout"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"what did the container write and run?", "amber vault ls --container web"},
	{"where was this content seen?", "amber vault ls 9f86d081884c7d65"},
	{"get a deleted binary back, checked against its hash",
	 "amber vault get SHA256 --out sample.bin"},
	{NULL, NULL},
};

/* One content at one path of one container, over all sightings. */
struct sighting {
	char digest[SHA256_TEXT];
	struct span container, path, exe; /* owned copies */
	uint64_t size, first_ns, last_ns, count;
	uint32_t pid;
	struct sighting *next;
};

struct list {
	struct cmd *cmd;
	const char *prefix; /* of the digest; NULL all */
	struct map by_key;  /* to struct sighting */
	struct sighting *first, **last;
};

static uint64_t key_of(const struct event *ev, const char *digest)
{
	struct span path = ev->value[FIELD_PATH].bytes;
	struct span id = ev->container ? ev->container->id : span_of("");
	uint64_t parts[3] = {hash64(span_of(digest)), hash64(path), hash64(id)};

	return hash64(span_make(parts, sizeof(parts)));
}

static struct span copy(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (p && s.n)
		memcpy(p, s.p, s.n);
	return span_make(p, p ? s.n : 0);
}

static int add(struct list *list, const struct event *ev, struct err *e)
{
	char digest[SHA256_TEXT] = "";
	struct sighting *s;
	uint64_t *known, key;

	if (ev->value[FIELD_SHA256].bytes.n != SHA256_BYTES)
		return 0;
	hex_print(ev->value[FIELD_SHA256].bytes, digest);
	if (list->prefix && strncmp(digest, list->prefix, strlen(list->prefix)) != 0)
		return 0;
	key = key_of(ev, digest);
	known = map_find(&list->by_key, key);
	if (known) {
		s = (struct sighting *)(uintptr_t)*known;
		s->last_ns = ev->real_ns;
		s->count++;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s || map_put(&list->by_key, key, (uint64_t)(uintptr_t)s) < 0) {
		free(s);
		return err_set(e, ENOMEM, "no memory for the list of contents");
	}
	memcpy(s->digest, digest, sizeof(digest));
	s->container = copy(ev->container ? ev->container->id : span_of(""));
	s->path = copy(ev->value[FIELD_PATH].bytes);
	s->exe = copy(ev->process ? ev->process->exe : span_of(""));
	s->pid = ev->process ? ev->process->pid : 0;
	s->size = ev->value[FIELD_FILE_SIZE].u;
	s->first_ns = s->last_ns = ev->real_ns;
	s->count = 1;
	*list->last = s;
	list->last = &s->next;
	return 0;
}

static void row_json(const struct sighting *s)
{
	AUTO(buf) struct buf b;
	char time[CLOCK_TEXT];
	struct json j;

	buf_init(&b, LIMIT_FILE_READ);
	j = json_to(&b);
	json_object(&j, NULL);
	json_text(&j, "sha256", s->digest);
	json_u64(&j, "size", s->size);
	json_bytes(&j, "container", s->container);
	json_bytes(&j, "path", s->path);
	json_bytes(&j, "exe", s->exe);
	json_u64(&j, "pid", s->pid);
	clock_print(s->first_ns, time);
	json_text(&j, "first_seen", time);
	clock_print(s->last_ns, time);
	json_text(&j, "last_seen", time);
	json_u64(&j, "count", s->count);
	json_object_end(&j);
	puts(buf_text(&b));
}

static void row_table(struct table *t, const struct sighting *s)
{
	char size[16], time[CLOCK_TEXT];

	table_size_text(s->size, size);
	clock_print(s->first_ns, time);
	time[19] = '\0'; /* whole seconds are enough here */
	table_cell(t, span_of(s->digest));
	table_cell(t, span_of(size));
	table_cell(t, print_short_id(s->container));
	table_cell(t, span_of(time));
	table_cellf(t, "%" PRIu64, s->count);
	table_cell(t, s->path);
}

static void list_fini(struct list *list)
{
	while (list->first) {
		struct sighting *next = list->first->next;

		free((void *)(uintptr_t)list->first->container.p);
		free((void *)(uintptr_t)list->first->path.p);
		free((void *)(uintptr_t)list->first->exe.p);
		free(list->first);
		list->first = next;
	}
	map_fini(&list->by_key);
}
DEFINE_AUTO(list, struct list, list_fini);

/* From the journal: it alone says what was kept, where and when. */
static int read_sightings(struct list *list, struct span container, struct err *e)
{
	AUTO(journal_reader) struct journal_reader *reader = NULL;
	AUTO(journal_rows) struct journal_rows *rows = NULL;
	struct journal_filter filter = {.container = container};
	struct event ev;
	int r = journal_reader_open(list->cmd->state_dir, &reader, e);

	journal_filter_type(&filter, EVENT_FILE_KEPT);
	if (r == 0)
		r = journal_rows_open(reader, &filter, &rows, e);
	while (r == 0 && (r = journal_rows_next(rows, &ev, e)) > 0)
		r = add(list, &ev, e);
	return r;
}

static int ls(struct cmd *cmd, struct err *e)
{
	static const char *const titles[] = {"SHA256",	   ">SIZE",  "CONTAINER",
					     "FIRST SEEN", ">TIMES", "PATH"};
	AUTO(list) struct list list = {.cmd = cmd, .prefix = cmd->words > 1 ? cmd->word[1] : NULL};
	AUTO(table) struct table table;
	AUTO(buf) struct buf id;
	int r = 0;

	list.last = &list.first;
	buf_init(&id, LIMIT_CONTAINER_ID);
	table_init(&table, titles, ARRAY_LEN(titles));
	if (cmd->option[OPT_CONTAINER])
		r = lookup_container(cmd->state_dir, cmd->option[OPT_CONTAINER], &id, e);
	if (r == 0)
		r = read_sightings(&list, buf_span(&id), e);
	if (r < 0)
		return r;
	for (const struct sighting *s = list.first; s; s = s->next) {
		if (cmd->json)
			row_json(s);
		else
			row_table(&table, s);
	}
	return cmd->json ? 0 : table_print(&table, stdout, e);
}

/* Writes to a new file beside the wanted one and gives it its name only when the whole content was
 * right: a content that does not match its hash never stands under the wanted name. */
static int get_to_file(struct vault_reader *reader, const uint8_t *sha256, const char *path,
		       struct err *e)
{
	char temp[LIMIT_PATH];
	AUTO(fd) int fd = -1;
	int r = path_print(temp, e, "%s.%d.part", path, (int)getpid());

	if (r < 0)
		return r;
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot create '%s'", temp);
	r = vault_get_fd(reader, sha256, fd, e);
	if (r == 0 && link(temp, path) != 0)
		r = err_sys(e, errno, "cannot create '%s'", path);
	(void)unlink(temp); /* the wanted name holds the content now, or nobody wants it */
	return r;
}

static int get(struct cmd *cmd, struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	uint8_t sha256[SHA256_BYTES];
	const char *path = cmd->option[OPT_OUT];
	int r;

	if (cmd->words < 2 || hex_parse(span_of(cmd->word[1]), sha256, SHA256_BYTES) < 0)
		return err_set(e, EINVAL, "write: amber vault get SHA256, with all 64 digits");
	if (!path && isatty(STDOUT_FILENO))
		return err_set(e, EINVAL,
			       "not writing hostile bytes to a terminal; use --out FILE or a pipe");
	r = vault_open_reader(cmd->state_dir, &reader, e);
	if (r < 0)
		return r;
	if (path)
		return get_to_file(reader, sha256, path, e);
	return vault_get_fd(reader, sha256, STDOUT_FILENO, e);
}

static int run(struct cmd *cmd, struct err *e)
{
	int r;

	if (strcmp(cmd->word[0], "ls") == 0)
		r = ls(cmd, e);
	else if (strcmp(cmd->word[0], "get") == 0)
		r = get(cmd, e);
	else
		r = err_set(e, EINVAL, "write: amber vault ls [DIGITS] or amber vault get SHA256");
	if (r == -EINVAL)
		return EXIT_USAGE;
	return r == -EBADMSG ? EXIT_WRONG : r < 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command command_vault = {
	.name = "vault",
	.summary = "list kept file contents and get them back by hash",
	.words = "ls [DIGITS] | get SHA256",
	.words_min = 1,
	.words_max = 2,
	.options = options,
	.description = "Contents of files that containers wrote or ran are kept by their SHA-256, "
		       "once each, also of\n"
		       "files that were deleted microseconds later. 'get' checks the hash while it "
		       "reads: exit 3\n"
		       "when the content was altered, and nothing is left under the wanted name.",
	.examples = examples,
	.run = run,
};
