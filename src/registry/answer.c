#include "base/base.h"

#include "data/json.h"
#include "registry/answer.h"

bool answer_is_html(const char *type, const char *body, size_t n)
{
	size_t at = 0;

	if (!strcmp(type, "text/html") || !strcmp(type, "application/xhtml+xml"))
		return true;
	while (at < n && strchr(" \t\r\n", body[at]) && body[at])
		at++;
	return n - at > 5 &&
	       (!strncasecmp(body + at, "<!doc", 5) || !strncasecmp(body + at, "<html", 5));
}

static const char *first_of(const struct json *j, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!str_is_empty(json_str(j, keys[i])))
			return json_str(j, keys[i]);
	return NULL;
}

const char *answer_reason(const char *body, size_t n, char buf[static ANSWER_REASON])
{
	static const struct json_limits limits = {
		.max_bytes = 64 << 10, .max_depth = 16, .max_nodes = 4096};
	static const char *const says[] = {"message", "error_description", "details", "detail"};
	static const char *const codes[] = {"code", "error"};
	scoped(arena) a = {0};
	struct err ignored;
	const struct json *j = n ? json_parse(&a, body, n, "answer", &limits, &ignored) : NULL;
	const struct json *errors = json_get(j, "errors");

	buf[0] = 0;
	if (errors && errors->type == JSON_ARR && errors->arr.n)
		j = errors->arr.v[0];
	const char *text = first_of(j, says, countof(says)),
		   *code = first_of(j, codes, countof(codes));
	if (text && code)
		snprintf(buf, ANSWER_REASON, "%.190s (%.40s)", text, code);
	else if (text || code)
		snprintf(buf, ANSWER_REASON, "%.200s", text ?: code);
	return buf;
}
