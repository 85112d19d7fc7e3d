// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading the ledger. The daemon grows the file while we look, so the mapping is as large as a
 * ledger can get and the file's length is asked for only when a table lies beyond what was seen: an
 * index that is wrong yields "unknown" instead of SIGBUS.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/ledger.h"
#include "proto/ledger.h"

/* Address space, not memory: 16384 tables, the most a daemon keeps for one client. */
#define LEDGER_MAPPED (64ULL << 20)

int ledger_open(struct ledger *l, int fd, uint64_t root)
{
	struct ledger new = { .fd = fd, .root = root };
	struct stat st;
	void *words = MAP_FAILED;
	int r = -EINVAL;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 2 * LEDGER_TABLE_SIZE)
		words = mmap(NULL, LEDGER_MAPPED, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (words != MAP_FAILED) {
		new.words = words;
		new.size = (uint64_t)st.st_size;
		if (new.words[LEDGER_H_MAGIC] == LEDGER_MAGIC)
			r = new.words[LEDGER_H_VERSION] == LEDGER_VERSION ? 0 : -EPROTONOSUPPORT;
	}
	if (r) {
		ledger_close(&new);
		return r;
	}
	ledger_close(l);
	*l = new;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (l->words)
		munmap((void *)(uintptr_t)l->words, LEDGER_MAPPED);
	if (l->fd >= 0)
		close(l->fd);
	*l = (struct ledger){ .fd = -1 };
}

bool ledger_take(const struct ledger *l)
{
	return l->fd < 0 || flock(l->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static bool in_file(struct ledger *l, uint64_t table)
{
	struct stat st;

	if (table == 0 || table >= LEDGER_MAPPED / LEDGER_TABLE_SIZE)
		return false;
	if ((table + 1) * LEDGER_TABLE_SIZE <= l->size)
		return true;
	if (fstat(l->fd, &st) == 0)
		l->size = (uint64_t)st.st_size;
	return (table + 1) * LEDGER_TABLE_SIZE <= l->size;
}

bool ledger_word(struct ledger *l, uint64_t vpn, uint64_t *ret_word)
{
	uint64_t table = l->root, word;

	if (!l->words || vpn > LEDGER_VPN_LAST)
		return false;
	for (unsigned int level = LEDGER_LEVELS; level-- > 0;) {
		if (!in_file(l, table))
			return false;
		word = __atomic_load_n(&l->words[table * LEDGER_FANOUT + ledger_index(vpn, level)],
				       __ATOMIC_ACQUIRE);
		table = word;
	}
	*ret_word = word;
	return true;
}

static uint8_t tier_of(struct hmm_range *r, uint64_t vpn)
{
	uint8_t without = r->managed ? HMM_TIER_UNTOUCHED : HMM_TIER_UNKNOWN;
	uint64_t word;

	if (!ledger_word(&r->client->ledger, vpn, &word))
		return without;
	switch (page_word_state(word)) {
	case PAGE_ABSENT:
		return without;
	case PAGE_ZEROING:
	case PAGE_DISCARDING:
		return HMM_TIER_UNTOUCHED;
	case PAGE_POISONED:
		return HMM_TIER_LOST;
	default:
		return (uint8_t)page_word_tier(word);
	}
}

int hmm_range_residency(const struct hmm_range *range, size_t off, size_t len, uint8_t *tiers)
{
	struct hmm_range *r = (struct hmm_range *)(uintptr_t)range;
	uint64_t first, last;
	int err;

	err = r ? client_enter(r->client) : -EINVAL;
	if (err)
		return err;
	if (!tiers)
		return client_refuse(r->client, -EINVAL, "tiers is NULL");
	err = range_span(r, off, len, &len);
	if (err) {
		client_leave(r->client);
		return err;
	}
	first = ((uintptr_t)r->addr + off) >> LEDGER_PAGE_SHIFT;
	last = ((uintptr_t)r->addr + off + len - 1) >> LEDGER_PAGE_SHIFT;
	for (uint64_t vpn = first; vpn <= last; vpn++)
		tiers[vpn - first] = tier_of(r, vpn);
	client_leave(r->client);
	return 0;
}
