#include "base/base.h"
#include "state/tell.h"

void container_tell_all(const struct home *h, int dir, const struct container_state *s,
			struct event *v, size_t n)
{
	char now[256];

	if (s->untold)
		return;
	const char *name = container_name_now(dir, now) ? now : s->name;

	for (size_t i = 0; i < n; i++) {
		v[i].type = "container";
		v[i].id = s->id;
		v[i].name = name;
		v[i].image = s->image;
		v[i].labels = &s->labels;
	}
	events_write(h->fd, v, n);
}

void container_tell(const struct home *h, const struct container_state *s, const char *action,
		    const char *key, const char *value)
{
	container_tell_all(h, -1, s,
			   &(struct event){.action = action, .attributes = {{key, value}}}, 1);
}

void image_tell(const struct home *h, const char *action, const char *id, const char *name)
{
	event_write(h->fd,
		    &(struct event){.type = "image", .action = action, .id = id, .name = name});
}

void network_tell(const struct home *h, const char *action, const char *id, const char *name,
		  const char *container)
{
	event_write(h->fd, &(struct event){.type = "network",
					   .action = action,
					   .id = id,
					   .name = name,
					   .attributes = {{"container", container}}});
}

void prune_tell(const struct home *h, const char *type, int64_t bytes)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, bytes);
	event_write(h->fd, &(struct event){.type = type,
					   .action = "prune",
					   .attributes = {{"reclaimed", text}}});
}
