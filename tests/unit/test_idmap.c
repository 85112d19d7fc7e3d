// SPDX-License-Identifier: GPL-2.0-or-later
/* Ids to pointers: against an array, with ids that collide, over many generations. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/base/idmap.h"
#include "tests/unit/alloc_fail.h"
#include "tests/unit/random.h"

enum { IDS = 3000 };

/* Few low bits differ, so that neighbours meet. */
static uint64_t id_of(size_t i)
{
	return (i % 2 ? (uint64_t)i << 40 : i) + 1;
}

static void agrees_with_an_array(void **state)
{
	static char there[IDS];
	size_t n = 0, i;
	uint64_t seed = 7;
	struct idmap *m;
	int step;

	(void)state;
	assert_int_equal(idmap_new(&m), 0);
	for (step = 0; step < 200000; step++) {
		i = random_below(&seed, IDS);
		if (random_below(&seed, 100) < (step / 20000 % 2 ? 30 : 70)) {
			assert_int_equal(idmap_put(m, id_of(i), &there[i]), there[i] ? -EEXIST : 0);
			n += !there[i];
			there[i] = 1;
		} else {
			assert_ptr_equal(idmap_take(m, id_of(i)), there[i] ? &there[i] : NULL);
			n -= there[i];
			there[i] = 0;
		}
		i = random_below(&seed, IDS);
		assert_ptr_equal(idmap_get(m, id_of(i)), there[i] ? &there[i] : NULL);
		assert_int_equal(idmap_count(m), n);
	}
	idmap_free(m);
}

static void walks_every_entry_once(void **state)
{
	static int seen[IDS];
	size_t cursor = 0, n = 0, i;
	struct idmap *m;
	uint64_t id;
	int *value;

	(void)state;
	assert_int_equal(idmap_new(&m), 0);
	assert_null(idmap_each(m, &cursor, &id));
	for (i = 0; i < IDS; i++)
		assert_int_equal(idmap_put(m, id_of(i), &seen[i]), 0);
	for (cursor = 0; (value = idmap_each(m, &cursor, n % 2 ? &id : NULL)); n++)
		++*value;
	assert_int_equal(n, IDS);
	for (i = 0; i < IDS; i++)
		assert_int_equal(seen[i], 1);
	idmap_free(m);
}

static void refuses_nothing_as_id_or_value(void **state)
{
	struct idmap *m;
	int v;

	(void)state;
	assert_int_equal(idmap_new(&m), 0);
	assert_int_equal(idmap_put(m, 0, &v), -EINVAL);
	assert_int_equal(idmap_put(m, 1, NULL), -EINVAL);
	assert_null(idmap_get(m, 0));
	assert_null(idmap_take(m, 0));
	idmap_free(m);
	assert_null(idmap_free(NULL));
}

static void survives_want_of_memory(void **state)
{
	struct idmap *m = NULL;
	uint64_t id;
	int n, v, refused = 0;

	(void)state;
	for (n = 0; n < 2; n++) {
		alloc_fail_after(n);
		assert_int_equal(idmap_new(&m), -ENOMEM);
		assert_true(alloc_failed());
	}
	assert_int_equal(idmap_new(&m), 0);
	for (id = 1; id <= 100; id++) {
		alloc_fail_after(0);
		if (idmap_put(m, id, &v) == -ENOMEM) {
			assert_true(alloc_failed());
			refused++;
			assert_int_equal(idmap_put(m, id, &v), 0);
		}
		alloc_fail_after(-1);
		assert_int_equal(idmap_count(m), id);
	}
	assert_true(refused > 0);
	idmap_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(walks_every_entry_once),
		cmocka_unit_test(refuses_nothing_as_id_or_value),
		cmocka_unit_test(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
