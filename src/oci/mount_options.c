#include <linux/mount.h>
#include <sys/mount.h>

#include "base/base.h"
#include "oci/mount_options.h"

enum kind { SET, CLEAR, BIND, RBIND, IDMAP, RIDMAP, COPY_UP, NOTHING, REFUSED };

static const struct {
	const char *name; /* with "r" in front it is also meant for all below, where recursive */
	enum kind kind;
	unsigned attr;
	bool recursive;
} options[] = {
	{"async", NOTHING, 0, false},
	{"atime", CLEAR, MOUNT_ATTR_NOATIME, true},
	{"bind", BIND, 0, false},
	{"defaults", NOTHING, 0, false},
	{"dev", CLEAR, MOUNT_ATTR_NODEV, true},
	{"diratime", CLEAR, MOUNT_ATTR_NODIRATIME, true},
	{"exec", CLEAR, MOUNT_ATTR_NOEXEC, true},
	{"idmap", IDMAP, 0, false},
	{"loud", NOTHING, 0, false},
	{"noatime", SET, MOUNT_ATTR_NOATIME, true},
	{"nodev", SET, MOUNT_ATTR_NODEV, true},
	{"nodiratime", SET, MOUNT_ATTR_NODIRATIME, true},
	{"noexec", SET, MOUNT_ATTR_NOEXEC, true},
	{"norelatime", CLEAR, MOUNT_ATTR_RELATIME, true},
	{"nostrictatime", CLEAR, MOUNT_ATTR_STRICTATIME, true},
	{"nosuid", SET, MOUNT_ATTR_NOSUID, true},
	{"nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW, true},
	{"rbind", RBIND, 0, false},
	{"relatime", SET, MOUNT_ATTR_RELATIME, true},
	{"ridmap", RIDMAP, 0, false},
	{"ro", SET, MOUNT_ATTR_RDONLY, true},
	{"rw", CLEAR, MOUNT_ATTR_RDONLY, true},
	{"silent", NOTHING, 0, false},
	{"strictatime", SET, MOUNT_ATTR_STRICTATIME, true},
	{"suid", CLEAR, MOUNT_ATTR_NOSUID, true},
	{"symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW, true},
	{"tmpcopyup", COPY_UP, 0, false},
	{"remount", REFUSED, 0, false},
};

static const struct {
	const char *name;
	unsigned long flag;
} propagations[] = {
	{"private", MS_PRIVATE},
	{"shared", MS_SHARED},
	{"slave", MS_SLAVE},
	{"unbindable", MS_UNBINDABLE},
};

/* Options of a file system that are no words of its own but flags of mount(2): the super block's. */
static const char *const super_words[] = {"sync",     "dirsync",    "mand",	"nomand",
					  "lazytime", "nolazytime", "iversion", "noiversion"};

const char *const *mount_option_names(void)
{
	static const char *names[2 * countof(options) + 2 * countof(propagations) + 1];
	static char text[countof(options) + countof(propagations)][16];
	size_t n = 0;

	for (size_t i = 0; i < countof(options); i++) {
		if (options[i].kind == REFUSED)
			continue;
		names[n++] = options[i].name;
		if (!options[i].recursive)
			continue;
		snprintf(text[i], sizeof text[i], "r%s", options[i].name);
		names[n++] = text[i];
	}
	for (size_t i = 0; i < countof(propagations); i++) {
		char *r = text[countof(options) + i];
		snprintf(r, sizeof text[0], "r%s", propagations[i].name);
		names[n++] = propagations[i].name;
		names[n++] = r;
	}
	names[n] = NULL;
	return names;
}

unsigned long mount_propagation_word(const char *word, bool *ret_recursive)
{
	for (size_t i = 0; i < countof(propagations); i++) {
		*ret_recursive = word[0] == 'r' && !strcmp(word + 1, propagations[i].name);
		if (*ret_recursive || !strcmp(word, propagations[i].name))
			return propagations[i].flag;
	}
	return 0;
}

static void apply(struct mount_options *o, size_t i, bool recursive)
{
	unsigned attr = options[i].attr;
	unsigned *set = recursive ? &o->rec_set : &o->set;
	unsigned *clear = recursive ? &o->rec_clear : &o->clear;

	switch (options[i].kind) {
	case SET:
		*set |= attr;
		*clear &= ~attr;
		break;
	case CLEAR:
		*clear |= attr;
		*set &= ~attr;
		break;
	case BIND:
	case RBIND:
		o->bind = true;
		o->recursive = options[i].kind == RBIND;
		break;
	case IDMAP:
	case RIDMAP:
		o->idmap = true;
		o->idmap_recursive = options[i].kind == RIDMAP;
		break;
	case COPY_UP:
		o->copy_up = true;
		break;
	case NOTHING:
	case REFUSED:
		break;
	}
}

/* Is it one of ours? -EINVAL: one that is refused. */
static int take_word(struct mount_options *o, const char *word)
{
	for (size_t i = 0; i < countof(options); i++) {
		bool rec = options[i].recursive && word[0] == 'r' &&
			   !strcmp(word + 1, options[i].name);
		if (!rec && strcmp(word, options[i].name) != 0)
			continue;
		if (options[i].kind == REFUSED)
			return -EINVAL;
		apply(o, i, rec);
		return 1;
	}
	bool rec;
	unsigned long flag = mount_propagation_word(word, &rec);
	if (!flag)
		return 0;
	o->propagation = flag;
	o->propagation_recursive = rec;
	return 1;
}

/* The kernel wants one word about access times, and all their bits cleared to change them. */
static void fit_atime(unsigned *set, unsigned *clear)
{
	if (*set & MOUNT_ATTR_NOATIME)
		*set &= ~(unsigned)MOUNT_ATTR_STRICTATIME;
	if ((*set | *clear) & MOUNT_ATTR__ATIME)
		*clear |= MOUNT_ATTR__ATIME;
}

static bool is_super_word(const char *word)
{
	for (size_t i = 0; i < countof(super_words); i++)
		if (!strcmp(word, super_words[i]))
			return true;
	return false;
}

int mount_options_parse(const char *type, const struct strs *words, struct mount_options *ret,
			struct arena *a, const char **ret_bad, const char **ret_why)
{
	*ret = (struct mount_options){0};
	for (size_t i = 0; i < words->n; i++) {
		*ret_bad = words->v[i];
		int r = take_word(ret, words->v[i]);
		*ret_why = "a new mount cannot be a remount";
		if (r < 0)
			return r;
		*ret_why = "an empty option";
		if (!words->v[i][0])
			return -EINVAL;
		if (!r)
			strs_add(a, &ret->data, words->v[i]);
	}
	if (str_eq(type, "bind") && !ret->bind) {
		ret->bind =
			true; /* the type alone means it, too: rbind where nothing else is said */
		ret->recursive = true;
	}
	for (size_t i = 0; ret->bind && i < ret->data.n; i++) {
		*ret_bad = ret->data.v[i];
		*ret_why = "no option that a bind mount has";
		if (!is_super_word(ret->data.v[i]))
			return -EINVAL;
	}
	if (ret->bind)
		ret->data = (struct strs){0};
	*ret_bad = "tmpcopyup";
	*ret_why = "only a tmpfs can begin with a copy";
	if (ret->copy_up && !str_eq(type, "tmpfs"))
		return -EINVAL;
	fit_atime(&ret->set, &ret->clear);
	fit_atime(&ret->rec_set, &ret->rec_clear);
	return 0;
}
