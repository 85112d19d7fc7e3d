// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl pin and unpin: memory that stays where it is, and no longer. */
#include "libclient/ctl/ctl.h"

static int act(struct ctl *c, uint32_t verb)
{
	struct hmm_control control = HMM_CONTROL_INIT;
	int status = ctl_span(c, c->word[0], &control);

	if (status != CTL_DONE)
		return status;
	control.verb = verb;
	control.tier = c->args.to;
	return ctl_move(c, &control, true);
}

int verb_pin(struct ctl *c)
{
	return act(c, HMM_CONTROL_PIN);
}

int verb_unpin(struct ctl *c)
{
	return act(c, HMM_CONTROL_UNPIN);
}
