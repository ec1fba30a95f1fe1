#include "base/base.h"
#include "cli/health_rows.h"

#define TO(kind, field) OPT_TO(kind, struct health_opts, field)
const struct opt health_rows[] = {
	{"health-cmd", 0, TO(OPT_STR, cmd), "COMMAND",
	 "Check the container's health with this command (a shell's, or a JSON list); none: no "
	 "check"},
	{"health-interval", 0, TO(OPT_STR, interval), "TIME",
	 "Time between checks (default 30s); disable: only hoy healthcheck run checks"},
	{"health-log-destination", 0, TO(OPT_STR, log_destination), "WHERE",
	 "Results go to inspect (local, the default), to events (events_logger) or a directory",
	 .words = "local events_logger <:file>", .complete = COMPLETE_WORDS},
	{"health-max-log-count", 0, TO(OPT_STR, max_log_count), "NUMBER",
	 "So many results are kept (default 5; 0: 1000, the most)"},
	{"health-max-log-size", 0, TO(OPT_STR, max_log_size), "BYTES",
	 "So much output of each is kept (default 500; 0: 512k, the most)"},
	{"health-on-failure", 0, TO(OPT_STR, on_failure), "ACTION",
	 "When it is unhealthy: none (default), kill, restart, stop",
	 .words = "none kill restart stop", .complete = COMPLETE_WORDS},
	{"health-retries", 0, TO(OPT_STR, retries), "NUMBER",
	 "It is unhealthy after so many failures in a row (default 3)"},
	{"health-start-interval", 0, TO(OPT_STR, start_interval), "TIME",
	 "Time between checks in the start period, until one succeeds (default 5s)"},
	{"health-start-period", 0, TO(OPT_STR, start_period), "TIME",
	 "For so long failures do not count, until a check succeeds (default 0s)"},
	{"health-startup-cmd", 0, TO(OPT_STR, startup_cmd), "COMMAND",
	 "This check has to succeed before the other one begins"},
	{"health-startup-interval", 0, TO(OPT_STR, startup_interval), "TIME",
	 "Time between startup checks (default 30s)"},
	{"health-startup-retries", 0, TO(OPT_STR, startup_retries), "NUMBER",
	 "The container is restarted after so many failed startup checks (default 0: never)"},
	{"health-startup-success", 0, TO(OPT_STR, startup_success), "NUMBER",
	 "So many startup checks have to succeed (default 1)"},
	{"health-startup-timeout", 0, TO(OPT_STR, startup_timeout), "TIME",
	 "A startup check that takes longer has failed (default 30s)"},
	{"health-timeout", 0, TO(OPT_STR, timeout), "TIME",
	 "A check that takes longer has failed, and is killed (default 30s)"},
	{"no-healthcheck", 0, TO(OPT_BOOL, off), NULL,
	 "Run no health checks, whatever the image says"},
	{0},
};
#undef TO
