#include "base/base.h"
#include "base/parse.h"
#include "cli/format.h"
#include "engine/info_security.h"
#include "state/conf.h"

struct info_opts {
	const char *format;
	bool security;
};

#define TO(kind, field) OPT_TO(kind, struct info_opts, field)
static const struct opt info_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{"security", 0, TO(OPT_BOOL, security), NULL,
	 "Show what keeps containers in, unless they are told otherwise"},
	{0},
};
#undef TO

static void print_map(struct out *out, const char *what, const struct id_map *m)
{
	out_printf(out, "  %s:", what);
	for (size_t k = 0; k < m->n; k++)
		out_printf(out, "%s %u -> %u (%u)", k ? "," : "", m->r[k].inside, m->r[k].outside,
			   m->r[k].count);
	out_text(out, "\n");
}

static void print_failure(struct out *out, const struct err *e)
{
	out_text(out, "no: ");
	out_escaped(out, e->msg);
	out_printf(out, " (%s)\n", err_id_name(e->id));
	if (e->hint[0])
		out_printf(out, "  hint: %s\n", e->hint);
}

/* What one uid means for the programs of a container. */
static void print_ids(struct out *out, int ids)
{
	if (ids == 0)
		out_text(out,
			 "  Other ids: answered by hoy, so that package managers, su and daemons "
			 "work\n");
	else
		out_printf(
			out,
			"  Other ids: refused, because calls cannot be handed over (%s); package "
			"managers and daemons may fail\n",
			strerror(-ids));
}

static void print_registries(struct out *out, const struct info *i)
{
	const struct strs *search = &i->registries.search;
	const struct registry_entry *n = i->registries.entries.v;

	out_text(out, "Short Names: ");
	if (i->registries_error.msg[0]) {
		print_failure(out, &i->registries_error);
		return;
	}
	for (size_t k = 0; k < search->n; k++) {
		out_text(out, k ? ", " : "");
		out_escaped(out, search->v[k]);
	}
	out_text(out, search->n ? "\n" : "docker.io\n");
	for (size_t k = 0; k < i->registries.entries.n; k++) {
		out_text(out, " ");
		out_escaped(out, n[k].prefix);
		out_printf(out, ": %s%zu mirror%s%s\n", n[k].blocked ? "blocked, " : "",
			   n[k].mirrors.n, n[k].mirrors.n == 1 ? "" : "s",
			   n[k].insecure ? ", insecure" : "");
	}
}

static void print_namespaces(struct out *out, const struct info *i, struct arena *a)
{
	static const char *const steps[] = {
		[FORM_SUB] = "yes, with the subordinate ids of this user",
		[FORM_ONE] = "yes, with one uid only (no subordinate ids)",
		[FORM_ROOT] = "not needed: running as root",
	};

	out_text(out, "User Namespaces: ");
	if (i->userns) {
		out_printf(out, "%s\n", steps[i->map.form]);
		print_map(out, "Uids", &i->map.uids);
		print_map(out, "Gids", &i->map.gids);
		if (i->map.form == FORM_ONE)
			print_ids(out, i->ids);
	} else {
		print_failure(out, &i->userns_error);
	}
	out_text(out, "Overlay: ");
	if (i->overlay)
		out_text(out, "yes\n");
	else
		print_failure(out, &i->overlay_error);
	if (i->copies)
		out_printf(out, "  Containers get copies of their images%s\n",
			   i->reflinks ? ", which share blocks with them" : "");
	out_text(out, "Host Network: ");
	if (i->networks)
		out_text(out, "yes, networks are made by hoy (TUN device, nftables with tproxy)\n");
	else
		print_failure(out, &i->networks_error);
	if (i->networks && !i->ping)
		out_text(out, "  Ping: no, until root runs: sysctl -w "
			      "net.ipv4.ping_group_range='0 2147483647'\n");
	if (i->networks_instead)
		out_printf(out, "  Until the next boot: %s\n",
			   strcmp(i->networks_instead, "none")
				   ? arena_printf(a, "%s makes the default network",
						  i->networks_instead)
				   : "containers have no network");
}

/* The labels are docker's where docker has the line, so that a grep finds it. */
static void print_text(struct out *out, const struct info *i, struct arena *a)
{
	scoped(str) memory = {0}, size = {0}, space = {0};

	size_human(&memory, i->memory);
	size_human(&size, i->store_size);
	size_human(&space, i->store_free);
	out_printf(out, "Containers: %zu\n Running: %zu\n Stopped: %zu\nImages: %zu\n",
		   i->containers, i->running, i->containers - i->running, i->images);
	out_text(out, "Server Version: " HOY_VERSION "\n");
	out_printf(out, "Storage Driver: %s\n", i->copies ? "vfs" : "overlay");
	out_text(out, "Store: ");
	out_escaped(out, i->store);
	out_printf(out, "\n Backing Filesystem: %s, %s free of %s\n", i->store_fs, str_cstr(&space),
		   str_cstr(&size));
	out_text(out, "Configuration:");
	for (size_t k = 0; k < i->conf_files->n; k++) {
		out_text(out, k ? ", " : " ");
		out_escaped(out, i->conf_files->v[k]);
	}
	out_text(out, i->conf_files->n ? "\n" : " no hoy.conf\n");
	print_namespaces(out, i, a);
	print_registries(out, i);
	out_printf(out, "Seccomp: %s\n", i->seccomp ? "yes" : "no: the kernel lacks it");
	out_printf(out, "Cgroup Version: %d\n", i->cgroup_version);
	out_printf(out, " Delegated Controllers: %s\n", *i->controllers ? i->controllers : "none");
	out_printf(out, "Kernel Version: %s\nOperating System: ", i->kernel);
	out_escaped(out, i->os_name);
	out_printf(out,
		   "\nOSType: linux\nArchitecture: %s\nCPUs: %ld\nTotal Memory: %s\nName: %s\n",
		   i->machine, i->cpus, str_cstr(&memory), i->hostname);
}

/* "NoNewPrivileges" as "No New Privileges". */
static void print_key(struct out *out, const char *key)
{
	for (const char *p = key; *p; p++) {
		bool capital = *p >= 'A' && *p <= 'Z', begins = p[1] >= 'a' && p[1] <= 'z';
		if (p > key && capital && begins && p[-1] != ' ' && p[1] && strcmp(key, "AppArmor"))
			out_text(out, " ");
		out_printf(out, "%c", *p);
	}
}

static void print_security(struct out *out, const struct json *o)
{
	for (size_t i = 0; i < o->obj.n; i++) {
		const struct json *v = o->obj.v[i].value;
		print_key(out, o->obj.v[i].key);
		out_text(out, ":");
		if (v->type == JSON_STR)
			out_printf(out, " %s\n", v->s);
		for (size_t k = 0; v->type == JSON_ARR && k < v->arr.n; k++)
			out_printf(out, "%s%s", k % 4 ? " " : "\n  ", v->arr.v[k]->s);
		if (v->type == JSON_ARR)
			out_text(out, "\n");
	}
}

static struct json *sample(struct cli *c)
{
	const struct info nothing = {.store = (char[]){""},
				     .store_fs = "",
				     .kernel = "",
				     .machine = "",
				     .hostname = "",
				     .os_name = "",
				     .os_id = "",
				     .os_version = "",
				     .controllers = ""};

	return info_fields(&nothing, HOY_VERSION, &c->arena);
}

static int info_run(struct cli *c, void *opts, struct err *e)
{
	struct info_opts *o = opts;
	scoped(info) i = {0};
	struct strs files = {0};
	const struct conf_file *f = c->conf.v;
	int r = info_collect(c->root, &i, e);

	for (size_t k = 0; k < c->conf.n; k++)
		strs_add(&c->arena, &files, f[k].path);
	i.conf_files = &files;

	if (r < 0)
		return r;
	struct json *security = o->security ? info_security(&i, &c->arena) : NULL;
	if (security && !str_is_empty(o->format))
		return format_objects(c, o->format, security, e);
	if (security)
		print_security(&c->out, security);
	else if (str_is_empty(o->format))
		print_text(&c->out, &i, &c->arena);
	else if (strcmp(o->format, "json"))
		return format_objects(c, o->format, info_fields(&i, HOY_VERSION, &c->arena), e);
	else if (c->called == CALLED_DOCKER)
		return format_objects(c, "json", info_docker(&i, HOY_VERSION, &c->arena), e);
	else
		return format_objects(c, "json", info_podman(&i, HOY_VERSION, &c->arena), e);
	return 0;
}

const struct command cmd_info = {
	.name = "info",
	.aliases = "system info",
	.group = "System",
	.summary = "Show what this machine allows and what the store holds",
	.description =
		"Tries what containers need (a user namespace with its ids, an overlay "
		"mount on the store's file system, a network) and says what came of it, "
		"next to the place and the contents of the store. What is missing is shown "
		"with the reason and the way to mend it; "
		"that is no error of this command.\n"
		"\n"
		"--security shows what every container is kept in by, here and unless its options "
		"say otherwise: capabilities, the seccomp profile, paths that are hidden or "
		"read-only.\n"
		"\n"
		"Configuration names the files of hoy.conf(5) that were read.\n"
		"\n"
		"Templates may use podman's names (.Host.Arch, .Store.GraphRoot, "
		".Version.Version) and docker's (.ServerVersion, .Driver, .NCPU, "
		".DockerRootDir). .Host.UserNamespace.Form is sub (subordinate ids), one "
		"(one uid only) or root; with one, .Host.UserNamespace.IdsAnswered says whether "
		"calls about other ids are answered (ONE UID ONLY in hoy(1)).\n"
		"\n"
		".Host.Network.Ping says whether echo requests of containers go out to the world: "
		"net.ipv4.ping_group_range decides that.\n"
		"\n"
		".Host.Network.Available says whether hoy can make networks itself. Where it "
		"cannot, "
		".Host.Network.Error and .Hint name what is missing and what helps, and "
		".Host.Network.Instead "
		"what stands in for the default network since a container first needed it: pasta, "
		"slirp4netns or none. That is kept until the next boot, or until this command "
		"finds that "
		"nothing is missing any more.",
	.examples =
		"hoy info\nhoy info --format '{{.Host.UserNamespace.Form}} {{.Store.GraphRoot}}'\n"
		"hoy info --format json\nhoy info --security",
	.opts = info_rows,
	.opts_size = sizeof(struct info_opts),
	.run = info_run,
	.sample = sample,
};
