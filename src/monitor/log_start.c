#include "base/base.h"
#include "data/json.h"
#include "data/template.h"
#include "monitor/log_start.h"

static void add_named(const char *list, struct pairs *ret, const struct pairs *labels,
		      const struct strs *env, struct arena *a)
{
	scoped(strv) keys = {0};

	if (list)
		strv_split(&keys, list, ',');
	for (size_t i = 0; i < keys.n; i++) {
		const char *v = labels ? pairs_get(labels, keys.v[i]) : env_get(env, keys.v[i]);
		if (v)
			pairs_set(a, ret, arena_strdup(a, keys.v[i]), v);
	}
}

/* docker's fields, and podman's for what is the same. */
static struct json *tag_fields(const struct container_config *c, const char *name, struct arena *a)
{
	const char *image = c->image_id ? c->image_id : "";
	const char *hex = strchr(image, ':') ? strchr(image, ':') + 1 : image;
	struct json *j = json_new(a, JSON_OBJ);
	scoped(str) command = {0};

	for (size_t i = 0; i < c->process.args.n; i++)
		str_addf(&command, "%s%s", i ? " " : "", c->process.args.v[i]);
	json_set_str(a, j, "ID", arena_printf(a, "%.12s", c->id));
	json_set_str(a, j, "FullID", c->id);
	json_set_str(a, j, "Id", c->id);
	json_set_str(a, j, "Name", name);
	json_set_str(a, j, "ImageID", arena_printf(a, "%.12s", hex));
	json_set_str(a, j, "ImageFullID", image);
	json_set_str(a, j, "ImageName", c->image ? c->image : "");
	json_set_str(a, j, "Command", str_cstr(&command));
	json_set_str(a, j, "DaemonName", "hoy");
	return j;
}

const char *log_tag(const struct container_config *c, const char *name, const char *dflt,
		    struct arena *a, struct err *e)
{
	const char *text = pairs_get(&c->log_opts, "tag");
	scoped(str) out = {0};

	if (!text || !strstr(text, "{{"))
		return str_is_empty(text) ? dflt : text;
	struct json *fields = tag_fields(c, name, a);
	struct template *t = template_parse(a, text, e);
	int r = !t ? -EINVAL : template_check(t, fields, e);
	if (r == 0)
		r = template_run(t, fields, a, &out, e);
	return r < 0 ? NULL : arena_strdup(a, str_cstr(&out));
}

int log_fields(const struct container_config *c, const char *name, struct pairs *ret,
	       struct arena *a, struct err *e)
{
	*ret = (struct pairs){0};
	add_named(pairs_get(&c->log_opts, "labels"), ret, &c->labels, NULL, a);
	add_named(pairs_get(&c->log_opts, "env"), ret, NULL, &c->process.env, a);
	if (!pairs_get(&c->log_opts, "tag"))
		return 0;
	const char *tag = log_tag(c, name, "", a, e);
	if (tag)
		pairs_set(a, ret, "tag", tag);
	return tag ? 0 : -EINVAL;
}

/* docker's "attrs". */
static int make_attrs(const struct container_config *c, const char *name, const char **ret,
		      struct arena *a, struct err *e)
{
	struct pairs fields;
	scoped(str) text = {0};
	int r = log_fields(c, name, &fields, a, e);

	*ret = NULL;
	if (r < 0 || !fields.n)
		return r;
	str_add(&text, ",\"attrs\":");
	json_write(&text, json_new_pairs(a, &fields), 0);
	if (text.len > LOG_ATTRS_MAX) {
		err_fail(e, ERR_USAGE, "--log-opt labels, env and tag make more than %d bytes",
			 LOG_ATTRS_MAX);
		return err_hint(e, "they stand in each line of the log: name fewer of them");
	}
	*ret = arena_strdup(a, str_cstr(&text));
	return 0;
}

int log_start(struct log *l, const struct container_config *c, const char *name, int dir,
	      struct err *e)
{
	static struct arena a; /* as long as the log */
	const char *attrs = NULL, *driver = c->log_driver;
	bool json = str_eq(driver, "json-file");

	arena_free(&a);
	l->fd = -1;
	if (str_eq(driver, "none") || str_starts(driver ? driver : "", "passthrough"))
		return 0;
	if (str_eq(driver, "journald")) {
		struct pairs fields;
		const char *tag = log_tag(c, name, arena_printf(&a, "%.12s", c->id), &a, e);
		int r = tag ? log_fields(c, name, &fields, &a, e) : -EINVAL;
		const struct journal_of of = {c->id, name, c->image ? c->image : "", tag, &fields};
		return r < 0 ? r : log_open_journal(l, &of, &a, e);
	}
	int r = json ? make_attrs(c, name, &attrs, &a, e) : 0;
	if (r < 0)
		return r;
	const struct log_place place = {dir,
					c->log_path,
					c->log_max_size,
					c->log_max_files,
					json			  ? LOG_JSON
					: str_eq(driver, "local") ? LOG_LOCAL
								  : LOG_K8S,
					attrs};
	r = log_open(l, &place);
	if (r >= 0 || !c->log_path)
		return 0;
	err_set(e, r, "open the log %s", c->log_path);
	return r == -EINVAL ? err_hint(e, "it must be a regular file, or not exist yet") : r;
}
