#include <sys/utsname.h>

#include "base/base.h"
#include "engine/namespace_opts.h"
#include "runtime/sysctl.h"

static const char **mode_of(struct container_config *c, enum ns_kind k)
{
	const char **const modes[] = {&c->ipc, &c->pid, &c->uts, &c->cgroupns, &c->network};

	return modes[k];
}

static int bad_mode(enum ns_kind k, const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_NAMESPACE, "--%s \"%.80s\": %s", ns_infos[k].flag, text, why);
	return err_hint(e, "private, %shost, container:NAME or ns:PATH",
			k == NS_IPC ? "shareable, none, " : "");
}

/* container:NAME becomes container:<id>, if that container has something to share. */
static int set_container(const struct home *h, struct container_config *c, enum ns_kind k,
			 const char *name, struct arena *a, struct err *e)
{
	struct container other;
	int r = container_open(h, name, &other, e);

	if (r == 0)
		r = container_load_config(&other, e);
	const char *mode = r == 0 ? ns_mode(&other.config, k) : "";
	if (r == 0 && !strcmp(mode, "host")) {
		err_fail(e, ERR_NAMESPACE, "container %s uses the host's %s itself", name,
			 ns_infos[k].words);
		r = err_hint(e, "--%s host is the same", ns_infos[k].flag);
	} else if (r == 0 && k == NS_IPC &&
		   (!strcmp(mode, "none") || (!strcmp(mode, "private") && other.config.ipc))) {
		err_fail(e, ERR_NAMESPACE, "container %s does not share its memory (--ipc %s)",
			 name, mode);
		r = err_hint(e, "make it with --ipc shareable");
	} else if (r == 0) {
		*mode_of(c, k) = arena_printf(a, "container:%s", other.id);
		if (k == NS_UTS && other.config.hostname)
			c->hostname = arena_strdup(a, other.config.hostname);
	}
	container_free(&other);
	return r;
}

static int set_mode(const struct home *h, const struct namespace_opts *o,
		    struct container_config *c, enum ns_kind k, struct arena *a, struct err *e)
{
	const char *text = o->modes[k];
	bool plain = !strcmp(text, "private") || !strcmp(text, "host") ||
		     (k == NS_IPC && (!strcmp(text, "shareable") || !strcmp(text, "none")));

	if (plain) {
		*mode_of(c, k) = arena_strdup(a, text);
		return 0;
	}
	if (str_starts(text, "container:")) {
		return text[10] ? set_container(h, c, k, text + 10, a, e)
				: bad_mode(k, text, "no container is named", e);
	}
	if (!str_starts(text, "ns:"))
		return bad_mode(k, text, "there is no such mode", e);
	if (text[3] != '/' || access(text + 3, F_OK) < 0)
		return bad_mode(k, text, "no absolute path of a namespace that is there", e);
	*mode_of(c, k) = arena_strdup(a, text);
	return 0;
}

static bool is_name(const char *s)
{
	return strlen(s) <= 63 &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")];
}

static int bad_name(const char *flag, const char *name, struct err *e)
{
	err_fail(e, ERR_USAGE, "--%s \"%.80s\" is not a %s name", flag, name,
		 flag[0] == 'h' ? "host" : "domain");
	return err_hint(e, "at most 63 letters, digits, '-', '_' and '.'");
}

static int set_names(const struct namespace_opts *o, struct container_config *c, struct arena *a,
		     struct err *e)
{
	const char *given = !str_is_empty(o->hostname)	   ? "hostname"
			    : !str_is_empty(o->domainname) ? "domainname"
							   : NULL;
	struct utsname un;

	if (given && !ns_is_own(c, NS_UTS)) {
		err_fail(e, ERR_USAGE, "--%s and --uts %s exclude each other", given,
			 ns_is_host(c, NS_UTS) ? "host" : "of another");
		return err_hint(e, "a container that shares a host name cannot change it");
	}
	if (!str_is_empty(o->domainname)) {
		if (!is_name(o->domainname))
			return bad_name("domainname", o->domainname, e);
		c->domainname = arena_strdup(a, o->domainname);
	}
	if (!str_is_empty(o->hostname)) {
		if (!is_name(o->hostname))
			return bad_name("hostname", o->hostname, e);
		c->hostname = arena_strdup(a, o->hostname);
	} else if ((ns_is_host(c, NS_UTS) || !strcmp(c->network, "host")) && !c->hostname &&
		   uname(&un) == 0) {
		c->hostname = arena_strdup(a, un.nodename);
	} else if (!c->hostname) {
		c->hostname = arena_strndup(a, c->id, 12);
	}
	return 0;
}

int namespace_opts_set(const struct home *h, const struct namespace_opts *o,
		       struct container_config *c, struct arena *a, struct err *e)
{
	/* podman's are shareable, docker's are not. */
	if (o->docker)
		c->ipc = "private";
	for (enum ns_kind k = 0; k < NS_FLAGS; k++) {
		int r = str_is_empty(o->modes[k]) ? 0 : set_mode(h, o, c, k, a, e);
		if (r < 0)
			return r;
	}
	const char *ipc = ns_mode(c, NS_IPC);
	if (o->shm_size && (!ns_is_own(c, NS_IPC) || !strcmp(ipc, "none"))) {
		err_fail(e, ERR_USAGE, "--shm-size and --ipc %s exclude each other",
			 ns_container(c, NS_IPC) ? "of another container" : ipc);
		return err_hint(e, "only a /dev/shm of its own can have a size");
	}
	return set_names(o, c, a, e);
}

static int add_sysctl(const char *text, struct container_config *c, struct arena *a, struct err *e)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text) {
		err_fail(e, ERR_SYSCTL, "--sysctl \"%.80s\" is not NAME=VALUE", text);
		return err_hint(e, "as in net.core.somaxconn=1024");
	}
	const char *name = arena_strndup(a, text, (size_t)(eq - text));
	int r = sysctl_check(c, name, e);
	if (r == 0)
		pairs_set(a, &c->sysctls, name, eq + 1);
	return r;
}

int namespace_opts_sysctls(const struct namespace_opts *o, struct container_config *c,
			   struct arena *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < o->sysctls.n && r == 0; i++) {
		scoped(strv) part = {0};
		scoped(str) one = {0};
		strv_split(&part, o->sysctls.v[i], ',');
		/* Commas separate, as podman has it, but only before another NAME=: values have commas too. */
		for (size_t k = 0; k < part.n && r == 0; k++) {
			if (one.len)
				str_addc(&one, ',');
			str_add(&one, part.v[k]);
			if (k + 1 < part.n && !strchr(part.v[k + 1], '='))
				continue;
			r = add_sysctl(str_cstr(&one), c, a, e);
			str_reset(&one);
		}
	}
	return r;
}

void namespace_opts_depends(const struct container_config *c, struct arena *a, struct strs *ret)
{
	for (enum ns_kind k = 0; k < NS_KINDS; k++) {
		const char *id = ns_container(c, k);
		if (id && !strs_has(ret, id))
			strs_add(a, ret, id);
	}
}
