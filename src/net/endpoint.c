#include "base/base.h"
#include "net/endpoint.h"

enum { ENDPOINTS_VERSION = 1, ENDPOINTS_FILE_MAX = 1 << 20 };

const struct bind_field endpoint_fields[] = {
	{"Network", BIND_STR, offsetof(struct endpoint, network), .flags = BIND_REQUIRED},
	{"NetworkID", BIND_STR, offsetof(struct endpoint, network_id)},
	{"Interface", BIND_STR, offsetof(struct endpoint, ifname)},
	{"IP4", BIND_STR, offsetof(struct endpoint, ip4)},
	{"IP6", BIND_STR, offsetof(struct endpoint, ip6)},
	{"MAC", BIND_STR, offsetof(struct endpoint, mac)},
	{"Fixed4", BIND_BOOL, offsetof(struct endpoint, fixed4)},
	{"Fixed6", BIND_BOOL, offsetof(struct endpoint, fixed6)},
	{"FixedMAC", BIND_BOOL, offsetof(struct endpoint, fixed_mac)},
	{"Aliases", BIND_STRS, offsetof(struct endpoint, aliases)},
	{0},
};

static const struct bind_field endpoints_fields[] = {
	{"Version", BIND_INT, offsetof(struct endpoints, version), .flags = BIND_ALWAYS},
	{"Endpoints", BIND_LIST, offsetof(struct endpoints, v), endpoint_fields,
	 sizeof(struct endpoint)},
	{0},
};

int endpoints_read(int container_dir, struct endpoints *ret, struct arena *a, struct err *e)
{
	scoped(str) text = {0};
	int r = fd_read_file_at(container_dir, ENDPOINTS_FILE, &text, ENDPOINTS_FILE_MAX);

	memset(ret, 0, sizeof *ret);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, r, "read %s of the container", ENDPOINTS_FILE);
	struct json *doc = json_parse(a, str_cstr(&text), text.len, ENDPOINTS_FILE, NULL, e);
	if (!doc)
		return -EINVAL;
	if (json_int(doc, "Version", 0) > ENDPOINTS_VERSION) {
		err_fail(e, ERR_NEWER,
			 "a newer release of hoy wrote the networks of the container");
		return err_hint(e, "use that release to manage it");
	}
	return bind_read(endpoints_fields, ret, doc, ENDPOINTS_FILE, a, e);
}

int endpoints_write(int container_dir, const struct endpoints *v, struct err *e)
{
	struct arena a = {0};
	scoped(str) text = {0};
	struct endpoints now = *v;

	now.version = ENDPOINTS_VERSION;
	json_write(&text, bind_write(endpoints_fields, &now, &a), 0);
	arena_free(&a);
	int r = fd_replace_at(container_dir, ENDPOINTS_FILE, text.s, text.len, 0600, false);
	return r < 0 ? err_set(e, r, "write %s of the container", ENDPOINTS_FILE) : 0;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

char *endpoint_id(const char *container, const char *network_id, char buf[ENDPOINT_ID_LEN + 1])
{
	size_t n = network_id ? strlen(network_id) : 0, k = strlen(container);

	for (size_t i = 0; i < ENDPOINT_ID_LEN; i++)
		buf[i] = "0123456789abcdef"[hex_value(k ? container[i % k] : '0') ^
					    hex_value(n ? network_id[(i + 1) % n] : '0')];
	buf[ENDPOINT_ID_LEN] = 0;
	return buf;
}

bool endpoints_have_device(const struct endpoints *l, const char *ifname)
{
	const struct endpoint *v = l->v.v;

	for (size_t i = 0; i < l->v.n; i++)
		if (str_eq(v[i].ifname, ifname))
			return true;
	return false;
}

const char *endpoints_free_device(const struct endpoints *l, struct arena *a)
{
	for (unsigned i = 0;; i++) {
		const char *name = arena_printf(a, "eth%u", i);
		if (!endpoints_have_device(l, name))
			return name;
	}
}
