# SPDX-License-Identifier: GPL-2.0-or-later
# Unit tests of daemon/core.
core_test_programs = \
	tests/unit/test_account \
	tests/unit/test_adopted \
	tests/unit/test_adopted_advice \
	tests/unit/test_budget \
	tests/unit/test_commit \
	tests/unit/test_config_check \
	tests/unit/test_event \
	tests/unit/test_excess \
	tests/unit/test_fault \
	tests/unit/test_heat \
	tests/unit/test_held_up \
	tests/unit/test_op \
	tests/unit/test_share \
	tests/unit/test_page \
	tests/unit/test_pins \
	tests/unit/test_by_hand \
	tests/unit/test_plan \
	tests/unit/test_pool \
	tests/unit/test_range \
	tests/unit/test_rank \
	tests/unit/test_shortage \
	tests/unit/test_space \
	tests/unit/test_space_hard \
	tests/unit/test_tier \
	tests/unit/test_tiered \
	tests/unit/test_tracker \
	tests/unit/test_value \
	tests/unit/test_wait \
	tests/unit/test_world
check_PROGRAMS += $(core_test_programs)
TESTS += $(core_test_programs)

# Allocations pass through alloc_fail.c, which makes them fail on demand.
core_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) -pthread
core_test_ldflags = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc
core_test_ldadd = daemon/core/libcore.la daemon/base/libbase.la $(CMOCKA_LIBS) -lpthread
core_test_fixture = \
	tests/unit/alloc_fail.c tests/unit/alloc_fail.h tests/unit/random.h \
	tests/unit/core_world.c tests/unit/core_world.h

tests_unit_test_account_SOURCES = tests/unit/test_account.c $(core_test_fixture)
tests_unit_test_account_CFLAGS = $(core_test_cflags)
tests_unit_test_account_LDFLAGS = $(core_test_ldflags)
tests_unit_test_account_LDADD = $(core_test_ldadd)

tests_unit_test_adopted_SOURCES = tests/unit/test_adopted.c tests/unit/adopted_world.h $(core_test_fixture)
tests_unit_test_adopted_CFLAGS = $(core_test_cflags)
tests_unit_test_adopted_LDFLAGS = $(core_test_ldflags)
tests_unit_test_adopted_LDADD = $(core_test_ldadd)

tests_unit_test_adopted_advice_SOURCES = tests/unit/test_adopted_advice.c tests/unit/adopted_world.h $(core_test_fixture)
tests_unit_test_adopted_advice_CFLAGS = $(core_test_cflags)
tests_unit_test_adopted_advice_LDFLAGS = $(core_test_ldflags)
tests_unit_test_adopted_advice_LDADD = $(core_test_ldadd)

tests_unit_test_budget_SOURCES = tests/unit/test_budget.c $(core_test_fixture)
tests_unit_test_budget_CFLAGS = $(core_test_cflags)
tests_unit_test_budget_LDFLAGS = $(core_test_ldflags)
tests_unit_test_budget_LDADD = $(core_test_ldadd)

tests_unit_test_commit_SOURCES = tests/unit/test_commit.c $(core_test_fixture)
tests_unit_test_commit_CFLAGS = $(core_test_cflags)
tests_unit_test_commit_LDFLAGS = $(core_test_ldflags)
tests_unit_test_commit_LDADD = $(core_test_ldadd)

tests_unit_test_config_check_SOURCES = tests/unit/test_config_check.c $(core_test_fixture)
tests_unit_test_config_check_CFLAGS = $(core_test_cflags)
tests_unit_test_config_check_LDFLAGS = $(core_test_ldflags)
tests_unit_test_config_check_LDADD = $(core_test_ldadd)

tests_unit_test_event_SOURCES = tests/unit/test_event.c $(core_test_fixture)
tests_unit_test_event_CFLAGS = $(core_test_cflags)
tests_unit_test_event_LDFLAGS = $(core_test_ldflags)
tests_unit_test_event_LDADD = $(core_test_ldadd)

tests_unit_test_excess_SOURCES = tests/unit/test_excess.c tests/unit/one_space.h $(core_test_fixture)
tests_unit_test_excess_CFLAGS = $(core_test_cflags)
tests_unit_test_excess_LDFLAGS = $(core_test_ldflags)
tests_unit_test_excess_LDADD = $(core_test_ldadd)

tests_unit_test_fault_SOURCES = tests/unit/test_fault.c $(core_test_fixture)
tests_unit_test_fault_CFLAGS = $(core_test_cflags)
tests_unit_test_fault_LDFLAGS = $(core_test_ldflags)
tests_unit_test_fault_LDADD = $(core_test_ldadd)

tests_unit_test_heat_SOURCES = tests/unit/test_heat.c $(core_test_fixture)
tests_unit_test_heat_CFLAGS = $(core_test_cflags)
tests_unit_test_heat_LDFLAGS = $(core_test_ldflags)
tests_unit_test_heat_LDADD = $(core_test_ldadd)

tests_unit_test_held_up_SOURCES = tests/unit/test_held_up.c $(core_test_fixture)
tests_unit_test_held_up_CFLAGS = $(core_test_cflags)
tests_unit_test_held_up_LDFLAGS = $(core_test_ldflags)
tests_unit_test_held_up_LDADD = $(core_test_ldadd)

tests_unit_test_share_SOURCES = tests/unit/test_share.c
tests_unit_test_share_CFLAGS = $(core_test_cflags)
tests_unit_test_share_LDADD = $(core_test_ldadd)
tests_unit_test_op_SOURCES = tests/unit/test_op.c tests/unit/one_space.h $(core_test_fixture)
tests_unit_test_op_CFLAGS = $(core_test_cflags)
tests_unit_test_op_LDFLAGS = $(core_test_ldflags)
tests_unit_test_op_LDADD = $(core_test_ldadd)

tests_unit_test_page_SOURCES = tests/unit/test_page.c $(core_test_fixture)
tests_unit_test_page_CFLAGS = $(core_test_cflags)
tests_unit_test_page_LDFLAGS = $(core_test_ldflags)
tests_unit_test_page_LDADD = $(core_test_ldadd)

tests_unit_test_pins_SOURCES = tests/unit/test_pins.c
tests_unit_test_pins_CFLAGS = $(core_test_cflags)
tests_unit_test_pins_LDADD = $(core_test_ldadd)

tests_unit_test_by_hand_SOURCES = tests/unit/test_by_hand.c $(core_test_fixture)
tests_unit_test_by_hand_CFLAGS = $(core_test_cflags)
tests_unit_test_by_hand_LDFLAGS = $(core_test_ldflags)
tests_unit_test_by_hand_LDADD = $(core_test_ldadd)
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c $(core_test_fixture)
tests_unit_test_plan_CFLAGS = $(core_test_cflags)
tests_unit_test_plan_LDFLAGS = $(core_test_ldflags)
tests_unit_test_plan_LDADD = $(core_test_ldadd)

tests_unit_test_pool_SOURCES = tests/unit/test_pool.c $(core_test_fixture)
tests_unit_test_pool_CFLAGS = $(core_test_cflags)
tests_unit_test_pool_LDFLAGS = $(core_test_ldflags)
tests_unit_test_pool_LDADD = $(core_test_ldadd)

tests_unit_test_rank_SOURCES = tests/unit/test_rank.c $(core_test_fixture)
tests_unit_test_rank_CFLAGS = $(core_test_cflags)
tests_unit_test_rank_LDFLAGS = $(core_test_ldflags)
tests_unit_test_rank_LDADD = $(core_test_ldadd)

tests_unit_test_shortage_SOURCES = tests/unit/test_shortage.c $(core_test_fixture)
tests_unit_test_shortage_CFLAGS = $(core_test_cflags)
tests_unit_test_shortage_LDFLAGS = $(core_test_ldflags)
tests_unit_test_shortage_LDADD = $(core_test_ldadd)

tests_unit_test_space_SOURCES = tests/unit/test_space.c $(core_test_fixture)
tests_unit_test_space_CFLAGS = $(core_test_cflags)
tests_unit_test_space_LDFLAGS = $(core_test_ldflags)
tests_unit_test_space_LDADD = $(core_test_ldadd)

tests_unit_test_tier_SOURCES = tests/unit/test_tier.c $(core_test_fixture)
tests_unit_test_tier_CFLAGS = $(core_test_cflags)
tests_unit_test_tier_LDFLAGS = $(core_test_ldflags)
tests_unit_test_tier_LDADD = $(core_test_ldadd)

tests_unit_test_tiered_SOURCES = tests/unit/test_tiered.c $(core_test_fixture)
tests_unit_test_tiered_CFLAGS = $(core_test_cflags)
tests_unit_test_tiered_LDFLAGS = $(core_test_ldflags)
tests_unit_test_tiered_LDADD = $(core_test_ldadd)

tests_unit_test_tracker_SOURCES = tests/unit/test_tracker.c tests/unit/one_space.h $(core_test_fixture)
tests_unit_test_tracker_CFLAGS = $(core_test_cflags)
tests_unit_test_tracker_LDFLAGS = $(core_test_ldflags)
tests_unit_test_tracker_LDADD = $(core_test_ldadd)

tests_unit_test_value_SOURCES = tests/unit/test_value.c $(core_test_fixture)
tests_unit_test_value_CFLAGS = $(core_test_cflags)
tests_unit_test_value_LDFLAGS = $(core_test_ldflags)
tests_unit_test_value_LDADD = $(core_test_ldadd)

tests_unit_test_wait_SOURCES = tests/unit/test_wait.c $(core_test_fixture)
tests_unit_test_wait_CFLAGS = $(core_test_cflags)
tests_unit_test_wait_LDFLAGS = $(core_test_ldflags)
tests_unit_test_wait_LDADD = $(core_test_ldadd)

tests_unit_test_world_SOURCES = tests/unit/test_world.c $(core_test_fixture)
tests_unit_test_world_CFLAGS = $(core_test_cflags)
tests_unit_test_world_LDFLAGS = $(core_test_ldflags)
tests_unit_test_world_LDADD = $(core_test_ldadd)

tests_unit_test_range_SOURCES = tests/unit/test_range.c tests/unit/one_space.h $(core_test_fixture)
tests_unit_test_range_CFLAGS = $(core_test_cflags)
tests_unit_test_range_LDFLAGS = $(core_test_ldflags)
tests_unit_test_range_LDADD = $(core_test_ldadd)

tests_unit_test_space_hard_SOURCES = tests/unit/test_space_hard.c $(core_test_fixture)
tests_unit_test_space_hard_CFLAGS = $(core_test_cflags)
tests_unit_test_space_hard_LDFLAGS = $(core_test_ldflags)
tests_unit_test_space_hard_LDADD = $(core_test_ldadd)
