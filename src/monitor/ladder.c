#include "base/base.h"
#include "data/bind.h"
#include "monitor/ladder.h"
#include "monitor/usernet.h"
#include "net/probe.h"

#define FILE_NAME "networks/.instead"

/* Best first; "none" needs nothing. */
static const char *const rungs[] = {"pasta", "slirp4netns", "none"};

struct record {
	const char *boot, *instead, *why, *hint;
};

static const struct bind_field fields[] = {
	{"Boot", BIND_STR, offsetof(struct record, boot), .flags = BIND_REQUIRED},
	{"Instead", BIND_STR, offsetof(struct record, instead), .flags = BIND_REQUIRED},
	{"Why", BIND_STR, offsetof(struct record, why)},
	{"Hint", BIND_STR, offsetof(struct record, hint)},
	{0},
};

static void fill(const struct record *v, struct ladder *ret)
{
	for (size_t i = 0; i < countof(rungs); i++)
		if (str_eq(v->instead, rungs[i]))
			ret->instead = rungs[i];
	snprintf(ret->why, sizeof ret->why, "%s", v->why ? v->why : "");
	snprintf(ret->hint, sizeof ret->hint, "%s", v->hint ? v->hint : "");
}

void ladder_read(const struct home *h, struct ladder *ret)
{
	scoped(str) text = {0};
	scoped(arena) a = {0};
	struct record v = {0};

	*ret = (struct ladder){0};
	if (fd_read_file_at(h->fd, FILE_NAME, &text, 8192) < 0)
		return;
	struct json *doc = json_parse(&a, str_cstr(&text), text.len, FILE_NAME, NULL, NULL);
	if (doc && bind_read(fields, &v, doc, FILE_NAME, &a, NULL) == 0 &&
	    str_eq(v.boot, h->boot_id))
		fill(&v, ret);
}

static void keep(const struct home *h, const struct ladder *l)
{
	const struct record v = {h->boot_id, l->instead, l->why, l->hint};
	scoped(str) text = {0};
	scoped(arena) a = {0};

	json_write(&text, bind_write(fields, &v, &a), 0);
	fd_replace_at(h->fd, FILE_NAME, text.s, text.len, 0600, false); /* else it is tried again */
}

void ladder_forget(const struct home *h)
{
	unlinkat(h->fd, FILE_NAME, 0);
}

/* The other programs need TUN devices too. */
static bool lacks_tun(const struct net_probe *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (!strcmp(p->missing[i].what, PROBE_TUN))
			return true;
	return false;
}

static void choose_rung(const struct net_probe *p, const struct err *missing, struct ladder *ret)
{
	struct record v = {.why = missing->msg, .hint = missing->hint};

	for (size_t i = 0; i < countof(rungs) && !v.instead; i++) {
		bool none = !strcmp(rungs[i], "none");
		autofree char *path = none || lacks_tun(p) ? NULL : path_find_program(rungs[i]);
		if (path || none)
			v.instead = rungs[i];
	}
	fill(&v, ret);
	ret->effect =
		!strcmp(v.instead, "pasta")	    ? "pasta makes it until the next boot"
		: !strcmp(v.instead, "slirp4netns") ? "slirp4netns makes it until the next boot"
		: lacks_tun(p) ? "the container has no network, for pasta and slirp4netns "
				 "need them too"
			       : "the container has no network, for neither pasta (package passt) "
				 "nor slirp4netns is installed";
}

bool ladder_explain(const struct home *h, bool choose, struct ladder *ret, struct err *e)
{
	struct net_probe probe;
	struct err why = {0};

	*ret = (struct ladder){0};
	if (netns_probe(&probe, &why) < 0 || probe.ok)
		return false;
	netns_probe_error(&probe, e);
	if (choose) {
		choose_rung(&probe, e, ret);
		keep(h, ret);
	}
	return true;
}
