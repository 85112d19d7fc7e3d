// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl drain and undrain: empty a tier, use it again. */
#include "libclient/ctl/ctl.h"

int verb_drain(struct ctl *c)
{
	struct hmm_control control = HMM_CONTROL_INIT;

	control.verb = HMM_CONTROL_DRAIN;
	control.tier = c->word[0];
	control.flags = c->args.given & ARGS_KEEP ? HMM_CONTROL_KEEP : 0;
	return ctl_move(c, &control, true);
}

int verb_undrain(struct ctl *c)
{
	struct hmm_control control = HMM_CONTROL_INIT;

	control.verb = HMM_CONTROL_UNDRAIN;
	control.tier = c->word[0];
	return ctl_change(c, &control, "in use again");
}
