// SPDX-License-Identifier: LGPL-2.1-or-later
/* What hmmctl does to a daemon. */
#include <errno.h>

#include "libclient/client.h"
#include "libclient/clock.h"

static char *given(const char *s)
{
	return (char *)(uintptr_t)(s ? s : "");
}

int hmm_control(struct hmm_client *c, const struct hmm_control *control, struct hmm_op **ret_op)
{
	Hmmd__Control body = HMMD__CONTROL__INIT;
	Hmmd__Message m = WIRE_MESSAGE(CONTROL, control, &body);
	struct hmm_control what;
	int r = client_enter(c);

	if (r)
		return r;
	if (!control || struct_read(&what, sizeof(what), control) < 0)
		return client_refuse(c, -EINVAL, "control is NULL, or its size is not what HMM_CONTROL_INIT sets");
	body.verb = what.verb;
	body.pid = what.pid;
	body.addr = what.addr;
	body.end = what.end;
	body.tier = given(what.tier);
	body.name = given(what.name);
	body.key = given(what.key);
	body.value = given(what.value);
	body.flags = what.flags;
	r = op_start(c, &m, false, ret_op);
	client_leave(c);
	return r;
}

int hmm_subscribe(struct hmm_client *c)
{
	Hmmd__Subscribe body = HMMD__SUBSCRIBE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(SUBSCRIBE, subscribe, &body);
	struct request req = { .take = NULL };
	int r = client_enter(c);

	if (r)
		return r;
	r = wire_call(c, &req, &m, NULL, 0, clock_after(WIRE_ANSWER_US));
	if (!r)
		c->session.subscribed = true;
	client_leave(c);
	return r;
}
