#include "base/base.h"
#include "net/resolv.h"

struct span {
	const char *s;
	size_t n;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line, which gets shorter; false at its end. */
static bool next_word(struct span *line, struct span *ret)
{
	while (line->n && is_blank(*line->s)) {
		line->s++;
		line->n--;
	}
	ret->s = line->s;
	ret->n = 0;
	while (ret->n < line->n && !is_blank(line->s[ret->n]))
		ret->n++;
	line->s += ret->n;
	line->n -= ret->n;
	return ret->n > 0;
}

static bool is(const struct span *w, const char *text)
{
	return w->n == strlen(text) && !memcmp(w->s, text, w->n);
}

/* Only what may stand in a file for others again: no control bytes, nothing above ASCII, no comment. */
static bool is_plain(const struct span *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->s[i] <= ' ' || w->s[i] >= 0x7f || w->s[i] == '#' || w->s[i] == ';')
			return false;
	return true;
}

static bool add_word(char list[RESOLV_TEXT], const struct span *w)
{
	size_t have = strlen(list);

	if (!is_plain(w) || have + w->n + 2 > RESOLV_TEXT)
		return false;
	if (have)
		list[have++] = ' ';
	memcpy(list + have, w->s, w->n);
	list[have + w->n] = 0;
	return true;
}

int resolv_server_parse(const char *text, size_t n, struct resolv_server *ret)
{
	char buf[IP_TEXT + RESOLV_ZONE];

	memset(ret, 0, sizeof *ret);
	if (!n || n >= sizeof buf || memchr(text, 0, n))
		return -EINVAL;
	memcpy(buf, text, n);
	buf[n] = 0;
	char *zone = strchr(buf, '%');
	if (zone) {
		*zone++ = 0;
		if (!*zone || strlen(zone) >= RESOLV_ZONE)
			return -EINVAL;
		memcpy(ret->zone, zone, strlen(zone) + 1);
	}
	if (ip_parse(buf, &ret->ip) < 0 || (zone && ret->ip.family != 6)) {
		memset(ret, 0, sizeof *ret);
		return -EINVAL;
	}
	return 0;
}

static void parse_line(struct span line, struct resolv *ret)
{
	struct span key, w;

	if (!line.n || *line.s == '#' || *line.s == ';' || !next_word(&line, &key))
		return;
	if (is(&key, "nameserver")) {
		if (ret->nservers < RESOLV_SERVERS && next_word(&line, &w) && is_plain(&w) &&
		    resolv_server_parse(w.s, w.n, &ret->servers[ret->nservers]) == 0)
			ret->nservers++;
	} else if (is(&key, "search") || is(&key, "domain")) {
		bool one = key.s[0] == 'd';
		ret->search[0] = 0; /* the last such line counts */
		while (next_word(&line, &w)) {
			if (!is(&w, "."))
				add_word(ret->search, &w);
			if (one)
				break;
		}
	} else if (is(&key, "options")) {
		while (next_word(&line, &w)) {
			if (add_word(ret->options, &w) && is(&w, "rotate"))
				ret->rotate = true;
		}
	}
}

void resolv_parse(const char *text, size_t n, struct resolv *ret)
{
	memset(ret, 0, sizeof *ret);
	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;
		parse_line((struct span){text, len}, ret);
		text += len + (end ? 1 : 0);
		n -= len + (end ? 1 : 0);
	}
}

int resolv_read(const char *path, struct resolv *ret)
{
	scoped(str) text = {0};

	memset(ret, 0, sizeof *ret);
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = fd_read_all(fd, &text, RESOLV_FILE_MAX);
	if (r < 0)
		return r;
	resolv_parse(str_cstr(&text), text.len, ret);
	return 0;
}
