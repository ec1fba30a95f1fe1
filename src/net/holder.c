#include <dirent.h>

#include "base/base.h"
#include "base/parse.h"
#include "net/holder.h"
#include "state/container.h"
#include "sys/procinfo.h"

enum { TABLE_MAX = 64 << 20, TCP_LISTENING = 10, ADDR6_DIGITS = 32, ADDR4_DIGITS = 8 };

struct wanted {
	struct ip ip;
	uint16_t port;
	char protocol[8];
};

int holder_taken(const struct ip *ip, uint16_t port, const char *protocol, struct err *e)
{
	char text[IP_TEXT];

	return err_fail_code(e, ERR_PORT_TAKEN, EADDRINUSE, "port %u/%s is taken on %s", port,
			     protocol, ip_text(ip, text));
}

/* The message may have context in front. */
static bool read_again(const struct err *e, struct wanted *ret)
{
	char addr[IP_TEXT];
	unsigned port;

	for (const char *p = e->msg; (p = strstr(p, "port ")); p++)
		if (sscanf(p, "port %5u/%3[a-z] is taken on %45[0-9a-f.:]", &port, ret->protocol,
			   addr) == 3 &&
		    port <= UINT16_MAX && ip_parse(addr, &ret->ip) == 0) {
			ret->port = (uint16_t)port;
			return true;
		}
	return false;
}

static bool meets(const struct wanted *w, const struct ip *ip, uint16_t port)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (port != w->port)
		return false;
	if (ip_is_any(ip)) /* one on [::] may have IPv4 too */
		return ip->family == 6 || w->ip.family == 4;
	if (ip->family == 6 && w->ip.family == 4)
		return !memcmp(ip->b, mapped, sizeof mapped) &&
		       (ip_is_any(&w->ip) || !memcmp(ip->b + 12, w->ip.b, 4));
	return ip->family == w->ip.family && (ip_is_any(&w->ip) || ip_equal(ip, &w->ip));
}

/* ---- containers */

static bool publishes(const struct container_state *s, const struct wanted *w)
{
	const struct state_port *v = s->ports.v;

	for (size_t i = 0; i < s->ports.n; i++) {
		struct ip ip = {.family = w->ip.family};
		int64_t range = v[i].range > 0 ? v[i].range : 1;
		if (!str_eq(v[i].protocol, w->protocol) || w->port < v[i].host_port ||
		    w->port >= v[i].host_port + range)
			continue;
		if (str_is_empty(v[i].host_ip) ||
		    (ip_parse(v[i].host_ip, &ip) == 0 && meets(w, &ip, w->port)))
			return true;
	}
	return false;
}

/* Its name; NULL: no running container of this store. */
static const char *container_with(const struct home *h, const struct wanted *w, struct arena *a)
{
	scoped(strv) ids = {0};
	struct err ignored;

	if (container_ids(h, &ids, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < ids.n; i++) {
		struct container_state s = {0};
		if (container_state_read(h, ids.v[i], &s, a, &ignored) == 0 && s.ports.n &&
		    container_derive(h, &s) == CONTAINER_RUNNING && publishes(&s, w))
			return s.name;
	}
	return NULL;
}

/* ---- programs */

/* The kernel writes an address as words of 32 bits, as they lie in memory. */
static bool parse_address(const char *text, struct ip *ret)
{
	size_t n = strlen(text);

	if (n != ADDR4_DIGITS && n != ADDR6_DIGITS)
		return false;
	*ret = (struct ip){.family = n == ADDR6_DIGITS ? 6 : 4};
	for (size_t i = 0; i < n / ADDR4_DIGITS; i++) {
		uint32_t word;
		if (sscanf(text + i * ADDR4_DIGITS, "%8" SCNx32, &word) != 1)
			return false;
		memcpy(ret->b + i * sizeof word, &word, sizeof word);
	}
	return true;
}

bool holder_parse(const char *line, struct holder_socket *ret)
{
	char addr[ADDR6_DIGITS + 1];
	unsigned port;

	if (sscanf(line,
		   " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*4x %2x %*8x:%*8x %*2x:%*8x %*8x %" SCNu64
		   " %*u %" SCNu64,
		   addr, &port, &ret->state, &ret->uid, &ret->inode) != 5)
		return false;
	ret->port = (uint16_t)port;
	return parse_address(addr, &ret->ip);
}

static bool find_socket(const struct wanted *w, const char *table, struct holder_socket *ret)
{
	scoped(str) text = {0};
	bool tcp = str_starts(w->protocol, "tcp");
	autoclose int dir = open("/proc/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fd_read_file_at(dir, table, &text, TABLE_MAX) < 0 || !text.s)
		return false;
	for (char *line = text.s, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		if (holder_parse(line, ret) && (!tcp || ret->state == TCP_LISTENING) &&
		    meets(w, &ret->ip, ret->port))
			return true;
	}
	return false;
}

static bool has_socket(int proc, const char *pid, const char *socket_name)
{
	char path[280], to[64];
	ssize_t n;

	snprintf(path, sizeof path, "%s/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;
	if (!d)
		return false;
	for (struct dirent *de; !found && (de = readdir(d));) {
		n = readlinkat(fd, de->d_name, to, sizeof to - 1);
		if (n > 0) {
			to[n] = 0;
			found = !strcmp(to, socket_name);
		}
	}
	closedir(d);
	return found;
}

/* The process that has the socket open, as far as we may look; 0: not seen. */
static pid_t find_process(int proc, uint64_t inode)
{
	char name[40];
	uint64_t pid = 0;
	int copy = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);

	snprintf(name, sizeof name, "socket:[%" PRIu64 "]", inode);
	if (!d)
		return 0;
	for (struct dirent *de; (de = readdir(d));)
		if (parse_u64(de->d_name, INT_MAX, &pid) == 0 && has_socket(proc, de->d_name, name))
			break;
		else
			pid = 0;
	closedir(d);
	return (pid_t)pid;
}

static void name_program(const struct wanted *w, struct arena *a, struct err *e)
{
	struct holder_socket s;
	struct procinfo info;
	char table[16], table6[16];
	autoclose int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(table, sizeof table, "%s", w->protocol);
	snprintf(table6, sizeof table6, "%s6", w->protocol);
	if (proc < 0 || (!find_socket(w, table, &s) && !find_socket(w, table6, &s)))
		return;
	pid_t pid = find_process(proc, s.inode);
	if (!pid)
		err_hint(e, "a program of user %" PRIu64 " has it; take another port", s.uid);
	else if (procinfo_read(proc, pid, &info, a) < 0)
		err_hint(e, "process %d has it; take another port", (int)pid);
	else if (str_eq(info.comm, "hoy-network"))
		err_hint(e, "a container of another store has it (process %d); take another port",
			 (int)pid);
	else
		err_hint(e, "%s (process %d) has it; take another port", info.comm, (int)pid);
}

void holder_explain(const struct home *h, struct err *e)
{
	struct arena a = {0};
	struct wanted w;

	if (e->id != ERR_PORT_TAKEN || !read_again(e, &w))
		return;
	const char *name = container_with(h, &w, &a);
	if (name)
		err_hint(e, "container %s publishes it; take another port, or stop that one", name);
	else
		name_program(&w, &a, e);
	arena_free(&a);
}
