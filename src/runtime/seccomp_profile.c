#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/base.h"
#include "data/json.h"
#include "runtime/seccomp_profile.h"
#include "sys/caps.h"
#include "sys/syscalls.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* One profile on its way to a builder. */
struct load {
	const char *what;    /* the document's name, for errors */
	const char *go_arch; /* "amd64": the form of includes.arches */
	uint64_t caps;	     /* of the container */
	uint64_t relevant;   /* capabilities that the profile asked about */
	bool oci;    /* of a bundle: the runtime specification's form, and libseccomp's meaning */
	bool notify; /* some calls are left to a listener */
	uint32_t dflt;
	struct err *e;
};

static const struct arch {
	const char *machine, *name, *go;
	uint32_t token;
} archs[] = {
	{"x86_64", "SCMP_ARCH_X86_64", "amd64", AUDIT_ARCH_X86_64},
	{"aarch64", "SCMP_ARCH_AARCH64", "arm64", AUDIT_ARCH_AARCH64},
	{NULL, "SCMP_ARCH_X86", "386", AUDIT_ARCH_I386},
	{NULL, "SCMP_ARCH_ARM", "arm", AUDIT_ARCH_ARM},
	{"riscv64", "SCMP_ARCH_RISCV64", "riscv64", AUDIT_ARCH_RISCV64},
};

/* The others of the specification: names that a bundle may list, and no program of which this machine could run. */
static const char *const elsewhere[] = {
	"SCMP_ARCH_X32",    "SCMP_ARCH_MIPS",	  "SCMP_ARCH_MIPS64",	   "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",  "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",	   "SCMP_ARCH_S390X",
	"SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
	"SCMP_ARCH_SH",	    "SCMP_ARCH_SHEB",
};

static const struct {
	const char *name;
	uint32_t action;
	bool has_errno;
} actions[] = {
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF, false},
};

static const char *const ops[] = {
	[SECCOMP_NE] = "SCMP_CMP_NE",
	[SECCOMP_LT] = "SCMP_CMP_LT",
	[SECCOMP_LE] = "SCMP_CMP_LE",
	[SECCOMP_EQ] = "SCMP_CMP_EQ",
	[SECCOMP_GE] = "SCMP_CMP_GE",
	[SECCOMP_GT] = "SCMP_CMP_GT",
	[SECCOMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
};

static int bad(const struct load *l, const struct json *at, const char *fmt, ...) printf_like(3, 4);
static int bad(const struct load *l, const struct json *at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!at || !at->line)
		err_fail(l->e, ERR_SECCOMP_PROFILE, "%s: %s", l->what, text);
	else
		err_fail(l->e, ERR_SECCOMP_PROFILE, "%s:%d:%d: %s", l->what, at->line, at->col,
			 text);
	if (l->oci)
		return err_hint(l->e, "linux.seccomp is described in the OCI runtime "
				      "specification, config-linux.md");
	return err_hint(
		l->e,
		"profiles have the form that docker's have; without the option, hoy's own is used");
}

/* A member that must have a type if it is there; JSON null counts as absent. */
static int member(const struct load *l, const struct json *obj, const char *key,
		  enum json_type type, const struct json **ret)
{
	const struct json *v = json_get(obj, key);

	*ret = v && v->type != JSON_NULL ? v : NULL;
	if (*ret && v->type != type)
		return bad(l, v, "%s is %s, not %s", key, json_type_name(v->type),
			   json_type_name(type));
	return 0;
}

/* A list of strings that may be absent: *ret_n is 0 then. */
static int string_list(const struct load *l, const struct json *obj, const char *key,
		       const struct json **ret, size_t *ret_n)
{
	int r = member(l, obj, key, JSON_ARR, ret);

	*ret_n = !r && *ret ? (*ret)->arr.n : 0;
	for (size_t i = 0; i < *ret_n; i++) {
		if ((*ret)->arr.v[i]->type != JSON_STR)
			return bad(l, (*ret)->arr.v[i], "%s holds something that is not a string",
				   key);
	}
	return r;
}

/* action with its errno: key names the number's member. */
static int read_action(struct load *l, const struct json *obj, const char *key,
		       const char *errno_key, uint32_t *ret)
{
	const struct json *name, *num = NULL;
	int r = member(l, obj, key, JSON_STR, &name);

	if (!r)
		r = member(l, obj, errno_key, JSON_INT, &num);
	if (r < 0)
		return r;
	if (!name)
		return bad(l, obj, "%s is missing", key);
	if (num && (num->i < 0 || num->i > 4095))
		return bad(l, num, "%s is %" PRId64 ", not 0 to 4095", errno_key, num->i);
	for (size_t i = 0; i < countof(actions); i++) {
		if (strcmp(actions[i].name, name->s) != 0)
			continue;
		if (actions[i].action == SECCOMP_RET_USER_NOTIF && !l->oci)
			break;
		if (num && l->oci && !actions[i].has_errno)
			return bad(l, num, "%s has no meaning for %s", errno_key, name->s);
		l->notify |= actions[i].action == SECCOMP_RET_USER_NOTIF;
		*ret = actions[i].action;
		if (actions[i].has_errno)
			*ret |= num ? (uint32_t)num->i : EPERM;
		return 0;
	}
	if (!strcmp(name->s, "SCMP_ACT_NOTIFY"))
		return bad(l, name, "SCMP_ACT_NOTIFY needs a listener, which hoy does not offer");
	return bad(l, name, "unknown %s '%s'", key, name->s);
}

static int read_number(const struct load *l, const struct json *arg, const char *key, uint64_t *ret)
{
	const struct json *v = json_get(arg, key);

	*ret = 0;
	if (!v || v->type == JSON_NULL)
		return 0;
	if (v->type == JSON_INT) {
		*ret = (uint64_t)v->i; /* a negative number stands for its two's complement */
		return 0;
	}
	if (v->type == JSON_DOUBLE && v->exact) {
		*ret = v->exact;
		return 0;
	}
	if (v->type == JSON_DOUBLE && v->d >= 0 && v->d < 9223372036854775808.0 &&
	    (double)(uint64_t)v->d == v->d) {
		*ret = (uint64_t)v->d;
		return 0;
	}
	return bad(l, v, "%s is not a whole number that fits 64 bits", key);
}

static int read_arg(const struct load *l, const struct json *arg, struct seccomp_arg *ret)
{
	uint64_t index = 0, value = 0, two = 0;

	if (arg->type != JSON_OBJ)
		return bad(l, arg, "an argument is %s, not an object", json_type_name(arg->type));
	int r = read_number(l, arg, "index", &index);

	if (!r)
		r = read_number(l, arg, "value", &value);
	if (!r)
		r = read_number(l, arg, "valueTwo", &two);
	if (r < 0)
		return r;
	const char *op = json_str(arg, "op");
	if (!op || index > 5)
		return bad(l, arg, "an argument needs an index from 0 to 5 and an op");
	for (unsigned i = SECCOMP_NE; i < countof(ops); i++) {
		if (strcmp(ops[i], op) != 0)
			continue;
		bool masked =
			i == SECCOMP_MASKED_EQ; /* docker: value is the mask, valueTwo the datum */
		*ret = (struct seccomp_arg){.index = (unsigned)index,
					    .op = i,
					    .value = masked ? two : value,
					    .mask = masked ? value : 0};
		return 0;
	}
	return bad(l, arg, "unknown op '%s'", op);
}

/* Conditions of includes and excludes: how many of a kind were asked for, and how many hold. */
static int count_caps(struct load *l, const struct json *filter, size_t *asked, size_t *hold)
{
	const struct json *list;
	int r = string_list(l, filter, "caps", &list, asked);

	*hold = 0;
	for (size_t i = 0; !r && i < *asked; i++) {
		int cap = 0;
		while (cap < 64 && strcasecmp(caps_name(cap), list->arr.v[i]->s) != 0)
			cap++;
		if (cap == 64)
			continue; /* newer than libcap-ng: nobody has it */
		l->relevant |= UINT64_C(1) << cap;
		*hold += (l->caps >> cap) & 1;
	}
	return r;
}

static int count_arches(struct load *l, const struct json *filter, size_t *asked, size_t *hold)
{
	const struct json *list;
	int r = string_list(l, filter, "arches", &list, asked);

	*hold = 0;
	for (size_t i = 0; !r && i < *asked; i++)
		*hold += !strcmp(list->arr.v[i]->s, l->go_arch);
	return r;
}

static int kernel_at_least(const struct load *l, const struct json *filter, bool *ret_asked,
			   bool *ret)
{
	const struct json *min;
	int want[2], have[2];
	struct utsname u;
	int r = member(l, filter, "minKernel", JSON_STR, &min);

	*ret_asked = min != NULL;
	*ret = false;
	if (r < 0 || !min)
		return r;
	if (sscanf(min->s, "%d.%d", &want[0], &want[1]) != 2)
		return bad(l, min, "minKernel '%s' is not of the form 4.8", min->s);
	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &have[0], &have[1]) != 2)
		return 0;
	*ret = have[0] > want[0] || (have[0] == want[0] && have[1] >= want[1]);
	return 0;
}

/* Whether an entry counts: all included capabilities, one of the included architectures, and nothing of what excludes it. */
static int applies(struct load *l, const struct json *entry, bool *ret)
{
	const struct json *inc, *exc;
	size_t asked, hold;
	bool k_asked, k;
	int r = member(l, entry, "includes", JSON_OBJ, &inc);

	if (!r)
		r = member(l, entry, "excludes", JSON_OBJ, &exc);
	*ret = true;
	if (!r && !(r = count_caps(l, inc, &asked, &hold)))
		*ret &= hold == asked;
	if (!r && !(r = count_arches(l, inc, &asked, &hold)))
		*ret &= !asked || hold;
	if (!r && !(r = kernel_at_least(l, inc, &k_asked, &k)))
		*ret &= !k_asked || k;
	if (!r && !(r = count_caps(l, exc, &asked, &hold)))
		*ret &= !hold;
	if (!r && !(r = count_arches(l, exc, &asked, &hold)))
		*ret &= !hold;
	if (!r && !(r = kernel_at_least(l, exc, &k_asked, &k)))
		*ret &= !(k_asked && k);
	return r;
}

/* Two conditions on one argument: such profiles were written when each condition was a rule of its own, and runc still takes them so. */
static bool has_twice(const struct seccomp_arg *args, size_t n)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (seen & 1U << args[i].index)
			return true;
		seen |= 1U << args[i].index;
	}
	return false;
}

static int add_name(const struct load *l, struct seccomp_builder *b, const char *name,
		    uint32_t action, const struct seccomp_arg *args, size_t nargs)
{
	int r = 0;

	/* libseccomp has no such rules; they would only hide others. */
	if (l->oci && action == l->dflt)
		return 0;
	if (!has_twice(args, nargs))
		return seccomp_builder_add(b, name, action, args, nargs, l->e);
	for (size_t i = 0; !r && i < nargs; i++)
		r = seccomp_builder_add(b, name, action, &args[i], 1, l->e);
	return r;
}

static int add_entry(struct load *l, struct seccomp_builder *b, const struct json *entry)
{
	struct seccomp_arg args[6];
	const struct json *names, *arg_list = NULL;
	uint32_t action;
	size_t n;
	bool use = false;

	if (entry->type != JSON_OBJ)
		return bad(l, entry, "an entry of syscalls is %s, not an object",
			   json_type_name(entry->type));
	int r = string_list(l, entry, "names", &names, &n);
	if (!r)
		r = read_action(l, entry, "action", "errnoRet", &action);
	if (!r)
		r = member(l, entry, "args", JSON_ARR, &arg_list);
	use = l->oci;
	if (!r && !l->oci)
		r = applies(l, entry, &use);
	if (r < 0)
		return r;
	if (l->oci && !n)
		return bad(l, entry, "an entry of syscalls has no names");
	size_t nargs = arg_list ? arg_list->arr.n : 0;
	if (nargs > countof(args))
		return bad(l, arg_list, "%zu conditions, at most 6", nargs);
	for (size_t i = 0; i < nargs; i++) {
		if ((r = read_arg(l, arg_list->arr.v[i], &args[i])) < 0)
			return r;
	}
	const char *single =
		l->oci ? NULL : json_str(entry, "name"); /* docker's form before 1.13 */
	if (use && single)
		r = add_name(l, b, single, action, args, nargs);
	for (size_t i = 0; use && !r && i < n; i++)
		r = add_name(l, b, names->arr.v[i]->s, action, args, nargs);
	return r;
}

/* Adds a list of architecture names behind the native one; what is not known here is no concern of this machine. */
static int add_arch_names(const struct load *l, const struct json *obj, const char *key,
			  uint32_t *tokens, size_t *n, size_t max)
{
	const struct json *list;
	size_t nlist;
	int r = string_list(l, obj, key, &list, &nlist);

	for (size_t i = 0; !r && i < nlist; i++) {
		const char *name = list->arr.v[i]->s;
		size_t k = 0, other = 0;
		while (k < countof(archs) && strcmp(archs[k].name, name) != 0)
			k++;
		while (other < countof(elsewhere) && strcmp(elsewhere[other], name) != 0)
			other++;
		if (l->oci && k == countof(archs) && other == countof(elsewhere))
			return bad(l, list->arr.v[i], "unknown architecture '%s'", name);
		uint32_t token = k < countof(archs) ? archs[k].token
				 : l->oci && !other && tokens[0] == AUDIT_ARCH_X86_64 ? SYSCALLS_X32
										      : 0;
		for (size_t at = 0; at < *n; at++)
			token = tokens[at] == token ? 0 : token;
		if (token && *n < max)
			tokens[(*n)++] = token;
	}
	return r;
}

static int read_archs(const struct load *l, const struct json *doc, const struct arch *native,
		      uint32_t *tokens, size_t *n, size_t max)
{
	const struct json *map;
	int r = l->oci ? 0 : member(l, doc, "archMap", JSON_ARR, &map);

	map = l->oci ? NULL : map;
	tokens[0] = native->token;
	*n = 1;
	for (size_t i = 0; !r && map && i < map->arr.n; i++) {
		if (str_eq(json_str(map->arr.v[i], "architecture"), native->name))
			r = add_arch_names(l, map->arr.v[i], "subArchitectures", tokens, n, max);
	}
	if (!r && !map)
		r = add_arch_names(l, doc, "architectures", tokens, n, max);
	return r;
}

static const struct {
	const char *name;
	unsigned flag;
} flags_known[] = {
	{"SECCOMP_FILTER_FLAG_TSYNC", 0}, /* the process that loads has one thread */
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static int read_flags(const struct load *l, const struct json *doc, unsigned *ret)
{
	const struct json *list;
	size_t n;
	int r = string_list(l, doc, "flags", &list, &n);

	*ret = 0;
	for (size_t i = 0; !r && i < n; i++) {
		size_t k = 0;
		while (k < countof(flags_known) &&
		       strcmp(flags_known[k].name, list->arr.v[i]->s) != 0)
			k++;
		if (k == countof(flags_known) ||
		    (flags_known[k].flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !l->notify))
			return bad(l, list->arr.v[i],
				   k == countof(flags_known) ? "unknown flag '%s'"
							     : "%s without a call that is notified",
				   list->arr.v[i]->s);
		*ret |= flags_known[k].flag;
	}
	return r;
}

static const struct arch *find_machine(const char *machine)
{
	for (size_t i = 0; i < countof(archs); i++) {
		if (archs[i].machine && !strcmp(archs[i].machine, machine))
			return &archs[i];
	}
	return NULL;
}

static int compile_doc(struct load *l, const struct json *doc, const struct arch *native,
		       struct seccomp_prog *ret)
{
	struct seccomp_builder *b autobuilder = NULL;
	const struct json *calls;
	uint32_t tokens[4], bad_arch;
	unsigned flags = 0;
	size_t n;

	if (doc->type != JSON_OBJ)
		return bad(l, doc, "the profile is %s, not an object", json_type_name(doc->type));
	int r = read_action(l, doc, "defaultAction", "defaultErrnoRet", &l->dflt);
	if (!r && l->notify)
		r = bad(l, json_get(doc, "defaultAction"),
			"SCMP_ACT_NOTIFY cannot be the default: the listener could not be handed "
			"over");
	if (!r)
		r = member(l, doc, "syscalls", JSON_ARR, &calls);
	if (!r)
		r = read_archs(l, doc, native, tokens, &n, countof(tokens));
	if (r < 0)
		return r;
	bool lets = l->dflt == SECCOMP_RET_ALLOW || l->dflt == SECCOMP_RET_LOG;
	/* A foreign architecture is refused as an unknown call would be, never let through. */
	bad_arch = lets ? SECCOMP_RET_KILL_PROCESS : l->dflt;
	r = seccomp_builder_new(&b, tokens, n, l->dflt, bad_arch, l->e);
	lets |= (l->dflt & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE;
	if (!r && l->oci)
		seccomp_builder_like_runc(b,
					  SECCOMP_PLAIN_WINS | (lets ? 0 : SECCOMP_YOUNG_ENOSYS));
	for (size_t i = 0; !r && calls && i < calls->arr.n; i++)
		r = add_entry(l, b, calls->arr.v[i]);
	if (!r)
		r = read_flags(l, doc, &flags);
	if (!r)
		r = seccomp_builder_finish(b, ret, l->e);
	if (!r)
		ret->flags = flags;
	return r;
}

/* What this program is; a 32-bit personality (linux32) changes what uname says. */
static const struct arch *own_machine(struct err *e)
{
#ifdef __x86_64__
	(void)e;
	return find_machine("x86_64");
#else
	struct utsname u;

	if (uname(&u) < 0) {
		err_set(e, errno, "uname");
		return NULL;
	}
	const struct arch *a = find_machine(u.machine);
	if (!a)
		err_fail(e, ERR_SECCOMP_PROFILE, "no seccomp filters for machine %s", u.machine);
	return a;
#endif
}

int seccomp_profile_compile_oci(const struct json *doc, const char *what, struct seccomp_prog *ret,
				bool *ret_notify, struct err *e)
{
	const struct arch *native = own_machine(e);

	if (!native)
		return -EINVAL;
	struct load l = {.what = what, .oci = true, .e = e};
	int r = compile_doc(&l, doc, native, ret);
	*ret_notify = l.notify;
	return r;
}

int seccomp_profile_compile_for(const char *machine, const char *text, size_t len, const char *what,
				uint64_t caps, struct seccomp_prog *ret, uint64_t *ret_relevant,
				struct err *e)
{
	const struct arch *native = find_machine(machine);
	scoped(arena) a = {0};

	if (!native)
		return err_fail(e, ERR_SECCOMP_PROFILE, "no seccomp filters for machine %s",
				machine);
	struct load l = {.what = what, .go_arch = native->go, .caps = caps, .e = e};
	struct json *doc = json_parse(&a, text, len, what, NULL, e);
	if (!doc) {
		if (e)
			e->id = ERR_SECCOMP_PROFILE;
		return -EINVAL;
	}
	int r = compile_doc(&l, doc, native, ret);
	if (ret_relevant)
		*ret_relevant = l.relevant;
	return r;
}

int seccomp_profile_compile(const char *text, size_t len, const char *what, uint64_t caps,
			    struct seccomp_prog *ret, struct err *e)
{
	const struct arch *native = own_machine(e);

	return native ? seccomp_profile_compile_for(native->machine, text, len, what, caps, ret,
						    NULL, e)
		      : -EINVAL;
}

/* The kernel says EFAULT to a filter at no address if it knows the flag, and EINVAL if not. */
static bool kernel_has(unsigned flag)
{
	if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) /* which goes with a listener only */
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 && errno == EFAULT;
}

void seccomp_profile_words(enum seccomp_words what, struct arena *a, struct strs *ret)
{
	for (size_t i = 0; what == SECCOMP_WORDS_ACTIONS && i < countof(actions); i++)
		strs_add(a, ret, actions[i].name);
	for (size_t i = SECCOMP_NE; what == SECCOMP_WORDS_OPERATORS && i < countof(ops); i++)
		strs_add(a, ret, ops[i]);
	for (size_t i = 0; what == SECCOMP_WORDS_ARCHS && i < countof(archs); i++)
		strs_add(a, ret, archs[i].name);
	for (size_t i = 0; what == SECCOMP_WORDS_ARCHS && i < countof(elsewhere); i++)
		strs_add(a, ret, elsewhere[i]);
	for (size_t i = 0; what >= SECCOMP_WORDS_FLAGS && i < countof(flags_known); i++)
		if (what == SECCOMP_WORDS_FLAGS || kernel_has(flags_known[i].flag))
			strs_add(a, ret, flags_known[i].name);
}
