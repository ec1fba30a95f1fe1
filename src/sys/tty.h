/*
 * tty.h - terminals: raw mode with certain restoring, window sizes, and the keys that detach.
 */
#ifndef SYS_TTY_H
#define SYS_TTY_H

#include <sys/ioctl.h>
#include <termios.h>

#include "base/base.h"

/* Puts the terminal at fd into raw mode and remembers the old one; tty_restore() brings it back (also from a signal handler, and
 * more than once). One terminal per process. 0 or -errno. */
int tty_raw(int fd);
void tty_restore(void);

/* The window size of fd; false if it is no terminal or does not know. */
bool tty_size(int fd, struct winsize *ret);

/* "ctrl-p,ctrl-q" to bytes: letters, ctrl- with a-z @ [ \ ] ^ _ , separated by commas; "" is no keys at all. Returns the number of
 * bytes (at most 16) or -EINVAL. */
int tty_parse_keys(const char *text, unsigned char keys[16]);

/* Looks for the key sequence in a stream of input. Bytes that might begin it are held back until that is decided, so ordinary
 * keys pass unharmed, a lone ctrl-p too, as soon as the next byte arrives. */
struct tty_keys {
	unsigned char keys[16];
	size_t n;	/* 0: never matches */
	size_t matched; /* bytes held back now */
};
/* Copies in to out (room for n + 16 bytes) without the detach sequence. Returns the bytes written; *ret_detach tells
 * that the sequence was completed (what follows it is dropped). */
size_t tty_keys_filter(struct tty_keys *k, const unsigned char *in, size_t n, unsigned char *out,
		       bool *ret_detach);

#endif
