#include "base/base.h"
#include "base/parse.h"
#include "oci/config_edit.h"

enum { MAX_PORTS = 65535 };

void config_shell_command(const struct image_config *c, const char *text, struct arena *a,
			  struct strs *ret)
{
	*ret = (struct strs){0};
	for (size_t i = 0; i < c->shell.n; i++)
		strs_add(a, ret, c->shell.v[i]);
	if (!c->shell.n) {
		strs_add(a, ret, "/bin/sh");
		strs_add(a, ret, "-c");
	}
	strs_add(a, ret, text);
}

const char *config_add_ports(struct image_config *c, const char *word, struct arena *a)
{
	const char *slash = strchr(word, '/');
	autofree char *proto = xstrdup(slash ? slash + 1 : "tcp");
	autofree char *range = xstrndup(word, slash ? (size_t)(slash - word) : strlen(word));
	char *dash = strchr(range, '-');
	uint64_t from, to;

	if (dash)
		*dash = 0;
	for (char *p = proto; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	bool known = !strcmp(proto, "tcp") || !strcmp(proto, "udp") || !strcmp(proto, "sctp");
	if (!known || parse_u64(range, MAX_PORTS, &from) < 0 || !from ||
	    (dash && parse_u64(dash + 1, MAX_PORTS, &to) < 0))
		return "a word of it is no port";
	if (!dash)
		to = from;
	if (to < from)
		return "a range of ports ends before it begins";
	for (; from <= to; from++) {
		char *port = arena_printf(a, "%" PRIu64 "/%s", from, proto);
		if (!strs_has(&c->exposed_ports, port))
			strs_add(a, &c->exposed_ports, port);
	}
	return NULL;
}

const char *config_add_volume(struct image_config *c, const char *path, struct arena *a)
{
	if (path[0] != '/')
		return "a volume is an absolute path of the image";
	autofree char *clean = path_clean(path);
	if (!strs_has(&c->volumes, clean))
		strs_add(a, &c->volumes, clean);
	return NULL;
}

void config_set_workdir(struct image_config *c, const char *path, struct arena *a)
{
	autofree char *joined = path[0] == '/' || str_is_empty(c->working_dir)
					? xasprintf("/%s", path)
					: path_join(c->working_dir, path);
	autofree char *clean = path_clean(joined);

	c->working_dir = arena_strdup(a, clean);
}

const char *config_set_stop_signal(struct image_config *c, const char *text, struct arena *a)
{
	int sig;

	if (parse_signal(text, &sig) < 0)
		return "this is no signal";
	c->stop_signal = arena_strdup(a, text);
	return NULL;
}

const char *config_health_flag(struct image_health *h, const char *name, const char *value)
{
	const struct {
		const char *name;
		int64_t *to;
	} flags[] = {{"interval", &h->interval},
		     {"timeout", &h->timeout},
		     {"start-period", &h->start_period},
		     {"start-interval", &h->start_interval}};

	for (size_t i = 0; i < countof(flags); i++) {
		if (strcmp(name, flags[i].name) != 0)
			continue;
		return parse_duration(value, flags[i].to) < 0 || *flags[i].to < 0
			       ? "a time of it is no duration"
			       : NULL;
	}
	if (!strcmp(name, "retries"))
		return parse_i64(value, 0, INT32_MAX, &h->retries) < 0 ? "--retries takes a number"
								       : NULL;
	return "an option of it is unknown";
}

const char *config_check_on_build(const char *text)
{
	static const char *const never[] = {"ONBUILD", "FROM", "MAINTAINER"};

	for (size_t i = 0; i < countof(never); i++) {
		size_t n = strlen(never[i]);
		if (!strncasecmp(text, never[i], n) && (!text[n] || text[n] == ' '))
			return "this instruction cannot follow ONBUILD";
	}
	return NULL;
}
