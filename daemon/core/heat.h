/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Temperature of pages, 0..HEAT_MAX: an average of "was it touched in a window" that forgets by a quarter
 * per sample. Sources: the tracker (touched or not while unmapped), refaults (a page that was away for some
 * windows and is touched now is that many samples without a touch, and one with), hints. Loop thread only.
 * There is no threshold to tune: the window gets longer or shorter until about a third of the samples are
 * touches, because then a sample tells most.
 */
#ifndef HMMD_CORE_HEAT_H
#define HMMD_CORE_HEAT_H

#include <stdbool.h>
#include <stdint.h>

enum { HEAT_MAX = 65535, HEAT_NEW = 32768 };
/* Whoever sorts pages tells temperatures apart by value >> HEAT_SHIFT. */
enum { HEAT_SHIFT = 8, HEAT_BUCKETS = (HEAT_MAX >> HEAT_SHIFT) + 1 };

struct heat {
	uint16_t value;
	uint8_t away;		/* 1: since since_ms it has not been in memory */
	uint8_t hand;		/* 1 + the tier that somebody moved it to, who asked for it; 0: it is where policies want it */
	uint32_t since_ms;	/* when it was last brought in, moved by hand, or left; milliseconds modulo 2^32 */
};
void heat_sample(struct heat *h, bool touched);
void heat_filled(struct heat *h, uint64_t now_us, uint64_t window_us);	/* by a touch: judges the time away too */
void heat_brought(struct heat *h, uint64_t now_us);	/* by nobody's touch: says nothing about it */
void heat_evicted(struct heat *h, uint64_t now_us);
void heat_by_hand(struct heat *h, unsigned int tier, uint64_t now_us);
/* It was moved by hand so short a time ago that no policy may think better of it. */
bool heat_held_by_hand(const struct heat *h, uint64_t now_us, uint64_t min_residency_us);
uint64_t heat_age_us(const struct heat *h, uint64_t now_us);	/* since it was brought in, or left */
uint16_t heat_faded(uint16_t value, uint64_t samples);	/* after so many samples without a touch */
void heat_hint(struct heat *h, bool hot);
bool heat_settled(const struct heat *h, uint64_t now_us, uint64_t min_residency_us);

struct heat_window {
	uint64_t us;		/* current window, HEAT_WINDOW_MIN_US..HEAT_WINDOW_MAX_US */
	uint32_t refaults, soon; /* since it was last judged by refaults; those within a window */
};
#define HEAT_WINDOW_MIN_US 1000ULL		/* below this a round trip to the client dominates */
#define HEAT_WINDOW_MAX_US 10000000ULL
void heat_window_init(struct heat_window *w);
void heat_window_judge(struct heat_window *w, uint32_t sampled, uint32_t touched);
/* Where no tracker samples: a page came back after so long. */
void heat_window_refault(struct heat_window *w, uint64_t away_us);

#endif
