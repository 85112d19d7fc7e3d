// SPDX-License-Identifier: GPL-2.0-or-later
/* Is the process on record still that process? A pid is used again; a pid with its start time is not. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/io/resume_own.h"

enum { STAT_FIELDS_TO_START = 19 /* from the state, which follows the name, to the start time: proc(5) */ };

/* 0 when it cannot be told. The name may hold anything, so counting begins at the last parenthesis. */
static uint64_t start_of(int32_t pid)
{
	char path[32], line[1024];
	unsigned long long start = 0;
	char *at;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (at)
		at += 1;
	for (i = 0; at && i < STAT_FIELDS_TO_START; i++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %llu", &start) == 1 ? start : 0;
}

bool process_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/* The descriptor first: what is read afterwards is about that process or about none. */
bool process_is(const struct ledger_identity *who, int *ret_pidfd)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)who->pid, 0);

	if (fd < 0)
		return false;
	if (!who->start || start_of(who->pid) != who->start || process_ended(fd)) {
		close(fd);
		return false;
	}
	*ret_pidfd = fd;
	return true;
}
