/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages the zap tracker samples next, and what a sample means. The cycle per space: choose
 * spans, the client unmaps them, a window passes, a scan shows which were touched. A round samples a
 * part of the resident pages so that its cost stays far below one per cent (0.3 ms per GiB unmapped,
 * 25-110 us per GiB scanned).
 */
#ifndef HMMD_CORE_TRACKER_H
#define HMMD_CORE_TRACKER_H

#include <stdint.h>
#include "proto/limits.h"

struct space;
struct range;

struct track_span {
	struct range *range;	/* held until tracker_done */
	uint64_t vpn, pages;
};
enum { TRACK_SPANS = 64, TRACK_PAGES = 512 };	/* of one sample: at most 1 GiB */
struct track_sample {
	struct track_span spans[TRACK_SPANS];
	uint32_t n, pages;
	uint64_t window_us;
	uint64_t taken_words[TRACK_PAGES];	/* as chosen: a changed page is not judged */
};
/* Chooses the next sample; n is 0 when nothing is worth it. */
void tracker_choose(struct space *s, struct track_sample *ret);
/* mapped: one byte per page of the sample, in order. Judges heat, adapts the window, lets the ranges go. */
void tracker_judge(struct space *s, struct track_sample *sample, const uint8_t *mapped);
void tracker_drop(struct track_sample *sample);	/* the client did not answer */

#endif
