// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Address spaces (space.h): their birth and death, look-ups, pins. Ranges come and go in
 * space_range.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/core/world.h"

static const struct {
	const char *text;
	int error;
} refusals[] = {
	[0] = { "not refused", 0 },
	[SPACE_E_OVERLAP] = { "overlaps another range", EEXIST },
	[SPACE_E_QUOTA] = { "over the quota of this user", EDQUOT },
	[SPACE_E_FULL] = { "the tiers have no room that is not promised already", ENOSPC },
	[SPACE_E_POLICY] = { "no such policy", ENOENT },
	[SPACE_E_TIER] = { "no such tier", ENOENT },
	[SPACE_E_NONE] = { "no such range", ENOENT },
	[SPACE_E_STATE] = { "the range is mapped already", EBUSY },
	[SPACE_E_TABLES] = { "no room for the page table", ENOSPC },
	[SPACE_E_LEDGER] = { "the share of this user of the state directory is used up", EDQUOT },
	[SPACE_E_STATE_FULL] = { "the state directory is full", ENOSPC },
	[SPACE_E_STORE] = { "the descriptor store of the service manager is full (FileDescriptorStoreMax=)", ENOSPC },
	[SPACE_E_STORED] = { "the share of this user of the service manager's descriptor store is used up", EDQUOT },
	[SPACE_E_EXCESS] = { "over the quota of this user, with memory in the files of its ranges that hmmd has not put there",
			     EDQUOT },
};

static unsigned int refusal_index(int refusal)
{
	return refusal > 0 && refusal < (int)(sizeof(refusals) / sizeof(*refusals))
		       ? (unsigned int)refusal
		       : 0;
}

const char *space_refusal_text(int refusal)
{
	return refusals[refusal_index(refusal)].text;
}

int space_refusal_errno(int refusal)
{
	return refusals[refusal_index(refusal)].error;
}

static int tables_init(struct space *s, void *mirror_arena, void *owner_arena, uint32_t max_tables,
		       uint32_t tables, bool adopt)
{
	int rc = radix_init(&s->mirror, mirror_arena, max_tables, tables, adopt);

	if (rc < 0)
		return rc;
	rc = radix_init(&s->owners, owner_arena, max_tables, tables, false);
	if (rc < 0)
		return rc;
	return btree_new(&s->by_addr);
}

/* Also for a half-built one. */
static struct space *space_destroy(struct space *s)
{
	s->by_addr = btree_free(s->by_addr);
	radix_done(&s->owners);
	radix_done(&s->mirror);
	charge_give(&s->clients);
	charge_give(&s->tables);
	charge_give(&s->records);
	charge_give(&s->stored);
	list_remove(&s->in_world);
	free(s);
	return NULL;
}

int space_new(struct space **ret, struct world *w, uint64_t client, int32_t pid, uint32_t uid,
	      void *mirror_arena, void *owner_arena, uint32_t max_tables, uint32_t tables,
	      bool adopt)
{
	struct space *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->client = client;
	s->pid = pid;
	s->uid = uid;
	s->uffd = s->driver = s->gate_fd = -1;
	s->world = w;
	s->recovering = adopt;
	list_init(&s->ranges);
	list_init(&s->in_world);
	heat_window_init(&s->window);
	s->account = world_account(w, uid);
	if (!s->account)
		return space_destroy(s), -ENOMEM;
	/* What an earlier daemon had is there already. */
	if (adopt)
		charge_force(&s->clients, s->account, ACCOUNT_CLIENTS, 1);
	else if (charge_take(&s->clients, s->account, ACCOUNT_CLIENTS, 1))
		return space_destroy(s), SPACE_E_QUOTA;
	rc = adopt ? 0 : space_ledger_take(s, (uint64_t)tables * LEDGER_TABLE_SIZE);
	if (rc)
		return space_destroy(s), rc;
	if (adopt)
		charge_force(&s->tables, s->account, ACCOUNT_LEDGER, (uint64_t)tables * LEDGER_TABLE_SIZE);
	rc = tables_init(s, mirror_arena, owner_arena, max_tables, tables, adopt);
	if (rc < 0)
		return space_destroy(s), rc;
	s->account->refs++;
	list_append(&w->spaces, &s->in_world);
	*ret = s;
	return 0;
}

struct space *space_free(struct space *s)
{
	if (!s)
		return NULL;
	assert(s->n_ranges == 0);
	s->account->refs--;
	return space_destroy(s);
}

int space_ledger_take(struct space *s, uint64_t bytes)
{
	return charge_take(&s->tables, s->account, ACCOUNT_LEDGER, bytes) ? SPACE_E_LEDGER : 0;
}

void space_ledger_give(struct space *s, uint64_t bytes)
{
	charge_shrink(&s->tables, bytes);
}

int space_records(struct space *s, uint64_t bytes)
{
	uint64_t before = s->records.amount;

	if (bytes < before)
		charge_shrink(&s->records, before - bytes);
	else if (s->recovering)
		charge_force(&s->records, s->account, ACCOUNT_LEDGER, bytes - before);
	else if (charge_take(&s->records, s->account, ACCOUNT_LEDGER, bytes - before))
		return SPACE_E_LEDGER;
	return 0;
}

struct range *space_find_id(struct space *s, uint64_t id)
{
	struct range *r = idmap_get(s->world->ranges, id);

	return r && r->space == s ? r : NULL;
}

struct range *space_find_addr(struct space *s, uint64_t addr)
{
	return btree_find(s->by_addr, addr);
}

int space_pin(struct range *r, uint64_t bytes)
{
	struct tier *t;
	uint64_t most;

	if (!r->pinned_bytes)
		r->pin_tier = r->home;
	t = &r->space->world->tiers[r->pin_tier];
	most = tier_capacity(t) / 100 * PIN_SHARE;
	if (t->pinned > most || bytes > most - t->pinned)
		return SPACE_E_FULL;
	if (charge_take(&r->pinned, r->space->account, ACCOUNT_PINNED, bytes))
		return SPACE_E_QUOTA;
	t->pinned += bytes;
	r->pinned_bytes += bytes;
	return 0;
}

void space_pin_again(struct range *r, uint64_t bytes)
{
	if (!r->pinned_bytes)
		r->pin_tier = r->home;
	charge_force(&r->pinned, r->space->account, ACCOUNT_PINNED, bytes);
	r->space->world->tiers[r->pin_tier].pinned += bytes;
	r->pinned_bytes += bytes;
}

void space_unpin(struct range *r, uint64_t bytes)
{
	charge_shrink(&r->pinned, bytes);
	r->space->world->tiers[r->pin_tier].pinned -= bytes;
	r->pinned_bytes -= bytes;
}

radix_word *space_word(const struct space *s, uint64_t addr)
{
	return radix_find(&s->mirror, addr >> LEDGER_PAGE_SHIFT);
}

struct range *space_owner(const struct space *s, uint64_t addr)
{
	radix_word *word = radix_find(&s->owners, addr >> LEDGER_PAGE_SHIFT);

	return word ? (struct range *)(uintptr_t)atomic_load_explicit(word, memory_order_acquire)
		    : NULL;
}

void space_held_up(struct space *s, bool held_up)
{
	struct world *w = s->world;

	if (held_up == s->held_up)
		return;
	s->held_up = held_up;
	w->held_moves += held_up ? s->op_moves : -s->op_moves;
	w->held_weight += held_up ? s->op_weight : -s->op_weight;
}

void space_reclaim(struct space *s)
{
	radix_reclaim(&s->mirror);
	radix_reclaim(&s->owners);
}

void space_recovered(struct space *s)
{
	radix_sweep(&s->mirror);
	radix_keep(&s->mirror, &s->owners);
	s->recovering = false;
}
