// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl status: one line of health, the tiers, then faults and moves. Every figure says what it
 * counts and since when; a rate and a total never stand in the same place.
 */
#include <json-c/json.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/text.h"

static const struct view_column columns[] = {
	{ "name", "TIER", SHOW_UNIT }, { "kind", "KIND", SHOW_UNIT }, { "node", "NODE", SHOW_UNIT },
	{ "device", "DEVICE", SHOW_UNIT }, { "state", "STATE", SHOW_UNIT },
	{ "capacity", "CAPACITY", SHOW_UNIT }, { "used", "USED", SHOW_UNIT },
	{ "free", "FREE", SHOW_UNIT }, { "in_per_second", "IN", SHOW_UNIT },
	{ "out_per_second", "OUT", SHOW_UNIT }, { "holders", "HELD BY (PID)", SHOW_SHARE }, { 0 }
};
static const struct view tier_view = { columns, "no tiers", NULL };

static void print_health(const struct hmm_table *t)
{
	view_line("hmmd {version}, pid {pid}: {health}", t, 0, stdout);
	if (table_has(t, 0, "reason"))
		view_line(", {reason}", t, 0, stdout);
	if (table_number(t, 0, "dry_run"))
		fputs(" (dry run: decides, but moves nothing)", stdout);
	view_line("\nup {uptime_us}, clients {clients}, ranges {ranges}: {managed_bytes} managed "
		  "({resident_bytes} in memory, {device_bytes} on devices), {adopted_bytes} adopted, "
		  "backing {backing}\n", t, 0, stdout);
}

static void print_faults(const struct hmm_table *t)
{
	view_line("faults     {faults_per_second} now; since start {faults}: {faults_zero} first touches, "
		  "{faults_fill} fills, {aborted_dirty} aborted evictions\n"
		  "waits      p50 {fault_p50_us}, p99 {fault_p99_us} (first touches and fills, since start)\n"
		  "moved      since start: {filled_bytes} filled by faults, {prefetched_bytes} ahead of use, "
		  "{evicted_bytes} evicted, {node_moved_bytes} between nodes\n", t, 0, stdout);
	if (table_number(t, 0, "waiting"))
		view_line("waiting    now for {waiting} pages, the longest for {waiting_us}: {waiting_for}, see hmmctl clients\n",
			  t, 0, stdout);
	view_line(table_has(t, 0, "throttled") ? "throttled  {throttled}\n" : "throttled  nothing\n", t, 0,
		  stdout);
	if (table_number(t, 0, "lost_pages"))
		view_line("lost       {lost_pages} huge pages could not be read back, see hmmctl events\n",
			  t, 0, stdout);
}

static void print_json(const struct hmm_table *status, const struct hmm_table *tiers)
{
	struct json_object *o = must(json_object_new_object());

	json_object_object_add(o, "status", view_json_row(status, 0));
	json_object_object_add(o, "tiers", view_json(tiers));
	view_json_print(o, stdout);
}

int verb_status(struct ctl *c)
{
	struct hmm_table *status = NULL, *tiers = NULL;
	int r = ctl_query(c, "status", NULL, &status);

	if (r == CTL_DONE)
		r = ctl_query(c, "tiers", NULL, &tiers);
	if (r == CTL_DONE && !hmm_table_rows(status)) {
		r = ctl_fail(c, "the daemon sent an empty status");
	} else if (r == CTL_DONE && c->json) {
		print_json(status, tiers);
	} else if (r == CTL_DONE) {
		print_health(status);
		putchar('\n');
		view_print(&tier_view, tiers, stdout);
		putchar('\n');
		print_faults(status);
	}
	hmm_table_free(status);
	hmm_table_free(tiers);
	return r;
}
