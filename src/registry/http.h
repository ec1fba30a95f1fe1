/*
 * http.h - HTTP for registries, over libcurl (opened on first use): many requests at once on few connections.
 *
 * A struct http is the pool; a struct http_request belongs to the caller and lies still while it runs. Requests go on while anybody waits
 * for one of them. The rules that hold for every request:
 *   - HTTPS is verified with the system's certificates and those of certs.d; plain HTTP happens only where the URL says so.
 *   - Redirects: at most 16, never from https to http, never for what sends a body. Authorization goes to the origin (scheme, host, port) it was meant for and
 *     nowhere else; once a redirect has left that origin it is gone for good.
 *   - Time: 10 s to connect; less than 1 KiB/s for 30 s ends a request; `total_s` bounds small ones. Headers: 256 KiB. Bodies that
 *     nobody takes: 64 KiB of them are kept.
 *   - Proxies are those of the environment (http_proxy, https_proxy, all_proxy, no_proxy), never for loopback.
 */
#ifndef REGISTRY_HTTP_H
#define REGISTRY_HTTP_H

#include "base/base.h"

struct http;

struct http_opts {
	bool insecure; /* certificates are not looked at */
	const char
		*cert_dir; /* *.crt: more CAs; *.cert and *.key: our own certificate; NULL: none */
};

enum http_end {
	HTTP_RUNNING,
	HTTP_ANSWERED, /* status is set, and the body has come as far as it was wanted */
	HTTP_STOPPED,  /* write() said no */
	HTTP_TOO_LONG, /* more than max bytes of body */
	HTTP_BROKEN,   /* the connection ended too early; trying again may help */
	HTTP_STALLED,  /* too slow or silent, after the connection was there */
	HTTP_NO_TLS,   /* whoever is there speaks no TLS */
	HTTP_REFUSED,  /* no connection */
	HTTP_FAILED,   /* anything else, see http_explain() */
};

/* What a request sends: bytes [from, from + left) of a file, or of memory. */
struct http_body {
	const char *mem; /* NULL: fd */
	int fd;
	uint64_t from, left;
	uint64_t *sent; /* counts up what went out; NULL */
};

struct http_request {
	/* What is asked; nothing is copied. */
	const char *url;
	const char *accept;	   /* NULL: any */
	const char *authorization; /* the header's value; NULL: none */
	const char *
		form; /* a body of application/x-www-form-urlencoded, then it is a POST; NULL: GET */
	const char *method;		  /* HEAD, POST, PUT, PATCH; the last three send a body */
	const struct http_body *send;	  /* the body; NULL: an empty one */
	const char *content_type, *range; /* of the body; range: Content-Range, or NULL */
	uint64_t offset;		  /* the first byte wanted; 0: all */
	int stall_s;			  /* silence that is allowed; 0: as usual */
	int total_s;			  /* bound for the whole request; 0: none */
	size_t max;			  /* bytes of body to keep where write is NULL */
	/* Takes the body of 200 and 206 as it comes. Negative: HTTP_STOPPED. */
	int (*write)(struct http_request *q, const void *p, size_t n);
	void *arg;

	/* What came back. */
	enum http_end end;
	int status;		/* of the last answer; 0: none */
	bool tls;		/* it broke after both sides had agreed on TLS */
	bool elsewhere;		/* a redirect led to another origin, who gave this answer */
	char type[128];		/* Content-Type without parameters, in lower case */
	int64_t length;		/* Content-Length; -1 */
	int64_t range_start;	/* of a 206; -1 */
	int64_t retry_after;	/* seconds; -1 */
	int64_t range_end;	/* last byte of "Range: 0-N": what an upload has; -1 */
	struct str location;	/* Location, as it came; "" */
	struct str link;	/* Link, as it came; "" */
	char digest[80];	/* Docker-Content-Digest; "" */
	struct str challenge;	/* all WWW-Authenticate headers, with ", " between */
	struct str body;	/* kept bytes */
	struct http_call *call; /* while it runs: http.c's */
	struct err why;		/* for all ends but ANSWERED and STOPPED: what happened */
};

int http_open(struct http **ret, const struct http_opts *o, struct err *e);
void http_close(struct http *h); /* NULL is fine; requests that run are dropped */

/* Begins a request; the answer's part of q is reset. Returns 0 or -errno (then it does not run). */
int http_start(struct http *h, struct http_request *q, struct err *e);
/* Drops a request that may be running. */
void http_drop(struct http *h, struct http_request *q);
/* Lets requests go on until one has ended or ms (-1: no bound) have passed. */
int http_wait(struct http *h, int ms, struct err *e);
/* Starts one and waits for its end. */
int http_do(struct http *h, struct http_request *q, struct err *e);
/* Frees what was kept of an answer. */
void http_request_free(struct http_request *q);

/* The host of an address, in lower case and without port, as it would be asked; NULL if the address is none that may be. The caller frees
 * it. Some http_open() came before. */
char *http_url_host(const char *url);

/* The absolute address that a Location means in the answer of base; NULL if it is none that may be asked. The caller frees it. */
char *http_resolve(const char *base, const char *location);
/* Scheme, host and port are the same. */
bool http_same_origin(const char *a, const char *b);

/* http_wait() also ends when fd can be read; -1: no longer. */
void http_also(struct http *h, int fd);

/* Other bounds than 10 and 30 s, for requests that begin from now on; 0: these again. */
void http_patience(struct http *h, int connect_s, int stall_s);

/* "localhost", "x.localhost", 127.0.0.0/8, [::1]; host may have a port. */
bool http_is_loopback(const char *host);

#endif
