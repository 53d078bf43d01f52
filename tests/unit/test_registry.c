/* test_registry.c - claims about who is kept, for how long, and what readers see. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/draft.h"
#include "runtime/registry.h"
#include "test.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "aaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct registry *made(size_t max, uint64_t keep_ns)
{
	struct registry_options o = {.max = max, .keep_ns = keep_ns};
	struct registry *r = NULL;
	struct err e = ERR_INIT;

	assert_int_equal(registry_new(&o, &r, &e), 0);
	return r;
}

static struct container named(const char *id, uint64_t cgroup_id)
{
	return (struct container){.id = span_of(id), .cgroup_id = cgroup_id, .exit_code = -1};
}

static uint64_t put(struct registry *r, struct container c, enum source source)
{
	struct err e = ERR_INIT;
	uint64_t rev = 0;

	assert_int_equal(registry_put(r, &c, source, &rev, &e), 0);
	return rev;
}

static void a_container_is_found_by_its_cgroup(void **state)
{
	struct registry *r = made(0, 0);
	unsigned s = registry_read_lock(r);

	for (uint64_t i = 1; i <= 1000; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "box%d", (int)i);
		(void)put(r, named(id, i * 4096), SOURCE_NAME);
	}
	for (uint64_t i = 1; i <= 1000; i++)
		assert_non_null(registry_find_cgroup(r, i * 4096));
	assert_true(span_is(registry_find_cgroup(r, 7ull * 4096)->id, "box7"));
	assert_null(registry_find_cgroup(r, 5));
	assert_null(registry_find_cgroup(r, 0));
	registry_read_unlock(r, s);
	registry_free(r);
}

static void unknown_never_overwrites_known_and_weak_never_overwrites_strong(void **state)
{
	struct registry *r = made(0, 0);
	struct container c = named(HEX_A, 0);
	const struct container *now;
	uint64_t first, second;

	c.image = span_of("nginx:1.25");
	c.privileged = TRUTH_YES;
	first = put(r, c, SOURCE_API);
	second = put(r, named(HEX_A, 0), SOURCE_KERNEL);
	assert_int_equal(first, second);
	c.image = span_of("guess");
	c.name = span_of("web");
	c.privileged = TRUTH_NO;
	second = put(r, c, SOURCE_OCI);
	assert_true(second > first);
	unsigned s = registry_read_lock(r);
	now = registry_find_id(r, span_of(HEX_A));
	assert_true(span_is(now->image, "nginx:1.25"));
	assert_true(span_is(now->name, "web"));
	assert_int_equal(now->privileged, TRUTH_YES);
	c.name = span_of("renamed");
	(void)put(r, c, SOURCE_API);
	assert_true(span_is(registry_find_id(r, span_of(HEX_A))->name, "renamed"));
	registry_read_unlock(r, s);
	registry_free(r);
}

static void nested_groups_lead_to_the_same_container(void **state)
{
	struct registry *r = made(0, 0);
	struct container c = named(HEX_A, 10);
	struct err e = ERR_INIT;
	bool bound = false;

	c.cgroup_path = span_of("/docker/" HEX_A);
	(void)put(r, c, SOURCE_NAME);
	assert_int_equal(registry_bind(r, 11, span_of("/docker/" HEX_A "/a/b"), &bound, &e), 0);
	assert_true(bound);
	assert_int_equal(registry_bind(r, 12, span_of("/docker/other"), &bound, &e), 0);
	assert_false(bound);
	unsigned s = registry_read_lock(r);
	assert_ptr_equal(registry_find_cgroup(r, 11), registry_find_cgroup(r, 10));
	assert_null(registry_find_cgroup(r, 12));
	assert_false(registry_gone(r, 11, 5));
	assert_int_equal(registry_find_cgroup(r, 11)->state, CONTAINER_CREATED);
	assert_true(registry_gone(r, 10, 5));
	assert_int_equal(registry_find_cgroup(r, 11)->state, CONTAINER_DEAD);
	assert_int_equal(registry_find_cgroup(r, 11)->died_ns, 5);
	registry_read_unlock(r, s);
	registry_free(r);
}

static void nested_groups_are_bounded_and_the_forgotten_are_counted(void **state)
{
	struct registry *r = made(0, 0);
	struct container c = named(HEX_A, 10);
	struct registry_stats stats;
	struct err e = ERR_INIT;
	bool bound = false;

	c.cgroup_path = span_of("/x");
	(void)put(r, c, SOURCE_NAME);
	for (uint64_t i = 0; i < LIMIT_CGROUPS + 9; i++)
		assert_int_equal(registry_bind(r, 100 + i, span_of("/x/y"), &bound, &e), 0);
	registry_stats(r, &stats);
	assert_int_equal(stats.unbound, 10);
	unsigned s = registry_read_lock(r);
	assert_non_null(registry_find_cgroup(r, 10));
	assert_null(registry_find_cgroup(r, 100));
	assert_non_null(registry_find_cgroup(r, 100 + LIMIT_CGROUPS + 8));
	registry_read_unlock(r, s);
	registry_free(r);
}

static void a_runtime_cannot_kill_what_the_kernel_runs(void **state)
{
	struct registry *r = made(0, 0);
	struct container dead = named(HEX_A, 0);
	unsigned s = registry_read_lock(r);

	(void)put(r, named(HEX_A, 10), SOURCE_NAME);
	dead.state = CONTAINER_DEAD;
	dead.exit_code = 7;
	(void)put(r, dead, SOURCE_API);
	assert_int_equal(registry_find_cgroup(r, 10)->state, CONTAINER_CREATED);
	assert_true(registry_gone(r, 10, 99));
	assert_int_equal(registry_find_cgroup(r, 10)->state, CONTAINER_DEAD);
	assert_int_equal(registry_find_cgroup(r, 10)->exit_code, 7);
	registry_read_unlock(r, s);
	registry_free(r);
}

static void a_docker_container_lives_again_and_a_runc_id_is_another(void **state)
{
	struct registry *r = made(0, 0);
	struct container c = named(HEX_A, 10);
	struct err e = ERR_INIT;
	unsigned s = registry_read_lock(r);

	c.image = span_of("img");
	c.state = CONTAINER_DEAD;
	c.exit_code = 3;
	(void)put(r, c, SOURCE_KERNEL);
	c = named(HEX_A, 20);
	c.state = CONTAINER_RUNNING;
	(void)put(r, c, SOURCE_NAME);
	assert_true(span_is(registry_find_cgroup(r, 20)->image, "img"));
	assert_int_equal(registry_find_cgroup(r, 20)->exit_code, -1);
	assert_int_equal(registry_find_cgroup(r, 20)->state, CONTAINER_RUNNING);
	assert_int_equal(registry_find_cgroup(r, 20)->cgroup_id, 20);
	assert_ptr_equal(registry_find_cgroup(r, 10), registry_find_cgroup(r, 20));

	c = named("box", 30);
	c.image = span_of("old");
	(void)put(r, c, SOURCE_API);
	assert_true(registry_gone(r, 30, 1));
	assert_int_equal(registry_revive(r, span_of("box"), &e), 0);
	(void)put(r, named("box", 0), SOURCE_OCI);
	(void)put(r, named("box", 40), SOURCE_NAME);
	assert_int_equal(registry_find_cgroup(r, 40)->image.n, 0);
	assert_int_equal(registry_find_cgroup(r, 30)->state, CONTAINER_DEAD);
	assert_true(span_is(registry_find_cgroup(r, 30)->image, "old"));
	registry_read_unlock(r, s);
	registry_free(r);
}

static void tombstones_go_oldest_first_and_the_living_never(void **state)
{
	struct registry *r = made(3, 3600 * NSEC_PER_SEC);
	struct registry_stats stats;
	struct container c;
	struct err e = ERR_INIT;

	(void)put(r, named("one", 1), SOURCE_NAME);
	(void)put(r, named("two", 2), SOURCE_NAME);
	(void)put(r, named("three", 3), SOURCE_NAME);
	c = named("four", 4);
	assert_int_equal(registry_put(r, &c, SOURCE_NAME, NULL, &e), -ENOSPC);
	assert_true(registry_gone(r, 2, 1));
	assert_true(registry_gone(r, 1, 1));
	(void)put(r, c, SOURCE_NAME);
	unsigned s = registry_read_lock(r);
	assert_null(registry_find_cgroup(r, 2));
	assert_int_equal(registry_find_cgroup(r, 1)->state, CONTAINER_DEAD);
	assert_non_null(registry_find_cgroup(r, 3));
	assert_null(registry_find_id(r, span_of("two")));
	registry_read_unlock(r, s);
	registry_stats(r, &stats);
	assert_int_equal(stats.evicted, 1);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.live, 2);
	assert_int_equal(stats.dead, 1);
	registry_expire(r, clock_real_ns() + 3601 * NSEC_PER_SEC);
	registry_stats(r, &stats);
	assert_int_equal(stats.expired, 1);
	assert_int_equal(stats.dead, 0);
	registry_free(r);
}

static void a_person_finds_by_id_name_and_prefix(void **state)
{
	struct registry *r = made(0, 0);
	struct container c = named(HEX_A, 1);
	const struct container *found;
	struct err e = ERR_INIT;
	unsigned s = registry_read_lock(r);

	c.name = span_of("web");
	(void)put(r, c, SOURCE_API);
	(void)put(r, named(HEX_B, 2), SOURCE_API);
	assert_int_equal(registry_find_name(r, span_of("web"), &found, &e), 0);
	assert_true(span_is(found->id, HEX_A));
	assert_int_equal(registry_find_name(r, span_of(HEX_B), &found, &e), 0);
	assert_int_equal(found->cgroup_id, 2);
	assert_int_equal(registry_find_name(r, span_of("aaaab"), &found, &e), 0);
	assert_int_equal(found->cgroup_id, 2);
	assert_int_equal(registry_find_name(r, span_of("aaaa"), &found, &e), -EEXIST);
	assert_int_equal(registry_find_name(r, span_of("nope"), &found, &e), -ENOENT);
	assert_int_equal(registry_find_name(r, span_of(""), &found, &e), -ENOENT);
	/* a dead one of the same name gives way, and is found when it is alone */
	assert_true(registry_gone(r, 1, 5));
	assert_int_equal(registry_find_name(r, span_of("web"), &found, &e), 0);
	c = named("other", 3);
	c.name = span_of("web");
	(void)put(r, c, SOURCE_API);
	assert_int_equal(registry_find_name(r, span_of("web"), &found, &e), 0);
	assert_int_equal(found->cgroup_id, 3);
	registry_read_unlock(r, s);
	registry_free(r);
}

struct heard {
	int calls;
	uint64_t before, after;
};

static void hear(void *ctx, const struct container *before, const struct container *after)
{
	struct heard *h = ctx;

	h->calls++;
	h->before = before ? before->rev : 0;
	h->after = after->rev;
}

static void listeners_hear_each_change_once(void **state)
{
	struct registry *r = made(0, 0);
	struct heard h = {.calls = 0};
	struct container c = named("box", 1);
	struct err e = ERR_INIT;

	assert_int_equal(registry_on_change(r, hear, &h, &e), 0);
	(void)put(r, c, SOURCE_NAME);
	assert_int_equal(h.calls, 1);
	assert_int_equal(h.before, 0);
	(void)put(r, c, SOURCE_NAME);
	assert_int_equal(h.calls, 1);
	c.name = span_of("n");
	(void)put(r, c, SOURCE_NAME);
	assert_int_equal(h.calls, 2);
	assert_true(h.after > h.before && h.before > 0);
	(void)registry_gone(r, 1, 1);
	(void)registry_gone(r, 1, 1);
	assert_int_equal(h.calls, 3);
	registry_free(r);
}

struct race {
	struct registry *r;
	_Atomic bool stop;
	_Atomic uint64_t reads, torn;
};

/* Every text of a snapshot is made of one letter: a torn or freed one would show. */
static void *read_all_the_time(void *ctx)
{
	struct race *race = ctx;

	while (!atomic_load(&race->stop)) {
		unsigned s = registry_read_lock(race->r);

		for (uint64_t id = 1; id <= 50; id++) {
			const struct container *c = registry_find_cgroup(race->r, id);

			for (size_t i = 1; c && i < c->name.n; i++)
				atomic_fetch_add(&race->torn, c->name.p[i] != c->name.p[0]);
			atomic_fetch_add(&race->reads, 1);
		}
		registry_read_unlock(race->r, s);
	}
	return NULL;
}

static void readers_never_see_a_torn_or_freed_container(void **state)
{
	struct race race = {.r = made(40, 1)};
	struct err e = ERR_INIT;
	pthread_t reader;

	assert_int_equal(pthread_create(&reader, NULL, read_all_the_time, &race), 0);
	for (uint64_t i = 0; i < 20000; i++) {
		char id[32], name[64];
		struct container c;

		(void)snprintf(id, sizeof(id), "box%d", (int)(i % 60));
		memset(name, 'a' + (int)(i % 26), sizeof(name));
		c = named(id, 1 + i % 50);
		c.name = span_make(name, 1 + i % sizeof(name));
		(void)registry_put(race.r, &c, SOURCE_API, NULL, &e); /* full is fine here */
		if (i % 3 == 0)
			(void)registry_gone(race.r, 1 + i % 50, 1);
	}
	while (atomic_load(&race.reads) < 1000)
		(void)usleep(1000);
	atomic_store(&race.stop, true);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(atomic_load(&race.torn), 0);
	registry_free(race.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_is_found_by_its_cgroup),
		cmocka_unit_test(unknown_never_overwrites_known_and_weak_never_overwrites_strong),
		cmocka_unit_test(nested_groups_lead_to_the_same_container),
		cmocka_unit_test(nested_groups_are_bounded_and_the_forgotten_are_counted),
		cmocka_unit_test(a_runtime_cannot_kill_what_the_kernel_runs),
		cmocka_unit_test(a_docker_container_lives_again_and_a_runc_id_is_another),
		cmocka_unit_test(tombstones_go_oldest_first_and_the_living_never),
		cmocka_unit_test(a_person_finds_by_id_name_and_prefix),
		cmocka_unit_test(listeners_hear_each_change_once),
		cmocka_unit_test(readers_never_see_a_torn_or_freed_container),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
