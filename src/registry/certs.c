#include <dirent.h>
#include <sys/mman.h>

#include "base/base.h"
#include "registry/certs.h"
#include "state/home.h"

enum { MAX_BUNDLE = 8 << 20 };

/* Where distributions put the bundle of CAs, for a libcurl that was built without one. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

static const char *env(const char *name)
{
	const char *s = getenv(name);

	return str_is_empty(s) ? NULL : s;
}

static int bad_cert(struct err *e, const char *path, const char *why)
{
	err_fail(e, ERR_TLS, "the certificate %s cannot be used: %s", path, why);
	return err_hint(e,
			"a certificate directory holds NAME.crt (CAs), and NAME.cert with NAME.key "
			"(your own)");
}

static int add_file(struct str *out, const char *path, struct err *e)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : fd_read_all(fd, out, MAX_BUNDLE);

	str_addc(out, '\n');
	return r < 0 ? bad_cert(e, path, strerror(-r)) : 0;
}

/* One name of the directory. */
static int take_file(struct certs *c, struct str *bundle, const char *dir, const char *name,
		     struct err *e)
{
	autofree char *path = path_join(dir, name);

	if (str_ends(name, ".crt"))
		return add_file(bundle, path, e);
	if (!str_ends(name, ".cert") || c->cert)
		return 0;
	char *key = xasprintf("%.*skey", (int)(strlen(path) - 4), path);
	if (access(key, R_OK) < 0) {
		free(key);
		return bad_cert(e, path, "there is no .key beside it");
	}
	c->key = key;
	c->cert = take(path);
	return 0;
}

static int read_dir(struct certs *c, struct str *bundle, const char *dir, struct err *e)
{
	DIR *d = opendir(dir);
	scoped(strv) names = {0};
	int r = 0;

	if (!d)
		return bad_cert(e, dir, strerror(errno));
	for (struct dirent *ent; (ent = readdir(d));)
		strv_add(&names, ent->d_name);
	closedir(d);
	strv_sort(&names);
	for (size_t i = 0; i < names.n && r == 0; i++)
		r = take_file(c, bundle, dir, names.v[i], e);
	return r;
}

/* Not every TLS library takes CAs from memory, but all take them from a file. */
static int make_file(struct certs *c, const struct str *bundle, struct err *e)
{
	c->fd = memfd_create("hoy-cas", MFD_CLOEXEC);
	int r = c->fd < 0 ? -errno : fd_write_all(c->fd, bundle->s, bundle->len);

	if (r < 0)
		return err_set(e, -r, "certificates");
	free(c->file);
	c->file = xasprintf("/proc/self/fd/%d", c->fd);
	return 0;
}

/* The directory of the bundle, if OpenSSL finds CAs there by the hashes of their names: then it reads the one that it needs, and not all
 * (20 ms of the CPU). Many links, for a few may be anybody's. */
static char *hashed_dir(const char *bundle)
{
	const char *slash = bundle ? strrchr(bundle, '/') : NULL;
	autofree char *dir = slash ? xstrndup(bundle, (size_t)(slash - bundle)) : NULL;
	DIR *d = dir ? opendir(dir) : NULL;
	unsigned links = 0;

	if (!d)
		return NULL;
	for (struct dirent *ent; (ent = readdir(d));)
		links += strspn(ent->d_name, "0123456789abcdef") == 8 &&
			 !strcmp(ent->d_name + 8, ".0");
	closedir(d);
	return links >= 30 ? take(dir) : NULL;
}

int certs_find(struct certs *c, const char *cert_dir, const char *built_in, bool by_hash,
	       struct err *e)
{
	const char *file = env("SSL_CERT_FILE") ?: env("CURL_CA_BUNDLE");
	scoped(str) bundle = {0};

	*c = (struct certs){.fd = -1, .dir = env("SSL_CERT_DIR")};
	bool own = file || c->dir;
	if (!own && (!built_in || access(built_in, R_OK) < 0))
		for (size_t i = 0; i < countof(bundles) && !file; i++)
			if (access(bundles[i], R_OK) == 0)
				file = bundles[i];
	c->file = file ? xstrdup(file) : NULL;
	int r = cert_dir ? read_dir(c, &bundle, cert_dir, e) : 0;
	if (r == 0 && by_hash && !own && !bundle.len)
		c->hashed = hashed_dir(file ?: built_in);
	if (r < 0 || !bundle.len)
		return r;
	file = file ?: built_in;
	if (file && access(file, R_OK) == 0)
		r = add_file(&bundle, file, e);
	return r < 0 ? r : make_file(c, &bundle, e);
}

void certs_free(struct certs *c)
{
	fd_close(&c->fd);
	free(c->file);
	free(c->hashed);
	free(c->cert);
	free(c->key);
}

const char *certs_dir(struct arena *a, const char *registry)
{
	const char *home = home_of_user();
	const char *dirs[] = {
		home ? arena_printf(a, "%s/.config/containers", home) : NULL,
		"/etc/containers",
		home ? arena_printf(a, "%s/.config/docker", home) : NULL,
		"/etc/docker",
	};

	for (size_t i = 0; i < countof(dirs); i++) {
		struct stat st;
		if (!dirs[i])
			continue;
		const char *path = arena_printf(a, "%s/certs.d/%s", dirs[i], registry);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return path;
	}
	return NULL;
}
