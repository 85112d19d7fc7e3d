// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The survey (survey.h). Ranges take turns, and each goes on where its last slice ended. What a slice finds comes back
 * as the result of a move (schedule_found()). A range of which memory is being moved is passed by: those moves look
 * themselves, and would be met half-way. What a drain takes along wherever it lies is no such move: it may go on for days.
 */
#include "daemon/core/adopted.h"
#include "daemon/core/world.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/survey.h"

enum {
	SLICES = 64,		/* a second, of CREW_WHOLE huge pages: 8 GiB, some ms of workers that have nothing better to do */
	RANGES = 4096		/* looked at in a second: some have no page that rests in memory */
};

/* The next page from the cursor that has a word, or none: then its turn is over. */
static bool next_page(struct range *r, uint64_t *ret_vpn)
{
	uint64_t first = range_first_vpn(r), last = first + range_pages(r) - 1;

	if (!r->addr || !range_pages(r) || r->survey_cursor >= range_pages(r))
		return false;
	*ret_vpn = radix_next(&r->space->mirror, first + r->survey_cursor, last);
	return *ret_vpn <= last;
}

/* False: its turn is over. */
static bool look(struct daemon *d, struct range *r)
{
	uint64_t vpn, end = range_first_vpn(r) + range_pages(r);
	struct move m = { .range = r, .kind = MOVE_LOOK, .reason = REASON_OWN };

	if (!range_can_move(r) || r->under_way || crew_room(d->crew, r->space) <= CREW_QUEUE / 2 || !next_page(r, &vpn)) {
		r->survey_cursor = 0;
		return false;
	}
	m.vpn = vpn;
	m.given = r->given;
	m.pages = (uint32_t)(end - vpn < CREW_WHOLE ? end - vpn : CREW_WHOLE);
	r->survey_cursor = vpn + m.pages - range_first_vpn(r);
	if (range_hold(r) && crew_submit(d->crew, &m))
		range_drop(r);
	return true;
}

void survey_round(struct daemon *d)
{
	unsigned int slices = 0, ranges = 0;
	struct range *r;
	size_t at;

	if (!d->world->many_nodes)
		return;
	while (slices < SLICES && ranges++ < RANGES) {
		at = d->survey;
		r = idmap_each(d->world->ranges, &d->survey, NULL);
		if (!r) {
			d->survey = 0;
			return;
		}
		while (slices < SLICES && look(d, r))
			slices++;
		if (r->survey_cursor)
			d->survey = at;		/* it goes on with this one */
	}
}
