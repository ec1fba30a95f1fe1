#include "base/base.h"
#include "data/bind.h"
#include "state/events_read.h"

enum { LINE_MAX_BYTES = 4 * EVENT_BYTES, PIECE = 32 * 1024 };

struct parsed {
	struct event_record ev;
	struct json *code;
};

#define AT(field) offsetof(struct parsed, field)
static const struct bind_field fields[] = {
	{"time", BIND_INT, AT(ev.time)},       {"type", BIND_STR, AT(ev.type)},
	{"action", BIND_STR, AT(ev.action)},   {"id", BIND_STR, AT(ev.id)},
	{"name", BIND_STR, AT(ev.name)},       {"image", BIND_STR, AT(ev.image)},
	{"code", BIND_JSON, AT(code)},	       {"attributes", BIND_PAIRS, AT(ev.attributes)},
	{"labels", BIND_PAIRS, AT(ev.labels)}, {0},
};
#undef AT

bool event_parse(const char *line, size_t n, struct arena *a, struct event_record *ret)
{
	static const struct json_limits lim = {.max_bytes = LINE_MAX_BYTES, .max_depth = 4};
	const char *mark = memrchr(line, 0x1e, n);
	struct parsed p = {.ev = {.type = "", .action = "", .id = "", .name = "", .image = ""}};
	struct err ignored;

	if (!mark)
		return false;
	struct json *j =
		json_parse(a, mark + 1, n - (size_t)(mark + 1 - line), "event", &lim, &ignored);
	if (!j || bind_read(fields, &p, j, "event", a, &ignored) < 0)
		return false;
	p.ev.has_code = p.code && p.code->type == JSON_INT;
	p.ev.code = p.ev.has_code ? p.code->i : 0;
	*ret = p.ev;
	return *p.ev.type && *p.ev.action;
}

static int open_named(int store, const char *name)
{
	return openat(store, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static bool same(int a, int b)
{
	struct stat x, y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static bool still_newest(int store, int fd)
{
	struct stat x, y;

	return fd >= 0 && fstat(fd, &x) == 0 &&
	       fstatat(store, EVENTS_FILE, &y, AT_SYMLINK_NOFOLLOW) == 0 && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static void drop(struct events_file *f)
{
	fd_close(&f->fd);
	str_free(&f->line);
	*f = (struct events_file){.fd = -1};
}

/* The old one is opened first and looked at again, so that no file is passed over by one that moves meanwhile; after a few tries we take what we have. */
void events_open(struct events_reader *r, int store, bool from_start)
{
	*r = (struct events_reader){.store = store, .files = {{.fd = -1}, {.fd = -1}}};
	for (int tries = 0; tries < 20; tries++) {
		drop(&r->files[0]);
		drop(&r->files[1]);
		r->files[1].fd = open_named(store, EVENTS_FILE);
		r->files[0].fd = open_named(store, EVENTS_OLD_FILE);
		if (!same(r->files[0].fd, r->files[1].fd) &&
		    (r->files[1].fd < 0 || still_newest(store, r->files[1].fd)))
			break;
	}
	for (int i = 0; i < 2 && !from_start; i++)
		if (r->files[i].fd >= 0)
			r->files[i].at = lseek(r->files[i].fd, 0, SEEK_END);
}

void events_close(struct events_reader *r)
{
	drop(&r->files[0]);
	drop(&r->files[1]);
}

struct handed {
	int (*fn)(void *arg, const struct event_record *ev);
	void *arg;
	struct arena arena;
};

static int end_line(struct events_file *f, struct handed *h)
{
	struct event_record ev;
	int r = 0;

	if (!f->skip && f->line.len && event_parse(f->line.s, f->line.len, &h->arena, &ev))
		r = h->fn(h->arg, &ev);
	arena_free(&h->arena);
	str_reset(&f->line);
	f->skip = false;
	return r;
}

static int feed(struct events_file *f, const char *p, size_t n, struct handed *h)
{
	int r = 0;

	while (n && r == 0) {
		const char *nl = memchr(p, '\n', n);
		size_t k = nl ? (size_t)(nl - p) : n;
		if (f->line.len + k > LINE_MAX_BYTES) {
			f->skip = true;
			str_reset(&f->line);
		}
		if (!f->skip)
			str_addn(&f->line, p, k);
		k += nl != NULL;
		f->at += (off_t)k;
		p += k;
		n -= k;
		if (nl)
			r = end_line(f, h);
	}
	return r;
}

static int read_file(struct events_file *f, struct handed *h)
{
	char buf[PIECE];

	while (f->fd >= 0) {
		ssize_t n = pread(f->fd, buf, sizeof buf, f->at);
		if (n < 0 && errno != EINTR)
			return -errno;
		int r = n > 0 ? feed(f, buf, (size_t)n, h) : 0;
		if (r != 0 || n == 0)
			return r;
	}
	return 0;
}

/* The file that was the newest has been moved away: the new one is read from its beginning, the other one stays open. A file that came and went in between is read
 * too, if it is still there. */
static bool go_on(struct events_reader *r, struct handed *h, int *ret)
{
	if (still_newest(r->store, r->files[1].fd))
		return false;
	autoclose int new = open_named(r->store, EVENTS_FILE);
	if (new < 0 || same(new, r->files[1].fd))
		return false;
	autoclose int old = open_named(r->store, EVENTS_OLD_FILE);
	struct events_file gone = r->files[0];
	r->files[0] = r->files[1];
	r->files[1] = (struct events_file){.fd = take_fd(new)};
	drop(&gone);
	if (r->files[0].fd >= 0 && !same(old, r->files[0].fd)) {
		r->missed = true;
		*ret = read_file(&r->files[0], h);
		drop(&r->files[0]);
		r->files[0].fd = take_fd(old);
	}
	return true;
}

int events_read(struct events_reader *r, int (*fn)(void *arg, const struct event_record *ev),
		void *arg)
{
	struct handed h = {.fn = fn, .arg = arg};
	int rc = 0;
	bool more = true;

	for (int turns = 0; more && rc == 0 && turns < 100; turns++) {
		rc = read_file(&r->files[0], &h);
		if (rc == 0)
			rc = read_file(&r->files[1], &h);
		more = rc == 0 && go_on(r, &h, &rc);
	}
	arena_free(&h.arena);
	return rc;
}
