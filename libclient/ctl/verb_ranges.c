// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl ranges: what each client registered, and where its pages are. */
#include "libclient/ctl/ctl.h"
#include "libclient/ctl/span.h"

static const struct view_column columns[] = {
	{ "pid", "PID", SHOW_UNIT }, { "range", "RANGE", SHOW_UNIT }, { "name", "NAME", SHOW_UNIT },
	{ "kind", "KIND", SHOW_UNIT }, { "addr", "ADDRESS", SHOW_UNIT }, { "size", "SIZE", SHOW_UNIT },
	{ "untouched_bytes", "UNTOUCHED", SHOW_UNIT }, { "pinned_bytes", "PINNED", SHOW_UNIT },
	{ "lost_bytes", "LOST", SHOW_UNIT }, { "policy", "POLICY", SHOW_UNIT },
	{ "advice", "ADVICE", SHOW_UNIT }, { "heat", "HEAT", SHOW_UNIT },
	{ "tiers", "NOW IN", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no ranges", "no ranges of yours" };

int verb_ranges(struct ctl *c)
{
	const char *pid = c->n_words ? c->word[0] : NULL;
	int32_t number;

	if (pid && span_parse_pid(pid, &number) < 0)
		return ctl_usage(c, "'%.40s' is no process id", pid);
	return ctl_list(c, "ranges", pid, &view);
}
