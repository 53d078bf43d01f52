/* test_keeper_parts.c - what the keeper is made of: mount tables, the cache, budgets. */
#include <sys/sysmacros.h>

#include "keep_test.h"
#include "record/keeper_cache.h"
#include "record/keeper_mounts.h"

static void mountinfo_lines_are_understood(void **state)
{
	static const char text[] =
		"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n"
		"37 36 0:44 / /a\\040b\\134c rw - tmpfs none rw,size=1k\n"
		"38 36 0:45 / / rw shared:1 master:2 - overlay overlay rw,lowerdir=/x - y\n"
		"39 36 0:46 / /fuse rw - fuse.evil evil rw\n";
	struct span all = span_of(text), line;
	struct keeper_mount mount;

	assert_true(keeper_mount_line(&all, &line));
	assert_true(keeper_mount_parse(line, &mount));
	assert_int_equal(mount.id, 36);
	assert_true(mount.dev == makedev(98, 0));
	assert_true(span_is(mount.point, "/mnt2") && span_is(mount.type, "ext3"));
	assert_true(keeper_mount_line(&all, &line));
	assert_true(keeper_mount_parse(line, &mount));
	assert_string_equal(mount.point_text, "/a b\\c");
	assert_true(keeper_mount_line(&all, &line));
	assert_true(keeper_mount_parse(line, &mount));
	assert_true(span_is(mount.type, "overlay"));
	assert_true(keeper_mount_is_in(span_of(text), makedev(0, 45), span_of("/b"), span_of("")));
	assert_false(keeper_mount_is_in(span_of(text), makedev(0, 45), span_of("/"), span_of("")));
	assert_true(keeper_mount_walkable(span_of(text), span_of("/mnt2/x")));
	assert_false(keeper_mount_walkable(span_of(text), span_of("/fuse/x")));
	assert_true(keeper_mount_walkable(span_of(text), span_of("/fuses")));
}

static void a_torn_mountinfo_line_is_no_mount(void **state)
{
	static const char *const lines[] = {"",
					    "36",
					    "36 35 98:0 /",
					    "x 35 98:0 / /mnt rw - ext3 d rw",
					    "36 35 98 / /mnt rw - ext3 d rw",
					    "36 35 98:0 / /mnt rw ext3 d rw",
					    "99999999999999 35 98:0 / /m rw - ext3 d rw"};
	struct keeper_mount mount;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_false(keeper_mount_parse(span_of(lines[i]), &mount));
}

static void the_cache_does_not_trust_a_fresh_ctime(void **state)
{
	struct keeper_cache cache;
	struct err e = ERR_INIT;
	struct keeper_key key = {.dev = 1, .ino = 2, .ctime_ns = 1000000000, .size = 5};
	uint8_t digest[SHA256_BYTES] = {7}, found[SHA256_BYTES];

	assert_int_equal(keeper_cache_init(&cache, &e), 0);
	keeper_cache_put(&cache, &key, digest, key.ctime_ns + KEEPER_RACY_NS - 1);
	assert_false(keeper_cache_find(&cache, &key, found));
	keeper_cache_put(&cache, &key, digest, key.ctime_ns + KEEPER_RACY_NS);
	assert_true(keeper_cache_find(&cache, &key, found));
	assert_memory_equal(found, digest, SHA256_BYTES);
	key.size++;
	assert_false(keeper_cache_find(&cache, &key, found));
	key.size--;
	keeper_cache_forget(&cache, 1, 2);
	assert_false(keeper_cache_find(&cache, &key, found));
	keeper_cache_fini(&cache);
}

static void a_bucket_refills_and_may_go_into_debt(void **state)
{
	struct keeper_bucket bucket;

	keeper_bucket_init(&bucket, 100, 50, 0);
	assert_true(keeper_bucket_take(&bucket, 120, 0));
	assert_false(keeper_bucket_take(&bucket, 1, NSEC_PER_SEC / 2));
	assert_true(keeper_bucket_take(&bucket, 1, NSEC_PER_SEC));
	assert_true(keeper_bucket_take(&bucket, 50, 100 * NSEC_PER_SEC));
	assert_false(keeper_bucket_take(&bucket, 1, 100 * NSEC_PER_SEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mountinfo_lines_are_understood),
		cmocka_unit_test(a_torn_mountinfo_line_is_no_mount),
		cmocka_unit_test(the_cache_does_not_trust_a_fresh_ctime),
		cmocka_unit_test(a_bucket_refills_and_may_go_into_debt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
