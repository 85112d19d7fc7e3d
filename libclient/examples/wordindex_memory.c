// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The block that the whole index lies in. With hmmd it is a managed range, or memory of the program's own
 * that is registered; either way it is used like any memory, and the program does not know which of its pages
 * are on a device.
 */
#include <errno.h>
#include <hmmclient.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libclient/examples/wordindex.h"

enum { HUGE_PAGE = 2 << 20, LINE = 64 };	/* bytes */

static int open_plain(struct memory *m, size_t size)
{
	char *base;

	m->size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	base = mmap(NULL, m->size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	m->base = base + (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE) % HUGE_PAGE;
	/* Huge pages for both sides of the comparison. */
	if (madvise(m->base, m->size, MADV_HUGEPAGE) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

static int connect(struct memory *m)
{
	int r = hmm_client_new(&m->client, NULL);

	if (r < 0)
		fputs("wordindex: no hmmd; start it, or use --unmanaged\n", stderr);
	return r;
}

static int open_adopted(struct memory *m, size_t size)
{
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *range;
	int r = connect(m);

	if (r == 0)
		r = open_plain(m, size);
	if (r < 0)
		return r;
	o.name = "index";
	r = hmm_register(m->client, m->base, m->size, &o, &range);
	if (r < 0)
		fprintf(stderr, "wordindex: hmm_register: %s\n", hmm_client_last_error(m->client));
	return r < 0 ? r : 0;
}

static int open_managed(struct memory *m, size_t size)
{
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *range;
	size_t huge;
	int r = connect(m);

	if (r < 0)
		return r;
	huge = hmm_huge_page_size(m->client);
	m->size = (size + huge - 1) / huge * huge;
	o.name = "index";
	r = hmm_alloc(m->client, m->size, &o, &range);
	if (r < 0) {
		fprintf(stderr, "wordindex: hmm_alloc: %s\n", hmm_client_last_error(m->client));
		return r;
	}
	m->base = hmm_range_addr(range);
	return 0;
}

int memory_open(struct memory *m, size_t size, enum memory_kind kind)
{
	memset(m, 0, sizeof(*m));
	m->kind = kind;
	if (kind == MEMORY_ADOPTED)
		return open_adopted(m, size);
	return kind == MEMORY_MANAGED ? open_managed(m, size) : open_plain(m, size);
}

void memory_close(struct memory *m)
{
	if (m->kind != MEMORY_MANAGED && m->base)
		munmap(m->base, m->size);
	m->client = hmm_client_unref(m->client);
	m->base = NULL;
}

void *memory_take(struct memory *m, size_t size)
{
	size_t rounded = (size + LINE - 1) / LINE * LINE;
	char *p = m->base + m->used;

	if (rounded < size || rounded > m->size - m->used)
		return NULL;
	m->used += rounded;
	return p;
}

uint64_t memory_faults(const struct memory *m)
{
	struct hmm_table *t;
	uint64_t faults = 0;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!m->client || hmm_query(m->client, "clients", pid, &t) < 0)
		return 0;
	for (size_t c = 0; hmm_table_rows(t) && c < hmm_table_columns(t); c++)
		if (strcmp(hmm_table_column_name(t, c), "faults") == 0)
			faults = hmm_table_number(t, 0, c);
	hmm_table_free(t);
	return faults;
}
