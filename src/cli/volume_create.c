#include "base/base.h"
#include "cli/volume.h"

struct create_opts {
	struct volume_create_opts o;
	const char *name, *uid, *gid;
};

#define TO(kind, field) OPT_TO(kind, struct create_opts, field)
static const struct opt create_rows[] = {
	{"driver", 'd', TO(OPT_STR, o.driver), "DRIVER", "local (default), or a volume plugin"},
	{"gid", 0, TO(OPT_STR, gid), "ID", "Group of containers that it belongs to, as o=gid="},
	{"ignore", 0, TO(OPT_BOOL, o.ignore), NULL, "A volume of this name is no error"},
	{"label", 'l', TO(OPT_PAIRS, o.labels), "KEY=VALUE", "Label of the volume"},
	{"name", 0, TO(OPT_STR, name), "NAME", "Its name, as docker took it once",
	 .flags = OPT_HIDDEN},
	{"opt", 'o', TO(OPT_PAIRS, o.options), "KEY=VALUE",
	 "Option of the driver: type=tmpfs, device=PATH, o=OPTIONS", COMPLETE_WORDS,
	 "type=<tmpfs|none> device=<:dir> o=<bind|nocopy|ro|noexec|size=|uid=|gid=>"},
	{"uid", 0, TO(OPT_STR, uid), "ID", "User of containers that it belongs to, as o=uid="},
	{0},
};
#undef TO

static int create_run(struct cli *c, void *opts, struct err *e)
{
	struct create_opts *o = opts;
	bool docker = c->called == CALLED_DOCKER;
	scoped(home) h = {.fd = -1};
	struct volume v;

	o->o.name = c->nargs ? c->args[0] : o->name;
	o->o.same = docker;
	if (o->uid)
		pairs_set(&c->arena, &o->o.options, "uid", o->uid);
	if (o->gid)
		pairs_set(&c->arena, &o->o.options, "gid", o->gid);
	if (docker && !o->o.name) {
		o->o.anonymous = true;
		pairs_set(&c->arena, &o->o.labels, "com.docker.volume.anonymous", "");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0)
		r = volume_create(&h, &o->o, &v, &c->arena, e);
	if (r < 0 && docker)
		e->exit = 1;
	if (r == 0)
		out_printf(&c->out, "%s\n", v.name);
	return r;
}

const struct command cmd_volume_create = {
	.name = "volume create",
	.group = "Volumes",
	.args = "[NAME]",
	.summary = "Make a volume",
	.description =
		"Makes a volume and prints its name; without NAME that is 64 random digits.\n\n"
		"A volume is a directory in the store. Options (--opt) of the driver local make it "
		"something else: type=tmpfs is memory (o=size=64m,mode=1777), and type=none with "
		"o=bind and device=PATH a directory of the host; each container has its own "
		"memory. "
		"o= also takes ro, nosuid, nodev "
		"and "
		"noexec. o=uid=N,gid=N says to which user of containers an empty volume belongs, "
		"and "
		"o=nocopy that nothing of an image is ever copied into it. Other file systems "
		"(nfs, "
		"cifs, ext4 and so on) may be mounted by root on the host only and are refused; so "
		"is a size of a directory, which would be a quota.\n\n"
		"Other drivers are volume plugins of docker's protocol, by the name of their "
		"socket: "
		"NAME.sock, or NAME.spec or NAME.json that say where it is, in hoy/plugins below "
		"~/.config and $XDG_RUNTIME_DIR, in /run/docker/plugins and /etc/docker/plugins. "
		"Options go to the plugin as they are; it mounts the volume while a container that "
		"uses it runs.\n\n"
		"Called docker, a volume of the same name and driver is no error.",
	.examples = "hoy volume create data\n"
		    "# 64 MB of memory\n"
		    "hoy volume create -o type=tmpfs -o o=size=64m fast\n"
		    "# A directory of the host\n"
		    "hoy volume create -o type=none -o o=bind -o device=/tmp shared",
	.opts = create_rows,
	.opts_size = sizeof(struct create_opts),
	.run = create_run,
};
