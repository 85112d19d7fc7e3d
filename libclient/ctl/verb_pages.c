// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl pages: where each part of a process's managed memory is. */
#include "libclient/ctl/ctl.h"
#include "libclient/ctl/span.h"

static const struct view_column columns[] = {
	{ "range", "RANGE", SHOW_UNIT }, { "addr", "ADDRESS", SHOW_UNIT }, { "size", "SIZE", SHOW_UNIT },
	{ "state", "STATE", SHOW_UNIT }, { "tier", "TIER", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no managed memory that was touched", NULL };

int verb_pages(struct ctl *c)
{
	int32_t number;

	if (span_parse_pid(c->word[0], &number) < 0)
		return ctl_usage(c, "'%.40s' is no process id", c->word[0]);
	return ctl_list(c, "pages", c->word[0], &view);
}
