// SPDX-License-Identifier: GPL-2.0-or-later
/* Signals as events of the loop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/io/signals.h"
#include "daemon/io/stop.h"

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
enum { N_SIGNALS = sizeof(numbers) / sizeof(numbers[0]) };

struct signals {
	uv_signal_t handles[N_SIGNALS];
	struct daemon *daemon;
	unsigned int open;
};

static void reload(struct daemon *d)
{
	char text[512];

	notify_reloading();
	daemon_reload(d, text, sizeof(text));
	notify_ready(d);
}

static void arrived(uv_signal_t *handle, int number)
{
	struct signals *s = handle->data;

	if (number == SIGHUP) {
		reload(s->daemon);
		return;
	}
	log_line(LOG_LEVEL_INFO, "%s: hmmd ends after its pages are brought to rest",
		 number == SIGTERM ? "SIGTERM" : "SIGINT");
	stop_begin(s->daemon);
}

int signals_start(struct daemon *d)
{
	struct signals *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return -ENOMEM;
	s->daemon = d;
	d->signals = s;
	signal(SIGPIPE, SIG_IGN);
	for (; s->open < N_SIGNALS && !r; s->open++) {
		uv_signal_init(d->loop, &s->handles[s->open]);
		s->handles[s->open].data = s;
		r = uv_signal_start(&s->handles[s->open], arrived, numbers[s->open]);
	}
	return r;
}

static void closed(uv_handle_t *handle)
{
	struct signals *s = handle->data;

	if (--s->open == 0)
		free(s);
}

void signals_stop(struct daemon *d)
{
	struct signals *s = d->signals;

	if (!s)
		return;
	d->signals = NULL;
	for (unsigned int i = s->open; i > 0; i--)
		uv_close((uv_handle_t *)&s->handles[i - 1], closed);
}
