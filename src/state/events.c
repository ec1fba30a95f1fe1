#include <sys/file.h>

#include "base/base.h"
#include "base/parse.h"
#include "state/events.h"

/* What is being written: never more than the room, and ok is false once something did not fit. */
struct out {
	char *p;
	size_t n, max;
	bool ok;
	bool cut; /* an attribute or label was left out */
};

static void put(struct out *o, const char *p, size_t n)
{
	if (!o->ok || n > o->max - o->n) {
		o->ok = false;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void puts_to(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static void put_int(struct out *o, int64_t v)
{
	char b[24];

	put(o, b, (size_t)snprintf(b, sizeof b, "%" PRId64, v));
}

/* A JSON string of at most max bytes of s, cut between characters. What is no UTF-8 becomes U+FFFD. */
static void put_str(struct out *o, const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1), end = n > max ? max : n;

	put(o, "\"", 1);
	for (size_t i = 0; i < end && o->ok;) {
		uint32_t c;
		char b[8];
		size_t k = str_utf8_next(s + i, n - i, &c);

		if (k && i + k > end)
			break;
		if (!k)
			puts_to(o, "\xef\xbf\xbd");
		else if (c < 0x20 || c == 0x7f)
			put(o, b, (size_t)snprintf(b, sizeof b, "\\u%04x", (unsigned)c));
		else if (c == '"' || c == '\\')
			put(o, (char[]){'\\', (char)c}, 2);
		else
			put(o, s + i, k);
		i += k ? k : 1;
	}
	put(o, "\"", 1);
}

static void put_field(struct out *o, const char *key, const char *value)
{
	if (!value)
		return;
	put(o, ",\"", 2);
	puts_to(o, key);
	put(o, "\":", 2);
	put_str(o, value, EVENT_TEXT_MAX);
}

/* An object of pairs; those that do not fit, with `spare` bytes left behind them, are left out whole. */
static void put_pairs(struct out *o, const char *key, const struct pair *v, size_t n, size_t spare)
{
	size_t start = o->n, used = 0;

	if (!o->ok || o->max - o->n < spare + strlen(key) + 8) {
		o->cut = true;
		return;
	}
	o->max -= spare;
	put(o, ",\"", 2);
	puts_to(o, key);
	put(o, "\":{", 3);
	for (size_t i = 0; i < n && v[i].k; i++) {
		if (!v[i].v)
			continue;
		size_t at = o->n;
		if (used)
			put(o, ",", 1);
		put_str(o, v[i].k, EVENT_TEXT_MAX);
		put(o, ":", 1);
		put_str(o, v[i].v, EVENT_BYTES);
		if (o->ok) {
			used++;
		} else {
			o->n = at;
			o->ok = o->cut = true;
		}
	}
	o->max += spare;
	if (used)
		put(o, "}", 1);
	else
		o->n = start;
}

static void put_event(struct out *o, const struct event *e)
{
	struct timespec t = e->time.tv_sec ? e->time : time_now();

	puts_to(o, "\x1e{\"time\":");
	put_int(o, (int64_t)t.tv_sec * 1000000000 + t.tv_nsec);
	put_field(o, "type", e->type);
	put_field(o, "action", e->action);
	put_field(o, "id", e->id);
	put_field(o, "name", e->name);
	put_field(o, "image", e->image);
	if (e->has_code) {
		puts_to(o, ",\"code\":");
		put_int(o, e->code);
	}
	/* The spare bytes are those of the closing braces, the newline, and of labels that come later. */
	put_pairs(o, "attributes", e->attributes, EVENT_ATTRIBUTES, 32);
	if (e->labels)
		put_pairs(o, "labels", e->labels->v, e->labels->n, 8);
	put(o, "}\n", 2);
}

/* The file becomes events.1 if it is still the one under the name. Whoever does that holds its lock, so that no two do it; who does not get the
 * lock leaves it to the other. */
static void rotate(int store, int fd)
{
	struct stat a, b;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstat(fd, &a) == 0 && fstatat(store, EVENTS_FILE, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	    a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size > EVENTS_MAX)
		(void)!renameat(store, EVENTS_FILE, store, EVENTS_OLD_FILE);
}

static void add(int store, const char *p, size_t n)
{
	autoclose int fd = openat(store, EVENTS_FILE,
				  O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
					  O_NOCTTY | O_CLOEXEC,
				  0600);

	if (fd < 0 || write(fd, p, n) < 0)
		return;
	/* Behind the write the position is the end of the file. One event in eight asks for it, chosen by the clock: the cap is no exact one. */
	if ((time_now().tv_nsec >> 4) % 8 == 0 && lseek(fd, 0, SEEK_CUR) > EVENTS_MAX)
		rotate(store, fd);
}

void events_write(int store, const struct event *v, size_t n)
{
	char buf[EVENT_BYTES];
	size_t used = 0;
	int saved = errno;

	for (size_t i = 0; i < n; i++) {
		struct out o = {.p = buf + used, .max = sizeof buf - used, .ok = true};
		put_event(&o, v + i);
		if (used &&
		    (!o.ok || o.cut)) { /* it has no room behind the others: they go first */
			add(store, buf, used);
			used = 0;
			o = (struct out){.p = buf, .max = sizeof buf, .ok = true};
			put_event(&o, v + i);
		}
		used += o.ok ? o.n : 0;
	}
	if (used)
		add(store, buf, used);
	errno = saved;
}

void event_write(int store, const struct event *e)
{
	events_write(store, e, 1);
}
