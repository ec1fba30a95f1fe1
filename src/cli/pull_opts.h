/*
 * pull_opts.h - the options about registries, and pulling for a command that needs an image (pull itself, run, create).
 */
#ifndef CLI_PULL_OPTS_H
#define CLI_PULL_OPTS_H

#include "cli/progress.h"
#include "engine/pull.h"

struct pull_flags {
	const char *platform, *os, *arch, *variant;
	const char *authfile, *creds, *cert_dir, *retry_delay;
	const char *policy; /* NULL or "": missing */
	uint64_t retry, max_layer, parallel;
	bool tls_verify, quiet, all_tags;
	bool bars_only;		 /* set by a command that has lines of its own */
	struct registries *conf; /* for several pulls; NULL: each reads it anew */
};

/* The rows of a command whose struct T holds a struct pull_flags at f ("image." or nothing). */
#define PULL_ROW_ARCH(T, f)                                                                        \
	{                                                                                          \
		"arch", 0, OPT_TO(OPT_STR, T, f arch), "ARCH",                                     \
			"Take the image for this architecture",                                    \
			.words = "amd64 arm64 arm 386 ppc64le s390x riscv64 loong64",              \
			.complete = COMPLETE_WORDS                                                 \
	}
#define PULL_ROW_AUTHFILE(T, f)                                                                    \
	{                                                                                          \
		"authfile", 0, OPT_TO(OPT_STR, T, f authfile), "FILE",                             \
			"Take credentials for the registry from this file", COMPLETE_FILE          \
	}
#define PULL_ROW_CERT_DIR(T, f)                                                                    \
	{                                                                                          \
		"cert-dir", 0, OPT_TO(OPT_STR, T, f cert_dir), "DIR",                              \
			"Certificates and keys for the registry (*.crt, *.cert, *.key)",           \
			COMPLETE_DIR                                                               \
	}
#define PULL_ROW_CREDS(T, f)                                                                       \
	{                                                                                          \
		"creds", 0, OPT_TO(OPT_STR, T, f creds), "USER[:PASSWORD]",                        \
			"Credentials for the registry"                                             \
	}
#define PULL_ROW_OS(T, f)                                                                          \
	{                                                                                          \
		"os", 0, OPT_TO(OPT_STR, T, f os), "OS",                                           \
			"Take the image for this operating system"                                 \
	}
#define PULL_ROW_PLATFORM(T, f)                                                                    \
	{                                                                                          \
		"platform", 0, OPT_TO(OPT_STR, T, f platform), "OS/ARCH[/VARIANT]",                \
			"Take the image for this platform (default: this machine's)",              \
			.words = "linux/amd64 linux/arm64 linux/arm/v7 linux/386 linux/ppc64le "   \
				 "linux/s390x "                                                    \
				 "linux/riscv64",                                                  \
			.complete = COMPLETE_WORDS                                                 \
	}
#define PULL_ROW_QUIET(T, f)                                                                       \
	{                                                                                          \
		"quiet", 'q', OPT_TO(OPT_BOOL, T, f quiet), NULL, "Show no progress of pulling"    \
	}
#define PULL_ROW_RETRY(T, f)                                                                       \
	{                                                                                          \
		"retry", 0, OPT_TO(OPT_UINT, T, f retry), "N",                                     \
			"Try so often again when the registry cannot be reached"                   \
	}
#define PULL_ROW_RETRY_DELAY(T, f)                                                                 \
	{                                                                                          \
		"retry-delay", 0, OPT_TO(OPT_STR, T, f retry_delay), "DURATION",                   \
			"Pause before trying again (default: growing from 1s on)"                  \
	}
#define PULL_ROW_TLS_VERIFY(T, f)                                                                  \
	{                                                                                          \
		"tls-verify", 0, OPT_TO(OPT_BOOL, T, f tls_verify), NULL,                          \
			"Want HTTPS and a good certificate (default, but on loopback); =false "    \
			"takes plain HTTP too"                                                     \
	}
#define PULL_ROW_TRUST(T, f)                                                                       \
	{                                                                                          \
		"disable-content-trust", 0, OPT_BOOL,                                              \
			.help = "Without effect: there are no signatures",                         \
			.flags = OPT_IGNORED | OPT_HIDDEN                                          \
	}
#define PULL_ROW_VARIANT(T, f)                                                                     \
	{                                                                                          \
		"variant", 0, OPT_TO(OPT_STR, T, f variant), "VARIANT",                            \
			"Take the image for this variant of the architecture (v7)"                 \
	}

/* What --tls-verify says, or that it was not given. */
enum registry_tls pull_tls(const struct cli *c, bool tls_verify);

/* --creds USER without a password: it is asked for, where somebody can answer. */
int pull_ask_creds(struct cli *c, const char **creds, struct err *e);
/* Registry and retries. */
int pull_read_flags(const struct cli *c, const struct pull_flags *f, struct image_pull_opts *o,
		    struct err *e);

/* The options of image_pull(), but for what is said while it works. */
int pull_make_opts(struct cli *c, const struct pull_flags *f, struct image_pull_opts *ret,
		   struct err *e);

/* Pulls what text names, if the policy wants it, with progress on standard error. */
int pull_with_flags(struct cli *c, const struct home *h, const char *text,
		    const struct pull_flags *f, struct image_pulled *ret, struct err *e);

#endif
