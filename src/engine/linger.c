#include <pwd.h>

#include "base/base.h"
#include "engine/linger.h"

bool linger_is_off(void)
{
	char path[300];

	if (!geteuid() || access("/run/systemd/system", F_OK) < 0)
		return false;
	struct passwd *pw = getpwuid(geteuid());
	snprintf(path, sizeof path, "/var/lib/systemd/linger/%.200s", pw ? pw->pw_name : "");
	return access(path, F_OK) < 0;
}
