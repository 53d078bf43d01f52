/* test_decode.c - claims about src/record/decode.
 *
 * `test_decode --corpus FOLDER` writes one record of each type there, for the fuzzer. */
#include <sys/socket.h>

#include "base/fd.h"
#include "base/path.h"
#include "decode_case.h"
#include "wire_samples.h"

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
	wire_text(&build, WIRE_TEXT_SOCKET, 0, (const char[]){0, 'x', '1', '1'}, 4);
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

static int write_case(const char *folder, const char *name, struct span bytes)
{
	struct err e = ERR_INIT;
	char path[LIMIT_PATH];

	if (path_print(path, &e, "%s/%s", folder, name) == 0 &&
	    fd_replace_file(path, bytes, 0644, &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return 1;
}

/* Each sample, and the first three, which are a fork, an exec and an exit, as one ring. */
static int write_corpus(const char *folder)
{
	static uint8_t life[3 * WIRE_REC_MAX];
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < WIRE_SAMPLES && r == 0; i++) {
		struct span sample = wire_sample(&build, i);

		if (i < 3) {
			memcpy(life + n, sample.p, sample.n);
			n += sample.n;
		}
		r = write_case(folder, wire_samples[i].name, sample);
	}
	return r ? r : write_case(folder, "life", span_make(life, n));
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
