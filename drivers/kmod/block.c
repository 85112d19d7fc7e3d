// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks and the two kinds of list that they stand in. Links are indices, half the size of pointers
 * into what is one array anyway. A block is in exactly one pool, that of its number of free pages:
 * pool 512 are the FREE blocks, pool 0 the full ones, and a bitmap over pools 1..512 finds the
 * fullest block with room without a search. Blocks in use are also in the age list.
 */
#include "block.h"

#define MAP_WORDS (HMMDEV_HUGE_PAGES / 64)
#define POOLS (HMMDEV_HUGE_PAGES + 1)

struct link {
	u32 prev, next;
};

struct block {
	u64 map[MAP_WORDS];	/* CARVED: pages in use */
	u64 until_ns;
	u64 stamp;	/* when it became the youngest, 0: not in the age list */
	u16 used;	/* pages; FREE: 0 */
	bool whole;
};

struct hmmdev_blocks {
	u32 blocks;
	u32 whole_blocks, carved_blocks;
	bool retired;
	u64 used_pages;
	u64 clock;	/* counts what stamps are made of */
	u64 roomy[MAP_WORDS];	/* bit n - 1: pool n has blocks */
	struct block *block;
	struct link *pool;	/* of each block, then the heads of the pools */
	struct link *age;	/* of each block, then the head: next is the oldest */
};

static void list_start(struct link *links, u32 head)
{
	links[head].prev = head;
	links[head].next = head;
}

/* In between `before` and what follows it. */
static void list_insert(struct link *links, u32 before, u32 i)
{
	u32 after = links[before].next;

	links[i].prev = before;
	links[i].next = after;
	links[before].next = i;
	links[after].prev = i;
}

static void list_remove(struct link *links, u32 i)
{
	links[links[i].prev].next = links[i].next;
	links[links[i].next].prev = links[i].prev;
}

static u32 pool_head(const struct hmmdev_blocks *b, unsigned int free_pages)
{
	return b->blocks + free_pages;
}

static void pool_enter(struct hmmdev_blocks *b, u32 i)
{
	unsigned int free_pages = HMMDEV_HUGE_PAGES - b->block[i].used;

	list_insert(b->pool, pool_head(b, free_pages), i);
	if (free_pages)
		b->roomy[(free_pages - 1) / 64] |= 1ULL << (free_pages - 1) % 64;
}

static void pool_leave(struct hmmdev_blocks *b, u32 i)
{
	unsigned int free_pages = HMMDEV_HUGE_PAGES - b->block[i].used;
	u32 head = pool_head(b, free_pages);

	list_remove(b->pool, i);
	if (free_pages && b->pool[head].next == head)
		b->roomy[(free_pages - 1) / 64] &= ~(1ULL << (free_pages - 1) % 64);
}

static void age_enter(struct hmmdev_blocks *b, u32 i)
{
	list_insert(b->age, b->age[b->blocks].prev, i);
	b->block[i].stamp = ++b->clock;
}

static void age_leave(struct hmmdev_blocks *b, u32 i)
{
	list_remove(b->age, i);
	b->block[i].stamp = 0;
}

static void age_renew(struct hmmdev_blocks *b, u32 i)
{
	age_leave(b, i);
	age_enter(b, i);
}

static void count_kind(struct hmmdev_blocks *b, u32 i, u32 by)
{
	if (b->block[i].whole)
		b->whole_blocks += by;
	else if (b->block[i].used)
		b->carved_blocks += by;
}

/* The one place where a block changes: all books follow from `used` and `whole`. */
static void block_become(struct hmmdev_blocks *b, u32 i, unsigned int used, bool whole)
{
	struct block *block = &b->block[i];

	pool_leave(b, i);
	count_kind(b, i, -1U);
	if (!block->used && used)
		age_enter(b, i);
	else if (block->used && !used)
		age_leave(b, i);
	b->used_pages += used - (u64)block->used;
	block->used = (u16)used;
	block->whole = whole;
	count_kind(b, i, 1);
	pool_enter(b, i);
}

static int blocks_allocate(struct hmmdev_blocks *b)
{
	b->block = hmmdev_zalloc(sizeof(*b->block) * b->blocks);
	b->pool = hmmdev_zalloc(sizeof(*b->pool) * (b->blocks + POOLS));
	b->age = hmmdev_zalloc(sizeof(*b->age) * (b->blocks + 1));
	return b->block && b->pool && b->age ? 0 : -ENOMEM;
}

int hmmdev_blocks_new(u64 count, struct hmmdev_blocks **ret_blocks)
{
	struct hmmdev_blocks *b;
	u32 i;

	if (!count || count > HMMDEV_BLOCKS_MAX)
		return -EINVAL;
	b = hmmdev_zalloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->blocks = (u32)count;
	if (blocks_allocate(b)) {
		hmmdev_blocks_free(b);
		return -ENOMEM;
	}
	for (i = 0; i < POOLS; i++)
		list_start(b->pool, pool_head(b, i));
	list_start(b->age, b->blocks);
	for (i = b->blocks; i--;)
		pool_enter(b, i);
	*ret_blocks = b;
	return 0;
}

void hmmdev_blocks_free(struct hmmdev_blocks *b)
{
	if (!b)
		return;
	hmmdev_zfree(b->block);
	hmmdev_zfree(b->pool);
	hmmdev_zfree(b->age);
	hmmdev_zfree(b);
}

/* The smallest pool with blocks: 1..512, or 0 when there is no room at all. */
static unsigned int fullest_pool(const struct hmmdev_blocks *b)
{
	unsigned int w;

	for (w = 0; w < MAP_WORDS; w++)
		if (b->roomy[w])
			return w * 64 + hmmdev_lowest_bit(b->roomy[w]) + 1;
	return 0;
}

static unsigned int map_take(u64 *map)
{
	unsigned int w = 0, bit;

	while (!~map[w])
		w++;
	bit = hmmdev_lowest_bit(~map[w]);
	map[w] |= 1ULL << bit;
	return w * 64 + bit;
}

int hmmdev_blocks_take(struct hmmdev_blocks *b, unsigned int order, u64 until_ns, u64 *ret_page)
{
	unsigned int pool = order ? HMMDEV_HUGE_PAGES : fullest_pool(b);
	struct block *block;
	u32 i;

	if (order && order != HMMDEV_HUGE_ORDER)
		return -EINVAL;
	if (b->retired)
		return HMMDEV_BLOCKS_E_RETIRED;
	i = b->pool[pool_head(b, pool)].next;
	if (!pool || i >= b->blocks)
		return HMMDEV_BLOCKS_E_FULL;
	block = &b->block[i];
	if (!block->used || block->until_ns < until_ns)
		block->until_ns = until_ns;
	*ret_page = (u64)i * HMMDEV_HUGE_PAGES + (order ? 0 : map_take(block->map));
	block_become(b, i, order ? HMMDEV_HUGE_PAGES : block->used + 1U, order);
	age_renew(b, i);
	return 0;
}

/* The block of a page, or NULL when the device does not have it. */
static struct block *block_of(const struct hmmdev_blocks *b, u64 page)
{
	u64 i = page / HMMDEV_HUGE_PAGES;

	return i < b->blocks ? &b->block[i] : NULL;
}

static u32 number_of(const struct hmmdev_blocks *b, const struct block *block)
{
	return (u32)(block - b->block);
}

/* The pages of the block that are left in use, or -EINVAL. The map of a WHOLE block is empty. */
static int give_page(struct block *block, unsigned int page)
{
	u64 bit = 1ULL << page % 64;

	if (!(block->map[page / 64] & bit))
		return -EINVAL;
	block->map[page / 64] &= ~bit;
	return block->used - 1;
}

int hmmdev_blocks_give(struct hmmdev_blocks *b, u64 page, unsigned int order)
{
	struct block *block = block_of(b, page);
	int left = 0;

	if (!block || (order && (order != HMMDEV_HUGE_ORDER || page % HMMDEV_HUGE_PAGES ||
				 !block->whole)))
		return -EINVAL;
	if (!order)
		left = give_page(block, page % HMMDEV_HUGE_PAGES);
	if (left < 0)
		return left;
	block_become(b, number_of(b, block), (unsigned int)left, false);
	return 0;
}

int hmmdev_blocks_split(struct hmmdev_blocks *b, u64 page)
{
	struct block *block = block_of(b, page);

	if (!block || !block->used)
		return -EINVAL;
	if (!block->whole)
		return HMMDEV_BLOCKS_E_CARVED;
	memset(block->map, 0xff, sizeof(block->map));
	block_become(b, number_of(b, block), HMMDEV_HUGE_PAGES, false);
	return 0;
}

/* The block to look at first: after the one the walk passed last, or, if that moved, the oldest. */
static u32 resume(const struct hmmdev_blocks *b, const struct hmmdev_blocks_cursor *cursor)
{
	u32 i = cursor->block;

	if (!cursor->stamp || b->block[i].stamp != cursor->stamp)
		i = b->blocks;
	return b->age[i].next;
}

/*
 * The cursor stays before the block that is given out: that one is likely to be freed, and a cursor
 * on a freed block would begin again at the oldest.
 */
int hmmdev_blocks_oldest(const struct hmmdev_blocks *b, struct hmmdev_blocks_cursor *cursor,
			 u64 now_ns, u64 *ret_page)
{
	u32 i = resume(b, cursor);
	unsigned int seen;

	for (seen = 0; seen < HMMDEV_BLOCKS_SCAN; seen++, i = b->age[i].next) {
		const struct block *block = &b->block[i];

		if (i == b->blocks)
			return HMMDEV_BLOCKS_E_NONE;
		if (block->stamp > cursor->floor) {
			cursor->floor = block->stamp;
			if (block->until_ns <= now_ns) {
				*ret_page = (u64)i * HMMDEV_HUGE_PAGES;
				return 0;
			}
		}
		cursor->stamp = block->stamp;
		cursor->block = i;
	}
	return HMMDEV_BLOCKS_E_MORE;
}

/* The first page in use at or after `page` of a carved block, or 512. */
static unsigned int map_next(const u64 *map, unsigned int page)
{
	u64 word = map[page / 64] & ~0ULL << page % 64;
	unsigned int w = page / 64;

	while (!word && ++w < MAP_WORDS)
		word = map[w];
	return word ? w * 64 + hmmdev_lowest_bit(word) : HMMDEV_HUGE_PAGES;
}

/* The first head at or after page `at` of a block, or 512. */
static unsigned int head_next(const struct block *block, unsigned int at)
{
	if (block->whole)
		return at ? HMMDEV_HUGE_PAGES : 0;
	return map_next(block->map, at);
}

int hmmdev_blocks_next_head(const struct hmmdev_blocks *b, u64 page, u64 end, u64 *ret_page,
			    unsigned int *ret_order)
{
	while (page < end) {
		const struct block *block = block_of(b, page);
		unsigned int at = page % HMMDEV_HUGE_PAGES, head;

		if (!block)
			break;
		head = head_next(block, at);
		page += head - at;
		if (head < HMMDEV_HUGE_PAGES && page < end) {
			*ret_page = page;
			*ret_order = block->whole ? HMMDEV_HUGE_ORDER : 0;
			return 0;
		}
	}
	return HMMDEV_BLOCKS_E_NONE;
}

void hmmdev_blocks_retire(struct hmmdev_blocks *b)
{
	b->retired = true;
}

void hmmdev_blocks_revive(struct hmmdev_blocks *b)
{
	b->retired = false;
}

void hmmdev_blocks_count(const struct hmmdev_blocks *b, struct hmmdev_blocks_count *ret_count)
{
	*ret_count = (struct hmmdev_blocks_count){
		.bytes = b->blocks * HMMDEV_HUGE_SIZE,
		.free_bytes = b->blocks * HMMDEV_HUGE_SIZE - b->used_pages * HMMDEV_PAGE_SIZE,
		.blocks = b->blocks,
		.free_blocks = b->blocks - b->whole_blocks - b->carved_blocks,
		.whole_blocks = b->whole_blocks,
		.carved_blocks = b->carved_blocks,
	};
}
