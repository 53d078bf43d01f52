/* vault_format.c - checks and seals of the structures of a pack. */
#include <xxhash.h>

#include "base/limits.h"
#include "store/vault_format.h"

static const char head_magic[8] = {'A', 'M', 'B', 'R', 'P', 'A', 'C', 'K'};
static const char entry_magic[4] = {'A', 'O', 'B', 'J'};
static const char foot_magic[8] = {'A', 'M', 'B', 'R', 'P', 'E', 'N', 'D'};
static const char tomb_magic[8] = {'A', 'M', 'B', 'R', 'P', 'T', 'M', 'B'};

void pack_head_finish(struct pack_head *head)
{
	memcpy(head->magic, head_magic, sizeof(head_magic));
	head->version = PACK_VERSION;
	sha256_of(span_make(head, offsetof(struct pack_head, digest)), head->digest);
}

int pack_head_check(const struct pack_head *head, struct err *e)
{
	uint8_t digest[SHA256_BYTES];

	if (memcmp(head->magic, head_magic, sizeof(head_magic)) != 0)
		return err_set(e, EBADMSG, "no pack header");
	if (head->version != PACK_VERSION)
		return err_set(e, EBADMSG,
			       "pack version %u is not known; this Amber reads version %u",
			       head->version, PACK_VERSION);
	sha256_of(span_make(head, offsetof(struct pack_head, digest)), digest);
	if (memcmp(digest, head->digest, sizeof(digest)) != 0)
		return err_set(e, EBADMSG, "pack header was changed");
	return 0;
}

static void entry_chain(const struct pack_entry *entry, const uint8_t before[SHA256_BYTES],
			uint8_t ret_chain[SHA256_BYTES])
{
	uint8_t bytes[SHA256_BYTES + offsetof(struct pack_entry, chain)];

	memcpy(bytes, before, SHA256_BYTES);
	memcpy(bytes + SHA256_BYTES, entry, offsetof(struct pack_entry, chain));
	sha256_of(span_make(bytes, sizeof(bytes)), ret_chain);
}

static uint64_t entry_check(const struct pack_entry *entry)
{
	return XXH64(entry, offsetof(struct pack_entry, check), 0);
}

void pack_entry_finish(struct pack_entry *entry, const uint8_t chain_before[SHA256_BYTES])
{
	memcpy(entry->magic, entry_magic, sizeof(entry_magic));
	entry->head_bytes = sizeof(*entry);
	entry_chain(entry, chain_before, entry->chain);
	entry->check = entry_check(entry);
}

bool pack_entry_ok(const struct pack_entry *entry)
{
	if (memcmp(entry->magic, entry_magic, sizeof(entry_magic)) != 0)
		return false;
	if (entry->head_bytes != sizeof(*entry) || entry->check != entry_check(entry))
		return false;
	if (entry->encoding > PACK_ZSTD || entry->raw_size > LIMIT_OBJECT_BYTES)
		return false;
	if (entry->encoding == PACK_RAW && entry->raw_size != entry->stored_size)
		return false;
	return entry->stored_size <= LIMIT_OBJECT_BYTES;
}

bool pack_entry_follows(const struct pack_entry *entry, const uint8_t chain_before[SHA256_BYTES])
{
	uint8_t chain[SHA256_BYTES];

	entry_chain(entry, chain_before, chain);
	return memcmp(chain, entry->chain, sizeof(chain)) == 0;
}

static struct span foot_signed(const struct pack_foot *foot)
{
	return span_make(foot, offsetof(struct pack_foot, signature));
}

int pack_foot_finish(struct pack_foot *foot, const struct key *key, struct err *e)
{
	memcpy(foot->magic, foot_magic, sizeof(foot_magic));
	foot->version = PACK_VERSION;
	key_id(key, foot->key_id);
	return key_sign(key, PACK_DOMAIN, foot_signed(foot), foot->signature, e);
}

bool pack_foot_ok(const struct pack_foot *foot, uint64_t file_bytes)
{
	uint64_t room;

	if (memcmp(foot->magic, foot_magic, sizeof(foot_magic)) != 0 ||
	    foot->version != PACK_VERSION)
		return false;
	if (file_bytes < sizeof(struct pack_head) + sizeof(*foot))
		return false;
	if (foot->index_offset < sizeof(struct pack_head) ||
	    foot->index_offset > file_bytes - sizeof(*foot))
		return false;
	room = file_bytes - sizeof(*foot) - foot->index_offset;
	return room % sizeof(struct pack_row) == 0 && room / sizeof(struct pack_row) == foot->count;
}

int pack_foot_verify(const struct pack_foot *foot, const struct key *key, struct err *e)
{
	return key_verify(key, PACK_DOMAIN, foot_signed(foot), foot->signature, e);
}

static struct span tomb_signed(const struct pack_tomb *tomb)
{
	return span_make(tomb, offsetof(struct pack_tomb, signature));
}

int pack_tomb_finish(struct pack_tomb *tomb, const struct key *key, struct err *e)
{
	memcpy(tomb->magic, tomb_magic, sizeof(tomb_magic));
	tomb->version = PACK_VERSION;
	key_id(key, tomb->key_id);
	return key_sign(key, PACK_TOMB_DOMAIN, tomb_signed(tomb), tomb->signature, e);
}

bool pack_tomb_ok(const struct pack_tomb *tomb)
{
	return memcmp(tomb->magic, tomb_magic, sizeof(tomb_magic)) == 0 &&
	       tomb->version == PACK_VERSION;
}

int pack_tomb_verify(const struct pack_tomb *tomb, const struct key *key, struct err *e)
{
	return key_verify(key, PACK_TOMB_DOMAIN, tomb_signed(tomb), tomb->signature, e);
}

bool pack_name_parse(const char *name, const char *ending, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t n = 0;

	for (; name[n] >= '0' && name[n] <= '9'; n++) {
		if (n == 15)
			return false;
		number = number * 10 + (uint64_t)(name[n] - '0');
	}
	if (n < 8 || number == 0 || strcmp(name + n, ending) != 0)
		return false;
	*ret_number = number;
	return true;
}

/* Collision count of the byte histogram: for even bytes it is near n*n/256, and text, code and
 * tables lie well above.  No magic numbers of formats: a container can forge those, and a wrong
 * guess here would only cost space. */
bool pack_compressible(struct span sample)
{
	uint32_t histogram[256] = {0};
	uint64_t sum = 0, n = sample.n < 4096 ? sample.n : 4096;

	if (n < 128)
		return false;
	for (size_t i = 0; i < n; i++)
		histogram[sample.p[i]]++;
	for (size_t i = 0; i < 256; i++)
		sum += (uint64_t)histogram[i] * histogram[i];
	return (sum - n) * 256 > n * n + n * n / 4;
}
