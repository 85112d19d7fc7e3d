// SPDX-License-Identifier: GPL-2.0-or-later
/* The page that hmmd shares with a client to say who may read (proto/gate.h). */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "proto/gate.h"

/* Sealed in its size: were it cut by the client, our next look would end us. */
static int file_new(void)
{
	int fd = memfd_create("hmm:gate", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, GATE_SIZE) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -EIO;
}

int gate_new(struct gate **ret, int *ret_fd)
{
	int fd = file_new();
	void *at;

	if (fd < 0)
		return fd;
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
