// SPDX-License-Identifier: GPL-2.0-or-later
/* The doctor's lines about memory: huge pages of both kinds, nodes, swap, and who holds DAMON. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "daemon/mech/capability_own.h"
#include "proto/ledger.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define OVERCOMMIT POOL "nr_overcommit_hugepages"
#define DAMON_STAT "/sys/module/damon_stat/parameters/enabled"

static uint64_t number_in(const char *path)
{
	char text[32];
	uint64_t n = 0;

	if (doctor_read(path, text, sizeof(text)) || sscanf(text, "%" SCNu64, &n) != 1)
		return 0;
	return n;
}

/* Of the pages that hmmd uses: sysctl(8) would set the limit of the machine's default size. All that there could be. */
static void remedy_demand(struct doctor_line *line)
{
	struct sysinfo machine;

	if (sysinfo(&machine) == 0)
		doctor_remedy(line, "echo %llu > " OVERCOMMIT,
			      (unsigned long long)machine.totalram * machine.mem_unit / LEDGER_PAGE_SIZE);
}

void doctor_hugetlb(struct doctor_line *line)
{
	uint64_t total = number_in(POOL "nr_hugepages"), surplus = number_in(POOL "surplus_hugepages");
	uint64_t reserved = total > surplus ? total - surplus : 0, demand = number_in(OVERCOMMIT);

	if (access(POOL, F_OK) < 0) {
		doctor_say(line, DOCTOR_MISSING, "no 2 MiB pages: managed ranges live in tmpfs");
		doctor_remedy(line, "kernel with CONFIG_HUGETLBFS");
	} else if (access(OVERCOMMIT, W_OK) == 0) {
		doctor_say(line, DOCTOR_OK, "%" PRIu64 " pages reserved, %" PRIu64 " on demand, which can be raised",
			   reserved, demand);
	} else if (reserved || demand) {
		doctor_say(line, DOCTOR_DEGRADED, "%" PRIu64 " pages reserved, %" PRIu64
			   " on demand, which may not be raised: %s", reserved, demand, strerror(errno));
		remedy_demand(line);
	} else {
		doctor_say(line, DOCTOR_MISSING, "no page reserved or on demand, which may not be raised: %s", strerror(errno));
		remedy_demand(line);
	}
}

/* What backing_shm.c needs to put a huge page in place at once. */
static bool large_pipes(void)
{
	int ends[2];
	bool large;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	large = fcntl(ends[1], F_SETPIPE_SZ, (int)LEDGER_PAGE_SIZE) >= (int)LEDGER_PAGE_SIZE;
	close(ends[0]);
	close(ends[1]);
	return large;
}

void doctor_thp(struct doctor_line *line)
{
	char mode[64];
	int r = doctor_read("/sys/kernel/mm/transparent_hugepage/enabled", mode, sizeof(mode));

	if (r) {
		doctor_say(line, DOCTOR_MISSING, "not in this kernel: backing thp cannot be had, copies are slower");
		doctor_remedy(line, "kernel with CONFIG_TRANSPARENT_HUGEPAGE");
	} else if (strstr(mode, "[never]")) {
		doctor_say(line, DOCTOR_DEGRADED, "%s: staging buffers and adopted memory have base pages", mode);
		doctor_remedy(line, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	} else if (!large_pipes()) {
		doctor_say(line, DOCTOR_DEGRADED, "no pipe of 2 MiB: backing thp brings pages back as base pages");
		doctor_remedy(line, "sysctl fs.pipe-max-size=%llu", LEDGER_PAGE_SIZE);
	} else {
		doctor_say(line, DOCTOR_OK, "%s", mode);
	}
}

void doctor_numa(struct doctor_line *line)
{
	uint64_t nodes = 0;
	int n, r = numa_nodes(&nodes);

	if (r) {
		doctor_say(line, DOCTOR_DEGRADED, "%s: no placement on nodes", strerror(-r));
		doctor_remedy(line, "kernel with CONFIG_NUMA");
		return;
	}
	n = __builtin_popcountll(nodes);
	if (n > 1)
		doctor_say(line, DOCTOR_OK, "%d nodes with memory", n);
	else
		doctor_say(line, DOCTOR_OK, "one node with memory: nothing to move between nodes");
}

/* One line for the heading, one for each area. */
static int swap_areas(void)
{
	FILE *f = fopen("/proc/swaps", "re");
	int lines = 0, c;

	if (!f)
		return 0;
	while ((c = fgetc(f)) != EOF)
		lines += c == '\n';
	fclose(f);
	return lines > 0 ? lines - 1 : 0;
}

void doctor_swap(struct doctor_line *line)
{
	if (!swap_areas()) {
		doctor_say(line, DOCTOR_OK, "none");
		return;
	}
	doctor_say(line, DOCTOR_DEGRADED,
		   "active: the kernel may move pages of the backings thp and small behind hmmd's back");
	doctor_remedy(line, "backing = hugetlb in [daemon], or swapoff -a");
}

void doctor_damon(struct doctor_line *line)
{
	char text[8];

	if (doctor_read(DAMON_STAT, text, sizeof(text))) {
		doctor_say(line, DOCTOR_OK, "not in this kernel: DAMON is free for other use");
	} else if (text[0] == 'N' || text[0] == '0') {
		doctor_say(line, DOCTOR_OK, "off: DAMON is free for other use");
	} else {
		doctor_say(line, DOCTOR_DEGRADED, "on: it holds DAMON for itself, other monitors get EBUSY");
		doctor_remedy(line, "echo N > " DAMON_STAT);
	}
}
