/*
 * A query asks its servers in order: the first one, after 1 s the next as well, and so on; the sockets of the earlier ones stay open and the
 * first good answer wins. A server that says it cannot (SERVFAIL, REFUSED ...), or cannot be reached, makes room for the next at once; what
 * it said is kept for the case that no other is better. After 4.5 s all is over: the container's own resolver waits 5.
 *
 * Every question to a server has a socket of its own, connected, with a port from the kernel and an id at random: who wants to answer
 * in a server's place has to guess both, and sees neither. Answers must be whole and repeat the question.
 * What comes cut off (TC) over UDP is asked again over TCP, from the same server.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/parse.h"
#include "base/rand.h"
#include "net/dns_parts.h"
#include "sys/netdev.h"

enum {
	TRIES = 4,	 /* of one query over UDP */
	TRIES_ALL = 256, /* sockets of all queries */
	NEXT_MS = 1000,	 /* without an answer, the next server is asked too */
	GIVE_UP_MS = 4500,
	DEAD_MS = 10000, /* a server that fails is asked last for so long */
	DEAD_AFTER = 2,	 /* questions in a row that it did not answer */
	CHECK_MS = 1000, /* how often resolv.conf is looked at, at most */
};

struct
try {
	struct query *q;
	struct watch w;
	uint8_t server; /* index */
	bool tcp, open;
	uint16_t id;
	uint8_t *buf; /* TCP: what goes out, then what comes in, length first */
	size_t done, want;
	bool sent;
};

struct query {
	struct query *next;
	struct dns *d;
	struct dns_waiter *waiters;
	struct dns_question q;
	const struct member *of; /* whose own servers are asked (--dns); NULL: everybody's */
	bool over;		 /* it is being answered */
	struct resolv_server servers[DNS_SERVERS];
	uint8_t nservers, asked; /* asked: how many times one was, in order */
	struct try tries[TRIES];
	int64_t next_at, give_up_at;
	uint8_t *failure; /* what a server said that could not answer */
	size_t failure_len, len;
	uint8_t msg[];
};

/* ---- health of servers */

static struct dns_health *health_of(struct dns *d, const struct ip *ip, bool add)
{
	struct dns_health *oldest = d->health;

	for (size_t i = 0; i < countof(d->health); i++) {
		if (ip_equal(&d->health[i].ip, ip))
			return &d->health[i];
		if (d->health[i].dead_until < oldest->dead_until)
			oldest = &d->health[i];
	}
	if (!add)
		return NULL;
	*oldest = (struct dns_health){.ip = *ip};
	return oldest;
}

static void failed(struct dns *d, const struct ip *ip, bool at_once)
{
	struct dns_health *h = health_of(d, ip, true);

	if (h->fails < UINT8_MAX)
		h->fails++;
	if (at_once || h->fails >= DEAD_AFTER)
		h->dead_until = time_mono_ms() + DEAD_MS;
}

static void lives(struct dns *d, const struct ip *ip)
{
	struct dns_health *h = health_of(d, ip, false);

	if (h)
		*h = (struct dns_health){0};
}

/* ---- which servers */

/* The host's resolv.conf, read again when it has changed. A file that names no server is being written, or is broken: the last good one counts. */
static void refresh_host(struct dns *d)
{
	int64_t now = time_mono_ms();
	struct resolv fresh;
	struct stat st;

	if (now < d->host_next)
		return;
	d->host_next = now + CHECK_MS;
	if (stat(RESOLV_PATH, &st) < 0)
		return;
	if (st.st_dev == d->host_dev && st.st_ino == d->host_ino &&
	    (uint64_t)st.st_size == d->host_size && st.st_mtim.tv_sec == d->host_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == d->host_mtime.tv_nsec)
		return;
	if (resolv_read(RESOLV_PATH, &fresh) < 0)
		return;
	d->host_dev = st.st_dev;
	d->host_ino = st.st_ino;
	d->host_size = (uint64_t)st.st_size;
	d->host_mtime = st.st_mtim;
	if (fresh.nservers)
		d->host = fresh;
}

/* The host's loopback device is not the container's to choose. */
static bool is_of_host(const struct ip *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct ip v4 = {4, {ip->b[12], ip->b[13], ip->b[14], ip->b[15]}};

	if (ip->family == 6 && !memcmp(ip->b, mapped, sizeof mapped))
		return ip_is_loopback(&v4) || ip_is_any(&v4);
	return ip_is_loopback(ip) || ip_is_any(ip);
}

static uint8_t parse_servers(const struct strs *l, bool of_member, struct resolv_server *ret)
{
	uint8_t n = 0;

	for (size_t i = 0; i < l->n && n < DNS_SERVERS; i++)
		if (resolv_server_parse(l->v[i], strlen(l->v[i]), &ret[n]) == 0 &&
		    !(of_member && is_of_host(&ret[n].ip)))
			n++;
	return n;
}

/* In the order in which they are asked: those that did not answer lately come last. */
static void choose_servers(struct query *q, const struct member *m)
{
	struct resolv_server all[DNS_SERVERS];
	struct dns *d = q->d;
	int64_t now = time_mono_ms();
	uint8_t n = parse_servers(&m->dns, true, all), first = 0;

	if (!n)
		n = parse_servers(&d->np->net->dns_servers, false, all);
	if (!n) {
		refresh_host(d);
		n = d->host.nservers;
		memcpy(all, d->host.servers, sizeof all);
		first = d->host.rotate && n ? (uint8_t)(d->turn % n) : 0;
	}
	for (int dead = 0; dead < 2; dead++)
		for (uint8_t i = 0; i < n; i++) {
			const struct resolv_server *s = &all[(first + i) % n];
			const struct dns_health *h = health_of(d, &s->ip, false);
			if ((h && h->dead_until > now) == dead)
				q->servers[q->nservers++] = *s;
		}
}

/* ---- the end of a query */

static void try_close(struct try *t)
{
	int fd = t->w.fd;

	if (!t->open)
		return;
	loop_remove(&t->q->d->np->loop, &t->w);
	close(fd);
	free(t->buf);
	t->buf = NULL;
	t->open = false;
	t->q->d->tries--;
}

static void query_free(struct query *q)
{
	struct dns *d = q->d;

	for (size_t i = 0; i < TRIES; i++)
		try_close(&q->tries[i]);
	for (struct query **p = &d->queries; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			break;
		}
	free(q->failure);
	free(q);
}

/* Those that were asked a while ago and are still silent; answered: the one that is not, or NULL. */
static void note_silent(struct query *q, const struct try *answered)
{
	for (size_t i = 0; i < q->asked; i++) {
		const struct try *t = &q->tries[i];
		bool fresh = answered && i + 1 == q->asked;
		if (t->open && !fresh && !(answered && answered->server == t->server))
			failed(q->d, &q->servers[t->server].ip, false);
	}
}

/* What is delivered may make a connection take its next question, or end: the query is marked, and waiters are taken off one by one. */
static void query_answer(struct query *q, const uint8_t *msg, size_t n)
{
	struct dns *d = q->d;

	q->over = true;
	for (struct dns_waiter *w; (w = q->waiters);) {
		q->waiters = w->next;
		d->waiters--;
		memmove(d->out, msg, n); /* the client's own copy: it may be cut */
		dns_deliver(d, &w->client, &q->q, w->id, d->out, n);
		free(w);
	}
	query_free(q);
}

static void say_servers(const struct query *q, struct str *out)
{
	char text[IP_TEXT];

	for (size_t i = 0; i < q->nservers; i++)
		str_addf(out, "%s%s", i ? ", " : "", ip_text(&q->servers[i].ip, text));
}

static void query_fail(struct query *q, const char *why)
{
	uint8_t buf[DNS_UDP_SIZE];
	struct dns_reply r;

	dns_reply_start(&r, &q->q, q->msg, buf, sizeof buf, DNS_SERVFAIL);
	query_answer(q, buf, dns_reply_end(&r, DNS_EDE_NO_AUTHORITY, why));
}

static void query_give_up(struct query *q)
{
	scoped(str) why = {0};

	note_silent(q, NULL);
	if (q->failure) {
		autofree uint8_t *msg = take(q->failure);
		query_answer(q, msg, q->failure_len);
		return;
	}
	str_add(&why, "hoy: no answer from ");
	say_servers(q, &why);
	query_fail(q, str_cstr(&why));
}

/* ---- asking one server */

static void ask_next(struct query *q);
static int try_start(struct try *t, bool tcp);

static bool is_asking(const struct query *q)
{
	for (size_t i = 0; i < TRIES; i++)
		if (q->tries[i].open)
			return true;
	return false;
}

/* The server cannot, or says so: the next one, or the end if nobody is left. */
static void try_failed(struct try *t, bool at_once)
{
	struct query *q = t->q;

	failed(q->d, &q->servers[t->server].ip, at_once);
	try_close(t);
	if (q->asked < q->nservers && q->asked < TRIES)
		ask_next(q);
	else if (!is_asking(q))
		query_give_up(q);
}

static bool is_failure(unsigned rcode)
{
	return rcode != DNS_OK && rcode != DNS_NXDOMAIN;
}

static void keep_failure(struct query *q, const uint8_t *msg, size_t n)
{
	free(q->failure);
	q->failure = xmalloc(n);
	q->failure_len = n;
	memcpy(q->failure, msg, n);
}

/* Cut off over UDP: the same server over TCP. What came is kept, in case it takes none. */
static void ask_over_tcp(struct try *t, uint8_t *msg, size_t whole)
{
	struct query *q = t->q;

	if (!whole) /* cut in the middle of a record */
		memset(msg + 6, 0, 6);
	keep_failure(q, msg, whole ? whole : q->q.end);
	try_close(t);
	if (try_start(t, true) < 0)
		try_failed(t, false);
}

/* A message that is an answer to this try. Neither the try nor the query may be touched afterwards. */
static void take_answer(struct try *t, uint8_t *msg, size_t n)
{
	struct query *q = t->q;
	size_t whole = dns_whole(msg, n);
	bool has_question = n >= q->q.end;

	if (dns_is_cut(msg) && !t->tcp && has_question) {
		lives(q->d, &q->servers[t->server].ip);
		ask_over_tcp(t, msg, whole);
		return;
	}
	if (!whole || !has_question || is_failure(dns_rcode_of(msg))) {
		if (whole && has_question && !q->failure)
			keep_failure(q, msg, whole);
		try_failed(t, false);
		return;
	}
	lives(q->d, &q->servers[t->server].ip);
	note_silent(q, t);
	query_answer(q, msg, whole);
}

static void on_udp_answer(struct watch *w, uint32_t events)
{
	struct try *t = w->arg;
	struct query *q = t->q;
	struct dns *d = q->d;

	ssize_t n = recv(w->fd, d->up, sizeof d->up, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) /* ECONNREFUSED and others that ICMP told */
		try_failed(t, true);
	else if (dns_is_answer(d->up, (size_t)n, q->msg, &q->q, t->id))
		take_answer(t, d->up, (size_t)n);
	/* Anything else was not sent by who we asked, or is an answer to another question: go on waiting. */
}

/* What has come over TCP so far; the length of the message as soon as it is known. */
static void take_tcp_bytes(struct try *t)
{
	ssize_t n = recv(t->w.fd, t->buf + t->done, t->want - t->done, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		try_failed(t, false);
		return;
	}
	t->done += (size_t)n;
	if (t->done < t->want)
		return;
	if (t->want == 2) {
		t->want += (size_t)(t->buf[0] << 8 | t->buf[1]);
		t->buf = xrealloc(t->buf, t->want);
		if (t->want > 2)
			return;
	}
	autofree uint8_t *buf = take(t->buf);
	if (dns_is_answer(buf + 2, t->want - 2, t->q->msg, &t->q->q, t->id))
		take_answer(t, buf + 2, t->want - 2);
	else
		try_failed(t, false);
}

static void on_tcp_answer(struct watch *w, uint32_t events)
{
	struct try *t = w->arg;

	if (t->sent) {
		take_tcp_bytes(t);
		return;
	}
	ssize_t n = send(w->fd, t->buf + t->done, t->want - t->done, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		try_failed(t, false);
		return;
	}
	t->done += (size_t)n;
	if (t->done < t->want)
		return;
	t->sent = true;
	t->done = 0;
	t->want = 2;
	loop_set(&t->q->d->np->loop, w, EPOLLIN);
}

static socklen_t server_address(const struct resolv_server *s, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;
	uint64_t number;

	memset(ret, 0, sizeof *ret);
	if (s->ip.family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(53);
		memcpy(&in->sin_addr, s->ip.b, 4);
		return sizeof *in;
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(53);
	memcpy(&in6->sin6_addr, s->ip.b, 16);
	if (*s->zone)
		in6->sin6_scope_id = parse_u64(s->zone, UINT32_MAX, &number) == 0
					     ? (uint32_t)number
					     : netdev_index(s->zone);
	return sizeof *in6;
}

static void set_message(struct try *t, uint8_t *to)
{
	memcpy(to, t->q->msg, t->q->len);
	dns_set_id(to, t->id);
}

/* Connects, and sends over UDP. -errno: this server cannot be asked. */
static int try_start(struct try *t, bool tcp)
{
	struct query *q = t->q;
	struct dns *d = q->d;
	struct sockaddr_storage to;
	socklen_t len = server_address(&q->servers[t->server], &to);
	autofree uint8_t *buf = xmalloc(q->len + 2);

	if (d->tries >= TRIES_ALL)
		return -EMFILE;
	autoclose int fd = socket(
		to.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS))
		return -errno;
	t->id = (uint16_t)rand_u64();
	t->tcp = tcp;
	t->sent = false;
	t->done = 0;
	t->want = q->len + 2;
	buf[0] = (uint8_t)(q->len >> 8);
	buf[1] = (uint8_t)q->len;
	set_message(t, buf + 2);
	if (!tcp && send(fd, buf + 2, q->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	t->w = (struct watch){.fd = -1, .fn = tcp ? on_tcp_answer : on_udp_answer, .arg = t};
	int r = loop_add(&d->np->loop, &t->w, fd, tcp ? EPOLLOUT : EPOLLIN);
	if (r < 0)
		return r;
	if (tcp)
		t->buf = take(buf);
	take_fd(fd);
	t->open = true;
	d->tries++;
	return 0;
}

/* The next server that can be asked at all; afterwards the query may be over. */
static void ask_next(struct query *q)
{
	while (q->asked < TRIES) {
		struct try *t = &q->tries[q->asked];
		t->q = q;
		t->w.fd = -1;
		t->server = (uint8_t)(q->asked++ % q->nservers);
		q->next_at = time_mono_ms() + NEXT_MS;
		int r = try_start(t, false);
		if (r == 0) {
			dns_due(q->d, q->next_at);
			return;
		}
		if (r == -EMFILE || r == -ENFILE)
			break;
		failed(q->d, &q->servers[t->server].ip, true);
		if (q->asked >= q->nservers)
			break;
	}
	if (!is_asking(q))
		query_give_up(q);
}

/* ---- from and to the rest */

/* How many questions of this member are under way. */
static size_t count_waiters(const struct dns *d, const struct member *m)
{
	size_t n = 0;

	for (const struct query *q = d->queries; q; q = q->next)
		for (const struct dns_waiter *w = q->waiters; w; w = w->next)
			n += w->client.member == m;
	return n;
}

/* The same question, bytes and all but for the id, to the same servers. */
static struct query *find_same(const struct dns *d, const struct member *of, const uint8_t *msg,
			       size_t n)
{
	for (struct query *q = d->queries; q; q = q->next)
		if (!q->over && q->of == of && q->len == n && !memcmp(q->msg + 2, msg + 2, n - 2))
			return q;
	return NULL;
}

static bool is_repeated(const struct query *q, const struct dns_client *c, uint16_t id)
{
	if (c->conn)
		return false;
	for (const struct dns_waiter *w = q->waiters; w; w = w->next)
		if (!w->client.conn && w->id == id &&
		    !memcmp(&w->client.from, &c->from, sizeof c->from))
			return true;
	return false;
}

static void add_waiter(struct query *q, const struct dns_client *c, uint16_t id)
{
	struct dns_waiter *w = xcalloc(1, sizeof *w);

	w->client = *c;
	w->id = id;
	w->next = q->waiters;
	q->waiters = w;
	q->d->waiters++;
}

void dns_upstream_ask(struct dns *d, const struct dns_client *c, const struct dns_question *q,
		      const uint8_t *msg, size_t n)
{
	const struct member *of = c->member->dns.n ? c->member : NULL;
	struct query *same = find_same(d, of, msg, n);

	if (same && is_repeated(same, c, q->id))
		return; /* the client grew impatient: its answer is on the way */
	if (d->waiters >= DNS_WAITERS || count_waiters(d, c->member) >= DNS_WAITERS_MEMBER) {
		dns_answer_error(d, c, q, msg, DNS_SERVFAIL, DNS_EDE_OTHER,
				 "hoy: too many questions at once");
		return;
	}
	if (same) {
		add_waiter(same, c, q->id);
		return;
	}
	struct query *fresh = xcalloc(1, sizeof *fresh + n);
	fresh->d = d;
	fresh->of = of;
	fresh->q = *q;
	fresh->len = n;
	memcpy(fresh->msg, msg, n);
	choose_servers(fresh, c->member);
	if (!fresh->nservers) {
		free(fresh);
		dns_answer_error(d, c, q, msg, DNS_SERVFAIL, DNS_EDE_NO_AUTHORITY,
				 "hoy: this machine's /etc/resolv.conf names no server");
		return;
	}
	add_waiter(fresh, c, q->id);
	fresh->next = d->queries;
	d->queries = fresh;
	fresh->give_up_at = time_mono_ms() + GIVE_UP_MS;
	dns_due(d, fresh->give_up_at);
	ask_next(fresh);
}

static bool is_due(const struct query *q, int64_t now)
{
	return !q->over && (q->give_up_at <= now || (q->next_at <= now && q->asked < TRIES));
}

int64_t dns_upstream_tick(struct dns *d, int64_t now)
{
	int64_t next = 0;

	/* Answering one may end others: each time from the start. */
	for (struct query *q = d->queries; q;) {
		if (!is_due(q, now)) {
			q = q->next;
			continue;
		}
		if (q->give_up_at <= now)
			query_give_up(q);
		else
			ask_next(q);
		q = d->queries;
	}
	for (struct query *q = d->queries; q; q = q->next) {
		int64_t at =
			q->asked < TRIES && q->next_at < q->give_up_at ? q->next_at : q->give_up_at;
		if (!next || at < next)
			next = at;
	}
	return next;
}

static void forget_waiters(struct query *q, const struct member *m, const struct dns_conn *c)
{
	for (struct dns_waiter **p = &q->waiters, *w; (w = *p);) {
		if ((m && w->client.member != m) || (c && w->client.conn != c)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		q->d->waiters--;
		free(w);
	}
}

void dns_upstream_forget(struct dns *d, const struct member *m, const struct dns_conn *c)
{
	for (struct query *q = d->queries, *after; q; q = after) {
		after = q->next;
		forget_waiters(q, m, c);
		if (!q->waiters && !q->over)
			query_free(q);
	}
}
