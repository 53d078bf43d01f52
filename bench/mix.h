/* mix.h - made-up events in the proportions of containers at work: shells that fork, run and
 * exit, programs that open the same files again and again, connections, and now and then a name
 * that was never seen.  Deterministic. */
#ifndef AMBER_BENCH_MIX_H
#define AMBER_BENCH_MIX_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "model/event.h"

#define MIX_CONTAINERS 40
#define MIX_PROCESSES  16 /* alive in each container */
#define MIX_FILES      600

struct mix_process {
	struct process p;
	char comm[16], exe[48];
	unsigned program, steps; /* steps: what is left for it to do */
	uint64_t exec_ns;
};

struct mix {
	uint64_t seed, now_ns, next_rev, next_ino;
	uint32_t next_pid;
	struct container containers[MIX_CONTAINERS];
	char ids[MIX_CONTAINERS][65], names[MIX_CONTAINERS][32], images[MIX_CONTAINERS][32];
	struct mix_process processes[MIX_CONTAINERS][MIX_PROCESSES];
	unsigned container, slot; /* whose turn it is */
	char files[MIX_FILES][80];
	uint64_t inodes[MIX_FILES];
	char text[512], text2[256];
	uint8_t addr[4], local[4];
	struct event ev;
};

static const char *const mix_programs[] = {
	"/bin/sh",	    "/usr/bin/python3.11", "/usr/sbin/nginx", "/usr/bin/node",
	"/usr/bin/curl",    "/bin/grep",	   "/usr/bin/env",    "/bin/cat",
	"/usr/lib/git/git", "/usr/bin/gcc-12",	   "/usr/bin/make",   "/usr/bin/java",
};

static inline uint64_t mix_random(struct mix *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed * 0x2545f4914f6cdd1dull >> 16;
}

/* 0 to n - 1, small numbers far more often: how files are used. */
static inline unsigned mix_skewed(struct mix *m, unsigned n)
{
	double x = (double)(mix_random(m) & 0xffffff) / (double)0x1000000;

	return (unsigned)(x * x * x * n);
}

static inline void mix_name_process(struct mix *m, struct mix_process *q, unsigned program)
{
	const char *base = strrchr(mix_programs[program], '/') + 1;

	q->program = program;
	(void)snprintf(q->exe, sizeof(q->exe), "%s", mix_programs[program]);
	(void)snprintf(q->comm, sizeof(q->comm), "%.15s", base);
	q->p.comm = span_of(q->comm);
	q->p.exe = span_of(q->exe);
	q->p.rev = m->next_rev++;
}

static inline void mix_new_process(struct mix *m, struct mix_process *q,
				   const struct process *parent, unsigned program)
{
	*q = (struct mix_process){.steps = 6 + (unsigned)(mix_random(m) % 40)};
	q->p.pid = m->next_pid;
	q->p.vpid = m->next_pid % 30000;
	q->p.start_ns = m->now_ns;
	m->next_pid = m->next_pid >= 4000000 ? 1000 : m->next_pid + 1;
	q->p.loginuid = UINT32_MAX;
	if (parent) {
		q->p.ppid = parent->pid;
		q->p.parent_start_ns = parent->start_ns;
		q->p.uid = parent->uid;
		q->p.gid = parent->gid;
	}
	mix_name_process(m, q, program);
}

static inline void mix_init(struct mix *m)
{
	static const char *const roots[] = {
		"/usr/lib/python3.11/site-packages", "/var/lib/app/data", "/etc",
		"/usr/lib/x86_64-linux-gnu",	     "/proc/self",	  "/var/cache/nginx"};

	*m = (struct mix){.seed = 42, .next_rev = 1, .next_pid = 4000, .next_ino = 1200000};
	m->now_ns = 5000000000000ull;
	for (unsigned i = 0; i < MIX_FILES; i++) {
		(void)snprintf(m->files[i], sizeof(m->files[i]), "%s/module_%u/file%04x.so",
			       roots[mix_random(m) % 6], i % 37,
			       (unsigned)(mix_random(m) & 0xffff));
		m->inodes[i] = 300000 + mix_random(m) % 900000;
	}
	for (unsigned c = 0; c < MIX_CONTAINERS; c++) {
		for (unsigned i = 0; i < 64; i++)
			m->ids[c][i] = "0123456789abcdef"[mix_random(m) & 15];
		(void)snprintf(m->names[c], sizeof(m->names[c]), "service-%u", c);
		(void)snprintf(m->images[c], sizeof(m->images[c]), "registry/app-%u:1.%u", c % 7,
			       c);
		m->containers[c] = (struct container){
			.rev = c + 1,
			.cgroup_id = 9000 + c * 13,
			.id = span_of(m->ids[c]),
			.name = span_of(m->names[c]),
			.image = span_of(m->images[c]),
			.runtime = RUNTIME_DOCKER,
			.state = CONTAINER_RUNNING,
		};
		for (unsigned i = 0; i < MIX_PROCESSES; i++)
			mix_new_process(m, &m->processes[c][i], NULL,
					(unsigned)(mix_random(m) % ARRAY_LEN(mix_programs)));
	}
}

static inline void mix_open(struct mix *m, struct event *ev)
{
	unsigned file = mix_skewed(m, MIX_FILES);
	union value *v = ev->value;

	event_init(ev, EVENT_FILE_OPEN);
	if (mix_random(m) % 50 == 0) { /* a name of its own */
		int n = snprintf(m->text, sizeof(m->text), "/tmp/build-%06x/obj_%u.o.tmp",
				 (unsigned)(mix_random(m) & 0xffffff), file);

		v[FIELD_PATH].bytes = span_make(m->text, (size_t)n);
		v[FIELD_INO].u = m->next_ino++;
		v[FIELD_FILE_FLAGS].u = 0x2c;
		v[FIELD_OPEN_FLAGS].u = O_WRONLY | O_CREAT | O_TRUNC;
		v[FIELD_MODE].u = 0644;
	} else {
		v[FIELD_PATH].bytes = span_of(m->files[file]);
		v[FIELD_INO].u = m->inodes[file];
		v[FIELD_FILE_FLAGS].u = file % 9 ? 8 : 12;
		v[FIELD_OPEN_FLAGS].u = file % 5 ? O_RDONLY | O_CLOEXEC : O_RDWR | O_APPEND;
	}
	v[FIELD_DEV].u = 0x00300000u + m->container;
	ev->ret = mix_random(m) % 12 == 0 ? -2 : 3 + (int)mix_skewed(m, 12);
	v[FIELD_FD].i = ev->ret;
	v[FIELD_SYSCALL].u = 257;
}

static inline void mix_exec(struct mix *m, struct mix_process *q, struct event *ev)
{
	union value *v = ev->value;
	int n;

	mix_name_process(m, q, (unsigned)(mix_random(m) % ARRAY_LEN(mix_programs)));
	q->p.exec_ns = m->now_ns;
	event_init(ev, EVENT_PROCESS_EXEC);
	n = snprintf(m->text, sizeof(m->text), "%s -c %s --id=%u%s", q->exe,
		     m->files[mix_skewed(m, 40)], (unsigned)(mix_random(m) % 5000),
		     mix_random(m) % 5000 == 0 ? " evil" : "");
	v[FIELD_PATH].bytes = span_of(q->exe);
	v[FIELD_DEV].u = 0x00300000u + m->container;
	v[FIELD_INO].u = 5000 + q->program;
	v[FIELD_FILE_FLAGS].u = 8;
	v[FIELD_ARGV].bytes = span_make(m->text, (size_t)n);
	v[FIELD_ARGC].u = 4;
	v[FIELD_ARGV_BYTES].u = (uint64_t)n;
	v[FIELD_FILENAME].bytes = span_of(q->exe);
	v[FIELD_CWD].bytes = span_of("/var/lib/app");
	v[FIELD_CAPS].u = v[FIELD_CAPS_PERMITTED].u = 0xa80425fbull;
	n = snprintf(m->text2, sizeof(m->text2), "%u:sh %u:containerd-shim 1:systemd", q->p.ppid,
		     2000 + m->container);
	v[FIELD_ANCESTORS].bytes = span_make(m->text2, (size_t)n);
	v[FIELD_STDIN].bytes = span_of("null");
	v[FIELD_STDOUT].bytes = span_of("pipe");
	v[FIELD_STDERR].bytes = span_of("pipe");
	for (unsigned f = FIELD_MNT_NS; f <= FIELD_CGROUP_NS; f++)
		v[f].u = 4026530000ull + (f - FIELD_MNT_NS) + m->container * 7;
	v[FIELD_SYSCALL].u = 59;
}

static inline void mix_connect(struct mix *m, struct event *ev)
{
	union value *v = ev->value;
	uint32_t far = (uint32_t)mix_skewed(m, 200);

	event_init(ev, EVENT_NET_CONNECT);
	m->local[0] = 172;
	m->local[1] = 17;
	m->local[3] = (uint8_t)(2 + m->container);
	memcpy(m->addr, (uint8_t[]){10, 0, (uint8_t)(far >> 4), (uint8_t)far}, 4);
	v[FIELD_FD].i = 5 + mix_skewed(m, 30);
	v[FIELD_FAMILY].u = 2;
	v[FIELD_SOCK_TYPE].u = 1;
	v[FIELD_PROTOCOL].u = 6;
	v[FIELD_LOCAL_ADDR].bytes = span_make(m->local, 4);
	v[FIELD_LOCAL_PORT].u = 32768 + mix_random(m) % 28000;
	v[FIELD_REMOTE_ADDR].bytes = span_make(m->addr, 4);
	v[FIELD_REMOTE_PORT].u = far % 3 ? 443 : 5432;
	v[FIELD_SOCK_INO].u = m->next_ino++;
	v[FIELD_SYSCALL].u = 42;
	ev->ret = far % 4 ? 0 : -115;
}

static inline void mix_fork(struct mix *m, struct mix_process *parent, struct event *ev)
{
	unsigned to = (unsigned)(mix_random(m) % MIX_PROCESSES);
	struct mix_process *child = &m->processes[m->container][to];
	union value *v = ev->value;

	event_init(ev, EVENT_PROCESS_FORK);
	if (child == parent || child->steps)
		child = NULL;
	if (child)
		mix_new_process(m, child, &parent->p, parent->program);
	v[FIELD_CHILD_PID].u = child ? child->p.pid : m->next_pid++;
	v[FIELD_CHILD_VPID].u = v[FIELD_CHILD_PID].u % 30000;
	v[FIELD_CHILD_START].u = m->now_ns - mix_random(m) % 40000;
	v[FIELD_FLAGS].u = 0x1200011;
	ev->ret = (int64_t)v[FIELD_CHILD_PID].u;
}

/* The next event; borrowed until the next call. */
static inline const struct event *mix_next(struct mix *m)
{
	struct event *ev = &m->ev;
	struct mix_process *q;
	unsigned what = (unsigned)(mix_random(m) % 100);

	/* A task runs for a while on its processor; then another's turn comes. */
	if (mix_random(m) % 6 == 0) {
		m->container = mix_skewed(m, MIX_CONTAINERS);
		m->slot = (unsigned)(mix_random(m) % MIX_PROCESSES);
	}
	q = &m->processes[m->container][m->slot];
	m->now_ns += 1500 + mix_random(m) % 12000;
	if (q->steps == 0) {
		mix_new_process(m, q, &q->p, q->program);
		mix_exec(m, q, ev);
	} else if (--q->steps == 0) {
		event_init(ev, EVENT_PROCESS_EXIT);
		ev->value[FIELD_EXIT_CODE].u = what < 5;
	} else if (what < 70) {
		mix_open(m, ev);
	} else if (what < 78) {
		mix_connect(m, ev);
	} else if (what < 86) {
		mix_fork(m, q, ev);
	} else if (what < 92) {
		mix_exec(m, q, ev);
	} else {
		event_init(ev, EVENT_FILE_UNLINK);
		ev->value[FIELD_PATH].bytes = span_of(m->files[mix_skewed(m, MIX_FILES)]);
		ev->value[FIELD_SYSCALL].u = 263;
	}
	ev->boot_ns = m->now_ns;
	ev->real_ns = m->now_ns + 1790000000000000000ull;
	ev->tid = q->p.pid + (q->program == 11 ? (uint32_t)(what % 4) : 0);
	ev->process = &q->p;
	ev->container = &m->containers[m->container];
	return ev;
}

static inline int mix_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void mix_remove(const char *dir)
{
	(void)nftw(dir, mix_remove_one, 16, FTW_DEPTH | FTW_PHYS); /* it is in /tmp */
}

#endif
