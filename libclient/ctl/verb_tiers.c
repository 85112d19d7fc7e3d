// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl tiers: the map of tiers, for printing. */
#include "libclient/ctl/ctl.h"

static const struct view_column columns[] = {
	{ "index", "INDEX", SHOW_UNIT }, { "name", "TIER", SHOW_UNIT }, { "kind", "KIND", SHOW_UNIT },
	{ "nodes", "NODES", SHOW_UNIT }, { "device", "DEVICE", SHOW_UNIT },
	{ "state", "STATE", SHOW_UNIT }, { "capacity", "CAPACITY", SHOW_UNIT },
	{ "high", "HIGH", SHOW_UNIT }, { "low", "LOW", SHOW_UNIT },
	{ "demotes_to", "DEMOTES TO", SHOW_UNIT }, { "read_bandwidth", "READS", SHOW_UNIT },
	{ "read_latency_ns", "LATENCY", SHOW_UNIT }, { "distances", "DISTANCES", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no tiers", NULL };

int verb_tiers(struct ctl *c)
{
	return ctl_list(c, "tiers", NULL, &view);
}
