// SPDX-License-Identifier: GPL-2.0-or-later
/* The event log (event.h): event n stands at n modulo EVENTS_KEPT. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/event.h"

struct events {
	uint64_t last;		/* newest number, 0: none */
	struct event kept[EVENTS_KEPT];
};

int events_new(struct events **ret)
{
	struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	*ret = e;
	return 0;
}

struct events *events_free(struct events *e)
{
	free(e);
	return NULL;
}

uint64_t events_add(struct events *e, uint64_t at_us, enum event_severity s, const char *text)
{
	return events_add_client(e, at_us, s, 0, EVENT_NOBODY, text);
}

uint64_t events_add_client(struct events *e, uint64_t at_us, enum event_severity s, uint64_t client,
			   uint32_t uid, const char *text)
{
	struct event *event = &e->kept[++e->last % EVENTS_KEPT];

	event->sequence = e->last;
	event->at_us = at_us;
	event->severity = s;
	event->client = client;
	event->uid = uid;
	snprintf(event->text, sizeof(event->text), "%s", text);
	return e->last;
}

uint64_t events_last(const struct events *e)
{
	return e->last;
}

const struct event *events_after(const struct events *e, uint64_t sequence)
{
	uint64_t first = e->last > EVENTS_KEPT ? e->last - EVENTS_KEPT + 1 : 1;
	uint64_t wanted = sequence >= first ? sequence + 1 : first;

	return sequence < e->last ? &e->kept[wanted % EVENTS_KEPT] : NULL;
}
