#include <sys/utsname.h>

#include "base/base.h"
#include "cli/format.h"
#include "oci/image_spec.h"
#include "oci/platform.h"

struct version_opts {
	const char *format;
};

#define TO(kind, field) OPT_TO(kind, struct version_opts, field)
static const struct opt version_rows[] = {
	{"format", 'f', TO(OPT_STR, format), "TEMPLATE", "Print with a Go template, or json"},
	{0},
};
#undef TO

/* One side. hoy has no server of its own, but scripts ask for both, and the answer is the same. The names are those of
 * podman and docker together; a build has no date, so that the same source gives the same binary. */
static struct json *side(struct arena *a, const struct utsname *u)
{
	static const char *const fixed[][2] = {
		{"Version", HOY_VERSION},
		{"APIVersion", HOY_VERSION},
		{"ApiVersion", HOY_VERSION},
		{"DefaultAPIVersion", HOY_VERSION},
		{"MinAPIVersion", HOY_VERSION},
		{"GoVersion", "C, gcc " __VERSION__},
		{"GitCommit", ""},
		{"BuildOrigin", ""},
		{"BuiltTime", ""},
		{"BuildTime", ""},
		{"Os", "linux"},
		{"Context", "default"},
	};
	struct json *s = json_new(a, JSON_OBJ), *platform = json_new(a, JSON_OBJ);

	json_set_str(a, platform, "Name", "hoy");
	json_set(a, s, "Platform", platform);
	for (size_t i = 0; i < countof(fixed); i++)
		json_set_str(a, s, fixed[i][0], fixed[i][1]);
	json_set_int(a, s, "Built", 0);
	json_set_str(a, s, "Arch", platform_arch());
	json_set_str(a, s, "OsArch", arena_printf(a, "linux/%s", platform_arch()));
	json_set_str(a, s, "KernelVersion", u->release);
	return s;
}

static struct json *both(struct cli *c)
{
	struct json *v = json_new(&c->arena, JSON_OBJ);
	struct utsname u;

	uname(&u);
	json_set(&c->arena, v, "Client", side(&c->arena, &u));
	json_set(&c->arena, v, "Server", side(&c->arena, &u));
	return v;
}

/* docker's text: the two halves one after the other. */
static void print_docker(struct cli *c, const struct utsname *u)
{
	static const char *const sides[] = {"Client", "Server"};

	for (size_t i = 0; i < countof(sides); i++)
		out_printf(&c->out,
			   "%s%s: hoy\n Version:           " HOY_VERSION
			   "\n API version:       " HOY_VERSION
			   "\n Go version:        C, gcc " __VERSION__
			   "\n OS/Arch:           linux/%s\n Kernel version:    %s\n",
			   i ? "\n" : "", sides[i], platform_arch(), u->release);
}

static int version_run(struct cli *c, void *opts, struct err *e)
{
	struct version_opts *o = opts;
	struct utsname u;

	if (c->version) {
		out_text(&c->out, "hoy version " HOY_VERSION "\n");
		return 0;
	}
	if (!str_is_empty(o->format))
		return format_objects(c, o->format, both(c), e);
	uname(&u);
	if (c->called == CALLED_DOCKER) {
		print_docker(c, &u);
		return 0;
	}
	out_text(&c->out, "Version:       " HOY_VERSION "\n");
	out_printf(&c->out, "OS/Arch:       linux/%s\n", platform_arch());
	out_printf(&c->out, "Kernel:        %s\n", u.release);
	out_text(&c->out, "Compiler:      gcc " __VERSION__ "\n");
	return 0;
}

const struct command cmd_version = {
	.name = "version",
	.group = "System",
	.summary = "Show the version of hoy",
	.description = "Prints the version. With --format the fields are those of podman and "
		       "docker: .Client and .Server, each with .Version, "
		       ".APIVersion, .Os, .Arch, .OsArch and more. hoy has no server; both halves "
		       "say the same.",
	.examples = "hoy version\nhoy version --format '{{.Server.Version}}'\nhoy version --format "
		    "json",
	.opts = version_rows,
	.opts_size = sizeof(struct version_opts),
	.run = version_run,
	.sample = both,
};
