/* match_set.h - the right-hand sides of conditions, prepared once: sets, prefixes, networks, paths.
 *
 * All are immutable after they were made, own copies of what they were given, and may be asked by
 * several threads at once.  Each takes at most LIMIT_DETECT_VALUES values and LIMIT_DETECT_MATCH
 * bytes (-E2BIG).  A look-up allocates nothing. */
#ifndef AMBER_DETECT_MATCH_SET_H
#define AMBER_DETECT_MATCH_SET_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

/* Byte strings, by hash (XXH3, open addressing, at most half full). */
struct match_set;
int match_set_new(const struct span *values, size_t n, struct match_set **ret_set, struct err *e);
void match_set_free(struct match_set *s);
bool match_set_has(const struct match_set *s, struct span value);
size_t match_set_bytes(const struct match_set *s);

/* Prefixes: those that another one covers are dropped, the rest is sorted, and of those only the
 * one that sorts right before a text can be its prefix. */
struct match_prefixes;
int match_prefixes_new(const struct span *values, size_t n, struct match_prefixes **ret_prefixes,
		       struct err *e);
void match_prefixes_free(struct match_prefixes *p);
bool match_prefixes_has(const struct match_prefixes *p, struct span text);
size_t match_prefixes_bytes(const struct match_prefixes *p);

/* A network of 4 or 16 bytes; the bits behind `prefix` are 0. */
struct match_net {
	uint8_t n, prefix;
	uint8_t addr[16];
};

/* "10.0.0.0/8", "fe80::/10", or an address, which is a network of one.  -EINVAL. */
int match_net_parse(struct span text, struct match_net *ret_net, struct err *e);

/* Networks: a look-up for each length of prefix that occurs. */
struct match_nets;
int match_nets_new(const struct match_net *nets, size_t n, struct match_nets **ret_nets,
		   struct err *e);
void match_nets_free(struct match_nets *s);

/* `addr` has 4 or 16 bytes; a mapped IPv4 address is to be given with 4. */
bool match_nets_has(const struct match_nets *s, struct span addr);
size_t match_nets_bytes(const struct match_nets *s);

/* Paths for pmatch: a value matches when the components of one of the paths are its first
 * components; a component with `*`, `?` or `[` is a glob, which does not cross '/'.  Empty
 * components do not count, so "/" matches every value.  Falco's own search stops trying globs
 * after one of them led into a tree that did not match; here every path counts.
 *
 * A look-up visits each component of the tree at most once.  -E2BIG for paths deeper than
 * LIMIT_DETECT_PATH_DEPTH. */
struct match_paths;
int match_paths_new(const struct span *paths, size_t n, struct match_paths **ret_paths,
		    struct err *e);
void match_paths_free(struct match_paths *p);
bool match_paths_has(const struct match_paths *p, struct span path);
size_t match_paths_bytes(const struct match_paths *p);

#endif
