#include "base/base.h"
#include "cli/health_rows.h"
#include "cli/limit_rows.h"
#include "cli/run_opts.h"
#include "engine/image.h"
#include "engine/linger.h"
#include "engine/start.h"

#define TO(kind, field) OPT_TO(kind, struct run_opts, field)
static const struct opt run_rows[] = {
	{"detach", 'd', TO(OPT_BOOL, detach), NULL,
	 "Run in the background and print the container's ID"},
	{"rmi", 0, TO(OPT_BOOL, rmi), NULL,
	 "Remove the container and its image when it ends, if no other container uses that"},
	{"sig-proxy", 0, TO(OPT_BOOL, sig_proxy), NULL,
	 "Pass signals on to the container, if it has no terminal (default true)"},
	{.kind = OPT_TABLE, .sub = run_common_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, health), .sub = health_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, limits), .sub = limit_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, limits), .sub = limit_place_rows},
	{.kind = OPT_TABLE, .offset = offsetof(struct run_opts, preserve), .sub = preserve_rows},
	{0},
};
#undef TO

static int check_rmi(struct run_opts *o, struct err *e)
{
	if (!o->rmi)
		return 0;
	if (o->detach) {
		err_fail(e, ERR_USAGE, "--rmi and --detach exclude each other");
		return err_hint(e, "it is this command that waits for the end and removes the "
				   "image; afterwards: hoy rmi IMAGE");
	}
	o->rm = true;
	return 0;
}

/* An image that others use, or that is none (@host), stays; that is no error. */
static void remove_image(struct cli *c, const struct home *h, const struct container_config *cfg)
{
	const struct image_rm_opts o = {0};
	struct image_removed done = {0};
	struct err e = {0};

	if (cfg->image_id && image_rm(h, cfg->image, &o, &done, &e) < 0)
		cli_note(c, "--rmi: %s", e.msg);
	image_removed_free(&done);
}

/* Told once: it is a setting of the user, not of a container. */
static void note_linger(struct cli *c, const struct home *h)
{
	static const char told[] = "noted-linger";

	if (!linger_is_off() || faccessat(h->fd, told, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	cli_warn(c, "systemd may end it when you log out; this keeps it: loginctl enable-linger");
	fd_write_file_at(h->fd, told, "", 0, 0600);
}

static int run_run(struct cli *c, void *opts, struct err *e)
{
	struct run_opts *o = opts;
	struct container ct;
	struct home h = {.fd = -1};
	struct fd_kept fds;
	int sock = -1;

	if (o->detach && o->more.attach.n && c->called == CALLED_DOCKER)
		return err_fail(e, ERR_USAGE, "--attach and --detach exclude each other");
	int r = check_rmi(o, e);
	if (r < 0)
		return r;
	if (!o->detach)
		run_check_terminal(c, &o->tty, o->interactive);
	r = run_preserved(&o->preserve, &fds, e);
	if (r < 0)
		return r;
	r = run_create(c, o, true, o->detach && !o->rm, &h, &ct, e);
	if (o->dry) {
		r = r < 0 ? r : run_dry(c, &ct);
		container_free(&ct);
		home_free(&h);
		return r;
	}
	const struct strs *at = &ct.config.attach;
	/* Its input is its own affair then. */
	bool passed = ct.config.log_driver && str_starts(ct.config.log_driver, "passthrough");
	struct attach_opts ao = {
		.input = !o->detach && o->interactive && !passed &&
			 (!at->n || strs_has(at, "stdin")),
		.tty = o->tty,
		.sig_proxy = o->sig_proxy,
		.no_stdout = at->n && !strs_has(at, "stdout"),
		.no_stderr = at->n && !strs_has(at, "stderr"),
		.keys = o->detach_keys,
	};
	struct start_opts so = {!o->detach && !(ao.no_stdout && ao.no_stderr),
				ao.input,
				true,
				run_terminal_size(),
				NULL,
				&fds};
	bool made = r == 0;
	if (made)
		r = container_start(&h, &ct, &so, &sock, e);
	if (r == 0)
		fd_kept_close(&fds); /* or a pipe among them would not end before we do */
	if (r < 0) {
		container_undo(&h, &ct);
	} else if (o->detach) {
		r = run_await(c, sock, ct.monitor, e);
		if (r == 0) {
			out_printf(&c->out, "%s\n", ct.id);
			note_linger(c, &h);
		}
	} else {
		if (ao.no_stdout && ao.no_stderr) /* as elsewhere: so that it can be found */
			out_printf(&c->out, "%s\n", ct.id);
		ao.sock = sock;
		ao.monitor = ct.monitor;
		r = run_attached(c, &ao, e);
		if (o->rmi && r >= 0)
			remove_image(c, &h, &ct.config);
	}
	if (r < 0 && !str_is_empty(o->cidfile) && made) /* else it may be another's */
		unlink(o->cidfile);
	fd_close(&sock);
	container_free(&ct);
	home_free(&h);
	return r;
}

const struct command cmd_run = {
	.name = "run",
	.aliases = "container run",
	.group = "Containers",
	.args = "IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.description =
		"Makes a container from an image and runs a command in it: the image's own, "
		"or the one given. The command's "
		"output is yours, its exit code becomes the exit code of hoy, and signals "
		"are passed on to it.\n\n"
		"Its network is the default one, bridge, where it has an address of its own and "
		"reaches "
		"what this machine reaches; ports that -p publishes lead to it. --network NAME "
		"puts it into "
		"a network of yours (hoy network create), where containers know each other by "
		"name; "
		"--network host gives it the machine's own network, --network none only a loopback "
		"device.\n\n"
		"-p HOST:CONTAINER publishes a port on all addresses of this machine, "
		"IP:HOST:CONTAINER on one ([IP] for IPv6); with /udp behind it for datagrams. "
		"HOST-HOST:CONTAINER-CONTAINER "
		"publishes a range, -p CONTAINER alone lets the kernel pick a port at each start: "
		"hoy port "
		"shows it. -P does that for all ports that the image and --expose name.\n\n"
		"What is asked of a network stands behind its name: "
		"--network NAME:ip=ADDRESS,ip6=ADDRESS,mac=ADDRESS,alias=NAME,interface_name=NAME; "
		"docker's name=NAME,ip=ADDRESS,gw-priority=NUMBER is taken too. The first network "
		"has the default "
		"route and the published ports. --link CONTAINER:NAME writes the other's address "
		"into /etc/hosts; it "
		"sets no variables, as docker's old links did. host_interface_name= is taken and "
		"has no effect: "
		"the other end of the device is in the network's own namespace.\n\n"
		"pasta and slirp4netns make the container's network if they are installed. Behind "
		"pasta: stand its own flags, separated by commas (pasta:--mtu,1500,-T,5432), "
		"behind slirp4netns: the options "
		"allow_host_loopback, mtu, cidr, enable_ipv6, outbound_addr, outbound_addr6 and "
		"port_handler (ports go through slirp4netns itself in any case).\n\n"
		"In a network of yours other containers find it by its name, its --network-alias, "
		"its "
		"host name and the first 12 digits of its ID, alone or with .dns.podman or a dot "
		"and "
		"the network's name behind it. /etc/resolv.conf names the network's gateway, which "
		"knows these names and asks the servers of --dns for all others, else those of the "
		"network, else this machine's as they are at that moment. A --dns server with a "
		"loopback "
		"address is the container's own: it stands in resolv.conf itself, and so do all of "
		"them "
		"where no names are known, as on the default network. host.containers.internal and "
		"host.docker.internal are this machine. /etc/hosts begins with the lines of this "
		"machine's (--hosts-file; called docker: with none) and has the container's "
		"addresses, "
		"which follow its networks while it runs.\n\n"
		"--restart says what becomes of a container that ends by itself: no (nothing), "
		"always "
		"and "
		"unless-stopped (it is started again), on-failure (the same, if its exit code is "
		"not "
		"0) "
		"and on-failure:N (N times at most). It waits 100 ms before, then twice as long "
		"each "
		"time, "
		"up to a minute; a run of ten seconds begins anew with 100 ms. Meanwhile it is "
		"shown "
		"as "
		"restarting. Addresses and published ports stay the same; who is attached gets the "
		"exit "
		"code of the run that they saw, and hoy logs -f goes on. hoy stop, kill and rm -f "
		"end "
		"it "
		"for good, until somebody starts it: always and unless-stopped differ only in what "
		"hoy "
		"autostart does with it after a reboot. Descriptors of --preserve-fds go to the "
		"first "
		"run only.\n\n"
		"@host in place of an image runs on the machine's own /usr, /bin, /lib and "
		"/etc under a private writable layer, "
		"without home directories; existing files of the host stay read-only, "
		"because their owner has no id in the "
		"container. @empty is nothing at all. The image hello is built in and "
		"explains hoy.",
	.examples = "# What hoy is, in a container\n"
		    "hoy run --rm hello\n"
		    "# A shell on the machine's own programs\n"
		    "hoy run --rm -it @host\n"
		    "# In the background, with a name and a directory of the host\n"
		    "hoy run -d --name web -v ./site:/www:ro busybox httpd -f -h /www\n"
		    "# Its port 80 is this machine's 8080, and only for programs of this machine\n"
		    "hoy run -d --name www -p 127.0.0.1:8080:80 busybox httpd -f\n"
		    "# Started again whenever it fails, five times at most\n"
		    "hoy run -d --name job --restart on-failure:5 busybox sleep 1000\n"
		    "# In a network of its own, where others find it as db and as store\n"
		    "hoy network create back\n"
		    "hoy run -d --name store --network back --network-alias db busybox sleep 1000",
	.exits = "125 hoy itself failed\n126 the command cannot be executed\n127 there is no such "
		 "command in the container\n"
		 "128+N the command was ended by signal N",
	.opts = run_rows,
	.opts_size = sizeof(struct run_opts),
	.defaults = &run_defaults,
	.stop_at_operand = true,
	.complete = COMPLETE_IMAGE,
	.run = run_run,
};
