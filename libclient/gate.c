// SPDX-License-Identifier: LGPL-2.1-or-later
/* The gate of the connection (proto/gate.h), as the library has it. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "libclient/gate.h"

int gate_map(int fd, struct gate **ret)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < GATE_SIZE)
		return -EPROTO;
	at = mmap(NULL, GATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret = at;
	return 0;
}

void gate_unmap(struct gate *g)
{
	if (g)
		munmap(g, GATE_SIZE);
}
