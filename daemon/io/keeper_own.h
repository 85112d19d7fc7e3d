/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper's socket and its packets, for keeper*.c alone. One packet, one file with its name; both ends are of the
 * same user, and of the same build unless hmmd was upgraded, so the version is in every packet.
 */
#ifndef HMMD_IO_KEEPER_OWN_H
#define HMMD_IO_KEEPER_OWN_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/io/keeper.h"

enum { KEEPER_VERSION = 1 };
#define KEEPER_SOCKET "keeper"	/* in the state directory */

enum keeper_verb {
	KEEPER_FILE = 1,	/* either way: this file has this name */
	KEEPER_ALL = 2,		/* from the keeper: these were all */
	KEEPER_FORGET = 3,	/* from the daemon: let all go */
	KEEPER_DROP = 4		/* from the daemon: let the one of this name go */
};

struct keeper_packet {
	uint32_t version, verb;
	char name[KEEPER_NAME];
};

/* The directory is open as dir: a path of any length is short that way. */
void keeper_address(int dir, struct sockaddr_un *ret);
/* The keeper's life: never returns. */
_Noreturn void keeper_serve(const char *state_dir, int listener, int daemon);

#endif
