#include "base/base.h"
#include "base/parse.h"
#include "engine/usernet_opts.h"
#include "net/addr.h"

static int bad(const char *mode, const char *text, const char *why, const char *hint, struct err *e)
{
	err_fail(e, ERR_USAGE, "--network %s: \"%.80s\": %s", mode, text, why);
	return err_hint(e, "%s", hint);
}

static bool is_bool(const char *v)
{
	return !strcmp(v, "true") || !strcmp(v, "false");
}

static bool is_mtu(const char *v)
{
	uint64_t n;

	return parse_u64(v, 65521, &n) == 0 && n >= 68;
}

/* slirp4netns takes the second to the fifteenth address for itself. */
static bool is_cidr(const char *v)
{
	struct ip_net n;

	return ip_net_parse(v, &n) == 0 && n.ip.family == 4 && n.len >= 8 && n.len <= 25;
}

static bool is_handler(const char *v)
{
	return !strcmp(v, "slirp4netns") || !strcmp(v, "rootlesskit");
}

/* An address, or the name of a device that has one. */
static bool is_outbound(const char *v)
{
	return *v &&
	       !v[strspn(v,
			 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_")] &&
	       v[0] != '-';
}

static const struct {
	const char *name;
	bool (*ok)(const char *value);
	const char *form;
} slirp[] = {
	{"allow_host_loopback", is_bool, "it is true or false"},
	{"mtu", is_mtu, "it is a number from 68 to 65521"},
	{"cidr", is_cidr, "it is an IPv4 subnet, /25 or larger, as in 10.0.2.0/24"},
	{"enable_ipv6", is_bool, "it is true or false"},
	{"outbound_addr", is_outbound, "it is an address or a device of this machine"},
	{"outbound_addr6", is_outbound, "it is an address or a device of this machine"},
	{"port_handler", is_handler, "it is slirp4netns or rootlesskit"},
};
static const char slirp_hint[] = "the options are allow_host_loopback, mtu, cidr, enable_ipv6, "
				 "outbound_addr, outbound_addr6 and port_handler, as KEY=VALUE";

static int check_slirp(const char *text, struct err *e)
{
	const char *eq = strchr(text, '=');

	for (size_t i = 0; eq && i < countof(slirp); i++)
		if (strlen(slirp[i].name) == (size_t)(eq - text) &&
		    !strncmp(slirp[i].name, text, (size_t)(eq - text)))
			return slirp[i].ok(eq + 1)
				       ? 0
				       : bad("slirp4netns", text, slirp[i].form, slirp_hint, e);
	return bad("slirp4netns", text, "there is no such option", slirp_hint, e);
}

/* What hoy says itself, or would take the process out of its hands. */
static int check_pasta(const char *text, struct err *e)
{
	static const char *const ours[] = {"--netns", "--netns-only", "--userns",  "--pid",
					   "-P",      "--foreground", "-f",	   "--runas",
					   "--help",  "-h",	      "--version", "--fd",
					   "-F",      "--quiet",      "-q",	   "--config-net"};
	size_t n = strcspn(text, "=");

	for (size_t i = 0; i < countof(ours); i++)
		if (strlen(ours[i]) == n && !strncmp(ours[i], text, n))
			return bad("pasta", text, "hoy gives pasta this one itself",
				   "the others of pasta --help can be given", e);
	return 0;
}

int usernet_opts_check(const char *mode, const struct strs *options, struct err *e)
{
	bool pasta = !strcmp(mode, "pasta");
	int r = 0;

	for (size_t i = 0; i < options->n && r == 0; i++)
		r = pasta ? check_pasta(options->v[i], e) : check_slirp(options->v[i], e);
	return r;
}
