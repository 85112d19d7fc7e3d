// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mirror's radix table (radix.h). The writer publishes a link with a release store after the
 * table is cleared, readers follow it with an acquire load, and an unlinked table keeps its zeros
 * until radix_reclaim(), so a reader that is still inside sees an empty page and no link.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/radix.h"

enum { RADIX_ROOT = 1, RADIX_FIRST = 2 /* first table that can be linked to */ };
/* A tree of three levels has no use for more: header, root, 512 directories, 512 * 512 leaves. */
#define RADIX_TABLES_MAX (2U + LEDGER_FANOUT + LEDGER_FANOUT * LEDGER_FANOUT)

static radix_word *table_word(const struct radix *r, uint32_t table, unsigned int index)
{
	return r->arena + (size_t)table * LEDGER_FANOUT + index;
}

static uint32_t word_name(uint32_t table, unsigned int index)
{
	return table * LEDGER_FANOUT + index;
}

int radix_init(struct radix *r, void *arena, uint32_t max_tables, uint32_t tables, bool adopt)
{
	if (tables < RADIX_FIRST || tables > max_tables || max_tables > RADIX_TABLES_MAX)
		return -EINVAL;
	r->info = calloc(max_tables, sizeof(*r->info));
	if (!r->info)
		return -ENOMEM;
	r->arena = arena;
	r->max_tables = max_tables;
	atomic_init(&r->tables, tables);
	r->used = adopt ? tables : RADIX_FIRST;
	r->free_tables = r->free_head = r->hollow_head = r->limbo_head = 0;
	r->adopting = adopt;
	return 0;
}

void radix_done(struct radix *r)
{
	free(r->info);
	r->info = NULL;
}

void radix_set_tables(struct radix *r, uint32_t tables)
{
	if (tables > r->max_tables)
		tables = r->max_tables;
	if (tables > atomic_load_explicit(&r->tables, memory_order_relaxed))
		atomic_store_explicit(&r->tables, tables, memory_order_release);
}

static uint32_t follow(const struct radix *r, const radix_word *word)
{
	uint64_t table = atomic_load_explicit(word, memory_order_acquire);

	if (table < RADIX_FIRST || table >= atomic_load_explicit(&r->tables, memory_order_acquire))
		return 0;
	return (uint32_t)table;
}

/*
 * The writer's look at a link: only tables that belong to it count. While adopting, the first link
 * to a table claims it.
 */
static uint32_t child_of(struct radix *r, uint32_t table, unsigned int index)
{
	uint32_t child = follow(r, table_word(r, table, index)), name = word_name(table, index);

	if (!child)
		return 0;
	if (r->adopting && child < r->used && !r->info[child].parent)
		r->info[child].parent = name;
	return r->info[child].parent == name ? child : 0;
}

static uint32_t tables_missing(struct radix *r, uint64_t first, uint64_t last)
{
	uint64_t leaf, seen = UINT64_MAX;
	uint32_t missing = 0, dir;

	for (leaf = first >> LEDGER_BITS; leaf <= last >> LEDGER_BITS; leaf++) {
		dir = child_of(r, RADIX_ROOT, leaf >> LEDGER_BITS);
		if (!dir && seen != leaf >> LEDGER_BITS)
			missing++;
		seen = leaf >> LEDGER_BITS;
		if (!dir || !child_of(r, dir, leaf & (LEDGER_FANOUT - 1)))
			missing++;
	}
	return missing;
}

static uint32_t table_take(struct radix *r)
{
	uint32_t table = r->free_head;
	unsigned int i;

	if (!table)
		return r->used++;
	r->free_head = r->info[table].next;
	r->free_tables--;
	for (i = 0; i < LEDGER_FANOUT; i++)
		atomic_store_explicit(table_word(r, table, i), 0, memory_order_relaxed);
	return table;
}

static uint32_t child_make(struct radix *r, uint32_t table, unsigned int index)
{
	uint32_t child = child_of(r, table, index);

	if (child)
		return child;
	child = table_take(r);
	r->info[child] = (struct radix_table){ .parent = word_name(table, index) };
	atomic_store_explicit(table_word(r, table, index), child, memory_order_release);
	return child;
}

/* The table that has the words of one leaf, and those that lead to it. There is room for them. */
static uint32_t leaf_make(struct radix *r, uint64_t leaf)
{
	uint32_t dir = child_make(r, RADIX_ROOT, leaf >> LEDGER_BITS);
	uint32_t table = child_make(r, dir, leaf & (LEDGER_FANOUT - 1));

	r->info[dir].users += !r->info[table].counted;
	r->info[table].counted = true;
	return table;
}

uint32_t radix_lacks(struct radix *r, uint64_t first, uint64_t last)
{
	uint32_t unused = atomic_load_explicit(&r->tables, memory_order_relaxed) - r->used;
	uint32_t missing = tables_missing(r, first, last), room = r->free_tables + unused;

	return missing > room ? missing - room : 0;
}

int radix_cover(struct radix *r, uint64_t first, uint64_t last)
{
	uint64_t leaf;

	if (radix_lacks(r, first, last))
		return RADIX_E_FULL;
	for (leaf = first >> LEDGER_BITS; leaf <= last >> LEDGER_BITS; leaf++)
		r->info[leaf_make(r, leaf)].users++;
	return 0;
}

int radix_make(struct radix *r, uint64_t vpn)
{
	if (radix_lacks(r, vpn, vpn))
		return RADIX_E_FULL;
	leaf_make(r, vpn >> LEDGER_BITS);
	return 0;
}

static void table_unlink(struct radix *r, uint32_t table)
{
	struct radix_table *info = &r->info[table];
	radix_word *link = r->arena + info->parent;

	atomic_store_explicit(link, 0, memory_order_release);
	*info = (struct radix_table){ .parent = RADIX_UNLINKED, .next = r->limbo_head };
	r->limbo_head = table;
}

static bool is_empty(const struct radix *r, uint32_t table)
{
	unsigned int i;

	for (i = 0; i < LEDGER_FANOUT; i++)
		if (atomic_load_explicit(table_word(r, table, i), memory_order_relaxed))
			return false;
	return true;
}

/*
 * A leaf that nobody covers and that says nothing is of no use, and so may be its directory. What is
 * of use is not known before the adoption has ended.
 */
static void leaf_put(struct radix *r, uint32_t dir, uint32_t table)
{
	if (r->adopting || r->info[table].users || !is_empty(r, table))
		return;
	table_unlink(r, table);
	if (!--r->info[dir].users)
		table_unlink(r, dir);
}

static void words_clear(struct radix *r, uint32_t table, uint64_t leaf, uint64_t first,
			uint64_t last)
{
	uint64_t vpn = leaf << LEDGER_BITS, end = vpn + LEDGER_FANOUT;

	if (vpn < first)
		vpn = first;
	for (; vpn < end && vpn <= last; vpn++)
		atomic_store_explicit(table_word(r, table, ledger_index(vpn, 0)), 0,
				      memory_order_release);
}

void radix_uncover(struct radix *r, uint64_t first, uint64_t last)
{
	uint32_t dir, table;
	uint64_t leaf;

	for (leaf = first >> LEDGER_BITS; leaf <= last >> LEDGER_BITS; leaf++) {
		dir = child_of(r, RADIX_ROOT, leaf >> LEDGER_BITS);
		table = child_of(r, dir, leaf & (LEDGER_FANOUT - 1));
		assert(dir && table && r->info[table].users);
		words_clear(r, table, leaf, first, last);
		r->info[table].users--;
		leaf_put(r, dir, table);
	}
}

uint64_t radix_next(const struct radix *r, uint64_t vpn, uint64_t last)
{
	uint32_t dir;
	unsigned int level;

	while (vpn <= last) {
		dir = follow(r, table_word(r, RADIX_ROOT, ledger_index(vpn, 2)));
		if (dir && follow(r, table_word(r, dir, ledger_index(vpn, 1))))
			return vpn;
		level = dir ? 1 : 2;
		vpn = ((vpn >> (LEDGER_BITS * level)) + 1) << (LEDGER_BITS * level);
	}
	return last + 1;
}

void radix_clear(struct radix *r, uint64_t first, uint64_t last)
{
	uint32_t dir, table;
	uint64_t vpn, leaf;

	for (vpn = first; (vpn = radix_next(r, vpn, last)) <= last; vpn = (leaf + 1) << LEDGER_BITS) {
		leaf = vpn >> LEDGER_BITS;
		dir = child_of(r, RADIX_ROOT, leaf >> LEDGER_BITS);
		table = dir ? child_of(r, dir, leaf & (LEDGER_FANOUT - 1)) : 0;
		if (!table)
			continue;
		words_clear(r, table, leaf, first, last);
		if (r->info[table].counted)
			leaf_put(r, dir, table);
	}
}

static void table_free(struct radix *r, uint32_t table)
{
	r->info[table].parent = RADIX_UNLINKED;
	r->info[table].next = r->free_head;
	r->free_head = table;
	r->free_tables++;
}

void radix_reclaim(struct radix *r)
{
	uint32_t table, next;

	for (table = r->limbo_head; table; table = next) {
		next = r->info[table].next;
		table_free(r, table);
	}
	r->limbo_head = 0;
}

uint32_t radix_hollow_out(struct radix *r)
{
	uint32_t table = r->free_head;

	if (!table)
		return 0;
	r->free_head = r->info[table].next;
	r->free_tables--;
	r->info[table].next = r->hollow_head;
	r->hollow_head = table;
	return table;
}

uint32_t radix_hollow(const struct radix *r)
{
	return r->hollow_head;
}

void radix_fill(struct radix *r)
{
	uint32_t table = r->hollow_head;

	r->hollow_head = r->info[table].next;
	table_free(r, table);
}

static bool in_use(const struct radix *r, uint32_t table)
{
	return r->info[table].users || r->info[table].counted;
}

/* A link that no surviving span has claimed is not followed again. */
static void links_sweep(struct radix *r, uint32_t table)
{
	uint32_t child, i;

	for (i = 0; i < LEDGER_FANOUT; i++) {
		child = follow(r, table_word(r, table, i));
		if (!child || r->info[child].parent != word_name(table, i) || !in_use(r, child))
			atomic_store_explicit(table_word(r, table, i), 0, memory_order_release);
	}
}

void radix_sweep(struct radix *r)
{
	uint32_t table, i;

	if (!r->adopting)
		return;
	links_sweep(r, RADIX_ROOT);
	for (i = 0; i < LEDGER_FANOUT; i++) {
		table = follow(r, table_word(r, RADIX_ROOT, i));
		if (table)
			links_sweep(r, table);
	}
	for (table = RADIX_FIRST; table < r->used; table++)
		if (!in_use(r, table) && r->info[table].parent != RADIX_UNLINKED)
			table_free(r, table);
	r->adopting = false;
}

static void leaf_keep(struct radix *r, uint32_t leaf, const struct radix *others, uint64_t vpn)
{
	radix_word *other = radix_find(others, vpn);
	uint32_t i;

	for (i = 0; i < LEDGER_FANOUT; i++)
		if (!other || !atomic_load_explicit(&other[i], memory_order_relaxed))
			atomic_store_explicit(table_word(r, leaf, i), 0, memory_order_release);
}

void radix_keep(struct radix *r, const struct radix *others)
{
	uint32_t dir, leaf, i, j;

	for (i = 0; i < LEDGER_FANOUT; i++) {
		dir = follow(r, table_word(r, RADIX_ROOT, i));
		for (j = 0; dir && j < LEDGER_FANOUT; j++) {
			leaf = follow(r, table_word(r, dir, j));
			if (leaf)
				leaf_keep(r, leaf, others, ((uint64_t)i << LEDGER_BITS | j) << LEDGER_BITS);
		}
	}
}

radix_word *radix_find(const struct radix *r, uint64_t vpn)
{
	uint32_t table = RADIX_ROOT;
	unsigned int level;

	if (vpn > LEDGER_VPN_LAST)
		return NULL;
	for (level = LEDGER_LEVELS - 1; level > 0; level--) {
		table = follow(r, table_word(r, table, ledger_index(vpn, level)));
		if (!table)
			return NULL;
	}
	return table_word(r, table, ledger_index(vpn, 0));
}
