#include "base/base.h"
#include "net/port.h"

const struct bind_field port_fields[] = {
	{"HostIp", BIND_STR, offsetof(struct port, host_ip)},
	{"HostPort", BIND_INT, offsetof(struct port, host_port)},
	{"ContainerPort", BIND_INT, offsetof(struct port, container_port)},
	{"Range", BIND_INT, offsetof(struct port, range)},
	{"Protocol", BIND_STR, offsetof(struct port, protocol)},
	{"Choice", BIND_INT, offsetof(struct port, choice)},
	{0},
};
