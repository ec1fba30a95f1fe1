#include "base/base.h"
#include "base/parse.h"
#include "cli/run_opts.h"
#include "monitor/client.h"
#include "store/images_hello.h"
#include "sys/tty.h"

#define TO(kind, field) OPT_TO(kind, struct run_opts, field)
const struct opt run_common_rows[] = {
	{"add-host", 0, TO(OPT_CSV, names.add_hosts), "NAME:IP",
	 "Add a line to /etc/hosts (NAME;NAME:IP for several; host-gateway is this machine)"},
	{"annotation", 0, TO(OPT_STRS, more.annotations), "KEY=VALUE",
	 "Set an annotation, which inspect shows"},
	{"arch", 0, TO(OPT_STR, more.arch), "ARCH", "Architecture that the image must be for",
	 .words = "amd64 arm64 arm 386 ppc64le riscv64 s390x", .aliases = "override-arch"},
	{"attach", 'a', TO(OPT_CSV, more.attach), "STREAM",
	 "Attach to stdin, stdout or stderr only (default: all)", .words = "stdin stdout stderr",
	 .complete = COMPLETE_WORDS},
	PULL_ROW_AUTHFILE(struct run_opts, image.),
	{"cap-add", 0, TO(OPT_CSV, cap_add), "CAP", "Add a capability, or ALL",
	 .words = RUN_CAPABILITIES},
	{"cap-drop", 0, TO(OPT_CSV, cap_drop), "CAP", "Drop a capability, or ALL",
	 .words = RUN_CAPABILITIES},
	{"cgroupns", 0, TO(OPT_STR, ns.modes[NS_CGROUP]), "MODE",
	 "View of the cgroups: private, host, container:NAME or ns:PATH",
	 .words = "private host container:<:running> ns:<:file>", .complete = COMPLETE_WORDS},
	PULL_ROW_CERT_DIR(struct run_opts, image.),
	{"cidfile", 0, TO(OPT_STR, cidfile), "FILE", "Write the container's ID to a new file",
	 COMPLETE_FILE},
	PULL_ROW_CREDS(struct run_opts, image.),
	{"chrootdirs", 0, TO(OPT_CSV, more.chroot_dirs), "PATH",
	 "Directory in the container that gets /etc/hosts, resolv.conf and hostname, too"},
	{"conmon-pidfile", 0, TO(OPT_STR, more.conmon_pidfile), "FILE",
	 "Write the process ID of the container's supervisor to a file while it runs",
	 COMPLETE_FILE},
	{"detach-keys", 0, TO(OPT_STR, detach_keys), "KEYS",
	 "Keys that detach (default ctrl-p,ctrl-q; empty for none)"},
	{"secret", 0, TO(OPT_STRS, secrets), "NAME[,KEY=VALUE...]",
	 "Give it a secret: as a file of /run/secrets, or with type=env as a variable; target=, "
	 "uid=, gid=, mode=",
	 COMPLETE_SECRET},
	{"device", 0, TO(OPT_STRS, devices), "PATH[:PATH][:rwm]",
	 "Give it a device of the host, or all in a directory", COMPLETE_FILE},
	{"device-cgroup-rule", 0, TO(OPT_STRS, device_rules), "RULE", "Refused: needs root",
	 .flags = OPT_HIDDEN},
	{"dns", 0, TO(OPT_CSV, names.dns), "IP",
	 "Name server to ask in place of this machine's; none leaves the image's resolv.conf",
	 .words = "none"},
	{"dns-option", 0, TO(OPT_CSV, names.dns_options), "OPTION",
	 "Option for resolv.conf in place of this machine's (ndots:2, timeout:1 ...)",
	 .words = "attempts: edns0 ndots: no-aaaa rotate single-request timeout: trust-ad use-vc",
	 .aliases = "dns-opt"},
	{"dns-search", 0, TO(OPT_CSV, names.dns_search), "DOMAIN",
	 "Domain to search in place of this machine's; a dot for none"},
	{"domainname", 0, TO(OPT_STR, ns.domainname), "NAME", "NIS domain name in the container"},
	PULL_ROW_TRUST(struct run_opts, image.),
	{"dry-run", 0, TO(OPT_BOOL, dry), NULL,
	 "Make, fetch and start nothing: check all this and print the container's config.json"},
	{"entrypoint", 0, TO(OPT_STR, entrypoint), "COMMAND",
	 "Replace the image's entrypoint (a word or a JSON array)"},
	{"env", 'e', TO(OPT_STRS, env), "KEY[=VALUE]",
	 "Set a variable; KEY alone takes the caller's, KEY* all that begin so"},
	{"env-file", 0, TO(OPT_STRS, env_files), "FILE", "Read variables from a file",
	 COMPLETE_FILE},
	{"env-host", 0, TO(OPT_BOOL, more.env_host), NULL, "Pass on all of our environment"},
	{"env-merge", 0, TO(OPT_STRS, more.env_merge), "KEY=VALUE",
	 "Set a variable; ${NAME} in it is what the image has (${NAME:-TEXT} where it has none)"},
	{"expose", 0, TO(OPT_STRS, net.expose), "PORT[-PORT][/PROTOCOL]",
	 "Say that it listens there, for -P and others to know"},
	{"gidmap", 0, TO(OPT_STRS, userns.gidmap), "INSIDE:OUTSIDE[:COUNT]",
	 "Map group IDs as --uidmap does user IDs (default: as these)"},
	{"group-add", 0, TO(OPT_CSV, more.groups), "GROUP",
	 "Add a supplementary group, by name or number; keep-groups keeps the caller's"},
	{"group-entry", 0, TO(OPT_STR, more.group_entry), "LINE",
	 "How /etc/group gets the group of a --user that it lacks: $GROUPNAME, $GID, $USERLIST"},
	{"hostname", 'h', TO(OPT_STR, ns.hostname), "NAME",
	 "Host name in the container (default: the first 12 digits of its ID)"},
	{"hosts-file", 0, TO(OPT_STR, names.hosts_file), "FILE",
	 "What /etc/hosts begins with: a file, image or none (default: this machine's)",
	 COMPLETE_FILE},
	{"hostuser", 0, TO(OPT_STRS, more.host_users), "USER",
	 "Add a user of this machine to /etc/passwd, by name or number"},
	{"http-proxy", 0, TO(OPT_BOOL, more.http_proxy), NULL,
	 "Pass on http_proxy, no_proxy and their like (default true)"},
	{"image-volume", 0, TO(OPT_STR, vol.image_volume), "KIND",
	 "What the volumes of the image become: anonymous (default), bind (the same), tmpfs, "
	 "ignore",
	 .words = "anonymous bind tmpfs ignore", .complete = COMPLETE_WORDS},
	{"init", 0, TO(OPT_BOOL, init), NULL,
	 "Run an init as PID 1 that passes signals on and collects orphans"},
	{"init-path", 0, TO(OPT_STR, more.init_path), "FILE",
	 "With --init: run this program of the machine as the init", COMPLETE_FILE},
	{"interactive", 'i', TO(OPT_BOOL, interactive), NULL, "Keep standard input open"},
	{"ip", 0, TO(OPT_STR, net.ip), "ADDRESS", "IPv4 address in its network"},
	{"ip6", 0, TO(OPT_STR, net.ip6), "ADDRESS", "IPv6 address in its network"},
	{"ipc", 0, TO(OPT_STR, ns.modes[NS_IPC]), "MODE",
	 "Shared memory: shareable (default), private, none, host, container:NAME or ns:PATH",
	 .words = "shareable private none host container:<:running> ns:<:file>",
	 .complete = COMPLETE_WORDS},
	{"label", 'l', TO(OPT_STRS, labels), "KEY[=VALUE]", "Set a label"},
	{"label-file", 0, TO(OPT_STRS, more.label_files), "FILE", "Read labels from a file",
	 COMPLETE_FILE},
	{"link", 0, TO(OPT_STRS, net.links), "CONTAINER[:NAME]",
	 "Know another container by a name, in a network that both are in"},
	{"link-local-ip", 0, TO(OPT_STRS, net.link_local), "ADDRESS",
	 "Refused: the kernel's choice", .flags = OPT_HIDDEN},
	{"log-driver", 0, TO(OPT_STR, more.log_driver), "DRIVER",
	 "local (default), k8s-file, json-file, journald, passthrough (our own streams) or none",
	 .words = "local k8s-file json-file journald passthrough passthrough-tty none",
	 .complete = COMPLETE_WORDS},
	{"log-opt", 0, TO(OPT_STRS, more.log_opts), "KEY=VALUE",
	 "max-size=SIZE of the log's file, max-file=NUMBER of them, path=FILE; labels=KEYS and "
	 "env=NAMES for logs --details, and tag=TEMPLATE for json-file and journald",
	 .words = "max-size= max-file= path= labels= env= tag=", .complete = COMPLETE_WORDS},
	{"mac-address", 0, TO(OPT_STR, net.mac), "ADDRESS", "MAC address in its network"},
	{"mount", 0, TO(OPT_STRS, mounts), "KEY=VALUE,...",
	 "type=bind, volume, tmpfs, image, glob, ramfs or devpts, with source=, destination= "
	 "and others",
	 .words = ",type=<bind|volume|tmpfs|image|glob|ramfs|devpts> source=<:file> destination= "
		  "readonly nosuid nodev noexec "
		  "bind-propagation=<private|rprivate|slave|rslave|shared|rshared> bind-create-src "
		  "bind-nonrecursive tmpfs-size= tmpfs-mode= tmpcopyup notmpcopyup subpath= "
		  "volume-nocopy volume-driver= volume-opt= volume-label="},
	{"name", 0, TO(OPT_STR, name), "NAME", "Name of the container (default: one is made up)"},
	{"network", 0, TO(OPT_STRS, net.networks), "NETWORK[:OPTIONS]",
	 "none, host, a network by its name (default: bridge), container:NAME, ns:PATH, pasta or "
	 "slirp4netns",
	 .words = "none host <:network> pasta slirp4netns container:<:running> ns:<:file>",
	 .complete = COMPLETE_WORDS, .aliases = "net"},
	{"network-alias", 0, TO(OPT_STRS, net.aliases), "NAME",
	 "A further name for others in its networks", .aliases = "net-alias"},
	{"no-hostname", 0, TO(OPT_BOOL, names.no_hostname), NULL,
	 "Leave the image's /etc/hostname as it is"},
	{"no-hosts", 0, TO(OPT_BOOL, names.no_hosts), NULL,
	 "Leave the image's /etc/hosts as it is"},
	{"oom-score-adj", 0, TO(OPT_INT, more.oom_score_adj), "NUMBER",
	 "How soon it is ended when memory is short (-1000 to 1000)"},
	{"os", 0, TO(OPT_STR, more.os), "OS", "Operating system that the image must be for",
	 .words = "linux", .aliases = "override-os"},
	{"passwd", 0, TO(OPT_BOOL, more.passwd), NULL,
	 "Add a --user that /etc/passwd and /etc/group lack to them (default true)"},
	{"passwd-entry", 0, TO(OPT_STR, more.passwd_entry), "LINE",
	 "How /etc/passwd gets a --user that it lacks: $USERNAME, $UID, $GID, $NAME, $HOME"},
	{"personality", 0, TO(OPT_STR, more.personality), "KIND",
	 "What its programs are told of the machine: LINUX, or LINUX32 for one of 32 bits",
	 .words = "LINUX LINUX32", .complete = COMPLETE_WORDS},
	{"pid", 0, TO(OPT_STR, ns.modes[NS_PID]), "MODE",
	 "Processes that it sees: private (default), host, container:NAME or ns:PATH",
	 .words = "private host container:<:running> ns:<:file>", .complete = COMPLETE_WORDS},
	{"pidfile", 0, TO(OPT_STR, more.pidfile), "FILE",
	 "Write the process ID of its first process to a file while it runs", COMPLETE_FILE},
	{"platform", 0, TO(OPT_STR, more.platform), "OS/ARCH[/VARIANT]",
	 "Platform that the image must be for (linux/arm64)",
	 .words = "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/ppc64le linux/riscv64 "
		  "linux/s390x"},
	{"privileged", 0, TO(OPT_BOOL, privileged), NULL,
	 "All capabilities, no seccomp filter, nothing hidden, your devices"},
	{"publish", 'p', TO(OPT_STRS, net.publish), "[[IP:]PORT:]PORT[/PROTOCOL]",
	 "Let a port of this machine lead to one of its own; ranges too; without the first the "
	 "kernel picks one"},
	{"publish-all", 'P', TO(OPT_BOOL, net.publish_all), NULL,
	 "Publish all exposed ports, to random ports of this machine"},
	{"pull", 0, TO(OPT_STR, image.policy), "POLICY",
	 "When to ask the registry for the image (default missing)",
	 .words = "always missing newer never", .complete = COMPLETE_WORDS},
	PULL_ROW_QUIET(struct run_opts, image.),
	{"read-only", 0, TO(OPT_BOOL, read_only), NULL, "Make the root file system read-only"},
	{"read-only-tmpfs", 0, TO(OPT_BOOL, read_only_tmpfs), NULL,
	 "With --read-only, tmpfs on /run, /tmp and /var/tmp (default true)"},
	{"replace", 0, TO(OPT_BOOL, replace), NULL, "Remove a container of the same name first"},
	{"requires", 0, TO(OPT_CSV, more.requires), "CONTAINER",
	 "Start that container first, if it does not run", COMPLETE_CONTAINER},
	{"restart", 0, TO(OPT_STR, restart), "POLICY",
	 "Start it again when it ends: no (default), always, unless-stopped, on-failure[:N]",
	 .words = "no always unless-stopped on-failure on-failure:", .complete = COMPLETE_WORDS},
	PULL_ROW_RETRY(struct run_opts, image.),
	PULL_ROW_RETRY_DELAY(struct run_opts, image.),
	{"rm", 0, TO(OPT_BOOL, rm), NULL, "Remove the container when it ends"},
	{"rootfs", 0, TO(OPT_BOOL, rootfs), NULL,
	 "In place of an image stands a directory with a root file system; with :O behind it what "
	 "is written goes at the end"},
	{"seccomp-policy", 0, TO(OPT_STR, more.seccomp_policy), "POLICY",
	 "default: the profile is the engine's, or yours", .words = "default",
	 .complete = COMPLETE_WORDS},
	{"security-opt", 0, TO(OPT_STRS, security_opts), "OPTION",
	 "seccomp=FILE, no-new-privileges, mask=PATH, unmask=ALL and others",
	 .words = "no-new-privileges seccomp=<unconfined|:file> mask= unmask=ALL label=disable "
		  "apparmor=unconfined"},
	{"shm-size", 0, TO(OPT_SIZE, shm_size), "SIZE",
	 "Size of /dev/shm: 64m, 1g; 0 for no limit (default 64000k)"},
	{"shm-size-systemd", 0, TO(OPT_STR, more.systemd_size), "SIZE",
	 "Size of each tmpfs that --systemd mounts (default: the kernel's, half of the memory)"},
	{"stop-signal", 0, TO(OPT_STR, stop_signal), "SIGNAL",
	 "Signal that stops it (default: the image's, or TERM)", COMPLETE_SIGNAL},
	{"stop-timeout", 0, TO(OPT_INT, stop_timeout), "SECONDS",
	 "Seconds from that signal to the kill (default 10)"},
	{"subgidname", 0, TO(OPT_STR, userns.subgidname), "NAME",
	 "Have the group IDs that /etc/subgid gives to a name"},
	{"subuidname", 0, TO(OPT_STR, userns.subuidname), "NAME",
	 "Have the user IDs that /etc/subuid gives to a name"},
	{"sysctl", 0, TO(OPT_STRS, ns.sysctls), "NAME=VALUE",
	 "Set a kernel parameter of its own namespaces (net.*, kernel.shm* and others)"},
	{"systemd", 0, TO(OPT_STR, more.systemd), "WHEN",
	 "Prepare it for systemd: true (default: if its command is systemd or /sbin/init), false, "
	 "always",
	 .words = "true false always", .complete = COMPLETE_WORDS},
	{"timeout", 0, TO(OPT_UINT, more.timeout), "SECONDS",
	 "Kill it after it has run for so long; its exit code is 255 then"},
	PULL_ROW_TLS_VERIFY(struct run_opts, image.),
	{"tmpfs", 0, TO(OPT_STRS, tmpfs), "PATH[:OPTIONS]",
	 "Mount a tmpfs (size=64m, mode=1777, exec ...)"},
	{"tty", 't', TO(OPT_BOOL, tty), NULL, "Give it a terminal"},
	{"tz", 0, TO(OPT_STR, more.tz), "ZONE",
	 "Time zone: a name such as Europe/Berlin, or local"},
	{"uidmap", 0, TO(OPT_STRS, userns.uidmap), "INSIDE:OUTSIDE[:COUNT]",
	 "Map user IDs of the container to yours: 0 is you, 1 your first subordinate ID; @ID is "
	 "one of this machine, + before it adds to the others, u or g: for one kind only"},
	{"ulimit", 0, TO(OPT_STRS, ulimits), "NAME=SOFT[:HARD]", "Set a resource limit",
	 .words = "core= cpu= data= fsize= locks= memlock= msgqueue= nice= nofile= nproc= rss= "
		  "rtprio= rttime= sigpending= stack="},
	{"umask", 0, TO(OPT_STR, more.umask), "OCTAL", "File mode bits taken away (default 0022)"},
	{"unsetenv", 0, TO(OPT_STRS, more.unset_env), "NAME",
	 "Leave out a variable of the image, or one that every container has"},
	{"unsetenv-all", 0, TO(OPT_BOOL, more.unset_env_all), NULL, "Leave out all of those"},
	{"user", 'u', TO(OPT_STR, user), "USER[:GROUP]", "User and group, by name or number"},
	{"userns", 0, TO(OPT_STR, userns.mode), "MODE",
	 "IDs: host (default), keep-id[:uid=,gid=,size=], auto[:size=,uidmapping=,gidmapping=], "
	 "nomap or container:NAME",
	 .words = "host keep-id keep-id:uid= auto auto:size= nomap private container:<:container>",
	 .complete = COMPLETE_WORDS},
	{"uts", 0, TO(OPT_STR, ns.modes[NS_UTS]), "MODE",
	 "Host name: private (default), host, container:NAME or ns:PATH",
	 .words = "private host container:<:running> ns:<:file>", .complete = COMPLETE_WORDS},
	{"variant", 0, TO(OPT_STR, more.variant), "VARIANT",
	 "Variant of the architecture that the image must be for", .aliases = "override-variant"},
	{"volume", 'v', TO(OPT_STRS, volumes), "[SOURCE:]PATH[:OPTIONS]",
	 "Mount a volume, or a file or directory of the host (ro, nosuid, O ...)",
	 .words = "<:volume> <:file>"},
	{"volume-driver", 0, TO(OPT_STR, vol.driver), "DRIVER",
	 "Driver of the volumes that are made for it (default local)"},
	{"volumes-from", 0, TO(OPT_STRS, vol.from), "CONTAINER[:OPTIONS]",
	 "Mount what another container has mounted (ro, rw)", COMPLETE_CONTAINER},
	{"workdir", 'w', TO(OPT_STR, workdir), "PATH", "Working directory in the container"},
	{0},
};
#undef TO

const struct run_opts run_defaults = {
	.read_only_tmpfs = true,
	.more.http_proxy = true,
	.more.passwd = true,
	.sig_proxy = true,
	.stop_timeout = -1,
	.shm_size = CONFIG_SHM_SIZE,
};

static void warn(void *arg, const char *text)
{
	cli_warn(arg, "%s", text);
}

static void note(void *arg, const char *text)
{
	cli_note(arg, "%s", text);
}

static int check(const struct cli *c, const struct run_opts *o, struct create_opts *co,
		 struct err *e)
{
	if (!str_is_empty(o->stop_signal) && parse_signal(o->stop_signal, &co->stop_signal) < 0) {
		err_fail(e, ERR_USAGE, "--stop-signal \"%.40s\" is not a signal", o->stop_signal);
		return err_hint(e, "it takes a signal such as TERM, SIGKILL or 15");
	}
	if (cli_given(c, "stop-timeout") && o->stop_timeout < 0) {
		err_fail(e, ERR_USAGE, "--stop-timeout is negative");
		return err_hint(e, "it takes seconds; 0 kills at once");
	}
	if (o->device_rules.n) {
		err_fail(e, ERR_DEVICE, "--device-cgroup-rule %.80s cannot be had",
			 o->device_rules.v[0]);
		return err_hint(e, "the devices controller is root's; --device PATH gives a device "
				   "that you may open yourself");
	}
	if (o->shm_size > INT64_MAX) {
		err_fail(e, ERR_USAGE, "--shm-size is too large");
		return err_hint(e, "0 means no limit");
	}
	if (!str_is_empty(o->cidfile) && access(o->cidfile, F_OK) == 0) {
		err_fail_code(e, ERR_USAGE, EEXIST, "the cidfile %s exists already", o->cidfile);
		return err_hint(e,
				"another container may have written it: make sure, and remove it");
	}
	return 0;
}

static int write_cidfile(const char *path, const char *id, struct err *e)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_all(fd, id, CONTAINER_ID_LEN);

	if (r < 0 && fd >= 0)
		unlink(path);
	return r < 0 ? err_set(e, r, "write the cidfile %s", path) : 0;
}

/* The image is fetched first if the policy says so, else only when it turns out to be missing: looking twice would cost those who have it. */
static int create_with_image(struct cli *c, const struct home *h, const struct run_opts *o,
			     const struct create_opts *co, struct container *ret, struct err *e)
{
	struct pull_flags f = o->image;
	struct image_pulled pulled;
	enum pull_policy policy = PULL_MISSING;
	int r = str_is_empty(f.policy) ? 0 : pull_policy_parse(f.policy, &policy, e);
	bool local = co->rootfs || co->image[0] == '@' || hello_is_meant(co->image);
	bool first = !local && (policy == PULL_ALWAYS || policy == PULL_NEWER);

	f.platform = o->more.platform;
	f.os = o->more.os;
	f.arch = o->more.arch;
	f.variant = o->more.variant;
	if (r == 0 && first && co->dry)
		cli_note(c, "the registry would be asked for %s", co->image);
	else if (r == 0 && first)
		r = pull_with_flags(c, h, co->image, &f, &pulled, e);
	if (r == 0)
		r = container_create(h, co, ret, e);
	if (r < 0 && co->dry && !local && policy != PULL_NEVER && e->id == ERR_IMAGE_UNKNOWN) {
		cli_note(c,
			 "%s is not here and would be pulled: what the container is depends on it",
			 co->image);
		ret->id[0] = 0;
		*e = (struct err){0};
		return 0;
	}
	if (r >= 0 || local || first || policy == PULL_NEVER ||
	    (e->id != ERR_IMAGE_UNKNOWN && e->id != ERR_PLATFORM))
		return r;
	struct err why = {.exit = EXIT_ENGINE};
	container_free(ret);
	*ret = (struct container){.dir = -1};
	int k = pull_with_flags(c, h, co->image, &f, &pulled, &why);
	if (k < 0 && why.id == ERR_IMAGE_UNKNOWN && e->id == ERR_PLATFORM)
		return r; /* no registry may be asked for it */
	*e = why;
	return k < 0 ? k : container_create(h, co, ret, e);
}

int run_dry(struct cli *c, const struct container *ct)
{
	scoped(str) text = {0};

	if (ct->id[0])
		json_write(&text, bind_write(config_fields, &ct->config, &c->arena), 1);
	if (text.len)
		out_printf(&c->out, "%s\n", str_cstr(&text));
	return 0;
}

int run_create(struct cli *c, const struct run_opts *o, bool unpublished, bool durable,
	       struct home *h, struct container *ret, struct err *e)
{
	struct process_opts more = o->more;
	struct create_opts co = {
		.image = c->args[0],
		.name = o->name,
		.user = o->user,
		.workdir = o->workdir,
		.entrypoint = o->entrypoint,
		.detach_keys = o->detach_keys,
		.env_first = o->env_first,
		.restart = o->restart,
		.health = &o->health,
		.env = o->env,
		.env_files = o->env_files,
		.labels = o->labels,
		.volumes = o->volumes,
		.vol = o->vol,
		.mounts = o->mounts,
		.tmpfs = o->tmpfs,
		.devices = o->devices,
		.cap_add = o->cap_add,
		.cap_drop = o->cap_drop,
		.security_opts = o->security_opts,
		.ulimits = o->ulimits,
		.secrets = o->secrets,
		.tty = o->tty,
		.interactive = o->interactive,
		.read_only = o->read_only,
		.read_only_tmpfs = o->read_only_tmpfs && c->called != CALLED_DOCKER,
		.privileged = o->privileged,
		.init = o->init,
		.rootfs = o->rootfs,
		.auto_remove = o->rm,
		.replace = o->replace,
		.more = &more,
		.cidfile = o->cidfile,
		.stop_timeout = o->stop_timeout,
		.shm_size = o->shm_size,
		.ns = o->ns,
		.net = o->net,
		.names = o->names,
		.limits = o->limits,
		.userns = o->userns,
		.docker = c->called == CALLED_DOCKER,
		.unpublished = unpublished,
		.durable = durable,
		.dry = o->dry,
		.warn = warn,
		.arg = c,
	};

	*ret = (struct container){.dir = -1};
	if (c->called == CALLED_PODMAN && str_eq(more.log_driver, "json-file"))
		more.log_driver = "k8s-file"; /* another name for it there */
	more.has_oom_score_adj = cli_given(c, "oom-score-adj");
	if (c->called == CALLED_DOCKER && !cli_given(c, "http-proxy"))
		more.http_proxy = false; /* there it is a matter of the client's configuration */
	co.ns.docker = co.docker;
	co.names.docker = co.docker;
	co.vol.docker = co.docker;
	co.ns.shm_size = cli_given(c, "shm-size");
	int r = check(c, o, &co, e);
	if (r == 0)
		r = home_open(h, c->root, e);
	if (r < 0)
		return r;
	if (!o->dry)
		containers_recover(h);
	for (size_t i = 1; i < c->nargs; i++)
		strs_add(&c->arena, &co.args, c->args[i]);
	for (int i = 0; i < c->argc; i++)
		strs_add(&c->arena, &co.create_command, c->argv[i]);
	r = create_with_image(c, h, o, &co, ret, e);
	return r == 0 && !o->dry && !str_is_empty(o->cidfile)
		       ? write_cidfile(o->cidfile, ret->id, e)
		       : r;
}

void run_check_terminal(struct cli *c, bool *tty, bool interactive)
{
	if (!*tty || !interactive || isatty(0))
		return;
	/* A pty would turn every newline of a pipe or file into something else; a script means the plain streams. */
	cli_note(c, "standard input is not a terminal: going on without -t");
	*tty = false;
}

struct winsize run_terminal_size(void)
{
	struct winsize ws = {0};

	for (int fd = 0; fd < 3; fd++)
		if (tty_size(fd, &ws))
			break;
	return ws;
}

int run_await(struct cli *c, int sock, pid_t monitor, struct err *e)
{
	struct client cl = {.sock = sock, .in = -1, .monitor = monitor, .note = note, .arg = c};

	return client_await_start(&cl, NULL, e);
}

int run_attached(struct cli *c, const struct attach_opts *o, struct err *e)
{
	struct client cl = {
		.sock = o->sock,
		.in = o->input ? 0 : -1,
		.output = true,
		.no_stdout = o->no_stdout,
		.no_stderr = o->no_stderr,
		.tty = o->tty,
		.sig_proxy = o->sig_proxy,
		.monitor = o->monitor,
		.keys = o->keys ? o->keys : "ctrl-p,ctrl-q",
		.note = note,
		.arg = c,
	};
	int code = client_run(&cl, e);

	return code == CLIENT_DETACHED ? 0 : code;
}
