#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "base/base.h"
#include "base/task.h"
#include "build/fetch.h"
#include "registry/http.h"

enum { MAX_NAME = 255 };

struct fetching {
	const char *url;
	int fd;
	struct hash hash;
	struct digest *ret; /* shared with the parent */
	int code;	    /* why writing failed */
};

bool fetch_is_url(const char *text)
{
	return !strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8);
}

static int take_bytes(struct http_request *q, const void *p, size_t n)
{
	struct fetching *f = q->arg;

	f->code = fd_write_all(f->fd, p, n);
	if (f->code < 0)
		return -1;
	hash_add(&f->hash, p, n);
	return 0;
}

/* What the answer says; q has ended. */
static int answered(struct fetching *f, const struct http_request *q, struct err *e)
{
	if (q->end == HTTP_STOPPED)
		return err_set(e, f->code, "write what %.200s gives", f->url);
	if (q->end != HTTP_ANSWERED) {
		*e = q->why;
		e->id = ERR_CONTEXT_FETCH;
		e->code = e->code ?: EIO;
		return err_context(e, "%.200s", f->url);
	}
	if (q->status != 200) {
		err_fail_code(e, ERR_CONTEXT_FETCH, EIO, "%.200s answers with status %d", f->url,
			      q->status);
		return q->status == 404 ? err_hint(e, "nothing is there: is the address right?")
					: -EIO;
	}
	return 0;
}

/* The child. */
static int fetch(void *arg, struct err *e)
{
	struct fetching *f = arg;
	struct http_request q = {
		.url = f->url, .write = take_bytes, .arg = f, .method = NULL, .accept = "*/*"};
	struct http *h = NULL;
	int r = hash_open(&f->hash, e);

	if (r == 0)
		r = http_open(&h, &(struct http_opts){0}, e);
	if (r == 0)
		r = http_do(h, &q, e);
	if (r == 0)
		r = answered(f, &q, e);
	if (r == 0)
		hash_end(&f->hash, f->ret);
	http_request_free(&q);
	http_close(h);
	return r;
}

/* Whoever holds signals back (task_signals_hold) is to have them at once, not when all has come: they are only looked at here. */
static int wait_for(struct task *t, struct err *e)
{
	sigset_t set;
	size_t which = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	autoclose int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct task_wait w = {.until = fd, .sigfd = -1};
	int r = task_wait(t, 1, &w, &which, e);
	if (r == 0 && which == 0)
		return 0;
	task_kill(t);
	return r < 0 ? r : err_fail_code(e, ERR_INTERRUPTED, EINTR, "interrupted");
}

int fetch_url(const char *url, int fd, const struct digest *want, struct digest *ret, struct err *e)
{
	struct digest *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fetching f = {.url = url, .fd = fd, .ret = shared};
	struct digest wanted = *want;

	if (shared == MAP_FAILED)
		return err_set(e, errno, "memory for a child");
	struct task t;
	int r = task_start(&t, fetch, &f, e);
	if (r == 0)
		r = wait_for(&t, e);
	*ret = *shared;
	munmap(shared, sizeof *shared);
	if (r < 0)
		return r;
	lseek(fd, 0, SEEK_SET);
	if (digest_known(&wanted) && !digest_eq(&wanted, ret)) {
		err_fail(e, ERR_DIGEST_MISMATCH, "%.200s has the digest sha256:%s, not sha256:%s",
			 url, ret->hex, wanted.hex);
		return err_hint(
			e, "either what lies there has changed, or somebody changed it on the way");
	}
	return 0;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *fetch_unescape(struct arena *a, const char *s, size_t n)
{
	char *to = arena_alloc(a, n + 1);
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] != '%') {
			to[at++] = s[i];
			continue;
		}
		int hi = n - i > 2 ? hex(s[i + 1]) : -1, lo = n - i > 2 ? hex(s[i + 2]) : -1;
		if (hi < 0 || lo < 0 || !(hi | lo))
			return NULL;
		to[at++] = (char)(hi << 4 | lo);
		i += 2;
	}
	return to;
}

char *fetch_name(const char *url)
{
	scoped(arena) a = {0};
	const char *path = strstr(url, "://");

	path = path ? path + 3 : url;
	path += strcspn(path, "/?#");
	size_t n = strcspn(path, "?#");
	while (n && path[n - 1] == '/')
		n--;
	const char *name = fetch_unescape(&a, path, n);
	const char *slash = name ? strrchr(name, '/') : NULL;
	name = slash ? slash + 1 : name;
	bool bad = str_is_empty(name) || !strcmp(name, ".") || !strcmp(name, "..") ||
		   strlen(name) > MAX_NAME;
	return xstrdup(bad ? "__unnamed__" : name);
}
