// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl reload: the daemon reads its configuration again. */
#include "libclient/ctl/ctl.h"

int verb_reload(struct ctl *c)
{
	struct hmm_control control = HMM_CONTROL_INIT;

	control.verb = HMM_CONTROL_RELOAD;
	return ctl_change(c, &control, "configuration applied");
}
