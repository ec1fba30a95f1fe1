#include <ctype.h>
#include <dirent.h>

#include "base/base.h"
#include "cli/complete.h"
#include "net/network.h"
#include "oci/reference.h"
#include "state/container.h"
#include "state/secret.h"
#include "store/images.h"
#include "volume/volume.h"

static bool fits(enum complete kind, enum container_status s)
{
	if (kind == COMPLETE_RUNNING)
		return container_is_up(s);
	return kind != COMPLETE_STOPPED || s == CONTAINER_CREATED || s == CONTAINER_EXITED ||
	       s == CONTAINER_RESTARTING;
}

/* Looks into the container only if its name, or its id where one may have begun with that, can be meant. */
static void offer_container(struct completion *c, const struct home *h, enum complete kind,
			    const char *id)
{
	scoped(arena) a = {0};
	struct container_state s = {0};
	struct err e;

	if (container_state_read(h, id, &s, &a, &e) < 0)
		return;
	enum container_status status = container_derive(h, &s);
	if (!fits(kind, status))
		return;
	const char *what = arena_printf(&a, "%s, %s", container_status_text(status, &s),
					s.image ? s.image : "no image");
	if (kind == COMPLETE_COPY) { /* a path follows */
		complete_offer(c, arena_printf(&a, "%s:", s.name), what);
		return;
	}
	complete_offer(c, s.name, what);
	if (*c->typed)
		complete_offer(c, arena_strndup(&a, id, 12),
			       arena_printf(&a, "%s, %s", s.name, what));
}

/* Links name -> id: most names need no look at the container. */
static void offer_containers(struct completion *c, const struct home *h, enum complete kind)
{
	int fd = openat(h->fd, "cnames", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char id[CONTAINER_ID_LEN + 2];

	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *de; d && (de = readdir(d));) {
		bool named = de->d_name[0] != '.' && str_starts(de->d_name, c->typed);
		if (de->d_name[0] == '.' || (!named && !isxdigit((unsigned char)*c->typed)))
			continue;
		ssize_t n = readlinkat(fd, de->d_name, id, sizeof id - 1);
		id[n > 0 ? n : 0] = 0;
		if (n == CONTAINER_ID_LEN && (named || str_starts(id, c->typed)))
			offer_container(c, h, kind, id);
	}
	if (d)
		closedir(d);
}

/* The short form that people type, where it means the same: docker.io's familiar names, and those of localhost, which are tried
 * first. Whoever began with the registry gets the full one. */
static void offer_image(struct completion *c, const char *name)
{
	scoped(arena) a = {0};
	const char *familiar = ref_familiar(&a, name);

	if (str_starts(name, "localhost/"))
		familiar = name + strlen("localhost/");
	complete_offer(c, str_starts(familiar, c->typed) ? familiar : name, NULL);
}

static void offer_images(struct completion *c, const struct home *h)
{
	scoped(strv) names = {0};
	struct err e = {0};

	(void)images_names(h, &names, &e); /* as many as could be read */
	for (size_t i = 0; i < names.n; i++)
		offer_image(c, names.v[i]);
}

/* What lies in networks/; bridge is always there. */
static void offer_networks(struct completion *c, const struct home *h)
{
	scoped(strv) names = {0};

	(void)network_names(h, &names, NULL);
	if (!strv_has(&names, NETWORK_DEFAULT))
		complete_offer(c, NETWORK_DEFAULT, NULL);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
}

static void offer_secrets(struct completion *c, const struct home *h)
{
	scoped(strv) names = {0};

	(void)secret_names(h, &names, NULL);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
}

static void offer_volumes(struct completion *c, const struct home *h)
{
	scoped(strv) names = {0};

	(void)volume_names(h, &names, NULL);
	for (size_t i = 0; i < names.n; i++)
		complete_offer(c, names.v[i], NULL);
}

void complete_names(struct completion *c, enum complete kind)
{
	scoped(home) h = {.fd = -1};
	struct err e;

	if (kind == COMPLETE_IMAGE && c->typed[0] == '@') {
		complete_offer(c, "@host", "this machine's own programs");
		complete_offer(c, "@empty", "nothing at all");
		return;
	}
	if (home_open_existing(&h, c->root, &e) < 0)
		return;
	if (kind == COMPLETE_NETWORK) {
		offer_networks(c, &h);
		return;
	}
	if (kind == COMPLETE_SECRET) {
		offer_secrets(c, &h);
		return;
	}
	if (kind == COMPLETE_VOLUME) {
		offer_volumes(c, &h);
		return;
	}
	if (kind != COMPLETE_IMAGE)
		offer_containers(c, &h, kind);
	if (kind == COMPLETE_IMAGE || kind == COMPLETE_OBJECT)
		offer_images(c, &h);
}
