/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection that ends though its program lives. */
#ifndef HMMD_TESTS_SUPPORT_CUT_H
#define HMMD_TESTS_SUPPORT_CUT_H

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/house.h"

enum { CUT_FDS = 256 };

/* Every connection of this process to the house, from below the library. */
static inline unsigned int cut(const struct house *h)
{
	struct sockaddr_un peer;
	unsigned int n = 0;
	socklen_t size;

	for (int fd = 3; fd < CUT_FDS; fd++) {
		size = sizeof(peer);
		memset(&peer, 0, sizeof(peer));
		if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sun_family == AF_UNIX &&
		    strcmp(peer.sun_path, h->socket) == 0)
			n += shutdown(fd, SHUT_RDWR) == 0;
	}
	return n;
}

#endif
