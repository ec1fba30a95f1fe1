/*
 * linger.h - whether systemd may end what this user has started when the user logs out (loginctl enable-linger).
 */
#ifndef ENGINE_LINGER_H
#define ENGINE_LINGER_H

#include "base/base.h"

/* Does systemd run here, and has this user, who is not root, no lingering manager? One access(2) where it does not run. */
bool linger_is_off(void);

#endif
