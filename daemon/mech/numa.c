// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NUMA nodes: where memory is, where a thread's new pages come from, and moving pages of another process.
 * Moves ask for one address per page (512 addresses for a huge page cost 512 times the list and answer
 * EBUSY) and in batches sized by the time the last one took, because a program stands still at the pages
 * of a batch. Where a page is now is asked first: the kernel's status after a move does not tell
 * "moved" from "was there". Nothing says cheaply whether 2 MiB are one page, but a move does: when the last
 * base page of it has gone where only the first was asked to go, it is.
 */
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "proto/ledger.h"
#include "proto/limits.h"

enum {
	NODES = 64,		/* of a mask */
	BATCH_MAX = 512,	/* pages */
	BATCH_US = 5000,	/* how long a batch should take */
	BASE_PAGE = 4096
};

struct numa_map {
	uint64_t nodes[HMM_LIMIT_TIERS];
	_Atomic unsigned int batch;	/* pages; follows the measured time */
};

int numa_map_new(struct numa_map **ret)
{
	struct numa_map *m;

	if (numa_available() < 0)
		return -EOPNOTSUPP;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->batch = 1;
	*ret = m;
	return 0;
}

struct numa_map *numa_map_free(struct numa_map *m)
{
	free(m);
	return NULL;
}

int numa_map_set(struct numa_map *m, unsigned int tier, uint64_t nodes)
{
	if (tier >= HMM_LIMIT_TIERS)
		return -EINVAL;
	m->nodes[tier] = nodes;
	return 0;
}

int numa_nodes(uint64_t *ret_mask)
{
	uint64_t mask = 0;

	if (numa_available() < 0)
		return -EOPNOTSUPP;
	for (int node = 0; node <= numa_max_node() && node < NODES; node++) {
		if (numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned int)node) && numa_node_size64(node, NULL) > 0)
			mask |= 1ULL << node;
	}
	*ret_mask = mask;
	return 0;
}

int numa_node_bytes(unsigned int node, uint64_t *ret_total, uint64_t *ret_free)
{
	long long available, total;

	if (numa_available() < 0)
		return -EOPNOTSUPP;
	total = numa_node_size64((int)node, &available);
	if (total < 0)
		return -ENOENT;
	*ret_total = (uint64_t)total;
	*ret_free = (uint64_t)available;
	return 0;
}

static uint64_t read_attribute(unsigned int node, const char *name)
{
	unsigned long long value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/access0/initiators/%s", node, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%llu", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

/* The kernel gives MB/s and nanoseconds. */
int numa_access(unsigned int node, uint64_t *ret_bandwidth, uint64_t *ret_latency_ns)
{
	*ret_bandwidth = read_attribute(node, "read_bandwidth") * 1000000;
	*ret_latency_ns = read_attribute(node, "read_latency");
	return 0;
}

int numa_map_bind(struct numa_map *m, unsigned int tier)
{
	unsigned long mask;

	if (tier >= HMM_LIMIT_TIERS || !m->nodes[tier])
		return -EINVAL;
	mask = m->nodes[tier];
	return set_mempolicy(MPOL_BIND, &mask, NODES + 1) < 0 ? -errno : 0;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool in_mask(uint64_t mask, int node)
{
	return node >= 0 && node < NODES && (mask >> node & 1);
}

bool numa_on_tier(const struct numa_map *m, unsigned int tier, int node)
{
	return tier < HMM_LIMIT_TIERS && in_mask(m->nodes[tier], node);
}

/* The nodes of a tier in turn. */
static int next_node(uint64_t mask, int node)
{
	do {
		node = (node + 1) % NODES;
	} while (!in_mask(mask, node));
	return node;
}

struct batch {
	void *pages[BATCH_MAX];
	int nodes[BATCH_MAX], status[BATCH_MAX];
	size_t n;
};

static int move_batch(struct batch *b, const struct image *of)
{
	int r = image_move_pages(of, b->n, b->pages, b->nodes, b->status, MPOL_MF_MOVE_ALL);

	return r == -EPERM ? image_move_pages(of, b->n, b->pages, b->nodes, b->status, MPOL_MF_MOVE) : r;
}

/* Leaves the pages that have to move. */
static int look(struct batch *b, const struct image *of, uint64_t mask, uint64_t page_size, struct numa_moved *ret)
{
	size_t left = 0;
	int r = image_move_pages(of, b->n, b->pages, NULL, b->status, 0);

	if (r)
		return r;
	for (size_t i = 0; i < b->n; i++) {
		if (in_mask(mask, b->status[i]))
			ret->already += page_size;
		else if (b->status[i] >= 0)
			b->pages[left++] = b->pages[i];
		else
			ret->failed += page_size;
		ret->absent += b->status[i] == -ENOENT ? page_size : 0;
	}
	b->n = left;
	return 0;
}

/* Base pages of one larger page meet themselves: the first takes all along, the others are told to be busy. */
static void look_again(struct batch *b, const struct image *of, uint64_t mask)
{
	int now[BATCH_MAX];

	if (image_move_pages(of, b->n, b->pages, NULL, now, 0))
		return;
	for (size_t i = 0; i < b->n; i++)
		if (in_mask(mask, now[i]))
			b->status[i] = now[i];
}

static bool is_busy(int status)
{
	return status == -EBUSY || status == -EAGAIN || status >= 0;
}

static void count(const struct batch *b, uint64_t mask, uint64_t page_size, struct numa_moved *ret)
{
	for (size_t i = 0; i < b->n; i++) {
		if (in_mask(mask, b->status[i]))
			ret->moved += page_size;
		else if (is_busy(b->status[i]))
			ret->busy += page_size;
		else
			ret->failed += page_size;
		if (b->status[i] == -ENOMEM)
			ret->no_room += page_size;
	}
}

static int move_all(struct batch *b, const struct image *of, uint64_t mask)
{
	int node = NODES - 1;

	for (size_t i = 0; i < b->n; i++) {
		node = next_node(mask, node);
		b->nodes[i] = node;
		b->status[i] = -EBUSY;
	}
	return b->n ? move_batch(b, of) : 0;
}

static int run_batch(struct batch *b, const struct image *of, uint64_t mask, uint64_t page_size, struct numa_moved *ret)
{
	int r = look(b, of, mask, page_size, ret);

	if (!r)
		r = move_all(b, of, mask);
	if (r)
		return r;
	if (page_size == BASE_PAGE)
		look_again(b, of, mask);
	count(b, mask, page_size, ret);
	return 0;
}

static void adapt(struct numa_map *m, size_t pages, uint64_t us)
{
	uint64_t fit = pages * BATCH_US / (us ? us : 1);

	m->batch = fit < 1 ? 1 : fit > BATCH_MAX ? BATCH_MAX : (unsigned int)fit;
}

int numa_move(struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, uint64_t page_size, unsigned int tier,
	      struct numa_moved *ret)
{
	struct numa_moved moved = { 0 };
	struct batch b;
	int r = 0;

	if (tier >= HMM_LIMIT_TIERS || !m->nodes[tier])
		return -EINVAL;
	for (size_t done = 0; done < n && !r; ) {
		/* Base pages: as many as are one huge page, so that what belongs together is asked for together. */
		size_t most = page_size == BASE_PAGE ? BATCH_MAX : m->batch, want = n - done < most ? n - done : most;
		uint64_t start = now_us();

		b.n = want;
		for (size_t i = 0; i < want; i++)
			b.pages[i] = (void *)(uintptr_t)addrs[done + i];
		r = run_batch(&b, of, m->nodes[tier], page_size, &moved);
		if (page_size != BASE_PAGE)
			adapt(m, want, now_us() - start);
		done += want;
	}
	if (r)
		return r;
	*ret = moved;
	return 0;
}

/* Where one base page of each piece is. */
static int look_at(const struct image *of, const uint64_t *addrs, size_t n, uint64_t offset, int *ret_nodes)
{
	void *pages[BATCH_MAX];

	for (size_t i = 0; i < n; i++)
		pages[i] = (void *)(uintptr_t)(addrs[i] + offset);
	return n ? image_move_pages(of, n, pages, NULL, ret_nodes, 0) : 0;
}

static bool is_elsewhere(uint64_t mask, int node)
{
	return node >= 0 && !in_mask(mask, node);
}

/* Pieces of 2 MiB; `rest` is where in some of them base pages begin that are not done. */
struct pieces {
	uint64_t addrs[BATCH_MAX], rest[BATCH_MAX];
	size_t n, n_rest;
};

/* Leaves those that look like one page elsewhere. */
static int choose_huge(struct pieces *p, const struct image *of, uint64_t mask)
{
	int first[BATCH_MAX], last[BATCH_MAX], r = look_at(of, p->addrs, p->n, 0, first);
	size_t left = 0;

	if (!r)
		r = look_at(of, p->addrs, p->n, LEDGER_PAGE_SIZE - BASE_PAGE, last);
	for (size_t i = 0; !r && i < p->n; i++) {
		if (is_elsewhere(mask, first[i]) && is_elsewhere(mask, last[i]))
			p->addrs[left++] = p->addrs[i];
		else
			p->rest[p->n_rest++] = p->addrs[i];
	}
	p->n = left;
	return r;
}

/* Those whose last base page did not go with the first are not one page. */
static int move_huge(struct pieces *p, const struct image *of, uint64_t mask, struct numa_moved *ret)
{
	struct batch b = { .n = p->n };
	int last[BATCH_MAX], r;

	for (size_t i = 0; i < p->n; i++)
		b.pages[i] = (void *)(uintptr_t)p->addrs[i];
	r = move_all(&b, of, mask);
	if (!r)
		r = look_at(of, p->addrs, p->n, LEDGER_PAGE_SIZE - BASE_PAGE, last);
	for (size_t i = 0; !r && i < p->n; i++) {
		if (in_mask(mask, last[i])) {
			ret->moved += LEDGER_PAGE_SIZE;
		} else if (!in_mask(mask, b.status[i])) {
			*(is_busy(b.status[i]) ? &ret->busy : &ret->failed) += LEDGER_PAGE_SIZE;
			ret->no_room += b.status[i] == -ENOMEM ? LEDGER_PAGE_SIZE : 0;
		} else {
			ret->moved += BASE_PAGE;
			p->rest[p->n_rest++] = p->addrs[i] + BASE_PAGE;
		}
	}
	return r;
}

static int move_rest(struct numa_map *m, const struct pieces *p, const struct image *of, unsigned int tier, struct numa_moved *ret)
{
	uint64_t addrs[BATCH_MAX], end;
	struct numa_moved moved;
	int r = 0;

	for (size_t i = 0; i < p->n_rest && !r; i++) {
		size_t n = 0;

		end = (p->rest[i] & ~(LEDGER_PAGE_SIZE - 1)) + LEDGER_PAGE_SIZE;
		for (uint64_t at = p->rest[i]; at < end; at += BASE_PAGE)
			addrs[n++] = at;
		moved = (struct numa_moved){ 0 };
		r = numa_move(m, of, addrs, n, BASE_PAGE, tier, &moved);
		ret->moved += moved.moved;
		ret->already += moved.already;
		ret->busy += moved.busy;
		ret->failed += moved.failed;
		ret->no_room += moved.no_room;
		ret->absent += moved.absent;
	}
	return r;
}

int numa_move_huge(struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, unsigned int tier,
		   struct numa_moved *ret)
{
	struct numa_moved moved = { 0 };
	struct pieces p;
	int r = 0;

	if (tier >= HMM_LIMIT_TIERS || !m->nodes[tier])
		return -EINVAL;
	for (size_t done = 0, want; done < n && !r; done += want) {
		uint64_t start = now_us();

		want = n - done < m->batch ? n - done : m->batch;
		p.n = want;
		p.n_rest = 0;
		memcpy(p.addrs, addrs + done, want * sizeof(*addrs));
		r = choose_huge(&p, of, m->nodes[tier]);
		if (!r)
			r = move_huge(&p, of, m->nodes[tier], &moved);
		if (!r)
			r = move_rest(m, &p, of, tier, &moved);
		adapt(m, want, now_us() - start);
	}
	if (r)
		return r;
	*ret = moved;
	return 0;
}
