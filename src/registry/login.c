#include "base/base.h"

#include "registry/answer.h"
#include "registry/endpoints.h"
#include "registry/login.h"
#include "registry/session.h"

enum { LOGIN_S = 60, MAX_ANSWER = 256 << 10 };

static int refused(const char *name, const struct inquiry *i, struct err *e)
{
	char buf[ANSWER_REASON];
	const char *reason = answer_reason(str_cstr(&i->q.body), i->q.body.len, buf);

	*e = (struct err){.exit = e->exit};
	err_fail_code(e, ERR_LOGIN, EACCES,
		      "%s does not let you in: wrong user name or password%s%s", name,
		      *reason ? ": " : "", reason);
	return err_hint(e,
			"nothing was stored; many registries want an access token instead of the "
			"password of the account");
}

int registry_login(const char *name, const struct registry_opts *o, const struct credentials *c,
		   bool *ret_asked, struct err *e)
{
	const struct reference ref = {.registry = name}, any = {.registry = name, .repository = ""};
	bool insecure = false;
	scoped(registries) conf = {0};
	struct registry_opts opts = *o;
	struct registry *r;
	scoped(inquiry) i = {.what = name, .q = {.max = MAX_ANSWER, .total_s = LOGIN_S}};

	opts.creds = "user:password"; /* so no file has to be there; c takes their place */
	int k = registries_load(&conf, e);
	if (k == 0)
		k = registries_allowed(&conf, &any, &insecure, e);
	if (insecure && opts.tls == REGISTRY_TLS_AUTO)
		opts.tls = REGISTRY_TLS_ANY;
	if (k == 0)
		k = registry_open_at(&r, &ref, &opts, e);
	if (k < 0)
		return k;
	r->cred = *c;
	r->looked = true;
	k = session_get(r, &i, "/", e);
	*ret_asked = r->authorization != NULL;
	registry_close(r);
	return k < 0 && e->id == ERR_REGISTRY_DENIED ? refused(name, &i, e) : k;
}
