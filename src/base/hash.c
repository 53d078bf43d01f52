/* hash.c - see hash.h. */
#include "base/hash.h"

#include <assert.h>
#include <openssl/evp.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

int sha256_init(struct sha256 *h, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		return err_set(e, ENOMEM, "no memory for a SHA-256");
	}
	h->ctx = ctx;
	return 0;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
	int ok = EVP_DigestUpdate(h->ctx, p, n);

	assert(ok == 1); /* SHA-256 of memory cannot fail once it was started */
}

void sha256_end(struct sha256 *h, uint8_t ret_digest[SHA256_BYTES])
{
	int ok = EVP_DigestFinal_ex(h->ctx, ret_digest, NULL);

	assert(ok == 1);
	ok = EVP_DigestInit_ex(h->ctx, NULL, NULL);
	assert(ok == 1);
}

void sha256_fini(struct sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

void sha256_of(struct span bytes, uint8_t ret_digest[SHA256_BYTES])
{
	int ok = EVP_Digest(bytes.p, bytes.n, ret_digest, NULL, EVP_sha256(), NULL);

	assert(ok == 1);
}

uint64_t hash64(struct span bytes)
{
	return XXH3_64bits(bytes.p, bytes.n);
}

void hex_print(struct span bytes, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.n; i++) {
		ret_text[2 * i] = digits[bytes.p[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes.p[i] & 15];
	}
	ret_text[2 * bytes.n] = '\0';
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_parse(struct span text, uint8_t *ret_bytes, size_t n)
{
	if (text.n != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++)
		if (digit(text.p[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret_bytes[i] = (uint8_t)(digit(text.p[2 * i]) * 16 + digit(text.p[2 * i + 1]));
	return 0;
}
