#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/base.h"
#include "base/loop.h"
#include "sys/dbus.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER 'l'
#else
#define ORDER 'B'
#endif

enum { METHOD_CALL = 1, METHOD_RETURN = 2, ERROR_REPLY = 3 };
enum { F_PATH = 1, F_INTERFACE, F_MEMBER, F_ERROR, F_REPLY, F_DESTINATION, F_SENDER, F_SIGNATURE };
enum { SKIPPED_MAX = 1000 };

/* ---- writing */

void dbus_align(struct str *b, size_t to)
{
	while (b->len % to)
		str_addc(b, 0);
}

void dbus_add_u32(struct str *b, uint32_t v)
{
	dbus_align(b, 4);
	str_addn(b, &v, sizeof v);
}

void dbus_add_u64(struct str *b, uint64_t v)
{
	dbus_align(b, 8);
	str_addn(b, &v, sizeof v);
}

void dbus_add_bool(struct str *b, bool v)
{
	dbus_add_u32(b, v);
}

void dbus_add_string(struct str *b, const char *s)
{
	dbus_add_u32(b, (uint32_t)strlen(s));
	str_addn(b, s, strlen(s) + 1);
}

void dbus_add_signature(struct str *b, const char *s)
{
	str_addc(b, (char)strlen(s));
	str_addn(b, s, strlen(s) + 1);
}

/* The length comes first and does not count the padding before the first element. */
size_t dbus_begin_array(struct str *b, size_t align)
{
	dbus_add_u32(b, 0);
	size_t at = b->len - 4;
	dbus_align(b, align);
	return at;
}

void dbus_end_array(struct str *b, size_t begin, size_t align)
{
	size_t first = (begin + 4 + align - 1) / align * align;
	uint32_t n = (uint32_t)(b->len - first);

	memcpy(b->s + begin, &n, sizeof n);
}

static void add_field(struct str *b, int field, const char *type, const char *value)
{
	if (!value)
		return;
	dbus_align(b, 8);
	str_addc(b, (char)field);
	dbus_add_signature(b, type);
	if (*type == 'g')
		dbus_add_signature(b, value);
	else
		dbus_add_string(b, value);
}

static void add_message(struct str *b, uint32_t serial, const struct dbus_call *c)
{
	str_addc(b, ORDER);
	str_addc(b, METHOD_CALL);
	str_addc(b, 0);
	str_addc(b, 1);
	dbus_add_u32(b, c->body ? (uint32_t)c->body->len : 0);
	dbus_add_u32(b, serial);
	size_t fields = dbus_begin_array(b, 8);
	add_field(b, F_PATH, "o", c->path);
	add_field(b, F_DESTINATION, "s", c->destination);
	add_field(b, F_INTERFACE, "s", c->interface);
	add_field(b, F_MEMBER, "s", c->member);
	add_field(b, F_SIGNATURE, "g", c->signature);
	dbus_end_array(b, fields, 8);
	dbus_align(b, 8);
	if (c->body)
		str_addn(b, c->body->s, c->body->len);
}

/* ---- reading */

struct reader {
	const unsigned char *p;
	size_t at, end;
	bool bad;
};

static void skip_to(struct reader *r, size_t align)
{
	r->at = (r->at + align - 1) / align * align;
	r->bad |= r->at > r->end;
}

static uint32_t get_u32(struct reader *r)
{
	uint32_t v = 0;

	skip_to(r, 4);
	r->bad |= r->bad || r->end - r->at < 4;
	if (r->bad)
		return 0;
	memcpy(&v, r->p + r->at, sizeof v);
	r->at += 4;
	return v;
}

static unsigned get_byte(struct reader *r)
{
	r->bad |= r->at >= r->end;
	return r->bad ? 0 : r->p[r->at++];
}

/* Copies what fits; n bytes and a NUL are there. */
static void get_text(struct reader *r, size_t n, char *buf, size_t size)
{
	r->bad |=
		r->bad || n >= r->end - r->at || r->p[r->at + n] != 0 || memchr(r->p + r->at, 0, n);
	if (r->bad)
		return;
	if (size)
		snprintf(buf, size, "%s", (const char *)r->p + r->at);
	r->at += n + 1;
}

/* One field of the header: a byte, and a variant of the few types that fields have. */
static void get_field(struct reader *r, struct dbus_answer *ret, char signature[static 8])
{
	char type[8] = "";

	skip_to(r, 8);
	unsigned field = get_byte(r);
	unsigned n = get_byte(r);
	r->bad |= n >= sizeof type;
	get_text(r, n, type, sizeof type);
	if (!strcmp(type, "u")) {
		uint32_t v = get_u32(r);
		if (field == F_REPLY)
			ret->serial = v;
	} else if (!strcmp(type, "s") || !strcmp(type, "o")) {
		uint32_t len = get_u32(r);
		bool error = field == F_ERROR && *type == 's';
		get_text(r, len, ret->error, error ? sizeof ret->error : 0);
	} else if (!strcmp(type, "g")) {
		unsigned len = get_byte(r);
		get_text(r, len, signature, field == F_SIGNATURE ? 8 : 0);
	} else {
		r->bad = true;
	}
}

static uint32_t u32_at(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

ssize_t dbus_length(const unsigned char *p)
{
	uint32_t body = u32_at(p + 4), fields = u32_at(p + 12);

	if (p[0] != ORDER || p[3] != 1 || body > DBUS_MESSAGE_MAX || fields > DBUS_MESSAGE_MAX)
		return -EBADMSG;
	return DBUS_FIXED + (ssize_t)((fields + 7) / 8 * 8 + body);
}

int dbus_parse(const unsigned char *p, size_t n, struct dbus_answer *ret)
{
	char signature[8] = "";

	*ret = (struct dbus_answer){0};
	if (n < DBUS_FIXED || dbus_length(p) != (ssize_t)n)
		return -EBADMSG;
	struct reader r = {p, DBUS_FIXED, DBUS_FIXED + u32_at(p + 12), false};
	while (!r.bad && r.at < r.end)
		get_field(&r, ret, signature);
	ret->is_error = p[1] == ERROR_REPLY;
	ret->is_answer = ret->is_error || p[1] == METHOD_RETURN;
	r.end = n;
	skip_to(&r, 8);
	if (!r.bad && signature[0] == 's') {
		uint32_t len = get_u32(&r);
		get_text(&r, len, ret->text, sizeof ret->text);
	}
	return r.bad ? -EBADMSG : 0;
}

/* ---- the conversation */

struct talk {
	int fd;
	int64_t until;
};

static int await(const struct talk *t, short events)
{
	struct pollfd p = {.fd = t->fd, .events = events};
	int64_t left = t->until - time_mono_ms();

	int r = left > 0 ? poll(&p, 1, (int)left) : 0;
	return r > 0 || (r < 0 && errno == EINTR) ? 0 : r < 0 ? -errno : -ETIMEDOUT;
}

static int send_all(const struct talk *t, const void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t k = send(t->fd, (const char *)p + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		int r = k < 0 ? await(t, POLLOUT) : 0;
		if (r < 0)
			return r;
		at += k > 0 ? (size_t)k : 0;
	}
	return 0;
}

static int recv_all(const struct talk *t, void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t k = recv(t->fd, (char *)p + at, n - at, MSG_DONTWAIT);
		if (k == 0)
			return -ECONNRESET;
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		int r = k < 0 ? await(t, POLLIN) : 0;
		if (r < 0)
			return r;
		at += k > 0 ? (size_t)k : 0;
	}
	return 0;
}

static int dial(const char *path, struct talk *t)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof a.sun_path)
		return -ENAMETOOLONG;
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	t->until = time_mono_ms() + DBUS_WAIT_MS;
	return t->fd < 0 || connect(t->fd, (struct sockaddr *)&a, sizeof a) < 0 ? -errno : 0;
}

/* The user id as digits, and these as hexadecimal bytes. One line comes back. */
static int authenticate(const struct talk *t)
{
	char digits[16], line[100];
	scoped(str) hello = {0};
	size_t n = 0;

	snprintf(digits, sizeof digits, "%u", (unsigned)geteuid());
	str_addc(&hello, 0);
	str_add(&hello, "AUTH EXTERNAL ");
	for (const char *p = digits; *p; p++)
		str_addf(&hello, "%02x", (unsigned char)*p);
	str_add(&hello, "\r\n");
	int r = send_all(t, hello.s, hello.len);
	while (r == 0) {
		r = recv_all(t, line + n, 1);
		if (r == 0 && line[n++] == '\n')
			break;
		if (n == sizeof line)
			return -EBADMSG;
	}
	if (r < 0)
		return r;
	if (n < 3 || strncmp(line, "OK ", 3) != 0)
		return -EACCES;
	return send_all(t, "BEGIN\r\n", 7);
}

static int read_message(const struct talk *t, struct dbus_answer *ret)
{
	unsigned char head[DBUS_FIXED];
	int r = recv_all(t, head, sizeof head);

	if (r < 0)
		return r;
	ssize_t n = dbus_length(head);
	if (n < 0)
		return (int)n;
	autofree unsigned char *all = xmalloc((size_t)n);
	memcpy(all, head, sizeof head);
	r = recv_all(t, all + sizeof head, (size_t)n - sizeof head);
	return r < 0 ? r : dbus_parse(all, (size_t)n, ret);
}

static int ask(const struct talk *t, uint32_t serial, const struct dbus_call *c,
	       struct dbus_answer *ret)
{
	scoped(str) msg = {0};

	add_message(&msg, serial, c);
	int r = send_all(t, msg.s, msg.len);
	for (int i = 0; r == 0 && i < SKIPPED_MAX; i++) {
		r = read_message(t, ret);
		if (r == 0 && ret->is_answer && ret->serial == serial)
			return ret->is_error ? -EREMOTEIO : 0;
	}
	return r < 0 ? r : -EBADMSG;
}

int dbus_call(const char *socket_path, bool bus, const struct dbus_call *c, struct dbus_answer *ret)
{
	static const struct dbus_call hello = {
		.destination = "org.freedesktop.DBus",
		.path = "/org/freedesktop/DBus",
		.interface = "org.freedesktop.DBus",
		.member = "Hello",
	};
	struct talk t = {.fd = -1};

	*ret = (struct dbus_answer){0};
	int r = dial(socket_path, &t);
	if (r == 0)
		r = authenticate(&t);
	if (r == 0 && bus)
		r = ask(&t, 1, &hello, ret);
	if (r == 0)
		r = ask(&t, 2, c, ret);
	fd_close(&t.fd);
	return r;
}
