/* key.c - see key.h. */
#include "store/key.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"

struct key {
	EVP_PKEY *pkey;
	bool is_private;
	uint8_t public_bytes[KEY_PUBLIC_BYTES];
};

static void bio_free_at(BIO **bio)
{
	BIO_free(*bio);
}
DEFINE_AUTO(bio, BIO *, bio_free_at);

static void md_free_at(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}
DEFINE_AUTO(md, EVP_MD_CTX *, md_free_at);

void key_close(struct key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static struct key *key_of(EVP_PKEY *pkey, bool is_private)
{
	struct key *key = calloc(1, sizeof(*key));
	size_t n = sizeof(key->public_bytes);

	if (!key || EVP_PKEY_get_raw_public_key(pkey, key->public_bytes, &n) != 1 ||
	    n != KEY_PUBLIC_BYTES) {
		EVP_PKEY_free(pkey);
		free(key);
		return NULL;
	}
	key->pkey = pkey;
	key->is_private = is_private;
	return key;
}

static int read_key(const char *path, bool is_private, struct key **ret_key, struct err *e)
{
	AUTO(buf) struct buf pem;
	AUTO(bio) BIO *bio = NULL;
	EVP_PKEY *pkey;
	int r;

	buf_init(&pem, 65536);
	r = fd_read_file(AT_FDCWD, path, &pem, e);
	if (r < 0)
		return r;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio)
		return err_set(e, ENOMEM, "no memory for key '%s'", path);
	pkey = is_private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
			  : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(pkey);
		return err_set(
			e, EBADMSG,
			"'%s' holds no Ed25519 key; restore it from a backup, or move it away "
			"to have a new one made",
			path);
	}
	*ret_key = key_of(pkey, is_private);
	return *ret_key ? 0 : err_set(e, ENOMEM, "no memory for key '%s'", path);
}

static int print_key(EVP_PKEY *pkey, bool is_private, struct buf *ret_pem, struct err *e)
{
	AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	if (!bio ||
	    (is_private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
			: PEM_write_bio_PUBKEY(bio, pkey)) != 1)
		return err_set(e, ENOMEM, "cannot print the signing key");
	n = BIO_get_mem_data(bio, &text);
	buf_add(ret_pem, text, (size_t)n);
	return buf_check(ret_pem, "the signing key", e);
}

/* Writes the private key under a name of its own, then links it to `path`: whoever comes second
 * finds the first one's key. */
static int install(const char *dir, const char *path, struct span pem, struct err *e)
{
	char temp[LIMIT_PATH];
	int r = path_print(temp, e, "%s/host.key.%d", dir, (int)getpid());

	if (r == 0)
		r = fd_replace_file(temp, pem, 0600, e);
	if (r < 0)
		return r;
	if (link(temp, path) != 0 && errno != EEXIST)
		r = err_sys(e, errno, "cannot create '%s'", path);
	(void)unlink(
		temp); /* a leftover would be a second copy of the same new key, nothing more */
	return r;
}

static int make_key(const char *dir, const char *path, struct err *e)
{
	AUTO(buf) struct buf pem;
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int r;

	buf_init(&pem, 65536);
	if (!pkey)
		return err_set(e, EIO, "cannot make an Ed25519 key");
	r = print_key(pkey, true, &pem, e);
	EVP_PKEY_free(pkey);
	return r < 0 ? r : install(dir, path, buf_span(&pem), e);
}

static int write_public(const char *dir, const struct key *key, struct err *e)
{
	AUTO(buf) struct buf pem;
	char path[LIMIT_PATH];
	int r;

	buf_init(&pem, 65536);
	r = path_print(path, e, "%s/host.pub", dir);
	if (r == 0 && access(path, F_OK) == 0)
		return 0;
	if (r == 0)
		r = print_key(key->pkey, false, &pem, e);
	return r < 0 ? r : fd_replace_file(path, buf_span(&pem), 0644, e);
}

int key_open(const char *state_dir, struct key **ret_key, struct err *e)
{
	AUTO(key) struct key *key = NULL;
	char dir[LIMIT_PATH], path[LIMIT_PATH];
	int r = path_print(dir, e, "%s/keys", state_dir);

	if (r == 0)
		r = path_print(path, e, "%s/host.key", dir);
	if (r == 0)
		r = fd_make_dirs(dir, 0700, e);
	if (r == 0 && access(path, F_OK) != 0)
		r = make_key(dir, path, e);
	if (r == 0)
		r = read_key(path, true, &key, e);
	if (r == 0)
		r = write_public(dir, key, e);
	if (r < 0)
		return r;
	*ret_key = TAKE(key);
	return 0;
}

int key_open_public(const char *state_dir, struct key **ret_key, struct err *e)
{
	char path[LIMIT_PATH];
	int r = path_print(path, e, "%s/keys/host.pub", state_dir);

	return r < 0 ? r : read_key(path, false, ret_key, e);
}

static int with_domain(const char *domain, struct span message, struct buf *b, struct err *e)
{
	buf_add(b, domain, strlen(domain) + 1);
	buf_add_span(b, message);
	return buf_check(b, "a message to sign", e);
}

int key_sign(const struct key *key, const char *domain, struct span message,
	     uint8_t ret_signature[SIGNATURE_BYTES], struct err *e)
{
	AUTO(md) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO(buf) struct buf b;
	size_t n = SIGNATURE_BYTES;
	int r;

	buf_init(&b, LIMIT_FILE_READ);
	if (!key->is_private)
		return err_set(e, EPERM, "cannot sign with a public key");
	r = with_domain(domain, message, &b, e);
	if (r < 0)
		return r;
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) != 1 ||
	    EVP_DigestSign(ctx, ret_signature, &n, b.p, b.n) != 1)
		return err_set(e, EIO, "cannot sign");
	return 0;
}

int key_verify(const struct key *key, const char *domain, struct span message,
	       const uint8_t signature[SIGNATURE_BYTES], struct err *e)
{
	AUTO(md) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO(buf) struct buf b;
	int r;

	buf_init(&b, LIMIT_FILE_READ);
	r = with_domain(domain, message, &b, e);
	if (r < 0)
		return r;
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) != 1)
		return err_set(e, ENOMEM, "no memory to verify a signature");
	if (EVP_DigestVerify(ctx, signature, SIGNATURE_BYTES, b.p, b.n) != 1)
		return err_set(e, EBADMSG, "signature is not of this host's key");
	return 0;
}

void key_id(const struct key *key, uint8_t ret_id[KEY_ID_BYTES])
{
	uint8_t digest[SHA256_BYTES];

	sha256_of(span_make(key->public_bytes, KEY_PUBLIC_BYTES), digest);
	memcpy(ret_id, digest, KEY_ID_BYTES);
}

void key_public(const struct key *key, uint8_t ret_public[KEY_PUBLIC_BYTES])
{
	memcpy(ret_public, key->public_bytes, KEY_PUBLIC_BYTES);
}
