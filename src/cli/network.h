/*
 * network.h - what the files of the network commands share.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "cli/command.h"
#include "engine/network.h"

/* What the completion offers for --filter of network ls. */
#define NETWORK_FILTERS                                                                            \
	"name=<:network> id= driver=<bridge|macvlan|ipvlan> label= label!= "                       \
	"dangling=<true|false> until= scope=<local> type=<custom|builtin>"

/* The exit code that podman and docker have for an error of a network command. */
void network_exit_code(const struct cli *c, struct err *e);

/* Says which records are left out of a list. */
void network_warn_broken(const struct cli *c, const struct networks_list *l);

#endif
