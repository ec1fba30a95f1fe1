#include <openssl/evp.h>

#include "base/base.h"
#include "base/dl.h"
#include "data/hash.h"

#define CRYPTO_SYMS(X)                                                                             \
	X(EVP_MD_CTX_new)                                                                          \
	X(EVP_MD_CTX_free)                                                                         \
	X(EVP_MD_fetch) X(EVP_DigestInit_ex) X(EVP_DigestUpdate) X(EVP_DigestFinal_ex)

CRYPTO_SYMS(DL_POINTER)
static const struct dl_sym crypto_syms[] = {CRYPTO_SYMS(DL_ROW)};
DL_NOTE(note_crypto, "[{\"soname\":[\"libcrypto.so.3\"],\"feature\":\"sha256\",\"priority\":"
		     "\"required\",\"description\":\"Digests of images\"}]");

static EVP_MD *sha256; /* fetched once: looking it up costs more than hashing a small file */

static int load(struct err *e)
{
	static bool loaded;
	int r = dl_load(&loaded, "libcrypto.so.3", crypto_syms, countof(crypto_syms), e);

	if (r < 0 || sha256)
		return r;
	sha256 = dl_EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 ? 0
		      : err_fail_code(e, ERR_LIBRARY, ENOENT,
				      "libcrypto.so.3 is set up to do no SHA-256");
}

int digest_parse_hex(const char *s, struct digest *ret, struct err *e)
{
	size_t n = strspn(s, "0123456789abcdef");

	if (n != sizeof ret->hex - 1 || s[n])
		return err_fail(e, ERR_DIGEST, "%.100s is not a sha256 digest", s);
	memcpy(ret->hex, s, n + 1);
	return 0;
}

int digest_parse(const char *s, struct digest *ret, struct err *e)
{
	if (!str_starts(s, "sha256:") || digest_parse_hex(s + 7, ret, NULL) < 0)
		return err_fail(e, ERR_DIGEST, "%.100s is not a sha256 digest", s);
	return 0;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
	return !strcmp(a->hex, b->hex);
}

char *digest_str(const struct digest *d, char buf[static DIGEST_STR])
{
	snprintf(buf, DIGEST_STR, "sha256:%s", d->hex);
	return buf;
}

int hash_open(struct hash *h, struct err *e)
{
	int r = load(e);

	if (r < 0)
		return r;
	h->ctx = dl_EVP_MD_CTX_new();
	if (!h->ctx || !dl_EVP_DigestInit_ex(h->ctx, sha256, NULL)) {
		hash_free(h);
		return err_fail_code(e, ERR_INTERNAL, ENOMEM, "libcrypto starts no SHA-256");
	}
	return 0;
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	dl_EVP_DigestUpdate(h->ctx, p, n);
}

void hash_end(struct hash *h, struct digest *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE] = {0};
	unsigned n = 0;

	dl_EVP_DigestFinal_ex(h->ctx, md, &n);
	for (size_t i = 0; i < 32; i++) {
		ret->hex[2 * i] = digits[md[i] >> 4];
		ret->hex[2 * i + 1] = digits[md[i] & 15];
	}
	ret->hex[64] = 0;
	hash_free(h);
}

void hash_free(struct hash *h)
{
	if (h->ctx)
		dl_EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

int hash_bytes(const void *p, size_t n, struct digest *ret, struct err *e)
{
	struct hash h = {0};
	int r = hash_open(&h, e);

	if (r < 0)
		return r;
	hash_add(&h, p, n);
	hash_end(&h, ret);
	return 0;
}
