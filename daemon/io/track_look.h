/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker's look: which pages of a sample are mapped in the client. That takes the lock of its address
 * space, which it may hold for as long as it likes, so it is an errand; it has copies of all it needs and holds
 * nothing of the sample.
 */
#ifndef HMMD_IO_TRACK_LOOK_H
#define HMMD_IO_TRACK_LOOK_H

#include "daemon/core/tracker.h"
#include "daemon/io/daemon.h"
#include "daemon/io/errand.h"

struct track_look {
	struct errand errand;		/* `done` is the caller's */
	struct daemon *daemon;
	uint64_t session, zap;		/* the caller's */
	struct space *space;		/* asked; not freed before its descriptors are closed, which is an errand behind this one */
	struct mech *mech;
	struct image of;
	int uffd;			/* a duplicate: the client may be gone when its turn comes */
	uint32_t n;
	struct {
		uint64_t addr, pages;
	} spans[TRACK_SPANS];
	uint8_t mapped[TRACK_PAGES];	/* the result, a byte per page of the sample */
	int rc;				/* 0, or -errno: it cannot be told */
};

struct track_look *track_look_new(struct daemon *d, struct space *s, const struct track_sample *sample);
struct track_look *track_look_free(struct track_look *look);
struct track_look *track_look_of(struct errand *e);
/* Where the page map of a client cannot be opened, mapping its pages tells; base pages would cost the huge mapping. */
bool track_look_maps(const struct daemon *d);

#endif
