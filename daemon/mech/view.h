/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page of a backing file, of any kind, in our own address space for a moment, where nothing touches it: to see
 * whether it is all there, after a restart and when a fill says EEXIST, and to put base pages into it on our account.
 */
#ifndef HMMD_MECH_VIEW_H
#define HMMD_MECH_VIEW_H

#include "daemon/mech/mech.h"

struct view {
	struct mech_page page;	/* with a userfaultfd of ours, at an address of ours */
	void *whole;
};

int view_open(int *ret_uffd);		/* the userfaultfd of all views; needs no privilege */
int view_map(int uffd, const struct mech_page *p, struct view *ret);
void view_unmap(struct view *v);
int view_present(int uffd, const struct mech_page *p);	/* 1, 0: there is a hole, -errno */

#endif
