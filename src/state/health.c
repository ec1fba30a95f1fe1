#include "base/base.h"
#include "state/health.h"

#define AT(type, field) offsetof(struct type, field)
static const struct bind_field result_fields[] = {
	{"Start", BIND_STR, AT(health_result, start)},
	{"End", BIND_STR, AT(health_result, end)},
	{"ExitCode", BIND_INT, AT(health_result, exit_code), .flags = BIND_ALWAYS},
	{"Output", BIND_STR, AT(health_result, output)},
	{0},
};

static const struct bind_field report_fields[] = {
	{"Status", BIND_STR, AT(health_report, status), .flags = BIND_REQUIRED},
	{"FailingStreak", BIND_INT, AT(health_report, failing_streak), .flags = BIND_ALWAYS},
	{"Log", BIND_LIST, AT(health_report, log), result_fields, sizeof(struct health_result)},
	{0},
};
#undef AT

void health_read(int dir, const char *name, struct health_report *ret, struct arena *a)
{
	scoped(str) text = {0};
	struct json *j = NULL;

	*ret = (struct health_report){0};
	if (fd_read_file_at(dir, name, &text, HEALTH_FILE_MAX) == 0)
		j = json_parse(a, str_cstr(&text), text.len, name, NULL, NULL);
	if (!j || bind_read(report_fields, ret, j, name, a, NULL) < 0)
		*ret = (struct health_report){.status = "starting"};
}

int health_write(int dir, const char *name, const struct health_report *r)
{
	struct arena a = {0};
	scoped(str) text = {0};

	json_write(&text, bind_write(report_fields, r, &a), 0);
	arena_free(&a);
	str_addc(&text, '\n');
	return fd_replace_soon_at(dir, name, text.s, text.len, 0600);
}
