/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinned pages as runs: a folio's page, how many follow it, and how many references hold them. The
 * count of entries is that of folios, not of pages ("one reference per head page", linux-mm 2020).
 * Runs stand in chunks of a page each, in the order of their addresses.
 */
#ifndef HMMDEV_RUNS_H
#define HMMDEV_RUNS_H

#include <linux/list.h>
#include <linux/mm_types.h>

struct hmmdev_run {
	struct page *first;
	unsigned long npages;
	unsigned long nrefs;	/* on the folio, at most npages: one holds all of it */
};

struct hmmdev_runs {
	struct list_head chunks;
	u64 nruns;
	u64 npages;
};

void hmmdev_runs_init(struct hmmdev_runs *runs);
/* The longest run that the pages begin with; each has a reference of its own. */
struct hmmdev_run hmmdev_run_of(struct page **pages, unsigned long npages);
/* Does it continue the last run? Then it is part of that from now on. */
bool hmmdev_runs_continue(struct hmmdev_runs *runs, const struct hmmdev_run *run);
/* 0, -ENOMEM: it stays the caller's. */
int hmmdev_runs_add(struct hmmdev_runs *runs, const struct hmmdev_run *run);
/* Calls tell for each run until that fails, and returns what it returned. */
int hmmdev_runs_each(const struct hmmdev_runs *runs,
		     int (*tell)(void *arg, const struct hmmdev_run *run), void *arg);
/* Lets go of all of them: one atomic operation for each run. dirty: they have been written. */
void hmmdev_runs_release(struct hmmdev_runs *runs, bool dirty);

#endif
