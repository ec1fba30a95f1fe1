/* All commands of hoy. A new one is a line here, its file, and a line in meson.build. */
#include "cli/command.h"

#define COMMANDS(X)                                                                                \
	X(help)                                                                                    \
	X(version)

#define DECLARE(name) extern const struct command cmd_##name;
COMMANDS(DECLARE)

#define LIST(name) &cmd_##name,
const struct command *const cli_commands[] = {COMMANDS(LIST) NULL};
