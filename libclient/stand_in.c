// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * In the daemon's stead. With UFFD_FEATURE_EVENT_UNMAP munmap(2) of managed memory waits until its message was
 * read, and so does what UFFDIO_COPY and its like are asked for. While no daemon reads, the library's thread does
 * from time to time. It answers no fault: who has faulted is woken, faults again, and waits for the daemon that
 * comes, whose business that is. That is why it does so by the clock and not whenever there is something: a
 * thread that waits would be woken without a pause.
 */
#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/uffd.h"

/* The longer nothing was there, the seldomer: for so long an munmap(2) may wait. */
#define PAUSE_FIRST_US 20000ULL
#define PAUSE_LAST_US 500000ULL

static bool is_ours_to_read(const struct hmm_client *c, const struct hmm_range *r)
{
	return r->managed && r->uffd && r->uffd->tells_unmap && (r->lost || c->session.state != SESSION_UP);
}

void stand_in_begin(struct hmm_client *c)
{
	c->stand_in_pause_us = PAUSE_FIRST_US;
	c->stand_in_us = clock_after(PAUSE_FIRST_US);
}

void stand_in_tick(struct hmm_client *c)
{
	const struct uffd *last = NULL;
	bool any = false;

	if (clock_now_us() < c->stand_in_us)
		return;
	if (c->session.state != SESSION_UP && c->uffd && c->uffd->tells_unmap) {
		last = c->uffd;
		any = uffd_read_all(last);
	}
	for (struct hmm_range *r = c->ranges.first; r; r = r->next) {
		if (!is_ours_to_read(c, r) || r->uffd == last)
			continue;
		last = r->uffd;
		any |= uffd_read_all(last);
	}
	c->stand_in_pause_us = any ? PAUSE_FIRST_US : c->stand_in_pause_us * 2;
	if (c->stand_in_pause_us > PAUSE_LAST_US)
		c->stand_in_pause_us = PAUSE_LAST_US;
	c->stand_in_us = last ? clock_after(c->stand_in_pause_us) : CLOCK_NEVER;
}
