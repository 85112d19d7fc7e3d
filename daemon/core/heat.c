// SPDX-License-Identifier: GPL-2.0-or-later
/* Temperatures (heat.h). */
#include "daemon/core/heat.h"

enum {
	HEAT_FORGET = 4, /* a sample weighs one part in so many */
	REFAULTS_JUDGED = 32, /* so many tell a third from a half */
	TOUCHED_MANY = 40,
	TOUCHED_FEW = 27 /* per cent around a third: between them a window is right */
};
#define USEC_PER_MSEC 1000ULL
#define WINDOW_FIRST_US 100000ULL /* the rounds of a few seconds find the right one from here */

static uint32_t milliseconds(uint64_t now_us)
{
	return (uint32_t)(now_us / USEC_PER_MSEC);
}

void heat_sample(struct heat *h, bool touched)
{
	h->value = (uint16_t)(h->value - h->value / HEAT_FORGET +
			      (touched ? HEAT_MAX / HEAT_FORGET : 0));
}

uint16_t heat_faded(uint16_t value, uint64_t samples)
{
	for (; samples && value >= HEAT_FORGET; samples--)
		value -= value / HEAT_FORGET;
	return value;
}

uint64_t heat_age_us(const struct heat *h, uint64_t now_us)
{
	return (uint32_t)(milliseconds(now_us) - h->since_ms) * USEC_PER_MSEC;
}

void heat_filled(struct heat *h, uint64_t now_us, uint64_t window_us)
{
	if (h->away) {
		h->value = heat_faded(h->value, heat_age_us(h, now_us) / window_us);
		heat_sample(h, true);
	}
	h->hand = 0;
	heat_brought(h, now_us);
}

void heat_brought(struct heat *h, uint64_t now_us)
{
	h->away = 0;
	h->since_ms = milliseconds(now_us);
}

void heat_evicted(struct heat *h, uint64_t now_us)
{
	h->away = 1;
	h->since_ms = milliseconds(now_us);
}

void heat_by_hand(struct heat *h, unsigned int tier, uint64_t now_us)
{
	h->hand = (uint8_t)(tier + 1);
	h->since_ms = milliseconds(now_us);
}

bool heat_held_by_hand(const struct heat *h, uint64_t now_us, uint64_t min_residency_us)
{
	return h->hand && !heat_settled(h, now_us, min_residency_us);
}

void heat_hint(struct heat *h, bool hot)
{
	h->value = hot ? HEAT_MAX : 0;
}

bool heat_settled(const struct heat *h, uint64_t now_us, uint64_t min_residency_us)
{
	return heat_age_us(h, now_us) >= min_residency_us;
}

void heat_window_init(struct heat_window *w)
{
	*w = (struct heat_window){ .us = WINDOW_FIRST_US };
}

void heat_window_judge(struct heat_window *w, uint32_t sampled, uint32_t touched)
{
	uint64_t percent;

	if (!sampled)
		return;
	percent = (uint64_t)touched * 100 / sampled;
	if (percent > TOUCHED_MANY)
		w->us -= w->us / 4;
	else if (percent < TOUCHED_FEW)
		w->us += w->us / 3;
	if (w->us < HEAT_WINDOW_MIN_US)
		w->us = HEAT_WINDOW_MIN_US;
	if (w->us > HEAT_WINDOW_MAX_US)
		w->us = HEAT_WINDOW_MAX_US;
}

void heat_window_refault(struct heat_window *w, uint64_t away_us)
{
	w->soon += away_us <= w->us;
	if (++w->refaults < REFAULTS_JUDGED)
		return;
	heat_window_judge(w, w->refaults, w->soon);
	w->refaults = w->soon = 0;
}
