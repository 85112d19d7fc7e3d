// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl migrate: moves memory of a process to a tier. */
#include "libclient/ctl/ctl.h"

int verb_migrate(struct ctl *c)
{
	struct hmm_control control = HMM_CONTROL_INIT;
	int status = ctl_span(c, c->word[0], &control);

	if (status != CTL_DONE)
		return status;
	if (!c->args.to)
		return ctl_usage(c, "--to TIER is missing; `hmmctl tiers` lists the tiers");
	control.verb = HMM_CONTROL_MIGRATE;
	control.tier = c->args.to;
	return ctl_move(c, &control, c->args.given & ARGS_WAIT);
}
