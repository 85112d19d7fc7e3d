/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a thread of this process sleeps, by /proc. */
#ifndef HMMD_TESTS_SUPPORT_ASLEEP_H
#define HMMD_TESTS_SUPPORT_ASLEEP_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

static inline bool thread_asleep(pid_t tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S' || state == 'D';
}

#endif
