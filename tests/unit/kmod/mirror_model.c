// SPDX-License-Identifier: GPL-2.0-or-later
/* The naive mirror: entries and tables are found by looking at all of them. */
#include "tests/unit/kmod/mirror_model.h"

#define NEED(condition) do { if (!(condition)) return #condition; } while (0)
#define TRY(call) do { const char *wrong = (call); if (wrong) return wrong; } while (0)

struct span {
	u64 first, last;
};

static u64 vpn_of(const struct mirror_model *m, u32 page)
{
	return m->vpn[page];
}

/* `length` pages from `page` on, cut at the end of the island. */
static struct span span_of(const struct mirror_model *m, struct mirror_model_args a)
{
	u32 left = MIRROR_MODEL_ISLAND_PAGES - a.page % MIRROR_MODEL_ISLAND_PAGES;
	u32 length = 1 + a.length % (2 * 512);
	u64 first = vpn_of(m, a.page);

	return (struct span){ first, first + (length < left ? length : left) - 1 };
}

static bool in(struct span s, u64 vpn)
{
	return vpn >= s.first && vpn <= s.last;
}

static bool is_huge(u64 raw)
{
	struct hmmdev_entry e = { raw };

	return hmmdev_entry_order(e) == 9;
}

static int find_table(const struct mirror_model *m, unsigned int level, u64 index)
{
	unsigned int i;

	for (i = 0; i < m->tables; i++)
		if (m->table[i].level == level && m->table[i].index == index)
			return (int)i;
	return -1;
}

static bool has_table(const struct mirror_model *m, unsigned int level, u64 vpn)
{
	return level == m->top || find_table(m, level, vpn >> 9 * (level + 1)) >= 0;
}

static void remove_table(struct mirror_model *m, int i)
{
	if (i >= 0)
		m->table[i] = m->table[--m->tables];
}

static bool table_is_empty(const struct mirror_model *m, const struct mirror_model_table *t)
{
	unsigned int shift = 9 * (t->level + 1), i;
	u32 page;

	for (i = 0; i < m->tables; i++)
		if (m->table[i].level + 1 == t->level && m->table[i].index >> 9 == t->index)
			return false;
	for (page = 0; page < MIRROR_MODEL_PAGES; page++)
		if (m->raw[page] && vpn_of(m, page) >> shift == t->index)
			return false;
	return true;
}

static const char *same_page(const struct mirror_model *m, u32 page)
{
	struct hmmdev_entry e = { .raw = 0 };
	int rc = hmmdev_mirror_get(m->real, vpn_of(m, page), &e);

	NEED(rc == (m->raw[page] ? 0 : HMMDEV_MIRROR_E_NONE));
	NEED(e.raw == m->raw[page]);
	return NULL;
}

static struct hmmdev_mirror_count count_in(const struct mirror_model *m, struct span s)
{
	struct hmmdev_mirror_count count = { 0 };
	u32 page;

	for (page = 0; page < MIRROR_MODEL_PAGES; page++) {
		struct hmmdev_entry e = { m->raw[page] };

		if (!in(s, vpn_of(m, page)))
			continue;
		count.pages += hmmdev_entry_valid(e);
		count.excl += hmmdev_entry_excl(e);
	}
	return count;
}

static const char *same_next(const struct mirror_model *m, struct span s)
{
	u64 next = U64_MAX, want = U64_MAX;
	u32 page;

	for (page = 0; page < MIRROR_MODEL_PAGES; page++)
		if (in(s, vpn_of(m, page)) && hmmdev_entry_excl((struct hmmdev_entry){ m->raw[page] }) &&
		    vpn_of(m, page) < want)
			want = vpn_of(m, page);
	NEED(hmmdev_mirror_next_excl(m->real, s.first, s.last, &next) ==
	     (want == U64_MAX ? HMMDEV_MIRROR_E_NONE : 0));
	NEED(next == want);
	return NULL;
}

static const char *same_sums(const struct mirror_model *m, struct span s)
{
	struct hmmdev_mirror_count want = count_in(m, s);
	struct hmmdev_mirror_count got = hmmdev_mirror_count(m->real, s.first, s.last);

	NEED(got.pages == want.pages);
	NEED(got.excl == want.excl);
	NEED(hmmdev_mirror_tables(m->real) == m->tables + 1);
	return same_next(m, s);
}

/* Huge entries that reach into the span widen it on both sides. */
static struct span widened(const struct mirror_model *m, struct span s)
{
	struct span wide = s;
	u32 page;

	for (page = 0; page < MIRROR_MODEL_PAGES; page++) {
		u64 start = vpn_of(m, page) & ~511ULL;

		if (!is_huge(m->raw[page]) || start > s.last || start + 511 < s.first)
			continue;
		wide.first = start < wide.first ? start : wide.first;
		wide.last = start + 511 > wide.last ? start + 511 : wide.last;
	}
	return wide;
}

/* The span itself, and huge entries entirely that reach into it. */
static struct hmmdev_mirror_count zap(struct mirror_model *m, struct span s)
{
	struct span wide = widened(m, s);
	struct hmmdev_mirror_count count = { 0 };
	u32 page;

	for (page = 0; page < MIRROR_MODEL_PAGES; page++) {
		struct hmmdev_entry e = { m->raw[page] };
		u64 vpn = vpn_of(m, page);

		if (!e.raw || !in(is_huge(e.raw) ? wide : s, vpn))
			continue;
		count.pages++;
		count.excl += hmmdev_entry_excl(e);
		m->raw[page] = 0;
	}
	return count;
}

static void drop_tables(struct mirror_model *m, struct span s)
{
	unsigned int level, i;

	for (level = 0; level < m->top; level++)
		for (i = m->tables; i--;) {
			struct mirror_model_table t = m->table[i];
			u64 start = t.index << 9 * (level + 1);
			u64 end = (t.index + 1) << 9 * (level + 1);

			if (t.level == level && start <= s.last && end > s.first &&
			    table_is_empty(m, &t))
				remove_table(m, (int)i);
		}
}

static const char *same_zap(struct mirror_model *m, struct span s, bool drop)
{
	struct hmmdev_mirror_count want = zap(m, s);
	struct hmmdev_mirror_count got = (drop ? hmmdev_mirror_drop : hmmdev_mirror_clear)(
		m->real, s.first, s.last);

	if (drop)
		drop_tables(m, s);
	NEED(got.pages == want.pages);
	NEED(got.excl == want.excl);
	return NULL;
}

static const char *set(struct mirror_model *m, u32 page, u32 value)
{
	struct hmmdev_entry e = hmmdev_entry_make(value * 7919ULL, value, value % 9);
	int rc = hmmdev_mirror_set(m->real, vpn_of(m, page), e);

	NEED(rc == (has_table(m, 0, vpn_of(m, page)) ? 0 : HMMDEV_MIRROR_E_MISSING));
	if (!rc)
		m->raw[page] = e.raw;
	return same_page(m, page);
}

static const char *set_run(struct mirror_model *m, struct mirror_model_args a)
{
	u32 i;

	for (i = 0; i <= a.length % 64; i++)
		TRY(set(m, (a.page + i) % MIRROR_MODEL_PAGES, a.value + i));
	return NULL;
}

static const char *set_huge(struct mirror_model *m, struct mirror_model_args a)
{
	u32 page = a.page & ~511U, i;
	u64 vpn = vpn_of(m, page);
	struct hmmdev_entry e = hmmdev_entry_make(a.value * 512ULL, a.value, 9);
	int rc = hmmdev_mirror_set_huge(m->real, vpn, e);

	NEED(rc == (has_table(m, 1, vpn) ? 0 : HMMDEV_MIRROR_E_MISSING));
	if (rc)
		return NULL;
	remove_table(m, find_table(m, 0, vpn >> 9));
	for (i = 0; i < 512; i++)
		m->raw[page + i] = hmmdev_entry_make(a.value * 512ULL + i, a.value, 9).raw;
	return NULL;
}

static const char *set_wrong(struct mirror_model *m, struct mirror_model_args a)
{
	u64 beyond = 1ULL << 9 * (m->top + 1), vpn = vpn_of(m, a.page & ~511U);
	struct hmmdev_entry none = { .raw = 0 }, huge = hmmdev_entry_make(512, 0, 9);
	struct hmmdev_entry e = { .raw = 42 };

	NEED(hmmdev_mirror_set(m->real, vpn, none) == -EINVAL);
	NEED(hmmdev_mirror_set(m->real, beyond + a.page, huge) == -EINVAL);
	NEED(hmmdev_mirror_set_huge(m->real, vpn, none) == -EINVAL);
	NEED(hmmdev_mirror_set_huge(m->real, vpn + 1, huge) == -EINVAL);
	NEED(hmmdev_mirror_set_huge(m->real, vpn, hmmdev_entry_make(512, 0, 8)) == -EINVAL);
	NEED(hmmdev_mirror_set_huge(m->real, vpn, hmmdev_entry_make(511, 0, 9)) == -EINVAL);
	NEED(hmmdev_mirror_set_huge(m->real, beyond, huge) == -EINVAL);
	NEED(hmmdev_mirror_get(m->real, beyond + vpn, &e) == HMMDEV_MIRROR_E_NONE && e.raw == 42);
	NEED(hmmdev_mirror_clear(m->real, beyond, U64_MAX).pages == 0);
	return NULL;
}

/* Links in the order that is promised, top down, with `stock` tables. How many are missing. */
static u64 link_naively(struct mirror_model *m, struct span s, unsigned int level, u64 stock)
{
	u64 missing = 0, i;
	unsigned int at;

	for (at = m->top; at-- > level;)
		for (i = s.first >> 9 * (at + 1); i <= s.last >> 9 * (at + 1); i++) {
			u64 vpn = i << 9 * (at + 1);

			if (has_table(m, at, vpn))
				continue;
			if (!stock || !has_table(m, at + 1, vpn)) {
				missing++;
				continue;
			}
			stock--;
			m->table[m->tables++] = (struct mirror_model_table){ at, i };
			if (!at)	/* a huge entry in the way is lost */
				zap(m, (struct span){ vpn, vpn + 511 });
		}
	return missing;
}

static const char *link_once(struct mirror_model *m, struct span s, unsigned int level,
			     struct hmmdev_mirror_stash *stash, u64 *ret_missing)
{
	u64 want = link_naively(m, s, level, stash->count), got = 0;
	int rc = hmmdev_mirror_link(m->real, s.first, s.last, level, stash, &got);

	NEED(rc == (want ? HMMDEV_MIRROR_E_MISSING : 0));
	NEED(got == want);
	*ret_missing = got;
	return NULL;
}

static const char *link_some(struct mirror_model *m, struct mirror_model_args a)
{
	struct hmmdev_mirror_stash stash = { 0 };
	const char *wrong;
	u64 missing, beyond = 1ULL << 9 * (m->top + 1);

	NEED(hmmdev_mirror_link(m->real, 1, 0, 0, &stash, &missing) == -EINVAL);
	NEED(hmmdev_mirror_link(m->real, 0, 0, 2, &stash, &missing) == -EINVAL);
	NEED(hmmdev_mirror_link(m->real, 0, beyond, 0, &stash, &missing) == -EINVAL);
	NEED(!hmmdev_mirror_stash_fill(&stash, a.value % 4));
	wrong = link_once(m, span_of(m, a), a.value / 4 % 2, &stash, &missing);
	hmmdev_mirror_stash_free(&stash);
	return wrong;
}

/* As the header says, with an invalidation or an unmap in between, as another thread's may come. */
static const char *link_all(struct mirror_model *m, struct mirror_model_args a)
{
	struct hmmdev_mirror_stash stash = { 0 };
	const char *wrong;
	u64 missing;

	while (!(wrong = link_once(m, span_of(m, a), a.value % 2, &stash, &missing)) && missing) {
		if (hmmdev_mirror_stash_fill(&stash, missing))
			return "memory for tables";
		wrong = same_zap(m, span_of(m, a), a.value & 2);
		a.value &= ~2U;
		if (wrong)
			break;
	}
	hmmdev_mirror_stash_free(&stash);
	return wrong;
}

static const char *step(struct mirror_model *m, enum mirror_model_op op, struct mirror_model_args a)
{
	switch (op) {
	case MIRROR_SET:
		return set(m, a.page, a.value);
	case MIRROR_SET_RUN:
		return set_run(m, a);
	case MIRROR_SET_HUGE:
		return set_huge(m, a);
	case MIRROR_SET_WRONG:
		return set_wrong(m, a);
	case MIRROR_LINK:
		return link_all(m, a);
	case MIRROR_LINK_SOME:
		return link_some(m, a);
	case MIRROR_CLEAR:
		return same_zap(m, span_of(m, a), false);
	case MIRROR_DROP:
		return same_zap(m, span_of(m, a), true);
	case MIRROR_DROP_ALL:
		return same_zap(m, (struct span){ 0, U64_MAX }, true);
	default:
		return same_sums(m, span_of(m, a));
	}
}

const char *mirror_model_start(struct mirror_model *m, unsigned int bits)
{
	u64 pages = 1ULL << (bits - 12);
	const u64 base[MIRROR_MODEL_ISLANDS] = {
		0,
		pages / 2 - 512,	/* across a border of all levels */
		pages - MIRROR_MODEL_ISLAND_PAGES,
	};
	u32 page;

	memset(m, 0, sizeof(*m));
	m->top = (bits - 12) / 9 - 1;
	for (page = 0; page < MIRROR_MODEL_PAGES; page++)
		m->vpn[page] = base[page / MIRROR_MODEL_ISLAND_PAGES] +
			       page % MIRROR_MODEL_ISLAND_PAGES;
	NEED(!hmmdev_mirror_new(bits, &m->real));
	return same_sums(m, (struct span){ 0, U64_MAX });
}

const char *mirror_model_compare(const struct mirror_model *m)
{
	u32 page;

	for (page = 0; page < MIRROR_MODEL_PAGES; page++)
		TRY(same_page(m, page));
	return NULL;
}

const char *mirror_model_step(struct mirror_model *m, enum mirror_model_op op,
			      struct mirror_model_args a)
{
	u32 i;

	a.page %= MIRROR_MODEL_PAGES;
	TRY(step(m, op, a));
	for (i = 0; i < 8; i++)
		TRY(same_page(m, (a.page + i * a.length) % MIRROR_MODEL_PAGES));
	return same_sums(m, (struct span){ 0, U64_MAX });
}

void mirror_model_end(struct mirror_model *m)
{
	hmmdev_mirror_free(m->real);
}
