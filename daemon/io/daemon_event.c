// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An event of the daemon: kept for who asks later, written to the log, and told to who listens. What programs have
 * chosen may stand in it, so it is escaped here, once for all three.
 */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/session.h"
#include "proto/text.h"

static uint32_t user_of(const struct daemon *d, uint64_t client)
{
	LIST_EACH(node, &d->world->spaces) {
		const struct space *s = container_of(node, struct space, in_world);

		if (s->client == client)
			return s->uid;
	}
	return EVENT_NOBODY;
}

static void event(struct daemon *d, enum event_severity severity, uint64_t client, const char *format,
		  va_list args)
{
	static const enum log_level levels[] = {
		[EVENT_INFO] = LOG_LEVEL_INFO,
		[EVENT_WARNING] = LOG_LEVEL_WARNING,
		[EVENT_ERROR] = LOG_LEVEL_ERROR,
	};
	char said[EVENT_TEXT], text[EVENT_TEXT], number[24], id[24];
	uint32_t uid = client ? user_of(d, client) : EVENT_NOBODY;
	uint64_t sequence;

	vsnprintf(said, sizeof(said), format, args);
	text_escape(text, sizeof(text), said, "");
	sequence = events_add_client(d->world->events, daemon_wall_us(), severity, client, uid, text);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)sequence);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)client);
	log_fields(levels[severity], text, "HMMD_EVENT", number, client ? "HMMD_CLIENT" : NULL, id,
		   NULL);
	server_broadcast_notice(d, sequence, client, uid, text);
}

void daemon_event(struct daemon *d, enum event_severity severity, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	event(d, severity, 0, format, args);
	va_end(args);
}

void daemon_client_event(struct daemon *d, enum event_severity severity, uint64_t client,
			 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	event(d, severity, client, format, args);
	va_end(args);
}
