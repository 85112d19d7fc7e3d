// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cut, decode, check, look up, call. A frame that is not one ends the connection, because what
 * follows on it cannot be trusted; a request that is merely wrong is answered and forgotten. All
 * checks that need no state are proto/validate.c's, shared with the library.
 */
#include <errno.h>

#include "daemon/io/daemon.h"
#include "daemon/io/dispatch.h"
#include "daemon/io/request.h"
#include "daemon/io/server.h"
#include "daemon/io/session_own.h"
#include "proto/frame.h"
#include "proto/validate.h"

static request_fn *const requests[] = {
	[HMMD__MESSAGE__KIND_HELLO] = request_hello,
	[HMMD__MESSAGE__KIND_ATTACH_UFFD] = request_attach_uffd,
	[HMMD__MESSAGE__KIND_ATTACH_DRIVER] = request_attach_driver,
	[HMMD__MESSAGE__KIND_ALLOC] = request_alloc,
	[HMMD__MESSAGE__KIND_MAP_RANGE] = request_map_range,
	[HMMD__MESSAGE__KIND_REGISTER] = request_register,
	[HMMD__MESSAGE__KIND_FREE] = request_free,
	[HMMD__MESSAGE__KIND_RESUME] = request_resume,
	[HMMD__MESSAGE__KIND_ADVISE] = request_advise,
	[HMMD__MESSAGE__KIND_MIGRATE] = request_migrate,
	[HMMD__MESSAGE__KIND_PIN] = request_pin,
	[HMMD__MESSAGE__KIND_UNPIN] = request_unpin,
	[HMMD__MESSAGE__KIND_EXCLUSIVE] = request_exclusive,
	[HMMD__MESSAGE__KIND_TIERS] = request_tiers,
	[HMMD__MESSAGE__KIND_QUERY] = request_query,
	[HMMD__MESSAGE__KIND_CONTROL] = request_control,
	[HMMD__MESSAGE__KIND_SUBSCRIBE] = request_subscribe,
	[HMMD__MESSAGE__KIND_PING] = request_ping,
	[HMMD__MESSAGE__KIND_ZAP_DONE] = request_zap_done,
};

uint64_t dispatch_id_of(const uint8_t *packet)
{
	uint32_t magic = 0;
	uint64_t id = 0;

	for (int i = 3; i >= 0; i--)
		magic = magic << 8 | packet[i];
	for (int i = 15; i >= 8; i--)
		id = id << 8 | packet[i];
	return magic == HMM_FRAME_MAGIC ? id : 0;
}

static void refuse_frame(struct session *s, uint64_t id, int code, const char *text)
{
	session_error(s, id, code, "%s", text);
	session_close(s, text);
}

void dispatch_refuse_packet(struct session *s, const uint8_t *packet, int code, const char *text)
{
	refuse_frame(s, dispatch_id_of(packet), code, text);
}

/* While ranges are being handed over nothing else may touch them: the record of what came holds them. */
static bool waits_for_resume(const struct session *s, Hmmd__Message__KindCase kind)
{
	if (!s->resuming)
		return false;
	switch (kind) {
	case HMMD__MESSAGE__KIND_ATTACH_UFFD:
	case HMMD__MESSAGE__KIND_ATTACH_DRIVER:
	case HMMD__MESSAGE__KIND_RESUME:
	case HMMD__MESSAGE__KIND_TIERS:
	case HMMD__MESSAGE__KIND_QUERY:
	case HMMD__MESSAGE__KIND_SUBSCRIBE:
	case HMMD__MESSAGE__KIND_PING:
	case HMMD__MESSAGE__KIND_ZAP_DONE:
		return false;
	default:
		return true;
	}
}

/* 0: goes on; else it was answered. */
static int refuse_message(struct session *s, uint64_t id, const Hmmd__Message *m, size_t n_fds)
{
	struct invalid why;
	int r = message_validate(m, FROM_CLIENT, n_fds, &why);

	if (r == VALIDATE_E_KIND)
		session_error(s, id, why.code, "%s", why.text);
	else if (r)
		session_error(s, id, why.code, "%s: %s", message_name(m->kind_case), why.text);
	if (r)
		return 1;
	if (!s->said_hello && m->kind_case != HMMD__MESSAGE__KIND_HELLO) {
		session_error(s, id, EPROTO, "%s: the first request of a connection is Hello",
			      message_name(m->kind_case));
		return 1;
	}
	if (waits_for_resume(s, m->kind_case)) {
		session_error(s, id, EBUSY, "%s: the last Resume comes first", message_name(m->kind_case));
		return 1;
	}
	return 0;
}

/* An answer needs an id, and an event of the client has none. */
static bool id_valid(uint64_t id, Hmmd__Message__KindCase kind)
{
	return message_is_event(kind) ? id == 0 : id != 0;
}

void dispatch_frame(struct session *s, const uint8_t *packet, size_t size, int *fds, size_t n_fds)
{
	Hmmd__Message *m;
	struct frame frame;
	int r = frame_cut(packet, size, &frame);

	if (r) {
		refuse_frame(s, r == FRAME_E_SHORT ? 0 : dispatch_id_of(packet), EPROTO, frame_text(r));
		return;
	}
	r = frame_unpack(&frame, &s->daemon->server->arena, &m);
	if (r) {
		refuse_frame(s, frame.id, EBADMSG, frame_text(r));
		return;
	}
	if (m->kind_case != HMMD__MESSAGE__KIND__NOT_SET && !id_valid(frame.id, m->kind_case)) {
		refuse_frame(s, frame.id, EPROTO, "a request has an id, an event has none");
		return;
	}
	if (refuse_message(s, frame.id, m, n_fds))
		return;
	requests[m->kind_case](&(struct request){ .daemon = s->daemon, .session = s, .id = frame.id,
						  .message = m, .fds = fds, .n_fds = n_fds });
}
