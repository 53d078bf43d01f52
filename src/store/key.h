/* key.h - the host's signing key: Ed25519 (RFC 8032), made on first use.
 *
 * keys/host.key is a PKCS#8 PEM (0600), keys/host.pub its public half (0644), so that
 * `openssl pkeyutl -verify -rawin` checks what Amber signed.  key_id is the first 8 bytes of the
 * SHA-256 of the raw public key. */
#ifndef AMBER_STORE_KEY_H
#define AMBER_STORE_KEY_H

#include "base/auto.h"
#include "base/err.h"
#include "base/span.h"

#define KEY_ID_BYTES	 8
#define KEY_PUBLIC_BYTES 32
#define SIGNATURE_BYTES	 64

struct key; /* a private key with its public half, or a public key alone */

/* Opens keys/host.key below `state_dir`, making folder and key when there is none.  Two processes
 * that do it at once end up with the same key.  Caller owns *ret_key. */
int key_open(const char *state_dir, struct key **ret_key, struct err *e);

/* Opens keys/host.pub only: enough to verify.  -ENOENT when there is none. */
int key_open_public(const char *state_dir, struct key **ret_key, struct err *e);

/* Closes it; NULL is allowed. */
void key_close(struct key *key);

static inline void key_close_at(struct key **key)
{
	key_close(*key);
}
DEFINE_AUTO(key, struct key *, key_close_at);

/* Signs domain || NUL || message, so that a signature of one kind of thing is never one of
 * another.  -EPERM when only the public half is there. */
int key_sign(const struct key *key, const char *domain, struct span message,
	     uint8_t ret_signature[SIGNATURE_BYTES], struct err *e);

/* 0 when the signature is the key's own; -EBADMSG when it is not. */
int key_verify(const struct key *key, const char *domain, struct span message,
	       const uint8_t signature[SIGNATURE_BYTES], struct err *e);

void key_id(const struct key *key, uint8_t ret_id[KEY_ID_BYTES]);
void key_public(const struct key *key, uint8_t ret_public[KEY_PUBLIC_BYTES]);

#endif
