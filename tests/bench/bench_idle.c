// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * idle_cpu_share: processor time per second of one core with 64 GiB of resident ranges tracked while
 * nothing happens. It is the sum of two parts, because the memory is rarely there:
 *   real       a daemon with one program that has touched as much memory as a quarter of what is free
 *              (at most 4 GiB), then sleeps: time of the daemon and of the program's helper thread,
 *              tracker included.
 *   simulated  the daemon's decisions over 64 GiB of resident pages, driven in this process as the
 *              idle daemon drives them: one plan and one tracker sample a second. What a sample costs
 *              in the kernel does not grow with the memory, and is in the real part.
 * The overlap (decisions over the real part's memory) is counted twice.
 *
 * rss_per_client_kib: growth of the daemon's resident set per connected client that holds one managed
 * range with one touched huge page.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/core/tracker.h"
#include "daemon/core/world.h"
#include "tests/bench/measure.h"
#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/test.h"

enum { TABLES = 256, CLIENTS = 100, SIMULATED_SECONDS = 300 };
#define TRACKED (64ULL << 30)
#define IDLE_US 8000000ULL	/* the clock behind utime counts hundredths: a thousandth of this is one tick */

static double own_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double real_share(uint64_t bytes)
{
	char config[512];
	struct house_options o = { .config = config };
	struct hmm_range *r = NULL;
	struct hmm_client *c;
	struct house *h;
	double start, used;

	snprintf(config, sizeof(config), "[tier dram]\nkind = numa\nnodes = 0\ncapacity = %lluM\n"
		 "[tier far]\nkind = memory\ncapacity = 256M\n", (unsigned long long)(bytes / MiB * 2));
	h = house_open(&o);
	c = house_client(h, "bench", 0);
	assert_int_equal(hmm_alloc(c, bytes, NULL, &r), 0);
	for (size_t i = 0; i < bytes; i += HUGE_PAGE)
		((volatile char *)hmm_range_addr(r))[i] = 1;
	pause_us(2000000);	/* the tracker finds its pace */
	start = measure_now_us();
	used = (double)count_cpu_us(h->pid) + own_cpu_us();
	pause_us(IDLE_US);
	used = (double)count_cpu_us(h->pid) + own_cpu_us() - used;
	used /= measure_now_us() - start;
	hmm_client_unref(c);
	house_close(h);
	return used;
}

static void configure(struct config *c)
{
	config_defaults(c);
	c->n_tiers = 2;
	c->tiers[0] = (struct tier_config){ .name = "dram", .kind = TIER_NUMA, .nodes = 1, .capacity = 2 * TRACKED,
					    .high = 95, .low = 90 };
	c->tiers[1] = (struct tier_config){ .name = "far", .kind = TIER_MEMORY, .capacity = TRACKED, .high = 95, .low = 90 };
}

/* Every page as after its first touch. */
static void make_resident(struct space *s, struct range *r)
{
	for (uint64_t vpn = range_first_vpn(r); vpn < range_first_vpn(r) + range_pages(r); vpn++) {
		radix_word *word = radix_find(&s->mirror, vpn);
		uint64_t seen = *word;

		assert_null(pool_take(&s->account->pools[0], HUGE_PAGE));
		assert_true(page_step(word, &seen, PAGE_ZEROING, 0, 0));
		assert_true(page_step(word, &seen, PAGE_RESIDENT, 0, 0));
		range_account(r, TIER_NOWHERE, 0);
	}
}

/* One idle second of the loop's decisions, at this time of the daemon's clock. */
static void one_second(struct world *w, struct space *s, uint64_t now_us)
{
	static const uint8_t untouched[TRACK_PAGES];
	static struct track_sample sample;
	static struct plan plan;

	plan.n = 0;
	plan_make(w, now_us, &plan);
	assert_int_equal(plan.n, 0);
	tracker_choose(s, &sample);
	if (sample.n)
		tracker_judge(s, &sample, untouched);
}

static void forget(void *userdata, uint64_t word)
{
	(void)userdata;
	(void)word;
}

static void *arena(void)
{
	void *at = mmap(NULL, TABLES * LEDGER_TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	return at;
}

static double simulated_share(void)
{
	static struct config config;
	struct range_request q = { .size = TRACKED };
	struct world *w = NULL;
	struct space *s = NULL;
	struct range *r = NULL;
	double start, used;

	configure(&config);
	assert_int_equal(world_new(&w, &config, 1), 0);
	assert_int_equal(space_new(&s, w, 1, getpid(), geteuid(), arena(), arena(), TABLES, TABLES, false), 0);
	assert_int_equal(space_alloc(s, &q, &r), 0);
	assert_int_equal(space_map(s, r, 1ULL << 40), 0);
	make_resident(s, r);
	start = own_cpu_us();
	for (uint64_t i = 0; i < SIMULATED_SECONDS; i++)
		one_second(w, s, (i + 100) * 1000000);
	used = (own_cpu_us() - start) / (SIMULATED_SECONDS * 1e6);
	space_range_leave(s, r);
	space_range_free(r, forget, NULL);
	space_free(s);
	world_free(w);
	return used;
}

static uint64_t rss_kib(pid_t pid)
{
	unsigned long long size, resident = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	if (fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static double per_client_kib(void)
{
	struct house *h = house_open(&(struct house_options){
		.config = "[tier dram]\nkind = numa\nnodes = 0\ncapacity = 512M\n"
			  "[tier far]\nkind = memory\ncapacity = 256M\n[policy default]\ntrack = no\n" });
	struct hmm_client *c[CLIENTS + 1];
	struct hmm_range *r = NULL;
	uint64_t before = 0;
	double grown;

	for (int i = 0; i <= CLIENTS; i++) {	/* the first one warms up what all share */
		c[i] = house_client(h, "bench", HMM_CLIENT_NO_HELPER);
		assert_int_equal(hmm_alloc(c[i], HUGE_PAGE, NULL, &r), 0);
		*(volatile char *)hmm_range_addr(r) = 1;
		before = i ? before : rss_kib(h->pid);
	}
	grown = (double)(rss_kib(h->pid) - before) / CLIENTS;
	for (int i = 0; i <= CLIENTS; i++)
		hmm_client_unref(c[i]);
	house_close(h);
	return grown;
}

int main(void)
{
	uint64_t bytes = count_meminfo("MemAvailable:") * 1024 / 4 / HUGE_PAGE * HUGE_PAGE;
	double real, simulated;

	if (bytes > 4096 * MiB)
		bytes = 4096 * MiB;
	real = real_share(bytes);
	simulated = simulated_share();
	measure_print("idle_cpu_share", real + simulated, "share");
	measure_print("idle_cpu_share_real", real, "share");
	measure_print("idle_cpu_share_simulated", simulated, "share");
	measure_print("rss_per_client_kib", per_client_kib(), "KiB");
	return 0;
}
