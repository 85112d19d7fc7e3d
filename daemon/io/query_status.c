// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Topics status and version: one row each. Counts of moves and faults are the crew's, which makes
 * them.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/rates.h"
#include "daemon/io/resume.h"
#include "daemon/io/session_own.h"
#include "daemon/io/unreadable.h"
#include "daemon/io/version.h"
#include "daemon/io/waits.h"

static const struct column columns[] = {
	{ "health", UNIT_TEXT },
	{ "reason", UNIT_TEXT },
	{ "version", UNIT_TEXT },
	{ "pid", UNIT_NUMBER },
	{ "uptime_us", UNIT_US },
	{ "dry_run", UNIT_BOOL },
	{ "backing", UNIT_TEXT },
	{ "clients", UNIT_NUMBER },
	{ "ranges", UNIT_NUMBER },
	{ "managed_bytes", UNIT_BYTES },
	{ "adopted_bytes", UNIT_BYTES },
	{ "resident_bytes", UNIT_BYTES },
	{ "device_bytes", UNIT_BYTES },
	{ "faults", UNIT_NUMBER },
	{ "faults_zero", UNIT_NUMBER },
	{ "faults_fill", UNIT_NUMBER },
	{ "aborted_dirty", UNIT_NUMBER },
	{ "faults_per_second", UNIT_PER_SECOND },
	{ "fault_p50_us", UNIT_US },
	{ "fault_p99_us", UNIT_US },
	{ "filled_bytes", UNIT_BYTES },
	{ "prefetched_bytes", UNIT_BYTES },
	{ "evicted_bytes", UNIT_BYTES },
	{ "node_moved_bytes", UNIT_BYTES },
	{ "lost_pages", UNIT_NUMBER },
	{ "throttled", UNIT_TEXT },
	{ "throttled_moves", UNIT_NUMBER },
	{ "events", UNIT_NUMBER },
	{ "waiting", UNIT_NUMBER },
	{ "waiting_us", UNIT_US },
	{ "waiting_for", UNIT_TEXT },
	{ "recovering_clients", UNIT_NUMBER },
	{ "recovering_pages", UNIT_NUMBER },
	{ "sees_all", UNIT_BOOL },
};

struct totals {
	uint64_t clients, ranges, managed, adopted;
	uint64_t resident, device;			/* bytes there now */
	uint64_t throttled_moves;
	uint64_t waiting;				/* pages */
	const struct space *longest;			/* whose threads wait longest; NULL: nobody's do */
	uint64_t longest_us;
};

static void count(struct daemon *d, struct totals *ret)
{
	const struct world *w = d->world;
	uint64_t now_us = daemon_now_us(d);

	*ret = (struct totals){ .longest = waits_look(d, now_us) };
	if (ret->longest)
		ret->longest_us = wait_sum_us(&ret->longest->waiting.now, now_us);
	LIST_EACH(pos, &w->spaces) {
		const struct space *s = container_of(pos, struct space, in_world);

		ret->clients += s->n_ranges > 0;
		ret->ranges += s->n_ranges;
		ret->waiting += s->waiting.now.pages;
		ret->managed += s->managed_bytes;
		ret->adopted += s->adopted_bytes;
	}
	for (unsigned int i = 0; i < w->n_tiers; i++) {
		const struct tier *t = &w->tiers[i];

		*(tier_is_resident(t) ? &ret->resident : &ret->device) +=
			tier_used(t);
	}
	for (unsigned int i = 0; i < w->n_policies; i++)
		ret->throttled_moves += w->policies[i].budget.refused;
}

static void why_tiers(const struct daemon *d, char *buf, size_t size)
{
	for (unsigned int i = 0; i < d->world->n_tiers && !buf[0]; i++) {
		const struct tier *t = &d->world->tiers[i];

		if (t->state == TIER_FAILED || atomic_load(&d->devices[i].failed))
			snprintf(buf, size, "tier %s has failed", t->config.name);
	}
	for (unsigned int i = 0; i < d->world->n_tiers && !buf[0]; i++) {
		const struct tier *t = &d->world->tiers[i];

		if (atomic_load(&t->shortage.on))
			snprintf(buf, size, "tier %s has %llu of %llu MiB: %s", t->config.name,
				 (unsigned long long)(tier_capacity(t) >> 20),
				 (unsigned long long)(tier_promised(t) >> 20),
				 d->short_of[i].text[0] ? d->short_of[i].text
							: wait_reason_text(atomic_load(&t->shortage.reason)));
	}
}

/* "" when all is well. */
static void why_degraded(const struct query *q, const struct totals *t, uint64_t lost_pages, char *buf, size_t size)
{
	const struct daemon *d = q->daemon;
	char who[QUERY_WHO];

	buf[0] = '\0';
	if (d->stopping) {
		snprintf(buf, size, "hmmd brings the pages back before it ends");
		return;
	}
	why_tiers(d, buf, size);
	if (!buf[0] && t->longest && t->longest_us >= WAIT_LONG_US)
		snprintf(buf, size, "%s has waited for %.1f s: %s", query_who(q, t->longest, who, sizeof(who)),
			 (double)t->longest_us / 1e6, wait_reason_text(t->longest->waiting.now.reason));
	if (!buf[0] && crew_stuck(d->crew))
		snprintf(buf, size, "%u of the fault threads make no progress", crew_stuck(d->crew));
	if (!buf[0])
		(void)unreadable_count(d, buf, size);
	if (!buf[0] && lost_pages)
		snprintf(buf, size, "%llu pages could not be read back",
			 (unsigned long long)lost_pages);
	if (!buf[0] && d->backing == HMMD__BACKING__BACKING_BASE)
		snprintf(buf, size, "managed memory has no huge pages: %s", d->backing_reason);
}

/* Nothing is wrong then, but somebody waits. */
static void why_waiting(struct daemon *d, char *buf, size_t size)
{
	uint64_t clients, pages;

	resume_progress(d, &clients, &pages);
	if (!buf[0] && clients)
		snprintf(buf, size, "%llu clients of an earlier hmmd wait, %llu pages are not at rest yet",
			 (unsigned long long)clients, (unsigned long long)pages);
}

static const char *backing_name(uint32_t backing)
{
	switch (backing) {
	case HMMD__BACKING__BACKING_HUGETLB:
		return "hugetlb";
	case HMMD__BACKING__BACKING_THP:
		return "thp";
	}
	return "small";
}

static void throttled(struct query *q)
{
	const struct world *w = q->daemon->world;
	char text[512];
	size_t n = 0;

	for (unsigned int i = 0; i < w->n_policies && n < sizeof(text); i++)
		if (w->policies[i].throttled)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%spolicy %s: %s",
					      n ? "; " : "", w->policies[i].config.name,
					      w->policies[i].throttled);
	table_text(q->table, n ? text : NULL);
}

static void write_faults(struct query *q, const struct crew_counters *c)
{
	uint64_t p50 = latency_percentile_ns(&c->latency, 50),
		 p99 = latency_percentile_ns(&c->latency, 99);

	table_number(q->table, c->faults);
	table_number(q->table, c->zeros);
	table_number(q->table, c->fills);
	table_number(q->table, c->aborts);
	table_number(q->table, rates_faults(q->daemon));
	table_number_if(q->table, p50, p50 / 1000);
	table_number_if(q->table, p99, p99 / 1000);
}

static void write_moved(struct query *q, const struct crew_counters *c, const struct totals *t)
{
	table_number(q->table, c->filled_bytes);
	table_number(q->table, c->prefetched_bytes);
	table_number(q->table, c->evicted_bytes);
	table_number(q->table, c->node_moved_bytes);
	table_number(q->table, c->lost_pages);
	throttled(q);
	table_number(q->table, t->throttled_moves);
	table_number(q->table, events_last(q->daemon->world->events));
}

static void write_waits(struct query *q, const struct totals *t)
{
	table_number(q->table, t->waiting);
	table_number_if(q->table, t->longest, t->longest_us);
	table_text(q->table, t->longest ? wait_reason_code(t->longest->waiting.now.reason) : NULL);
}

static void write_holdings(struct query *q, const struct totals *t)
{
	table_number(q->table, t->clients);
	table_number(q->table, t->ranges);
	table_number(q->table, t->managed);
	table_number(q->table, t->adopted);
	table_number(q->table, t->resident);
	table_number(q->table, t->device);
}

static void write_recovery(struct query *q)
{
	uint64_t clients, pages;

	resume_progress(q->daemon, &clients, &pages);
	table_number(q->table, clients);
	table_number(q->table, pages);
}

static int query_status(struct query *q)
{
	struct daemon *d = q->daemon;
	struct crew_counters counters;
	struct totals totals;
	char reason[256];

	if (q->cursor || !table_row(q->table))
		return 0;
	count(d, &totals);
	crew_counters(d->crew, &counters);
	why_degraded(q, &totals, counters.lost_pages, reason, sizeof(reason));
	table_text(q->table, d->stopping ? "stopping" : reason[0] ? "degraded" : "ok");
	why_waiting(d, reason, sizeof(reason));
	table_text(q->table, reason[0] ? reason : NULL);
	table_text(q->table, HMMD_VERSION);
	table_number(q->table, (uint64_t)getpid());
	table_number(q->table, daemon_now_us(d) - d->started_us);
	table_number(q->table, d->world->dry_run);
	table_text(q->table, backing_name(d->backing));
	write_holdings(q, &totals);
	write_faults(q, &counters);
	write_moved(q, &counters, &totals);
	write_waits(q, &totals);
	write_recovery(q);
	table_number(q->table, q->session->control);
	table_row_end(q->table);
	return 0;
}

const struct topic topic_status = { .name = "status", .fn = query_status, TOPIC_COLUMNS(columns) };

static const struct column version_columns[] = {
	{ "version", UNIT_TEXT },
	{ "protocol_min", UNIT_NUMBER },
	{ "protocol_max", UNIT_NUMBER },
	{ "pid", UNIT_NUMBER },
};

static int query_version(struct query *q)
{
	if (q->cursor || !table_row(q->table))
		return 0;
	table_text(q->table, HMMD_VERSION);
	table_number(q->table, HMM_LIMIT_VERSION_MIN);
	table_number(q->table, HMM_LIMIT_VERSION_MAX);
	table_number(q->table, (uint64_t)getpid());
	table_row_end(q->table);
	return 0;
}

const struct topic topic_version = { .name = "version",
				     .fn = query_version,
				     TOPIC_COLUMNS(version_columns) };
