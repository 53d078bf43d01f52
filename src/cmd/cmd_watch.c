/* cmd_watch.c - amber watch: record, as a service or for a while. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/config.h"
#include "cmd/notify.h"
#include "cmd/table.h"
#include "record/recorder.h"

#define EXCLUDES_MAX 128u

enum { OPT_DURATION, OPT_READY, OPT_SET, OPT_PRINT_CONFIG };

static const struct cmd_option options[] = {
	[OPT_DURATION] = {"duration", "TIME", "end after it: 30s, 15m"},
	[OPT_READY] = {"ready", "FILE", "make this file when everything is recorded from now on"},
	[OPT_SET] = {"set", "KEY=VALUE", "a setting of amber.conf; several separated by ';'"},
	[OPT_PRINT_CONFIG] = {"print-config", NULL, "print all settings with their defaults and end"},
	{NULL, NULL, NULL},
};

static volatile sig_atomic_t stop_asked, reload_asked;

static void on_signal(int number)
{
	if (number == SIGHUP)
		reload_asked = 1;
	else
		stop_asked = 1;
}

struct service {
	struct cmd *cmd;
	struct config config;
	const char *excludes[EXCLUDES_MAX];
	char exclude_text[LIMIT_PATH];
	struct recorder *recorder;
	uint64_t watchdog_ns, next_watchdog_ns;
};

static void on_trouble(void *ctx, const char *text)
{
	(void)ctx;
	log_warning("%s", text);
}

static int set_all(struct config *c, const char *list, struct err *e)
{
	char text[LIMIT_PATH], *rest = text, *pair, *equals;
	int r = 0;

	if (snprintf(text, sizeof(text), "%s", list) >= (int)sizeof(text))
		return err_set(e, EINVAL, "--set is longer than %u bytes", LIMIT_PATH - 1);
	while (r == 0 && (pair = strsep(&rest, ";")) != NULL) {
		equals = strchr(pair, '=');
		if (!equals)
			return err_set(e, EINVAL, "--set needs KEY=VALUE, not '%s'", pair);
		*equals = '\0';
		r = config_set(c, pair, equals + 1, "--set", e);
	}
	return r;
}

static int read_settings(struct service *s, struct config *ret, struct err *e)
{
	int r;

	config_init(ret);
	r = config_read(ret, s->cmd->config_path, e);
	if (r == 0 && s->cmd->option[OPT_SET])
		r = set_all(ret, s->cmd->option[OPT_SET], e);
	return r;
}

static void make_policy(struct service *s, struct keeper_policy *policy)
{
	char *rest = s->exclude_text, *pattern;
	unsigned n = 0;

	keeper_policy_default(policy);
	policy->max_bytes[KEEPER_EXECUTABLE] = s->config.keep_executable_bytes;
	policy->max_bytes[KEEPER_DATA] = s->config.keep_file_bytes;
	policy->container_rate = s->config.keep_rate_bytes;
	policy->container_burst = 4 * s->config.keep_rate_bytes;
	memcpy(s->exclude_text, s->config.keep_exclude, sizeof(s->exclude_text));
	while ((pattern = strsep(&rest, " \t")) != NULL && n < EXCLUDES_MAX)
		if (*pattern)
			s->excludes[n++] = pattern;
	policy->exclude = s->excludes;
	policy->exclude_count = n;
}

static void make_options(struct service *s, struct recorder_options *o)
{
	const struct config *c = &s->config;

	*o = (struct recorder_options){
		.state_dir = s->cmd->state_dir,
		.probe = probe_defaults(),
		.watch_read = c->watch_read,
		.canary_ns = c->canary_ns,
		.hold = c->hold,
		.hold_deadline_ms = (unsigned)(c->hold_deadline_ns / 1000000),
		.keep_files = c->keep_files,
		.keep_logs = c->keep_logs,
		.log_rate_lines = c->log_rate_lines,
		.segment_bytes = c->segment_bytes,
		.flush_ms = (unsigned)(c->flush_ns / 1000000),
		.journal_bytes = c->journal_bytes,
		.journal_age_ns = c->journal_age_ns,
		.vault_bytes = c->vault_bytes,
		.docker_socket = c->docker_socket,
		.containerd_socket = c->containerd_socket,
		.podman_socket = c->podman_socket,
		.on_trouble = on_trouble,
		.ctx = s,
	};
	o->probe.ring_bytes = (uint32_t)c->ring_bytes;
	o->probe.fold_ms = (uint32_t)(c->fold_ns / 1000000);
	o->probe.quota_rate = (uint32_t)c->quota_rate;
	o->probe.quota_burst = (uint32_t)c->quota_burst;
	make_policy(s, &o->keep);
}

/* SIGHUP: the file is read again.  A mistake in it leaves everything as it is. */
static void reload(struct service *s)
{
	struct recorder_options options;
	struct err e = ERR_INIT;
	struct config fresh;
	char state[96];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       clock_boot_ns() / 1000); /* fits */
	notify_send(state);
	if (read_settings(s, &fresh, &e) < 0) {
		log_error("settings are as before: %s", e.text);
		recorder_note(s->recorder, "reload_failed", e.text);
	} else {
		s->config = fresh;
		make_options(s, &options);
		if (recorder_reload(s->recorder, &options, &e) < 0)
			log_error("settings are applied in part: %s", e.text);
		else
			log_info("settings read again");
	}
	notify_send("READY=1");
}

static void on_round(void *ctx)
{
	struct service *s = ctx;
	uint64_t now = clock_boot_ns();

	if (reload_asked) {
		reload_asked = 0;
		reload(s);
	}
	if (s->watchdog_ns && now >= s->next_watchdog_ns) {
		notify_send("WATCHDOG=1");
		s->next_watchdog_ns = now + s->watchdog_ns / 2;
	}
}

static int say_ready(struct service *s, struct err *e)
{
	const char *path = s->cmd->option[OPT_READY];
	struct recorder_stats stats;

	recorder_stats(s->recorder, &stats);
	log_info("recording to %s; %" PRIu64 " container%s here now; end with Ctrl-C or SIGTERM",
		 s->cmd->state_dir, stats.containers, stats.containers == 1 ? "" : "s");
	notify_send("READY=1");
	return path ? fd_replace_file(path, span_of("ready\n"), 0644, e) : 0;
}

static void say_totals(const struct recorder_stats *t)
{
	char size[16];

	table_size_text(t->bytes, size);
	log_info("%" PRIu64 " events (%s), %" PRIu64 " contents kept, %" PRIu64 " starts held "
		 "(median %.2f ms, 99th percentile %.2f ms, %" PRIu64 " let go late)",
		 t->events, size, t->kept, t->holds, (double)t->hold_median_ns / 1e6,
		 (double)t->hold_p99_ns / 1e6, t->hold_late);
	if (t->lost)
		log_warning("%" PRIu64 " losses, each told by a gap record: amber events --type gap", t->lost);
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)sigaction(SIGTERM, &action, NULL); /* cannot fail for these signals */
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

static int serve(struct service *s, uint64_t until_boot_ns, struct err *e)
{
	struct recorder_stats totals;
	struct err closing = ERR_INIT;
	int r = say_ready(s, e);

	if (r == 0)
		r = recorder_run(s->recorder, &stop_asked, until_boot_ns, on_round, e);
	notify_send("STOPPING=1");
	recorder_stats(s->recorder, &totals);
	say_totals(&totals);
	if (recorder_close(s->recorder, &closing) < 0 && r == 0) {
		*e = closing;
		r = -closing.code;
	}
	if (r < 0)
		return EXIT_FAILED;
	return totals.lost ? EXIT_GAPS : EXIT_DONE;
}

static int run(struct cmd *cmd, struct err *e)
{
	static struct service s; /* large, and there is one */
	struct recorder_options o;
	uint64_t length = 0;

	s = (struct service){.cmd = cmd};
	if (cmd->option[OPT_PRINT_CONFIG]) {
		config_print_example();
		return EXIT_DONE;
	}
	if (cmd->option[OPT_DURATION] && clock_parse_span(cmd->option[OPT_DURATION], &length, e) < 0)
		return EXIT_USAGE;
	if (read_settings(&s, &s.config, e) < 0)
		return EXIT_USAGE;
	make_options(&s, &o);
	catch_signals();
	s.watchdog_ns = notify_watchdog_ns();
	if (recorder_open(&o, &s.recorder, e) < 0) {
		(void)err_hint(e, "'amber doctor' looks at everything that recording needs");
		return EXIT_FAILED;
	}
	return serve(&s, length ? clock_boot_ns() + length : 0, e);
}

static const struct cmd_example examples[] = {
	{"record until Ctrl-C", "amber watch"},
	{"record a quarter of an hour into a folder of its own", "amber --state /tmp/look watch --duration "
								 "15m"},
	{"a settings file to start from", "amber watch --print-config > /etc/amber/amber.conf"},
	{NULL, NULL},
};

const struct command command_watch = {
	.name = "watch",
	.summary = "record what containers do (the service)",
	.options = options,
	.description =
		"Records processes, files with their contents, network and logs of every container on this\n"
		"host, from its first instruction on, until it is told to end. Needs root.\n\n"
		"SIGTERM and SIGINT end it: the record is sealed and signed. SIGHUP reads the settings again.\n"
		"What was lost is a gap record, and then the exit code is 4.",
	.examples = examples,
	.run = run,
};
