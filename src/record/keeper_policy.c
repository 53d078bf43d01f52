/* keeper_policy.c - see keeper_policy.h. */
#include "record/keeper_policy.h"

#include <fnmatch.h>

#include "base/clock.h"

void keeper_policy_default(struct keeper_policy *policy)
{
	*policy = (struct keeper_policy){
		.max_bytes = {[KEEPER_EXECUTABLE] = 64ull << 20, [KEEPER_DATA] = 16ull << 20},
		.container_rate = 128ull << 20,
		.container_burst = 512ull << 20,
		.container_total = 4ull << 30,
		.global_rate = 512ull << 20,
		.global_burst = 1ull << 30,
	};
}

void keeper_bucket_init(struct keeper_bucket *bucket, uint64_t rate, uint64_t burst,
			uint64_t now_ns)
{
	*bucket = (struct keeper_bucket){
		.rate = rate, .burst = burst, .tokens = (int64_t)burst, .at_ns = now_ns};
}

bool keeper_bucket_take(struct keeper_bucket *bucket, uint64_t n, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > bucket->at_ns ? now_ns - bucket->at_ns : 0;

	if (passed_ns >= NSEC_PER_SEC / 1000) {
		double due = (double)passed_ns * (double)bucket->rate / (double)NSEC_PER_SEC;
		double tokens = (double)bucket->tokens + due;

		bucket->tokens =
			tokens < (double)bucket->burst ? (int64_t)tokens : (int64_t)bucket->burst;
		bucket->at_ns = now_ns;
	}
	if (bucket->tokens <= 0)
		return false;
	bucket->tokens -= (int64_t)n;
	return true;
}

void keeper_bucket_give(struct keeper_bucket *bucket, uint64_t n)
{
	bucket->tokens += (int64_t)n;
}

bool keeper_policy_excludes(const struct keeper_policy *policy, const char *path)
{
	for (unsigned i = 0; i < policy->exclude_count; i++)
		if (fnmatch(policy->exclude[i], path, 0) == 0)
			return true;
	return false;
}

enum keeper_class keeper_classify(struct span head)
{
	if (span_starts(head, "#!") || span_starts(head, "\x7f"
							 "ELF"))
		return KEEPER_EXECUTABLE;
	return KEEPER_DATA;
}
