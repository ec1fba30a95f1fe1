#include <sys/stat.h>

#include "base/base.h"
#include "engine/info_security.h"
#include "runtime/security.h"
#include "sys/caps.h"
#include "sys/landlock.h"

static struct json *list(const struct strs *l, struct arena *a)
{
	struct json *j = json_new(a, JSON_ARR);

	for (size_t i = 0; i < l->n; i++)
		json_add(a, j, json_new_str(a, l->v[i]));
	return j;
}

static struct json *capabilities(struct arena *a)
{
	scoped(strv) names = {0};
	struct json *j = json_new(a, JSON_ARR);
	struct caps caps;

	if (caps_compute(NULL, 0, NULL, 0, false, &caps, NULL) == 0)
		caps_names(caps.bounding, &names);
	for (size_t i = 0; i < names.n; i++)
		json_add(a, j, json_new_str(a, names.v[i]));
	return j;
}

static const char *users(const struct info *i)
{
	if (!i->userns)
		return "none: containers cannot be started (hoy doctor)";
	switch (i->map.form) {
	case FORM_SUB:
		return "one for each container; its root is you, its other users are your "
		       "subordinate ids";
	case FORM_ONE:
		return "one for each container; all its users are you";
	case FORM_ROOT:
		break;
	}
	return "one for each container, with the ids of the host: root in a container is root, "
	       "with the capabilities below";
}

static const char *own_program(struct arena *a)
{
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0)
		return "unknown";
	bool set_id = st.st_mode & (S_ISUID | S_ISGID);
	bool exposed = st.st_mode & (S_IWGRP | S_IWOTH);
	return arena_printf(a, "%s, %s",
			    set_id ? "has setuid or setgid, which it does not need"
				   : "neither setuid nor setgid",
			    exposed ? "can be written by others" : "written by its owner only");
}

struct json *info_security(const struct info *i, struct arena *a)
{
	static const struct strs none;
	struct json *o = json_new(a, JSON_OBJ);
	struct security s = {0};
	bool landlock = landlock_enter(NULL, 0) != -ENOSYS;

	security_parse(a, &none, false, CAPS_DEFAULT, &s, NULL);
	json_set_str(a, o, "UserNamespaces", users(i));
	json_set(a, o, "Capabilities", capabilities(a));
	json_set_str(a, o, "Seccomp",
		     i->seccomp ? "the default profile, compiled into hoy; --security-opt "
				  "seccomp=FILE takes another one"
				: "the kernel lacks it");
	json_set_str(a, o, "NoNewPrivileges",
		     "no: setuid programs of the container work inside of it; --security-opt "
		     "no-new-privileges");
	json_set(a, o, "MaskedPaths", list(&s.masked, a));
	json_set(a, o, "ReadOnlyPaths", list(&s.readonly, a));
	json_set_str(a, o, "AppArmor",
		     i->apparmor ? "the kernel has it; containers keep the profile of who starts "
				   "them"
				 : "not in this kernel");
	json_set_str(a, o, "SELinux",
		     i->selinux ? "the kernel has it; containers keep the label of who starts them"
				: "not in this kernel");
	json_set_str(a, o, "NetworkProcess",
		     landlock ? "no capabilities, seccomp, landlock" : "no capabilities, seccomp");
	json_set_str(a, o, "Program", own_program(a));
	json_set_str(a, o, "Signatures",
		     "are not verified; policy.json can refuse images by their names");
	return o;
}
