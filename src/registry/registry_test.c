/* Unit tests of the registry client, against tests/tools/hostile.py: what it reads, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "oci/image_spec.h"
#include "registry/registry.h"
#include "registry/session.h"

static char dir[64] = "/tmp/hoy-registry.XXXXXX";
static pid_t server;
static int server_in;
static struct {
	char first[32], other[32], tls[32];
	char manifest[80], big_manifest[80], small[80], large[80];
	uint64_t small_size, large_size;
} at;

/* ---- the server */

static void read_file(const char *name, struct str *out)
{
	autofree char *path = path_join(dir, name);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	str_reset(out);
	if (fd >= 0)
		assert_int_equal(fd_read_all(fd, out, 1 << 20), 0);
}

static void write_file(const char *name, const char *text)
{
	autofree char *path = path_join(dir, name);

	assert_int_equal(fd_write_file_at(AT_FDCWD, path, text, strlen(text), 0755), 0);
}

/* The value of "key=value" in a text of lines. */
static void value_of(const struct str *text, const char *key, char *out, size_t size)
{
	autofree char *want = xasprintf("\n%s=", key), *all = xasprintf("\n%s", str_cstr(text));
	const char *p = strstr(all, want);

	assert_non_null(p);
	p += strlen(want);
	snprintf(out, size, "%.*s", (int)strcspn(p, "\n"), p);
}

static void read_addresses(void)
{
	scoped(str) text = {0};
	char number[32];

	for (int i = 0; i < 500 && !text.len; i++) {
		read_file("ports", &text);
		if (!text.len)
			usleep(20000);
	}
	value_of(&text, "first", at.first, sizeof at.first);
	value_of(&text, "other", at.other, sizeof at.other);
	value_of(&text, "tls", at.tls, sizeof at.tls);
	read_file("digests", &text);
	value_of(&text, "manifest", at.manifest, sizeof at.manifest);
	value_of(&text, "big_manifest", at.big_manifest, sizeof at.big_manifest);
	value_of(&text, "small", at.small, sizeof at.small);
	value_of(&text, "large", at.large, sizeof at.large);
	value_of(&text, "small_size", number, sizeof number);
	parse_u64(number, 1 << 30, &at.small_size);
	value_of(&text, "large_size", number, sizeof number);
	parse_u64(number, 1 << 30, &at.large_size);
}

static int start_server(void **state)
{
	struct err e;
	int p[2];

	if (!mkdtemp(dir) || pipe2(p, O_CLOEXEC) < 0)
		return -1;
	autofree char *script = path_join(getenv("TOP"), "tests/tools/hostile.py");
	const char *argv[] = {"python3", "-B", script, dir, "--certs", dir, "--stdin", NULL};
	struct spawn sp = {
		.path = "/usr/bin/python3", .argv = argv, .in = p[0], .out = -1, .err = 2};
	if (proc_spawn(&sp, &server, &e) < 0)
		return -1;
	close(p[0]);
	server_in = p[1];
	read_addresses();
	setenv("HOME", dir, 1);
	static const char *const not_ours[] = {
		"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE",
		"SSL_CERT_FILE",   "SSL_CERT_DIR",    "http_proxy",    "https_proxy",
		"HTTPS_PROXY",	   "all_proxy",	      "ALL_PROXY",     "no_proxy",
	};
	for (size_t i = 0; i < countof(not_ours); i++)
		unsetenv(not_ours[i]);
	return 0;
}

static int end_server(void **state)
{
	close(server_in);
	waitpid(server, NULL, 0);
	return path_rm_tree_at(AT_FDCWD, dir);
}

/* What the servers were asked since the last call. */
static void requests(struct str *out)
{
	static size_t seen;
	scoped(str) all = {0};

	read_file("requests", &all);
	str_reset(out);
	str_add(out, str_cstr(&all) + seen);
	seen = all.len;
}

static size_t count_of(const struct str *s, const char *what)
{
	size_t n = 0;

	for (const char *p = str_cstr(s); (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* ---- asking */

static struct registry_opts opts;

static struct registry *open_at(const char *host, const char *mode)
{
	struct registry *r = NULL;
	struct reference ref = {.registry = host, .repository = mode};
	struct err e = {0};

	if (registry_open(&r, &ref, &opts, &e) < 0)
		fail_msg("open: %s", e.msg);
	http_patience(r->http, 2, 2);
	r->pause_ms = 10;
	return r;
}

/* Asks for a manifest; 0, or the id of the error. */
static enum err_id manifest(const char *host, const char *mode, const char *what, struct err *e)
{
	scoped(arena) a = {0};
	struct registry_document doc;
	struct registry *r = open_at(host, mode);
	int k = registry_manifest(r, what, &a, &doc, e);

	registry_close(r);
	if (k < 0)
		assert_true(e->msg[0] && e->hint[0] && e->id != 0);
	return k < 0 ? e->id : 0;
}

struct sink {
	struct str got;
	int done, r;
	struct err err;
	bool refuse;
};

static int on_write(void *arg, const void *p, size_t n, struct err *e)
{
	struct sink *s = arg;

	if (s->refuse)
		return err_fail(e, ERR_DISK_FULL, "no room");
	assert_int_equal(s->done, 0);
	str_addn(&s->got, p, n);
	return 0;
}

static int on_done(void *arg, int r, struct err *e)
{
	struct sink *s = arg;

	s->done++;
	s->r = r;
	if (r < 0)
		s->err = *e;
	return r;
}

static struct registry_fetch fetch_of(const char *digest, uint64_t size, struct sink *s)
{
	struct registry_fetch f = {
		.size = (int64_t)size, .write = on_write, .done = on_done, .arg = s};

	assert_int_equal(digest_parse(digest, &f.blob, NULL), 0);
	return f;
}

/* Fetches one blob; 0, or the id of the error. What came is compared with its digest. */
static enum err_id blob(const char *mode, const char *digest, uint64_t size, struct err *e)
{
	struct sink s = {0};
	struct digest got;
	struct registry_fetch f = fetch_of(digest, size, &s);
	struct registry *r = open_at(at.first, mode);
	int k = registry_fetch_all(r, &f, 1, 2, e);

	registry_close(r);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.r, k);
	if (k == 0) {
		assert_int_equal(s.got.len, size);
		hash_bytes(s.got.s, s.got.len, &got, NULL);
		assert_true(digest_eq(&got, &f.blob) || !strcmp(mode, "wrong"));
	} else {
		assert_true(e->msg[0] && e->hint[0]);
		assert_true(s.got.len <= size);
	}
	str_free(&s.got);
	return k < 0 ? e->id : 0;
}

/* ---- tests */

static void reads_manifests(void **state)
{
	scoped(arena) a = {0};
	struct registry_document doc;
	struct err e = {0};
	char text[DIGEST_STR];
	struct registry *r = open_at(at.first, "honest");

	assert_int_equal(registry_manifest(r, "latest", &a, &doc, &e), 0);
	assert_string_equal(doc.media_type, MEDIA_OCI_MANIFEST);
	assert_string_equal(digest_str(&doc.digest, text), at.manifest);
	assert_int_equal(registry_manifest(r, at.big_manifest, &a, &doc, &e), 0);
	registry_close(r);
	assert_int_equal(manifest(at.first, "liar", "latest", &e), 0);
	assert_int_equal(manifest(at.first, "liar", at.manifest, &e), 0);
	assert_int_equal(manifest(at.first, "vague", "latest", &e), 0);
	static const char *const bad[] = {"ambiguous", "disguised", "relabelled",
					  "twice",     "schema1",   "deep"};
	for (size_t i = 0; i < countof(bad); i++)
		if (manifest(at.first, bad[i], "latest", &e) != ERR_IMAGE_BAD)
			fail_msg("%s: %s", bad[i], e.msg);
	assert_int_equal(manifest(at.first, "wrong-manifest", at.big_manifest, &e),
			 ERR_DIGEST_MISMATCH);
}

static void reads_blobs(void **state)
{
	struct err e = {0};
	struct sink s[3] = {0};
	scoped(str) out = {0}, seen = {0};
	struct registry *r = open_at(at.first, "honest");
	struct registry_fetch v[3] = {fetch_of(at.small, at.small_size, &s[0]),
				      fetch_of(at.large, at.large_size, &s[1]),
				      fetch_of(at.large, at.large_size, &s[2])};

	requests(&seen);
	v[2].offset = at.large_size - 10;
	assert_int_equal(registry_fetch_all(r, v, 3, 2, &e), 0);
	assert_int_equal(s[0].got.len, at.small_size);
	assert_int_equal(s[1].got.len, at.large_size);
	assert_int_equal(s[2].got.len, 10);
	assert_memory_equal(s[2].got.s, s[1].got.s + at.large_size - 10, 10);
	requests(&seen);
	assert_int_equal(count_of(&seen, "range=bytes="), 1);
	assert_int_equal(registry_blob(r, &v[0].blob, (int64_t)at.small_size, 1 << 20, &out, &e),
			 0);
	assert_int_equal(out.len, at.small_size);
	assert_true(registry_blob(r, &v[0].blob, (int64_t)at.small_size, 100, &out, &e) < 0);
	assert_int_equal(e.id, ERR_REGISTRY_ANSWER);
	assert_true(registry_blob(r, &v[0].blob, (int64_t)at.small_size - 1, 1 << 20, &out, &e) <
		    0);
	assert_int_equal(e.id, ERR_DIGEST_MISMATCH);
	v[0].offset = at.small_size + 1;
	assert_true(registry_fetch_all(r, v, 1, 2, &e) < 0);
	assert_int_equal(e.id, ERR_DIGEST_MISMATCH);
	v[0].offset = at.small_size; /* all there: nobody is asked */
	s[0].done = 0;
	requests(&seen);
	assert_int_equal(registry_fetch_all(r, v, 1, 2, &e), 0);
	requests(&seen);
	assert_int_equal(seen.len, 0);
	registry_close(r);
	for (size_t i = 0; i < 3; i++)
		str_free(&s[i].got);
}

static void ends_with_the_first_error(void **state)
{
	struct err e = {0};
	struct sink s[2] = {{.refuse = true}};
	struct registry *r = open_at(at.first, "honest");
	struct registry_fetch v[2] = {fetch_of(at.large, at.large_size, &s[0]),
				      fetch_of(at.large, at.large_size, &s[1])};

	assert_true(registry_fetch_all(r, v, 2, 1, &e) < 0);
	assert_int_equal(e.id, ERR_DISK_FULL);
	assert_int_equal(s[0].done, 1);
	assert_int_equal(s[1].done, 0);
	registry_close(r);
	str_free(&s[1].got);
}

static void finds_lies_about_blobs(void **state)
{
	struct err e = {0};
	struct digest d;
	scoped(str) out = {0};

	assert_int_equal(blob("announce", at.small, at.small_size, &e), ERR_DIGEST_MISMATCH);
	assert_int_equal(blob("chunked-short", at.small, at.small_size, &e), ERR_DIGEST_MISMATCH);
	assert_int_equal(blob("endless-blob", at.small, at.small_size, &e), ERR_DIGEST_MISMATCH);
	assert_int_equal(blob("honest", at.small, at.small_size - 1, &e), ERR_DIGEST_MISMATCH);
	assert_int_equal(blob("honest", at.small, at.small_size + 1, &e), ERR_DIGEST_MISMATCH);
	assert_int_equal(blob("shorter", at.small, at.small_size, &e), ERR_REGISTRY_UNREACHABLE);
	assert_int_equal(blob("wrong", at.small, at.small_size, &e),
			 0); /* who writes it hashes it */
	digest_parse(at.small, &d, NULL);
	struct registry *r = open_at(at.first, "wrong");
	assert_true(registry_blob(r, &d, (int64_t)at.small_size, 1 << 20, &out, &e) < 0);
	assert_int_equal(e.id, ERR_DIGEST_MISMATCH);
	assert_int_equal(out.len, 0);
	registry_close(r);
}

static void is_bounded(void **state)
{
	struct err e = {0};
	int64_t began = time_mono_ms();

	assert_int_equal(manifest(at.first, "endless", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "huge", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "endless-headers", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "endless-error", "latest", &e), ERR_REGISTRY_NO_IMAGE);
	assert_int_equal(manifest(at.first, "silent", "latest", &e), ERR_REGISTRY_TIMEOUT);
	assert_int_equal(manifest(at.first, "slow", "latest", &e), ERR_REGISTRY_TIMEOUT);
	assert_int_equal(blob("slow-blob", at.small, at.small_size, &e), ERR_REGISTRY_TIMEOUT);
	assert_int_equal(blob("silent", at.small, at.small_size, &e), ERR_REGISTRY_TIMEOUT);
	assert_true(time_mono_ms() - began < 60000); /* "for ever" is what this is about */
}

static void takes_up_broken_connections(void **state)
{
	struct err e = {0};
	scoped(str) seen = {0};

	requests(&seen);
	assert_int_equal(blob("cut", at.large, at.large_size, &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "range=bytes="), 3);
	assert_int_equal(count_of(&seen, "range=bytes=1400000-"), 1);
	assert_int_equal(blob("cut-norange", at.large, at.large_size, &e), 0);
	assert_int_equal(blob("cut-badrange", at.large, at.large_size, &e), ERR_REGISTRY_ANSWER);
	requests(&seen);
	assert_int_equal(blob("cut-always", at.large, at.large_size, &e), ERR_REGISTRY_UNREACHABLE);
	requests(&seen);
	assert_in_range(count_of(&seen, "blobs"), 2, 6);
}

static void follows_redirects_without_credentials(void **state)
{
	struct err e = {0};
	scoped(str) seen = {0};

	opts.creds = "someone:secret";
	requests(&seen);
	assert_int_equal(manifest(at.first, "far", "latest", &e), 0);
	assert_int_equal(blob("far", at.small, at.small_size, &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "auth=Basic"), 2);
	assert_int_equal(count_of(&seen, "other GET"), 2);
	for (const char *p = str_cstr(&seen); (p = strstr(p, "other GET")); p++)
		assert_true(strstr(p, "auth=-") &&
			    strcspn(p, "\n") > (size_t)(strstr(p, "auth=-") - p));
	assert_int_equal(manifest(at.first, "far-and-wants", "latest", &e), ERR_REGISTRY_ANSWER);
	requests(&seen);
	assert_int_equal(count_of(&seen, "auth=Basic"), 0);
	opts.creds = NULL;
	assert_int_equal(manifest(at.first, "loop", "latest", &e), ERR_REGISTRY_REDIRECT);
	requests(&seen);
	assert_in_range(count_of(&seen, "GET"), 10, 17);
	assert_int_equal(manifest(at.first, "nowhere", "latest", &e), ERR_REGISTRY_REDIRECT);
}

static void logs_in(void **state)
{
	struct err e = {0};
	scoped(str) seen = {0};

	opts.creds = "someone:secret";
	assert_int_equal(manifest(at.first, "basic", "latest", &e), 0);
	assert_int_equal(manifest(at.first, "bearer-private", "latest", &e), 0);
	requests(&seen);
	opts.creds = "someone:wrong";
	assert_int_equal(manifest(at.first, "basic", "latest", &e), ERR_REGISTRY_DENIED);
	assert_non_null(strstr(e.hint, "someone"));
	assert_null(strstr(e.msg, "wrong"));
	assert_null(strstr(e.hint, "wrong"));
	assert_int_equal(manifest(at.first, "bearer-private", "latest", &e), ERR_REGISTRY_DENIED);
	requests(&seen);
	assert_in_range(count_of(&seen, "GET"), 2, 5);
	opts.creds = NULL;
	assert_int_equal(manifest(at.first, "basic", "latest", &e), ERR_REGISTRY_DENIED);
	assert_int_equal(manifest(at.first, "forbidden", "latest", &e), ERR_REGISTRY_DENIED);
	assert_int_equal(manifest(at.first, "bearer-private", "latest", &e), ERR_REGISTRY_DENIED);
	requests(&seen);
	assert_int_equal(manifest(at.first, "bearer", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "scope=repository%3Abearer%3Apull"), 1);
	assert_int_equal(count_of(&seen, "of-others"), 0);
	assert_int_equal(manifest(at.first, "bearer-never", "latest", &e), ERR_REGISTRY_DENIED);
	requests(&seen);
	assert_int_equal(count_of(&seen, "GET"), 3);
	assert_int_equal(manifest(at.first, "unknown-scheme", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "malformed-challenge", "latest", &e),
			 ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "bearer-injected", "latest", &e), ERR_REGISTRY_ANSWER);
}

static void gets_new_tokens(void **state)
{
	struct err e = {0};
	struct sink s[6] = {0};
	struct registry_fetch v[6];
	struct registry *r = open_at(at.first, "bearer-expires");

	for (size_t i = 0; i < 6; i++)
		v[i] = fetch_of(at.small, at.small_size, &s[i]);
	assert_int_equal(registry_fetch_all(r, v, 6, 1, &e), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(s[i].got.len, at.small_size);
		str_free(&s[i].got);
	}
	registry_close(r);
}

static void gives_passwords_to_no_other_host(void **state)
{
	struct err e = {0};
	scoped(str) seen = {0};

	opts.creds = "someone:secret";
	requests(&seen);
	assert_int_equal(manifest(at.first, "bearer-far", "latest", &e), ERR_REGISTRY_REALM);
	assert_int_equal(manifest(at.first, "bearer-userinfo", "latest", &e), ERR_REGISTRY_REALM);
	assert_int_equal(manifest(at.first, "userinfo", "latest", &e), ERR_REGISTRY_REDIRECT);
	requests(&seen);
	assert_int_equal(count_of(&seen, "other GET"), 0);
	assert_int_equal(manifest(at.first, "bearer-far-redirect", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "other GET"), 1);
	assert_int_equal(count_of(&seen, "auth=Basic"), 1);
	assert_non_null(strstr(str_cstr(&seen), "other GET /v2/token/of/bearer auth=-"));
	/* Over HTTPS, no realm without it is asked, with or without a password. */
	opts.cert_dir = path_join(dir, "certs");
	assert_int_equal(manifest(at.tls, "bearer", "latest", &e), ERR_REGISTRY_REALM);
	opts.creds = NULL;
	assert_int_equal(manifest(at.tls, "bearer", "latest", &e), ERR_REGISTRY_REALM);
	assert_int_equal(manifest(at.tls, "downgrade", "latest", &e), ERR_REGISTRY_REDIRECT);
	requests(&seen);
	assert_int_equal(count_of(&seen, "first GET"), 0);
	free((char *)(uintptr_t)opts.cert_dir);
	opts.cert_dir = NULL;
	assert_int_equal(manifest(at.first, "bearer-far", "latest", &e),
			 0); /* nothing is given away */
}

static void understands_answers(void **state)
{
	struct err e = {0};
	scoped(str) seen = {0};

	assert_int_equal(manifest(at.first, "html", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_non_null(strstr(e.msg, "web page"));
	assert_int_equal(manifest(at.first, "html-as-manifest", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "no-http", "latest", &e), ERR_REGISTRY_ANSWER);
	assert_int_equal(manifest(at.first, "unheard-of", "latest", &e), ERR_REGISTRY_NO_IMAGE);
	assert_int_equal(manifest(at.first, "escapes", "latest", &e), ERR_REGISTRY_NO_IMAGE);
	assert_non_null(strstr(e.msg, "MANIFEST_UNKNOWN"));
	assert_int_equal(manifest(at.first, "limit", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(manifest(at.first, "limit-forever", "latest", &e), ERR_REGISTRY_LIMIT);
	assert_non_null(strstr(e.hint, "3600"));
	requests(&seen);
	assert_int_equal(count_of(&seen, "GET"), 1);
	assert_int_equal(manifest(at.first, "fault", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(manifest(at.first, "fault-forever", "latest", &e), ERR_REGISTRY_ANSWER);
	requests(&seen);
	assert_int_equal(count_of(&seen, "GET"), 4);
}

static void says_who_cannot_be_reached(void **state)
{
	struct err e = {0};
	struct registry *r;
	struct reference local = {.registry = "localhost", .repository = "x"};

	assert_int_equal(manifest("no.such.host.invalid", "x", "latest", &e),
			 ERR_REGISTRY_UNREACHABLE);
	assert_int_equal(manifest("127.0.0.1:1", "x", "latest", &e), ERR_REGISTRY_UNREACHABLE);
	assert_true(registry_open(&r, &local, &opts, &e) < 0);
	assert_int_equal(e.id, ERR_IMAGE_UNKNOWN);
}

static void verifies_certificates(void **state)
{
	struct err e = {0};
	autofree char *certs = path_join(dir, "certs"), *strange = path_join(dir, "strange"),
		      *ca = path_join(certs, "ca.crt");

	assert_int_equal(manifest(at.tls, "honest", "latest", &e), ERR_TLS);
	assert_non_null(strstr(e.hint, "ca.crt"));
	opts.cert_dir = strange;
	assert_int_equal(manifest(at.tls, "honest", "latest", &e), ERR_TLS);
	opts.cert_dir = certs;
	assert_int_equal(manifest(at.tls, "honest", "latest", &e), 0);
	opts.cert_dir = NULL;
	opts.tls = REGISTRY_TLS_ANY;
	assert_int_equal(manifest(at.tls, "honest", "latest", &e), 0);
	assert_int_equal(manifest(at.first, "honest", "latest", &e), 0);
	opts.tls = REGISTRY_TLS_VERIFY;
	assert_int_equal(manifest(at.first, "honest", "latest", &e), ERR_TLS);
	setenv("SSL_CERT_FILE", ca, 1);
	assert_int_equal(manifest(at.tls, "honest", "latest", &e), 0);
	unsetenv("SSL_CERT_FILE");
	opts.tls = REGISTRY_TLS_AUTO;
	/* The usual place of certificates for one registry. */
	autofree char *own = xasprintf("%s/.config/containers/certs.d", dir),
		      *link = xasprintf("%s/%s", own, at.tls);
	assert_int_equal(path_mkdir_p_at(AT_FDCWD, own, 0755), 0);
	assert_int_equal(symlink(certs, link), 0);
	assert_int_equal(manifest(at.tls, "honest", "latest", &e), 0);
	/* A name that the certificate does not have. */
	autofree char *name = xasprintf("x.localhost%s", strchr(at.tls, ':'));
	setenv("SSL_CERT_FILE", ca, 1);
	assert_int_equal(manifest(name, "honest", "latest", &e), ERR_TLS);
	unsetenv("SSL_CERT_FILE");
}

static void asks_through_proxies(void **state)
{
	struct err e = {0};
	autofree char *ca = path_join(dir, "certs/ca.crt"),
		      *proxy = xasprintf("http://%s", at.first);
	scoped(str) seen = {0};

	setenv("https_proxy", proxy, 1);
	setenv("http_proxy", proxy, 1);
	setenv("SSL_CERT_FILE", ca, 1);
	opts.creds = "someone:secret";
	requests(&seen);
	assert_int_equal(manifest("docker.io", "basic", "latest", &e), 0);
	assert_int_equal(manifest("registry.test:99", "basic", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "first CONNECT registry-1.docker.io:443 auth=- "), 1);
	assert_int_equal(count_of(&seen, "first CONNECT registry.test:99 auth=- "), 1);
	assert_int_equal(manifest("stranger.test", "basic", "latest", &e), ERR_TLS);
	assert_int_equal(manifest(at.tls, "basic", "latest", &e), 0);
	assert_int_equal(manifest(at.first, "honest", "latest", &e), 0);
	requests(&seen);
	assert_int_equal(count_of(&seen, "CONNECT 127"), 0);
	assert_int_equal(count_of(&seen, "GET http:"), 0);
	setenv("no_proxy", "no.such.host.invalid", 1);
	assert_int_equal(manifest("no.such.host.invalid", "honest", "latest", &e),
			 ERR_REGISTRY_UNREACHABLE);
	unsetenv("no_proxy");
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(manifest("docker.io", "basic", "latest", &e), ERR_REGISTRY_UNREACHABLE);
	opts.creds = NULL;
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	unsetenv("SSL_CERT_FILE");
}

static void shows_a_certificate(void **state)
{
	struct err e = {0};
	autofree char *own = path_join(dir, "own"), *ca = path_join(dir, "certs/ca.crt"),
		      *to = path_join(own, "ca.crt"), *cert = path_join(dir, "cert.pem"),
		      *as = path_join(own, "client.cert"), *key = path_join(dir, "key.pem"),
		      *key_as = path_join(own, "client.key");

	assert_int_equal(mkdir(own, 0755), 0);
	assert_int_equal(symlink(ca, to), 0);
	opts.cert_dir = own;
	assert_int_equal(manifest(at.tls, "certificate", "latest", &e), ERR_REGISTRY_DENIED);
	assert_int_equal(symlink(cert, as), 0);
	opts.cert_dir = own;
	struct registry *r;
	struct reference ref = {.registry = at.tls, .repository = "certificate"};
	assert_true(registry_open(&r, &ref, &opts, &e) < 0); /* the key is missing */
	assert_int_equal(e.id, ERR_TLS);
	assert_int_equal(symlink(key, key_as), 0);
	assert_int_equal(manifest(at.tls, "certificate", "latest", &e), 0);
	opts.cert_dir = NULL;
}

/* ---- where credentials come from */

static const char *found(const char *registry, const char *repository, struct err *e)
{
	static char text[200];
	scoped(arena) a = {0};
	struct credentials c;
	struct auth_opts o = {0};

	*e = (struct err){0};
	if (auth_find(&a, &o, registry, repository, &c, e) < 0)
		return err_id_name(e->id);
	if (!c.user)
		return "none";
	snprintf(text, sizeof text, "%s:%s%s%s", c.user, c.password ?: "", c.identity ? " " : "",
		 c.identity ?: "");
	return text;
}

static void finds_credentials(void **state)
{
	struct err e;
	autofree char *run = path_join(dir, "run"), *docker = path_join(dir, ".docker"),
		      *config = path_join(dir, ".config/containers"),
		      *own = path_join(dir, "own.json");

	setenv("XDG_RUNTIME_DIR", run, 1);
	assert_string_equal(found("a.b", "x", &e), "none");
	path_mkdir_p_at(AT_FDCWD, docker, 0755);
	path_mkdir_p_at(AT_FDCWD, config, 0755);
	autofree char *run_dir = path_join(run, "containers");
	path_mkdir_p_at(AT_FDCWD, run_dir, 0755);
	write_file(".docker/config.json",
		   "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"ZDpkb2NrZXI=\"},"
		   "\"a.b\":{\"auth\":\"ZDphYg==\"},\"empty.x\":{}}}");
	assert_string_equal(found("docker.io", "library/busybox", &e), "d:docker");
	assert_string_equal(found("a.b", "x", &e), "d:ab");
	assert_string_equal(found("a.b:5000", "x", &e), "none");
	assert_string_equal(found("empty.x", "x", &e), "none");
	write_file(
		".config/containers/auth.json",
		"{\"auths\":{\"a.b\":{\"auth\":\"YzphYg==\"},\"a.b/team\":{\"auth\":\"Yzp0ZWFt\"},"
		"\"a.b/team/"
		"app\":{\"username\":\"u\",\"password\":\"p\"},\"id.x\":{\"identitytoken\":\"tok\"}"
		"}}");
	assert_string_equal(found("a.b", "x", &e), "c:ab");
	assert_string_equal(found("a.b", "team/other", &e), "c:team");
	assert_string_equal(found("a.b", "team/app", &e), "u:p");
	assert_string_equal(found("a.b", "team/app/deep", &e), "u:p");
	assert_string_equal(found("a.b", "teams", &e), "c:ab");
	assert_string_equal(found("id.x", "x", &e), "<token>: tok");
	assert_string_equal(found("docker.io", "library/busybox", &e), "d:docker");
	write_file("run/containers/auth.json", "{\"auths\":{\"a.b\":{\"auth\":\"cjphYg==\"}}}");
	assert_string_equal(found("a.b", "team/app", &e), "r:ab");
	write_file("run/containers/auth.json", "{\"auths\":{\"a.b\":{\"auth\":\"no base64\"}}}");
	assert_string_equal(found("a.b", "x", &e), "E-AUTH-FILE");
	assert_string_equal(found("c.d", "x", &e), "none");
	write_file("run/containers/auth.json", "{\"auths\":");
	assert_string_equal(found("c.d", "x", &e), "E-AUTH-FILE");
	assert_non_null(strstr(e.msg, "run/containers/auth.json"));
	setenv("REGISTRY_AUTH_FILE", own, 1); /* alone */
	assert_string_equal(found("c.d", "x", &e), "E-AUTH-FILE");
	write_file("own.json", "{}");
	assert_string_equal(found("a.b", "x", &e), "none");
	unsetenv("REGISTRY_AUTH_FILE");
	write_file("run/containers/auth.json", "");
	assert_string_equal(found("a.b", "x", &e), "c:ab");
}

static void asks_helpers(void **state)
{
	struct err e;
	autofree char *path = xstrdup(getenv("PATH"));

	write_file(
		"run/containers/auth.json",
		"{\"credHelpers\":{\"h.x\":\"good\",\"n.x\":\"not\",\"b.x\":\"bad\",\"j.x\":"
		"\"junk\",\"m.x\":\"missing\","
		"\"s.x\":\"stays\",\"e.x\":\"../evil\",\"f.x\":\"flood\",\"docker.io\":\"good\"},"
		"\"auths\":{\"b.x\":{\"auth\":\"cjphYg==\"},\"a.b\":{\"auth\":\"cjphYg==\"}},"
		"\"credsStore\":\"good\"}");
	write_file("docker-credential-good",
		   "#!/bin/sh\nread -r s; printf '{\"ServerURL\":\"x\",\"Username\":\"%s\","
		   "\"Secret\":\"%s\"}' \"$s\" \"$#$1\"\n");
	write_file("docker-credential-not",
		   "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n");
	write_file("docker-credential-bad", "#!/bin/sh\necho 'the keyring is locked'\nexit 1\n");
	write_file("docker-credential-junk", "#!/bin/sh\necho '{}'\n");
	write_file("docker-credential-flood", "#!/bin/sh\nyes\n");
	write_file("docker-credential-stays",
		   "#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\nexec >&-\nexec sleep "
		   "60\n");
	write_file("evil", "#!/bin/sh\necho '{\"Username\":\"u\",\"Secret\":\"s\"}'\n");
	setenv("PATH", dir, 1);
	assert_string_equal(found("b.x", "x", &e), "E-AUTH-HELPER");
	assert_non_null(strstr(e.msg, "the keyring is locked"));
	assert_string_equal(found("j.x", "x", &e), "E-AUTH-HELPER");
	assert_string_equal(found("m.x", "x", &e), "E-AUTH-HELPER");
	assert_string_equal(found("e.x", "x", &e), "E-AUTH-HELPER");
	setenv("PATH", path, 1);
	autofree char *both = xasprintf("%s:%s", dir, path);
	setenv("PATH", both, 1);
	assert_string_equal(found("h.x", "x", &e), "h.x:1get");
	assert_string_equal(found("docker.io", "library/x", &e),
			    "https://index.docker.io/v1/:1get");
	assert_string_equal(found("n.x", "x", &e), "none");
	assert_string_equal(found("f.x", "x", &e), "E-AUTH-HELPER");
	auth_helper_patience(300);
	assert_string_equal(found("s.x", "x", &e), "E-AUTH-HELPER");
	assert_non_null(strstr(e.msg, "did not end"));
	auth_helper_patience(30000);
	assert_string_equal(found("a.b", "x", &e), "r:ab");
	assert_string_equal(found("other.x", "x", &e), "other.x:1get");
	setenv("PATH", path, 1);
	/* And nothing goes to the registry when a helper fails: not even a request without credentials after the first. */
	scoped(str) seen = {0}, text = {0};
	str_addf(&text, "{\"credHelpers\":{\"%s\":\"missing\"}}", at.first);
	write_file("run/containers/auth.json", str_cstr(&text));
	requests(&seen);
	assert_int_equal(manifest(at.first, "bearer", "latest", &e), ERR_AUTH_HELPER);
	requests(&seen);
	assert_int_equal(count_of(&seen, "GET"), 1);
	assert_int_equal(count_of(&seen, "token"), 0);
	write_file("run/containers/auth.json", "{}");
}

static void uses_what_it_finds(void **state)
{
	struct err e = {0};
	scoped(str) text = {0};

	str_addf(&text, "{\"auths\":{\"%s\":{\"auth\":\"c29tZW9uZTpzZWNyZXQ=\"}}}", at.first);
	write_file("run/containers/auth.json", str_cstr(&text));
	assert_int_equal(manifest(at.first, "basic", "latest", &e), 0);
	assert_int_equal(manifest(at.other, "basic", "latest", &e), ERR_REGISTRY_DENIED);
	autofree char *own = path_join(dir, "own.json");
	opts.authfile = own;
	assert_int_equal(manifest(at.first, "basic", "latest", &e), ERR_REGISTRY_DENIED);
	opts.authfile = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_manifests),
		cmocka_unit_test(reads_blobs),
		cmocka_unit_test(ends_with_the_first_error),
		cmocka_unit_test(finds_lies_about_blobs),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(takes_up_broken_connections),
		cmocka_unit_test(follows_redirects_without_credentials),
		cmocka_unit_test(logs_in),
		cmocka_unit_test(gets_new_tokens),
		cmocka_unit_test(gives_passwords_to_no_other_host),
		cmocka_unit_test(understands_answers),
		cmocka_unit_test(says_who_cannot_be_reached),
		cmocka_unit_test(verifies_certificates),
		cmocka_unit_test(shows_a_certificate),
		cmocka_unit_test(asks_through_proxies),
		cmocka_unit_test(finds_credentials),
		cmocka_unit_test(asks_helpers),
		cmocka_unit_test(uses_what_it_finds),
	};

	return cmocka_run_group_tests(tests, start_server, end_server);
}
