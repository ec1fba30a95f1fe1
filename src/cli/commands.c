/*
 * All commands of hoy, in the order of the help texts. A new one is a line here, its file, and a line in meson.build.
 */
#include "cli/command.h"

#define COMMANDS(X)                                                                                \
	/* containers */                                                                           \
	X(attach)                                                                                  \
	X(autostart)                                                                               \
	X(create)                                                                                  \
	X(commit)                                                                                  \
	X(cp)                                                                                      \
	X(diff)                                                                                    \
	X(exec)                                                                                    \
	X(export)                                                                                  \
	X(healthcheck_run)                                                                         \
	X(kill)                                                                                    \
	X(mount)                                                                                   \
	X(unmount)                                                                                 \
	X(container_clone)                                                                         \
	X(container_exists)                                                                        \
	X(container_inspect)                                                                       \
	X(container_prune)                                                                         \
	X(container_diff)                                                                          \
	X(logs)                                                                                    \
	X(pause)                                                                                   \
	X(port)                                                                                    \
	X(ps)                                                                                      \
	X(rename)                                                                                  \
	X(restart)                                                                                 \
	X(rm)                                                                                      \
	X(run)                                                                                     \
	X(start)                                                                                   \
	X(stats)                                                                                   \
	X(stop)                                                                                    \
	X(top)                                                                                     \
	X(unpause)                                                                                 \
	X(update)                                                                                  \
	X(wait)                                                                                    \
	/* images */                                                                               \
	X(history)                                                                                 \
	X(import)                                                                                  \
	X(login)                                                                                   \
	X(logout)                                                                                  \
	X(pull)                                                                                    \
	X(push)                                                                                    \
	X(load)                                                                                    \
	X(save)                                                                                    \
	X(search)                                                                                  \
	X(images)                                                                                  \
	X(tag)                                                                                     \
	X(untag)                                                                                   \
	X(rmi)                                                                                     \
	X(image_inspect)                                                                           \
	X(image_exists)                                                                            \
	X(image_diff)                                                                              \
	X(image_mount)                                                                             \
	X(image_unmount)                                                                           \
	X(image_prune)                                                                             \
	X(image_tree)                                                                              \
	X(build)                                                                                   \
	X(builder_du)                                                                              \
	X(builder_prune)                                                                           \
	X(manifest_add)                                                                            \
	X(manifest_annotate)                                                                       \
	X(manifest_create)                                                                         \
	X(manifest_exists)                                                                         \
	X(manifest_inspect)                                                                        \
	X(manifest_ls)                                                                             \
	X(manifest_push)                                                                           \
	X(manifest_remove)                                                                         \
	X(manifest_rm)                                                                             \
	/* secrets */                                                                              \
	X(secret_create)                                                                           \
	X(secret_exists)                                                                           \
	X(secret_inspect)                                                                          \
	X(secret_ls)                                                                               \
	X(secret_rm)                                                                               \
	/* networks */                                                                             \
	X(network_connect)                                                                         \
	X(network_create)                                                                          \
	X(network_disconnect)                                                                      \
	X(network_exists)                                                                          \
	X(network_inspect)                                                                         \
	X(network_ls)                                                                              \
	X(network_prune)                                                                           \
	X(network_reload)                                                                          \
	X(network_rm)                                                                              \
	X(network_update)                                                                          \
	/* volumes */                                                                              \
	X(volume_create)                                                                           \
	X(volume_exists)                                                                           \
	X(volume_export)                                                                           \
	X(volume_import)                                                                           \
	X(volume_inspect)                                                                          \
	X(volume_ls)                                                                               \
	X(volume_mount)                                                                            \
	X(volume_prune)                                                                            \
	X(volume_reload)                                                                           \
	X(volume_rm)                                                                               \
	X(volume_unmount)                                                                          \
	/* OCI runtime */                                                                          \
	X(oci_create)                                                                              \
	X(oci_start)                                                                               \
	X(oci_run)                                                                                 \
	X(oci_exec)                                                                                \
	X(oci_kill)                                                                                \
	X(oci_delete)                                                                              \
	X(oci_state)                                                                               \
	X(oci_list)                                                                                \
	X(oci_ps)                                                                                  \
	X(oci_spec)                                                                                \
	X(oci_update)                                                                              \
	X(oci_pause)                                                                               \
	X(oci_resume)                                                                              \
	X(oci_events)                                                                              \
	X(oci_features)                                                                            \
	X(oci_version)                                                                             \
	/* system */                                                                               \
	X(help)                                                                                    \
	X(inspect)                                                                                 \
	X(events)                                                                                  \
	X(doctor)                                                                                  \
	X(info)                                                                                    \
	X(completion)                                                                              \
	X(system_check)                                                                            \
	X(system_df)                                                                               \
	X(system_prune)                                                                            \
	X(system_reset)                                                                            \
	X(own)                                                                                     \
	X(unshare)                                                                                 \
	X(version)                                                                                 \
	/* groups of two-word commands */                                                          \
	X(group_builder)                                                                           \
	X(group_buildx)                                                                            \
	X(group_container)                                                                         \
	X(group_healthcheck)                                                                       \
	X(group_image)                                                                             \
	X(group_manifest)                                                                          \
	X(group_oci)                                                                               \
	X(group_network)                                                                           \
	X(group_secret)                                                                            \
	X(group_volume)                                                                            \
	X(group_system)                                                                            \
	/* for the build and the shells */                                                         \
	X(complete)                                                                                \
	X(man)

#define DECLARE(name) extern const struct command cmd_##name;
COMMANDS(DECLARE)

#define LIST(name) &cmd_##name,
const struct command *const cli_commands[] = {COMMANDS(LIST) NULL};
