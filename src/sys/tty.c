#include "base/base.h"
#include "sys/tty.h"

static struct termios saved;
static int saved_fd = -1;

int tty_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return -errno;
	if (saved_fd < 0) {
		saved = t;
		saved_fd = fd;
	}
	cfmakeraw(&t);
	return tcsetattr(fd, TCSADRAIN, &t) < 0 ? -errno : 0;
}

void tty_restore(void)
{
	if (saved_fd < 0)
		return;
	tcsetattr(saved_fd, TCSADRAIN, &saved);
	saved_fd = -1;
}

bool tty_size(int fd, struct winsize *ret)
{
	return ioctl(fd, TIOCGWINSZ, ret) == 0 && (ret->ws_row || ret->ws_col);
}

static int one_key(const char *s, size_t n)
{
	if (n == 1)
		return (unsigned char)s[0];
	if (n != 6 || strncasecmp(s, "ctrl-", 5))
		return -EINVAL;
	unsigned char c = (unsigned char)s[5];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	if (c >= '@' && c <= '_')
		return c - '@';
	return -EINVAL;
}

int tty_parse_keys(const char *text, unsigned char keys[16])
{
	int n = 0;

	if (!*text)
		return 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		int k = len || *text != ',' ? one_key(text, len) : -EINVAL;
		if (k < 0 || n == 16)
			return -EINVAL;
		keys[n++] = (unsigned char)k;
		if (!text[len])
			return n;
		text += len + 1;
	}
}

/* The longest proper prefix of the keys that ends what was held back plus c: where matching goes on after a miss. */
static size_t fall_back(const struct tty_keys *k, unsigned char c)
{
	for (size_t len = k->matched; len > 0; len--) {
		size_t skip = k->matched + 1 - len;
		if (k->keys[len - 1] == c && !memcmp(k->keys, k->keys + skip, len - 1))
			return len;
	}
	return 0;
}

size_t tty_keys_filter(struct tty_keys *k, const unsigned char *in, size_t n, unsigned char *out,
		       bool *ret_detach)
{
	size_t o = 0;

	*ret_detach = false;
	for (size_t i = 0; i < n; i++) {
		if (!k->n) {
			out[o++] = in[i];
			continue;
		}
		if (in[i] == k->keys[k->matched]) {
			if (++k->matched < k->n)
				continue;
			k->matched = 0;
			*ret_detach = true;
			return o;
		}
		size_t held = k->matched, again = fall_back(k, in[i]);
		for (size_t j = 0; j < held + 1 - again; j++)
			out[o++] = j < held ? k->keys[j] : in[i];
		k->matched = again;
	}
	return o;
}
