// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Huge pages kept ready
 *
 * Order-9 system folios kept ready for what comes back from devices. A fault that has to allocate
 * one pays for its clearing, which costs several times the copy that overwrites it, and may find
 * none; a drain cannot split huge pages and needs one for each. A worker fills the pool again after
 * each take, on nodes that used it; under pressure the shrinker gives it back. What is in the pool
 * is nobody's: the charge comes with the page whose place a folio takes.
 */
#include "compat.h"
#include "device.h"

#if HMMDEV_CAN_THP

#include <linux/cpuset.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>

#include "space.h"

static unsigned int pool_folios = 8;
module_param_named(pool, pool_folios, uint, 0444);
MODULE_PARM_DESC(pool, "huge pages kept ready on each node (default 8, at most 64)");

#define POOL_MAX 64U	/* 128 MiB of a node: beyond, it is a reserve that nobody asked for */
/* Never at the cost of others: what can be had without reclaim. */
#define POOL_GFP (GFP_TRANSHUGE_LIGHT | __GFP_NORETRY)

struct hmmdev_pool_node {
	struct list_head folios;
	unsigned int count;
	bool wanted;	/* somebody took from here since the last filling */
};

static DEFINE_SPINLOCK(pool_lock);	/* guards nodes */
static struct hmmdev_pool_node *nodes;
static struct shrinker *pool_shrinker;

static void hmmdev_pool_put(int nid, struct folio *folio)
{
	struct hmmdev_pool_node *node = &nodes[nid];

	spin_lock(&pool_lock);
	list_add(&folio->lru, &node->folios);
	node->count++;
	spin_unlock(&pool_lock);
}

static struct folio *hmmdev_pool_remove(int nid)
{
	struct hmmdev_pool_node *node = &nodes[nid];
	struct folio *folio;

	spin_lock(&pool_lock);
	folio = list_first_entry_or_null(&node->folios, struct folio, lru);
	if (folio) {
		list_del_init(&folio->lru);
		node->count--;
	}
	spin_unlock(&pool_lock);
	return folio;
}

static void hmmdev_pool_fill(struct work_struct *work)
{
	struct folio *folio;
	int nid;

	for_each_node_state(nid, N_MEMORY) {
		if (!xchg(&nodes[nid].wanted, false))
			continue;
		while (READ_ONCE(nodes[nid].count) < pool_folios) {
			folio = __folio_alloc_node(POOL_GFP | __GFP_THISNODE, HPAGE_PMD_ORDER, nid);
			if (!folio)
				break;
			hmmdev_pool_put(nid, folio);
			cond_resched();
		}
	}
}

static DECLARE_WORK(pool_work, hmmdev_pool_fill);

/* From a node that the caller's cpuset leaves it. */
struct folio *hmmdev_pool_take(int nid)
{
	if (!node_isset(nid, cpuset_current_mems_allowed))
		return NULL;
	WRITE_ONCE(nodes[nid].wanted, true);
	queue_work(hmmdev_work, &pool_work);
	return hmmdev_pool_remove(nid);
}

static unsigned long hmmdev_pool_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long count = READ_ONCE(nodes[sc->nid].count) * HPAGE_PMD_NR;

	return count ? count : SHRINK_EMPTY;
}

static unsigned long hmmdev_pool_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long freed = 0;
	struct folio *folio;

	while (freed < sc->nr_to_scan) {
		folio = hmmdev_pool_remove(sc->nid);
		if (!folio)
			break;
		folio_put(folio);
		freed += HPAGE_PMD_NR;
	}
	return freed ? freed : SHRINK_STOP;
}

static void hmmdev_pool_empty(void)
{
	struct folio *folio;
	int nid;

	for (nid = 0; nid < nr_node_ids; nid++)
		while ((folio = hmmdev_pool_remove(nid)))
			folio_put(folio);
}

static int hmmdev_shrinker_init(void)
{
	pool_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "hmmdev-pool");
	if (!pool_shrinker)
		return -ENOMEM;
	pool_shrinker->count_objects = hmmdev_pool_count;
	pool_shrinker->scan_objects = hmmdev_pool_scan;
	shrinker_register(pool_shrinker);
	return 0;
}

int hmmdev_pool_init(void)
{
	int nid, rc;

	pool_folios = min(pool_folios, POOL_MAX);
	nodes = kcalloc(nr_node_ids, sizeof(*nodes), GFP_KERNEL);
	if (!nodes)
		return -ENOMEM;
	for (nid = 0; nid < nr_node_ids; nid++)
		INIT_LIST_HEAD(&nodes[nid].folios);
	rc = hmmdev_shrinker_init();
	if (rc)
		kfree(nodes);
	return rc;
}

void hmmdev_pool_exit(void)
{
	shrinker_free(pool_shrinker);
	cancel_work_sync(&pool_work);
	hmmdev_pool_empty();
	kfree(nodes);
}

#else

struct folio *hmmdev_pool_take(int nid)
{
	return NULL;
}

int hmmdev_pool_init(void)
{
	return 0;
}

void hmmdev_pool_exit(void)
{
}

#endif
