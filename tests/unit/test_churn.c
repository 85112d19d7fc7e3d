// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nothing is lost: threads write and check words of pages that others evict and fault back at the same
 * time, with a real userfaultfd over each real backing, inside one process. Without the write protection
 * of an eviction this test fails at once, so it can see a loss.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/mech/doors.h"
#include "tests/unit/backed.h"
#include "tests/unit/random.h"

enum {
	WRITERS = 3, FAULTS = 64, CHURN = 500 /* evictions and fills */, CHURN_ABORTS = 3,
	STRIDE = 9	/* a visit of a page then takes about as long as its eviction, so that they meet */
};

static atomic_bool stop_writing, stop_evicting, stop_serving;
static atomic_uint written_last;	/* page */
static atomic_ulong evicted, aborted, filled, lost;

static void open_mover(struct mover *m)
{
	if (mover_init(m, backed.mech, backed.devices, NULL))
		abort();
}

/* Any page, or every other time the one that was written last: chance alone aborts one eviction in thousands. */
static void evict_one(struct mover *m, uint64_t *seed)
{
	uint64_t page = random_below(seed, 2) ? random_below(seed, BACKED_PAGES) : written_last;
	uint64_t vpn = backed.first + page;
	int r = mover_evict(m, backed.range, vpn, 0, FAR);

	if (r < 0)
		lost++;
	evicted += r == MOVER_DONE;
	aborted += r == MOVER_E_ABORTED;
}

/* A fault service thread. */
static void serve(struct mover *m, const struct uffd_fault *f, uint64_t *seed)
{
	uint64_t vpn = f->addr >> LEDGER_PAGE_SHIFT;
	struct pool *full;
	int r;

	switch (fault_answer(rig_word(&backed, (unsigned int)(vpn - backed.first)), f->write_protect)) {
	case FAULT_ZERO:
	case FAULT_FILL:
		while ((r = mover_fill(m, backed.range, vpn, atomic_load(&backed.range->home), &full)) == MOVER_E_NO_ROOM)
			evict_one(m, seed);
		filled += r == MOVER_DONE;
		break;
	case FAULT_ABORT:
		(void)mover_abort(m, backed.range, vpn);
		break;
	case FAULT_CHECK:
		(void)mover_check(m, backed.range, vpn);
		break;
	default:
		break;
	}
}

static void *service(void *arg)
{
	uint64_t seed = 4711;
	struct uffd_fault faults[FAULTS];
	struct mover m;

	(void)arg;
	open_mover(&m);
	while (!stop_serving) {
		struct pollfd p = { .fd = backed.uffd, .events = POLLIN };
		size_t n = 0;

		poll(&p, 1, 1);
		if (uffd_read(backed.uffd, NULL, faults, FAULTS, &n))
			lost++;
		for (size_t i = 0; i < n; i++)
			serve(&m, &faults[i], &seed);
	}
	mover_done(&m);
	return NULL;
}

static void *evictor(void *arg)
{
	uint64_t seed = 99;
	struct mover m;

	(void)arg;
	open_mover(&m);
	while (!stop_evicting)
		evict_one(&m, &seed);
	mover_done(&m);
	return NULL;
}

/* Every writer owns a stripe of each page: what it wrote last must be there when it looks again. */
struct writer {
	unsigned int index;
	uint64_t rounds;
};

static void *writer(void *arg)
{
	struct writer *w = arg;
	uint64_t seed = w->index + 1, *mine = calloc(BACKED_PAGES, sizeof(*mine));

	die_by_own_signal();
	while (!stop_writing) {
		unsigned int page = (unsigned int)random_below(&seed, BACKED_PAGES);
		volatile uint64_t *words = backed.memory + page * (uint64_t)RIG_WORDS;

		for (unsigned int i = w->index; i < RIG_WORDS; i += STRIDE * WRITERS) {
			if (words[i] != mine[page])
				lost++;
			words[i] = mine[page] + 1;
			written_last = page;
		}
		mine[page]++;
		w->rounds++;
	}
	free(mine);
	return NULL;
}

static bool enough(void)
{
	return (evicted >= CHURN && filled >= CHURN && aborted >= CHURN_ABORTS) || lost;
}

/* However slow the machine is: only standing still is a failure. */
static bool churned(void)
{
	unsigned long before;

	do {
		before = evicted + filled;
		if (WAIT_UNTIL(enough()))
			return true;
	} while (evicted + filled > before);
	printf("# stands still: %lu evicted, %lu filled, %lu aborted\n", evicted, filled, aborted);
	fflush(stdout);
	return false;
}

static void churn_loses_nothing(void **state)
{
	struct writer writers[WRITERS];
	pthread_t threads[WRITERS], server, away;
	bool went_on;

	NEED_BACKING();
	stop_writing = stop_evicting = stop_serving = false;
	evicted = aborted = filled = lost = 0;
	pthread_create(&server, NULL, service, NULL);
	for (unsigned int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .index = i };
		pthread_create(&threads[i], NULL, writer, &writers[i]);
	}
	pthread_create(&away, NULL, evictor, NULL);
	went_on = churned();
	/*
	 * Before any assertion: a failed one takes the pages down under threads that still run. In this order:
	 * writers may be waiting for a page, and the service for room.
	 */
	stop_writing = true;
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	stop_evicting = true;
	pthread_join(away, NULL);
	stop_serving = true;
	pthread_join(server, NULL);
	assert_true(went_on);
	assert_int_equal(lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ALL(churn_loses_nothing),
	};

	return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}
