/* cmd_vault.c - amber vault: the contents that were kept, also of files that are gone. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/lookup.h"
#include "cmd/table.h"
#include "store/catalog.h"
#include "store/vault.h"

enum { OPT_CONTAINER, OPT_OUT };

static const struct cmd_option options[] = {
	[OPT_CONTAINER] = {"container", "NAME", "ls: only what was seen in this container"},
	[OPT_OUT] = {"out", "FILE", "get: write there (must not exist) instead of to stdout"},
	{NULL, NULL, NULL},
};

static const struct cmd_example examples[] = {
	{"what did the container write and run?", "amber vault ls --container web"},
	{"where was this content seen?", "amber vault ls 9f86d081884c7d65"},
	{"get a deleted binary back, checked against its hash", "amber vault get SHA256 --out sample.bin"},
	{NULL, NULL},
};

struct list {
	struct cmd *cmd;
	struct table table;
	struct buf json;
	const char *prefix; /* of the digest; NULL all */
	uint64_t now_ns;
};

static void row_json(struct list *list, const struct catalog_custody *c, const char *digest)
{
	char time[CLOCK_TEXT];
	struct json j;

	buf_clear(&list->json);
	j = json_to(&list->json);
	clock_print(c->first_ns, time);
	json_object(&j, NULL);
	json_text(&j, "sha256", digest);
	json_u64(&j, "size", c->size);
	json_bytes(&j, "container", c->container);
	json_bytes(&j, "path", c->path);
	json_bytes(&j, "exe", c->exe);
	json_u64(&j, "pid", c->pid);
	json_text(&j, "first_seen", time);
	clock_print(c->last_ns, time);
	json_text(&j, "last_seen", time);
	json_u64(&j, "count", c->count);
	json_object_end(&j);
	puts(buf_text(&list->json));
}

static int on_custody(void *ctx, const struct catalog_custody *c)
{
	struct list *list = ctx;
	char digest[SHA256_TEXT], size[16], time[CLOCK_TEXT];

	hex_print(span_make(c->sha256, SHA256_BYTES), digest);
	if (list->prefix && strncmp(digest, list->prefix, strlen(list->prefix)) != 0)
		return 0;
	if (list->cmd->json) {
		row_json(list, c, digest);
		return 0;
	}
	table_size_text(c->size, size);
	clock_print(c->first_ns, time);
	time[19] = '\0'; /* whole seconds are enough here */
	table_cell(&list->table, span_of(digest));
	table_cell(&list->table, span_of(size));
	table_cell(&list->table, span_make(c->container.p, c->container.n < 12 ? c->container.n : 12));
	table_cell(&list->table, span_of(time));
	table_cellf(&list->table, "%" PRIu64, c->count);
	table_cell(&list->table, c->path);
	return 0;
}

static int ls(struct cmd *cmd, struct err *e)
{
	static const char *const titles[] = {"SHA256", ">SIZE", "CONTAINER", "FIRST SEEN", ">TIMES", "PATH"};
	AUTO(catalog) struct catalog *catalog = NULL;
	AUTO(buf) struct buf id;
	struct list list = {.cmd = cmd, .prefix = cmd->words > 1 ? cmd->word[1] : NULL};
	int r = catalog_open_reader(cmd->state_dir, &catalog, e);

	buf_init(&id, LIMIT_CONTAINER_ID);
	if (r == -ENOENT)
		return err_set(e, ENOENT, "nothing was recorded in '%s' yet", cmd->state_dir);
	if (r == 0 && cmd->option[OPT_CONTAINER])
		r = lookup_container(cmd->state_dir, cmd->option[OPT_CONTAINER], &id, e);
	if (r < 0)
		return r;
	buf_init(&list.json, LIMIT_FILE_READ);
	table_init(&list.table, titles, ARRAY_LEN(titles));
	r = catalog_custodies(catalog, NULL, buf_span(&id), on_custody, &list, e);
	if (r == 0 && !cmd->json)
		r = table_print(&list.table, stdout, e);
	table_fini(&list.table);
	buf_fini(&list.json);
	return r;
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
	.description =
		"Contents of files that containers wrote or ran are kept by their SHA-256, once each, also of\n"
		"files that were deleted microseconds later. 'get' checks the hash while it reads: exit 3\n"
		"when the content was altered, and nothing is left under the wanted name.",
	.examples = examples,
	.run = run,
};
