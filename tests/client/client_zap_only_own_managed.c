// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A zap unmaps without losing, so it is carried out on managed ranges of this client alone: on
 * private memory the same call would throw the program's data away.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/client/fake.h"

static void zap(struct fake *f, uint64_t number, size_t n, uint64_t *ranges, uint64_t *offsets,
		uint64_t *lengths)
{
	Hmmd__Zap z = HMMD__ZAP__INIT;

	z.zap = number;
	z.range = ranges;
	z.offset = offsets;
	z.length = lengths;
	z.n_range = z.n_offset = z.n_length = n;
	fake_event(f, &FAKE_MESSAGE(ZAP, zap, &z));
	assert_soon(FAKE_GET(f, last_zap) == number);
}

/*
 * Pages of the page table that are mapped there, by /proc/self/pagemap. One that the kernel is just moving to
 * another place is not mapped at that moment.
 */
static size_t mapped_pages(const uint8_t *addr, size_t size)
{
	FILE *pagemap = fopen("/proc/self/pagemap", "re");
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	uint64_t entry;

	assert_non_null(pagemap);
	assert_int_equal(fseeko(pagemap, (off_t)((uintptr_t)addr / page * sizeof(entry)), SEEK_SET),
			 0);
	for (size_t i = 0; i < size / page && fread(&entry, sizeof(entry), 1, pagemap) == 1; i++)
		n += entry >> 63;
	fclose(pagemap);
	return n;
}

static void managed_pages_are_unmapped_and_keep_their_contents(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t id = 100, offset = HUGE_PAGE, length = 2 * HUGE_PAGE;
	uint8_t *p;

	need_userfaultfd();
	c = fake_client(f, 0);
	assert_int_equal(hmm_alloc(c, 4 * HUGE_PAGE, NULL, &r), 0);
	p = hmm_range_addr(r);
	memset(p, 0x77, 4 * HUGE_PAGE);
	assert_int_equal(FAKE_GET(f, faults), 4);
	assert_soon(mapped_pages(p, 4 * HUGE_PAGE) == 4 * HUGE_PAGE / 4096);
	zap(f, 1, 1, &id, &offset, &length);
	assert_soon(mapped_pages(p, HUGE_PAGE) == HUGE_PAGE / 4096);
	assert_int_equal(mapped_pages(p + HUGE_PAGE, 2 * HUGE_PAGE), 0);
	assert_soon(mapped_pages(p + 3 * HUGE_PAGE, HUGE_PAGE) == HUGE_PAGE / 4096);
	for (size_t i = 0; i < 4 * HUGE_PAGE; i += 4096)
		assert_int_equal(p[i], 0x77);
	/* Touching them again is no event for the daemon. */
	assert_int_equal(FAKE_GET(f, faults), 4);
	hmm_client_unref(c);
}

static void adopted_memory_is_never_touched(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = fake_client(f, 0);
	struct hmm_range *r;
	uint64_t id = 100, offset = 0, length = HUGE_PAGE;
	uint8_t *p = aligned_alloc(HUGE_PAGE, HUGE_PAGE);

	assert_non_null(p);
	memset(p, 0x42, HUGE_PAGE);
	assert_int_equal(hmm_register(c, p, HUGE_PAGE, NULL, &r), 0);
	zap(f, 2, 1, &id, &offset, &length);
	for (size_t i = 0; i < HUGE_PAGE; i += 512)
		assert_int_equal(p[i], 0x42);
	hmm_client_unref(c);
	free(p);
}

/*
 * A span that is only partly inside, or of an unknown range, is left alone; the others of the zap
 * are not.
 */
static void spans_outside_are_skipped(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t ids[] = { 100, 999, 100, 100 }, offsets[] = { HUGE_PAGE, 0, 1ULL << 40, 0 },
		 lengths[] = { 2 * HUGE_PAGE, HUGE_PAGE, HUGE_PAGE, HUGE_PAGE };
	uint8_t *p;

	need_userfaultfd();
	c = fake_client(f, 0);
	assert_int_equal(hmm_alloc(c, 2 * HUGE_PAGE, NULL, &r), 0);
	p = hmm_range_addr(r);
	memset(p, 0x11, 2 * HUGE_PAGE);
	zap(f, 3, 4, ids, offsets, lengths);
	assert_int_equal(mapped_pages(p, HUGE_PAGE), 0);
	assert_soon(mapped_pages(p + HUGE_PAGE, HUGE_PAGE) == HUGE_PAGE / 4096);
	hmm_client_unref(c);
}

/* A program without the helper carries it out in process(). */
static void process_does_it_too(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c;
	struct hmm_range *r;
	uint64_t id = 100, offset = 0, length = HUGE_PAGE;
	Hmmd__Zap z = HMMD__ZAP__INIT;
	uint8_t *p;

	need_userfaultfd();
	c = fake_client(f, HMM_CLIENT_NO_HELPER);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, NULL, &r), 0);
	p = hmm_range_addr(r);
	memset(p, 0x33, HUGE_PAGE);
	z.zap = 9;
	z.range = &id;
	z.offset = &offset;
	z.length = &length;
	z.n_range = z.n_offset = z.n_length = 1;
	fake_event(f, &FAKE_MESSAGE(ZAP, zap, &z));
	assert_int_equal(FAKE_GET(f, last_zap), 0);
	assert_int_equal(hmm_client_process(c), 0);
	assert_int_equal(mapped_pages(p, HUGE_PAGE), 0);
	assert_soon(FAKE_GET(f, last_zap) == 9);
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(managed_pages_are_unmapped_and_keep_their_contents),
		FAKE_TEST(adopted_memory_is_never_touched),
		FAKE_TEST(spans_outside_are_skipped),
		FAKE_TEST(process_does_it_too),
	};

	return cmocka_run_group_tests_name("client_zap_only_own_managed", tests, NULL, NULL);
}
