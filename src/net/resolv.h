/*
 * resolv.h - resolv.conf(5): which servers the host asks, and how.
 *
 * What cannot be understood is skipped, as the resolvers of the C libraries do: a line, a word, an address. Plain bytes, no allocation.
 */
#ifndef NET_RESOLV_H
#define NET_RESOLV_H

#include "net/addr.h"

#define RESOLV_PATH "/etc/resolv.conf"
/* Where systemd-resolved lists the servers that stand behind its own 127.0.0.53. */
#define RESOLV_PATH_BEHIND "/run/systemd/resolve/resolv.conf"

enum { RESOLV_SERVERS = 8, RESOLV_ZONE = 16, RESOLV_TEXT = 1024, RESOLV_FILE_MAX = 64 << 10 };

struct resolv_server {
	struct ip ip;
	char zone[RESOLV_ZONE]; /* of a link-local address: the name of a device, or its number */
};

struct resolv {
	uint8_t nservers;
	struct resolv_server servers[RESOLV_SERVERS];
	bool rotate;
	char search[RESOLV_TEXT];  /* domains, blanks between; "." is left out */
	char options[RESOLV_TEXT]; /* as they stand, blanks between */
};

void resolv_parse(const char *text, size_t n, struct resolv *ret);

/* "1.2.3.4", "fe80::1%eth0". */
int resolv_server_parse(const char *text, size_t n, struct resolv_server *ret);

/* Reads a file, links followed; a missing one is like an empty one. 0 or -errno with nothing in ret. */
int resolv_read(const char *path, struct resolv *ret);

#endif
