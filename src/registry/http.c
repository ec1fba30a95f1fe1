/*
 * How it works: http_start() makes a transfer of libcurl's and hands it to the multi handle; http_wait() lets it work and looks who has ended.
 * The header callback notes what matters of each answer (a new status line forgets the last one), the body callback passes bytes on or keeps
 * them. Redirects are followed here, not by libcurl, so that the rules of http.h are ours: when an answer is one, the
 * same transfer starts again with the new address, without the Authorization header once the origin is another.
 */
#include <arpa/inet.h>
#define CURL_DISABLE_DEPRECATION /* CURLOPT_PROTOCOLS: its successor needs 7.85 */
#include <curl/curl.h>

#include "base/base.h"
#include "base/dl.h"
#include "base/loop.h"
#include "base/parse.h"
#include "registry/certs.h"
#include "registry/http.h"

enum {
	CONNECT_S = 10,
	STALL_S = 30,
	STALL_BYTES = 1024,
	MAX_REDIRECTS = 16,
	MAX_HEADERS = 256 << 10,
	MAX_CHALLENGE = 16 << 10,
	MAX_IDLE_BODY = 64 << 10,
	BUFFER = 256 << 10,
};

#define CURL_SYMS(X)                                                                               \
	X(curl_global_init)                                                                        \
	X(curl_version_info)                                                                       \
	X(curl_easy_init)                                                                          \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_strerror)                                                                      \
	X(curl_multi_init)                                                                         \
	X(curl_multi_add_handle)                                                                   \
	X(curl_multi_remove_handle)                                                                \
	X(curl_multi_perform)                                                                      \
	X(curl_multi_poll)                                                                         \
	X(curl_multi_info_read)                                                                    \
	X(curl_multi_cleanup)                                                                      \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)                                                                     \
	X(curl_url) X(curl_url_set) X(curl_url_get) X(curl_url_cleanup) X(curl_free)

CURL_SYMS(DL_POINTER)
static const struct dl_sym curl_syms[] = {CURL_SYMS(DL_ROW_CURL)};
DL_NOTE(note_curl,
	"[{\"soname\":[\"libcurl.so.4\",\"libcurl-gnutls.so.4\"],\"feature\":\"registries\","
	"\"priority\":\"recommended\",\"description\":\"Pulling and pushing images\"}]");

struct http {
	CURLM *multi;
	bool insecure;
	int connect_s, stall_s;
	int also; /* a descriptor that ends waiting; -1 */
	struct certs certs;
};

struct http_call {
	CURL *easy;
	struct curl_slist *headers;
	struct http *h;
	char *origin; /* of the current address */
	int redirects;
	uint64_t sent; /* bytes of the body */
	size_t header_bytes;
	bool enough; /* of a body that nobody takes */
	char text[CURL_ERROR_SIZE];
};

static int load(struct err *e)
{
	static bool loaded;
	struct err other;

	if (loaded)
		return 0;
	int r = dl_load(&loaded, "libcurl.so.4", curl_syms, countof(curl_syms), e);
	if (r < 0)
		r = dl_load(&loaded, "libcurl-gnutls.so.4", curl_syms, countof(curl_syms), &other);
	if (r < 0)
		return r;
	/* The resolver's own default, 5 s and twice, is long for somebody who is offline and waits. What the user set stays. */
	setenv("RES_OPTIONS", "timeout:1 attempts:2", 0);
	return dl_curl_global_init(CURL_GLOBAL_DEFAULT)
		       ? err_fail_code(e, ERR_LIBRARY, ENOENT, "libcurl does not start")
		       : 0;
}

static const char *built_in_bundle(void)
{
	const curl_version_info_data *v = dl_curl_version_info(CURLVERSION_NOW);

	return v->age >= CURLVERSION_SEVENTH ? v->cainfo : NULL;
}

int http_open(struct http **ret, const struct http_opts *o, struct err *e)
{
	int r = load(e);

	*ret = NULL;
	if (r < 0)
		return r;
	struct http *h = xcalloc(1, sizeof *h);
	h->certs.fd = -1;
	h->insecure = o->insecure;
	h->also = -1;
	http_patience(h, 0, 0);
	const char *tls = dl_curl_version_info(CURLVERSION_NOW)->ssl_version;
	r = certs_find(&h->certs, o->cert_dir, built_in_bundle(),
		       tls && str_starts(tls, "OpenSSL/"), e);
	if (r == 0 && !(h->multi = dl_curl_multi_init()))
		r = err_fail_code(e, ERR_INTERNAL, ENOMEM, "libcurl makes no multi handle");
	if (r < 0)
		http_close(h);
	else
		*ret = h;
	return r;
}

void http_patience(struct http *h, int connect_s, int stall_s)
{
	h->connect_s = connect_s ?: CONNECT_S;
	h->stall_s = stall_s ?: STALL_S;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->multi)
		dl_curl_multi_cleanup(h->multi);
	certs_free(&h->certs);
	free(h);
}

bool http_is_loopback(const char *host)
{
	char name[256];
	struct in_addr a;
	size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	if (n >= sizeof name)
		return false;
	memcpy(name, host, n);
	name[n] = 0;
	if (inet_pton(AF_INET, name, &a) == 1)
		return ntohl(a.s_addr) >> 24 == 127;
	return !strcasecmp(name, "localhost") || !strcmp(name, "[::1]") ||
	       (n > 10 && !strcasecmp(name + n - 10, ".localhost"));
}

/* "https://host:443" of an address, in lower case; NULL if it is none that may be asked. As libcurl reads it, so that both agree. */
static char *url_origin(const char *url)
{
	CURLU *u = dl_curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL, *s = NULL;

	if (dl_curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    dl_curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER &&
	    dl_curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    (!strcmp(scheme, "https") || !strcmp(scheme, "http")) &&
	    dl_curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    dl_curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		s = xasprintf("%s://%s:%s", scheme, host, port);
		for (char *p = s; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p += 'a' - 'A';
	}
	dl_curl_free(scheme);
	dl_curl_free(host);
	dl_curl_free(port);
	dl_curl_free(user);
	dl_curl_url_cleanup(u);
	return s;
}

bool http_same_origin(const char *a, const char *b)
{
	autofree char *x = url_origin(a), *y = url_origin(b);

	return x && y && !strcmp(x, y);
}

char *http_resolve(const char *base, const char *location)
{
	CURLU *u = dl_curl_url();
	char *text = NULL, *s = NULL;

	if (dl_curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    dl_curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
	    dl_curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK) {
		autofree char *origin = url_origin(text);
		s = origin ? xstrdup(text) : NULL;
	}
	dl_curl_free(text);
	dl_curl_url_cleanup(u);
	return s;
}

static const char *origin_host(const char *origin)
{
	return strstr(origin, "://") + 3;
}

char *http_url_host(const char *url)
{
	char *s = url_origin(url), *host;

	if (!s)
		return NULL;
	*strrchr(s, ':') = 0;
	host = xstrdup(origin_host(s));
	free(s);
	return host;
}

/* Whom an error is about: HOST, with the port if it is not the usual one. */
static char *who(const struct http_call *c)
{
	char *s = xstrdup(origin_host(c->origin));

	if (str_ends(s, str_starts(c->origin, "https:") ? ":443" : ":80"))
		*strrchr(s, ':') = 0;
	return s;
}

/* ---- what comes in */

static void forget_answer(struct http_request *q)
{
	q->status = 0;
	q->type[0] = 0;
	q->digest[0] = 0;
	q->length = q->range_start = q->range_end = q->retry_after = -1;
	str_reset(&q->location);
	str_reset(&q->link);
	str_reset(&q->challenge);
	str_reset(&q->body);
}

static void take_type(struct http_request *q, const char *v)
{
	size_t n = strcspn(v, "; \t");

	if (n >= sizeof q->type)
		n = sizeof q->type - 1;
	for (size_t i = 0; i < n; i++)
		q->type[i] = v[i] >= 'A' && v[i] <= 'Z' ? v[i] + ('a' - 'A') : v[i];
	q->type[n] = 0;
}

static int64_t number(const char *v)
{
	char digits[24];
	uint64_t n;
	size_t len = strspn(v, "0123456789");

	if (!len || len >= sizeof digits)
		return -1;
	memcpy(digits, v, len);
	digits[len] = 0;
	return parse_u64(digits, INT64_MAX, &n) < 0 ? -1 : (int64_t)n;
}

/* The value of a header line if it has that name, else NULL. */
static const char *header(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	line += n + 1;
	return line + strspn(line, " \t");
}

static void take_header(struct http_request *q, const char *line)
{
	const char *v;

	if (str_starts(line, "HTTP/")) {
		const char *code = strchr(line, ' ');
		forget_answer(q);
		q->status = code ? (int)number(code + 1) : 0;
	} else if ((v = header(line, "Content-Type"))) {
		take_type(q, v);
	} else if ((v = header(line, "Content-Length"))) {
		q->length = number(v);
	} else if ((v = header(line, "Retry-After"))) {
		q->retry_after = number(v);
	} else if ((v = header(line, "Content-Range"))) {
		q->range_start = str_starts(v, "bytes ") ? number(v + 6) : -1;
	} else if ((v = header(line, "Range"))) {
		q->range_end = str_starts(v, "0-") ? number(v + 2) : -1;
	} else if ((v = header(line, "Docker-Content-Digest"))) {
		snprintf(q->digest, sizeof q->digest, "%.79s", v);
	} else if ((v = header(line, "Location"))) {
		str_reset(&q->location);
		str_add(&q->location, v);
	} else if ((v = header(line, "Link"))) {
		str_reset(&q->link);
		str_add(&q->link, v);
	} else if ((v = header(line, "WWW-Authenticate"))) {
		if (q->challenge.len + strlen(v) < MAX_CHALLENGE)
			str_addf(&q->challenge, "%s%s", q->challenge.len ? ", " : "", v);
	}
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_request *q = arg;
	size_t len = size * n;

	q->call->header_bytes += len;
	if (q->call->header_bytes > MAX_HEADERS)
		return 0;
	autofree char *line = xstrndup(p, len);
	line[strcspn(line, "\r\n")] = 0;
	take_header(q, line);
	return len;
}

/* It changes something at the other end. */
static bool writes(const struct http_request *q)
{
	return q->form || (q->method && strcmp(q->method, "HEAD") != 0);
}

static bool wanted(const struct http_request *q)
{
	return q->status == 200 || q->status == 206;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_request *q = arg;
	size_t len = size * n, max = wanted(q) ? q->max : MAX_IDLE_BODY;

	if (wanted(q) && q->write) {
		if (q->write(q, p, len) >= 0)
			return len;
		q->end = HTTP_STOPPED;
		return 0;
	}
	if (wanted(q) && (q->length > (int64_t)max || q->body.len + len > max)) {
		q->end = HTTP_TOO_LONG;
		return 0;
	}
	if (q->body.len + len > max) {
		q->call->enough = true;
		return 0;
	}
	str_addn(&q->body, p, len);
	return len;
}

/* ---- what goes out */

#define SET(opt, value) dl_curl_easy_setopt(c->easy, opt, value)

static void set_tls(struct http_call *c)
{
	const struct certs *certs = &c->h->certs;
	long verify = c->h->insecure ? 0L : 1L;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, verify);
	SET(CURLOPT_SSL_VERIFYHOST, 2 * verify);
	if (certs->hashed) {
		SET(CURLOPT_CAPATH, certs->hashed);
		SET(CURLOPT_CAINFO, NULL);
	}
	if (certs->dir)
		SET(CURLOPT_CAPATH, certs->dir);
	if (certs->file && !certs->hashed)
		SET(CURLOPT_CAINFO, certs->file);
	if (!certs->cert)
		return;
	SET(CURLOPT_SSLCERT, certs->cert);
	SET(CURLOPT_SSLKEY, certs->key);
}

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
	struct http_request *q = arg;
	const struct http_body *b = q->send;
	uint64_t at = q->call->sent, left = b ? b->left - at : 0;
	size_t want = size * n < left ? size * n : (size_t)left;

	if (want && b->mem) {
		memcpy(p, b->mem + b->from + at, want);
	} else if (want) {
		ssize_t k = pread(b->fd, p, want, (off_t)(b->from + at));
		if (k <= 0)
			return CURL_READFUNC_ABORT;
		want = (size_t)k;
	}
	q->call->sent += want;
	if (want && b->sent)
		*b->sent = b->from + q->call->sent;
	return want;
}

/* A connection that was kept had died: libcurl takes another one and begins anew. Not with a piece of an upload, of which the other end may have
 * some already: that is a broken connection. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_request *q = arg;

	if (origin != SEEK_SET || (q->call->sent && !strcmp(q->method, "PATCH")))
		return CURL_SEEKFUNC_FAIL;
	q->call->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void set_method(struct http_call *c, struct http_request *q)
{
	if (!q->method)
		return;
	if (!writes(q)) {
		SET(CURLOPT_NOBODY, 1L);
		return;
	}
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_CUSTOMREQUEST, q->method);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, q);
	SET(CURLOPT_SEEKFUNCTION, on_seek);
	SET(CURLOPT_SEEKDATA, q);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)(q->send ? q->send->left : 0));
	SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER);
}

static void add_header(struct http_call *c, const char *name, const char *value)
{
	autofree char *line = xasprintf("%s: %s", name, value);

	c->headers = dl_curl_slist_append(c->headers, line);
}

static void set_headers(struct http_call *c, const struct http_request *q)
{
	dl_curl_slist_free_all(c->headers);
	c->headers = NULL;
	if (q->accept)
		add_header(c, "Accept", q->accept);
	if (q->authorization && !q->elsewhere)
		add_header(c, "Authorization", q->authorization);
	if (q->content_type)
		add_header(c, "Content-Type", q->content_type);
	if (q->range)
		add_header(c, "Content-Range", q->range);
	if (q->method) /* no pause to be asked for the body: who may send was settled before */
		c->headers = dl_curl_slist_append(c->headers, "Expect:");
	SET(CURLOPT_HTTPHEADER, c->headers);
}

/* Everything that does not depend on the address. CURLOPT_NOSIGNAL stays off: so libcurl keeps SIGPIPE away while it works. */
static void set_up(struct http_call *c, struct http_request *q)
{
	char range[32];

	SET(CURLOPT_USERAGENT, "hoy/" HOY_VERSION);
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_PIPEWAIT, 1L);
	SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* 7.87: do not wait for a resolver that is given up */
	SET(CURLOPT_BUFFERSIZE, (long)BUFFER);
	SET(CURLOPT_CONNECTTIMEOUT, (long)c->h->connect_s);
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, (long)(q->stall_s ? q->stall_s : c->h->stall_s));
	SET(CURLOPT_TIMEOUT, (long)q->total_s);
	SET(CURLOPT_ERRORBUFFER, c->text);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, q);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, q);
	SET(CURLOPT_PRIVATE, q);
	if (q->form)
		SET(CURLOPT_POSTFIELDS, q->form);
	set_method(c, q);
	if (q->offset) {
		snprintf(range, sizeof range, "%" PRIu64 "-", q->offset);
		SET(CURLOPT_RANGE, range);
	}
	set_tls(c);
}

/* Sends the transfer to an address. */
static void send_to(struct http_call *c, struct http_request *q, const char *url)
{
	SET(CURLOPT_URL, url);
	if (http_is_loopback(origin_host(c->origin)))
		SET(CURLOPT_PROXY, "");
	else
		SET(CURLOPT_PROXY, NULL);
	set_headers(c, q);
	forget_answer(q);
	c->enough = false;
	dl_curl_multi_add_handle(c->h->multi, c->easy);
}

int http_start(struct http *h, struct http_request *q, struct err *e)
{
	char *origin = url_origin(q->url);

	forget_answer(q);
	q->elsewhere = q->tls = false;
	q->end = HTTP_FAILED;
	if (!origin) {
		err_fail(e, ERR_REGISTRY_ANSWER, "this is no address that can be asked: %.200s",
			 q->url);
		return err_hint(e,
				"addresses begin with https://, or http:// where that is allowed");
	}
	struct http_call *c = q->call = xcalloc(1, sizeof *c);
	c->h = h;
	c->origin = origin;
	c->easy = dl_curl_easy_init();
	if (!c->easy) {
		http_drop(h, q);
		return err_fail_code(e, ERR_INTERNAL, ENOMEM, "libcurl makes no handle");
	}
	set_up(c, q);
	q->end = HTTP_RUNNING;
	send_to(c, q, q->url);
	return 0;
}

void http_drop(struct http *h, struct http_request *q)
{
	struct http_call *c = q->call;

	if (!c)
		return;
	if (c->easy) {
		dl_curl_multi_remove_handle(h->multi, c->easy);
		dl_curl_easy_cleanup(c->easy);
	}
	dl_curl_slist_free_all(c->headers);
	free(c->origin);
	free(c);
	q->call = NULL;
}

void http_request_free(struct http_request *q)
{
	str_free(&q->location);
	str_free(&q->link);
	str_free(&q->challenge);
	str_free(&q->body);
}

/* ---- how it ends */

static int64_t info_time(struct http_call *c, CURLINFO what)
{
	curl_off_t t = 0;

	dl_curl_easy_getinfo(c->easy, what, &t);
	return t;
}

static enum http_end explain_timeout(struct http_call *c, struct http_request *q, const char *host)
{
	struct err *e = &q->why;

	if (!info_time(c, CURLINFO_PRETRANSFER_TIME_T)) {
		err_fail_code(e, ERR_REGISTRY_TIMEOUT, ETIMEDOUT,
			      "%s does not answer: no connection within %d s", host,
			      c->h->connect_s);
		err_hint(e, "check the network, the registry's name and its port; a firewall may "
			    "drop what "
			    "is sent there");
		return HTTP_REFUSED;
	}
	if (q->total_s && info_time(c, CURLINFO_TOTAL_TIME_T) >= q->total_s * INT64_C(1000000))
		err_fail_code(e, ERR_REGISTRY_TIMEOUT, ETIMEDOUT,
			      "%s took more than %d s for a short answer", host, q->total_s);
	else
		err_fail_code(e, ERR_REGISTRY_TIMEOUT, ETIMEDOUT,
			      "%s stalled: less than 1 KiB/s for %d s", host,
			      q->stall_s ? q->stall_s : c->h->stall_s);
	err_hint(e, "try again later; what has come whole is kept");
	return HTTP_STALLED;
}

static enum http_end explain_connect(struct http_call *c, struct http_request *q, const char *host)
{
	long why = 0;
	struct err *e = &q->why;

	dl_curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &why);
	err_fail_code(e, ERR_REGISTRY_UNREACHABLE, why ? (int)why : ECONNREFUSED,
		      "no connection to %s: %s", host, why ? strerror((int)why) : c->text);
	err_hint(e, why == ECONNREFUSED ? "nothing listens there: check the registry's name and "
					  "port, and that it runs"
					: "check the network, the registry's name and its port");
	return HTTP_REFUSED;
}

static enum http_end explain_tls(struct http_request *q, CURLcode code, const char *host,
				 const char *text)
{
	struct err *e = &q->why;

	if (code == CURLE_SSL_CONNECT_ERROR) {
		err_fail_code(e, ERR_TLS, EPROTO, "no TLS connection to %s: %.200s", host, text);
		err_hint(e, "if that registry speaks plain HTTP, say --tls-verify=false");
		return HTTP_NO_TLS;
	}
	err_fail_code(e, ERR_TLS, EPROTO, "the certificate of %s is not to be trusted: %.200s",
		      host, text);
	err_hint(e,
		 "if its CA is your own, put the CA's certificate into "
		 "~/.config/containers/certs.d/%.80s/ca.crt; --tls-verify=false trusts anybody",
		 host);
	return HTTP_FAILED;
}

/* The alerts of a server that wants to know who we are, in the words of OpenSSL and of GnuTLS. With TLS 1.3 they come after the handshake. */
static bool wants_certificate(const char *text)
{
	static const char *const words[] = {"alert certificate required", "Certificate is required",
					    "alert bad certificate", "Certificate is bad"};

	for (size_t i = 0; i < countof(words); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

static enum http_end explain_client(struct http_request *q, const char *host)
{
	struct err *e = &q->why;

	err_fail_code(e, ERR_TLS, EACCES,
		      "%s lets in only who shows a certificate, and takes none or another than "
		      "was shown",
		      host);
	err_hint(e,
		 "put the certificate and its key into ~/.config/containers/certs.d/%.80s/ as "
		 "NAME.cert "
		 "and NAME.key, or name their directory with --cert-dir",
		 host);
	return HTTP_FAILED;
}

static enum http_end explain_other(struct http_request *q, CURLcode code, const char *host,
				   const char *text)
{
	struct err *e = &q->why;

	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		err_fail_code(e, ERR_REGISTRY_UNREACHABLE, EHOSTUNREACH,
			      "the name of %s %s cannot be resolved",
			      code == CURLE_COULDNT_RESOLVE_PROXY ? "the proxy for"
								  : "the registry",
			      host);
		err_hint(e, "check its spelling, and that this machine is online");
		return HTTP_FAILED;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		err_fail_code(e, ERR_REGISTRY_UNREACHABLE, ECONNRESET,
			      "the connection to %s broke: %.200s", host, text);
		err_hint(e, "try again; what has come whole is kept");
		return HTTP_BROKEN;
	default:
		err_fail_code(e, ERR_REGISTRY_ANSWER, EPROTO,
			      "%s does not answer as a registry does: %.200s", host, text);
		err_hint(e, "check the registry's name and port");
		return HTTP_FAILED;
	}
}

static enum http_end explain(struct http_call *c, struct http_request *q, CURLcode code)
{
	autofree char *host = who(c);
	const char *text = c->text[0] ? c->text : dl_curl_easy_strerror(code);

	q->tls = info_time(c, CURLINFO_APPCONNECT_TIME_T) > 0;
	if (wants_certificate(text))
		return explain_client(q, host);
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return explain_timeout(c, q, host);
	case CURLE_COULDNT_CONNECT:
		return explain_connect(c, q, host);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return explain_tls(q, code, host, text);
	case CURLE_ABORTED_BY_CALLBACK:
		text = "what should be sent is cut off";
		break;
	case CURLE_WRITE_ERROR:
		if (q->end == HTTP_STOPPED)
			return HTTP_STOPPED;
		if (q->end == HTTP_TOO_LONG) {
			err_fail_code(&q->why, ERR_REGISTRY_ANSWER, EFBIG,
				      "%s sends more than the %zu bytes that are allowed here",
				      host, q->max);
			err_hint(&q->why, "no sound registry does that: distrust it");
			return HTTP_TOO_LONG;
		}
		text = "its headers have no end";
		break;
	}
	return explain_other(q, code, host, text);
}

/* True if the answer was a redirect and the request is on its way to the new address; false: it has ended, maybe with an error. */
static bool follow(struct http_call *c, struct http_request *q)
{
	char *to = NULL;
	struct err *e = &q->why;

	if (q->status != 301 && q->status != 302 && q->status != 303 && q->status != 307 &&
	    q->status != 308)
		return false;
	dl_curl_easy_getinfo(c->easy, CURLINFO_REDIRECT_URL, &to);
	if (!to)
		return false;
	q->end = HTTP_FAILED;
	autofree char *url = xstrdup(to), *origin = url_origin(url), *host = who(c);
	if (++c->redirects > MAX_REDIRECTS)
		err_fail(e, ERR_REGISTRY_REDIRECT, "%s redirects more than %d times", host,
			 MAX_REDIRECTS);
	else if (!origin || writes(q))
		err_fail(e, ERR_REGISTRY_REDIRECT, "%s redirects to where hoy does not go: %.200s",
			 host, url);
	else if (str_starts(c->origin, "https:") && !str_starts(origin, "https:"))
		err_fail(e, ERR_REGISTRY_REDIRECT, "%s redirects from HTTPS to plain HTTP: %.200s",
			 host, url);
	else
		q->end = HTTP_RUNNING;
	if (q->end != HTTP_RUNNING) {
		err_hint(e, "the registry is set up wrongly, or somebody between you and it is not "
			    "honest");
		return false;
	}
	q->elsewhere = q->elsewhere || strcmp(origin, c->origin) != 0;
	free(c->origin);
	c->origin = take(origin);
	send_to(c, q, url);
	return true;
}

/* Takes a transfer that libcurl is done with. True if the request has ended. */
static bool settle(struct http_request *q, CURLcode code)
{
	struct http_call *c = q->call;

	dl_curl_multi_remove_handle(c->h->multi, c->easy);
	if (code == CURLE_OK || c->enough) {
		if (follow(c, q))
			return false;
		if (q->end == HTTP_RUNNING)
			q->end = HTTP_ANSWERED;
	} else {
		q->end = explain(c, q, code);
	}
	http_drop(c->h, q);
	return true;
}

/* Lets libcurl work. Returns how many requests have ended. */
static int perform(struct http *h)
{
	int running, left, ended = 0;

	dl_curl_multi_perform(h->multi, &running);
	for (CURLMsg *m; (m = dl_curl_multi_info_read(h->multi, &left));) {
		struct http_request *q = NULL;
		CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		dl_curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&q);
		ended += settle(q, code);
	}
	return ended;
}

int http_wait(struct http *h, int ms, struct err *e)
{
	int64_t end = time_mono_ms() + ms;

	while (!perform(h)) {
		struct curl_waitfd also = {.fd = h->also, .events = CURL_WAIT_POLLIN};
		int64_t left = ms < 0 ? 1000 : end - time_mono_ms();
		if (left <= 0)
			return 0;
		if (dl_curl_multi_poll(h->multi, &also, h->also >= 0, (int)left, NULL) != CURLM_OK)
			return err_fail_code(e, ERR_INTERNAL, EIO, "libcurl cannot wait");
		if (also.revents)
			return 0;
	}
	return 0;
}

void http_also(struct http *h, int fd)
{
	h->also = fd;
}

int http_do(struct http *h, struct http_request *q, struct err *e)
{
	int r = http_start(h, q, e);

	while (r == 0 && q->end == HTTP_RUNNING)
		r = http_wait(h, -1, e);
	if (r < 0)
		http_drop(h, q);
	return r;
}
