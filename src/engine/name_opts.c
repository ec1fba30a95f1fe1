#include "base/base.h"
#include "engine/name_opts.h"
#include "net/addr.h"

enum { NAME_MAX_LEN = 253, LABEL_MAX = 63 };

/* A name as hosts(5) and resolvers take it: labels of at most 63 letters, digits, '-' and '_'. A dot at the end is fine. */
static bool is_dns_name(const char *s, size_t n)
{
	size_t label = 0;

	if (n && s[n - 1] == '.')
		n--;
	if (!n || n > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (c == '.' ? !label : !letter || label == LABEL_MAX)
			return false;
		label = c == '.' ? 0 : label + 1;
	}
	return label > 0;
}

static int set_dns(const struct name_opts *o, struct container_config *c, struct arena *a,
		   struct err *e)
{
	for (size_t i = 0; i < o->dns.n; i++) {
		const char *s = o->dns.v[i];
		struct ip ip;
		if (!strcmp(s, "none")) {
			if (o->dns.n == 1 && !o->dns_search.n && !o->dns_options.n) {
				strs_add(a, &c->dns, s);
				continue;
			}
			err_fail(e, ERR_USAGE,
				 "--dns none and other --dns flags exclude each other");
			return err_hint(e, "none leaves the image's /etc/resolv.conf as it is");
		}
		if (ip_parse(s, &ip) < 0 || ip_is_any(&ip)) {
			err_fail(e, ERR_USAGE, "--dns \"%.60s\" is not the IP address of a server",
				 s);
			return err_hint(e, "as in 1.1.1.1 or 2606:4700:4700::1111; none leaves the "
					   "image's /etc/resolv.conf as it is");
		}
		char text[IP_TEXT];
		strs_add(a, &c->dns, ip_text(&ip, text));
	}
	return 0;
}

static int set_search(const struct name_opts *o, struct container_config *c, struct arena *a,
		      struct err *e)
{
	for (size_t i = 0; i < o->dns_search.n; i++) {
		const char *s = o->dns_search.v[i];
		if (!strcmp(s, ".") && o->dns_search.n > 1) {
			err_fail(e, ERR_USAGE, "--dns-search . and a domain exclude each other");
			return err_hint(e, "the dot alone means that no domain is searched");
		}
		if (strcmp(s, ".") && !is_dns_name(s, strlen(s))) {
			err_fail(e, ERR_USAGE, "--dns-search \"%.80s\" is not a domain", s);
			return err_hint(
				e, "as in example.org; a dot alone means that none is searched");
		}
		strs_add(a, &c->dns_search, s);
	}
	for (size_t i = 0; i < o->dns_options.n; i++) {
		const char *s = o->dns_options.v[i];
		if (!*s || strlen(s) > 60 ||
		    s[strspn(
			    s,
			    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_")]) {
			err_fail(e, ERR_USAGE,
				 "--dns-option \"%.60s\" is not an option of resolv.conf", s);
			return err_hint(e, "as in ndots:2, timeout:1, rotate (resolv.conf(5))");
		}
		strs_add(a, &c->dns_options, s);
	}
	return 0;
}

static int bad_host(const char *text, const char *why, struct err *e)
{
	err_fail(e, ERR_USAGE, "--add-host \"%.100s\": %s", text, why);
	return err_hint(e, "as in db:10.0.0.7, db=fd00::7, \"db;cache:10.0.0.7\" or "
			   "host.local:host-gateway");
}

/* Is this a container with nothing between it and the loopback device, or whose network is somebody else's? */
static const char *odd_network(const struct container_config *c)
{
	return str_is_empty(c->network) || !strcmp(c->network, "none") ? "none"
	       : str_starts(c->network, "container:")		       ? "container:NAME"
								       : NULL;
}

static int set_host(const char *text, struct container_config *c, struct arena *a, struct err *e)
{
	size_t n = strcspn(text, ":=");
	char addr[IP_TEXT];
	struct ip ip;

	if (!text[n] || !n)
		return bad_host(text, "it is not NAME:IP", e);
	const char *value = text + n + 1;
	size_t len = strlen(value);
	scoped(strv) names = {0};
	autofree char *list = xstrndup(text, n);
	strv_split(&names, list, ';');
	for (size_t i = 0; i < names.n; i++)
		if (!is_dns_name(names.v[i], strlen(names.v[i])))
			return bad_host(text, "a host name has letters, digits, '-', '_' and '.'",
					e);
	if (!strcmp(value, "host-gateway")) {
		if (odd_network(c) && c->network[0] == 'n') {
			err_fail(
				e, ERR_USAGE,
				"--add-host %.60s: with --network none there is no way to the host",
				text);
			return err_hint(e, "give the container a network, or an address");
		}
		strs_add(a, &c->extra_hosts, arena_printf(a, "%s:%s", list, value));
		return 0;
	}
	bool brackets = value[0] == '[' && len > 2 && value[len - 1] == ']';
	autofree char *plain = brackets ? xstrndup(value + 1, len - 2) : xstrdup(value);
	if (ip_parse(plain, &ip) < 0 || (brackets && ip.family != 6))
		return bad_host(text, "what is behind the name is not an IP address", e);
	strs_add(a, &c->extra_hosts, arena_printf(a, "%s:%s", list, ip_text(&ip, addr)));
	return 0;
}

static int set_hosts(const struct name_opts *o, struct container_config *c, struct arena *a,
		     struct err *e)
{
	/* On the host's network docker, too, has the host's file. */
	bool none = o->docker && !str_eq(c->network, "host");
	const char *base = !str_is_empty(o->hosts_file) ? o->hosts_file : none ? "none" : NULL;

	if (o->no_hosts && (o->add_hosts.n || !str_is_empty(o->hosts_file))) {
		err_fail(e, ERR_USAGE, "--no-hosts and --%s exclude each other",
			 o->add_hosts.n ? "add-host" : "hosts-file");
		return err_hint(e, "--no-hosts leaves the image's /etc/hosts as it is");
	}
	c->no_hosts = o->no_hosts;
	if (base && *base != '/' && strcmp(base, "image") && strcmp(base, "none")) {
		err_fail(e, ERR_USAGE, "--hosts-file \"%.100s\" is not an absolute path", base);
		return err_hint(e, "a file of this machine, image for the image's own, or none");
	}
	if (base && *base == '/') {
		autoclose int fd = open(base, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		struct stat st;
		if (fd < 0 || fstat(fd, &st) < 0)
			return err_set(e, errno, "read the hosts file %s", base);
		if (!S_ISREG(st.st_mode))
			return err_fail(e, ERR_USAGE, "the hosts file %s is not a file", base);
	}
	c->hosts_file = arena_strdup(a, base);
	for (size_t i = 0; i < o->add_hosts.n; i++) {
		int r = set_host(o->add_hosts.v[i], c, a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int name_opts_set(const struct name_opts *o, struct container_config *c, struct arena *a,
		  struct err *e)
{
	const char *flag = o->dns.n	      ? "dns"
			   : o->dns_search.n  ? "dns-search"
			   : o->dns_options.n ? "dns-option"
					      : NULL;

	if (flag && odd_network(c)) {
		err_fail(e, ERR_USAGE, "--%s and --network %s exclude each other", flag,
			 odd_network(c));
		return err_hint(e, c->network[0] == 'n'
					   ? "without a network no name server can be asked"
					   : "give it to the container whose network is joined");
	}
	int r = set_dns(o, c, a, e);
	if (r == 0)
		r = set_search(o, c, a, e);
	if (r == 0)
		r = set_hosts(o, c, a, e);
	c->no_hostname = o->no_hostname;
	return r;
}
