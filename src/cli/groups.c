/* The groups: first words of two-word commands. They have no function of their own. */
#include "cli/command.h"
#include "cli/oci.h"

const struct command cmd_group_builder = {
	.name = "builder",
	.group = "Groups",
	.summary = "Commands that work on the build cache",
	.description = "docker's words; there is one builder, which is hoy itself.",
};

const struct command cmd_group_buildx = {
	.name = "buildx",
	.group = "Groups",
	.summary = "The same, under another of docker's names",
	.description = "hoy buildx build is hoy build.",
};

const struct command cmd_group_container = {
	.name = "container",
	.group = "Groups",
	.summary = "Commands that work on containers",
	.description = "Each of these is also a command of its own: hoy container run is hoy run.",
};

const struct command cmd_group_healthcheck = {
	.name = "healthcheck",
	.group = "Groups",
	.summary = "Check the health of containers",
	.description =
		"The checks themselves are given with hoy run --health-cmd, or by the image; each "
		"container's supervisor runs them.",
};

const struct command cmd_group_image = {
	.name = "image",
	.group = "Groups",
	.summary = "Commands that work on images",
	.description =
		"Those that docker and podman also have as a single word exist as such here, too: "
		"hoy image ls is hoy images.",
};

const struct command cmd_group_manifest = {
	.name = "manifest",
	.group = "Groups",
	.summary = "Put together and push manifest lists",
	.description =
		"A manifest list (OCI calls it an index) is one name for images of several "
		"platforms. A list is made here, gets its members, and is pushed as a whole. Lists "
		"are "
		"kept apart from images: `hoy images` does not show them, `hoy manifest ls` does.",
};

const struct command cmd_group_oci = {
	.name = "oci",
	.group = "Groups",
	.summary = "Run bundles for another engine, in place of runc or crun",
	.description = "The command line of runc, for engines that make containers by the OCI "
		       "runtime specification: podman "
		       "--runtime, containerd, dockerd. Called by the name runc, crun or hoy-oci, "
		       "hoy takes these verbs "
		       "without the word oci.\n"
		       "\n"
		       "Such containers have nothing to do with hoy's store: the engine above owns "
		       "their files, and watches "
		       "over their processes. The state of each is a directory below --root "
		       "(/run/hoy-oci; for others than root "
		       "$XDG_RUNTIME_DIR/hoy-oci), which a reboot may take away.\n"
		       "\n"
		       "The flags of this page stand between oci and the verb.",
	.opts = oci_global_rows,
	.opts_size = sizeof(struct oci_place),
};

const struct command cmd_group_system = {
	.name = "system",
	.group = "Groups",
	.summary = "Commands that work on hoy as a whole",
	.description = "What hoy found on this machine, and the state of its store.",
};
