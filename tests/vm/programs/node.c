// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's answers, out of its files and move_pages(2). */
#include <errno.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/vm/programs/node.h"
#include "tests/vm/programs/patience.h"

unsigned int node_count(void)
{
	char path[64];
	unsigned int n = 0;

	do
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", n);
	while (!access(path, F_OK) && ++n < NODE_MOST);
	return n;
}

const char *node_config(unsigned int mib, const char *more)
{
	static char text[2048];
	int n = 0;

	for (unsigned int i = 0; i < node_count(); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "[tier node%u]\nkind = numa\nnodes = %u\ncapacity = %uM\n",
			      i, i, mib);
	snprintf(text + n, sizeof(text) - (size_t)n, "%s", more);
	return text;
}

size_t node_pages(const void *at, size_t size, int node)
{
	size_t n = size / HUGE_PAGE, there = 0;
	void **pages = calloc(n, sizeof(*pages));
	int *status = calloc(n, sizeof(*status));

	assert_non_null(pages);
	assert_non_null(status);
	for (size_t i = 0; i < n; i++)
		pages[i] = (char *)(uintptr_t)at + i * HUGE_PAGE;
	assert_int_equal(move_pages(0, n, pages, NULL, status, 0), 0);
	for (size_t i = 0; i < n; i++)
		there += status[i] == node;
	free(pages);
	free(status);
	return there;
}

uint64_t node_vmstat(const char *key)
{
	FILE *f = fopen("/proc/vmstat", "re");
	unsigned long long value;
	char name[64];

	assert_non_null(f);
	while (fscanf(f, "%63s %llu", name, &value) == 2)
		if (!strcmp(name, key)) {
			fclose(f);
			return value;
		}
	fclose(f);
	fail_msg("the kernel does not count %s", key);
	return 0;
}

static uint64_t number_after(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void read_numa_maps(const void *at, struct node_mapping *ret)
{
	FILE *f = fopen("/proc/self/numa_maps", "re");
	char line[1024], key[16];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strtoull(line, NULL, 16) == (uintptr_t)at;
	fclose(f);
	assert_true(found);
	ret->page_size = number_after(line, "kernelpagesize_kB=") << 10;
	for (unsigned int i = 0; i < NODE_MOST; i++) {
		snprintf(key, sizeof(key), " N%u=", i);
		ret->bytes[i] = number_after(line, key) * ret->page_size;
	}
}

static void read_smaps(const void *at, struct node_mapping *ret)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[1024], *end;
	bool in = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		uint64_t start = strtoull(line, &end, 16);

		if (*end == '-')
			in = start == (uintptr_t)at;
		else if (in && !strncmp(line, "AnonHugePages:", 14))
			ret->anon_huge = number_after(line, "AnonHugePages:") << 10;
	}
	fclose(f);
}

void node_mapping(const void *at, struct node_mapping *ret)
{
	*ret = (struct node_mapping){ .page_size = 0 };
	read_numa_maps(at, ret);
	read_smaps(at, ret);
}

/* Memory that may not be touched lies on both sides, so that the mapping grows together with no other. */
void *node_memory(size_t size, bool huge)
{
	unsigned long mask = 1;
	uint8_t *around = mmap(NULL, size + 2 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *at = (uint8_t *)(((uintptr_t)around + HUGE_PAGE) & ~(HUGE_PAGE - 1));

	assert_true(around != MAP_FAILED);
	assert_int_equal(mprotect(at, size, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(madvise(at, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE), 0);
	/* The thread's and not the mapping's: that one would go with the memory. */
	assert_int_equal(set_mempolicy(MPOL_BIND, &mask, NODE_MOST + 1), 0);
	memset(at, 0, size);
	assert_int_equal(set_mempolicy(MPOL_DEFAULT, NULL, 0), 0);
	return at;
}

void node_release(void *at, size_t size)
{
	assert_int_equal(munmap(at, size), 0);
}
