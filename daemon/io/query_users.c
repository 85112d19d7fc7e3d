// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Topic users: what each user is charged for, beside its quota; a limit that is not there is empty. What its programs
 * have put into their files by themselves counts in a tier, which stands beside it. One row per user that holds
 * anything. The cursor is the place in the list of accounts.
 */
#include "daemon/io/daemon.h"
#include "daemon/io/query.h"
#include "daemon/io/session_own.h"

static const struct column columns[] = {
	{ "uid", UNIT_NUMBER },
	{ "connections", UNIT_NUMBER },	 { "connections_limit", UNIT_NUMBER },
	{ "ranges", UNIT_NUMBER },	 { "ranges_limit", UNIT_NUMBER },
	{ "managed_bytes", UNIT_BYTES }, { "managed_limit_bytes", UNIT_BYTES },
	{ "adopted_bytes", UNIT_BYTES }, { "adopted_limit_bytes", UNIT_BYTES },
	{ "pinned_bytes", UNIT_BYTES },	 { "pinned_limit_bytes", UNIT_BYTES },
	{ "operations", UNIT_NUMBER },	 { "operations_limit", UNIT_NUMBER },
	{ "ledger_bytes", UNIT_BYTES },	 { "ledger_limit_bytes", UNIT_BYTES },
	{ "queued_bytes", UNIT_BYTES },	 { "queued_limit_bytes", UNIT_BYTES },
	{ "stored", UNIT_NUMBER },	 { "stored_limit", UNIT_NUMBER },
	{ "excess_bytes", UNIT_BYTES },	 { "excess_tier", UNIT_TEXT },
};
static const enum account_what shown[] = {
	ACCOUNT_CLIENTS, ACCOUNT_RANGES, ACCOUNT_MANAGED, ACCOUNT_ADOPTED, ACCOUNT_PINNED,
	ACCOUNT_OPS,	 ACCOUNT_LEDGER, ACCOUNT_QUEUED,  ACCOUNT_STORED,
};

static bool sees(const struct query *q, const struct account *a)
{
	uint64_t sum = a->excess.charged;

	for (unsigned int i = 0; i < ACCOUNT_KINDS; i++)
		sum |= a->used[i];
	return sum && (q->session->control || a->uid == q->session->peer.uid);
}

/* false: the page is full. */
static bool add_user(struct query *q, const struct account *a)
{
	if (!table_row(q->table))
		return false;
	table_number(q->table, a->uid);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		table_number(q->table, a->used[shown[i]]);
		/* Of numbers 32 bits hold the limit, of sizes 64: both have a last value that means none. */
		table_number_if(q->table, a->limit[shown[i]] != UINT32_MAX && a->limit[shown[i]] != UINT64_MAX,
				a->limit[shown[i]]);
	}
	table_number(q->table, a->excess.charged);
	table_text(q->table, a->excess.charged ? q->daemon->world->tiers[a->excess.tier].config.name : NULL);
	return table_row_end(q->table);
}

static int query_users(struct query *q)
{
	uint64_t place = 0;

	LIST_EACH(pos, &q->daemon->world->accounts) {
		const struct account *a = container_of(pos, struct account, in_world);

		if (place++ < q->cursor || !sees(q, a))
			continue;
		if (!add_user(q, a)) {
			q->next_cursor = place - 1;
			break;
		}
	}
	return 0;
}

const struct topic topic_users = { .name = "users", .fn = query_users, TOPIC_COLUMNS(columns) };
