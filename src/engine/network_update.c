#include "base/base.h"
#include "engine/network.h"
#include "net/tell.h"
#include "state/tell.h"

static void drop_dns(struct network *n, const char *address)
{
	struct strs *l = &n->dns_servers;
	size_t k = 0;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], address) != 0)
			l->v[k++] = l->v[i];
	l->n = k;
}

int network_update(const struct home *h, const char *text, const struct strs *dns_add,
		   const struct strs *dns_drop, struct arena *a, struct network *ret, struct err *e)
{
	struct network found;
	int r = network_find(h, text, true, &found, a, e);

	if (r < 0)
		return r;
	autoclose int lock = networks_lock(h, e);
	r = lock < 0 ? lock : network_read(h, found.name, ret, a, e);
	if (r == -ENOENT)
		return err_fail_code(e, ERR_NETWORK_UNKNOWN, ENOENT, "the network %s is gone",
				     found.name);
	if (r == 0 && !ret->dns) {
		err_fail(e, ERR_NETWORK_OPTION, "the network %s has no name server of its own",
			 ret->name);
		return err_hint(e, "hoy run --dns gives name servers to one container");
	}
	for (size_t i = 0; i < dns_drop->n && r == 0; i++) {
		struct network check = {0};
		r = network_add_dns("--dns-drop", dns_drop->v[i], &check, a, e);
		if (r == 0)
			drop_dns(ret, check.dns_servers.v[0]);
	}
	for (size_t i = 0; i < dns_add->n && r == 0; i++)
		r = network_add_dns("--dns-add", dns_add->v[i], ret, a, e);
	if (r == 0)
		r = network_write(h, ret, e);
	if (r == 0)
		network_tell(h, "update", ret->id, ret->name, NULL);
	return r < 0 ? r : tell_dns(h, ret, e);
}
