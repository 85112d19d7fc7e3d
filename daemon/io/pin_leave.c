// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pins of adopted memory that nobody has any more: all those of a range that goes back to its program, or one that
 * arrives too late. Their end is no move, which may find the workers' queue full: there may be more of them than that
 * has room for, and nobody would ask again. The driver takes the lock of the program's memory to let one go, so an
 * errand of the user does it, of all of them.
 */
#include <stdlib.h>

#include "daemon/io/daemon.h"
#include "daemon/io/errand.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/pin.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/mech/driver.h"

struct leaving {
	struct errand errand;
	struct daemon *daemon;
	struct range *range;	/* held */
	size_t n;
	uint32_t ids[];		/* the driver's */
};

/* Loop thread: errands under way. */
static unsigned int leaving;

unsigned int pins_leaving(void)
{
	return leaving;
}

static void run(struct errand *e)
{
	const struct leaving *x = container_of(e, struct leaving, errand);
	size_t i;

	for (i = 0; i < x->n; i++)
		(void)driver_unpin(x->daemon->driver, x->range->space->driver, x->ids[i]);
}

static void done(struct errand *e)
{
	struct leaving *x = container_of(e, struct leaving, errand);

	leaving--;
	range_drop(x->range);
	free(x);
}

static struct leaving *leaving_new(struct daemon *d, struct range *r, size_t most)
{
	struct leaving *x = calloc(1, sizeof(*x) + most * sizeof(x->ids[0]));

	if (!x)
		return NULL;
	x->errand.run = run;
	x->errand.done = done;
	x->daemon = d;
	x->range = r;
	return x;
}

/* x may be NULL. The range may be dying by now, but it is there: the caller has it. */
static void send_off(struct daemon *d, struct range *r, struct leaving *x)
{
	if (x && !errand_submit(d->errands, r->space->uid, &x->errand)) {
		atomic_fetch_add(&r->holders, 1);
		leaving++;
		return;
	}
	free(x);
	daemon_client_event(d, EVENT_ERROR, r->space->client,
			    "no memory to let go what client %llu (pid %d) had pinned: it stays pinned until the program ends", (unsigned long long)r->space->client, (int)r->space->pid);
}

void pin_let_go(struct daemon *d, struct range *r, uint32_t id)
{
	struct leaving *x = leaving_new(d, r, 1);

	if (x)
		x->ids[x->n++] = id;
	send_off(d, r, x);
}

/* What it is charged for them it gives back when it is freed. Those under way have no number yet (pin_arrived). */
void pins_leave(struct daemon *d, struct range *r)
{
	struct leaving *x = r->pins.n ? leaving_new(d, r, r->pins.n) : NULL;
	size_t i;

	if (!r->pins.n)
		return;
	pins_off_record(r);
	for (i = 0; x && i < r->pins.n; i++)
		if (r->pins.all[i].id)
			x->ids[x->n++] = r->pins.all[i].id;
	if (x && !x->n)
		free(x);
	else
		send_off(d, r, x);
}

void pins_off_record(struct range *r)
{
	size_t i;

	for (i = 0; i < r->pins.n; i++) {
		(void)ledgerfile_drop_pin(space_ledger(r->space), r->pins.all[i].place);
		r->pins.all[i].place = 0;
	}
	(void)request_records_end(r->space, 0);
}
