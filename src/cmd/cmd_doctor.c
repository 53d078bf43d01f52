/* cmd_doctor.c - amber doctor: what this host allows, what is covered, what is blind and why. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fd.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/config.h"
#include "cmd/table.h"
#include "record/probe.h"
#include "runtime/cgroup.h"

enum verdict { GOOD, BLIND, BAD };

/* What one check found.  Texts are cut, never overrun. */
struct finding {
	enum verdict verdict;
	char text[320];
	char advice[320]; /* what the reader can do; empty when nothing has to be done */
};

struct doctor {
	struct cmd *cmd;
	struct config config;
	struct probe_features features;
};

static void say(struct finding *f, enum verdict verdict, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct finding *f, enum verdict verdict, const char *advice, const char *format, ...)
{
	va_list args;

	f->verdict = verdict;
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, args); /* cut text is text */
	va_end(args);
	(void)snprintf(f->advice, sizeof(f->advice), "%s", advice); /* cut text is text */
}

static void check_kernel(struct doctor *d, struct finding *f)
{
	struct utsname u;

	(void)uname(&u); /* cannot fail with a valid address */
	if (!d->features.btf)
		say(f, BAD, "use a kernel with CONFIG_DEBUG_INFO_BTF=y (all current distributions')",
		    "Linux %s without BTF: the recorder cannot be loaded", u.release);
	else
		say(f, GOOD, "", "Linux %s with BTF, lockdown %s", u.release, d->features.lockdown);
}

static void check_privileges(struct doctor *d, struct finding *f)
{
	if (d->features.privileged)
		say(f, GOOD, "", "may load programs into the kernel");
	else
		say(f, BAD, "run as root, or give CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN",
		    "may not load programs into the kernel");
}

static void check_recorder(struct doctor *d, struct finding *f)
{
	AUTO(probe) struct probe *probe = NULL;
	struct probe_options options = probe_defaults();
	struct err e = ERR_INIT;

	options.ring_bytes = 1u << 20;
	if (probe_open(&options, &probe, &e) < 0)
		say(f, BAD, "", "cannot load: %s", e.text);
	else
		say(f, GOOD, "", "loads and attaches here; control groups at %s", probe_cgroup_root(probe));
}

static void check_hooks(struct doctor *d, struct finding *f)
{
	if (strcmp(d->features.lockdown, "none") == 0)
		say(f, BLIND, "", "system call exits and scheduler tracepoints; LSM hooks are not used: paths of "
				  "delete and rename calls are what the caller said (marked claim)");
	else
		say(f, BLIND, "", "system call exits and scheduler tracepoints (lockdown refuses LSM and fentry): "
				  "paths of delete and rename calls are what the caller said (marked claim)");
}

static void check_compat(struct doctor *d, struct finding *f)
{
	if (d->features.compat)
		say(f, GOOD, "", "32-bit programs can run: their calls are decoded, or counted as a gap");
	else
		say(f, GOOD, "", "32-bit programs cannot run on this kernel");
}

static void check_io_uring(struct doctor *d, struct finding *f)
{
	AUTO(fd) int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
	char value = '0';

	if (fd >= 0)
		(void)fd_read_full(fd, &value, 1); /* unread is "0": enabled */
	if (value == '2')
		say(f, GOOD, "", "io_uring is switched off");
	else
		say(f, BLIND, "sysctl kernel.io_uring_disabled=2, or a seccomp profile without io_uring",
		    "io_uring: its set-up is recorded, requests in it are no system calls and are not");
}

static void check_fanotify(struct doctor *d, struct finding *f)
{
	AUTO(fd) int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);

	if (fd >= 0)
		say(f, GOOD, "", "contents of files are kept, and starts can be held (fanotify)");
	else
		say(f, BAD, "run as root; the kernel needs CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y",
		    "contents of files cannot be kept (fanotify: %s)", err_words(errno));
}

static void check_cgroups(struct doctor *d, struct finding *f)
{
	if (d->features.unified)
		say(f, GOOD, "", "the unified hierarchy of control groups is mounted");
	else
		say(f, GOOD, "", "control groups of version 1 only: containers are told by the pids controller");
}

static void check_socket(const char *what, const char *path, const char *program, struct finding *f)
{
	struct stat st;

	if (stat(path, &st) != 0)
		say(f, GOOD, "", "%s: no socket at %s; its files are read where it leaves any", what, path);
	else if (!S_ISSOCK(st.st_mode))
		say(f, BAD, "set the right path in amber.conf", "%s: %s is no socket", what, path);
	else if (access(path, R_OK | W_OK) != 0)
		say(f, BAD, "run as root", "%s: cannot use %s: %s", what, path, err_words(errno));
	else
		say(f, GOOD, "", "%s: %s%s%s", what, path, program ? " " : "", program ? program : "");
}

static void check_docker(struct doctor *d, struct finding *f)
{
	check_socket("Docker", d->config.docker_socket, NULL, f);
}

static void check_containerd(struct doctor *d, struct finding *f)
{
	check_socket("containerd", d->config.containerd_socket, NULL, f);
}

static void check_podman(struct doctor *d, struct finding *f)
{
	check_socket("Podman", d->config.podman_socket, NULL, f);
}

static void check_oci(struct doctor *d, struct finding *f)
{
	static const char *const paths[] = {"/usr/bin/runc", "/usr/sbin/runc", "/usr/local/sbin/runc",
					    "/usr/local/bin/runc", "/usr/bin/crun", "/usr/local/bin/crun"};
	char found[256] = "";

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t n = strlen(found);

		if (access(paths[i], X_OK) == 0)
			(void)snprintf(found + n, sizeof(found) - n, "%s%s", n ? ", " : "",
				       paths[i]); /* cut text is text */
	}
	if (!d->config.hold)
		say(f, BLIND, "hold = on in amber.conf", "starts are not held: a container's first moments may "
							 "come before its name is known");
	else if (*found)
		say(f, GOOD, "", "starts are held, at most %u ms: %s",
		    (unsigned)(d->config.hold_deadline_ns / 1000000), found);
	else
		say(f, BLIND, "", "no runc or crun found: no start will be held");
}

static void check_state(struct doctor *d, struct finding *f)
{
	struct statvfs fs;
	struct err e = ERR_INIT;
	char free_text[16];

	if (fd_make_dirs(d->cmd->state_dir, 0700, &e) < 0) {
		say(f, BAD, "choose another folder with --state, or run as root", "%s", e.text);
		return;
	}
	if (statvfs(d->cmd->state_dir, &fs) != 0 || access(d->cmd->state_dir, W_OK) != 0) {
		say(f, BAD, "choose another folder with --state", "cannot write to %s: %s",
		    d->cmd->state_dir, err_words(errno));
		return;
	}
	table_size_text((uint64_t)fs.f_bavail * fs.f_frsize, free_text);
	say(f, GOOD, "", "%s, %s free", d->cmd->state_dir, free_text);
}

static const struct check {
	const char *name;
	void (*run)(struct doctor *d, struct finding *f);
} checks[] = {
	{"kernel", check_kernel},     {"privileges", check_privileges}, {"recorder", check_recorder},
	{"hooks", check_hooks},	      {"32-bit calls", check_compat},	{"io_uring", check_io_uring},
	{"contents", check_fanotify}, {"control groups", check_cgroups}, {"docker", check_docker},
	{"containerd", check_containerd}, {"podman", check_podman},	{"start hold", check_oci},
	{"state", check_state},
};

static const char *word_of(enum verdict verdict)
{
	return verdict == GOOD ? "good" : verdict == BLIND ? "blind" : "BAD";
}

static void print_finding(const char *name, const struct finding *f)
{
	static const char *const colours[] = {[GOOD] = "\033[32m", [BLIND] = "\033[33m", [BAD] = "\033[1;31m"};
	bool colour = table_colour(stdout);

	printf("%s%-6s%s %-15s %s\n", colour ? colours[f->verdict] : "", word_of(f->verdict),
	       colour ? "\033[0m" : "", name, f->text);
	if (*f->advice)
		printf("%-22s -> %s\n", "", f->advice);
}

static void print_json_finding(const char *name, const struct finding *f)
{
	AUTO(buf) struct buf b;
	struct json j;

	buf_init(&b, 65536);
	j = json_to(&b);
	json_object(&j, NULL);
	json_text(&j, "check", name);
	json_text(&j, "verdict", f->verdict == BAD ? "bad" : word_of(f->verdict));
	json_text(&j, "text", f->text);
	json_text(&j, "advice", *f->advice ? f->advice : NULL);
	json_object_end(&j);
	printf("%s\n", buf_text(&b));
}

static int run(struct cmd *cmd, struct err *e)
{
	struct doctor d = {.cmd = cmd};
	enum verdict worst = GOOD;

	config_init(&d.config);
	if (config_read(&d.config, cmd->config_path, e) < 0)
		return EXIT_FAILED;
	probe_features(&d.features);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		struct finding f = {.verdict = BAD};

		checks[i].run(&d, &f);
		if (f.verdict > worst)
			worst = f.verdict;
		if (cmd->json)
			print_json_finding(checks[i].name, &f);
		else
			print_finding(checks[i].name, &f);
	}
	if (!cmd->json)
		printf("\n%s\n", worst == BAD	  ? "Amber cannot record everything here: see BAD above"
				 : worst == BLIND ? "ready to record; what is blind is named above"
						  : "ready to record");
	return worst == BAD ? EXIT_WRONG : EXIT_DONE;
}

static const struct cmd_example examples[] = {
	{"can this host be recorded, and what would be missed?", "amber doctor"},
	{"the same for a script; exit 3 when something is bad", "amber --json doctor"},
	{NULL, NULL},
};

const struct command command_doctor = {
	.name = "doctor",
	.summary = "what this host allows, what is covered, what is blind and why",
	.description =
		"Tries everything that 'amber watch' needs and says what is good, what is blind (recorded in\n"
		"part, or not at all) and what is bad, with what to do about it. Changes nothing.",
	.examples = examples,
	.run = run,
};
