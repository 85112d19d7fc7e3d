// SPDX-License-Identifier: GPL-2.0-or-later
/* By the system calls: what insmod and rmmod would add to them are waits and words. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/driver/module.h"
#include "tests/driver/space.h"
#include "tests/driver/tap.h"

int module_unload(void)
{
	return syscall(SYS_delete_module, "hmmdev", O_NONBLOCK) ? -errno : 0;
}

void module_load(void)
{
	const char *path = getenv("HMM_MODULE"), *args = getenv("HMM_MODULE_ARGS");
	int fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);

	expect(fd >= 0);
	expect_is(syscall(SYS_finit_module, fd, args ? args : "", 0), 0);
	close(fd);
}

void module_reload(int times)
{
	for (int i = 0; i < times; i++) {
		expect(soon(!module_unload()));
		expect_is(access(HMMDEV_PATH, F_OK), -1);
		module_load();
		expect(soon(!access(HMMDEV_PATH, F_OK)));
		close(space_open());
	}
}
