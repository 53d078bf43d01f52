/* test_decode.c - claims about src/record/decode.
 *
 * `test_decode --corpus FOLDER` writes one record of each type there, for the fuzzer. */
#include "record/decode.h"

#include <sys/socket.h>

#include "base/fd.h"
#include "base/path.h"
#include "record/decode_text.h"
#include "test.h"
#include "wire_samples.h"

static struct decoder decoder = {.offset_ns = 1700000000000000000};
static struct wire_build build;
static struct event ev;

static void decode(void)
{
	struct err e = ERR_INIT;

	memset(&ev, 0xee, sizeof(ev));
	if (decode_record(&decoder, wire_end(&build), &ev, &e) != 0)
		fail_msg("%s", e.text);
}

static int refused(struct span record)
{
	struct err e = ERR_INIT;

	return decode_record(&decoder, record, &ev, &e);
}

#define assert_bytes(span_, text)                                                                \
	do {                                                                                     \
		struct span is_ = (span_);                                                       \
		if (!span_is(is_, (text)))                                                       \
			fail_msg("'%.*s' is not '%s'", (int)is_.n, (const char *)is_.p, (text)); \
	} while (0)
#define assert_text(field, text)  assert_bytes(ev.value[FIELD_##field].bytes, text)
#define assert_u64(field, number) assert_int_equal(ev.value[FIELD_##field].u, (uint64_t)(number))

static void the_head_becomes_the_head(void **state)
{
	struct wire_exit *w = wire_begin(&build, WIRE_PROCESS_EXIT, sizeof(*w));

	w->head.marks = WIRE_MARK_SETUP | WIRE_MARK_OWN | WIRE_MARK_COMPAT;
	w->head.ret = -13;
	w->head.tid = 301;
	w->head.count = 4;
	w->code = 3;
	w->signal = 0x80 | 11;
	decode();
	assert_int_equal(ev.type, EVENT_PROCESS_EXIT);
	assert_int_equal(ev.marks, EVENT_SETUP | EVENT_OWN | EVENT_COMPAT | EVENT_FOLDED);
	assert_int_equal(ev.boot_ns, 5000000000);
	assert_int_equal(ev.real_ns, 1700000005000000000);
	assert_int_equal(ev.count, 4);
	assert_int_equal(ev.ret, -13);
	assert_int_equal(ev.tid, 301);
	assert_null(ev.process);
	assert_null(ev.container);
	assert_u64(EXIT_CODE, 3);
	assert_u64(EXIT_SIGNAL, 11);
	w->head.count = 0;
	decode();
	assert_int_equal(ev.count, 1);
}

static void every_type_of_the_schema_has_a_record_or_comes_from_elsewhere(void **state)
{
	for (unsigned type = 1; type < EVENT_TYPE_MAX; type++) {
		bool elsewhere = type == EVENT_FILE_KEPT || type == EVENT_CONTAINER_STATE ||
				 type == EVENT_CONTAINER_LOG || type == EVENT_GAP ||
				 type == EVENT_AMBER;
		bool there = false;

		for (size_t i = 0; i < WIRE_SAMPLES; i++)
			there |= wire_samples[i].type == type;
		assert_int_equal(there, event_types[type].name && !elsewhere);
	}
}

static void every_field_of_every_type_is_set(void **state)
{
	for (size_t i = 0; i < WIRE_SAMPLES; i++) {
		const struct event_type_info *info = &event_types[wire_samples[i].type];

		wire_sample(&build, i);
		decode();
		for (unsigned f = 0; f < info->field_count; f++) {
			enum event_field field = info->fields[f];
			const union value *value = &ev.value[field];
			bool bytes = value_kind_is_bytes(event_fields[field].kind);

			if (bytes ? value->bytes.n == 0 : value->u == 0)
				fail_msg("%s.%s is empty", info->name, event_fields[field].name);
			if (bytes ? value->bytes.n > WIRE_REC_MAX : value->u == 0xeeeeeeeeeeeeeeee)
				fail_msg("%s.%s is not set", info->name, event_fields[field].name);
		}
	}
}

static void a_record_cut_anywhere_is_refused_or_whole(void **state)
{
	for (size_t i = 0; i < WIRE_SAMPLES; i++) {
		struct span whole = wire_sample(&build, i);
		struct wire_head *head = (void *)build.bytes;

		for (size_t n = 0; n < whole.n; n++) {
			head->len = (uint32_t)whole.n;
			assert_int_equal(refused(span_make(whole.p, n)), -EBADMSG);
			head->len = (uint32_t)n;
			if (n < wire_samples[i].bytes)
				assert_int_equal(refused(whole), -EBADMSG);
			else
				(void)refused(whole); /* between two texts it is whole */
		}
	}
}

static void what_is_no_record_is_refused(void **state)
{
	struct wire_exit *w = wire_begin(&build, WIRE_PROCESS_EXIT, sizeof(*w));
	struct span record = wire_end(&build);

	assert_int_equal(refused(record), 0);
	assert_int_equal(refused(span_make(record.p + 4, record.n - 4)), -EBADMSG);
	assert_int_equal(refused(span_make(NULL, 0)), -EBADMSG);
	for (unsigned type = 0; type < 65536; type++) {
		bool known = false;

		w->head.type = (uint16_t)type;
		for (size_t i = 0; i < WIRE_SAMPLES; i++)
			known |= wire_samples[i].type == type && wire_samples[i].bytes <= record.n;
		assert_int_equal(refused(record), known ? 0 : -EBADMSG);
	}
}

static void a_slot_that_comes_twice_or_is_unknown_does_no_harm(void **state)
{
	wire_begin(&build, WIRE_MEMORY_MEMFD, sizeof(struct wire_misc));
	wire_text(&build, 0, 0, "nothing", 7);
	wire_text(&build, 255, 0, "later", 5);
	wire_text(&build, WIRE_TEXT_NAME, 0, "first", 5);
	wire_text(&build, WIRE_TEXT_NAME, 0, "second", 6);
	decode();
	assert_text(NAME, "first");
	assert_int_equal(ev.marks, 0);
}

/* ---- paths ---- */

static struct wire_file_call *begin_open(void)
{
	return wire_begin(&build, WIRE_FILE_OPEN, sizeof(struct wire_file_call));
}

static void an_open_has_the_kernels_path(void **state)
{
	struct wire_file_call *w = begin_open();

	w->head.ret = 5;
	w->fd = -1;
	w->file = (struct wire_file){.ino = 11, .dev = 12, .file_flags = 32};
	w->open_flags = 01101;
	w->mode = 0644;
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/etc/passwd");
	decode();
	assert_text(PATH, "/etc/passwd");
	assert_u64(DEV, 12);
	assert_u64(INO, 11);
	assert_u64(FILE_FLAGS, 32);
	assert_u64(OPEN_FLAGS, 01101);
	assert_u64(MODE, 0644);
	assert_u64(FD, 5);
	assert_u64(SYSCALL, 257);
	assert_int_equal(ev.marks, 0);
}

static void an_open_that_failed_has_a_claim_and_no_descriptor(void **state)
{
	struct wire_file_call *w = begin_open();

	w->head.ret = -2;
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/srv/www");
	wire_claim(&build, WIRE_TEXT_PATH_CLAIM, ".././/etc/../x");
	decode();
	assert_text(PATH, "/srv/x");
	assert_int_equal(ev.value[FIELD_FD].i, -1);
	assert_int_equal(ev.marks, EVENT_CLAIM);
}

static void path_case(const char *base, unsigned flags, const char *claim, const char *expected)
{
	begin_open();
	if (base)
		wire_kernel_path(&build, WIRE_TEXT_PATH, flags, base);
	if (claim)
		wire_claim(&build, WIRE_TEXT_PATH_CLAIM, claim);
	decode();
	assert_text(PATH, expected);
	assert_int_equal(!!(ev.marks & EVENT_CLAIM), claim != NULL);
}

static void paths_are_joined_as_the_header_says(void **state)
{
	path_case("/", 0, NULL, "/");
	path_case("/a", 0, NULL, "/a");
	path_case("/", 0, "x", "/x");
	path_case("/", 0, "../../x", "/x");
	path_case("/a/b", 0, "", "/a/b");
	path_case("/a/b", 0, ".", "/a/b");
	path_case("/a/b", 0, "../..", "/");
	path_case("/a/b", 0, "/etc//./passwd/", "/etc/passwd");
	path_case("/a", 0, "...", "/a/...");
	path_case(NULL, 0, "/..", "/");
	path_case(NULL, 0, "a/./b/../c/", "a/c");
	path_case(NULL, 0, "../../a/../..", "../../..");
	path_case(NULL, 0, "a/..", ".");
	path_case(NULL, 0, "", "");
	path_case(NULL, 0, NULL, "");
	path_case("b/c", WIRE_TEXT_TRUNCATED, NULL, "b/c");
	path_case("b/c", WIRE_TEXT_TRUNCATED, "../../../d", "../d");
	path_case("memfd:x", WIRE_TEXT_DETACHED, NULL, "memfd:x");
	path_case("/", WIRE_TEXT_DETACHED, NULL, "");
	path_case("/h/o", WIRE_TEXT_OUTSIDE, NULL, "(unreachable)/h/o");
	path_case("/h/o", WIRE_TEXT_OUTSIDE, "../../../p", "(unreachable)/p");
	path_case("/", WIRE_TEXT_OUTSIDE, NULL, "(unreachable)/");
	path_case("/h/o", WIRE_TEXT_OUTSIDE, "/p", "/p");
}

static void a_text_that_is_cut_or_unreadable_is_marked(void **state)
{
	begin_open();
	wire_kernel_path(&build, WIRE_TEXT_PATH, WIRE_TEXT_TRUNCATED, "b/c");
	decode();
	assert_int_equal(ev.marks, EVENT_TRUNCATED);

	begin_open(); /* the folder is known, the name in it is not: that is no path */
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/etc");
	wire_text(&build, WIRE_TEXT_PATH_CLAIM, WIRE_TEXT_CLAIM | WIRE_TEXT_FAULT, "", 0);
	decode();
	assert_text(PATH, "");
	assert_int_equal(ev.marks, EVENT_TRUNCATED);

	begin_open();
	wire_text(&build, WIRE_TEXT_PATH, WIRE_TEXT_FAULT, "", 0);
	wire_claim(&build, WIRE_TEXT_PATH_CLAIM, "x");
	decode();
	assert_text(PATH, "x");
	assert_int_equal(ev.marks, EVENT_TRUNCATED | EVENT_CLAIM);

	begin_open()->head.marks = WIRE_MARK_FAULT;
	decode();
	assert_int_equal(ev.marks, EVENT_TRUNCATED);
}

static void a_kernel_path_without_its_last_nul_is_read(void **state)
{
	begin_open();
	wire_text(&build, WIRE_TEXT_PATH, WIRE_TEXT_KERNEL_PATH, "c\0\0b\0a", 6);
	decode();
	assert_text(PATH, "/a/b/c");
}

static void renames_have_both_names(void **state)
{
	struct wire_file_call *w = wire_begin(&build, WIRE_FILE_RENAME, sizeof(*w));

	w->flags = 2;
	wire_kernel_path(&build, WIRE_TEXT_PATH2, 0, "/new");
	wire_claim(&build, WIRE_TEXT_PATH2_CLAIM, "b");
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/old/a");
	decode();
	assert_text(PATH, "/old/a");
	assert_text(PATH2, "/new/b");
	assert_u64(FLAGS, 2);
	assert_int_equal(ev.marks, EVENT_CLAIM);
}

static void what_a_symlink_says_stays_as_it_is(void **state)
{
	wire_begin(&build, WIRE_FILE_SYMLINK, sizeof(struct wire_file_call));
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/tmp/l");
	wire_claim(&build, WIRE_TEXT_PATH2_CLAIM, ".././/x/");
	decode();
	assert_text(PATH, "/tmp/l");
	assert_text(PATH2, ".././/x/");
}

static void file_calls_have_their_numbers(void **state)
{
	struct wire_file_call *w = wire_begin(&build, WIRE_FILE_CHOWN, sizeof(*w));

	w->owner_uid = -1;
	w->owner_gid = 7;
	w->fd = 9;
	decode();
	assert_int_equal(ev.value[FIELD_OWNER_UID].i, -1);
	assert_int_equal(ev.value[FIELD_OWNER_GID].i, 7);
	assert_int_equal(ev.value[FIELD_FD].i, 9);

	w = wire_begin(&build, WIRE_FILE_MKNOD, sizeof(*w));
	w->rdev = 1u << 20 | 3;
	w->mode = 020666;
	decode();
	assert_u64(RDEV, 1u << 20 | 3);
	assert_u64(MODE, 020666);

	w = wire_begin(&build, WIRE_FILE_SETXATTR, sizeof(*w));
	w->size = 20;
	w->flags = 1;
	wire_claim(&build, WIRE_TEXT_XATTR, "security.capability");
	decode();
	assert_text(XATTR, "security.capability");
	assert_u64(FILE_SIZE, 20);
	assert_u64(FLAGS, 1);
}

/* A slower way to the same path: a list of names. */
static struct span model_path(char *text, bool rooted, const char *const *names, size_t count)
{
	const char *kept[64];
	size_t n = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		bool up = strcmp(names[i], "..") == 0;

		if (!*names[i] || strcmp(names[i], ".") == 0)
			continue;
		if (up && n && strcmp(kept[n - 1], "..") != 0)
			n--;
		else if (!up || !rooted)
			kept[n++] = names[i];
	}
	for (size_t i = 0; i < n; i++) {
		if (i || rooted)
			text[at++] = '/';
		memcpy(text + at, kept[i], strlen(kept[i]));
		at += strlen(kept[i]);
	}
	if (n == 0)
		text[at++] = rooted ? '/' : '.';
	return span_make(text, at);
}

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(random_state >> 8) * n >> 24);
}

static void any_base_and_claim_give_the_path_of_a_plain_model(void **state)
{
	static const char *const words[] = {"a", "..", ".", "", "..b", "...", "long-name.d", " "};
	static const char *const plain[] = {"a", "bc", "..b", "x y"};

	for (int round = 0; round < 50000; round++) {
		const char *names[16];
		char base[128], claim[128], expected[256];
		size_t in_base = random_below(5), in_claim = 1 + random_below(6), at = 0;
		bool rooted = random_below(4);

		base[0] = 0;
		for (size_t i = 0; i < in_base; i++) {
			names[i] = plain[random_below(ARRAY_LEN(plain))];
			at += (size_t)snprintf(base + at, sizeof(base) - at, "/%s", names[i]);
		}
		at = 0;
		for (size_t i = 0; i < in_claim; i++) {
			const char *word = words[random_below(ARRAY_LEN(words))];

			if (i == 0 && !*word)
				word = "."; /* a slash in front would make it absolute */
			names[in_base + i] = word;
			at += (size_t)snprintf(claim + at, sizeof(claim) - at, i ? "/%s" : "%s",
					       word);
		}
		begin_open();
		wire_kernel_path(&build, WIRE_TEXT_PATH, rooted ? 0 : WIRE_TEXT_DETACHED, base);
		wire_claim(&build, WIRE_TEXT_PATH_CLAIM, claim);
		decode();
		struct span model = model_path(expected, rooted, names, in_base + in_claim);
		if (!span_eq(ev.value[FIELD_PATH].bytes, model))
			fail_msg("'%s' + '%s' is '%.*s'", base, claim,
				 (int)ev.value[FIELD_PATH].bytes.n,
				 (const char *)ev.value[FIELD_PATH].bytes.p);
	}
}

/* ---- exec ---- */

static struct wire_exec *begin_exec(void)
{
	return wire_begin(&build, WIRE_PROCESS_EXEC, sizeof(struct wire_exec));
}

static void an_exec_has_all_of_it(void **state)
{
	struct wire_exec *w = begin_exec();

	w->exe = (struct wire_file){.ino = 21, .dev = 22, .file_flags = 8 | 4};
	w->caps = 1;
	w->caps_permitted = 2;
	w->caps_inheritable = 3;
	w->argv_bytes = 999;
	w->argc = 3;
	w->euid = 5;
	w->egid = 6;
	w->tty_dev = 136u << 20 | 2;
	w->mnt_ns = 31;
	w->pid_ns = 32;
	w->net_ns = 33;
	w->user_ns = 34;
	w->uts_ns = 35;
	w->ipc_ns = 36;
	w->cgroup_ns = 37;
	w->ancestor_count = 2;
	w->ancestors[0] = (struct wire_ancestor){.tgid = 200, .comm = "bash"};
	w->ancestors[1] = (struct wire_ancestor){.tgid = 1, .comm = "a 9:init"};
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/usr/bin/find");
	wire_claim(&build, WIRE_TEXT_FILENAME, "./find");
	wire_kernel_path(&build, WIRE_TEXT_CWD, 0, "/usr/bin");
	wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, "find\0-name\0a b", 15);
	wire_text(&build, WIRE_TEXT_TTY, 0, "pts2", 4);
	decode();
	assert_text(PATH, "/usr/bin/find");
	assert_u64(DEV, 22);
	assert_u64(INO, 21);
	assert_u64(FILE_FLAGS, 12);
	assert_text(ARGV, "find -name 'a b'");
	assert_u64(ARGC, 3);
	assert_u64(ARGV_BYTES, 999);
	assert_text(FILENAME, "./find");
	assert_text(CWD, "/usr/bin");
	assert_u64(EUID, 5);
	assert_u64(EGID, 6);
	assert_u64(CAPS, 1);
	assert_u64(CAPS_PERMITTED, 2);
	assert_u64(CAPS_INHERITABLE, 3);
	assert_text(TTY, "pts/2");
	assert_text(STDIN, "closed");
	assert_u64(MNT_NS, 31);
	assert_u64(PID_NS, 32);
	assert_u64(NET_NS, 33);
	assert_u64(USER_NS, 34);
	assert_u64(UTS_NS, 35);
	assert_u64(IPC_NS, 36);
	assert_u64(CGROUP_NS, 37);
	assert_text(ANCESTORS, "200:bash 1:'a 9:init'");
	assert_u64(SYSCALL, 257);
	assert_int_equal(ev.marks, 0);
}

static void stdio_case(uint32_t kind, uint32_t rdev, unsigned flags, const char *path,
		       const char *expected)
{
	struct wire_exec *w = begin_exec();

	w->stdio[0] = (struct wire_stdio){
		.ino = 77, .kind = kind, .rdev = rdev, .flags = WIRE_STDIO_OPEN};
	w->stdio[2] = w->stdio[0];
	if (path) {
		wire_kernel_path(&build, WIRE_TEXT_STDIN, flags, path);
		wire_kernel_path(&build, WIRE_TEXT_STDERR, flags, path);
	}
	decode();
	assert_text(STDIN, expected);
	assert_text(STDOUT, "closed");
	assert_text(STDERR, expected);
}

static void descriptors_are_told_as_documented(void **state)
{
	stdio_case(8, 0, 0, "/var/log/x", "file:/var/log/x");
	stdio_case(8, 0, WIRE_TEXT_DETACHED, "memfd:x", "file:memfd:x");
	stdio_case(8, 0, WIRE_TEXT_OUTSIDE, "/x", "file:(unreachable)/x");
	stdio_case(8, 0, 0, NULL, "other:[77]");
	stdio_case(4, 0, 0, "/tmp", "file:/tmp");
	stdio_case(1, 0, 0, NULL, "pipe:[77]");
	stdio_case(1, 0, WIRE_TEXT_DETACHED, "pipe", "pipe:[77]");
	stdio_case(1, 0, 0, "/tmp/fifo", "file:/tmp/fifo");
	stdio_case(12, 0, 0, NULL, "socket:[77]");
	stdio_case(2, 1u << 20 | 3, 0, "/dev/null", "null");
	stdio_case(2, 1u << 20 | 5, 0, "/dev/zero", "file:/dev/zero");
	stdio_case(2, 136u << 20 | 4, 0, "/dev/console", "tty:pts/4");
	stdio_case(2, 137u << 20 | 4, 0, NULL, "tty:pts/260");
	stdio_case(2, 4u << 20 | 1, 0, NULL, "tty:tty1");
	stdio_case(2, 4u << 20 | 65, 0, NULL, "tty:ttyS1");
	stdio_case(2, 5u << 20 | 1, 0, NULL, "tty:console");
	stdio_case(0, 0, 0, NULL, "other:[77]");
}

static void a_wrong_number_of_ancestors_reads_no_further(void **state)
{
	struct wire_exec *w = begin_exec();

	w->ancestor_count = UINT32_MAX;
	for (unsigned i = 0; i < WIRE_ANCESTORS; i++) {
		w->ancestors[i].tgid = i;
		memset(w->ancestors[i].comm, 'x', WIRE_COMM);
	}
	decode();
	assert_int_equal(ev.value[FIELD_ANCESTORS].bytes.n,
			 WIRE_ANCESTORS * (2 + WIRE_COMM + 1) - 1);
}

/* Splits by the quoting rules of the POSIX shell, each argument with a NUL behind it. */
static size_t shell_split(struct span text, uint8_t *ret_argv)
{
	size_t n = 0;
	bool quoted = false, inside = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (quoted && c != '\'') {
			ret_argv[n++] = c;
		} else if (c == '\'') {
			quoted = !quoted;
			inside = true;
		} else if (c == ' ') {
			ret_argv[n++] = 0;
			inside = false;
		} else {
			assert_true(c > ' ' && c != '"' && c != 127);
			if (c == '\\')
				assert_true(i + 1 < text.n);
			ret_argv[n++] = c == '\\' ? text.p[++i] : c;
			inside = true;
		}
	}
	assert_false(quoted);
	if (inside)
		ret_argv[n++] = 0;
	return n;
}

static void any_argv_comes_back_from_its_text(void **state)
{
	static const char alphabet[] = "ab' \"\\\n\t\x7f\x01\xff\xc3\xa9$;*-=/";

	for (int round = 0; round < 20000; round++) {
		uint8_t argv[256], back[1024];
		size_t n = 0, args = 1 + random_below(5);

		for (size_t i = 0; i < args; i++) {
			for (uint32_t left = random_below(12); left; left--)
				argv[n++] = (uint8_t)alphabet[random_below(sizeof(alphabet) - 1)];
			argv[n++] = 0;
		}
		begin_exec();
		wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, argv, n);
		decode();
		assert_u64(ARGC, args);
		assert_int_equal(shell_split(ev.value[FIELD_ARGV].bytes, back), n);
		assert_memory_equal(back, argv, n);
	}
}

static void only_what_must_be_quoted_is(void **state)
{
	begin_exec();
	wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, "sh\0-c\0it's;$x\0\0x=*\0\xc3\xa9", 22);
	decode();
	assert_text(ARGV, "sh -c 'it'\\''s;$x' '' x=* \xc3\xa9");
	assert_u64(ARGC, 6);
}

static void the_worst_record_fits(void **state)
{
	static uint8_t quotes[WIRE_REC_MAX];
	size_t n = WIRE_REC_MAX - sizeof(struct wire_exec) - sizeof(struct wire_text);

	begin_exec();
	memset(quotes, '\'', sizeof(quotes));
	wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, quotes, n);
	decode();
	assert_int_equal(build.n, WIRE_REC_MAX);
	assert_int_equal(ev.value[FIELD_ARGV].bytes.n, 4 * n + 2);
	begin_exec();
	memset(quotes, 0, sizeof(quotes));
	wire_text(&build, WIRE_TEXT_ARGV, WIRE_TEXT_CLAIM, quotes, n);
	decode();
	assert_int_equal(ev.value[FIELD_ARGV].bytes.n, 3 * n - 1);
	assert_int_equal(ev.marks, 0);
}

static void an_arena_that_is_full_says_so(void **state)
{
	uint8_t memory[8];
	struct arena a = {memory, memory + sizeof(memory), false};
	uint64_t count;

	assert_int_equal(text_claim(&a, span_of("/far/too/long")).n, 0);
	assert_true(a.full);
	assert_ptr_equal(a.p, memory);
	a.full = false;
	assert_bytes(text_argv(&a, span_make("ab\0c d\0e", 9), &count), "ab  e");
	assert_true(a.full);
}

/* ---- the others ---- */

static void forks_and_targets_have_their_numbers(void **state)
{
	struct wire_fork *f = wire_begin(&build, WIRE_PROCESS_FORK, sizeof(*f));
	struct wire_target *t;

	f->child_pid = 400;
	f->child_vpid = 4;
	f->child_start_ns = 4500000000;
	f->flags = 0x20000011;
	decode();
	assert_u64(CHILD_PID, 400);
	assert_u64(CHILD_VPID, 4);
	assert_u64(CHILD_START, 4500000000);
	assert_u64(FLAGS, 0x20000011);

	t = wire_begin(&build, WIRE_PROCESS_SIGNAL, sizeof(*t));
	t->request = 9;
	t->target_pid = 55;
	t->target_cgroup_id = 56;
	decode();
	assert_u64(SIGNAL, 9);
	assert_u64(TARGET_PID, 55);
	assert_u64(TARGET_CGROUP, 56);

	t = wire_begin(&build, WIRE_PROCESS_VM_WRITE, sizeof(*t));
	t->address = 0x7000;
	t->size = 16;
	decode();
	assert_u64(ADDRESS, 0x7000);
	assert_u64(FILE_SIZE, 16);
}

static void both_ends_of_a_connection_are_there(void **state)
{
	struct wire_net *w = wire_begin(&build, WIRE_NET_CONNECT, sizeof(*w));

	w->family = AF_INET;
	w->sock_type = SOCK_STREAM;
	w->protocol = 6;
	w->fd = 4;
	memcpy(w->local_addr, "\x0a\0\0\x01", 4);
	memcpy(w->remote_addr, "\x08\x08\x08\x08", 4);
	w->local_port = 40000;
	w->remote_port = 53;
	w->sock_ino = 88;
	decode();
	assert_true(span_eq(ev.value[FIELD_LOCAL_ADDR].bytes, span_make("\x0a\0\0\x01", 4)));
	assert_true(span_eq(ev.value[FIELD_REMOTE_ADDR].bytes, span_of("\x08\x08\x08\x08")));
	assert_u64(LOCAL_PORT, 40000);
	assert_u64(REMOTE_PORT, 53);
	assert_u64(FAMILY, AF_INET);
	assert_u64(SOCK_TYPE, SOCK_STREAM);
	assert_u64(PROTOCOL, 6);
	assert_u64(SOCK_INO, 88);
	assert_u64(FD, 4);
	w->family = AF_INET6;
	decode();
	assert_int_equal(ev.value[FIELD_REMOTE_ADDR].bytes.n, 16);
	w->net_flags = WIRE_NET_CLAIM;
	decode();
	assert_int_equal(ev.marks, EVENT_CLAIM);
}

static void an_end_that_is_not_there_is_absent(void **state)
{
	struct wire_net *w = wire_begin(&build, WIRE_NET_LISTEN, sizeof(*w));

	w->family = AF_INET;
	w->local_port = 80;
	w->backlog = 128;
	decode();
	assert_int_equal(ev.value[FIELD_LOCAL_ADDR].bytes.n, 4); /* 0.0.0.0:80 is an address */
	assert_int_equal(ev.value[FIELD_REMOTE_ADDR].bytes.n, 0);
	assert_u64(BACKLOG, 128);
	w->family = 99;
	decode();
	assert_int_equal(ev.value[FIELD_LOCAL_ADDR].bytes.n, 0);
}

static void unix_sockets_have_a_path_or_a_name(void **state)
{
	struct wire_net *w = wire_begin(&build, WIRE_NET_CONNECT, sizeof(*w));

	w->family = AF_UNIX;
	wire_text(&build, WIRE_TEXT_SOCKET, 0, "\0x11", 4);
	decode();
	assert_text(PATH, "@x11");
	wire_text(&build, WIRE_TEXT_PATH, WIRE_TEXT_KERNEL_PATH, "s\0run", 6);
	decode();
	assert_text(PATH, "/run/s");
	assert_int_equal(ev.marks, 0);
	wire_begin(&build, WIRE_NET_CONNECT, sizeof(*w));
	wire_claim(&build, WIRE_TEXT_SOCKET, "./sock");
	decode();
	assert_text(PATH, "./sock");
	assert_int_equal(ev.marks, EVENT_CLAIM);
}

static void mounts_have_their_texts(void **state)
{
	struct wire_mount *w = wire_begin(&build, WIRE_MOUNT_MOUNT, sizeof(*w));

	w->flags = 0x1000;
	wire_claim(&build, WIRE_TEXT_SOURCE, "/dev/sda1");
	wire_kernel_path(&build, WIRE_TEXT_PATH, 0, "/mnt");
	wire_claim(&build, WIRE_TEXT_FSTYPE, "ext4");
	wire_claim(&build, WIRE_TEXT_DATA, "ro,noatime");
	decode();
	assert_text(SOURCE, "/dev/sda1");
	assert_text(PATH, "/mnt");
	assert_text(FSTYPE, "ext4");
	assert_text(TEXT, "ro,noatime");
	assert_u64(FLAGS, 0x1000);
	assert_int_equal(ev.marks, 0); /* source and type are claims by their nature */
}

static void credentials_are_those_after_the_call(void **state)
{
	struct wire_cred *w = wire_begin(&build, WIRE_CRED_SETID, sizeof(*w));
	struct wire_ns *ns;

	w->uid = 1;
	w->euid = 2;
	w->gid = 3;
	w->egid = 4;
	decode();
	assert_u64(NEW_UID, 1);
	assert_u64(EUID, 2);
	assert_u64(NEW_GID, 3);
	assert_u64(EGID, 4);

	ns = wire_begin(&build, WIRE_NS_SETNS, sizeof(*ns));
	ns->ns_type = 0x20000000;
	ns->ns_ino = 5;
	ns->fd = 6;
	decode();
	assert_u64(NS_TYPE, 0x20000000);
	assert_u64(NS_INO, 5);
	assert_u64(FD, 6);
}

static void the_rest_has_its_numbers(void **state)
{
	struct wire_misc *w = wire_begin(&build, WIRE_MEMORY_EXEC, sizeof(*w));
	struct wire_cgroup *cg;
	struct wire_canary *canary;

	w->address = 0x1000;
	w->size = 4096;
	w->prot = 7;
	w->flags = 0x22;
	decode();
	assert_u64(ADDRESS, 0x1000);
	assert_u64(FILE_SIZE, 4096);
	assert_u64(PROT, 7);
	assert_u64(FLAGS, 0x22);

	w = wire_begin(&build, WIRE_KERNEL_PERF, sizeof(*w));
	w->request = 1;
	w->target_pid = -1;
	decode();
	assert_u64(REQUEST, 1);
	assert_int_equal(ev.value[FIELD_TARGET_PID].i, -1);

	cg = wire_begin(&build, WIRE_CGROUP_ATTACH, sizeof(*cg));
	cg->id = 3;
	cg->target_pid = 4;
	wire_text(&build, WIRE_TEXT_CGROUP, 0, "/docker/x", 9);
	decode();
	assert_text(PATH, "/docker/x");
	assert_u64(CGROUP_ID, 3);
	assert_u64(TARGET_PID, 4);

	canary = wire_begin(&build, WIRE_CANARY, sizeof(*canary));
	canary->request = 6;
	canary->lost = 7;
	decode();
	assert_u64(REQUEST, 6);
	assert_u64(LOST, 7);
}

static int write_corpus(const char *folder)
{
	struct err e = ERR_INIT;
	char path[LIMIT_PATH];

	for (size_t i = 0; i < WIRE_SAMPLES; i++)
		if (path_print(path, &e, "%s/%s", folder, wire_samples[i].name) < 0 ||
		    fd_replace_file(path, wire_sample(&build, i), 0644, &e) < 0) {
			print_error("%s\n", e.text);
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_head_becomes_the_head),
		cmocka_unit_test(every_type_of_the_schema_has_a_record_or_comes_from_elsewhere),
		cmocka_unit_test(every_field_of_every_type_is_set),
		cmocka_unit_test(a_record_cut_anywhere_is_refused_or_whole),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_slot_that_comes_twice_or_is_unknown_does_no_harm),
		cmocka_unit_test(an_open_has_the_kernels_path),
		cmocka_unit_test(an_open_that_failed_has_a_claim_and_no_descriptor),
		cmocka_unit_test(paths_are_joined_as_the_header_says),
		cmocka_unit_test(a_text_that_is_cut_or_unreadable_is_marked),
		cmocka_unit_test(a_kernel_path_without_its_last_nul_is_read),
		cmocka_unit_test(renames_have_both_names),
		cmocka_unit_test(what_a_symlink_says_stays_as_it_is),
		cmocka_unit_test(file_calls_have_their_numbers),
		cmocka_unit_test(any_base_and_claim_give_the_path_of_a_plain_model),
		cmocka_unit_test(an_exec_has_all_of_it),
		cmocka_unit_test(descriptors_are_told_as_documented),
		cmocka_unit_test(a_wrong_number_of_ancestors_reads_no_further),
		cmocka_unit_test(any_argv_comes_back_from_its_text),
		cmocka_unit_test(only_what_must_be_quoted_is),
		cmocka_unit_test(the_worst_record_fits),
		cmocka_unit_test(an_arena_that_is_full_says_so),
		cmocka_unit_test(forks_and_targets_have_their_numbers),
		cmocka_unit_test(both_ends_of_a_connection_are_there),
		cmocka_unit_test(an_end_that_is_not_there_is_absent),
		cmocka_unit_test(unix_sockets_have_a_path_or_a_name),
		cmocka_unit_test(mounts_have_their_texts),
		cmocka_unit_test(credentials_are_those_after_the_call),
		cmocka_unit_test(the_rest_has_its_numbers),
	};

	if (argc == 3 && strcmp(argv[1], "--corpus") == 0)
		return write_corpus(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
