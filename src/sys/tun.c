#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "base/base.h"
#include "sys/tun.h"

#define NODE "/dev/net/tun"

static int cannot_open(int errnum, struct err *e)
{
	switch (errnum) {
	case ENOENT:
		err_fail_code(e, ERR_NET_KERNEL, ENOENT, "there is no " NODE);
		return err_hint(e,
				"the administrator can run: modprobe tun; inside of a container, "
				"start that with --device " NODE);
	case ENODEV:
	case ENXIO:
		err_fail_code(e, ERR_NET_KERNEL, ENODEV,
			      NODE " is there, but the kernel has no TUN devices");
		return err_hint(e, "the administrator can run: modprobe tun");
	case EACCES:
	case EPERM:
		err_fail_code(e, ERR_NET_KERNEL, errnum, NODE " cannot be opened: %s",
			      strerror(errnum));
		return err_hint(e, "the administrator can run: chmod 0666 " NODE);
	default:
		return err_set(e, errnum, "open " NODE);
	}
}

int tun_open(const char *name, int index, struct err *e)
{
	autoclose int fd = open(NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};

	if (fd < 0)
		return cannot_open(errno, e);
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	if ((index && ioctl(fd, TUNSETIFINDEX, &index) < 0) || ioctl(fd, TUNSETIFF, &r) < 0)
		return err_set(e, errno, "make the TUN device %s", name);
	return take_fd(fd);
}
