#include "base/base.h"

static const struct {
	const char *name, *text;
} ids[] = {
#define ERR_ID(sym, id, text) [ERR_##sym] = {id, text},
#include "base/errids.def"
#undef ERR_ID
};

/* Which id and hint an errno speaks for by itself. */
static const struct {
	int code;
	enum err_id id;
	const char *hint;
} by_errno[] = {
	{ENOSPC, ERR_DISK_FULL, "free some space: hoy rm and hoy rmi work on a full disk"},
	{EDQUOT, ERR_DISK_FULL,
	 "a quota is used up (disk space, or kernel.keys.maxkeys for keyrings)"},
	{EROFS, ERR_READ_ONLY, "set HOY_ROOT or --root to a writable directory"},
	{EACCES, ERR_PERMISSION, NULL},
	{EPERM, ERR_PERMISSION, NULL},
	{EMFILE, ERR_LIMIT, "too many open files in this process: raise ulimit -n"},
	{ENFILE, ERR_LIMIT, "too many open files on this machine: raise sysctl fs.file-max"},
	{EAGAIN, ERR_LIMIT,
	 "too many processes: raise ulimit -u, or sysctl kernel.pid_max and kernel.threads-max"},
};

static int fill(struct err *e, enum err_id id, int code, const char *fmt, va_list ap)
{
	if (!e)
		return -code;
	e->code = code;
	e->exit = EXIT_ENGINE;
	e->id = id;
	e->hint[0] = 0;
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	return -code;
}

int err_set(struct err *e, int errnum, const char *fmt, ...)
{
	int code = errnum < 0 ? -errnum : errnum;
	va_list ap;

	va_start(ap, fmt);
	fill(e, ERR_SYSTEM, code ? code : EINVAL, fmt, ap);
	va_end(ap);
	if (!e)
		return code ? -code : -EINVAL;
	if (!code)
		return -EINVAL;
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", strerror(code));
	for (size_t i = 0; i < countof(by_errno); i++) {
		if (by_errno[i].code != code)
			continue;
		e->id = by_errno[i].id;
		if (by_errno[i].hint)
			err_hint(e, "%s", by_errno[i].hint);
	}
	return -code;
}

int err_fail(struct err *e, enum err_id id, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = fill(e, id, EINVAL, fmt, ap);
	va_end(ap);
	return r;
}

int err_fail_code(struct err *e, enum err_id id, int errnum, const char *fmt, ...)
{
	va_list ap;

	errnum = errnum > 0 ? errnum : EINVAL;
	va_start(ap, fmt);
	int r = fill(e, id, errnum, fmt, ap);
	va_end(ap);
	return r;
}

int err_died(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = fill(e, ERR_WORKER_GONE, EIO, fmt, ap);
	va_end(ap);
	err_hint(e, "was memory short? the kernel's log tells whom it killed: dmesg | grep -i oom");
	return r;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	return e->code > 0 ? -e->code : -EINVAL;
}

int err_context(struct err *e, const char *fmt, ...)
{
	char old[sizeof e->msg];
	va_list ap;

	if (!e)
		return -EINVAL;
	snprintf(old, sizeof old, "%s", e->msg);
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof e->msg, fmt, ap);
	va_end(ap);
	size_t n = strlen(e->msg);
	snprintf(e->msg + n, sizeof e->msg - n, ": %s", old);
	return e->code > 0 ? -e->code : -EINVAL;
}

const char *err_id_name(enum err_id id)
{
	return id < ERR_ID_COUNT ? ids[id].name : ids[0].name;
}

const char *err_id_text(enum err_id id)
{
	return id < ERR_ID_COUNT ? ids[id].text : ids[0].text;
}

bool err_id_find(const char *name, enum err_id *ret)
{
	for (unsigned i = 0; i < ERR_ID_COUNT; i++) {
		if (!strcasecmp(ids[i].name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}
