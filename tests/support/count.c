// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process or a directory holds, counted from outside. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/house.h"
#include "tests/support/test.h"

enum { AT_REST_US = 100000 };	/* many turns of a loop that has anything to do */

int count_descriptors(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (!d)
		return -1;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return pid == getpid() ? n - 1 : n;
}

int count_descriptors_at_rest(pid_t pid)
{
	uint64_t since = clock_us();
	int n = count_descriptors(pid), now;

	while (clock_us() - since < AT_REST_US) {
		pause_us(AT_REST_US / 20);
		now = count_descriptors(pid);
		if (now != n)
			since = clock_us();
		n = now;
	}
	return n;
}

uint64_t count_cpu_us(pid_t pid)
{
	unsigned long long user = 0, system = 0;
	char path[64], line[1024];
	const char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!rest || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
		return 0;
	return (user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Adds up the lines of a /proc file that begin with one of two keys; values are in KiB. */
static uint64_t sum_lines(const char *path, const char *a, const char *b)
{
	FILE *f = fopen(path, "re");
	uint64_t sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, a, strlen(a)) || (b && !strncmp(line, b, strlen(b))))
			sum += strtoull(strchr(line, ':') + 1, NULL, 10);
	if (f)
		fclose(f);
	return sum;
}

uint64_t count_private_kib(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	return sum_lines(path, "Private_Clean:", "Private_Dirty:");
}

uint64_t count_meminfo(const char *key)
{
	return sum_lines("/proc/meminfo", key, NULL);
}

static bool is_called(const char *pid, const char *name)
{
	char path[300], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return !strncmp(comm, name, strlen(name));
}

int count_processes(const char *name)
{
	DIR *d = opendir("/proc");
	int n = 0;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
		n += e->d_name[0] >= '1' && e->d_name[0] <= '9' && is_called(e->d_name, name);
	if (d)
		closedir(d);
	return n;
}

int count_files(const char *dir, const char *suffix)
{
	size_t tail = strlen(suffix);
	DIR *d = opendir(dir);
	int n = 0;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		size_t size = strlen(e->d_name);

		n += e->d_name[0] != '.' && size >= tail && !strcmp(e->d_name + size - tail, suffix);
	}
	if (d)
		closedir(d);
	return n;
}
