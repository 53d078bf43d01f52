/* cmd_verify.c - amber verify: is everything that was recorded whole and unaltered? */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/table.h"
#include "store/journal_verify.h"
#include "store/key.h"
#include "store/vault.h"

static const struct cmd_example examples[] = {
	{"is the record whole?", "amber verify"},
	{"check a copy from another host, which holds its public key",
	 "amber --state /mnt/copy verify"},
	{"for a script: exit code 3 means tampered or damaged", "amber --json verify"},
	{NULL, NULL},
};

struct report {
	bool json;
	uint64_t problems;
	struct buf out;
	struct json j;
};

static void on_problem(void *ctx, const struct journal_problem *problem)
{
	struct report *report = ctx;

	report->problems++;
	if (report->json) {
		json_object(&report->j, NULL);
		json_text(&report->j, "file", problem->file);
		if (problem->block >= 0)
			json_u64(&report->j, "block", (uint64_t)problem->block);
		json_u64(&report->j, "offset", problem->offset);
		json_text(&report->j, "what", problem->what);
		json_object_end(&report->j);
		return;
	}
	printf("%s%s", report->problems == 1 ? "first bad place: " : "also: ", problem->file);
	if (problem->block >= 0)
		printf(", block %" PRId64, problem->block);
	printf(", byte %" PRIu64 ": %s\n", problem->offset, problem->what);
}

/* The journal names its files, a person wants to find them below the state. */
static void journal_problem(void *ctx, const struct journal_problem *problem)
{
	struct journal_problem below = *problem;
	char file[LIMIT_PATH];

	(void)snprintf(file, sizeof(file), "journal/%s", problem->file); /* a short name */
	below.file = file;
	on_problem(ctx, &below);
}

static void vault_problem(struct report *report, const struct vault_check *check, const char *what)
{
	char file[32];

	(void)snprintf(file, sizeof(file), "vault/%08" PRIu64 ".pack", check->bad_pack); /* fits */
	on_problem(report, &(struct journal_problem){
				   .file = file,
				   .block = -1,
				   .offset = check->bad_offset,
				   .what = what,
			   });
}

static int check_vault(struct report *report, const char *state_dir, const struct key *key,
		       struct vault_check *check, struct err *e)
{
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	int r = vault_open_reader(state_dir, &reader, e);

	if (r == -ENOENT) {
		err_clear(e);
		return 0;
	}
	if (r < 0)
		return r;
	r = vault_verify(reader, key, check, e);
	if (r < 0 && check->bad) {
		vault_problem(report, check, e->text);
		err_clear(e);
		return 0;
	}
	return r;
}

static void print_totals(struct report *report, const struct journal_verdict *v,
			 const struct vault_check *c)
{
	char journal_size[16], vault_size[16];

	if (report->json) {
		json_array_end(&report->j);
		json_u64(&report->j, "segments", v->segments);
		json_u64(&report->j, "sealed_segments", v->sealed);
		json_u64(&report->j, "tombstones", v->tombstones + c->tombstones);
		json_u64(&report->j, "blocks", v->blocks);
		json_u64(&report->j, "events", v->rows);
		json_u64(&report->j, "packs", c->packs);
		json_u64(&report->j, "objects", c->objects);
		json_bool(&report->j, "whole", report->problems == 0);
		json_object_end(&report->j);
		printf("%s\n", buf_text(&report->out));
		return;
	}
	table_size_text(v->bytes, journal_size);
	table_size_text(c->bytes, vault_size);
	printf("journal  %" PRIu64 " events in %" PRIu64 " blocks of %" PRIu64 " segments (%" PRIu64
	       " sealed and signed%s), %s\n",
	       v->rows, v->blocks, v->segments, v->sealed,
	       v->unsealed_last ? ", the newest is still open" : "", journal_size);
	printf("vault    %" PRIu64 " contents in %" PRIu64 " packs (%" PRIu64
	       " sealed and signed), %s\n",
	       c->objects, c->packs, c->sealed, vault_size);
	if (v->tombstones + c->tombstones)
		printf("removed  %" PRIu64 " segments and %" PRIu64
		       " packs by retention, each with a signed "
		       "tombstone\n",
		       v->tombstones, c->tombstones);
	if (v->recovered)
		printf("crashes  %" PRIu64
		       " segments were cut at their last whole block; see the gap "
		       "records\n",
		       v->recovered);
	printf("%s\n", report->problems ? "NOT WHOLE: see above" : "whole and unaltered");
}

static int run(struct cmd *cmd, struct err *e)
{
	AUTO(key) struct key *key = NULL;
	struct report report = {.json = cmd->json};
	struct journal_verdict verdict = {0};
	struct vault_check check = {0};
	int r = key_open_public(cmd->state_dir, &key, e);

	if (r < 0) {
		(void)err_hint(e, "nothing was recorded in '%s', or its keys are gone",
			       cmd->state_dir);
		return EXIT_FAILED;
	}
	buf_init(&report.out, LIMIT_BLOCK_BYTES);
	report.j = json_to(&report.out);
	if (cmd->json) {
		json_object(&report.j, NULL);
		json_array(&report.j, "problems");
	}
	r = journal_verify(cmd->state_dir, key, journal_problem, &report, &verdict, e);
	if (r == 0)
		r = check_vault(&report, cmd->state_dir, key, &check, e);
	if (r == 0)
		print_totals(&report, &verdict, &check);
	buf_fini(&report.out);
	if (r < 0)
		return EXIT_FAILED;
	return report.problems ? EXIT_WRONG : EXIT_DONE;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "is the journal and the vault whole and unaltered?",
	.description = "Checks every hash, the chain from block to block and from segment to "
		       "segment, every\n"
		       "signature with the public key in keys/host.pub, and every kept content. "
		       "Names the first\n"
		       "bad place exactly; everything before it can still be read. Works beside a "
		       "running recorder.\n\n"
		       "Exit 3 when something is damaged, missing or altered.",
	.examples = examples,
	.run = run,
};
