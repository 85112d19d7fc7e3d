// SPDX-License-Identifier: GPL-2.0-or-later
/* A tmpfs that gives huge pages from the first byte. Readable by nobody but us, and found again after a crash. */
#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/mech/doors.h"

/* size=0: no limit of its own, the daemon's quotas decide. */
static const char options[] = "huge=always,mode=0700,size=0";

/* Left by a daemon that was killed, or mounted by the service manager. */
static bool is_mounted(const char *dir)
{
	char up[4096];
	struct stat here, above;
	struct statfs fs;
	int n = snprintf(up, sizeof(up), "%s/..", dir);

	if (n < 0 || (size_t)n >= sizeof(up) || stat(dir, &here) < 0 || stat(up, &above) < 0)
		return false;
	return here.st_dev != above.st_dev && statfs(dir, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

int thpmount_make(const char *dir)
{
	int r;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (is_mounted(dir))
		return 0;
	if (mount("hmmd", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) == 0)
		return 0;
	r = -errno;
	rmdir(dir);
	return r;
}

/* Files that clients still have mapped live on until they are closed. */
void thpmount_remove(const char *dir)
{
	if (is_mounted(dir))
		(void)umount2(dir, MNT_DETACH);
	(void)rmdir(dir);
}
