// SPDX-License-Identifier: LGPL-2.1-or-later
/* The options of a client: which socket, which name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "proto/text.h"

#define DEFAULT_SOCKET "/run/hmmd/hmmd.sock"
#define OWN_SOCKET "/hmmd/hmmd.sock"	/* below $XDG_RUNTIME_DIR: of hmmd --rootless */
#define DEFAULT_RECONNECT_US (30 * USEC_PER_SEC)

/* The program's name may have any bytes; a listing shows what can be shown. */
static void set_name(struct hmm_client *c, const char *name)
{
	size_t at = 0, n;

	for (; *name; name += n ? n : 1) {
		n = text_character(name);
		if (at + (n ? n : 1) > HMM_LIMIT_NAME)
			break;
		memcpy(c->name + at, n ? name : "?", n ? n : 1);
		at += n ? n : 1;
	}
	c->name[at] = '\0';
}

static int set_path(struct hmm_client *c, const char *path)
{
	if (strlen(path) >= sizeof(c->address.sun_path))
		return -EINVAL;
	c->address.sun_family = AF_UNIX;
	strcpy(c->address.sun_path, path);
	return 0;
}

/* That of another user's daemon is not: su(1) may keep the other's $XDG_RUNTIME_DIR. */
static bool is_own_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid();
}

/* Of a daemon of the user's own, where the machine has none. */
static bool set_own_path(struct hmm_client *c)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");
	char path[sizeof(c->address.sun_path)];
	int n = snprintf(path, sizeof(path), "%s" OWN_SOCKET, dir ? dir : "");

	return dir && dir[0] == '/' && n > 0 && (size_t)n < sizeof(path) && is_own_socket(path) &&
	       set_path(c, path) == 0;
}

static int choose_path(struct hmm_client *c, const char *path)
{
	if (!path)
		path = secure_getenv("HMMD_SOCKET");
	if (path && path[0])
		return set_path(c, path);
	c->looked_around = access(DEFAULT_SOCKET, F_OK) < 0;
	c->own_only = c->looked_around && set_own_path(c);
	return c->own_only ? 0 : set_path(c, DEFAULT_SOCKET);
}

int client_configure(struct hmm_client *c, const struct hmm_client_options *opts)
{
	const uint32_t known = HMM_CLIENT_NO_HELPER | HMM_CLIENT_CONTROL | HMM_CLIENT_KEEP_WAITING;
	struct hmm_client_options o = { 0 };

	if (opts && struct_read(&o, sizeof(o), opts) < 0)
		return -EINVAL;
	if (o.flags & ~known || o.reserved || (o.socket_path && !o.socket_path[0]))
		return -EINVAL;
	if (o.name && strnlen(o.name, HMM_LIMIT_NAME + 1) > HMM_LIMIT_NAME)
		return -EINVAL;
	c->flags = o.flags;
	c->reconnect_timeout_us =
		o.reconnect_timeout_us ? o.reconnect_timeout_us : DEFAULT_RECONNECT_US;
	set_name(c, o.name ? o.name : program_invocation_short_name);
	return choose_path(c, o.socket_path);
}
