// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl users: what each user is charged for. The limits are in the JSON and in hmmd.conf(5). */
#include "libclient/ctl/ctl.h"

static const struct view_column columns[] = {
	{ "uid", "UID", SHOW_UNIT }, { "connections", "CONNECTIONS", SHOW_UNIT },
	{ "ranges", "RANGES", SHOW_UNIT }, { "managed_bytes", "MANAGED", SHOW_UNIT },
	{ "adopted_bytes", "ADOPTED", SHOW_UNIT }, { "pinned_bytes", "PINNED", SHOW_UNIT },
	{ "operations", "OPERATIONS", SHOW_UNIT }, { "ledger_bytes", "LEDGER", SHOW_UNIT },
	{ "ledger_limit_bytes", "OF", SHOW_UNIT }, { "queued_bytes", "QUEUED", SHOW_UNIT },
	{ "stored", "STORED", SHOW_UNIT }, { "excess_bytes", "EXCESS", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no user holds anything", "you hold nothing" };

int verb_users(struct ctl *c)
{
	return ctl_list(c, "users", NULL, &view);
}
