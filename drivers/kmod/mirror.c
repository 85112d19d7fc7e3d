// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mirror's tables. A word is 0, an entry (bit 0 set), or the address of the table below, whose
 * bit 0 is never set; so one array of 512 words serves every level, and a table is exactly a page.
 * Levels are counted from the pages up: a word of level n spans 512^n pages.
 */
#include "mirror.h"

#define BITS_OF_LEVEL 9
#define WORDS (1U << BITS_OF_LEVEL)
#define BITS_OF_LEVELS(levels) (HMMDEV_PAGE_SHIFT + BITS_OF_LEVEL * (levels))

struct table {
	u64 word[WORDS];
};

struct hmmdev_mirror {
	struct table *root;
	unsigned int top;	/* level of the root */
	u64 last;		/* page of the address space */
	u64 tables;		/* root included */
};

static struct table *table_of(u64 word)
{
	return word & HMMDEV_ENTRY_VALID ? NULL : (struct table *)(uintptr_t)word;
}

static u64 word_of(const struct table *t)
{
	return (u64)(uintptr_t)t;
}

static unsigned int shift_of(unsigned int level)
{
	return BITS_OF_LEVEL * level;
}

static u64 *word_at(struct table *t, unsigned int level, u64 vpn)
{
	return &t->word[vpn >> shift_of(level) & (WORDS - 1)];
}

/* The table of that level on the way to vpn, or NULL. */
static struct table *table_at(const struct hmmdev_mirror *m, unsigned int level, u64 vpn)
{
	struct table *t = m->root;
	unsigned int at;

	for (at = m->top; t && at > level; at--)
		t = table_of(*word_at(t, at, vpn));
	return t;
}

int hmmdev_mirror_new(unsigned int bits, struct hmmdev_mirror **ret_mirror)
{
	struct hmmdev_mirror *m;

	if (bits != BITS_OF_LEVELS(HMMDEV_MIRROR_MAX_LEVELS) &&
	    bits != BITS_OF_LEVELS(HMMDEV_MIRROR_MAX_LEVELS - 1))
		return -EINVAL;
	m = hmmdev_zalloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->root = hmmdev_zalloc(sizeof(*m->root));
	if (!m->root) {
		hmmdev_zfree(m);
		return -ENOMEM;
	}
	m->top = (bits - HMMDEV_PAGE_SHIFT) / BITS_OF_LEVEL - 1;
	m->last = (1ULL << (bits - HMMDEV_PAGE_SHIFT)) - 1;
	m->tables = 1;
	*ret_mirror = m;
	return 0;
}

void hmmdev_mirror_free(struct hmmdev_mirror *m)
{
	if (!m)
		return;
	hmmdev_mirror_drop(m, 0, m->last);
	hmmdev_zfree(m->root);
	hmmdev_zfree(m);
}

int hmmdev_mirror_stash_fill(struct hmmdev_mirror_stash *stash, u64 count)
{
	while (stash->count < count) {
		struct table *t = hmmdev_zalloc(sizeof(*t));

		if (!t)
			return -ENOMEM;
		t->word[0] = word_of(stash->first);
		stash->first = t;
		stash->count++;
	}
	return 0;
}

static struct table *stash_take(struct hmmdev_mirror_stash *stash)
{
	struct table *t = stash->first;

	if (!t)
		return NULL;
	stash->first = table_of(t->word[0]);
	stash->count--;
	t->word[0] = 0;
	return t;
}

void hmmdev_mirror_stash_free(struct hmmdev_mirror_stash *stash)
{
	while (stash->first)
		hmmdev_zfree(stash_take(stash));
}

/* Links the tables below one level. How many are missing, those below missing ones included. */
static u64 link_below(struct hmmdev_mirror *m, u64 first, u64 last, unsigned int level,
		      struct hmmdev_mirror_stash *stash)
{
	unsigned int shift = shift_of(level);
	u64 missing = 0, i;

	for (i = first >> shift; i <= last >> shift; i++) {
		struct table *t = table_at(m, level, i << shift), *below;
		u64 *word = t ? word_at(t, level, i << shift) : NULL;

		if (word && table_of(*word))
			continue;
		below = word ? stash_take(stash) : NULL;
		if (below) {
			*word = word_of(below);
			m->tables++;
		} else {
			missing++;
		}
	}
	return missing;
}

int hmmdev_mirror_link(struct hmmdev_mirror *m, u64 first, u64 last, unsigned int level,
		       struct hmmdev_mirror_stash *stash, u64 *ret_missing)
{
	u64 missing = 0;
	unsigned int at;

	if (level > 1 || first > last || last > m->last)
		return -EINVAL;
	for (at = m->top; at > level; at--)
		missing += link_below(m, first, last, at, stash);
	if (!missing)
		return 0;
	*ret_missing = missing;
	return HMMDEV_MIRROR_E_MISSING;
}

int hmmdev_mirror_set(struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry e)
{
	struct table *t;

	if (!hmmdev_entry_valid(e) || vpn > m->last)
		return -EINVAL;
	t = table_at(m, 0, vpn);
	if (!t)
		return HMMDEV_MIRROR_E_MISSING;
	*word_at(t, 0, vpn) = e.raw;
	return 0;
}

static void table_free(struct hmmdev_mirror *m, struct table *t)
{
	hmmdev_zfree(t);
	m->tables--;
}

int hmmdev_mirror_set_huge(struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry e)
{
	struct table *t, *below;
	u64 *word;

	if (!hmmdev_entry_valid(e) || hmmdev_entry_order(e) != HMMDEV_HUGE_ORDER ||
	    (hmmdev_entry_pfn(e) | vpn) % HMMDEV_HUGE_PAGES || vpn > m->last)
		return -EINVAL;
	t = table_at(m, 1, vpn);
	if (!t)
		return HMMDEV_MIRROR_E_MISSING;
	word = word_at(t, 1, vpn);
	below = table_of(*word);
	if (below)
		table_free(m, below);
	*word = e.raw;
	return 0;
}

int hmmdev_mirror_get(const struct hmmdev_mirror *m, u64 vpn, struct hmmdev_entry *ret_entry)
{
	struct table *t = vpn > m->last ? NULL : table_at(m, 1, vpn);
	struct hmmdev_entry e = { 0 };

	if (t)
		e.raw = *word_at(t, 1, vpn);
	if (hmmdev_entry_valid(e))
		e.raw += (vpn % HMMDEV_HUGE_PAGES) << 12;
	else if (e.raw)
		e.raw = *word_at(table_of(e.raw), 0, vpn);
	if (!e.raw)
		return HMMDEV_MIRROR_E_NONE;
	*ret_entry = e;
	return 0;
}

struct walk {
	struct hmmdev_mirror *drop;	/* free empty tables of it; NULL: keep them */
	bool zap;
	struct hmmdev_mirror_count count;
};

/* `pages` of the entry lie in the range; but zapping loses all that the entry spans. */
static void walk_entry(struct walk *w, u64 *word, unsigned int level, u64 pages)
{
	struct hmmdev_entry e = { .raw = *word };

	if (w->zap) {
		*word = 0;
		pages = 1ULL << shift_of(level);
	}
	w->count.pages += pages;
	if (hmmdev_entry_excl(e))
		w->count.excl += pages;
}

static bool table_empty(const struct table *t)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (t->word[i])
			return false;
	return true;
}

/* As deep as there are levels. [first, last] lies within what the table spans. */
static void walk_table(struct walk *w, struct table *t, unsigned int level, u64 first, u64 last)
{
	unsigned int shift = shift_of(level);
	u64 span = 1ULL << shift, start;

	for (start = first & ~(span - 1); start <= last; start += span) {
		u64 from = start < first ? first : start;
		u64 to = last - start < span ? last : start + span - 1;
		u64 *word = word_at(t, level, start);
		struct table *below = table_of(*word);

		if (*word & HMMDEV_ENTRY_VALID)
			walk_entry(w, word, level, to - from + 1);
		if (!below)
			continue;
		walk_table(w, below, level - 1, from, to);
		if (w->drop && table_empty(below)) {
			table_free(w->drop, below);
			*word = 0;
		}
	}
}

static struct hmmdev_mirror_count walk(struct walk *w, const struct hmmdev_mirror *m, u64 first,
				       u64 last)
{
	if (last > m->last)
		last = m->last;
	if (first <= last)
		walk_table(w, m->root, m->top, first, last);
	return w->count;
}

struct hmmdev_mirror_count hmmdev_mirror_clear(struct hmmdev_mirror *m, u64 first, u64 last)
{
	return walk(&(struct walk){ .zap = true }, m, first, last);
}

struct hmmdev_mirror_count hmmdev_mirror_drop(struct hmmdev_mirror *m, u64 first, u64 last)
{
	return walk(&(struct walk){ .zap = true, .drop = m }, m, first, last);
}

struct hmmdev_mirror_count hmmdev_mirror_count(const struct hmmdev_mirror *m, u64 first, u64 last)
{
	return walk(&(struct walk){ .zap = false }, m, first, last);
}

static bool next_excl(const struct table *t, unsigned int level, u64 first, u64 last, u64 *ret_vpn)
{
	u64 span = 1ULL << shift_of(level), start;

	for (start = first & ~(span - 1); start <= last; start += span) {
		u64 from = start < first ? first : start;
		u64 to = last - start < span ? last : start + span - 1;
		const u64 *word = word_at((struct table *)t, level, start);
		struct hmmdev_entry e = { .raw = *word };
		const struct table *below = table_of(*word);

		*ret_vpn = from;
		if (hmmdev_entry_valid(e) && hmmdev_entry_excl(e))
			return true;
		if (below && next_excl(below, level - 1, from, to, ret_vpn))
			return true;
	}
	return false;
}

int hmmdev_mirror_next_excl(const struct hmmdev_mirror *m, u64 first, u64 last, u64 *ret_vpn)
{
	u64 vpn;

	if (last > m->last)
		last = m->last;
	if (first > last || !next_excl(m->root, m->top, first, last, &vpn))
		return HMMDEV_MIRROR_E_NONE;
	*ret_vpn = vpn;
	return 0;
}

u64 hmmdev_mirror_tables(const struct hmmdev_mirror *m)
{
	return m->tables;
}
