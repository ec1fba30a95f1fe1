#include "base/base.h"
#include "cli/complete.h"
#include "oci/reference.h"
#include "state/container.h"
#include "store/images.h"

static void offer_containers(struct completion *c, const struct home *h, bool running_only)
{
	scoped(strv) ids = {0};
	struct err e;

	if (container_ids(h, &ids, &e) < 0)
		return;
	for (size_t i = 0; i < ids.n; i++) {
		scoped(arena) a = {0};
		struct container_state s = {0};
		if (container_state_read(h, ids.v[i], &s, &a, &e) < 0)
			continue;
		enum container_status status = container_derive(h, &s);
		if (running_only && status != CONTAINER_RUNNING)
			continue;
		const char *what = arena_printf(&a, "%s, %s", container_status_name(status),
						s.image ? s.image : "no image");
		complete_offer(c, s.name, what);
	}
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
	struct err e;

	if (images_names(h, &names, &e) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		offer_image(c, names.v[i]);
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
	if (kind == COMPLETE_CONTAINER || kind == COMPLETE_RUNNING)
		offer_containers(c, &h, kind == COMPLETE_RUNNING);
	else if (kind == COMPLETE_IMAGE)
		offer_images(c, &h);
}
