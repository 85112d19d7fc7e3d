// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What systemd is told. The watchdog is fed by the loop and by nothing else, because a daemon whose loop
 * stands still serves nobody; it is restarted and finds everything where it was. The same when all fault
 * service threads stand still (crew_watch.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/notify.h"

#define USEC_PER_MSEC 1000ULL

/* Loop thread only; NULL: not asked for. */
static uv_timer_t *watchdog;

void notify_ready(struct daemon *d)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", d->world->dry_run ? "Deciding, moving nothing (dry run)" : "Serving");
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Bringing pages to rest");
}

/* Type=notify-reload wants to know when the reload began. */
void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)(uv_hrtime() / 1000));
}

static void feed(uv_timer_t *timer)
{
	const struct daemon *d = timer->data;

	if (!d->crew || !crew_all_stuck(d->crew))
		sd_notify(0, "WATCHDOG=1");
}

int notify_watchdog_start(struct daemon *d)
{
	uint64_t usec, half_ms;
	int rc = sd_watchdog_enabled(0, &usec);

	if (rc <= 0)
		return rc;
	watchdog = malloc(sizeof(*watchdog));
	if (!watchdog)
		return -ENOMEM;
	rc = uv_timer_init(d->loop, watchdog);
	if (rc < 0) {
		free(watchdog);
		watchdog = NULL;
		return rc;
	}
	watchdog->data = d;
	half_ms = usec / 2 / USEC_PER_MSEC;
	return uv_timer_start(watchdog, feed, 0, half_ms ? half_ms : 1);
}

static void on_closed(uv_handle_t *timer)
{
	free(timer);
}

void notify_watchdog_stop(struct daemon *d)
{
	(void)d;
	if (watchdog)
		uv_close((uv_handle_t *)watchdog, on_closed);
	watchdog = NULL;
}
