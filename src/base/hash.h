/* hash.h - SHA-256 for evidence, XXH3 for tables in memory, hexadecimal text for both. */
#ifndef AMBER_BASE_HASH_H
#define AMBER_BASE_HASH_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

#define SHA256_BYTES 32
#define SHA256_TEXT  65 /* hexadecimal digits and NUL */

/* A running SHA-256 (FIPS 180-4, OpenSSL's, which uses the processor's SHA instructions). */
struct sha256 {
	void *ctx; /* EVP_MD_CTX */
};

/* Starts one.  Only this call can fail (-ENOMEM). */
int sha256_init(struct sha256 *h, struct err *e);
void sha256_add(struct sha256 *h, const void *p, size_t n);
/* Writes the digest of all that was added and starts again from nothing. */
void sha256_end(struct sha256 *h, uint8_t ret_digest[SHA256_BYTES]);
void sha256_fini(struct sha256 *h);
DEFINE_AUTO(sha256, struct sha256, sha256_fini);

/* The digest of one piece of memory. */
void sha256_of(struct span bytes, uint8_t ret_digest[SHA256_BYTES]);

/* A fast hash for tables; its value is not stable across versions and goes to no file. */
uint64_t hash64(struct span bytes);

/* Lower-case hexadecimal digits of `bytes` and a NUL: 2n+1 bytes. */
void hex_print(struct span bytes, char *ret_text);

/* Reads exactly 2n digits of either case.  -EINVAL otherwise. */
int hex_parse(struct span text, uint8_t *ret_bytes, size_t n);

#endif
