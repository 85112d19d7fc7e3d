// SPDX-License-Identifier: GPL-2.0-or-later
/* The naive allocator: everything is found by looking at every page. */
#include "tests/unit/kmod/block_model.h"

enum { FREE, SINGLE, HEAD, TAIL };

#define NEED(condition) do { if (!(condition)) return #condition; } while (0)
#define TRY(call) do { const char *wrong = (call); if (wrong) return wrong; } while (0)

static unsigned int used_in(const struct block_model *m, unsigned int block)
{
	return m->used[block];
}

static bool is_whole(const struct block_model *m, unsigned int block)
{
	return m->page[block * 512] == HEAD;
}

static const char *same_count(const struct block_model *m)
{
	struct hmmdev_blocks_count want = {
		.blocks = BLOCK_MODEL_BLOCKS,
		.bytes = BLOCK_MODEL_PAGES * 4096ULL,
	}, got;
	unsigned int block;

	for (block = 0; block < BLOCK_MODEL_BLOCKS; block++) {
		unsigned int used = used_in(m, block);

		want.free_bytes += (512 - used) * 4096ULL;
		want.free_blocks += !used;
		want.whole_blocks += is_whole(m, block);
		want.carved_blocks += used && !is_whole(m, block);
	}
	hmmdev_blocks_count(m->real, &got);
	NEED(got.bytes == want.bytes && got.blocks == want.blocks);
	NEED(got.free_bytes == want.free_bytes);
	NEED(got.free_blocks == want.free_blocks);
	NEED(got.whole_blocks == want.whole_blocks);
	NEED(got.carved_blocks == want.carved_blocks);
	return NULL;
}

static const char *same_heads(const struct block_model *m)
{
	u64 page = 0, at;
	unsigned int order;

	for (at = 0; at < BLOCK_MODEL_PAGES; at++) {
		if (m->page[at] == FREE || m->page[at] == TAIL)
			continue;
		NEED(!hmmdev_blocks_next_head(m->real, page, BLOCK_MODEL_PAGES, &page, &order));
		NEED(page == at);
		NEED(order == (m->page[at] == HEAD ? 9 : 0));
		page++;
	}
	NEED(hmmdev_blocks_next_head(m->real, page, U64_MAX, &page, &order) ==
	     HMMDEV_BLOCKS_E_NONE);
	return NULL;
}

/* Used pages of the fullest block that has room for one, -1: none has. */
static int fullest(const struct block_model *m)
{
	int block, most = -1;

	for (block = 0; block < BLOCK_MODEL_BLOCKS; block++) {
		int used = (int)used_in(m, (unsigned int)block);

		if (used < 512 && used > most)
			most = used;
	}
	return most;
}

static bool has_free_block(const struct block_model *m)
{
	unsigned int block;

	for (block = 0; block < BLOCK_MODEL_BLOCKS; block++)
		if (!used_in(m, block))
			return true;
	return false;
}

static void taken(struct block_model *m, unsigned int block, u64 until)
{
	if (!used_in(m, block) || m->until[block] < until)
		m->until[block] = until;
	m->age[block] = ++m->clock;
}

static const char *take_page(struct block_model *m, u64 until)
{
	int most = fullest(m), rc;
	u64 page = 0;

	rc = hmmdev_blocks_take(m->real, 0, until, &page);
	NEED(rc == (m->retired ? HMMDEV_BLOCKS_E_RETIRED : most < 0 ? HMMDEV_BLOCKS_E_FULL : 0));
	if (rc)
		return NULL;
	NEED(page < BLOCK_MODEL_PAGES && m->page[page] == FREE);
	NEED(used_in(m, (unsigned int)page / 512) == (unsigned int)most);
	taken(m, (unsigned int)page / 512, until);
	m->page[page] = SINGLE;
	m->used[page / 512]++;
	return NULL;
}

static const char *take_whole(struct block_model *m, u64 until)
{
	u64 page = 0;
	int rc = hmmdev_blocks_take(m->real, 9, until, &page);

	NEED(rc == (m->retired ? HMMDEV_BLOCKS_E_RETIRED :
		    has_free_block(m) ? 0 : HMMDEV_BLOCKS_E_FULL));
	if (rc)
		return NULL;
	NEED(page < BLOCK_MODEL_PAGES && page % 512 == 0);
	NEED(!used_in(m, (unsigned int)page / 512));
	taken(m, (unsigned int)page / 512, until);
	memset(&m->page[page], TAIL, 512);
	m->used[page / 512] = 512;
	m->page[page] = HEAD;
	return NULL;
}

static const char *give(struct block_model *m, u64 page, unsigned int order)
{
	bool right = page < BLOCK_MODEL_PAGES &&
		     ((order == 0 && m->page[page] == SINGLE) ||
		      (order == 9 && m->page[page] == HEAD));
	int rc = hmmdev_blocks_give(m->real, page, order);

	NEED(rc == (right ? 0 : -EINVAL));
	if (!right)
		return NULL;
	memset(&m->page[page], FREE, 1UL << order);
	m->used[page / 512] -= 1U << order;
	return NULL;
}

static const char *give_pages(struct block_model *m, u32 arg)
{
	unsigned int left = 1 + arg % 100, i;

	for (i = 0; i < BLOCK_MODEL_PAGES && left; i++) {
		unsigned int page = (arg + i) % BLOCK_MODEL_PAGES;

		if (m->page[page] != SINGLE)
			continue;
		TRY(give(m, page, 0));
		left--;
	}
	return NULL;
}

static const char *give_head(struct block_model *m, u32 arg)
{
	unsigned int i;

	for (i = 0; i < BLOCK_MODEL_PAGES; i++) {
		unsigned int page = (arg + i) % BLOCK_MODEL_PAGES;

		if (m->page[page] == SINGLE || m->page[page] == HEAD)
			return give(m, page, m->page[page] == HEAD ? 9 : 0);
	}
	return NULL;
}

static const char *split(struct block_model *m, u64 page)
{
	unsigned int block = (unsigned int)page / 512;
	int rc = hmmdev_blocks_split(m->real, page);

	if (page >= BLOCK_MODEL_PAGES || !used_in(m, block)) {
		NEED(rc == -EINVAL);
	} else if (!is_whole(m, block)) {
		NEED(rc == HMMDEV_BLOCKS_E_CARVED);
	} else {
		NEED(rc == 0);
		memset(&m->page[block * 512], SINGLE, 512);
	}
	return NULL;
}

/* The oldest block in use above an age whose time is over, or BLOCK_MODEL_BLOCKS. */
static unsigned int oldest_above(const struct block_model *m, u64 age, u64 now)
{
	unsigned int block, found = BLOCK_MODEL_BLOCKS;

	for (block = 0; block < BLOCK_MODEL_BLOCKS; block++)
		if (used_in(m, block) && m->age[block] > age && m->until[block] <= now &&
		    (found == BLOCK_MODEL_BLOCKS || m->age[block] < m->age[found]))
			found = block;
	return found;
}

/*
 * Between two steps of a walk the block that it found, or any other, is given back or takes a page; what
 * comes next does not depend on it.
 */
static const char *disturb(struct block_model *m, unsigned int found, u32 how)
{
	unsigned int block = how % 2 ? found : how / 4 % BLOCK_MODEL_BLOCKS;

	if (how % 4 < 2 && is_whole(m, block))
		return give(m, block * 512, 9);
	if (how % 8 < 4)
		return take_page(m, how);
	return NULL;
}

static const char *walk(struct block_model *m, u32 now)
{
	struct hmmdev_blocks_cursor cursor = { 0 };
	u64 page = 0, age = 0;
	unsigned int steps;

	for (steps = 0; steps < 2 * BLOCK_MODEL_BLOCKS; steps++) {
		unsigned int want = oldest_above(m, age, now);
		int rc = hmmdev_blocks_oldest(m->real, &cursor, now, &page);

		NEED(rc == (want < BLOCK_MODEL_BLOCKS ? 0 : HMMDEV_BLOCKS_E_NONE));
		if (rc)
			return NULL;
		NEED(page == want * 512);
		age = m->age[want];
		TRY(disturb(m, want, now + steps * 3));
	}
	return NULL;
}

static const char *step(struct block_model *m, enum block_model_op op, u32 arg)
{
	unsigned int n;

	switch (op) {
	case BLOCK_TAKE_PAGES:
		for (n = 1 + arg % 100; n--;)
			TRY(take_page(m, arg));
		return NULL;
	case BLOCK_TAKE_WHOLE:
		return take_whole(m, arg);
	case BLOCK_GIVE_PAGES:
		return give_pages(m, arg);
	case BLOCK_GIVE_HEAD:
		return give_head(m, arg);
	case BLOCK_GIVE_ANY:
		return give(m, arg, arg % 3 ? 0 : 9);
	case BLOCK_SPLIT:
		return split(m, arg);
	case BLOCK_RETIRE:
		m->retired = !(arg % 4);
		(m->retired ? hmmdev_blocks_retire : hmmdev_blocks_revive)(m->real);
		return NULL;
	default:
		return walk(m, arg);
	}
}

const char *block_model_start(struct block_model *m)
{
	memset(m, 0, sizeof(*m));
	NEED(!hmmdev_blocks_new(BLOCK_MODEL_BLOCKS, &m->real));
	return same_count(m);
}

const char *block_model_step(struct block_model *m, enum block_model_op op, u32 arg)
{
	TRY(step(m, op, arg));
	TRY(same_count(m));
	return same_heads(m);
}

void block_model_end(struct block_model *m)
{
	hmmdev_blocks_free(m->real);
}
