// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether memory is what can be adopted: private anonymous memory of this program, all of it there. The daemon takes
 * the program's word for it; what is something else it would list, and never move. What is no piece of address space
 * at all is left to the rules of the wire.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/mapping.h"
#include "proto/validate_field.h"

struct looker {
	int maps;
	struct mapping *list;	/* NULL: the kernel is asked */
	size_t n;
};

/* Where each look would read all mappings they are read once: memory may be of many pieces. */
static int begin(struct looker *l)
{
	*l = (struct looker){ .maps = mapping_open() };
	if (l->maps < 0 || mapping_is_quick(l->maps))
		return 0;
	return mapping_list(l->maps, &l->list, &l->n);
}

static void end(struct looker *l)
{
	if (l->maps >= 0)
		close(l->maps);
	free(l->list);
}

static bool look(const struct looker *l, uint64_t addr, struct mapping *ret)
{
	size_t low = 0, high = l->n, middle;

	if (!l->list)
		return mapping_look(l->maps, addr, ret);
	while (low < high) {
		middle = low + (high - low) / 2;
		if (l->list[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < l->n)
		*ret = l->list[low];
	return low < l->n;
}

static int wrong_with(const struct mapping *m, const char **ret_text)
{
	if (m->rights & MAPPING_SHARED)
		return *ret_text = "is shared: only private anonymous memory can be adopted", -EOPNOTSUPP;
	if (m->inode)
		return *ret_text = "is of a file or of hugetlbfs: only private anonymous memory can be adopted", -EOPNOTSUPP;
	if (!(m->rights & (MAPPING_READ | MAPPING_WRITE | MAPPING_EXEC)))
		return *ret_text = "may not be touched (PROT_NONE)", -EACCES;
	return 0;
}

/* 0, or -errno with the address and what is wrong there. */
static int check(const struct looker *l, const struct hmm_range *r, uint64_t *ret_at, const char **ret_text)
{
	uint64_t at = (uintptr_t)r->addr, stop;
	struct mapping m;
	int err = 0;

	if (__builtin_add_overflow(at, r->size, &stop) || stop > HMM_LIMIT_ADDRESS || !at ||
	    (at | r->size) % VALIDATE_BASE_PAGE)
		return 0;
	for (; !err && at < stop; at = m.end) {
		*ret_at = at;
		if (!look(l, at, &m) || m.start > at)
			return *ret_text = "is not mapped", -EFAULT;
		err = wrong_with(&m, ret_text);
	}
	return err;
}

/* What is a range already is refused by the daemon, with the words for that. */
static bool is_known(const struct hmm_client *c, const struct hmm_range *r)
{
	for (const struct hmm_range *other = c->ranges.first; other; other = other->next)
		if (r->addr < other->addr + other->size && other->addr < r->addr + r->size)
			return true;
	return false;
}

static int refuse(struct hmm_client *c, const struct hmm_range *r, uint64_t at, const char *what, int err)
{
	char text[192];

	if (is_known(c, r))
		return 0;
	snprintf(text, sizeof(text), "the memory at 0x%llx %s", (unsigned long long)at, what);
	client_refused(c, text);
	return err;
}

int adoptable_check(struct hmm_client *c, size_t n, struct hmm_range *const *ranges)
{
	const char *what = "";
	struct looker l;
	uint64_t at = 0;
	int r = begin(&l), err;

	for (size_t i = 0; !r && l.maps >= 0 && i < n; i++) {
		err = check(&l, ranges[i], &at, &what);
		r = err ? refuse(c, ranges[i], at, what, err) : 0;
	}
	end(&l);
	return r;
}
