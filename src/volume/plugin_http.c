#include <curl/curl.h>
#include <fcntl.h>

#include "base/base.h"
#include "base/dl.h"
#include "volume/plugin_http.h"

#define PLUGIN_SYMS(X)                                                                             \
	X(curl_global_init)                                                                        \
	X(curl_easy_init)                                                                          \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_perform)                                                                       \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_strerror)                                                                      \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)

PLUGIN_SYMS(DL_POINTER)
static const struct dl_sym plugin_syms[] = {PLUGIN_SYMS(DL_ROW_CURL)};

static bool loaded;

static int load(struct err *e)
{
	struct err other;
	int r = dl_load(&loaded, "libcurl.so.4", plugin_syms, countof(plugin_syms), e);

	if (r < 0 &&
	    dl_load(&loaded, "libcurl-gnutls.so.4", plugin_syms, countof(plugin_syms), &other) == 0)
		r = 0;
	return r;
}

struct taking {
	struct str *to;
	size_t max;
};

/* Less than was given ends the transfer. */
static size_t take_piece(char *p, size_t size, size_t n, void *arg)
{
	struct taking *t = arg;

	if (t->to->len + n > t->max)
		return 0;
	str_addn(t->to, p, n);
	return n;
}

int plugin_http_post(const char *socket, const char *method, const struct str *body, size_t max,
		     struct str *ret, int *ret_status, struct err *e)
{
	static const char type[] = "application/vnd.docker.plugins.v1.2+json";
	struct taking t = {ret, max};
	char url[100], header[100], path[64];
	long status = 0;
	int r = load(e);

	if (r < 0)
		return r;
	dl_curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL *c = dl_curl_easy_init();
	if (!c)
		return err_fail_code(e, ERR_INTERNAL, ENOMEM, "libcurl makes no handle");
	struct curl_slist *l = NULL;
	snprintf(header, sizeof header, "Content-Type: %s", type);
	l = dl_curl_slist_append(l, header);
	snprintf(header, sizeof header, "Accept: %s", type);
	l = dl_curl_slist_append(l, header);
	snprintf(url, sizeof url, "http://plugin/%s", method);
	/* An address has 108 bytes for a path: through the descriptor every path is short. */
	autoclose int at = open(socket, O_PATH | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", at);
	dl_curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, at < 0 ? socket : path);
	dl_curl_easy_setopt(c, CURLOPT_URL, url);
	dl_curl_easy_setopt(c, CURLOPT_HTTPHEADER, l);
	dl_curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)body->len);
	dl_curl_easy_setopt(c, CURLOPT_POSTFIELDS, str_cstr(body));
	dl_curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_piece);
	dl_curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
	dl_curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	dl_curl_easy_setopt(c, CURLOPT_PROXY, "");
	dl_curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
	dl_curl_easy_setopt(c, CURLOPT_TIMEOUT, 60L);
	CURLcode code = dl_curl_easy_perform(c);
	dl_curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_WRITE_ERROR)
		r = err_fail(e, ERR_VOLUME_PLUGIN, "its answer is longer than %zu bytes", max);
	else if (code != CURLE_OK)
		r = err_fail(e, ERR_VOLUME_PLUGIN, "%s", dl_curl_easy_strerror(code));
	*ret_status = (int)status;
	dl_curl_slist_free_all(l);
	dl_curl_easy_cleanup(c);
	return r;
}
