#include <poll.h>
#include <sys/inotify.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/proc.h"
#include "engine/log_opts.h"
#include "engine/logs.h"

enum { PIECE = 64 * 1024, POLL_MS = 200, RESTART_MS = 30000, RESTART_POLL_MS = 20 };

/* There is none in the container's directory: it was never started, or its log is somewhere else, or nowhere. */
static int open_elsewhere(int dir, struct arena *a, struct logs_source *ret, struct err *e)
{
	struct container_config c;
	int r = config_read(dir, &c, a, e);

	if (r < 0)
		return r;
	if (str_eq(c.log_driver, "journald")) {
		ret->in_journal = true;
		return 0;
	}
	if (str_eq(c.log_driver, "none") ||
	    (c.log_driver && str_starts(c.log_driver, "passthrough"))) {
		err_fail_code(e, ERR_NO_LOG, ENOENT, "container %s keeps no log (--log-driver %s)",
			      ret->name, c.log_driver);
		return err_hint(e, "make it without that option to see later what it wrote");
	}
	if (!c.log_path)
		return 0;
	const char *base = strrchr(c.log_path, '/') + 1;
	autoclose int at = open(arena_strndup(a, c.log_path, (size_t)(base - c.log_path)),
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 && errno == ENOENT)
		return 0;
	log_files_close(&ret->files);
	r = at < 0 ? -errno : log_files_open(&ret->files, at, base);
	return r < 0 ? err_set(e, r, "open the log %s", c.log_path) : 0;
}

static int find_details(int dir, struct arena *a, struct logs_source *ret, struct err *e)
{
	struct container_config c;
	int r = config_read(dir, &c, a, e);

	if (r == 0)
		log_opts_details(&c, &ret->details);
	return r;
}

int logs_open(const struct home *h, const char *text, bool details, struct logs_source *ret,
	      struct err *e)
{
	scoped(arena) a = {0};
	struct container_state s;

	*ret = (struct logs_source){.home = h, .files.dir = -1, .sup = -1, .journal.fd = -1};
	int r = container_resolve(h, text, ret->id, e);
	if (r < 0)
		return r;
	autoclose int dir = container_dir(h, ret->id, e);
	if (dir < 0)
		return dir;
	r = container_state_read(h, ret->id, &s, &a, e);
	if (r < 0)
		return r;
	snprintf(ret->name, sizeof ret->name, "%s", s.name);
	if (container_is_up(container_derive(h, &s)))
		ret->sup = proc_open((pid_t)s.sup, (uint64_t)s.sup_start);
	if (ret->sup < 0)
		ret->sup = -1; /* it has ended in this moment */
	r = log_files_open(&ret->files, dir, "ctr.log");
	if (r == 0 && !ret->files.n)
		r = open_elsewhere(dir, &a, ret, e);
	else if (r < 0)
		err_set(e, r, "open the log of container %s", ret->name);
	return r == 0 && details ? find_details(dir, &a, ret, e) : r;
}

void logs_close(struct logs_source *s)
{
	str_free(&s->details);
	logs_journal_end(&s->journal);
	log_files_close(&s->files);
	fd_close(&s->sup);
}

static int on_line(void *arg, bool is_stderr, const char *when)
{
	struct logs_source *s = arg;

	return s->sink->line(s->sink->arg, s->which, is_stderr, when);
}

static int on_text(void *arg, bool is_stderr, const char *p, size_t n)
{
	struct logs_source *s = arg;

	return s->sink->text(s->sink->arg, s->which, is_stderr, p, n);
}

static int prepare(struct logs_source *s, const struct logs_query *q, struct err *e)
{
	struct log_reader *r = &s->reader;

	*r = (struct log_reader){.sink = {on_line, on_text, s}};
	r->filter = q->has_since || q->has_until;
	r->times = q->times;
	r->since = q->has_since ? q->since : (struct timespec){0};
	r->until = q->has_until ? q->until : (struct timespec){0};
	if (s->in_journal) {
		s->journal.reader.sink = r->sink;
		return logs_journal_start(&s->journal, s->id, q, e);
	}
	if (!s->files.n || q->tail < 0)
		return 0;
	int rc = log_tail(&s->files, log_files_end(&s->files), (uint64_t)q->tail, r->from);
	if (rc < 0)
		return err_set(e, rc, "read the log of container %s", s->name);
	r->at = r->line_at = r->from[0] < r->from[1] ? r->from[0] : r->from[1];
	r->anchor = log_anchor_at(&s->files, r->at);
	return 0;
}

/* inotify is a convenience of ours, not a need: where the user's instances are used up, we look again and again. A file that is
 * rotated is moved; one that falls off at once is unlinked, which is a change of its attributes. */
static bool watch_newest(const struct logs_source *s, int watch)
{
	char path[40];

	if (watch < 0)
		return false;
	snprintf(path, sizeof path, "/proc/self/fd/%d", s->files.v[s->files.n - 1].fd);
	return inotify_add_watch(watch, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB) >= 0;
}

/* Feeds what there is. */
static int read_on(struct logs_source *s, int watch, struct err *e)
{
	autofree char *buf = NULL;
	int r = 0;

	if (!s->files.n)
		return 0;
	/* A torn last line is cut off by the supervisor, so the log may shrink under us. */
	off_t end = log_files_end(&s->files);
	if (end < s->reader.at)
		s->reader.at = end;
	buf = xmalloc(PIECE);
	while (r == 0) {
		ssize_t n = log_files_read(&s->files, buf, PIECE, s->reader.at);
		if (n == -EINTR)
			continue;
		if (n < 0)
			return err_set(e, (int)n, "read the log of container %s", s->name);
		if (n > 0) {
			r = log_reader_feed(&s->reader, buf, (size_t)n);
			continue;
		}
		/* Rotated: what was written before that is read to its end first, by the next turn. */
		if (!log_files_next(&s->files, s->reader.at))
			return 0;
		watch_newest(s, watch);
	}
	return r;
}

static bool has_ended(const struct logs_source *s)
{
	struct pollfd p = {.fd = s->sup, .events = POLLIN};

	return s->sup < 0 || poll(&p, 1, 0) == 1;
}

/* Its supervisor has ended. Has another command started it anew, or is `hoy restart` about to? The mark of a restart goes when the container runs again, so without one
 * the state is the truth; one that was left by a command that was killed is not believed for long. */
static bool goes_on(struct logs_source *s)
{
	scoped(arena) a = {0};
	struct container_state st;
	struct err ignored;
	autoclose int dir = s->sup < 0 ? -1 : container_dir(s->home, s->id, &ignored);
	int64_t now = time_mono_ms();

	if (dir < 0)
		return false;
	bool marked = faccessat(dir, CONTAINER_KEEP, F_OK, 0) == 0;
	if (container_state_read(s->home, s->id, &st, &a, &ignored) == 0 &&
	    container_is_up(container_derive(s->home, &st))) {
		int sup = proc_open((pid_t)st.sup, (uint64_t)st.sup_start);
		if (sup >= 0) {
			close(s->sup);
			s->sup = sup;
			s->restart_until = 0;
			return true;
		}
	}
	if (!marked)
		return false;
	if (!s->restart_until)
		s->restart_until = now + RESTART_MS;
	return now < s->restart_until;
}

enum { JOURNAL_QUIET_MS = 300 };

/* What the journal has of it. One that has ended may have lines on their way there; nobody tells when the last has come. */
static int round_of_journal(struct logs_source *s, bool last, bool follow, bool *ret_ended,
			    struct err *e)
{
	struct pollfd p = {.fd = s->journal.fd, .events = POLLIN};
	bool ended = last || !follow || has_ended(s), end;
	int r = logs_log_export(&s->journal, !follow, &end, e);

	if (r != 0)
		return r;
	*ret_ended = end || !follow || last ||
		     (ended && poll(&p, 1, JOURNAL_QUIET_MS) == 0 && !goes_on(s));
	return 0;
}

/* One round: reads what there is; a container that had ended before is done then. */
static int round_of(struct logs_source *v, size_t n, int watch, bool last, bool follow,
		    bool *ret_all_done, struct err *e)
{
	*ret_all_done = true;
	for (size_t i = 0; i < n; i++) {
		if (v[i].done)
			continue;
		if (v[i].in_journal) {
			int k = round_of_journal(&v[i], last, follow, &v[i].done, e);
			if (k != 0)
				return k;
			*ret_all_done &= v[i].done;
			continue;
		}
		bool ended = last || has_ended(&v[i]);
		int r = read_on(&v[i], watch, e);
		if (r == 0 && ended)
			r = log_reader_end(&v[i].reader);
		if (r != 0)
			return r;
		ended = last || (ended && !goes_on(&v[i]));
		v[i].done = ended;
		*ret_all_done &= ended;
	}
	return 0;
}

/* Milliseconds until the moment, -1 for ever. */
static int time_left(const struct logs_query *q)
{
	struct timespec now = time_now();

	if (!q->has_until)
		return -1;
	double ms = (double)(q->until.tv_sec - now.tv_sec) * 1e3 +
		    (double)(q->until.tv_nsec - now.tv_nsec) / 1e6 + 1;
	return ms < 0 ? 0 : ms > 3600e3 ? 3600000 : (int)ms;
}

/* Until a log grows, a supervisor ends, or the time is over. */
static int wait_for_more(struct logs_source *v, size_t n, int watch, struct pollfd *p,
			 const struct logs_query *q, const struct logs_sink *sink, struct err *e)
{
	char events[4096];
	int timeout = time_left(q);

	if (watch < 0 && (timeout < 0 || timeout > POLL_MS))
		timeout = POLL_MS;
	for (size_t i = 0; i < n; i++)
		if (!v[i].done && v[i].restart_until && (timeout < 0 || timeout > RESTART_POLL_MS))
			timeout = RESTART_POLL_MS;
	p[0] = (struct pollfd){.fd = watch, .events = POLLIN};
	p[1] = (struct pollfd){.fd = sink->out};
	for (size_t i = 0; i < n; i++)
		p[2 + i] = (struct pollfd){.fd = v[i].done || v[i].restart_until ? -1 : v[i].sup,
					   .events = POLLIN};
	for (size_t i = 0; i < n; i++)
		p[2 + n + i] =
			(struct pollfd){.fd = v[i].done ? -1 : v[i].journal.fd, .events = POLLIN};
	if (poll(p, 2 * n + 2, timeout) < 0 && errno != EINTR)
		return err_set(e, errno, "wait for the logs");
	if (p[1].revents & (POLLERR | POLLHUP)) {
		*e = (struct err){.code = EPIPE, .exit = 128 + 13};
		return -EPIPE;
	}
	while (watch >= 0 && read(watch, events, sizeof events) > 0)
		;
	return 0;
}

static int watch_logs(const struct logs_source *v, size_t n)
{
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	for (size_t i = 0; i < n && fd >= 0; i++)
		if (v[i].files.n && v[i].sup >= 0 && !watch_newest(&v[i], fd))
			return -1;
	return take_fd(fd);
}

static int follow(struct logs_source *v, size_t n, const struct logs_query *q,
		  const struct logs_sink *sink, struct err *e)
{
	autoclose int watch = watch_logs(v, n);
	autofree struct pollfd *p = xcalloc(2 * n + 2, sizeof *p);
	bool all_done = false;
	int r = 0;

	while (r == 0 && !all_done) {
		bool last = q->has_until && time_left(q) == 0;
		r = round_of(v, n, watch, last, true, &all_done, e);
		if (r == 0)
			r = sink->idle(sink->arg);
		if (r == 0 && !all_done)
			r = wait_for_more(v, n, watch, p, q, sink, e);
	}
	return r;
}

int logs_read(struct logs_source *v, size_t n, const struct logs_query *q,
	      const struct logs_sink *sink, struct err *e)
{
	bool all_done;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		v[i].sink = sink;
		v[i].which = i;
		r = prepare(&v[i], q, e);
	}
	if (r < 0)
		return r;
	return q->follow ? follow(v, n, q, sink, e) : round_of(v, n, -1, true, false, &all_done, e);
}
