// SPDX-License-Identifier: GPL-2.0-or-later
/* Ranges that wrap, overlap, are unaligned or empty, or belong to somebody else. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/support/ask.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/watched.h"

static int raw_register(struct rawpeer *p, const uint64_t *addr, const uint64_t *size, size_t n_addr, size_t n_size)
{
	Hmmd__Register reg = HMMD__REGISTER__INIT;
	RAW_MESSAGE(m, REGISTER, register_, &reg);

	reg.addr = (uint64_t *)addr;
	reg.size = (uint64_t *)size;
	reg.n_addr = n_addr;
	reg.n_size = n_size;
	return rawpeer_refusal(p, &m, NULL, 0);
}

static void impossible_ranges_are_refused(void **state)
{
	static const struct { uint64_t addr, size; } bad[] = {
		{ 0x10000000, 0 }, { 0x10000001, 4096 }, { 0x10000000, 4097 },
		{ UINT64_MAX - 4095, 4096 }, { UINT64_MAX - 8191, 16384 }, { HMM_LIMIT_ADDRESS - 4096, 8192 },
		{ HMM_LIMIT_ADDRESS, 4096 }, { 1ULL << 63, 4096 }, { 4096, UINT64_MAX - 4095 },
	};
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	rawpeer_hello(p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int e = raw_register(p, &bad[i].addr, &bad[i].size, 1, 1);

		if (e <= 0)
			fail_msg("range %zu: %d", i, e);
	}
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void overlaps_are_refused_whole(void **state)
{
	static const uint64_t addr[] = { 0x20000000, 0x20400000, 0x20100000 }, size[] = { 0x200000, 0x200000, 0x1000 };
	static const uint64_t fine = 0x20800000, fine_size = 0x200000;
	struct rawpeer *p = rawpeer_open(house->socket);

	(void)state;
	rawpeer_hello(p);
	assert_int_equal(raw_register(p, &fine, &fine_size, 1, 1), 0);
	assert_int_equal(raw_register(p, addr, size, 3, 3), EEXIST);	/* among themselves */
	assert_int_equal(raw_register(p, addr, size, 2, 2), 0);		/* so none of the three stayed */
	assert_int_equal(raw_register(p, &fine, &fine_size, 1, 1), EEXIST);
	assert_int_not_equal(raw_register(p, addr, size, 3, 2), 0);	/* not as many sizes as addresses */
	assert_int_not_equal(raw_register(p, NULL, NULL, 0, 0), 0);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static void the_library_says_the_same(void **state)
{
	struct hmm_client *c = house_client(house, "ranges", 0);
	char *memory = mmap(NULL, 4 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hmm_range *r = NULL, *none = NULL;

	(void)state;
	assert_true(memory != MAP_FAILED);
	assert_true(hmm_register(c, memory, 2 * HUGE_PAGE, NULL, &r) >= 0);
	assert_int_equal(hmm_register(c, memory + HUGE_PAGE, 2 * HUGE_PAGE, NULL, &none), -EEXIST);
	assert_int_equal(hmm_register(c, memory + 1, HUGE_PAGE, NULL, &none), -EINVAL);
	assert_int_equal(hmm_register(c, memory, 0, NULL, &none), -EINVAL);
	assert_int_equal(hmm_register(c, (void *)(UINTPTR_MAX - 4095), 8192, NULL, &none), -ERANGE);
	assert_null(none);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	munmap(memory, 4 * HUGE_PAGE);
	witness_undisturbed(&witness);
}

static int raw_free(struct rawpeer *p, uint64_t id)
{
	Hmmd__Free release = HMMD__FREE__INIT;
	RAW_MESSAGE(m, FREE, free, &release);

	release.range = &id;
	release.n_range = 1;
	return rawpeer_refusal(p, &m, NULL, 0);
}

static int raw_migrate(struct rawpeer *p, uint64_t id)
{
	Hmmd__Migrate migrate = HMMD__MIGRATE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &migrate);

	migrate.range = id;
	migrate.length = HUGE_PAGE;
	migrate.tier = "far";
	return rawpeer_refusal(p, &m, NULL, 0);
}

/* Range ids are small numbers that anybody can guess; those of others must be out of reach. */
static void ranges_of_others_are_out_of_reach(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	struct rawrange mine;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 1, &mine);
	rawpeer_map(p, &mine);
	for (uint64_t id = 0; id < mine.id + 20; id++) {
		if (id == mine.id)
			continue;
		assert_int_not_equal(raw_migrate(p, id), 0);
		assert_int_not_equal(raw_free(p, id), 0);
	}
	assert_int_equal(raw_migrate(p, mine.id), 0);
	assert_int_equal(raw_free(p, mine.id), 0);
	assert_int_not_equal(raw_free(p, mine.id), 0);
	rawrange_drop(&mine);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

static int raw_map(struct rawpeer *p, uint64_t id, uint64_t addr)
{
	Hmmd__MapRange map = HMMD__MAP_RANGE__INIT;
	RAW_MESSAGE(m, MAP_RANGE, map_range, &map);

	map.range = id;
	map.addr = addr;
	return rawpeer_refusal(p, &m, NULL, 0);
}

static void mapping_is_checked(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	struct rawrange a, b;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 2, &a);
	rawpeer_alloc(p, 2, &b);
	assert_int_not_equal(raw_map(p, a.id, 0x10001000), 0);			/* no huge-page boundary */
	assert_int_not_equal(raw_map(p, a.id, HMM_LIMIT_ADDRESS - HUGE_PAGE), 0);	/* beyond user addresses */
	assert_int_not_equal(raw_map(p, 123456, 64 * HUGE_PAGE), 0);
	rawpeer_map(p, &a);
	assert_int_not_equal(raw_map(p, a.id, (uintptr_t)a.addr), 0);		/* twice */
	assert_int_not_equal(raw_map(p, b.id, (uintptr_t)a.addr + HUGE_PAGE), 0);	/* over another */
	rawpeer_map(p, &b);
	*(volatile char *)a.addr = 1;
	*(volatile char *)b.addr = 1;
	rawpeer_free(p, &a);
	rawpeer_free(p, &b);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

/* Mapped by its word only: nothing is there, so the daemon finds nothing to move, and says so. */
static void a_range_that_was_never_mapped(void **state)
{
	struct rawpeer *p = rawpeer_open(house->socket);
	struct rawrange a;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_alloc(p, 2, &a);
	raw_migrate(p, a.id);			/* not mapped: refused or nothing to do, but alive */
	assert_int_equal(raw_map(p, a.id, 64 * HUGE_PAGE), 0);
	raw_migrate(p, a.id);
	assert_int_equal(rawpeer_ping(p), 0);
	rawpeer_free(p, &a);
	rawpeer_close(p);
	witness_undisturbed(&witness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_ranges_are_refused),
		cmocka_unit_test(overlaps_are_refused_whole),
		cmocka_unit_test(the_library_says_the_same),
		cmocka_unit_test(ranges_of_others_are_out_of_reach),
		cmocka_unit_test(mapping_is_checked),
		cmocka_unit_test(a_range_that_was_never_mapped),
	};

	return cmocka_run_group_tests_name("bad ranges", tests, set_up, tear_down);
}
