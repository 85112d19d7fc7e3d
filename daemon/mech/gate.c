// SPDX-License-Identifier: GPL-2.0-or-later
/* The page that hmmd shares with a client to say who may read (proto/gate.h). */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/mech/backing.h"
#include "daemon/mech/doors.h"
#include "proto/gate.h"

/* Sealed in its size, as all files that a client gets: were it cut, our next look would end us. */
int gate_new(struct gate **ret, int *ret_fd)
{
	int fd, r = backing_memfd("gate", GATE_SIZE, 0, &fd);
	void *at;

	if (r)
		return r;
	at = mmap(NULL, GATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	*ret = at;
	*ret_fd = fd;
	return 0;
}

struct gate *gate_free(struct gate *g)
{
	if (g)
		munmap(g, GATE_SIZE);
	return NULL;
}
