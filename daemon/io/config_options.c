// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line says about paths goes over the configuration, at start and at every reload.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_options.h"
#include "daemon/io/options.h"

static int set_path(char *field, const char *path, const char *option, char *ret_text, size_t size)
{
	if (!path)
		return 0;
	if (strlen(path) >= CONFIG_PATH) {
		snprintf(ret_text, size, "%s: the path is longer than %d bytes", option,
			 CONFIG_PATH - 1);
		return -EINVAL;
	}
	strcpy(field, path);
	return 0;
}

/* An ordinary user's place for sockets and state. */
static int rootless_paths(struct config *c, const struct options *o, char *ret_text, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	if (o->socket && o->state_dir)
		return 0;
	if (!dir || dir[0] != '/' || strlen(dir) > CONFIG_PATH - 32) {
		snprintf(ret_text, size,
			 "--rootless: XDG_RUNTIME_DIR is not set; set it, or give --socket and "
			 "--state-dir");
		return -EINVAL;
	}
	snprintf(c->socket, sizeof(c->socket), "%.220s/hmmd/hmmd.sock", dir);
	snprintf(c->state_dir, sizeof(c->state_dir), "%.220s/hmmd", dir);
	return 0;
}

int config_apply_options(struct config *c, const struct options *o, char *ret_text,
			 size_t text_size)
{
	int r = o->rootless ? rootless_paths(c, o, ret_text, text_size) : 0;

	if (!r)
		r = set_path(c->socket, o->socket, "--socket", ret_text, text_size);
	if (!r)
		r = set_path(c->state_dir, o->state_dir, "--state-dir", ret_text, text_size);
	if (!r && o->rootless && c->backing == BACKING_CHOICE_AUTO)
		c->backing = BACKING_CHOICE_SMALL;
	return r;
}
