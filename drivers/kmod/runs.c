// SPDX-License-Identifier: GPL-2.0-only
/* Runs of pinned pages, see runs.h. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "runs.h"

struct hmmdev_chunk {
	struct list_head link;
	u32 used;
	struct hmmdev_run runs[];
};

#define HMMDEV_CHUNK_RUNS ((PAGE_SIZE - sizeof(struct hmmdev_chunk)) / sizeof(struct hmmdev_run))

void hmmdev_runs_init(struct hmmdev_runs *runs)
{
	INIT_LIST_HEAD(&runs->chunks);
	runs->nruns = 0;
	runs->npages = 0;
}

struct hmmdev_run hmmdev_run_of(struct page **pages, unsigned long npages)
{
	struct folio *folio = page_folio(pages[0]);
	unsigned long n, most = folio_nr_pages(folio) - folio_page_idx(folio, pages[0]);

	most = min(most, npages);
	for (n = 1; n < most && pages[n] == folio_page(folio, folio_page_idx(folio, pages[0]) + n);)
		n++;
	return (struct hmmdev_run){ .first = pages[0], .npages = n, .nrefs = n };
}

static struct hmmdev_chunk *hmmdev_runs_last_chunk(struct hmmdev_runs *runs)
{
	if (list_empty(&runs->chunks))
		return NULL;
	return list_last_entry(&runs->chunks, struct hmmdev_chunk, link);
}

bool hmmdev_runs_continue(struct hmmdev_runs *runs, const struct hmmdev_run *run)
{
	struct hmmdev_chunk *chunk = hmmdev_runs_last_chunk(runs);
	struct hmmdev_run *last = chunk ? &chunk->runs[chunk->used - 1] : NULL;

	if (!last || page_folio(last->first) != page_folio(run->first) ||
	    page_to_pfn(last->first) + last->npages != page_to_pfn(run->first))
		return false;
	last->npages += run->npages;
	last->nrefs += run->nrefs;
	runs->npages += run->npages;
	return true;
}

int hmmdev_runs_add(struct hmmdev_runs *runs, const struct hmmdev_run *run)
{
	struct hmmdev_chunk *chunk = hmmdev_runs_last_chunk(runs);

	if (!chunk || chunk->used == HMMDEV_CHUNK_RUNS) {
		chunk = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;
		list_add_tail(&chunk->link, &runs->chunks);
	}
	chunk->runs[chunk->used++] = *run;
	runs->nruns++;
	runs->npages += run->npages;
	return 0;
}

int hmmdev_runs_each(const struct hmmdev_runs *runs,
		     int (*tell)(void *arg, const struct hmmdev_run *run), void *arg)
{
	struct hmmdev_chunk *chunk;
	int rc = 0;
	u32 i;

	list_for_each_entry(chunk, &runs->chunks, link)
		for (i = 0; i < chunk->used && !rc; i++)
			rc = tell(arg, &chunk->runs[i]);
	return rc;
}

void hmmdev_runs_release(struct hmmdev_runs *runs, bool dirty)
{
	struct hmmdev_chunk *chunk, *next;
	u32 i;

	list_for_each_entry_safe(chunk, next, &runs->chunks, link) {
		for (i = 0; i < chunk->used; i++)
			unpin_user_page_range_dirty_lock(chunk->runs[i].first,
							 chunk->runs[i].nrefs, dirty);
		list_del(&chunk->link);
		kfree(chunk);
		cond_resched();
	}
}
