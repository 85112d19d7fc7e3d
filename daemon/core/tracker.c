// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Choosing and judging samples (tracker.h). Ranges take turns, and each goes on where its last
 * sample ended, so every resident page is sampled as often as any other. What one choice looks at
 * is bounded.
 */
#include "daemon/core/tracker.h"
#include "daemon/core/world.h"

enum { TRACK_LOOK = 8 * TRACK_PAGES /* words looked at in one choice: about 10 us */ };

static uint64_t word_at(const struct range *r, uint64_t vpn)
{
	return atomic_load_explicit(radix_find(&r->space->mirror, vpn), memory_order_acquire);
}

/*
 * Adds a page to the last span, or to a new one. False: the sample is full or the range is dying.
 */
static bool add_page(struct track_sample *s, struct range *r, uint64_t vpn, uint64_t word)
{
	struct track_span *last = s->n ? &s->spans[s->n - 1] : NULL;

	if (s->pages == TRACK_PAGES)
		return false;
	if (last && last->range == r && last->vpn + last->pages == vpn) {
		last->pages++;
	} else {
		if (s->n == TRACK_SPANS || !range_hold(r))
			return false;
		s->spans[s->n++] = (struct track_span){ .range = r, .vpn = vpn, .pages = 1 };
	}
	s->taken_words[s->pages++] = word;
	return true;
}

/* From where the last sample ended to the end of the range. False: the sample is full. */
static bool choose_in(struct range *r, struct track_sample *s, uint32_t *looked)
{
	uint64_t vpn, word;

	for (; r->track_cursor < range_pages(r); r->track_cursor++) {
		if (++*looked > TRACK_LOOK)
			return false;
		vpn = range_first_vpn(r) + r->track_cursor;
		word = word_at(r, vpn);
		if (page_evictable(word) && !add_page(s, r, vpn, word))
			return false;
	}
	r->track_cursor = 0;
	return true;
}

/* A range that was gone through goes to the end, so the next choice begins with another. */
void tracker_choose(struct space *s, struct track_sample *ret)
{
	uint64_t left = s->n_ranges;
	uint32_t looked = 0;
	struct range *r;

	ret->n = ret->pages = 0;
	ret->window_us = s->window.us;
	while (left-- && !list_empty(&s->ranges)) {
		r = container_of(s->ranges.next, struct range, in_space);
		if (range_is_tracked(r) && r->addr && !choose_in(r, ret, &looked))
			return;
		if (++looked > TRACK_LOOK)
			return;
		list_remove(&r->in_space);
		list_append(&s->ranges, &r->in_space);
	}
}

static void judge_span(const struct track_span *span, const uint64_t *words, const uint8_t *mapped,
		       uint32_t *sampled, uint32_t *touched)
{
	struct range *r = span->range;
	uint64_t i;

	for (i = 0; i < span->pages; i++) {
		if (word_at(r, span->vpn + i) != words[i])
			continue;
		heat_sample(&r->heat[span->vpn + i - range_first_vpn(r)], mapped[i]);
		++*sampled;
		*touched += !!mapped[i];
	}
}

void tracker_judge(struct space *s, struct track_sample *sample, const uint8_t *mapped)
{
	uint32_t i, at = 0, sampled = 0, touched = 0;

	for (i = 0; i < sample->n; i++) {
		judge_span(&sample->spans[i], sample->taken_words + at, mapped + at, &sampled,
			   &touched);
		at += sample->spans[i].pages;
	}
	heat_window_judge(&s->window, sampled, touched);
	tracker_drop(sample);
}

void tracker_drop(struct track_sample *sample)
{
	uint32_t i;

	for (i = 0; i < sample->n; i++)
		range_drop(sample->spans[i].range);
	sample->n = sample->pages = 0;
}
