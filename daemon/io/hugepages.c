// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeps the machine's overcommit of huge pages a headroom above what the tiers use (daemon/mech/hugepool.c).
 * A thread of its own raises it when half of the headroom is used up, so that nobody who fills a page waits for that
 * and the loop may be late; and lowers it when it is told that a second has passed. Whoever is refused a page
 * all the same does it itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/core/world.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/log.h"
#include "daemon/mech/doors.h"

/* Of the machine's memory: without the rest the kernel has nothing for the programs that use these pages. */
enum { SHARE_OF = 16, SHARE_MOST = 15, BLOCK = 512 /* of st_blocks */ };

struct hugepages {
	struct hugepool *pool;		/* fixed */
	const struct world *world;	/* of its tiers only the pools' counts are read here */
	_Atomic uint32_t counted;	/* by tier: programs have its pages; written by the loop */
	_Atomic int files[HMM_LIMIT_TIERS];	/* of memory devices, which keep what they have had: our own descriptors, or -1 */
	_Atomic uint64_t marks[HMM_LIMIT_TIERS];	/* bytes used of a tier from which on the thread is wanted */
	_Atomic bool wanted, ending;
	sem_t work;
	pthread_t thread;
	bool running;			/* loop */
};

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t machine_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Memory devices take huge pages of the same pool, and one is for trying. */
static uint64_t ceiling(const struct world *w, uint64_t managed)
{
	uint64_t resident = 0, devices = LEDGER_PAGE_SIZE, most = machine_bytes() / SHARE_OF * SHARE_MOST, need;

	if (w->config.huge_pages)
		return w->config.huge_pages;
	for (unsigned int i = 0; i < w->n_tiers; i++) {
		if (tier_is_resident(&w->tiers[i]))
			resident = add(resident, tier_promised(&w->tiers[i]));
		if (w->tiers[i].device == TIER_MEMORY)
			devices = add(devices, tier_promised(&w->tiers[i]));
	}
	need = add(add(managed > resident ? managed : resident, devices), 2 * HUGEPOOL_HEADROOM);
	return need < most ? need : most;
}

static uint32_t counted(const struct world *w)
{
	uint32_t tiers = 0;

	for (unsigned int i = 0; i < w->n_tiers; i++)
		tiers |= (uint32_t)tier_is_resident(&w->tiers[i]) << i;
	return tiers;
}

static uint64_t used_of(const struct hugepages *h, unsigned int tier)
{
	return atomic_load_explicit(&h->world->tiers[tier].pool.used, memory_order_relaxed);
}

static uint64_t used(const struct hugepages *h)
{
	uint64_t bytes = 0;
	struct stat st;
	int fd;

	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++) {
		fd = atomic_load(&h->files[i]);
		if (atomic_load(&h->counted) & 1U << i)
			bytes += used_of(h, i);
		else if (fd >= 0 && !fstat(fd, &st))
			bytes += (uint64_t)st.st_blocks * BLOCK;
	}
	return bytes;
}

static bool takes_pages(const struct hugepages *h, unsigned int tier)
{
	return atomic_load(&h->counted) & 1U << tier || atomic_load(&h->files[tier]) >= 0;
}

static void mark(struct hugepages *h)
{
	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++)
		atomic_store_explicit(&h->marks[i], takes_pages(h, i) ? used_of(h, i) + HUGEPOOL_HEADROOM / 2 : UINT64_MAX,
				      memory_order_relaxed);
}

static void *run(void *userdata)
{
	struct hugepages *h = userdata;

	while (!atomic_load(&h->ending)) {
		while (sem_wait(&h->work) < 0)
			;
		atomic_store(&h->wanted, false);
		mark(h);	/* before: what comes in meanwhile is met by the next look */
		hugepool_follow(h->pool, used(h));
	}
	return NULL;
}

/* Signals are for the loop alone. */
static int start(struct hugepages *h)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	h->running = !r;
	if (!r)
		pthread_setname_np(h->thread, "hmmd-hugepages");
	return r;
}

static void tell(int r)
{
	if (r == -EPROTONOSUPPORT || r == -EBUSY)
		log_line(LOG_LEVEL_WARNING, "%s: %s", HUGEPOOL_RECORD, hugepool_trouble(r));
}

int hugepages_new(struct hugepages **ret, const struct world *w)
{
	struct hugepages *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	sem_init(&h->work, 0, 0);
	h->world = w;
	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++)
		atomic_store(&h->files[i], -1);
	atomic_store(&h->counted, counted(w));
	mark(h);
	r = hugepool_new(&h->pool, HUGEPOOL_RECORD, ceiling(w, 0), HUGEPOOL_HEADROOM);
	tell(r);
	if (!r)
		r = start(h);
	if (r) {
		hugepages_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct hugepages *hugepages_free(struct hugepages *h)
{
	if (!h)
		return NULL;
	if (h->running) {
		atomic_store(&h->ending, true);
		sem_post(&h->work);
		pthread_join(h->thread, NULL);
	}
	hugepool_free(h->pool);
	for (unsigned int i = 0; i < HMM_LIMIT_TIERS; i++)
		if (atomic_load(&h->files[i]) >= 0)
			close(atomic_load(&h->files[i]));
	sem_destroy(&h->work);
	free(h);
	return NULL;
}

void hugepages_set(struct hugepages *h, const struct world *w, uint64_t managed)
{
	if (!h)
		return;
	atomic_store(&h->counted, counted(w));
	hugepool_set_ceiling(h->pool, ceiling(w, managed));
	hugepages_follow(h);
}

void hugepages_add_file(struct hugepages *h, unsigned int tier, int fd)
{
	if (!h)
		return;
	atomic_store(&h->files[tier], fcntl(fd, F_DUPFD_CLOEXEC, 3));
	hugepages_follow(h);
}

void hugepages_follow(struct hugepages *h)
{
	if (h && !atomic_exchange(&h->wanted, true))
		sem_post(&h->work);
}

void hugepages_watch(struct hugepages *h, unsigned int tier, const struct pool *p)
{
	if (h && atomic_load_explicit(&p->used, memory_order_relaxed) >=
		 atomic_load_explicit(&h->marks[tier], memory_order_relaxed))
		hugepages_follow(h);
}

bool hugepages_more(struct hugepages *h, uint64_t *seen)
{
	return hugepool_more(h->pool, used(h), seen);
}
