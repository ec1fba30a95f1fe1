#include <dlfcn.h>

#include "base/base.h"
#include "base/dl.h"

int dl_load(bool *loaded, const char *soname, const struct dl_sym *syms, size_t n, struct err *e)
{
	if (*loaded)
		return 0;
	*loaded = n && syms[0].linked;
	for (size_t i = 0; i < n && *loaded; i++)
		*syms[i].slot = syms[i].linked;
	if (*loaded)
		return 0;
#ifdef HOY_STATIC
	err_fail_code(e, ERR_LIBRARY, ENOENT, "this hoy is one static program, without %s", soname);
	return err_hint(e, "what needs that library is done by a hoy that was built without "
			   "-Dstatic=full");
#else
	void *lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!lib) {
		err_fail_code(e, ERR_LIBRARY, ENOENT, "the library %s cannot be opened: %s", soname,
			      dlerror());
		err_hint(e, "install the package that holds %s", soname);
		return -ENOENT;
	}
	for (size_t i = 0; i < n; i++) {
		*syms[i].slot = dlsym(lib, syms[i].name);
		if (*syms[i].slot)
			continue;
		dlclose(lib);
		return err_fail_code(e, ERR_LIBRARY, ENOENT,
				     "the library %s is too old: it lacks %s", soname,
				     syms[i].name);
	}
	*loaded = true;
	return 0;
#endif
}
