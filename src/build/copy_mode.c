#include "base/base.h"
#include "build/copy_mode.h"

/* The bits of one class (0 others, 1 group, 2 user) that the letters of perms mean. -1: an unknown letter. */
static int class_bits(char c, int class, uint32_t mode, bool dir)
{
	switch (c) {
	case 'r':
		return 4 << 3 * class;
	case 'w':
		return 2 << 3 * class;
	case 'x':
		return 1 << 3 * class;
	case 'X':
		return dir || (mode & 0111) ? 1 << 3 * class : 0;
	case 's':
		return class == 2 ? 04000 : class == 1 ? 02000 : 0;
	case 't':
		return class == 0 ? 01000 : 0;
	default:
		return -1;
	}
}

/* u, g or o in the place of permissions: what that class has. */
static int copied_bits(char c, int class, uint32_t mode)
{
	int from = c == 'u' ? 2 : c == 'g' ? 1 : c == 'o' ? 0 : -1;

	return from < 0 ? -1 : (int)((mode >> 3 * from & 7) << 3 * class);
}

/* One operator and what follows: text stands behind the operator. Returns the characters used, or -EINVAL. */
static int operation(const char *text, char op, unsigned who, bool dir, uint32_t was,
		     uint32_t *mode)
{
	uint32_t bits = 0, all = 0;
	int n = 0;

	for (; text[n] && !strchr("+-=,", text[n]); n++)
		for (int class = 0; class < 3; class ++) {
			int b = class_bits(text[n], class, was, dir);
			if (b < 0 && (n || (text[1] && !strchr("+-=,", text[1]))))
				return -EINVAL;
			if (b < 0)
				b = copied_bits(text[n], class, was);
			if (b < 0)
				return -EINVAL;
			if (who & 1U << class)
				bits |= (uint32_t)b;
		}
	for (int class = 0; class < 3; class ++)
		if (who & 1U << class)
			all |= 7U << 3 * class | (class == 2 ? 04000 : class == 1 ? 02000 : 01000);
	if (dir &&
	    op == '=') /* as chmod(1): set-id bits of a directory go only when they are named */
		all &= ~06000U | bits;
	*mode = op == '+' ? *mode | bits : op == '-' ? *mode & ~bits : (*mode & ~all) | bits;
	return n;
}

static int symbolic(const char *s, bool dir, uint32_t *mode)
{
	for (;;) {
		unsigned who = 0;
		for (; *s && strchr("ugoa", *s); s++)
			who |= *s == 'u' ? 4 : *s == 'g' ? 2 : *s == 'o' ? 1 : 7;
		if (!*s || !strchr("+-=", *s))
			return -EINVAL;
		while (*s && strchr("+-=", *s)) {
			int n = operation(s + 1, *s, who ? who : 7, dir, *mode, mode);
			if (n < 0)
				return n;
			s += n + 1;
		}
		if (!*s)
			return 0;
		if (*s++ != ',')
			return -EINVAL;
	}
}

int copy_mode_apply(const char *text, bool dir, uint32_t *mode)
{
	size_t n = strspn(text, "01234567");

	if (n && !text[n]) {
		char *end;
		unsigned long v = strtoul(text, &end, 8);
		if (n > 8 || v > 07777)
			return -EINVAL;
		*mode = (uint32_t)v;
		return 0;
	}
	uint32_t m = *mode & 07777;
	int r = symbolic(text, dir, &m);
	if (r == 0)
		*mode = m;
	return r;
}
