// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What systemd is told. The watchdog is fed by the loop and by nothing else, because a daemon whose loop
 * stands still serves nobody; it is restarted and finds everything where it was. The same when all fault
 * service threads stand still (crew_watch.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/notify.h"
#include "daemon/io/notify_send.h"

#define USEC_PER_MSEC 1000ULL
#define EXTEND_US 60000000ULL	/* from each time that it is said: for one client's ledger, on a slow disk */
#define EXTEND_EACH_US 1000000ULL

/* Loop thread only; NULL: not asked for. */
static uv_timer_t *watchdog;

void notify_ready(struct daemon *d)
{
	notify_send(d->world->dry_run ? "READY=1\nSTATUS=Deciding, moving nothing (dry run)" : "READY=1\nSTATUS=Serving",
		    -1);
}

void notify_restoring(size_t at, size_t of)
{
	static uint64_t said_us;
	uint64_t now_us = uv_hrtime() / 1000;
	char text[160];

	if (said_us && now_us - said_us < EXTEND_EACH_US)
		return;
	said_us = now_us;
	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%llu\nSTATUS=Reading what an earlier hmmd left: client %zu of %zu",
		 EXTEND_US, at + 1, of);
	notify_send_now(text);
}

void notify_stopping(void)
{
	notify_send("STOPPING=1\nSTATUS=Bringing pages to rest", -1);
}

/* Type=notify-reload wants to know when the reload began. */
void notify_reloading(void)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)(uv_hrtime() / 1000));
	notify_send(text, -1);
}

static void feed(uv_timer_t *timer)
{
	const struct daemon *d = timer->data;

	if (!d->crew || !crew_all_stuck(d->crew))
		notify_send_now("WATCHDOG=1");
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
