#include <time.h>

#include "base/base.h"
#include "engine/pull.h"
#include "pull/tags.h"
#include "registry/policy.h"
#include "state/tell.h"

int pull_policy_parse(const char *text, enum pull_policy *ret, struct err *e)
{
	static const struct {
		const char *word;
		enum pull_policy policy;
	} words[] = {
		{"always", PULL_ALWAYS}, {"missing", PULL_MISSING}, {"ifnotpresent", PULL_MISSING},
		{"newer", PULL_NEWER},	 {"ifnewer", PULL_NEWER},   {"never", PULL_NEVER},
		{"true", PULL_ALWAYS},	 {"false", PULL_MISSING}, /* as podman takes them */
	};

	for (size_t i = 0; i < countof(words); i++) {
		if (!strcasecmp(text, words[i].word)) {
			*ret = words[i].policy;
			return 0;
		}
	}
	err_fail(e, ERR_USAGE, "\"%.40s\" is no policy of pulling", text);
	return err_hint(e, "the policies are always, missing, never and newer");
}

static int stays_here(const char *text, const char *why, struct err *e)
{
	err_fail_code(e, ERR_IMAGE_UNKNOWN, ENOENT, "%s: %s", text, why);
	return err_hint(e, "write REGISTRY/NAME to pull it, or add it with `hoy load -i FILE`");
}

/* The names that registries may be asked for, one at least. local: what the text means here, or NULL. */
static int outside_names(const char *text, const struct image *local,
			 const struct image_pull_opts *o, struct arena *a,
			 struct registries_names *ret, struct err *e)
{
	const char *hex;
	struct reference r, own;

	if (*text == '@')
		return stays_here(text, "@host and @empty are no images of a registry", e);
	if (ref_is_id_prefix(text, &hex) && (hex != text || strlen(hex) >= 12))
		return stays_here(text, "this looks like an id, and ids are known here only", e);
	int k = ref_parse(a, text, &r, e);
	if (k < 0)
		return k;
	if (!r.registry && !o->docker && local && local->found &&
	    ref_parse(a, local->found, &own, NULL) == 0)
		r = own;
	if (o->docker)
		r = ref_complete(a, &r, "docker.io");
	k = registries_complete(o->registry.conf, &r, a, ret, e);
	for (size_t i = 0; i < ret->n && k == 0; i++) {
		struct reference *n = &ret->v[i];
		if (!strcmp(n->registry, "localhost"))
			return stays_here(text, "names of localhost/ are known here only", e);
		if (!n->tag && !n->digest)
			n->tag = "latest";
		if (n->digest) /* the digest says it all */
			n->tag = NULL;
	}
	return k;
}

bool pull_try_again(const struct image_pull_opts *o, unsigned tries, const struct err *why)
{
	int64_t wait = o->retry_delay;

	/* failures that may be gone a moment later */
	if (tries >= o->retry || (why->id != ERR_REGISTRY_UNREACHABLE &&
				  why->id != ERR_REGISTRY_TIMEOUT && why->id != ERR_REGISTRY_LIMIT))
		return false;
	if (wait < 0)
		wait = (int64_t)1000000000 << (tries < 6 ? tries : 6);
	if (o->warn)
		o->warn(o->arg, why->msg);
	const struct timespec t = {wait / 1000000000, wait % 1000000000};
	return nanosleep(&t, NULL) == 0;
}

static int pull_with_retries(const struct home *h, const struct pull_job *j,
			     const struct image_pull_opts *o, struct pull_done *ret, struct err *e)
{
	for (unsigned i = 0;; i++) {
		struct err why = {.exit = e->exit};
		int r = pull_image(h, j, ret, &why);
		if (r < 0 && pull_try_again(o, i, &why))
			continue;
		if (r < 0)
			*e = why;
		return r;
	}
}

static void from_local(const struct image *im, struct image_pulled *ret)
{
	snprintf(ret->name, sizeof ret->name, "%s", im->found ? im->found : im->id);
	snprintf(ret->done.id, sizeof ret->done.id, "%s", im->id);
}

/* Asks for one name. */
static int ask_for(const struct home *h, const struct reference *name,
		   const struct image_pull_opts *o, struct image_pulled *ret, struct err *e)
{
	scoped(arena) a = {0};
	struct pull_job j = {.ref = *name,
			     .platform = o->platform,
			     .registry = o->registry,
			     .max_layer = o->max_layer,
			     .watch = o->watch,
			     .board = o->board};
	int r = policy_check(name, e);

	if (r < 0)
		return r;
	snprintf(ret->name, sizeof ret->name, "%s", ref_text(&a, &j.ref));
	ret->asked = true;
	if (o->begins)
		o->begins(o->arg, ret->name);
	r = pull_with_retries(h, &j, o, &ret->done, e);
	if (r == 0 && ret->done.foreign && !platform_wanted(&o->platform) && o->warn)
		o->warn(o->arg, arena_printf(&a, "the image %s is for %s, not for this machine",
					     ret->name, ret->done.platform));
	return r;
}

/* Of the registries that are searched the next one may have it. */
static bool next_may_have_it(const struct err *e)
{
	switch (e->id) {
	case ERR_POLICY:
	case ERR_REGISTRY_ANSWER:
	case ERR_REGISTRY_BLOCKED:
	case ERR_REGISTRY_DENIED:
	case ERR_REGISTRY_LIMIT:
	case ERR_REGISTRY_NO_IMAGE:
	case ERR_REGISTRY_TIMEOUT:
	case ERR_REGISTRY_UNREACHABLE:
	case ERR_TLS:
		return true;
	default:
		return false;
	}
}

/* Asks for each of the names until one is there. */
static int ask_for_each(const struct home *h, const char *text, const struct registries_names *l,
			const struct image_pull_opts *o, struct image_pulled *ret, struct err *e)
{
	scoped(arena) a = {0};
	scoped(str) said = {0};

	for (size_t i = 0; i < l->n; i++) {
		struct err why = {.exit = e->exit};
		int r = ask_for(h, &l->v[i], o, ret, &why);
		if (r >= 0)
			return r;
		if (l->n == 1 || !next_may_have_it(&why)) {
			*e = why;
			return r;
		}
		const char *name = ref_text(&a, &l->v[i]);
		size_t n = str_starts(why.msg, name) ? strlen(name) : 0;
		str_addf(&said, "%s%s%s%.150s", i ? "; " : "", name, n ? "" : ": ", why.msg + n);
	}
	err_fail_code(e, ERR_SHORT_NAME, ENOENT,
		      "%s: none of the %zu registries that are searched "
		      "gives it: %s",
		      text, l->n, str_cstr(&said));
	return err_hint(e, "check the spelling, or write the full name");
}

/* Asks the registries. local may be NULL. */
static int ask(const struct home *h, const char *text, const struct image *local,
	       const struct image_pull_opts *o, struct image_pulled *ret, struct err *e)
{
	scoped(arena) a = {0};
	scoped(registries) here = {0};
	struct registries *conf = o->conf ?: &here;
	struct image_pull_opts own = *o;
	struct registries_names names;
	int r = registries_load(conf, e);

	own.registry.conf = conf;
	if (r == 0)
		r = outside_names(text, local, &own, &a, &names, e);
	if (r < 0)
		return r;
	registries_recall(conf, h->fd);
	r = ask_for_each(h, text, &names, &own, ret, e);
	registries_remember(conf, h->fd);
	return r;
}

/* "team/app:1" of another registry, while that of this one cannot be asked: said beside what else there is to do. */
static void tell_same_elsewhere(const struct home *h, const char *text, struct err *e)
{
	scoped(arena) a = {0};
	scoped(strv) all = {0};
	struct reference want, r;

	if (ref_parse(&a, text, &want, NULL) < 0 || images_names(h, &all, NULL) < 0)
		return;
	const char *slash = strrchr(want.repository, '/'),
		   *last = slash ? slash + 1 : want.repository;
	for (size_t i = 0; i < all.n; i++) {
		if (ref_parse(&a, all.v[i], &r, NULL) < 0 || !r.tag)
			continue;
		slash = strrchr(r.repository, '/');
		if (strcmp(slash ? slash + 1 : r.repository, last) != 0 ||
		    (want.tag && !str_eq(want.tag, r.tag)))
			continue;
		char *before = arena_strdup(&a, e->hint);
		err_hint(e, "%s%s%s is here", before, *before ? "; " : "", all.v[i]);
		return;
	}
}

int image_pull(const struct home *h, const char *text, const struct image_pull_opts *o,
	       struct image_pulled *ret, struct err *e)
{
	scoped(image) im = {0};
	struct err why = {.exit = EXIT_ENGINE}, unreached = {.exit = EXIT_ENGINE};
	int found = image_lookup(h, text, &im, &why);
	bool fits = found == 0 && platform_fits(&im.doc, &o->platform);

	*ret = (struct image_pulled){0};
	if (found < 0 && why.id != ERR_IMAGE_UNKNOWN &&
	    (o->policy == PULL_MISSING || o->policy == PULL_NEVER)) {
		*e = why;
		return found;
	}
	if (fits && (o->policy == PULL_MISSING || o->policy == PULL_NEVER)) {
		from_local(&im, ret);
		return 0;
	}
	if (o->policy == PULL_NEVER && found == 0) {
		err_fail_code(e, ERR_PLATFORM, ENOENT, "%s: the image here is for another platform",
			      text);
		return err_hint(e, "the policy never keeps hoy from asking a registry");
	}
	if (o->policy == PULL_NEVER) {
		*e = why;
		return found;
	}
	int r = ask(h, text, found == 0 ? &im : NULL, o, ret, &unreached);
	if (r == 0)
		image_tell(h, "pull", ret->done.id, ret->name);
	else
		event_write(h->fd, &(struct event){.type = "image",
						   .action = "pull-error",
						   .name = text,
						   .attributes = {{"error", unreached.msg}}});
	if (r < 0 && o->policy == PULL_NEWER && fits && unreached.id != ERR_INTERRUPTED) {
		if (o->warn)
			o->warn(o->arg, unreached.msg);
		from_local(&im, ret);
		return 0;
	}
	if (r < 0) {
		*e = unreached;
		bool not_found = unreached.id == ERR_IMAGE_UNKNOWN || /* it stays here */
				 unreached.id == ERR_REGISTRY_NO_IMAGE ||
				 unreached.id == ERR_REGISTRY_DENIED ||
				 unreached.id == ERR_REGISTRY_UNREACHABLE;
		if (not_found && found < 0 && str_starts(why.hint, "did you mean"))
			err_hint(e, "%s%s%s",
				 unreached.id == ERR_REGISTRY_DENIED ? unreached.hint : "",
				 unreached.id == ERR_REGISTRY_DENIED ? "; " : "", why.hint);
		else if (unreached.id == ERR_REGISTRY_UNREACHABLE && found < 0)
			tell_same_elsewhere(h, text, e);
	}
	return r;
}

static int tags_with_retries(const struct reference *name, const struct image_pull_opts *o,
			     struct arena *a, struct strs *ret, struct err *e)
{
	for (unsigned i = 0;; i++) {
		struct err why = {.exit = e->exit};
		int r = pull_tags(name, &o->registry, a, ret, &why);
		if (r < 0 && pull_try_again(o, i, &why))
			continue;
		if (r < 0)
			*e = why;
		return r;
	}
}

/* The first of the names that a registry knows. */
static int tags_of_each(const struct registries_names *l, const struct image_pull_opts *o,
			struct arena *a, struct strs *ret, struct err *e)
{
	struct strs tags = {0};

	for (size_t i = 0; i < l->n; i++) {
		struct reference n = l->v[i];
		struct err why = {.exit = e->exit};
		int r = policy_check(&n, &why);
		if (r == 0)
			r = tags_with_retries(&n, o, a, &tags, &why);
		for (size_t k = 0; k < tags.n && r == 0; k++) {
			n.tag = tags.v[k];
			strs_add(a, ret, ref_text(a, &n));
		}
		if (r == 0 && ret->n)
			return 0;
		if (r == 0) {
			n.tag = NULL;
			err_fail_code(&why, ERR_REGISTRY_NO_IMAGE, ENOENT,
				      "%s: the registry has no tag of it", ref_text(a, &n));
			r = -ENOENT;
		}
		*e = why;
		if (!next_may_have_it(&why))
			return r;
	}
	return -e->code;
}

int image_pull_tags(const struct home *h, const char *text, const struct image_pull_opts *o,
		    struct arena *a, struct strs *ret, struct err *e)
{
	scoped(image) im = {0};
	scoped(registries) here = {0};
	struct image_pull_opts own = *o;
	struct registries_names names;
	struct reference r;
	int k = ref_parse(a, text, &r, e);

	if (k == 0 && (r.tag || r.digest)) {
		err_fail(e, ERR_USAGE, "%s: with --all-tags a name has no tag and no digest", text);
		k = err_hint(e, "leave it out, or leave --all-tags out");
	}
	own.registry.conf = o->conf ?: &here;
	if (k == 0)
		k = registries_load(o->conf ?: &here, e);
	bool found = k == 0 && image_lookup(h, text, &im, NULL) == 0;
	if (k == 0)
		k = outside_names(text, found ? &im : NULL, &own, a, &names, e);
	return k < 0 ? k : tags_of_each(&names, &own, a, ret, e);
}
