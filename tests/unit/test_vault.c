/* test_vault.c - the vault keeps what it is given, once, within its budget. */
#include "vault_room.h"

static void contents_of_every_size_come_back(void **state)
{
	static const size_t sizes[] = {0,      1,      127,    128,    1023,	1024,	4096,
				       262143, 262144, 262145, 524288, 1000000, 5000000};
	struct fixture *f = *state;
	uint8_t digests[ARRAY_LEN(sizes) * 2][SHA256_BYTES];
	uint8_t *p = malloc(5000000);
	struct vault_check check;
	struct err e = ERR_INIT;

	open_vault(f);
	for (size_t i = 0; i < ARRAY_LEN(sizes) * 2; i++) {
		struct vault_result result;
		size_t n = sizes[i / 2];
		int fd;

		if (i % 2)
			fill_noise(p, n, i);
		else
			fill_text(p, n, i);
		fd = file_of(p, n);
		assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), 0);
		assert_int_equal(lseek(fd, 0, SEEK_CUR), n); /* where the writer left it */
		assert_int_equal(result.size, n);
		assert_int_equal(result.is_new, n > 0 || i == 0);
		assert_false(result.truncated);
		sha256_of(span_make(p, n), digests[i]);
		assert_memory_equal(digests[i], result.sha256, SHA256_BYTES);
		close(fd);
	}
	assert_int_equal(vault_flush(f->vault, true, &e), 0);
	for (unsigned sealed = 0; sealed < 2; sealed++) {
		for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
			size_t n = sizes[i / 2];

			if (i % 2)
				fill_noise(p, n, i);
			else
				fill_text(p, n, i);
			assert_kept(f, digests[i], p, n);
		}
		assert_int_equal(verify(f, &check, &e), 0);
		assert_int_equal(check.objects, ARRAY_LEN(sizes) * 2 - 1);
		assert_int_equal(check.sealed, sealed * 2);
		if (!sealed)
			close_vault(f);
	}
	free(p);
}

static void a_content_is_stored_once(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = malloc(1 << 20);
	struct vault_stats before, after;
	struct vault_result result;
	struct err e = ERR_INIT;

	open_vault(f);
	fill_noise(p, 1 << 20, 7);
	assert_true(put(f, p, 5000).is_new);
	assert_true(put(f, p, 1 << 20).is_new);
	vault_stats(f->vault, &before);
	for (unsigned round = 0; round < 2; round++) {
		int fd = file_of(p, 1 << 20);

		assert_false(put(f, p, 5000).is_new);
		assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), 0);
		assert_false(result.is_new);
		close(fd);
		vault_stats(f->vault, &after);
		if (round == 0) {
			assert_int_equal(after.bytes, before.bytes);
			close_vault(f);
			open_vault(f); /* and knows it again */
		}
	}
	assert_int_equal(after.objects, 2);
	assert_int_equal(after.duplicates, 2);
	free(p);
}

static void a_longer_content_is_cut_and_says_so(void **state)
{
	static const uint64_t limits[] = {1, 4096, 262144, 262145, 600000};
	struct fixture *f = *state;
	uint8_t *p = malloc(1 << 20);
	struct err e = ERR_INIT;
	int fd;

	open_vault(f);
	fill_text(p, 1 << 20, 3);
	fd = file_of(p, 1 << 20);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct vault_result result;

		assert_int_equal(vault_put_fd(f->vault, fd, limits[i], &result, &e), 0);
		assert_true(result.truncated);
		assert_int_equal(result.size, limits[i]);
		assert_int_equal(vault_flush(f->vault, false, &e), 0);
		assert_kept(f, result.sha256, p, limits[i]);
		int exact = file_of(p, limits[i]);

		assert_int_equal(vault_put_fd(f->vault, exact, limits[i], &result, &e), 0);
		assert_false(result.truncated);
		assert_false(result.is_new);
		close(exact);
	}
	close(fd);
	free(p);
}

struct job {
	struct fixture *f;
	unsigned seed;
};

static void *put_many(void *arg)
{
	struct job *job = arg;
	uint8_t *p = malloc(400000);

	for (unsigned i = 0; i < 400; i++) {
		/* Half of the contents are every thread's. */
		uint64_t seed = i % 2 ? i : i + job->seed * 1000u;
		size_t n = i % 40 == 0 ? 400000 : 1000 + i * 7;

		fill_text(p, n, seed);
		put(job->f, p, n);
	}
	free(p);
	return NULL;
}

static void threads_put_at_the_same_time(void **state)
{
	struct fixture *f = *state;
	struct vault_check check;
	struct err e = ERR_INIT;
	struct job jobs[4];
	pthread_t threads[4];

	f->options.pack_bytes = 300000;
	open_vault(f);
	for (unsigned i = 0; i < 4; i++) {
		jobs[i] = (struct job){f, i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, &jobs[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	close_vault(f);
	if (verify(f, &check, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(check.objects, 200 + 4 * 200);
	assert_true(check.sealed > 4);
	assert_int_equal(check.sealed, check.packs);
}

static bool hold_first(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns)
{
	assert_true(first_ns > 0 && first_ns <= last_ns);
	return pack == 1;
}

static void retention_leaves_tombstones_and_spares_what_is_held(void **state)
{
	struct fixture *f = *state;
	uint8_t p[20000], first[SHA256_BYTES];
	struct vault_check check;
	struct vault_stats stats;
	struct err e = ERR_INIT;

	f->options.max_bytes = 400000;
	f->options.hold = hold_first;
	open_vault(f);
	for (unsigned i = 0; i < 60; i++) {
		fill_noise(p, sizeof(p), i);
		struct vault_result result = put(f, p, sizeof(p));

		if (i == 0)
			memcpy(first, result.sha256, SHA256_BYTES);
		vault_stats(f->vault, &stats);
		assert_true(stats.bytes <= 400000 + 2000);
	}
	assert_true(stats.packs_removed > 5);
	assert_true(vault_has(f->vault, first));
	fill_noise(p, sizeof(p), 10); /* was removed, and is kept anew */
	assert_true(put(f, p, sizeof(p)).is_new);
	close_vault(f);
	if (verify(f, &check, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(check.tombstones >= stats.packs_removed);
	assert_true(check.bytes <= 400000 + 2000);
	fill_noise(p, sizeof(p), 0);
	assert_kept(f, first, p, sizeof(p));
	open_vault(f); /* numbers go on behind tombstones */
	assert_int_equal(f->gaps, 0);
	put(f, "more", 4);
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
}

static bool hold_all(void *ctx, uint64_t pack, uint64_t first_ns, uint64_t last_ns)
{
	return true;
}

static void a_budget_under_hold_refuses_and_keeps_what_it_has(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = malloc(600000);
	struct vault_result result;
	struct vault_stats stats;
	struct err e = ERR_INIT;
	unsigned refused = 0;
	int fd;

	f->options.max_bytes = 500000;
	f->options.hold = hold_all;
	open_vault(f);
	for (unsigned i = 0; i < 40; i++) {
		fill_noise(p, 20000, i);
		int r = vault_put(f->vault, span_make(p, 20000), &result, &e);

		assert_true(r == 0 || r == -EDQUOT);
		refused += r < 0;
	}
	fill_noise(p, 600000, 77);
	fd = file_of(p, 600000);
	assert_int_equal(vault_put_fd(f->vault, fd, 0, &result, &e), -EDQUOT);
	close(fd);
	vault_stats(f->vault, &stats);
	assert_int_equal(refused + 1, stats.refused);
	assert_true(refused > 10 && refused < 25);
	assert_int_equal(stats.objects, 40 - refused);
	free(p);
}

static void old_packs_go_by_age(void **state)
{
	struct fixture *f = *state;
	struct vault_check check;
	struct err e = ERR_INIT;
	unsigned removed = 0;

	f->options.max_age_ns = NSEC_PER_SEC / 10;
	open_vault(f);
	put(f, "old", 3);
	close_vault(f);
	open_vault(f);
	put(f, "new", 3);
	usleep(150000);
	assert_int_equal(vault_retain(f->vault, &removed, &e), 0);
	assert_int_equal(removed, 1);
	assert_true(put(f, "old", 3).is_new);
	assert_false(put(f, "new", 3).is_new);
	f->options.max_age_ns = 0;
	close_vault(f);
	assert_int_equal(verify(f, &check, &e), 0);
}

static void only_one_may_write(void **state)
{
	struct fixture *f = *state;
	struct vault *second = NULL;
	struct err e = ERR_INIT;

	open_vault(f);
	assert_int_equal(vault_open(f->dir, f->key, NULL, &second, &e), -EBUSY);
	assert_null(second);
}

static int count_object(void *ctx, const struct vault_object *object)
{
	uint64_t *sum = ctx;

	assert_true(object->kept_ns > 0);
	sum[0]++;
	sum[1] += object->size;
	return 0;
}

static void a_list_names_every_object(void **state)
{
	struct fixture *f = *state;
	AUTO(vault_reader) struct vault_reader *reader = NULL;
	uint64_t sum[2] = {0};
	uint8_t *p = malloc(400000);
	struct err e = ERR_INIT;

	open_vault(f);
	for (unsigned i = 0; i < 10; i++) {
		fill_text(p, 400000, i);
		put(f, p, i == 9 ? 400000 : 1000);
	}
	assert_int_equal(vault_flush(f->vault, false, &e), 0);
	assert_int_equal(vault_open_reader(f->dir, &reader, &e), 0);
	assert_int_equal(vault_list(reader, count_object, sum, &e), 0);
	assert_int_equal(sum[0], 10);
	assert_int_equal(sum[1], 9 * 1000 + 400000);
	free(p);
}

static void the_table_forgets_what_is_removed(void **state)
{
	struct vault_table t;
	struct err e = ERR_INIT;
	uint8_t key[SHA256_BYTES] = {0};

	assert_int_equal(vault_table_init(&t, &e), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(key, &i, sizeof(i)); /* one bucket for all but the table's own mixing */
		assert_int_equal(vault_table_add(&t, key, 1 + i % 3, NULL, &e), 0);
	}
	for (uint32_t i = 0; i < 20000; i += 2) {
		memcpy(key, &i, sizeof(i));
		vault_table_remove(&t, key, 1 + i % 3);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(vault_table_find(&t, key), i % 2 ? 1 + i % 3 : 0);
	}
	assert_int_equal(t.n, 10000);
	vault_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, vault_setup, vault_teardown)
		T(contents_of_every_size_come_back),
		T(a_content_is_stored_once),
		T(a_longer_content_is_cut_and_says_so),
		T(threads_put_at_the_same_time),
		T(retention_leaves_tombstones_and_spares_what_is_held),
		T(a_budget_under_hold_refuses_and_keeps_what_it_has),
		T(old_packs_go_by_age),
		T(only_one_may_write),
		T(a_list_names_every_object),
#undef T
		cmocka_unit_test(the_table_forgets_what_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
