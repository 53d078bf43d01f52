/* recorder.h - everything of `amber watch` behind one door.
 *
 * Threads: the caller's (drains the kernel's rings, decodes, journals), one that keeps house once a
 * second (gaps, signs of life, catalog, vault), and those of the parts: journal writer, keeper,
 * start hold, log follower, runtimes.  The journal is where they meet.
 *
 * Nothing here prints.  What goes wrong after the start is told through `on_trouble` and is a gap
 * record; only the start can fail. */
#ifndef AMBER_RECORD_RECORDER_H
#define AMBER_RECORD_RECORDER_H

#include <signal.h>

#include "base/auto.h"
#include "base/err.h"
#include "record/keeper_policy.h"
#include "record/probe.h"

struct recorder;

struct recorder_options {
	const char *state_dir;
	struct probe_options probe;
	const char *watch_read; /* names of files, separated by blanks */
	uint64_t canary_ns;

	bool hold;
	unsigned hold_deadline_ms;

	bool keep_files;
	struct keeper_policy keep;

	bool keep_logs;
	uint64_t log_rate_lines;

	uint64_t segment_bytes;
	unsigned flush_ms;
	uint64_t journal_bytes, journal_age_ns;
	uint64_t vault_bytes;

	const char *docker_socket, *containerd_socket, *podman_socket;

	/* Something to tell a person; any thread. */
	void (*on_trouble)(void *ctx, const char *text);
	void *ctx;
};

/* Starts everything.  When it returns, containers that run are known and what they do is recorded.
 * All strings of `options` are borrowed until recorder_close.  On failure nothing is left running.
 */
int recorder_open(const struct recorder_options *options, struct recorder **ret_recorder,
		  struct err *e);

/* Records until *stop is not 0, or until the boot clock reaches `until_boot_ns` (0: no end).  After
 * each round of at most 40 ms `on_round` (may be NULL) is called. */
int recorder_run(struct recorder *recorder, const volatile sig_atomic_t *stop,
		 uint64_t until_boot_ns, void (*on_round)(void *ctx), struct err *e);

/* Takes over the settings that can change while it records: hold and its deadline, the names that
 * are watched, the canary's interval, the limits of the journal.  Between rounds, on the draining
 * thread; strings as in recorder_open.  Journalled. */
int recorder_reload(struct recorder *recorder, const struct recorder_options *options,
		    struct err *e);

/* Writes down that something was asked of Amber: reload, a hold that was added.  `reason` is a word
 * that does not change. */
void recorder_note(struct recorder *recorder, const char *reason, const char *text);

struct recorder_stats {
	uint64_t events;     /* journalled */
	uint64_t lost;	     /* told by gap records */
	uint64_t containers; /* alive */
	uint64_t kept;	     /* contents, this run */
	uint64_t bytes;	     /* of the journal, this run */
	uint64_t holds, hold_median_ns, hold_p99_ns, hold_late;
};

void recorder_stats(struct recorder *recorder, struct recorder_stats *ret_stats);

/* Stops the parts in the order in which nothing is lost, seals and signs, frees.  The error is the
 * first that was met; it is closed all the same.  NULL is allowed. */
int recorder_close(struct recorder *recorder, struct err *e);

#endif
