/* match_set.c - sets of bytes, prefixes and networks; see match_set.h. */
#include "detect/match_set.h"

#include <arpa/inet.h>

#include "base/hash.h"
#include "base/limits.h"

static int check_size(const struct span *values, size_t n, size_t *ret_bytes, struct err *e)
{
	size_t bytes = 0;

	if (n > LIMIT_DETECT_VALUES)
		return err_set(e, E2BIG, "%zu values are more than %u; split the list", n,
			       LIMIT_DETECT_VALUES);
	for (size_t i = 0; i < n; i++) {
		if (values[i].n > LIMIT_DETECT_MATCH - bytes)
			return err_set(e, E2BIG, "the values are more than %u bytes",
				       LIMIT_DETECT_MATCH);
		bytes += values[i].n;
	}
	*ret_bytes = bytes;
	return 0;
}

static int no_room(struct err *e)
{
	return err_set(e, ENOMEM, "no memory for the values of a condition");
}

/* Copies of values in one piece of memory. */
struct copies {
	struct span *items;
	uint8_t *bytes;
	size_t n, size;
};

static void copies_fini(struct copies *c)
{
	free(c->items);
	free(c->bytes);
}

static int copies_init(struct copies *c, const struct span *values, size_t n, struct err *e)
{
	size_t at = 0;
	int r = check_size(values, n, &c->size, e);

	if (r < 0)
		return r;
	c->items = calloc(n + 1, sizeof(*c->items));
	c->bytes = malloc(c->size + 1);
	if (!c->items || !c->bytes)
		return no_room(e);
	for (size_t i = 0; i < n; i++) {
		if (values[i].n)
			memcpy(c->bytes + at, values[i].p, values[i].n);
		c->items[i] = span_make(c->bytes + at, values[i].n);
		at += values[i].n;
	}
	c->n = n;
	return 0;
}

struct match_set {
	struct copies copies;
	uint32_t *slots; /* index + 1 */
	size_t mask;
};

static bool set_find(const struct match_set *s, struct span value, size_t *ret_slot)
{
	size_t slot = hash64(value) & s->mask;

	for (; s->slots[slot]; slot = (slot + 1) & s->mask)
		if (span_eq(s->copies.items[s->slots[slot] - 1], value))
			return true;
	*ret_slot = slot;
	return false;
}

int match_set_new(const struct span *values, size_t n, struct match_set **ret_set, struct err *e)
{
	struct match_set *s = calloc(1, sizeof(*s));
	size_t cap = 4, slot;
	int r = s ? copies_init(&s->copies, values, n, e) : no_room(e);

	while (cap < 2 * n)
		cap *= 2;
	if (r == 0) {
		s->slots = calloc(cap, sizeof(*s->slots));
		if (!s->slots)
			r = no_room(e);
	}
	if (r < 0) {
		match_set_free(s);
		return r;
	}
	s->mask = cap - 1;
	for (size_t i = 0; i < n; i++)
		if (!set_find(s, s->copies.items[i], &slot))
			s->slots[slot] = (uint32_t)i + 1;
	*ret_set = s;
	return 0;
}

void match_set_free(struct match_set *s)
{
	if (!s)
		return;
	copies_fini(&s->copies);
	free(s->slots);
	free(s);
}

bool match_set_has(const struct match_set *s, struct span value)
{
	size_t slot;

	return set_find(s, value, &slot);
}

static size_t copies_bytes(const struct copies *c)
{
	return c->size + c->n * sizeof(*c->items);
}

size_t match_set_bytes(const struct match_set *s)
{
	return sizeof(*s) + copies_bytes(&s->copies) + (s->mask + 1) * sizeof(*s->slots);
}

struct match_prefixes {
	struct copies copies; /* sorted, none a prefix of another */
};

static int span_order(const void *a, const void *b)
{
	return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static bool has_prefix(struct span text, struct span prefix)
{
	return text.n >= prefix.n && (prefix.n == 0 || memcmp(text.p, prefix.p, prefix.n) == 0);
}

int match_prefixes_new(const struct span *values, size_t n, struct match_prefixes **ret_prefixes,
		       struct err *e)
{
	struct match_prefixes *p = calloc(1, sizeof(*p));
	struct copies *c = p ? &p->copies : NULL;
	size_t kept = 0;
	int r = p ? copies_init(c, values, n, e) : no_room(e);

	if (r < 0) {
		match_prefixes_free(p);
		return r;
	}
	qsort(c->items, n, sizeof(*c->items), span_order);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !has_prefix(c->items[i], c->items[kept - 1]))
			c->items[kept++] = c->items[i];
	c->n = kept;
	*ret_prefixes = p;
	return 0;
}

void match_prefixes_free(struct match_prefixes *p)
{
	if (p)
		copies_fini(&p->copies);
	free(p);
}

bool match_prefixes_has(const struct match_prefixes *p, struct span text)
{
	size_t low = 0, high = p->copies.n;

	while (low < high) { /* the first that sorts behind the text */
		size_t middle = low + (high - low) / 2;

		if (span_cmp(p->copies.items[middle], text) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && has_prefix(text, p->copies.items[low - 1]);
}

size_t match_prefixes_bytes(const struct match_prefixes *p)
{
	return sizeof(*p) + copies_bytes(&p->copies);
}

static void net_mask(uint8_t addr[16], size_t n, unsigned prefix)
{
	for (size_t i = 0; i < n; i++) {
		unsigned bits = prefix > i * 8 ? prefix - (unsigned)(i * 8) : 0;

		if (bits < 8)
			addr[i] &= (uint8_t)(0xff00u >> bits);
	}
}

static int bad_net(struct span text, struct err *e)
{
	return err_set(e, EINVAL,
		       "'%.*s' is no address or network; write 10.1.2.3, 10.0.0.0/8 or fe80::/10",
		       (int)(text.n < 64 ? text.n : 64), (const char *)text.p);
}

/* The digits behind '/'; false when they are none or above `most`. */
static bool net_prefix(const char *text, unsigned most, uint8_t *ret_prefix)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 3)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*ret_prefix = (uint8_t)value;
	return value <= most;
}

int match_net_parse(struct span text, struct match_net *ret_net, struct err *e)
{
	char copy[INET6_ADDRSTRLEN + 5] = "", *slash;
	struct match_net net = {.n = 4};

	if (text.n == 0 || text.n >= sizeof(copy) || memchr(text.p, 0, text.n))
		return bad_net(text, e);
	memcpy(copy, text.p, text.n);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = 0;
	if (strchr(copy, ':'))
		net.n = 16;
	net.prefix = (uint8_t)(net.n * 8);
	if (inet_pton(net.n == 4 ? AF_INET : AF_INET6, copy, net.addr) != 1 ||
	    (slash && !net_prefix(slash, net.prefix, &net.prefix)))
		return bad_net(text, e);
	net_mask(net.addr, net.n, net.prefix);
	*ret_net = net;
	return 0;
}

struct match_nets {
	struct match_set *keys;
	uint64_t prefixes[2][3]; /* [0] IPv4, [1] IPv6: bit n, there is a prefix of n bits */
};

#define NET_KEY 18u /* bytes of the address, prefix, address */

static struct span net_key(uint8_t key[NET_KEY], const struct match_net *net)
{
	key[0] = net->n;
	key[1] = net->prefix;
	memcpy(key + 2, net->addr, sizeof(net->addr));
	return span_make(key, NET_KEY);
}

int match_nets_new(const struct match_net *nets, size_t n, struct match_nets **ret_nets,
		   struct err *e)
{
	AUTO(free) uint8_t *bytes = NULL;
	AUTO(free) struct span *keys = NULL;
	struct match_nets *s;
	int r;

	if (n > LIMIT_DETECT_VALUES)
		return err_set(e, E2BIG, "%zu networks are more than %u", n, LIMIT_DETECT_VALUES);
	s = calloc(1, sizeof(*s));
	bytes = calloc(n + 1, NET_KEY);
	keys = calloc(n + 1, sizeof(*keys));
	if (!s || !bytes || !keys) {
		free(s);
		return no_room(e);
	}
	for (size_t i = 0; i < n; i++) {
		s->prefixes[nets[i].n == 16][nets[i].prefix / 64] |= 1ull << nets[i].prefix % 64;
		keys[i] = net_key(bytes + i * NET_KEY, &nets[i]);
	}
	r = match_set_new(keys, n, &s->keys, e);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret_nets = s;
	return 0;
}

void match_nets_free(struct match_nets *s)
{
	if (s)
		match_set_free(s->keys);
	free(s);
}

bool match_nets_has(const struct match_nets *s, struct span addr)
{
	uint8_t key[NET_KEY];

	if (addr.n != 4 && addr.n != 16)
		return false;
	for (unsigned word = 0; word < 3; word++) {
		uint64_t bits = s->prefixes[addr.n == 16][word];

		for (; bits; bits &= bits - 1) {
			struct match_net net = {.n = (uint8_t)addr.n};

			net.prefix = (uint8_t)(word * 64 + (unsigned)__builtin_ctzll(bits));
			memcpy(net.addr, addr.p, addr.n);
			net_mask(net.addr, net.n, net.prefix);
			if (match_set_has(s->keys, net_key(key, &net)))
				return true;
		}
	}
	return false;
}

size_t match_nets_bytes(const struct match_nets *s)
{
	return sizeof(*s) + match_set_bytes(s->keys);
}
