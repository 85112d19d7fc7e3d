// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read-ahead by the pattern of faults (fault.h): a window that doubles while they follow each
 * other.
 */
#include <stdatomic.h>

#include "daemon/core/fault.h"

static uint32_t window_after(uint32_t window, bool follows, uint32_t advice)
{
	if (follows)
		window = window ? window * 2 : 1;
	else
		window /= 2;
	if (advice == STREAM_ADVICE_SEQUENTIAL && window < STREAM_WINDOW_MAX / 2)
		window = STREAM_WINDOW_MAX / 2;
	return window > STREAM_WINDOW_MAX ? STREAM_WINDOW_MAX : window;
}

uint32_t stream_fault(struct stream *s, uint64_t vpn, uint64_t last_vpn, uint32_t advice)
{
	uint32_t window = atomic_load_explicit(&s->window, memory_order_relaxed), pages;

	if (advice == STREAM_ADVICE_RANDOM)
		return 0;
	window = window_after(
		window, vpn == atomic_load_explicit(&s->next_vpn, memory_order_relaxed), advice);
	pages = window;
	if (vpn >= last_vpn)
		pages = 0;
	else if (pages > last_vpn - vpn)
		pages = (uint32_t)(last_vpn - vpn);
	atomic_store_explicit(&s->window, window, memory_order_relaxed);
	atomic_store_explicit(&s->next_vpn, vpn + pages + 1, memory_order_relaxed);
	return pages;
}
