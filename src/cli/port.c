#include "base/base.h"
#include "cli/command.h"
#include "engine/container.h"
#include "engine/list.h"
#include "engine/port_text.h"

struct port_opts {
	bool all, latest;
};

#define TO(kind, field) OPT_TO(kind, struct port_opts, field)
static const struct opt port_rows[] = {
	{"all", 'a', TO(OPT_BOOL, all), NULL, "Show the ports of all running containers"},
	{"latest", 'l', TO(OPT_BOOL, latest), NULL, "The newest container"},
	{0},
};
#undef TO

static bool has_ports(const struct container_state *s, enum container_status status)
{
	return s->ports.n && (status == CONTAINER_RUNNING || status == CONTAINER_LOST);
}

/* One line for each; the id before it where there are several containers, or nothing but the address where it was asked for. */
static void print(struct cli *c, const struct container_state *s, const char *id,
		  const struct port_binding *v, size_t n, bool bare)
{
	for (size_t i = 0; i < n; i++) {
		if (id)
			out_printf(&c->out, "%.12s\t", id);
		if (!bare)
			out_printf(&c->out, "%s -> ", v[i].name);
		out_printf(&c->out, "%s\n", v[i].address);
	}
}

static int print_all(struct cli *c, const struct home *h, struct err *e)
{
	scoped(strv) ids = {0};
	int r = container_ids(h, &ids, e);

	strv_sort(&ids);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct container_state s = {0};
		struct port_binding *v;
		if (container_state_read(h, ids.v[i], &s, &c->arena, NULL) < 0 ||
		    !has_ports(&s, container_derive(h, &s)))
			continue;
		size_t n = ports_bindings(&c->arena, &s, NULL, c->called == CALLED_DOCKER, &v);
		print(c, &s, ids.v[i], v, n, false);
	}
	return r;
}

static int print_one(struct cli *c, const struct home *h, const char *text, const char *port,
		     struct err *e)
{
	struct container ct;
	struct port_binding *v = NULL;
	size_t n = 0;
	int r = container_open(h, text, &ct, e);

	/* As both engines take it: 80 is 80/tcp. */
	const char *name =
		port && !strchr(port, '/') ? arena_printf(&c->arena, "%s/tcp", port) : port;
	if (r == 0 && has_ports(&ct.state, ct.status))
		n = ports_bindings(&c->arena, &ct.state, name, c->called == CALLED_DOCKER, &v);
	if (r == 0)
		print(c, &ct.state, NULL, v, n, port != NULL);
	if (r == 0 && port && !n) {
		r = err_fail_code(e, ERR_PORT_UNPUBLISHED, ENOENT,
				  "container %s publishes no port %s", ct.state.name, name);
		err_hint(e, "see all: hoy port %s", ct.state.name);
		if (c->called == CALLED_DOCKER)
			e->exit = 1;
	}
	container_free(&ct);
	return r;
}

static int port_run(struct cli *c, void *opts, struct err *e)
{
	const struct port_opts *o = opts;
	size_t names = o->latest || o->all ? 0 : 1;
	const char *name = names && c->nargs ? c->args[0] : NULL;
	const char *port = c->nargs > names ? c->args[names] : NULL;
	scoped(home) h = {.fd = -1};

	if (o->all && (o->latest || c->nargs)) {
		err_fail(e, ERR_USAGE, "port --all takes no container");
		return err_hint(e, "hoy port CONTAINER shows the ports of one");
	}
	if (names && !name) {
		err_fail(e, ERR_USAGE, "port needs a container");
		return err_hint(e, "give its name or ID, or --all");
	}
	if (c->nargs > names + 1) {
		err_fail(e, ERR_USAGE, "port takes one container and one port");
		return err_hint(e, "as in hoy port web 80/tcp");
	}
	int r = home_open(&h, c->root, e);
	if (r == 0 && o->all)
		return print_all(c, &h, e);
	if (r == 0 && o->latest)
		r = container_newest(&h, &c->arena, &name, e);
	return r < 0 ? r : print_one(c, &h, name, port, e);
}

const struct command cmd_port = {
	.name = "port",
	.aliases = "container port",
	.group = "Containers",
	.args = "[CONTAINER [PORT[/PROTOCOL]]]",
	.summary = "Show the published ports of a container",
	.description =
		"Each line is a port of the container and the address of this machine that leads "
		"to "
		"it. With a port (80 is 80/tcp), only its addresses are printed. A container that "
		"does not run has no ports.\n\n"
		"A random port (-p 80, -P) is another one at each start; this is where to read it.",
	.examples = "hoy run -d --name www -p 8080:80 busybox httpd -f\nhoy port www\nhoy port www "
		    "80\nhoy port --all",
	.opts = port_rows,
	.opts_size = sizeof(struct port_opts),
	.run = port_run,
	.complete = COMPLETE_RUNNING,
};
