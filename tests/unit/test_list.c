// SPDX-License-Identifier: GPL-2.0-or-later
/* The intrusive list: order, and removals during a walk and twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/base/list.h"

struct item {
	int number;
	struct list_node node;
};

static void keeps_order_and_removes_during_a_walk(void **state)
{
	struct item items[6];
	struct list_node head;
	int i, want = 1;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (i = 0; i < 6; i++) {
		items[i].number = i;
		list_append(&head, &items[i].node);
	}
	LIST_EACH_SAFE(node, next, &head)
		if (container_of(node, struct item, node)->number % 2 == 0)
			list_remove(node);
	LIST_EACH(node, &head) {
		assert_int_equal(container_of(node, struct item, node)->number, want);
		want += 2;
	}
	assert_int_equal(want, 7);
}

static void removing_twice_is_harmless(void **state)
{
	struct list_node head, a, b;

	(void)state;
	list_init(&head);
	list_append(&head, &a);
	list_append(&head, &b);
	list_remove(&a);
	list_remove(&a);
	assert_ptr_equal(head.next, &b);
	assert_ptr_equal(head.prev, &b);
	list_remove(&b);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_removes_during_a_walk),
		cmocka_unit_test(removing_twice_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
