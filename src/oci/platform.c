#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/base.h"
#include "base/parse.h"
#include "oci/platform.h"

const char *platform_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__arm__)
	return "arm";
#elif defined(__riscv) && __riscv_xlen == 64
	return "riscv64";
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "ppc64le";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__loongarch64)
	return "loong64";
#elif defined(__i386__)
	return "386";
#else
#error "this architecture has no GOARCH name here yet"
#endif
}

const char *platform_variant(void)
{
#if defined(__aarch64__)
	return "v8";
#elif defined(__arm__)
	return "v7";
#else
	return "";
#endif
}

/* The level of x86-64 that this processor has (System V ABI, "Micro-Architecture Levels"), 1 to 4. */
static int amd64_level(void)
{
#if defined(__x86_64__)
	enum { SSSE3 = 1 << 9, FMA = 1 << 12, SSE42 = 1 << 20, POPCNT = 1 << 23, AVX = 1 << 28 };
	enum { BMI1 = 1 << 3, AVX2 = 1 << 5, BMI2 = 1 << 8 };
	const unsigned v4 =
		1U << 16 | 1U << 17 | 1U << 28 | 1U << 30 | 1U << 31; /* AVX512 F DQ CD BW VL */
	unsigned a, b, c, d, b7 = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) ||
	    (c & (SSSE3 | SSE42 | POPCNT)) != (SSSE3 | SSE42 | POPCNT))
		return 1;
	if (!__get_cpuid_count(7, 0, &a, &b7, &d, &d) || (c & (FMA | AVX)) != (FMA | AVX) ||
	    (b7 & (BMI1 | AVX2 | BMI2)) != (BMI1 | AVX2 | BMI2))
		return 2;
	return (b7 & v4) == v4 ? 4 : 3;
#else
	return 1;
#endif
}

static const struct {
	const char *from, *to;
} arch_names[] = {
	{"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"},
	{"armhf", "arm"},    {"armel", "arm"},	  {"armv7l", "arm"},
	{"i386", "386"},     {"i686", "386"},	  {"loongarch64", "loong64"},
};

const char *platform_arch_name(const char *arch)
{
	for (size_t i = 0; i < countof(arch_names); i++)
		if (!strcasecmp(arch, arch_names[i].from))
			return arch_names[i].to;
	return arch;
}

static bool is_word(const char *s)
{
	return *s && strlen(s) <= 32 &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

static bool is_system(const char *s)
{
	static const char *const names[] = {"linux", "windows", "darwin", "freebsd"};

	for (size_t i = 0; i < countof(names); i++)
		if (!strcmp(s, names[i]))
			return true;
	return false;
}

int platform_parse(struct arena *a, const char *text, struct platform_want *ret, struct err *e)
{
	scoped(strv) parts = {0};
	bool good = true;

	strv_split(&parts, text, '/');
	for (size_t i = 0; i < parts.n; i++)
		good = good && is_word(parts.v[i]);
	if (!good || parts.n > 3) {
		err_fail(e, ERR_USAGE, "\"%.80s\" is not a platform", text);
		return err_hint(e, "as in linux/amd64 or linux/arm/v7");
	}
	/* One word is an operating system, or an architecture of it. */
	bool os = parts.n > 1 || is_system(parts.v[0]);
	*ret = (struct platform_want){.os = os ? arena_strdup(a, parts.v[0]) : "linux"};
	if (parts.n > 1 || !os)
		ret->arch = arena_strdup(a, platform_arch_name(parts.v[os]));
	if (parts.n > 2)
		ret->variant = arena_strdup(a, parts.v[2]);
	return 0;
}

int platform_parse_flags(struct arena *a, const char *platform, const char *os, const char *arch,
			 const char *variant, struct platform_want *ret, struct err *e)
{
	bool parts = !str_is_empty(os) || !str_is_empty(arch) || !str_is_empty(variant);

	*ret = (struct platform_want){0};
	if (!str_is_empty(platform)) {
		if (!parts)
			return platform_parse(a, platform, ret, e);
		err_fail(e, ERR_USAGE, "--platform says the same as --arch, --os and --variant");
		return err_hint(e, "give one of the two");
	}
	if (!str_is_empty(os))
		ret->os = os;
	if (!str_is_empty(arch))
		ret->arch = platform_arch_name(arch);
	if (!str_is_empty(variant))
		ret->variant = variant;
	return 0;
}

/* What stands for a variant where documents leave it out or write its other name: "" is v1 of amd64 and v8 of arm64. */
static int level(const char *arch, const char *variant)
{
	uint64_t n;

	if (str_is_empty(variant))
		return !strcmp(arch, "arm64") ? 8 : !strcmp(arch, "amd64") ? 1 : 0;
	return variant[0] == 'v' && parse_u64(variant + 1, 99, &n) == 0 ? (int)n : -1;
}

/* How well an entry fits, the higher the better; -1: not at all. What has no levels must be the same word. */
static int fit(const struct oci_platform *p, const char *os, const char *arch, const char *variant,
	       bool wished)
{
	if (!p || !str_eq(p->os, os) || !p->architecture ||
	    strcmp(platform_arch_name(p->architecture), arch))
		return -1;
	int is = level(arch, p->variant), want = level(arch, variant);
	if (is < 0 || want < 0)
		return str_eq(p->variant, variant) ? 100 : wished ? -1 : 0;
	if (!wished && !strcmp(arch, "amd64"))
		/* the plain build is what everybody means; a build for this processor alone is better than none */
		return is <= 1 ? 100 : is <= amd64_level() ? is : -1;
	return is <= want ? is : -1;
}

static int none(const struct oci_index *ix, const char *what, const char *os, const char *arch,
		const char *variant, struct err *e)
{
	const struct oci_descriptor *d = ix->manifests.v;
	scoped(str) have = {0};

	for (size_t i = 0; i < ix->manifests.n && have.len < 200; i++) {
		const struct oci_platform *p = d[i].platform;
		if (p && p->os && strcmp(p->os, "unknown") != 0)
			str_addf(&have, "%s%.20s/%.20s%s%.10s", have.len ? ", " : "", p->os,
				 p->architecture ? p->architecture : "?",
				 str_is_empty(p->variant) ? "" : "/", p->variant ? p->variant : "");
	}
	err_fail_code(e, ERR_PLATFORM, ENOENT, "%s: no image for %s/%s%s%s is in it", what, os,
		      arch, str_is_empty(variant) ? "" : "/", variant ? variant : "");
	err_hint(e, "it has: %s", have.len ? str_cstr(&have) : "nothing with a platform");
	return -ENOENT;
}

const struct oci_descriptor *platform_choose(const struct oci_index *ix,
					     const struct platform_want *w, const char *what,
					     struct err *e)
{
	const struct oci_descriptor *d = ix->manifests.v, *best = NULL;
	const char *os = w->os ? w->os : "linux", *arch = w->arch ? w->arch : platform_arch();
	const char *variant = w->variant;
	int most = -1;

	if (!variant)
		variant = !strcmp(arch, platform_arch()) ? platform_variant()
			  : !strcmp(arch, "arm")	 ? "v7"
							 : "";
	for (size_t i = 0; i < ix->manifests.n; i++) {
		int f = fit(d[i].platform, os, arch, variant, w->variant != NULL);
		if (f > most) {
			most = f;
			best = &d[i];
		}
	}
	if (!best && ix->manifests.n == 1 && !d[0].platform)
		best = &d[0];
	if (!best)
		none(ix, what, os, arch, w->variant, e);
	return best;
}

bool platform_fits(const struct image_doc *doc, const struct platform_want *w)
{
	const struct oci_platform p = {
		.os = doc->os, .architecture = doc->architecture, .variant = doc->variant};
	const char *os = w->os ? w->os : doc->os;
	const char *arch = w->arch ? w->arch : doc->architecture;

	if (!platform_wanted(w) || str_is_empty(doc->os) || str_is_empty(doc->architecture))
		return true;
	return fit(&p, os, platform_arch_name(arch), w->variant ? w->variant : doc->variant,
		   w->variant && !str_is_empty(doc->variant)) >= 0;
}

const char *platform_text(struct arena *a, const struct image_doc *doc)
{
	const char *variant = doc->variant ? doc->variant : "";

	return arena_printf(a, "%.40s/%.40s%s%.40s", str_is_empty(doc->os) ? "linux" : doc->os,
			    str_is_empty(doc->architecture) ? platform_arch() : doc->architecture,
			    *variant ? "/" : "", variant);
}

bool platform_is_ours(const struct image_doc *doc)
{
	return (str_is_empty(doc->os) || !strcmp(doc->os, "linux")) &&
	       (str_is_empty(doc->architecture) ||
		!strcmp(platform_arch_name(doc->architecture), platform_arch()));
}
