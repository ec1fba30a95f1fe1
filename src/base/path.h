/*
 * path.h - paths: cleaning, making and removing directories, resolving inside a root.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

/* Resolves "." and ".." and doubled slashes in text alone (no links). An absolute path never climbs above "/".
 * The caller frees the result. */
char *path_clean(const char *path);
char *path_join(const char *dir, const char *name);

/* mkdir -p below dir (a descriptor); existing directories are fine. Returns 0 or a negative errno. */
int path_mkdir_p_at(int dir, const char *path, mode_t mode);

/* Removes dir/name and everything below it, one file system only, never following links; missing is fine.
 * Directories that lack permissions are made accessible first. Goes on after a failure and returns the first one. */
int path_rm_tree_at(int dir, const char *name);

/* Opens path as if root (a descriptor) were "/": links and ".." stay inside (openat2 with RESOLVE_IN_ROOT). flags gets
 * O_CLOEXEC added. Where the kernel or a filter lacks openat2, an equivalent walk is done. Returns a descriptor or -errno. */
int path_open_in_root(int root, const char *path, int flags, mode_t mode);

/* Opens path strictly below dir: no "..", no links out, no magic links (RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS).
 * -EXDEV if it would leave. */
int path_open_beneath(int dir, const char *path, int flags, mode_t mode);

/* For tests: true makes the two functions above use their fallback. */
void path_test_no_openat2(bool on);

/* The program of this name, as the PATH has it; absolute directories only. NULL if there is none. */
char *path_find_program(const char *name);

#endif
