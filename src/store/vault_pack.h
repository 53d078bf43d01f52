/* vault_pack.h - reading one pack file: its entries in order, its index, one object's content.
 *
 * For the vault's own parts; everybody else uses vault.h.  A pack may be read while it grows: what
 * lies behind the last whole entry is not an error here. */
#ifndef AMBER_STORE_VAULT_PACK_H
#define AMBER_STORE_VAULT_PACK_H

#include "base/fd.h"
#include "store/vault.h"
#include "store/vault_format.h"

struct pack_file {
	int fd;
	uint64_t number, bytes;
	struct pack_head head;
	struct pack_foot foot; /* only where sealed */
	bool sealed;
	bool read_only; /* its mode, set when it was sealed */
};

void pack_file_init(struct pack_file *pack);
void pack_file_close(struct pack_file *pack);
DEFINE_AUTO(pack_file, struct pack_file, pack_file_close);

/* Opens NNNNNNNN.pack below `dir_fd` (flags O_RDONLY or O_RDWR), checks its header and looks for a
 * footer.  -EBADMSG when the header is no pack's or carries another number. */
int pack_file_open(int dir_fd, uint64_t number, int flags, struct pack_file *ret_pack,
		   struct err *e);

/* Called for each entry; a negative return stops the walk and is returned. */
typedef int (*pack_visit_fn)(void *ctx, const struct pack_entry *entry, uint64_t offset);

struct pack_end {
	uint64_t offset; /* behind the last whole entry */
	uint8_t chain[SHA256_BYTES];
	uint64_t count;
};

/* Walks the entries by their headers up to the index of a sealed pack or to the first place that
 * is no whole entry continuing the chain. */
int pack_walk(const struct pack_file *pack, pack_visit_fn visit, void *ctx,
	      struct pack_end *ret_end, struct err *e);

/* Every object of the pack: from the index of a sealed one (its digest checked), else from a walk.
 * Caller frees *ret_rows. */
int pack_rows(const struct pack_file *pack, struct pack_row **ret_rows, size_t *ret_count,
	      struct err *e);

/* Finds one object: by binary search in the index, else by a walk.  -ENOENT when it is not there.
 * Only this object's row is read and trusted no further than pack_read checks it. */
int pack_find(const struct pack_file *pack, const uint8_t sha256[SHA256_BYTES],
	      struct pack_row *ret_row, struct err *e);

/* Gives the content of the entry at `offset` to `out` piece by piece and checks its SHA-256
 * against the entry's and, unless NULL, against `sha256`.  -EBADMSG when it does not match: what
 * was given out before is then not the object.  *ret_entry may be NULL. */
int pack_read(const struct pack_file *pack, uint64_t offset, const uint8_t *sha256,
	      const struct vault_out *out, struct pack_entry *ret_entry, struct err *e);

#endif
