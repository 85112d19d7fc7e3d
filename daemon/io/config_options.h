/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's part of the configuration. */
#ifndef HMMD_IO_CONFIG_OPTIONS_H
#define HMMD_IO_CONFIG_OPTIONS_H

#include <stddef.h>
#include "daemon/core/config.h"

struct options;

/* 0, or -EINVAL with a text. */
int config_apply_options(struct config *c, const struct options *o, char *ret_text, size_t text_size);

#endif
