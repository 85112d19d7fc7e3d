/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's memory of what happened: the last EVENTS_KEPT lines, numbered, for `hmmctl events`. */
#ifndef HMMD_CORE_EVENT_H
#define HMMD_CORE_EVENT_H

#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 1024, EVENT_TEXT = 160 };
#define EVENT_NOBODY UINT32_MAX
enum event_severity { EVENT_INFO, EVENT_WARNING, EVENT_ERROR };
struct event {
	uint64_t sequence;	/* from 1 */
	uint64_t at_us;		/* of the caller's wall clock */
	enum event_severity severity;
	uint64_t client;	/* id, 0: not about one */
	uint32_t uid;		/* of that client; EVENT_NOBODY: it was not known any more */
	char text[EVENT_TEXT];
};
struct events;
int events_new(struct events **ret);
struct events *events_free(struct events *e);
uint64_t events_add(struct events *e, uint64_t at_us, enum event_severity s, const char *text); /* cut to fit; returns its number */
uint64_t events_add_client(struct events *e, uint64_t at_us, enum event_severity s, uint64_t client, uint32_t uid,
			   const char *text);
uint64_t events_last(const struct events *e);	/* number of the newest, 0: none yet */
/* The first event after `sequence` that is still kept, or NULL. */
const struct event *events_after(const struct events *e, uint64_t sequence);

#endif
