// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a descriptor of a stranger is, found out without asking the file itself: fstat(2) of a file on FUSE
 * waits for its server, which is the stranger. The name that the kernel gives to what has no path does not
 * begin with a slash, so no path can imitate it; seals are had by files in memory alone and looking for them
 * only compares; a node is looked at last, with what the kernel knows already.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/vet.h"

void vet_node_of(int fd, struct vet_node *ret)
{
	struct stat st;

	*ret = (struct vet_node){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	*ret = (struct vet_node){ .type = st.st_mode & S_IFMT, .major = major(st.st_rdev), .minor = minor(st.st_rdev) };
}

static bool is_node(int fd, const struct vet_node *node)
{
	struct statx s;

	if (!node->type || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &s) < 0)
		return false;
	return (s.stx_mode & S_IFMT) == node->type && s.stx_rdev_major == node->major && s.stx_rdev_minor == node->minor;
}

bool vet_known(int fd, const struct vet_node *node)
{
	int flags = fcntl(fd, F_GETFL), uffd;

	if (flags < 0 || flags & O_PATH)
		return false;
	uffd = uffd_check(fd);
	return uffd == 0 || uffd == UFFD_E_BLOCKING || fcntl(fd, F_GET_SEALS) >= 0 || is_node(fd, node);
}
