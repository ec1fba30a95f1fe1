/*
 * autostart.h - arranging that `hoy autostart` runs when the machine boots or the user logs in: one unit of systemd's user manager (of root: of
 * systemd itself), or, where systemd does not run, one line of the crontab.
 *
 * Nothing else of the user's is touched: the unit is a file of its own, and of a crontab every other line stays byte for byte.
 */
#ifndef ENGINE_AUTOSTART_H
#define ENGINE_AUTOSTART_H

#include "base/base.h"

#define AUTOSTART_UNIT "hoy-autostart.service"

enum autostart_way { AUTOSTART_OFF, AUTOSTART_SYSTEMD, AUTOSTART_CRON };

struct autostart {
	enum autostart_way way; /* what is arranged now */
	const char *where;	/* the unit's file; "crontab" */
	bool changed;
};

/* What is arranged. Texts live in the arena. */
int autostart_look(struct autostart *ret, struct arena *a, struct err *e);

/* Arranges it; root is the store's --root, or NULL. That it is arranged already is as good. ERR_AUTOSTART where there is neither. */
int autostart_on(const char *root, struct autostart *ret, struct arena *a, struct err *e);
/* Takes away what autostart_on() made. */
int autostart_off(struct autostart *ret, struct arena *a, struct err *e);

#endif
