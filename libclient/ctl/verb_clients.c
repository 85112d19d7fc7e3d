// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl clients: who holds how much, where. */
#include "libclient/ctl/ctl.h"
#include "libclient/ctl/span.h"

static const struct view_column columns[] = {
	{ "pid", "PID", SHOW_UNIT }, { "uid", "UID", SHOW_UNIT }, { "unit", "UNIT", SHOW_UNIT },
	{ "program", "PROGRAM", SHOW_UNIT }, { "name", "NAME", SHOW_UNIT },
	{ "state", "STATE", SHOW_UNIT }, { "ranges", "RANGES", SHOW_UNIT },
	{ "managed_bytes", "MANAGED", SHOW_UNIT }, { "adopted_bytes", "ADOPTED", SHOW_UNIT },
	{ "pinned_bytes", "PINNED", SHOW_UNIT }, { "faults", "FAULTS", SHOW_UNIT },
	{ "aborted_dirty", "ABORTS", SHOW_UNIT }, { "waiting", "WAITING", SHOW_UNIT },
	{ "waiting_us", "LONGEST", SHOW_UNIT }, { "waiting_for", "FOR", SHOW_UNIT },
	{ "tiers", "NOW IN", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no client holds memory", "no client of yours holds memory" };

int verb_clients(struct ctl *c)
{
	const char *pid = c->n_words ? c->word[0] : NULL;
	int32_t number;

	if (pid && span_parse_pid(pid, &number) < 0)
		return ctl_usage(c, "'%.40s' is no process id", pid);
	return ctl_list(c, "clients", pid, &view);
}
