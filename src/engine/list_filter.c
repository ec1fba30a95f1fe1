#include <regex.h>

#include "base/base.h"
#include "base/parse.h"
#include "engine/list_filter.h"
#include "engine/port_text.h"
#include "net/network.h"
#include "store/images.h"

enum kind {
	F_ID,
	F_NAME,
	F_COMMAND,
	F_LABEL,
	F_NOT_LABEL,
	F_STATUS,
	F_EXITED,
	F_ANCESTOR,
	F_BEFORE,
	F_SINCE,
	F_UNTIL,
	F_VOLUME,
	F_NETWORK,
	F_HEALTH,
	F_POD,
	F_RESTART,
	F_PUBLISH,
	F_EXPOSE,
	F_TASK,
	F_BOOT,
	F_KINDS
};

struct list_filter {
	enum kind kind;
	const char *text;
	struct timespec time;
	int64_t code;
	regex_t re;
	bool has_re;
	const char *image_id; /* ancestor: its id, if it is in the store */
	struct strs layers;   /* and its diffIDs */
	unsigned ports[2];    /* publish, expose: the first and the last */
	const char *protocol;
};

static const char *const keys[F_KINDS] = {
	[F_ID] = "id",
	[F_NAME] = "name",
	[F_COMMAND] = "command",
	[F_LABEL] = "label",
	[F_NOT_LABEL] = "label!",
	[F_STATUS] = "status",
	[F_EXITED] = "exited",
	[F_ANCESTOR] = "ancestor",
	[F_BEFORE] = "before",
	[F_SINCE] = "since",
	[F_UNTIL] = "until",
	[F_VOLUME] = "volume",
	[F_NETWORK] = "network",
	[F_HEALTH] = "health",
	[F_POD] = "pod",
	[F_RESTART] = "restart-policy",
	[F_PUBLISH] = "publish",
	[F_EXPOSE] = "expose",
	[F_TASK] = "is-task",
	[F_BOOT] = "should-start-on-boot",
};

/* The values of keys that have few. Of is-task the first one fits every container of hoy, the others none. */
static const char *const choices[F_KINDS][6] = {
	[F_HEALTH] = {"none", "starting", "healthy", "unhealthy"},
	[F_RESTART] = {"no", "always", "on-failure", "unless-stopped"},
	[F_TASK] = {"false", "true"},
	[F_BOOT] = {"false", "true"},
};

static int bad(struct err *e, const char *text, const char *why)
{
	scoped(str) known = {0};

	for (int k = 0; k < F_KINDS; k++)
		str_addf(&known, " %s", keys[k]);
	err_fail(e, ERR_USAGE, "filter \"%.100s\": %s", text, why);
	return err_hint(e, "filters are KEY=VALUE:%s", known.s);
}

static int parse_choice(const struct list_filter *f, const char *whole, struct err *e)
{
	scoped(str) why = {0};

	for (const char *const *c = choices[f->kind]; *c; c++) {
		if (!strcmp(*c, f->text))
			return 0;
		str_addf(&why, "%s%s", why.len ? ", " : "the values are ", *c);
	}
	return bad(e, whole, why.s);
}

static int parse_regex(struct list_filter *f, const char *whole, struct err *e)
{
	if (regcomp(&f->re, f->text, REG_EXTENDED | REG_NOSUB) != 0)
		return bad(e, whole, "the value is not a regular expression");
	f->has_re = true;
	return 0;
}

static int parse_status(struct list_filter *f, const char *whole, struct err *e)
{
	static const char *const known[] = {"created",	  "running",  "exited",	    "lost",
					    "paused",	  "dead",     "removing",   "restarting",
					    "stopped",	  "stopping", "configured", "unknown",
					    "initialized"};

	if (!strcmp(f->text, "stopped")) /* podman's other word for exited */
		f->text = "exited";
	for (size_t i = 0; i < countof(known); i++)
		if (!strcmp(known[i], f->text))
			return 0;
	return bad(e, whole, "the states are created, running, paused, restarting, exited, lost");
}

/* The moment at which a container that the user named was made. */
static int moment_of(const struct home *h, struct list_filter *f, struct err *e)
{
	scoped(arena) a = {0};
	struct container_state s;
	char id[CONTAINER_ID_LEN + 1];
	int r = container_resolve(h, f->text, id, e);

	if (r == 0)
		r = container_state_read(h, id, &s, &a, e);
	if (r == 0 && (!s.created || parse_rfc3339(s.created, &f->time) < 0))
		return err_fail(e, ERR_CONTAINER_UNKNOWN,
				"container %s does not say when it was made", f->text);
	return r;
}

static void find_ancestor(const struct home *h, struct list_filter *f, struct arena *a)
{
	scoped(image) im = {0};
	struct err ignored;

	if (image_lookup(h, f->text, &im, &ignored) < 0)
		return; /* it may be gone: the names that containers remember still count */
	f->image_id = arena_strdup(a, im.id);
	for (size_t i = 0; i < im.doc.rootfs.diff_ids.n; i++)
		strs_add(a, &f->layers, im.doc.rootfs.diff_ids.v[i]);
}

/* PORT[-PORT][/PROTOCOL] */
static int parse_ports(struct list_filter *f, const char *whole, struct arena *a, struct err *e)
{
	const char *slash = strchr(f->text, '/');
	char *first =
		arena_strndup(a, f->text, slash ? (size_t)(slash - f->text) : strlen(f->text));
	char *dash = strchr(first, '-');
	uint64_t from, to;

	if (dash)
		*dash = 0;
	f->protocol = slash ? slash + 1 : "tcp";
	if (parse_u64(first, 65535, &from) < 0 ||
	    parse_u64(dash ? dash + 1 : first, 65535, &to) < 0 || !from || to < from ||
	    (strcmp(f->protocol, "tcp") && strcmp(f->protocol, "udp") &&
	     strcmp(f->protocol, "sctp")))
		return bad(e, whole,
			   "the value is a port or a range of them, /tcp or /udp behind it");
	f->ports[0] = (unsigned)from;
	f->ports[1] = (unsigned)to;
	return 0;
}

static int parse_one(const struct home *h, const char *text, struct list_filter *f, struct arena *a,
		     struct err *e)
{
	const char *eq = strchr(text, '=');
	int k = 0;

	if (!eq)
		return bad(e, text, "there is no =");
	while (k < F_KINDS && !(strlen(keys[k]) == (size_t)(eq - text) &&
				!strncmp(keys[k], text, (size_t)(eq - text))))
		k++;
	f->kind = k;
	f->text = eq + 1;
	switch (k) {
	case F_ID:
		if (!f->text[strspn(f->text, "0123456789abcdefABCDEF")])
			return 0;
		return parse_regex(f, text, e);
	case F_NAME:
	case F_COMMAND:
		return parse_regex(f, text, e);
	case F_HEALTH:
	case F_RESTART:
	case F_TASK:
	case F_BOOT:
		return parse_choice(f, text, e);
	case F_STATUS:
		return parse_status(f, text, e);
	case F_EXITED:
		return parse_i64(f->text, 0, 255, &f->code) == 0
			       ? 0
			       : bad(e, text, "the value is an exit code, 0 to 255");
	case F_ANCESTOR:
		find_ancestor(h, f, a);
		return 0;
	case F_BEFORE:
	case F_SINCE:
		return moment_of(h, f, e);
	case F_UNTIL:
		return parse_moment(f->text, &f->time) == 0
			       ? 0
			       : bad(e, text, "the value is a time or a duration (24h)");
	case F_PUBLISH:
	case F_EXPOSE:
		return parse_ports(f, text, a, e);
	case F_KINDS:
		return bad(e, text, "there is no such key");
	default:
		return 0;
	}
}

int list_filters_parse(const struct home *h, const struct strs *texts, struct arena *a,
		       struct list_filters *ret, struct err *e)
{
	*ret = (struct list_filters){0};
	ret->v = arena_alloc(a, (texts->n + 1) * sizeof *ret->v);
	for (size_t i = 0; i < texts->n; i++) {
		struct list_filter *f = &ret->v[ret->n++];
		int r = parse_one(h, texts->v[i], f, a, e);
		if (r < 0)
			return r;
		ret->all |= f->kind == F_STATUS;
		ret->config |= f->kind == F_VOLUME || f->kind == F_NETWORK ||
			       (f->kind == F_ANCESTOR && f->layers.n);
	}
	return 0;
}

void list_filters_free(struct list_filters *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].has_re)
			regfree(&f->v[i].re);
}

/* docker shows names with a leading slash to patterns that ask for one. */
static bool fits_name(const struct list_filter *f, const char *name)
{
	char slashed[256];

	if (regexec(&f->re, name, 0, NULL, 0) == 0)
		return true;
	snprintf(slashed, sizeof slashed, "/%s", name);
	return strchr(f->text, '/') && regexec(&f->re, slashed, 0, NULL, 0) == 0;
}

/* Does the name that the container remembers its image by mean the same as text? Both with or without tag and registry. */
static bool same_name(const char *image, const char *text)
{
	size_t n = strlen(image), k = strlen(text);

	if (n < k)
		return false;
	for (const char *p = image; (p = strstr(p, text)); p++) {
		bool starts = p == image || p[-1] == '/';
		if (starts && (!p[k] || !strcmp(p + k, ":latest")))
			return true;
	}
	return false;
}

static bool fits_ancestor(const struct list_filter *f, const struct list_item *it)
{
	const struct strs *l = &it->config.layers;

	if (!f->image_id)
		return it->s.image && *f->text && same_name(it->s.image, f->text);
	if (str_eq(f->image_id, it->s.image_id))
		return true;
	if (!f->layers.n || l->n <= f->layers.n) /* as many: which came first is not known */
		return false;
	for (size_t i = 0; i < f->layers.n; i++)
		if (strcmp(f->layers.v[i], l->v[i]))
			return false;
	return true;
}

static bool fits_volume(const struct list_filter *f, const struct container_config *c)
{
	const struct config_mount *m = c->mounts.v;
	const char *colon = strchr(f->text, ':');

	for (size_t i = 0; i < c->mounts.n; i++) {
		const char *from = !strcmp(m[i].type, "volume") ? m[i].name : m[i].source;
		size_t n = from ? strlen(from) : 0;
		if (str_eq(from, f->text) || str_eq(m[i].destination, f->text))
			return true;
		if (colon && n == (size_t)(colon - f->text) &&
		    !strncmp(from ? from : "", f->text, n) && str_eq(m[i].destination, colon + 1))
			return true;
	}
	return false;
}

/* By name, or the beginning of the id; host and none are networks too. */
static bool fits_network(const char *text, const struct list_item *it)
{
	if (str_eq(it->s.network, text))
		return !str_eq(text, "bridge") || strs_has(&it->networks, "bridge");
	if (strs_has(&it->networks, network_is_default(text) ? NETWORK_DEFAULT : text))
		return true;
	for (size_t i = 0; i < it->network_ids.n; i++)
		if (strlen(text) >= 12 && str_starts(it->network_ids.v[i], text))
			return true;
	return false;
}

static int compare(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

static bool fits(const struct list_filter *f, const struct list_item *it)
{
	switch (f->kind) {
	case F_ID:
		if (f->has_re)
			return regexec(&f->re, it->s.id, 0, NULL, 0) == 0;
		return !strncasecmp(it->s.id, f->text, strlen(f->text));
	case F_NAME:
		return fits_name(f, it->s.name);
	case F_COMMAND:
		return it->s.command.n && regexec(&f->re, it->s.command.v[0], 0, NULL, 0) == 0;
	case F_LABEL:
		return pairs_fit(&it->s.labels, f->text);
	case F_NOT_LABEL:
		return !pairs_fit(&it->s.labels, f->text);
	case F_STATUS:
		return !strcmp(container_status_text(it->status, &it->s), f->text);
	case F_EXITED:
		return it->status == CONTAINER_EXITED && it->s.exit_code == f->code;
	case F_ANCESTOR:
		return fits_ancestor(f, it);
	case F_BEFORE:
	case F_UNTIL:
		return compare(it->created, f->time) < 0;
	case F_SINCE:
		return compare(it->created, f->time) > 0;
	case F_VOLUME:
		return fits_volume(f, &it->config);
	case F_NETWORK:
		return fits_network(f->text, it);
	case F_PUBLISH:
		return ports_published(&it->s, f->ports[0], f->ports[1], f->protocol);
	case F_EXPOSE:
		return ports_has_exposed(&it->s, f->ports[0], f->ports[1], f->protocol);
	case F_RESTART:
		return !strcmp(f->text, restart_policy_name(it->policy));
	case F_BOOT:
		return it->on_boot == !strcmp(f->text, "true");
	case F_HEALTH:
		return !strcmp(f->text, it->health ? it->health : "none");
	case F_TASK:
		return !strcmp(f->text, choices[f->kind][0]);
	case F_POD:
	case F_KINDS:
		break;
	}
	return false;
}

bool list_filters_fit(const struct list_filters *fs, const struct list_item *it)
{
	bool asked[F_KINDS] = {false}, met[F_KINDS] = {false};

	for (size_t i = 0; i < fs->n; i++) {
		const struct list_filter *f = &fs->v[i];
		bool ok = fits(f, it);
		if (!ok && (f->kind == F_LABEL || f->kind == F_NOT_LABEL))
			return false;
		asked[f->kind] = true;
		met[f->kind] |= ok;
	}
	for (int k = 0; k < F_KINDS; k++)
		if (asked[k] && !met[k])
			return false;
	return true;
}
