/*
 * How the maps are read: [FLAGS]INSIDE:[@]OUTSIDE[:COUNT], several behind each other with colons. "@": OUTSIDE is an id of the machine. "u", "g": for the
 * uids or the gids only; both as with none. "+": the range goes before all others, and what is left of the user's ids fills
 * the rest of the container's. A list that is not given is the other one's.
 */
#include "base/base.h"
#include "base/parse.h"
#include "engine/userns_opts.h"
#include "runtime/user.h"
#include "state/u0.h"
#include "sys/idmap.h"

/* One of the two kinds. */
struct side {
	const char *flag, *kind; /* "--uidmap", "uid" */
	bool group;
	const struct id_map *parent;
	struct id_map map;
};

static int no_ids(const char *what, const char *kind, const struct id_range *gap,
		  const struct id_map *has, struct err *e)
{
	err_fail_code(e, ERR_ID_RANGE, ERANGE,
		      "%s: the %ss %u to %u are not there: you have %" PRIu64
		      ", of which 0 is yourself",
		      what, kind, gap->outside, gap->outside + gap->count - 1, idmap_count(has));
	return err_hint(e, "hoy info shows them; more: usermod --add-subuids FIRST-LAST "
			   "--add-subgids FIRST-LAST USER");
}

static int one_id(const char *what, struct err *e)
{
	err_fail_code(e, ERR_ID_RANGE, ERANGE,
		      "%s: there is one id only here, your own, and no others to map", what);
	return err_hint(e, "subordinate ids and the package uidmap give more (hoy info); "
			   "--userns keep-id works with one");
}

/* ---- --uidmap and --gidmap */

struct triple {
	uint32_t inside, outside, count;
	bool at, extends, uids, gids;
};

static int bad_triple(const struct side *s, const char *text, struct err *e)
{
	err_fail(e, ERR_USAGE, "%s \"%.80s\" is not a map of ids", s->flag, text);
	return err_hint(e, "[+ug]INSIDE:[@]OUTSIDE[:COUNT], as in 0:1:1000 or +1000:@1000");
}

static int parse_triple(const struct side *s, char *const *part, const char *text,
			struct triple *ret, struct err *e)
{
	const char *p = part[0];
	uint64_t in, out, n;

	*ret = (struct triple){0};
	for (; *p && strchr("+ug", *p); p++) {
		ret->extends |= *p == '+';
		ret->uids |= *p == 'u';
		ret->gids |= *p == 'g';
	}
	if (!ret->uids && !ret->gids)
		ret->uids = ret->gids = true;
	ret->at = part[1][0] == '@';
	if (parse_u64(p, UINT32_MAX - 1, &in) < 0 ||
	    parse_u64(part[1] + ret->at, UINT32_MAX - 1, &out) < 0 ||
	    parse_u64(part[2], UINT32_MAX, &n) < 0 || !n || in + n > UINT32_MAX ||
	    out + n > UINT32_MAX)
		return bad_triple(s, text, e);
	ret->inside = (uint32_t)in;
	ret->outside = (uint32_t)out;
	ret->count = (uint32_t)n;
	return 0;
}

static int too_many(const struct side *s, struct err *e)
{
	err_fail(e, ERR_ID_RANGE, "%s: more than %d ranges", s->flag, ID_RANGES_MAX);
	return err_hint(e, "join ranges that follow each other");
}

/* Adds it, cut where ids of the machine that follow each other do not in U0. */
static int add_triple(struct side *s, struct triple t, const char *text, struct err *e)
{
	int r = 0;

	while (t.count && r == 0) {
		uint32_t n = t.at ? 1 : t.count;
		int64_t out = t.at ? idmap_in(s->parent, t.outside) : t.outside;
		if (out < 0) {
			err_fail_code(e, ERR_ID_RANGE, ERANGE,
				      "%s \"%.80s\": the %s %u of this machine is not yours",
				      s->flag, text, s->kind, t.outside);
			return err_hint(e, "hoy info shows which ids are");
		}
		while (t.at && n < t.count && idmap_in(s->parent, t.outside + n) == out + n)
			n++;
		r = t.extends ? idmap_put(&s->map, t.inside, (uint32_t)out, n)
			      : idmap_add(&s->map, t.inside, (uint32_t)out, n);
		t.inside += n;
		t.outside += n;
		t.count -= n;
	}
	return r < 0 ? too_many(s, e) : 0;
}

/* One word of a list; *fill: the rest of the ids is wanted too. */
static int add_word(struct side *s, const char *text, bool *fill, struct err *e)
{
	scoped(strv) part = {0};
	int r = 0;

	strv_split(&part, text, ':');
	if (part.n == 2)
		strv_add(&part, "1");
	if (!part.n || part.n % 3)
		return bad_triple(s, text, e);
	for (size_t i = 0; i < part.n && r == 0; i += 3) {
		struct triple t;
		r = parse_triple(s, part.v + i, text, &t, e);
		if (r < 0 || !(s->group ? t.gids : t.uids))
			continue;
		*fill |= t.extends;
		r = add_triple(s, t, text, e);
	}
	return r;
}

/* The ranges of another name in /etc/subuid, as ids of the machine. */
static int add_name(struct side *s, const char *name, struct err *e)
{
	struct id_map named = {.n = 0};
	uint64_t id;
	uint32_t uid = parse_u64(name, UINT32_MAX - 1, &id) == 0 ? (uint32_t)id : UINT32_MAX;
	const char *file = s->group ? "/etc/subgid" : "/etc/subuid";
	int r = 0;

	if (userns_subids(file, name, uid, 0, &named) <= 0) {
		err_fail(e, ERR_ID_RANGE, "--sub%sname %.80s: no line of %s has this name", s->kind,
			 name, file);
		return err_hint(e, "the lines there are NAME:FIRST:COUNT");
	}
	for (size_t i = 0; i < named.n && r == 0; i++) {
		const struct id_range *n = &named.r[i];
		const struct triple t = {n->inside, n->outside, n->count, .at = true};
		r = add_triple(s, t, name, e);
	}
	return r;
}

static int check_side(struct side *s, struct err *e)
{
	struct id_map pieces;
	struct id_range gap;
	const struct id_range *twice = idmap_conflict(&s->map);

	if (twice) {
		err_fail(e, ERR_USAGE,
			 "%s: the range %u:%u:%u has ids that another range has already", s->flag,
			 twice->inside, twice->outside, twice->count);
		return err_hint(e, "each id is mapped once, inside and outside; + before a range "
				   "lets it go before the others");
	}
	idmap_sort(&s->map);
	if (s->map.n && idmap_out(&s->map, 0) < 0) {
		err_fail(e, ERR_USAGE, "%s: the container's %s 0 is not mapped", s->flag, s->kind);
		return err_hint(e, "the files of every image belong to it: add a range such as "
				   "0:1:1000");
	}
	int r = idmap_split(&s->map, s->parent, &pieces, &gap);
	if (r == -ERANGE)
		return no_ids(s->flag, s->kind, &gap, s->parent, e);
	return r < 0 ? too_many(s, e) : 0;
}

static int read_side(struct side *s, const struct strs *words, const char *name, struct err *e)
{
	bool fill = false;
	int r = str_is_empty(name) ? 0 : add_name(s, name, e);

	for (size_t i = 0; i < words->n && r == 0; i++)
		if (*words->v[i])
			r = add_word(s, words->v[i], &fill, e);
	if (r == 0 && !s->map.n) /* all were for the other side */
		fill = true;
	if (r == 0 && fill && idmap_fill(&s->map, s->parent) < 0)
		r = too_many(s, e);
	return r < 0 ? r : check_side(s, e);
}

static const char *either(const char *a, const char *b)
{
	return str_is_empty(a) ? b : a;
}

static int set_maps(const struct userns_opts *o, const struct u0_map *u0,
		    struct container_config *c, struct arena *a, struct err *e)
{
	struct side u = {"--uidmap", "uid", false, &u0->uids, {.n = 0}};
	struct side g = {"--gidmap", "gid", true, &u0->gids, {.n = 0}};
	int r = read_side(&u, o->uidmap.n ? &o->uidmap : &o->gidmap,
			  either(o->subuidname, o->subgidname), e);

	if (r == 0)
		r = read_side(&g, o->gidmap.n ? &o->gidmap : &o->uidmap,
			      either(o->subgidname, o->subuidname), e);
	c->userns = "private";
	if (r == 0 && u0->form != FORM_ONE) /* there it can only be all that there is */
		userns_opts_put(c, &u.map, &g.map, a);
	return r;
}

void userns_opts_put(struct container_config *c, const struct id_map *uids,
		     const struct id_map *gids, struct arena *a)
{
	const struct id_map *m[] = {uids, gids};
	struct bind_list *l[] = {&c->uid_map, &c->gid_map};

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < m[k]->n; i++) {
			struct config_ids *x = bind_append(a, l[k], sizeof *x);
			*x = (struct config_ids){m[k]->r[i].inside, m[k]->r[i].outside,
						 m[k]->r[i].count};
		}
}

/* ---- --userns */

static int bad_option(const char *mode, const char *word, const char *known, struct err *e)
{
	err_fail(e, ERR_USAGE, "--userns \"%.80s\": \"%.40s\" is no option of it", mode, word);
	return err_hint(e, "%s", known);
}

/* KEY=NUMBER; false: another key, or no number from min to max. */
static bool number(const char *word, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	size_t n = strlen(key);

	return !strncmp(word, key, n) && word[n] == '=' && parse_u64(word + n + 1, max, ret) == 0 &&
	       *ret >= min;
}

/* Maps id of the container to the user, and the others, size in all, to those that follow. */
static int keep(uint64_t id, uint64_t size, const struct id_map *parent, struct id_map *ret)
{
	uint64_t n = idmap_count(parent);
	uint32_t total = (uint32_t)(size && size < n ? size : n < UINT32_MAX ? n : UINT32_MAX);
	uint32_t below = id < total ? (uint32_t)id : total - 1;
	int r = idmap_add(ret, 0, 1, below);

	if (r == 0)
		r = idmap_add(ret, (uint32_t)id, 0, 1);
	if (r == 0 && total > below + 1)
		r = idmap_add(ret, (uint32_t)id + 1, below + 1, total - below - 1);
	return r;
}

static int set_keep_id(const char *mode, const struct u0_map *u0, struct container_config *c,
		       struct arena *a, struct err *e)
{
	uint64_t uid = geteuid(), gid = getegid(), size = 0;
	struct id_map uids = {.n = 0}, gids = {.n = 0};
	struct config_process *p = &c->process;
	bool named = !mode[7]; /* another id is nobody in particular */
	scoped(strv) words = {0};

	if (mode[7])
		strv_split(&words, mode + 8, ',');
	for (size_t i = 0; i < words.n; i++)
		if (!number(words.v[i], "uid", 0, UINT32_MAX / 2, &uid) &&
		    !number(words.v[i], "gid", 0, UINT32_MAX / 2, &gid) &&
		    !number(words.v[i], "size", 1, UINT32_MAX, &size))
			return bad_option(mode, words.v[i], "uid=ID, gid=ID and size=NUMBER", e);
	autofree char *name = named ? u0_user_name(geteuid()) : NULL;
	c->keep_name = name ? arena_strdup(a, name) : NULL;
	c->keep_uid = (int64_t)uid;
	c->keep_gid = (int64_t)gid;
	if (str_is_empty(p->user))
		p->user = arena_printf(a, "%" PRIu64 ":%" PRIu64, uid, gid);
	if (u0->form == FORM_ONE)
		return 0;
	if (!strs_has(&p->groups, USER_KEEP_GROUPS))
		strs_add(a, &p->groups, arena_printf(a, "%" PRIu64, gid));
	if (keep(uid, size, &u0->uids, &uids) < 0 || keep(gid, size, &u0->gids, &gids) < 0)
		return err_fail(e, ERR_ID_RANGE, "--userns %.80s: the ids do not fit", mode);
	userns_opts_put(c, &uids, &gids, a);
	return 0;
}

/* The container has everybody's ids but the user's. */
static int set_nomap(const struct u0_map *u0, struct container_config *c, struct arena *a,
		     struct err *e)
{
	struct id_map uids = {.n = 0}, gids = {.n = 0};

	if (u0->form == FORM_ROOT) {
		err_fail(e, ERR_USAGE, "--userns nomap is for ordinary users");
		return err_hint(e, "--userns auto, or --uidmap 0:100000:65536, keeps root out");
	}
	if (u0->form == FORM_ONE)
		return one_id("--userns nomap", e);
	idmap_add(&uids, 0, 1, (uint32_t)idmap_count(&u0->uids) - 1);
	idmap_add(&gids, 0, 1, (uint32_t)idmap_count(&u0->gids) - 1);
	userns_opts_put(c, &uids, &gids, a);
	return 0;
}

static int set_auto(const char *mode, const struct u0_map *u0, struct userns_auto *ret,
		    struct err *e)
{
	struct side u = {"--userns auto:uidmapping", "uid", false, &u0->uids, {.n = 0}};
	struct side g = {"--userns auto:gidmapping", "gid", true, &u0->gids, {.n = 0}};
	scoped(strv) words = {0};
	bool fill = false;
	uint64_t size = 0;
	int r = 0;

	if (u0->form == FORM_ONE)
		return one_id("--userns auto", e);
	if (mode[4])
		strv_split(&words, mode + 5, ',');
	for (size_t i = 0; i < words.n && r == 0; i++) {
		const char *w = words.v[i];
		if (str_starts(w, "uidmapping="))
			r = add_word(&u, w + 11, &fill, e);
		else if (str_starts(w, "gidmapping="))
			r = add_word(&g, w + 11, &fill, e);
		else if (!number(w, "size", 1, UINT32_MAX / 2, &size))
			r = bad_option(mode, w,
				       "size=NUMBER, uidmapping=INSIDE:OUTSIDE:COUNT and "
				       "gidmapping=INSIDE:OUTSIDE:COUNT",
				       e);
	}
	*ret = (struct userns_auto){true, (uint32_t)size, u.map, g.map};
	return r;
}

/* The same ids as another container. Not the same namespace: that holds a container's processes together (sys/strays.h). */
static int set_container(const struct home *h, const char *name, struct container_config *c,
			 struct arena *a, struct err *e)
{
	struct container other;
	int r = container_open(h, name, &other, e);

	if (r == 0)
		r = container_load_config(&other, e);
	if (r == 0) {
		const struct bind_list *from[] = {&other.config.uid_map, &other.config.gid_map};
		struct bind_list *to[] = {&c->uid_map, &c->gid_map};
		for (size_t k = 0; k < 2; k++)
			for (size_t i = 0; i < from[k]->n; i++)
				*(struct config_ids *)bind_append(a, to[k],
								  sizeof(struct config_ids)) =
					((const struct config_ids *)from[k]->v)[i];
		c->userns = arena_printf(a, "container:%s", other.id);
	}
	container_free(&other);
	return r;
}

/* Is it the word, alone or with a colon and options behind it? */
static bool is_mode(const char *mode, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(mode, word, n) && (!mode[n] || (mode[n] == ':' && mode[n + 1]));
}

static int set_mode(const struct home *h, const char *mode, const struct u0_map *u0,
		    struct container_config *c, struct userns_auto *ret, struct arena *a,
		    struct err *e)
{
	c->userns = arena_strdup(a, mode);
	if (!strcmp(mode, "host") || !strcmp(mode, "private"))
		return 0;
	if (!strcmp(mode, "nomap"))
		return set_nomap(u0, c, a, e);
	if (is_mode(mode, "keep-id"))
		return set_keep_id(mode, u0, c, a, e);
	if (is_mode(mode, "auto"))
		return set_auto(mode, u0, ret, e);
	if (str_starts(mode, "container:") && mode[10])
		return set_container(h, mode + 10, c, a, e);
	if (str_starts(mode, "ns:")) {
		err_fail(
			e, ERR_USAGE,
			"--userns \"%.80s\": a container's user namespace is always one of its own",
			mode);
		return err_hint(e, "its ids can be those of another container (container:NAME), or "
				   "any of yours (--uidmap)");
	}
	err_fail(e, ERR_USAGE, "--userns \"%.80s\": there is no such mode", mode);
	return err_hint(e, "host, keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], "
			   "nomap, private or container:NAME");
}

int userns_opts_set(const struct home *h, const struct userns_opts *o, struct container_config *c,
		    struct userns_auto *ret_auto, struct arena *a, struct err *e)
{
	bool maps = o->uidmap.n || o->gidmap.n || !str_is_empty(o->subuidname) ||
		    !str_is_empty(o->subgidname);
	const char *mode = o->mode ? o->mode : maps ? NULL : getenv("PODMAN_USERNS");
	struct u0_map u0;

	*ret_auto = (struct userns_auto){.on = false};
	if (str_is_empty(mode) && !maps)
		return 0;
	if (!str_is_empty(mode) && maps) {
		err_fail(e, ERR_USAGE,
			 "--userns and --uidmap, --gidmap, --subuidname, --subgidname exclude each "
			 "other");
		return err_hint(e, "leave --userns out: the maps make a namespace");
	}
	int r = u0_map_find(&u0, e);
	if (r < 0)
		return r;
	return maps ? set_maps(o, &u0, c, a, e) : set_mode(h, mode, &u0, c, ret_auto, a, e);
}
