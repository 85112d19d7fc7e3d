// SPDX-License-Identifier: GPL-2.0-or-later
/* A quota refuses what is beyond it, charges exactly what is held, and gives everything back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/backing.h"
#include "tests/support/move.h"
#include "tests/support/other.h"
#include "tests/support/rawpeer.h"
#include "tests/support/words.h"

enum { ROUNDS = 20, SEED = 51, RANGES = 3, OTHER_UID = 1000, PAGES_PUT = 16 };
#define OTHERS (6 * MiB)		/* below the limit of a user */
#define PUT (PAGES_PUT * HUGE_PAGE)	/* four times that */

static const struct house_options limited = {
	.config = HOUSE_QUIET "[quota default]\nmanaged = 64M\nranges = 3\ntier.dram = 8M\n",
};

static void managed_bytes_are_limited(void **state)
{
	struct house *h = house_open(&limited);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL, *more = NULL;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(hmm_alloc(c, 64 * MiB + HUGE_PAGE, NULL, &more), -EDQUOT);
		assert_int_equal(hmm_alloc(c, 48 * MiB, NULL, &r), 0);
		assert_int_equal(hmm_alloc(c, 18 * MiB, NULL, &more), -EDQUOT);
		assert_true(strlen(hmm_client_last_error(c)) > 0);
		assert_int_equal(hmm_range_free(r), 0);
	}
	assert_null(more);
	hmm_client_unref(c);
	house_close(h);
}

/* The quota is the user's, not the connection's; what a dead client held is given back. */
static void ranges_are_counted_per_user(void **state)
{
	struct house *h = house_open(&limited);
	struct hmm_client *a = house_client(h, "quota-a", 0), *b = house_client(h, "quota-b", 0);
	struct hmm_range *held[RANGES], *more = NULL;
	void *memory = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(memory != MAP_FAILED);
	for (int i = 0; i < RANGES; i++)
		assert_int_equal(hmm_alloc(i ? b : a, HUGE_PAGE, NULL, &held[i]), 0);
	assert_int_equal(hmm_alloc(a, HUGE_PAGE, NULL, &more), -EDQUOT);
	assert_int_equal(hmm_register(a, memory, HUGE_PAGE, NULL, &more), -EDQUOT);
	hmm_client_unref(b);
	assert_soon(hmm_alloc(a, HUGE_PAGE, NULL, &more) == 0);
	hmm_client_unref(a);
	munmap(memory, HUGE_PAGE);
	house_close(h);
}

/* Beyond its share of the fast tier a user pushes out its own pages, not those of others. */
static void the_fast_tier_is_shared_out(void **state)
{
	struct house *h = house_on(state, limited.config);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL;
	uint64_t used, most = 0;

	assert_int_equal(hmm_alloc(c, 32 * MiB, NULL, &r), 0);
	for (size_t i = 0; i < 16; i++) {
		words_fill((char *)hmm_range_addr(r) + i * HUGE_PAGE, HUGE_PAGE, SEED + i);
		used = ask_used(c, "dram");
		most = used > most ? used : most;
	}
	assert_true(most <= 8 * MiB);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(words_bad((char *)hmm_range_addr(r) + i * HUGE_PAGE, HUGE_PAGE, SEED + i), 0);
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	hmm_client_unref(c);
	house_close(h);
}

/*
 * In a program that locks all memory to come, the kernel fills each new mapping at once: that must not get a range
 * pages that nobody counts. The quota holds, and what lies beyond it comes and goes as for anybody.
 */
static void a_program_that_locks_its_memory_has_no_more(void **state)
{
	struct house *h = house_on(state, limited.config);
	struct hmm_client *c = house_client(h, "quota", 0);
	struct hmm_range *r = NULL;
	int rc;

	if (mlockall(MCL_FUTURE) < 0)
		skip_because("memory cannot be locked here");
	rc = hmm_alloc(c, 32 * MiB, NULL, &r);
	munlockall();
	assert_int_equal(rc, 0);
	assert_int_equal(ask_sum(c, "tiers", "used"), 0);
	words_fill(hmm_range_addr(r), 32 * MiB, SEED);
	assert_int_equal(ask_sum(c, "tiers", "used"), 32 * MiB);
	assert_true(ask_used(c, "dram") <= 8 * MiB);
	assert_int_equal(words_bad(hmm_range_addr(r), 32 * MiB, SEED), 0);
	hmm_client_unref(c);
	house_close(h);
}

/* A program that has its file at hand, and another user, all of whose memory is in the tier. */
struct strange {
	struct house *house;
	struct other other;
	struct hmm_client *client;
	struct rawpeer *peer;
	struct rawrange range;
	uint64_t evicted;
};

static void strange_begin(struct strange *x, void **state)
{
	if (geteuid())
		skip_because("another user is needed (root)");
	*x = (struct strange){ .house = house_on(state, limited.config) };
	other_begin(&x->other, x->house, OTHERS, SEED, OTHER_UID);
	assert_int_equal(other_looks(&x->other), 0);
	x->client = house_client(x->house, "quota", 0);
	assert_int_equal(other_looks(&x->other), 0);
	assert_soon(ask_used(x->client, "dram") == OTHERS);
	x->evicted = ask_status(x->client, "evicted_bytes");
	x->peer = rawpeer_open(x->house->socket);
	rawpeer_hello(x->peer);
	rawpeer_attach(x->peer);
	rawpeer_alloc(x->peer, PAGES_PUT, &x->range);
	rawpeer_map(x->peer, &x->range);
}

/* Everything of the other user was there all the time. */
static void strange_end(struct strange *x)
{
	assert_int_equal(other_looks(&x->other), 0);
	assert_int_equal(ask_used(x->client, "dram"), OTHERS);
	assert_int_equal(ask_status(x->client, "evicted_bytes"), x->evicted);
	other_end(&x->other);
	rawpeer_close(x->peer);
	hmm_client_unref(x->client);
	house_close(x->house);
}

static uint64_t excess(struct strange *x)
{
	return ask_sum(x->client, "users", "excess_bytes");
}

static bool doctor_says(struct strange *x, const char *column, const char *text)
{
	char got[256];

	ask_text(x->client, "doctor", "check", "files", column, got, sizeof(got));
	return strstr(got, text) != NULL;
}

static void is_seen_and_refused(struct strange *x, uint64_t bytes)
{
	uint64_t began_us = clock_us();
	struct hmm_range *r = NULL;

	assert_soon(excess(x) == bytes);
	printf("# %llu MiB were seen after %llu ms\n", (unsigned long long)(bytes / MiB),
	       (unsigned long long)((clock_us() - began_us) / 1000));
	assert_int_equal(hmm_alloc(x->client, HUGE_PAGE, NULL, &r), -EDQUOT);
	assert_non_null(strstr(hmm_client_last_error(x->client), "hmmd has not put there"));
	assert_true(doctor_says(x, "state", "degraded"));
	assert_true(doctor_says(x, "text", "uid 0 "));
	assert_true(doctor_says(x, "text", "beyond its limit"));
	assert_true(house_logged(x->house, "hmmd has not put there"));
}

static void is_well_again(struct strange *x)
{
	struct hmm_range *r = NULL;

	assert_soon(!excess(x));
	assert_true(doctor_says(x, "state", "ok"));
	assert_int_equal(hmm_alloc(x->client, HUGE_PAGE, NULL, &r), 0);
	words_fill(hmm_range_addr(r), HUGE_PAGE, SEED);
	assert_int_equal(hmm_range_free(r), 0);
}

static void punch(struct strange *x, uint64_t offset, uint64_t bytes)
{
	assert_int_equal(fallocate(x->range.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes), 0);
}

/* Others may have taken the huge pages that the kernel gives beyond those in use, until hmmd has it give more. */
static void put(struct strange *x, uint64_t offset, uint64_t bytes)
{
	assert_soon(fallocate(x->range.file, 0, (off_t)offset, (off_t)bytes) == 0);
}

/* A mapping where nobody serves faults; its pages are reserved, or the lack of one would be a signal. */
static void *map_past(struct strange *x)
{
	void *past;

	assert_soon((past = mmap(NULL, PUT, PROT_READ | PROT_WRITE, MAP_SHARED, x->range.file, 0)) != MAP_FAILED);
	return past;
}

static void what_a_program_allocates_in_its_file_is_charged(void **state)
{
	struct strange x;

	strange_begin(&x, state);
	put(&x, 0, PUT);
	is_seen_and_refused(&x, PUT);
	punch(&x, 0, PUT);
	is_well_again(&x);
	rawpeer_free(x.peer, &x.range);
	strange_end(&x);
}

/* Where nobody serves its faults the kernel fills the holes, and hmmd hears nothing of it. */
static void a_mapping_that_hmmd_does_not_serve_is_charged(void **state)
{
	struct strange x;
	void *past;

	strange_begin(&x, state);
	past = map_past(&x);
	words_fill(past, PUT, SEED);
	is_seen_and_refused(&x, PUT);
	munmap(past, PUT);
	assert_int_equal(words_bad(x.range.addr, PUT, SEED), 0);
	rawpeer_free(x.peer, &x.range);
	is_well_again(&x);
	strange_end(&x);
}

/* A file that lies on a tmpfs cannot be sealed; that it is longer costs nothing, what is put there does. */
static void what_lies_beyond_the_end_is_charged(void **state)
{
	struct strange x;

	strange_begin(&x, state);
	if (ftruncate(x.range.file, (off_t)(2 * PUT)) < 0) {
		assert_int_equal(errno, EPERM);
		assert_string_not_equal(*state, "thp");
	} else {
		put(&x, PUT, PUT);
		is_seen_and_refused(&x, PUT);
		assert_int_equal(ftruncate(x.range.file, (off_t)PUT), 0);
	}
	is_well_again(&x);
	rawpeer_free(x.peer, &x.range);
	strange_end(&x);
}

struct filler {
	struct hmm_range *range;
	_Atomic bool done;
};

static void *fill_all(void *filler)
{
	struct filler *f = filler;

	die_by_own_signal();
	words_fill(hmm_range_addr(f->range), hmm_range_size(f->range), SEED);
	atomic_store(&f->done, true);
	return NULL;
}

static bool waits_for_quota(struct strange *x)
{
	char reason[32];

	ask_text(x->client, "clients", "name", "quota", "waiting_for", reason, sizeof(reason));
	return !strcmp(reason, "quota");
}

/* Its own pages find no room any more, not even beside fewer of its own, and the pages of others never go for them. */
static void who_is_in_excess_waits_alone(void **state)
{
	struct filler f = { .done = false };
	struct hmm_client *own;
	struct strange x;
	pthread_t thread;

	strange_begin(&x, state);
	own = house_client(x.house, "own", 0);
	assert_int_equal(hmm_alloc(x.client, 16 * MiB, NULL, &f.range), 0);
	put(&x, 0, PUT);
	assert_soon(ask_sum(own, "users", "excess_bytes") == PUT);
	assert_int_equal(pthread_create(&thread, NULL, fill_all, &f), 0);
	assert_soon(waits_for_quota(&x));
	assert_int_equal(other_looks(&x.other), 0);
	assert_false(atomic_load(&f.done));
	assert_int_equal(ask_used(own, "dram"), OTHERS);
	punch(&x, 0, PUT);
	assert_soon(atomic_load(&f.done));
	pthread_join(thread, NULL);
	assert_int_equal(words_bad(hmm_range_addr(f.range), 16 * MiB, SEED), 0);
	assert_int_equal(hmm_range_free(f.range), 0);
	hmm_client_unref(own);
	rawpeer_free(x.peer, &x.range);
	x.evicted = ask_status(x.client, "evicted_bytes");	/* its own, beyond its limit */
	strange_end(&x);
}

/* Bytes that are never there are written into a file, and it is locked meanwhile. */
struct holder {
	int file, uffd;
	void *nothing;
	pthread_t thread;
};

static void *write_nothing(void *holder)
{
	struct holder *w = holder;

	die_by_own_signal();
	(void)!pwrite(w->file, w->nothing, HUGE_PAGE, 0);
	return NULL;
}

static void hold_file(struct holder *w, int file)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffd_msg fault;

	*w = (struct holder){ .file = file, .uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC) };
	w->nothing = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(w->uffd >= 0 && w->nothing != MAP_FAILED);
	reg.range.start = (uintptr_t)w->nothing;
	reg.range.len = HUGE_PAGE;
	assert_int_equal(ioctl(w->uffd, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(w->uffd, UFFDIO_REGISTER, &reg), 0);
	assert_int_equal(pthread_create(&w->thread, NULL, write_nothing, w), 0);
	assert_int_equal(read(w->uffd, &fault, sizeof(fault)), sizeof(fault));
}

static void let_file_go(struct holder *w)
{
	close(w->uffd);
	pthread_join(w->thread, NULL);
	munmap(w->nothing, HUGE_PAGE);
}

/* Who writes into it holds its lock as long as it likes, and that hides nothing. */
static void a_file_that_is_locked_is_charged(void **state)
{
	struct holder holder;
	struct strange x;
	void *past;

	strange_begin(&x, state);
	hold_file(&holder, x.range.file);
	past = map_past(&x);
	words_fill(past, PUT, SEED);
	is_seen_and_refused(&x, PUT);
	let_file_go(&holder);
	munmap(past, PUT);
	punch(&x, 0, PUT);
	is_well_again(&x);
	rawpeer_free(x.peer, &x.range);
	strange_end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(managed_bytes_are_limited),
		cmocka_unit_test(ranges_are_counted_per_user),
		PER_BACKING(the_fast_tier_is_shared_out),
		PER_BACKING(a_program_that_locks_its_memory_has_no_more),
		PER_BACKING(what_a_program_allocates_in_its_file_is_charged),
		PER_BACKING(a_mapping_that_hmmd_does_not_serve_is_charged),
		PER_BACKING(what_lies_beyond_the_end_is_charged),
		PER_BACKING(who_is_in_excess_waits_alone),
		{ "a_file_that_is_locked_is_charged on thp", a_file_that_is_locked_is_charged, NULL, NULL, (void *)"thp" },
		{ "a_file_that_is_locked_is_charged on small", a_file_that_is_locked_is_charged, NULL, NULL, (void *)"small" },
	};

	return cmocka_run_group_tests_name("quotas", tests, NULL, NULL);
}
