/* test_extract.c - claims about reading Falco's fields from events. */
#include <arpa/inet.h>

#include "base/buf.h"
#include "detect/extract.h"
#include "detect/names.h"
#include "detect_case.h"

static struct event ev;
static struct process actor;
static struct container box;
static struct detect_scratch scratch;
static struct detect_event around;

/* Every field that Falco has or its official rules use. */
static const char falco_fields[] =
	"proc.name fd.name proc.cmdline proc.pname evt.type user.name user.uid "
	"proc.tty user.loginuid proc.exepath container.image.repository proc.args "
	"proc.aname evt.arg.flags proc.pcmdline fd.typechar fd.directory fd.l4proto "
	"fd.type fd.rport fd.lport evt.arg.path evt.res proc.pexe evt.arg.name "
	"evt.rawres evt.arg.oldpath thread.cap_permitted proc.exe evt.arg.uid fd.net "
	"fd.sport evt.arg.newpath fd.ip fd.sip.name fd.num k8s.ns.name evt.arg.mode "
	"fd.sip container.id proc.cwd evt.arg.request fd.snet fd.connected "
	"fd.name_changed evt.is_open_read evt.num evt.arg.filename "
	"thread.cap_effective proc.env fd.filename proc.vpid evt.is_open_write "
	"evt.arg.cmd evt.dir evt.arg.target fd.nameraw container.privileged "
	"group.gid user.loginname group.name fd.cip.name evt.args proc.pexepath "
	"proc.sname container.start_ts container.mount.dest proc.exe_ino.mtime "
	"proc.aexe proc.is_vpgid_leader fd.cnet fd.lip.name fd.rip.name "
	"evt.arg.domain evt.is_open_exec proc.duration proc.is_exe_upper_layer "
	"proc.is_exe_from_memfd proc.exe_ino.ctime_duration_proc_start k8s.pod.name "
	"fd.rnet evt.arg.fd container.mounts evt.buffer fd.cip fd.sockfamily fd.port "
	"proc.aexepath evt.arg.linkpath fd.rip proc.exe_ino.ctime evt.latency "
	"evt.latency.s evt.latency.ns evt.latency.quantized evt.latency.human "
	"evt.deltatime evt.deltatime.s evt.deltatime.ns evt.outputtime evt.type.is "
	"syscall.type evt.category evt.cpu evt.arg evt.rawarg evt.info evt.buflen "
	"evt.failed evt.is_io evt.is_io_read evt.is_io_write evt.io_dir evt.is_wait "
	"evt.wait_latency evt.is_syslog evt.count evt.count.error "
	"evt.count.error.file evt.count.error.net evt.count.error.memory "
	"evt.count.error.other evt.count.exit evt.count.procinfo "
	"evt.count.threadinfo evt.around evt.abspath evt.buflen.in evt.buflen.out "
	"evt.buflen.file evt.buflen.file.in evt.buflen.file.out evt.buflen.net "
	"evt.buflen.net.in evt.buflen.net.out evt.infra.docker.name "
	"evt.infra.docker.container.id evt.infra.docker.container.name "
	"evt.infra.docker.container.image evt.is_open_create fd.lip fd.cport "
	"fd.is_server fd.uid fd.containername fd.containerdirectory fd.proto "
	"fd.cproto fd.sproto fd.lproto fd.rproto fd.lnet fd.dev fd.dev.major "
	"fd.dev.minor fd.ino fd.types fd.is_upper_layer fd.is_lower_layer "
	"fdlist.nums fdlist.names fdlist.cips fdlist.sips fdlist.cports "
	"fdlist.sports fs.path.name fs.path.nameraw fs.path.source fs.path.sourceraw "
	"fs.path.target fs.path.targetraw evt.time evt.time.s evt.time.iso8601 "
	"evt.datetime evt.datetime.s evt.rawtime evt.rawtime.s evt.rawtime.ns "
	"evt.reltime evt.reltime.s evt.reltime.ns evt.pluginname evt.plugininfo "
	"evt.source evt.is_async evt.asynctype evt.hostname proc.aargs proc.acmdline "
	"proc.cmdnargs proc.cmdlenargs proc.exeline proc.aenv proc.loginshellid "
	"proc.pid proc.ppid proc.apid proc.pvpid proc.sid proc.sid.exe "
	"proc.sid.exepath proc.vpgid proc.vpgid.name proc.vpgid.exe "
	"proc.vpgid.exepath proc.pgid proc.pgid.name proc.pgid.exe proc.pgid.exepath "
	"proc.ppid.duration proc.pid.ts proc.ppid.ts proc.is_exe_writable "
	"proc.is_exe_lower_layer proc.is_sid_leader proc.is_pgid_leader proc.exe_ino "
	"proc.exe_ino.ctime_duration_pidns_start proc.pidns_init_start_ts "
	"thread.cap_inheritable proc.fdopencount proc.fdlimit proc.fdusage "
	"proc.vmsize proc.vmrss proc.vmswap thread.pfmajor thread.pfminor thread.tid "
	"thread.ismain thread.vtid thread.nametid thread.exectime thread.totexectime "
	"thread.cgroups thread.cgroup proc.nthreads proc.nchilds thread.cpu "
	"thread.cpu.user thread.cpu.system thread.vmsize thread.vmrss "
	"thread.vmsize.b thread.vmrss.b proc.stdin.type proc.stdout.type "
	"proc.stderr.type proc.stdin.name proc.stdout.name proc.stderr.name "
	"user.homedir user.shell util.cnt ";

static int setup(void **state)
{
	struct err e = ERR_INIT;

	return detect_scratch_init(&scratch, &e);
}

static int teardown(void **state)
{
	detect_scratch_fini(&scratch);
	return 0;
}

static void happens(enum event_type type)
{
	event_init(&ev, type);
	actor = (struct process){.pid = 100,
				 .start_ns = 5000000000,
				 .ppid = 50,
				 .parent_start_ns = 50,
				 .vpid = 1,
				 .uid = 0,
				 .gid = 33,
				 .loginuid = UINT32_MAX,
				 .comm = span_of("bash"),
				 .exe = span_of("/usr/bin/bash")};
	box = (struct container){.id = span_of("0123456789abcdef0123456789abcdef"),
				 .name = span_of("web"),
				 .image = span_of("reg.io:5000/team/nginx:1.25"),
				 .runtime = RUNTIME_DOCKER,
				 .privileged = TRUTH_YES};
	ev.process = &actor;
	ev.container = &box;
	ev.tid = 100;
	ev.boot_ns = 7000000000;
	ev.real_ns = 1700000000123456789;
	around = (struct detect_event){.ev = &ev, .number = 9, .scratch = &scratch};
}

static void set_text(enum event_field field, const char *s)
{
	ev.value[field].bytes = span_of(s);
}

static struct detect_value value_of(const char *name, const char *arg)
{
	struct extract_field field;
	struct detect_value v;
	struct err e = ERR_INIT;

	if (extract_prepare(span_of(name), span_of(arg), &field, &e) < 0)
		fail_msg("%s", e.text);
	detect_scratch_reset(&scratch);
	extract(&field, &around, &v);
	if (!detect_is_missing(&v) && !detect_is_many(&v) &&
	    !(v.kind == field.extractor->kind ||
	      (v.kind == DETECT_ADDR && field.extractor->kind == DETECT_NET)))
		fail_msg("%s is of kind %d and not %d", name, v.kind, field.extractor->kind);
	return v;
}

/* The value as it is printed; "<NA>" for unknown and "<none>" for what is not there. */
static const char *got(const char *name, const char *arg)
{
	static char room[4][600];
	static unsigned at;
	char *text = room[at++ % 4];
	struct detect_value v = value_of(name, arg);
	struct buf b;

	if (detect_is_missing(&v))
		return v.kind == DETECT_NONE ? "<none>" : "<NA>";
	buf_init(&b, sizeof(room[0]) - 1);
	detect_value_print(&b, &v);
	assert_int_equal(b.failed, 0);
	if (b.n)
		memcpy(text, b.p, b.n);
	text[b.n] = 0;
	buf_fini(&b);
	return text;
}

#define assert_field(name, text)	 assert_string_equal(got(name, NULL), text)
#define assert_field_of(name, arg, text) assert_string_equal(got(name, arg), text)

static void every_field_of_falco_is_answered_or_says_why_not(void **state)
{
	struct span names[400], rest = span_of(falco_fields), arg;
	unsigned n = 0, answered = 0;

	while (rest.n) {
		const uint8_t *blank = memchr(rest.p, ' ', rest.n);

		assert_true(n < ARRAY_LEN(names));
		names[n++] = span_make(rest.p, (size_t)(blank - rest.p));
		rest = span_make(blank + 1, rest.n - (size_t)(blank + 1 - rest.p));
	}
	for (unsigned i = 0; i < n; i++) {
		const struct extractor *x = extract_find(names[i], &arg);

		if (!x)
			fail_msg("%.*s is not known", (int)names[i].n, (const char *)names[i].p);
		if (!x->read && !x->note)
			fail_msg("%s gives no reason", x->name);
		answered += x->read != NULL;
	}
	print_message("%u of %u fields are answered\n", answered, n);
	assert_true(answered > 120);
}

static void names_in_the_table_are_single(void **state)
{
	for (size_t i = 0; extract_at(i); i++) {
		struct span arg;

		assert_ptr_equal(extract_find(span_of(extract_at(i)->name), &arg), extract_at(i));
	}
}

/* What a hostile event can hold must not matter: every field of every type, with nothing set. */
static void every_field_can_be_asked_of_every_event(void **state)
{
	for (unsigned type = 1; type < EVENT_TYPE_MAX; type++) {
		if (!event_types[type].name)
			continue;
		for (size_t i = 0; extract_at(i); i++) {
			const struct extractor *x = extract_at(i);
			struct extract_field field = {.extractor = x};
			struct detect_value v;

			if (x->arg == EXTRACT_ARG_REQUIRED)
				field.arg = span_of("path");
			for (unsigned round = 0; round < 2; round++) {
				happens((enum event_type)type);
				if (round) {
					ev.process = NULL;
					ev.container = NULL;
					ev.tid = 0;
				}
				detect_scratch_reset(&scratch);
				extract(&field, &around, &v);
			}
		}
	}
	assert_int_equal(scratch.refused, 0);
}

static void fields_are_prepared_with_the_right_arguments_only(void **state)
{
	struct extract_field field;
	struct err e = ERR_INIT;
	struct span none = {NULL, 0};

	assert_int_equal(extract_prepare(span_of("evt.arg.flags"), none, &field, &e), 0);
	assert_true(span_is(field.arg, "flags"));
	assert_int_equal(extract_prepare(span_of("proc.aname"), span_of("3"), &field, &e), 0);
	assert_true(field.is_number && field.number == 3);
	assert_int_equal(extract_prepare(span_of("proc.nope"), none, &field, &e), -ENOENT);
	assert_int_equal(extract_prepare(span_of("proc.env"), none, &field, &e), -ENOTSUP);
	assert_string_equal(e.text, "field 'proc.env' is not answered: the environment of "
				    "processes is not recorded");
	assert_int_equal(extract_prepare(span_of("proc.name"), span_of("1"), &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("evt.arg"), none, &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("evt.arg.nope"), none, &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("evt.arg"), span_of("0"), &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("evt.arg.fd"), span_of("0"), &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("proc.aname"), span_of("x"), &field, &e), -EINVAL);
	assert_int_equal(extract_prepare(span_of("proc.aname"), span_of("65"), &field, &e),
			 -EINVAL);
}

static void an_open_is_read(void **state)
{
	happens(EVENT_FILE_OPEN);
	set_text(FIELD_PATH, "/etc/cron.d/x");
	ev.value[FIELD_OPEN_FLAGS].u = 0100001; /* O_WRONLY, as the kernel keeps it */
	ev.value[FIELD_FILE_FLAGS].u = 32 | 4 | 8;
	ev.value[FIELD_MODE].u = 0755;
	ev.value[FIELD_FD].i = ev.ret = 5;
	ev.value[FIELD_SYSCALL].u = 257;
	ev.value[FIELD_INO].u = 77;
	ev.value[FIELD_DEV].u = 8 << 20 | 3;
	assert_field("evt.type", "openat");
	assert_field("syscall.type", "openat");
	assert_field("amber.type", "file.open");
	assert_field("evt.category", "file");
	assert_field("evt.is_open_write", "true");
	assert_field("evt.is_open_read", "false");
	assert_field("evt.is_open_exec", "true");
	assert_field("evt.is_open_create", "true");
	assert_field("evt.res", "SUCCESS");
	assert_field("evt.rawres", "5");
	assert_field("evt.failed", "false");
	assert_field("fd.num", "5");
	assert_field("fd.name", "/etc/cron.d/x");
	assert_field("fd.directory", "/etc/cron.d");
	assert_field("fd.filename", "x");
	assert_field("fd.type", "file");
	assert_field("fd.types", "(file)");
	assert_field("fd.typechar", "f");
	assert_field("fd.ino", "77");
	assert_field("fd.dev.major", "8");
	assert_field("fd.dev.minor", "3");
	assert_field("fd.is_upper_layer", "true");
	assert_field("fd.is_lower_layer", "false");
	assert_field("fd.ip", "<none>");
	assert_field("fd.l4proto", "<none>");
	assert_field("fs.path.name", "/etc/cron.d/x");
	assert_field("fs.path.source", "<none>");
	assert_field("evt.arg.name", "/etc/cron.d/x");
	assert_field("evt.arg.mode", "0755");
	assert_field("evt.arg.fd", "5");
	assert_field_of("evt.type.is", "openat", "1");
	assert_field_of("evt.type.is", "open", "0");
	assert_field("evt.num", "9");
	assert_field("evt.dir", "<");
	assert_field("evt.count", "1");
	ev.value[FIELD_OPEN_FLAGS].u |= 0200000;
	assert_field("fd.typechar", "d");
	set_text(FIELD_PATH, "/x");
	ev.value[FIELD_OPEN_FLAGS].u = 0;
	assert_field("fd.directory", "/");
	set_text(FIELD_PATH, "");
	assert_field("fd.name", "<NA>");
	ev.value[FIELD_FD].i = -1;
	ev.ret = -ENOENT;
	assert_field("evt.res", "ENOENT");
	assert_field("fd.num", "-1");
	assert_field("evt.is_open_read", "true");
}

static void flags_that_the_kernel_forgets_are_unknown_and_not_false(void **state)
{
	struct question q = {.kind = DETECT_TEXT};

	happens(EVENT_FILE_OPEN);
	ev.value[FIELD_OPEN_FLAGS].u = 1;
	ev.value[FIELD_FLAGS].u = 0;
	assert_yes(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_WRONLY"));
	assert_unknown(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_TRUNC"));
	ev.value[FIELD_FLAGS].u = 01001; /* what the call asked for is known */
	assert_yes(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_TRUNC"));
	assert_no(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_APPEND"));
	ev.value[FIELD_FLAGS].u = 0;
	ev.value[FIELD_FILE_FLAGS].u = 32;
	assert_yes(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_CREAT"));
	ev.ret = -EACCES;
	ev.value[FIELD_OPEN_FLAGS].u = 01001;
	assert_yes(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_TRUNC"));
	assert_no(ask_with(q, value_of("evt.arg.flags", NULL), "contains", "O_APPEND"));
}

static void calls_have_falcos_names(void **state)
{
	static const struct {
		enum event_type type;
		uint64_t syscall;
		const char *name;
	} cases[] = {
		{EVENT_FILE_OPEN, 2, "open"},	       {EVENT_FILE_OPEN, 85, "creat"},
		{EVENT_FILE_OPEN, 437, "openat2"},     {EVENT_FILE_OPEN, 426, "openat"},
		{EVENT_PROCESS_EXEC, 322, "execveat"}, {EVENT_PROCESS_EXEC, 0, "execve"},
		{EVENT_FILE_RENAME, 82, "rename"},     {EVENT_FILE_UNLINK, 87, "unlink"},
		{EVENT_FILE_RMDIR, 84, "rmdir"},       {EVENT_FILE_RMDIR, 263, "unlinkat"},
		{EVENT_NET_CONNECT, 42, "connect"},    {EVENT_NET_ACCEPT, 43, "accept"},
		{EVENT_NET_SEND, 46, "sendmsg"},       {EVENT_CRED_SETID, 105, "setuid"},
		{EVENT_PROCESS_PTRACE, 0, "ptrace"},   {EVENT_NS_SETNS, 0, "setns"},
		{EVENT_KERNEL_BPF, 0, "bpf"},	       {EVENT_KERNEL_MODULE, 175, "init_module"},
		{EVENT_PROCESS_EXIT, 0, "procexit"},   {EVENT_GAP, 0, "gap"},
		{EVENT_FILE_KEPT, 0, "file.kept"},     {EVENT_MOUNT_MOUNT, 165, "mount"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum event_type types[4];
		size_t n;

		happens(cases[i].type);
		ev.value[FIELD_SYSCALL].u = cases[i].syscall;
		assert_field("evt.type", cases[i].name);
		n = detect_call_types(span_of(cases[i].name), types);
		assert_true(n >= 1);
		assert_true(types[0] == cases[i].type || (n > 1 && types[1] == cases[i].type));
	}
	assert_int_equal(detect_call_types(span_of("userfaultfd"), (enum event_type[4]){0}), 0);
}

static void arguments_have_falcos_names(void **state)
{
	happens(EVENT_FILE_RENAME);
	set_text(FIELD_PATH, "/a");
	set_text(FIELD_PATH2, "/b");
	assert_field("evt.arg.oldpath", "/a");
	assert_field("evt.arg.newpath", "/b");
	assert_field("evt.arg.target", "<none>");
	assert_field("evt.args", "res=0 oldpath=/a newpath=/b flags=0");
	assert_field("fs.path.source", "/a");
	assert_field("fs.path.target", "/b");
	happens(EVENT_FILE_SYMLINK);
	set_text(FIELD_PATH, "/link");
	set_text(FIELD_PATH2, "/etc");
	assert_field("evt.arg.target", "/etc");
	assert_field("evt.arg.linkpath", "/link");
	assert_field("fs.path.source", "/etc");
	happens(EVENT_FILE_CHMOD);
	set_text(FIELD_PATH, "/x");
	ev.value[FIELD_MODE].u = 04711;
	ev.value[FIELD_FD].i = -1;
	assert_field("evt.arg.mode", "S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IXGRP|S_IXOTH");
	assert_field("evt.arg.filename", "/x");
	assert_field("fd.name", "<none>");
	ev.value[FIELD_FD].i = 3;
	assert_field("fd.name", "/x");
	happens(EVENT_PROCESS_PTRACE);
	ev.value[FIELD_REQUEST].u = 16;
	assert_field("evt.arg.request", "PTRACE_ATTACH");
	happens(EVENT_KERNEL_BPF);
	ev.value[FIELD_REQUEST].u = 5;
	assert_field("evt.arg.cmd", "BPF_PROG_LOAD");
	ev.value[FIELD_REQUEST].u = 999;
	assert_field("evt.arg.cmd", "999");
	happens(EVENT_NET_SOCKET);
	ev.value[FIELD_FAMILY].u = 17;
	assert_field("evt.arg.domain", "AF_PACKET");
	happens(EVENT_NS_UNSHARE);
	ev.value[FIELD_FLAGS].u = 0x10000000 | 0x20000;
	assert_field("evt.arg.flags", "CLONE_NEWNS|CLONE_NEWUSER");
	happens(EVENT_CRED_SETID);
	ev.value[FIELD_SYSCALL].u = 105;
	assert_field("evt.arg.uid", "0");
	assert_field("evt.arg.gid", "<none>");
	ev.ret = -EPERM;
	assert_field("evt.arg.uid", "<NA>");
	happens(EVENT_FILE_UNLINK);
	set_text(FIELD_PATH, "/log");
	assert_field("evt.arg.name", "/log");
	assert_field("evt.arg.path", "/log");
}

static const uint8_t here[4] = {10, 0, 0, 1}, there[4] = {8, 8, 8, 8};

static void connects(enum event_type type)
{
	happens(type);
	ev.value[FIELD_FAMILY].u = 2;
	ev.value[FIELD_SOCK_TYPE].u = 1;
	ev.value[FIELD_PROTOCOL].u = 6;
	ev.value[FIELD_LOCAL_ADDR].bytes = span_make(here, 4);
	ev.value[FIELD_LOCAL_PORT].u = 40000;
	ev.value[FIELD_REMOTE_ADDR].bytes = span_make(there, 4);
	ev.value[FIELD_REMOTE_PORT].u = 53;
	ev.value[FIELD_FD].i = 4;
}

static void a_connection_is_read_from_both_ends(void **state)
{
	struct question q = {.kind = DETECT_NET};

	connects(EVENT_NET_CONNECT);
	assert_field("fd.name", "10.0.0.1:40000->8.8.8.8:53");
	assert_field("fd.type", "ipv4");
	assert_field("fd.typechar", "4");
	assert_field("fd.l4proto", "tcp");
	assert_field("fd.sockfamily", "ip");
	assert_field("fd.cip", "10.0.0.1");
	assert_field("fd.sip", "8.8.8.8");
	assert_field("fd.lip", "10.0.0.1");
	assert_field("fd.rip", "8.8.8.8");
	assert_field("fd.cport", "40000");
	assert_field("fd.sport", "53");
	assert_field("fd.lport", "40000");
	assert_field("fd.rport", "53");
	assert_field("fd.ip", "(10.0.0.1,8.8.8.8)");
	assert_field("fd.port", "(40000,53)");
	assert_field("fd.num", "4");
	assert_field("fd.is_server", "false");
	assert_field("fd.connected", "true");
	assert_field("fd.name_changed", "true");
	assert_field("fd.directory", "<none>");
	assert_yes(ask_with(q, value_of("fd.net", NULL), "=", "8.0.0.0/8"));
	assert_no(ask_with(q, value_of("fd.net", NULL), "!=", "8.0.0.0/8"));
	assert_yes(ask_with(q, value_of("fd.net", NULL), "!=", "127.0.0.0/8"));
	assert_no(ask_with(q, value_of("fd.cnet", NULL), "in", "8.0.0.0/8,9.0.0.0/8"));
	assert_yes(ask_with(q, value_of("fd.snet", NULL), "in", "8.0.0.0/8,9.0.0.0/8"));
	assert_yes(ask_with(q, value_of("fd.rnet", NULL), "=", "8.8.8.8"));
	assert_field("fd.lnet", "10.0.0.1");
	ev.ret = -EINPROGRESS;
	assert_field("evt.res", "EINPROGRESS");
	assert_field("fd.connected", "<NA>");
	ev.value[FIELD_LOCAL_ADDR].bytes = span_make(NULL, 0);
	assert_field("fd.cip", "<NA>");
	assert_field("fd.name", "->8.8.8.8:53");
	assert_unknown(ask_with(q, value_of("fd.net", NULL), "=", "10.0.0.0/8"));
	connects(EVENT_NET_ACCEPT);
	assert_field("fd.name", "8.8.8.8:53->10.0.0.1:40000");
	assert_field("fd.sip", "10.0.0.1");
	assert_field("fd.is_server", "true");
	connects(EVENT_NET_LISTEN);
	assert_field("fd.name", "10.0.0.1:40000");
	assert_field("fd.rip", "<none>");
	assert_field("fd.port", "40000");
	connects(EVENT_NET_SEND);
	ev.value[FIELD_PROTOCOL].u = 17;
	ev.value[FIELD_FILE_SIZE].u = 99;
	assert_field("fd.l4proto", "udp");
	assert_field("fd.connected", "false");
	assert_field("evt.is_io_write", "true");
	assert_field("evt.buflen", "99");
	assert_field("evt.io_dir", "write");
}

static void other_sockets_are_read(void **state)
{
	static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 8, 8, 4, 4};
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	connects(EVENT_NET_CONNECT);
	ev.value[FIELD_FAMILY].u = 10;
	ev.value[FIELD_REMOTE_ADDR].bytes = span_make(mapped, 16);
	assert_field("fd.typechar", "4");
	assert_field("fd.sip", "8.8.4.4");
	ev.value[FIELD_REMOTE_ADDR].bytes = span_make(six, 16);
	ev.value[FIELD_LOCAL_ADDR].bytes = span_make(six, 16);
	assert_field("fd.typechar", "6");
	assert_field("fd.type", "ipv6");
	assert_field("fd.sip", "2001:db8::1");
	happens(EVENT_NET_CONNECT);
	ev.value[FIELD_FAMILY].u = 1;
	set_text(FIELD_PATH, "/var/run/docker.sock");
	assert_field("fd.name", "/var/run/docker.sock");
	assert_field("fd.typechar", "u");
	assert_field("fd.sockfamily", "unix");
	assert_field("fd.sip", "<none>");
	assert_field("fd.l4proto", "<none>");
}

static void runs(const char *argv)
{
	happens(EVENT_PROCESS_EXEC);
	set_text(FIELD_ARGV, argv);
	set_text(FIELD_PATH, "/usr/bin/bash");
	set_text(FIELD_CWD, "/root");
	set_text(FIELD_FILENAME, "bash");
	ev.value[FIELD_ARGC].u = 3;
	ev.value[FIELD_INO].u = 5;
}

static void a_process_is_read(void **state)
{
	runs("/bin/bash -c 'curl x | sh'");
	set_text(FIELD_TTY, "pts/3");
	set_text(FIELD_STDIN, "socket:[9]");
	set_text(FIELD_STDOUT, "file:/tmp/o");
	set_text(FIELD_STDERR, "closed");
	ev.value[FIELD_CAPS].u = 1ull << 21 | 1;
	ev.value[FIELD_FILE_FLAGS].u = 8 | 4;
	assert_field("proc.name", "bash");
	assert_field("proc.exe", "/bin/bash");
	assert_field("proc.exepath", "/usr/bin/bash");
	assert_field("proc.args", "-c curl x | sh");
	assert_field_of("proc.args", "1", "curl x | sh");
	assert_field_of("proc.args", "2", "<none>");
	assert_field("proc.cmdline", "bash -c curl x | sh");
	assert_field("proc.exeline", "/bin/bash -c curl x | sh");
	assert_field("proc.cmdnargs", "2");
	assert_field("proc.cmdlenargs", "13");
	assert_field("proc.cwd", "/root/");
	assert_field("proc.tty", "34819");
	assert_field("proc.pid", "100");
	assert_field("proc.ppid", "50");
	assert_field("proc.vpid", "1");
	assert_field("proc.duration", "2000000000");
	assert_field("proc.pid.ts", "1699999998123456789");
	assert_field("proc.is_exe_upper_layer", "true");
	assert_field("proc.is_exe_lower_layer", "false");
	assert_field("proc.is_exe_from_memfd", "false");
	assert_field("proc.exe_ino", "5");
	assert_field("proc.stdin.type", "socket");
	assert_field("proc.stdin.name", "socket:[9]");
	assert_field("proc.stdout.type", "file");
	assert_field("proc.stdout.name", "/tmp/o");
	assert_field("proc.stderr.type", "<none>");
	assert_field("proc.stderr.name", "<none>");
	assert_field("thread.cap_effective", "CAP_CHOWN CAP_SYS_ADMIN");
	assert_field("thread.cap_permitted", "");
	assert_field("thread.cap_inheritable", "");
	assert_field("thread.tid", "100");
	assert_field("thread.ismain", "true");
	assert_field("thread.nametid", "bash 100");
	assert_field("evt.arg.exe", "/bin/bash");
	assert_field("evt.arg.filename", "bash");
	set_text(FIELD_TTY, "");
	set_text(FIELD_STDIN, "null");
	assert_field("proc.tty", "0");
	assert_field("proc.stdin.name", "/dev/null");
	runs("sh");
	assert_field("proc.args", "");
	assert_field("proc.cmdline", "bash");
	runs("x 'it'\\''s' '' b\\ c");
	assert_field("proc.args", "it's  b c");
}

static void parents_are_asked_of_the_ancestry(void **state)
{
	AUTO(lineage) struct lineage *l = NULL;
	struct question q = {.kind = DETECT_TEXT};
	struct process parent = {.pid = 50,
				 .start_ns = 50,
				 .ppid = 1,
				 .parent_start_ns = 1,
				 .vpid = 7,
				 .loginuid = UINT32_MAX,
				 .comm = span_of("sshd")};
	struct err e = ERR_INIT;

	runs("bash -i");
	assert_field("proc.pname", "<NA>");
	assert_field("proc.pcmdline", "<NA>");
	assert_int_equal(lineage_new(100, &l, &e), 0);
	event_init(&ev, EVENT_PROCESS_EXEC);
	ev.process = &parent;
	set_text(FIELD_ARGV, "/usr/sbin/sshd -D");
	set_text(FIELD_PATH, "/usr/sbin/sshd");
	set_text(FIELD_ANCESTORS, "1:systemd");
	assert_int_equal(lineage_feed(l, &ev, &e), 0);
	runs("bash -i");
	assert_int_equal(lineage_feed(l, &ev, &e), 0);
	around.ancestry = lineage_ancestry(l);
	assert_field("proc.pname", "sshd");
	assert_field("proc.pexe", "/usr/sbin/sshd");
	assert_field("proc.pexepath", "/usr/sbin/sshd");
	assert_field("proc.pcmdline", "sshd -D");
	assert_field("proc.pvpid", "7");
	assert_field("proc.ppid.duration", "6999999950");
	assert_field_of("proc.aname", "0", "bash");
	assert_field_of("proc.aname", "1", "sshd");
	assert_field_of("proc.aname", "2", "systemd");
	assert_field_of("proc.aname", "3", "<NA>");
	assert_field_of("proc.aexe", "1", "/usr/sbin/sshd");
	assert_field_of("proc.aexepath", "1", "/usr/sbin/sshd");
	assert_field_of("proc.aargs", "1", "-D");
	assert_field_of("proc.acmdline", "1", "sshd -D");
	assert_field_of("proc.apid", "2", "1");
	assert_yes(ask_with(q, value_of("proc.aname", NULL), "in", "cron,systemd"));
	assert_unknown(ask_with(q, value_of("proc.aname", NULL), "in", "cron,nginx"));
	event_init(&ev, EVENT_FILE_OPEN); /* not an exec: the table has what that said */
	ev.process = &actor;
	assert_field("proc.cmdline", "bash -i");
	assert_field("proc.exe", "bash");
	assert_field("proc.cwd", "/root/");
	actor.pid = 777; /* nobody told of it */
	assert_field("proc.cmdline", "<NA>");
	assert_field("proc.tty", "<NA>");
}

static void users_are_known_by_number(void **state)
{
	happens(EVENT_FILE_OPEN);
	assert_field("user.uid", "0");
	assert_field("user.name", "root");
	assert_field("user.loginuid", "-1");
	assert_field("user.loginname", "<none>");
	assert_field("group.gid", "33");
	assert_field("group.name", "<NA>");
	actor.uid = actor.loginuid = 1000;
	assert_field("user.name", "<NA>");
	assert_field("user.loginuid", "1000");
	assert_field("user.loginname", "<NA>");
}

static void a_container_is_read(void **state)
{
	struct container_mount mounts[] = {
		{span_of("/proc"), span_of("/host/proc"), span_of("bind"), TRUTH_YES},
		{span_of("/etc/x"), span_of("/x"), span_of("bind"), TRUTH_NO}};
	struct container_label labels[] = {{span_of("a"), span_of("1")}};

	happens(EVENT_FILE_OPEN);
	box.mounts = mounts;
	box.mount_count = 2;
	box.labels = labels;
	box.label_count = 1;
	box.image_id = span_of("sha256:abcd");
	box.started_ns = ev.real_ns - 5;
	assert_field("container.id", "0123456789ab");
	assert_field("container.full_id", "0123456789abcdef0123456789abcdef");
	assert_field("container.name", "web");
	assert_field("container.type", "docker");
	assert_field("container.image", "reg.io:5000/team/nginx:1.25");
	assert_field("container.image.repository", "reg.io:5000/team/nginx");
	assert_field("container.image.tag", "1.25");
	assert_field("container.image.id", "abcd");
	assert_field("container.image.digest", "<none>");
	assert_field("container.privileged", "true");
	assert_field("container.duration", "5");
	assert_field("container.start_ts", "1700000000123456784");
	assert_field_of("container.mount.dest", "/proc*", "/host/proc");
	assert_field_of("container.mount.dest", "1", "/x");
	assert_field_of("container.mount.dest", "/", "N/A");
	assert_field_of("container.mount.source", "/x", "/etc/x");
	assert_field_of("container.mount.mode", "/etc/x", "bind");
	assert_field_of("container.mount.rdwr", "/etc/x", "false");
	assert_field_of("container.mount", "0", "/proc:/host/proc:bind:true");
	assert_field("container.mounts", "/proc:/host/proc:bind:true,/etc/x:/x:bind:false");
	assert_field_of("container.label", "a", "1");
	assert_field_of("container.label", "b", "<none>");
	assert_field("container.labels", "(a:1)");
	assert_field("k8s.ns.name", "<none>");
	box.pod = span_of("p");
	box.pod_namespace = span_of("kube-system");
	box.pod_uid = span_of("u");
	assert_field("k8s.pod.name", "p");
	assert_field("k8s.ns.name", "kube-system");
	assert_field("k8s.pod.uid", "u");
	assert_field("k8s.pod.id", "u");
}

static void what_no_runtime_told_is_unknown_and_the_host_has_no_image(void **state)
{
	happens(EVENT_FILE_OPEN);
	box = (struct container){.id = span_of("0123")};
	assert_field("container.id", "0123");
	assert_field("container.image.repository", "<NA>");
	assert_field("container.privileged", "<NA>");
	assert_field("k8s.ns.name", "<NA>");
	assert_field_of("container.mount.dest", "/", "<NA>");
	assert_field("container.mounts", "<NA>");
	assert_field("container.type", "<NA>");
	box.image = span_of("nginx@sha256:1234");
	assert_field("container.image.repository", "nginx");
	assert_field("container.image.tag", "<none>");
	ev.container = NULL;
	assert_field("container.id", "host");
	assert_field("container.name", "host");
	assert_field("container.type", "host");
	assert_field("container.image.repository", "<none>");
	assert_field("container.privileged", "<none>");
	assert_field("k8s.pod.name", "<none>");
}

static void times_are_printed_as_falco_does(void **state)
{
	happens(EVENT_FILE_OPEN);
	around.hostname = span_of("node1");
	assert_field("evt.time", "22:13:20.123456789");
	assert_field("evt.time.s", "22:13:20");
	assert_field("evt.time.iso8601", "2023-11-14T22:13:20.123456789+0000");
	assert_field("evt.datetime", "2023-11-14 22:13:20.123456789");
	assert_field("evt.datetime.s", "2023-11-14 22:13:20");
	assert_field("evt.rawtime", "1700000000123456789");
	assert_field("evt.rawtime.s", "1700000000");
	assert_field("evt.rawtime.ns", "123456789");
	assert_field("evt.hostname", "node1");
	assert_field("evt.source", "syscall");
	assert_field("evt.is_async", "false");
	ev.real_ns = 0;
	assert_field("evt.time", "<NA>");
	assert_field("evt.rawtime", "<NA>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_falco_is_answered_or_says_why_not),
		cmocka_unit_test(names_in_the_table_are_single),
		cmocka_unit_test(every_field_can_be_asked_of_every_event),
		cmocka_unit_test(fields_are_prepared_with_the_right_arguments_only),
		cmocka_unit_test(an_open_is_read),
		cmocka_unit_test(flags_that_the_kernel_forgets_are_unknown_and_not_false),
		cmocka_unit_test(calls_have_falcos_names),
		cmocka_unit_test(arguments_have_falcos_names),
		cmocka_unit_test(a_connection_is_read_from_both_ends),
		cmocka_unit_test(other_sockets_are_read),
		cmocka_unit_test(a_process_is_read),
		cmocka_unit_test(parents_are_asked_of_the_ancestry),
		cmocka_unit_test(users_are_known_by_number),
		cmocka_unit_test(a_container_is_read),
		cmocka_unit_test(what_no_runtime_told_is_unknown_and_the_host_has_no_image),
		cmocka_unit_test(times_are_printed_as_falco_does),
	};

	return cmocka_run_group_tests_name("extract", tests, setup, teardown);
}
