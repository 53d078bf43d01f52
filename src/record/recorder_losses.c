/* recorder_losses.c - what the parts counted as lost becomes gap records.
 *
 * Refusals of the journal are not here: the journal tells those itself. */
#include "record/recorder_internal.h"

static uint64_t malformed(struct recorder *r)
{
	return r->malformed + r->probe_malformed;
}

static uint64_t strangers(struct recorder *r)
{
	return r->strangers_refused;
}

static uint64_t lookups_dropped(struct recorder *r)
{
	struct identify_stats s;

	identify_stats(r->identify, &s);
	return s.dropped + s.unparsed;
}

static uint64_t identities_lost(struct recorder *r)
{
	struct registry_stats s;

	registry_stats(r->registry, &s);
	return s.refused + s.evicted + s.unbound;
}

static uint64_t processes_lost(struct recorder *r)
{
	struct processes_stats s;

	processes_get_stats(&r->processes, &s);
	return s.evicted_alive + s.evicted_early + s.texts_refused;
}

static const struct counter {
	const char *reason, *text;
	uint64_t (*read)(struct recorder *r);
} counters[] = {
	{"malformed", "records of the kernel programs that could not be read", malformed},
	{"identity_lost", "events of control groups that nobody knows, beyond the room for them",
	 strangers},
	{"identity_lost", "look-ups of containers, or messages about them, that were not taken",
	 lookups_dropped},
	{"identity_lost", "containers or control groups that found no room", identities_lost},
	{"process_lost", "processes forgotten early, or executables without room for their path",
	 processes_lost},
};
static_assert(ARRAY_LEN(counters) == RECORDER_COUNTERS, "one told[] each");

void recorder_tell_counters(struct recorder *r, uint64_t from_ns, uint64_t to_ns)
{
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		uint64_t now = counters[i].read(r);

		if (now > r->told[i])
			recorder_gap(r, &(struct journal_gap){.reason = counters[i].reason,
							      .text = counters[i].text,
							      .lost = now - r->told[i],
							      .from_ns = from_ns,
							      .to_ns = to_ns});
		r->told[i] = now;
	}
}
