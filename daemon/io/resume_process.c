// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is the process on record still that process? A pid is used again; a pid with its start time is not. That it
 * cannot be told (no descriptor free, no memory, /proc hidden or not mounted) says nothing of the process.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/io/resume_own.h"

enum { STAT_FIELDS_TO_START = 19 /* from the state, which follows the name, to the start time: proc(5) */ };

/* 0, or -errno: it cannot be told. The name may hold anything, so counting begins at the last parenthesis. */
static int start_of(int32_t pid, uint64_t *ret)
{
	char path[32], line[1024];
	unsigned long long start;
	char *at;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	at = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (at)
		at += 1;
	for (i = 0; at && i < STAT_FIELDS_TO_START; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %llu", &start) != 1)
		return -EIO;
	*ret = start;
	return 0;
}

bool process_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* The number alone: whoever has it began at another time. */
static bool is_another(const struct ledger_identity *who)
{
	uint64_t start;

	return !start_of(who->pid, &start) && start != who->start;
}

/* The descriptor first: what is read afterwards is about that process or about none. */
int process_look(const struct ledger_identity *who, int *ret_pidfd)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)who->pid, 0), rc;
	uint64_t start;

	if (fd < 0) {
		rc = -errno;
		return rc == -ESRCH || is_another(who) ? PROCESS_E_ENDED : rc;
	}
	rc = start_of(who->pid, &start);
	if (process_ended(fd) || (!rc && start != who->start)) {
		close(fd);
		return PROCESS_E_ENDED;
	}
	if (rc) {
		close(fd);
		return rc;
	}
	*ret_pidfd = fd;
	return 0;
}

bool process_may_live(const struct ledger_identity *who)
{
	int pidfd, rc = process_look(who, &pidfd);

	if (!rc)
		close(pidfd);
	return rc != PROCESS_E_ENDED;
}

bool process_owner_ended(const char *state_dir, uint64_t client)
{
	struct ledger_identity who;

	return !ledgerfile_peek(state_dir, client, &who) && !process_may_live(&who);
}

bool process_owner_may_live(const char *state_dir, uint64_t client)
{
	struct ledger_identity who;
	int r = ledgerfile_peek(state_dir, client, &who);

	return r ? r != -ENOENT : process_may_live(&who);
}
