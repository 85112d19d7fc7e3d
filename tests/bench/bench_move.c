// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast huge pages move between memory and a memory device, end to end: a real hmmd, the library,
 * one program thread. All ratios are "bytes per second of the move over bytes per second of one thread's
 * memcpy of 2 MiB blocks in this run" except where it says otherwise.
 *
 * fill_2m_vs_memcpy      every page of a range is on the device; the program touches each once, in an
 *                        order without a pattern and with read-ahead switched off (HMM_ADVICE_RANDOM), so
 *                        that every page is a fault. Time from the first touch to the last word.
 * fault_p50_vs_bare      median time of one such touch over (a bare userfaultfd round trip + one memcpy
 *                        of 2 MiB). The bare round trip is a 4 KiB missing fault answered with a zero page
 *                        by a thread of this process as in userfaultfd(2), with poll() and read(): no daemon,
 *                        no tables, no copy. fault_p50_vs_spinning: the same over a thread that never sleeps.
 * evict_2m_vs_memcpy     hmm_range_migrate() of the whole range to the device, request to completion.
 * prefetch_2m_vs_memcpy  the same back to memory; no fault is taken, which is checked.
 * floor_*                the kernel calls alone, for comparison: UFFDIO_COPY into a hugetlb hole, and pread
 *                        out of a hugetlb file.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/measure.h"
#include "tests/support/ask.h"
#include "tests/support/move.h"
#include "tests/support/test.h"
#include "tests/support/house.h"

enum { WARM_UP = 4 };	/* rounds whose times are not counted: memory new to this machine comes at the host's pace */
enum { PAGES = 128 };	/* 256 MiB: some ten milliseconds per round */
#define SIZE (PAGES * HUGE_PAGE)

static const char tiers[] =
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 512M\n"
	"[tier far]\nkind = memory\ncapacity = 512M\n"
	"[policy default]\nengine = static\ntrack = no\n";

static void to(struct hmm_range *r, const char *tier)
{
	move_all(r, 0, 0, tier);
}

/* Visits every page once: the step is coprime to the number of pages. */
static size_t scattered(size_t i)
{
	return i * 37 % PAGES;
}

static double touch_all_us(struct hmm_range *r, double *touches)
{
	volatile char *p = hmm_range_addr(r);
	double start = measure_now_us(), before = start;

	for (size_t i = 0; i < PAGES; i++) {
		double now;

		p[scattered(i) * HUGE_PAGE]++;
		now = measure_now_us();
		touches[i] = now - before;
		before = now;
	}
	return before - start;
}

struct answerer {
	int uffd;
	bool spins;
	_Atomic bool stop;
};

static void *answer(void *arg)
{
	struct answerer *a = arg;
	struct pollfd ready = { a->uffd, POLLIN, 0 };
	struct uffd_msg m;

	while (!atomic_load(&a->stop)) {
		struct uffdio_zeropage z = { 0 };

		if (!a->spins)
			poll(&ready, 1, 100);
		if (read(a->uffd, &m, sizeof(m)) != sizeof(m))
			continue;
		z.range.start = m.arg.pagefault.address & ~4095ULL;
		z.range.len = 4096;
		ioctl(a->uffd, UFFDIO_ZEROPAGE, &z);
	}
	return NULL;
}

static int new_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

static double bare_round_trip_us(bool spins)
{
	enum { FAULTS = 2001 };
	static double times[FAULTS];
	size_t bytes = FAULTS * 4096UL;
	volatile char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct answerer a = { .uffd = new_uffd(), .spins = spins };
	struct uffdio_register reg = { .range = { (uintptr_t)p, bytes }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;

	assert_true(p != MAP_FAILED);
	assert_int_equal(ioctl(a.uffd, UFFDIO_REGISTER, &reg), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer, &a), 0);
	for (size_t i = 0; i < FAULTS; i++) {
		double start = measure_now_us();

		(void)p[i * 4096];
		times[i] = measure_now_us() - start;
	}
	atomic_store(&a.stop, true);
	pthread_join(thread, NULL);
	close(a.uffd);
	munmap((void *)p, bytes);
	return measure_median(times, FAULTS);
}

struct bare {
	int file, uffd;
	char *at, *src;
};
enum { BARE_PAGES = 32 };

static double bare_copies_us(const struct bare *b)
{
	double times[BARE_PAGES];

	for (size_t i = 0; i < BARE_PAGES; i++) {
		struct uffdio_copy c = { .dst = (uintptr_t)b->at + i * HUGE_PAGE,
					 .src = (uintptr_t)b->src + i * HUGE_PAGE, .len = HUGE_PAGE };
		double start = measure_now_us();

		assert_int_equal(ioctl(b->uffd, UFFDIO_COPY, &c), 0);
		times[i] = measure_now_us() - start;
	}
	return measure_median(times, BARE_PAGES);
}

static double bare_reads_us(const struct bare *b)
{
	double times[BARE_PAGES];

	for (size_t i = 0; i < BARE_PAGES; i++) {
		double start = measure_now_us();

		assert_int_equal(pread(b->file, b->src + i * HUGE_PAGE, HUGE_PAGE, (off_t)(i * HUGE_PAGE)), HUGE_PAGE);
		times[i] = measure_now_us() - start;
	}
	return measure_median(times, BARE_PAGES);
}

/*
 * A mapping of a hugetlb file of this process; beside a running daemon, which lets huge pages be had.
 * Pages go back and are taken again in each round, as in a running daemon.
 */
static void floors(void)
{
	struct bare b = { memfd_create("floor", MFD_CLOEXEC | MFD_HUGETLB), new_uffd(), NULL, NULL };
	struct uffdio_register reg = { .range = { 0, BARE_PAGES * HUGE_PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	double copy[MEASURE_ROUNDS], get[MEASURE_ROUNDS];

	if (b.file < 0 || ftruncate(b.file, BARE_PAGES * HUGE_PAGE))
		return;
	b.src = measure_buffer(BARE_PAGES * HUGE_PAGE);
	b.at = mmap(NULL, BARE_PAGES * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, b.file, 0);
	assert_true(b.at != MAP_FAILED);
	reg.range.start = (uintptr_t)b.at;
	assert_int_equal(ioctl(b.uffd, UFFDIO_REGISTER, &reg), 0);
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		double memcpy_us = measure_memcpy_2m_us();

		copy[i] = memcpy_us / bare_copies_us(&b);
		get[i] = memcpy_us / bare_reads_us(&b);
		assert_int_equal(fallocate(b.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
					   BARE_PAGES * HUGE_PAGE), 0);
	}
	measure_print("floor_uffd_copy_vs_memcpy", measure_median(copy, MEASURE_ROUNDS), "ratio");
	measure_print("floor_pread_vs_memcpy", measure_median(get, MEASURE_ROUNDS), "ratio");
	munmap(b.at, BARE_PAGES * HUGE_PAGE);
	close(b.file);
	close(b.uffd);
}

static void fills(struct hmm_range *r)
{
	double fill[MEASURE_ROUNDS], bare[MEASURE_ROUNDS], spinning[MEASURE_ROUNDS], touches[PAGES];

	for (int i = 0; i < WARM_UP; i++) {
		to(r, "far");
		touch_all_us(r, touches);
	}
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		double memcpy_us = measure_memcpy_2m_us(), touch;

		to(r, "far");
		fill[i] = PAGES * memcpy_us / touch_all_us(r, touches);
		touch = measure_median(touches, PAGES);
		bare[i] = touch / (bare_round_trip_us(false) + memcpy_us);
		spinning[i] = touch / (bare_round_trip_us(true) + memcpy_us);
	}
	measure_print("fill_2m_vs_memcpy", measure_median(fill, MEASURE_ROUNDS), "ratio");
	measure_print("fault_p50_vs_bare", measure_median(bare, MEASURE_ROUNDS), "ratio");
	measure_print("fault_p50_vs_spinning", measure_median(spinning, MEASURE_ROUNDS), "ratio");
}

static double timed(struct hmm_range *r, const char *tier)
{
	struct hmm_move_result result;
	double start = measure_now_us();

	move_some(r, 0, 0, tier, &result);
	if (result.moved != SIZE)
		fail_msg("moved only %llu bytes to %s", (unsigned long long)result.moved, tier);
	return measure_now_us() - start;
}

static void moves(struct hmm_client *c, struct hmm_range *r)
{
	double out[MEASURE_ROUNDS], back[MEASURE_ROUNDS];

	to(r, "dram");
	for (int i = 0; i < MEASURE_ROUNDS; i++) {
		double memcpy_us = measure_memcpy_2m_us();
		uint64_t faults;

		out[i] = PAGES * memcpy_us / timed(r, "far");
		faults = ask_status(c, "faults");
		back[i] = PAGES * memcpy_us / timed(r, "dram");
		assert_int_equal(ask_status(c, "faults"), faults);
	}
	measure_print("evict_2m_vs_memcpy", measure_median(out, MEASURE_ROUNDS), "ratio");
	measure_print("prefetch_2m_vs_memcpy", measure_median(back, MEASURE_ROUNDS), "ratio");
}

int main(void)
{
	struct house *h = house_open(&(struct house_options){ .config = tiers });
	struct hmm_client *c = house_client(h, "bench", 0);
	struct hmm_range *r = NULL;

	assert_int_equal(hmm_alloc(c, SIZE, NULL, &r), 0);
	memset(hmm_range_addr(r), 1, SIZE);
	assert_int_equal(hmm_range_advise(r, 0, 0, HMM_ADVICE_RANDOM, 0), 0);
	fills(r);
	moves(c, r);
	floors();
	hmm_client_unref(c);
	house_close(h);
	return 0;
}
