// SPDX-License-Identifier: GPL-2.0-or-later
/* One timer a second: a few loads, so that an idle daemon stays idle. */
#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/rates.h"

enum { SAMPLE_MS = 1000 };

struct rates {
	uv_timer_t timer;
	struct daemon *daemon;
	uint64_t faults, at_us;		/* at the last sample */
	uint64_t per_second;
};

static void sample(uv_timer_t *timer)
{
	struct rates *r = timer->data;
	struct daemon *d = r->daemon;
	struct crew_counters now;
	uint64_t now_us = daemon_now_us(d);

	crew_counters(d->crew, &now);
	if (now_us > r->at_us)
		r->per_second = (now.faults - r->faults) * 1000000 / (now_us - r->at_us);
	r->faults = now.faults;
	r->at_us = now_us;
}

int rates_start(struct daemon *d)
{
	struct rates *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->daemon = d;
	r->at_us = daemon_now_us(d);
	rc = uv_timer_init(d->loop, &r->timer);
	if (rc) {
		free(r);
		return rc;
	}
	r->timer.data = r;
	d->rates = r;
	return uv_timer_start(&r->timer, sample, SAMPLE_MS, SAMPLE_MS);
}

static void closed(uv_handle_t *handle)
{
	free(handle->data);
}

void rates_stop(struct daemon *d)
{
	if (!d->rates)
		return;
	uv_close((uv_handle_t *)&d->rates->timer, closed);
	d->rates = NULL;
}

uint64_t rates_faults(const struct daemon *d)
{
	return d->rates ? d->rates->per_second : 0;
}
