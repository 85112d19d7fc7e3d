// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers to requests. */
#include <errno.h>
#include <string.h>

#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"

void reply_message(struct session *s, uint64_t id, Hmmd__Message__KindCase kind, void *body)
{
	Hmmd__Message m = HMMD__MESSAGE__INIT;

	m.kind_case = kind;
	m.hello = body;		/* all kinds share this pointer's place */
	session_send(s, id, &m, NULL, 0);
}

void reply_ok(struct session *s, uint64_t id)
{
	Hmmd__Ok ok = HMMD__OK__INIT;

	reply_message(s, id, HMMD__MESSAGE__KIND_OK, &ok);
}

void reply_op_started(struct session *s, uint64_t id, uint64_t op)
{
	Hmmd__OpStarted started = HMMD__OP_STARTED__INIT;

	started.op = op;
	reply_message(s, id, HMMD__MESSAGE__KIND_OP_STARTED, &started);
}

void reply_result(struct session *s, uint64_t id, int result, const char *what)
{
	if (result == SPACE_E_LEDGER || result == SPACE_E_STATE_FULL)
		session_error(s, id, space_refusal_errno(result), "%s: %s: %s", what,
			      session_daemon(s)->world->config.state_dir, space_refusal_text(result));
	else if (result == SPACE_E_EXCESS)
		session_error(s, id, space_refusal_errno(result), "%s: %s: %llu MiB, see hmmctl users", what,
			      space_refusal_text(result),
			      (unsigned long long)(session_space(s)->account->excess.charged >> 20));
	else if (result > 0)
		session_error(s, id, space_refusal_errno(result), "%s: %s", what,
			      space_refusal_text(result));
	else
		session_error(s, id, -result, "%s: %s", what, strerror(-result));
}
