#include <ctype.h>
#include <signal.h>

#include "base/base.h"
#include "base/parse.h"

int parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
			return -ERANGE;
	}
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	uint64_t u;
	bool neg = *s == '-';
	int r = parse_u64(s + neg, neg ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX, &u);

	if (r < 0)
		return r;
	int64_t v = neg ? (int64_t)(0 - u) : (int64_t)u;
	if (v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

/* Digits with an optional fraction at *s; moves *s behind them. */
static int decimal(const char **s, double *ret)
{
	const char *p = *s;
	double v = 0, scale = 1;
	int digits = 0;

	for (; isdigit((unsigned char)*p); p++, digits++)
		v = v * 10 + (*p - '0');
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, digits++) {
			scale /= 10;
			v += (*p - '0') * scale;
		}
	if (!digits || digits > 19)
		return digits ? -ERANGE : -EINVAL;
	*s = p;
	*ret = v;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	static const char units[] = "kmgtp";
	double v, factor = 1;
	int r = decimal(&s, &v);

	if (r < 0)
		return r;
	const char *u = *s ? strchr(units, tolower((unsigned char)*s)) : NULL;
	if (u) {
		for (const char *p = units; p <= u; p++)
			factor *= 1024;
		s++;
		if (tolower((unsigned char)*s) == 'i' && tolower((unsigned char)s[1]) == 'b')
			s++;
	}
	if (tolower((unsigned char)*s) == 'b')
		s++;
	if (*s)
		return -EINVAL;
	if (v * factor >= 9.2e18)
		return -ERANGE;
	*ret = (uint64_t)(v * factor);
	return 0;
}

int parse_duration(const char *s, int64_t *ret)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	double total = 0;
	bool neg = *s == '-';

	s += neg || *s == '+';
	if (!strcmp(s, "0")) {
		*ret = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		double v;
		int r = decimal(&s, &v);
		if (r < 0)
			return r;
		size_t n = strspn(s, "nmush"), i = 0;
		while (i < countof(units) &&
		       !(strlen(units[i].unit) == n && !strncmp(units[i].unit, s, n)))
			i++;
		if (i == countof(units))
			return -EINVAL;
		total += v * units[i].ns;
		s += n;
	}
	if (total >= 9.2e18)
		return -ERANGE;
	*ret = (int64_t)(neg ? -total : total);
	return 0;
}

int parse_signal(const char *s, int *ret)
{
	uint64_t n;

	if (isdigit((unsigned char)*s)) {
		int r = parse_u64(s, 64, &n);
		if (r == 0)
			*ret = (int)n;
		return r == 0 && !n ? -ERANGE : r;
	}
	if (!strncasecmp(s, "SIG", 3))
		s += 3;
	for (int i = 1; i < 32; i++) {
		const char *name = sigabbrev_np(i);
		if (name && !strcasecmp(name, s)) {
			*ret = i;
			return 0;
		}
	}
	bool max = !strncasecmp(s, "RTMAX", 5);
	if (!max && strncasecmp(s, "RTMIN", 5))
		return -EINVAL;
	int64_t off = 0;
	s += 5;
	if (*s && (*s != (max ? '-' : '+') || parse_i64(s + 1, 0, 30, &off) < 0))
		return -EINVAL;
	*ret = max ? 64 - (int)off : 34 + (int)off;
	return 0;
}

const char *signal_name(int sig)
{
	static char buf[20];

	if (sig >= 34 && sig <= 64)
		snprintf(buf, sizeof buf, sig == 34 ? "SIGRTMIN" : "SIGRTMIN+%d", sig - 34);
	else if (sig > 0 && sig < 32 && sigabbrev_np(sig))
		snprintf(buf, sizeof buf, "SIG%s", sigabbrev_np(sig));
	else
		return NULL;
	return buf;
}

struct timespec time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts;
}

/* Days since 1970 to a date of the proleptic Gregorian calendar: years are counted from March, so that the leap day is the last one.
 * gmtime_r(3) would read the machine's time zone first. */
static void civil(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

char *time_rfc3339(char *buf, size_t size, struct timespec t)
{
	int64_t days = t.tv_sec / 86400, rest = t.tv_sec % 86400;
	int y, m, d;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	civil(days, &y, &m, &d);
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", y, m, d, (int)(rest / 3600),
		 (int)(rest / 60 % 60), (int)(rest % 60), t.tv_nsec);
	return buf;
}

static int digits(const char **s, int count, int *ret)
{
	*ret = 0;
	for (; count; count--, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return -EINVAL;
		*ret = *ret * 10 + (**s - '0');
	}
	return 0;
}

static int offset(const char **s, long *ret_seconds)
{
	int h, m, sign = **s == '-' ? -1 : 1;

	*ret_seconds = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -EINVAL;
	(*s)++;
	if (digits(s, 2, &h) < 0 || *(*s)++ != ':' || digits(s, 2, &m) < 0 || h > 23 || m > 59)
		return -EINVAL;
	*ret_seconds = sign * (h * 3600L + m * 60L);
	return 0;
}

/* ".25" at *s, if there is a fraction, in nanoseconds. */
static int fraction(const char **s, long *ret)
{
	*ret = 0;
	if (**s != '.')
		return 0;
	(*s)++;
	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	for (long scale = 100000000; isdigit((unsigned char)**s); (*s)++, scale /= 10)
		*ret += (**s - '0') * scale;
	return 0;
}

static int read_date(const char **s, struct tm *tm)
{
	if (digits(s, 4, &tm->tm_year) < 0 || *(*s)++ != '-' || digits(s, 2, &tm->tm_mon) < 0 ||
	    *(*s)++ != '-')
		return -EINVAL;
	return digits(s, 2, &tm->tm_mday);
}

/* Checks what was read and turns it into what struct tm counts from. */
static int to_tm(struct tm *tm)
{
	if (tm->tm_mon < 1 || tm->tm_mon > 12 || tm->tm_mday < 1 || tm->tm_mday > 31 ||
	    tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
		return -ERANGE;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return 0;
}

int parse_rfc3339(const char *s, struct timespec *ret)
{
	struct tm tm = {0};
	long ns, off;

	if (read_date(&s, &tm) < 0 || (*s != 'T' && *s != 't' && *s != ' '))
		return -EINVAL;
	s++;
	if (digits(&s, 2, &tm.tm_hour) < 0 || *s++ != ':' || digits(&s, 2, &tm.tm_min) < 0 ||
	    *s++ != ':' || digits(&s, 2, &tm.tm_sec) < 0)
		return -EINVAL;
	if (fraction(&s, &ns) < 0 || offset(&s, &off) < 0 || *s)
		return -EINVAL;
	if (to_tm(&tm) < 0)
		return -ERANGE;
	*ret = (struct timespec){timegm(&tm) - off, ns};
	return 0;
}

static int parse_local(const char *s, struct timespec *ret)
{
	struct tm tm = {.tm_isdst = -1};
	long ns = 0;

	if (read_date(&s, &tm) < 0)
		return -EINVAL;
	if (*s) {
		if (*s != 'T' && *s != ' ')
			return -EINVAL;
		s++;
		if (digits(&s, 2, &tm.tm_hour) < 0 || *s++ != ':' || digits(&s, 2, &tm.tm_min) < 0)
			return -EINVAL;
	}
	if (*s == ':') {
		s++;
		if (digits(&s, 2, &tm.tm_sec) < 0 || fraction(&s, &ns) < 0)
			return -EINVAL;
	}
	if (*s)
		return -EINVAL;
	if (to_tm(&tm) < 0)
		return -ERANGE;
	*ret = (struct timespec){mktime(&tm), ns};
	return 0;
}

static int parse_unix(const char *s, struct timespec *ret)
{
	char whole[20];
	size_t n = strspn(s, "0123456789");
	uint64_t seconds;
	long ns;

	if (!n || n >= sizeof whole)
		return -EINVAL;
	memcpy(whole, s, n);
	whole[n] = 0;
	s += n;
	if (fraction(&s, &ns) < 0 || *s)
		return -EINVAL;
	int r = parse_u64(whole, INT64_MAX / 2, &seconds);
	*ret = (struct timespec){(time_t)seconds, ns};
	return r;
}

int parse_moment(const char *s, struct timespec *ret)
{
	int64_t ns;

	if (parse_rfc3339(s, ret) == 0 || parse_local(s, ret) == 0 || parse_unix(s, ret) == 0)
		return 0;
	int r = parse_duration(s, &ns);
	if (r < 0)
		return r;
	struct timespec now = time_now();
	ret->tv_sec = now.tv_sec - ns / 1000000000;
	ret->tv_nsec = now.tv_nsec - ns % 1000000000;
	if (ret->tv_nsec < 0) {
		ret->tv_nsec += 1000000000;
		ret->tv_sec--;
	} else if (ret->tv_nsec >= 1000000000) {
		ret->tv_nsec -= 1000000000;
		ret->tv_sec++;
	}
	return 0;
}

void time_human(struct str *out, int64_t s)
{
	int64_t m = s / 60, h = (s + 1800) / 3600;

	if (s < 1)
		str_add(out, "Less than a second");
	else if (s == 1)
		str_add(out, "1 second");
	else if (s < 60)
		str_addf(out, "%" PRId64 " seconds", s);
	else if (m == 1)
		str_add(out, "About a minute");
	else if (m < 60)
		str_addf(out, "%" PRId64 " minutes", m);
	else if (h == 1)
		str_add(out, "About an hour");
	else if (h < 48)
		str_addf(out, "%" PRId64 " hours", h);
	else if (h < 24 * 7 * 2)
		str_addf(out, "%" PRId64 " days", h / 24);
	else if (h < 24 * 30 * 2)
		str_addf(out, "%" PRId64 " weeks", h / 24 / 7);
	else if (h < 24 * 365 * 2)
		str_addf(out, "%" PRId64 " months", h / 24 / 30);
	else
		str_addf(out, "%" PRId64 " years", h / 24 / 365);
}

void time_duration(struct str *out, int64_t ns)
{
	bool minus = ns < 0;
	uint64_t u = minus ? 0 - (uint64_t)ns : (uint64_t)ns, s = u / 1000000000;

	if (minus)
		str_addc(out, '-');
	if (!u)
		str_add(out, "0s");
	else if (u < 1000)
		str_addf(out, "%" PRIu64 "ns", u);
	else if (u < 1000000)
		str_addf(out, "%.10gus", (double)u / 1e3);
	else if (u < 1000000000)
		str_addf(out, "%.10gms", (double)u / 1e6);
	else if (s < 60)
		str_addf(out, "%.11gs", (double)u / 1e9);
	else if (s < 3600)
		str_addf(out, "%" PRIu64 "m%.11gs", s / 60, (double)(u % 60000000000) / 1e9);
	else
		str_addf(out, "%" PRIu64 "h%" PRIu64 "m%.11gs", s / 3600, s / 60 % 60,
			 (double)(u % 60000000000) / 1e9);
}

void size_human(struct str *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i + 1 < countof(units)) {
		v /= 1000;
		i++;
	}
	str_addf(out, "%.4g%s", v, units[i]);
}
