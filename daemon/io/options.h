/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HMMD_IO_OPTIONS_H
#define HMMD_IO_OPTIONS_H

#include <stdbool.h>
#include "daemon/io/log.h"

/* The command line of hmmd. */
struct options {
	const char *config, *socket, *state_dir;	/* NULL: default */
	bool rootless, check_config, dry_run, give_back, version, help;
	enum log_level log_level;
};
int options_parse(struct options *ret, int argc, char **argv);	/* 0; 2: said what is wrong on stderr */

#endif
