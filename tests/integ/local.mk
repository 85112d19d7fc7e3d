# SPDX-License-Identifier: GPL-2.0-or-later
# Integration tests: each program starts private daemons and talks to them through the library or by hand.
check_LTLIBRARIES += tests/support/libsupport.la
tests_support_libsupport_la_SOURCES = \
	tests/support/ask.c tests/support/ask.h \
	tests/support/asleep.h \
	tests/support/backing.h \
	tests/support/churn.c tests/support/churn.h \
	tests/support/count.c \
	tests/support/deny.h \
	tests/support/escape.h \
	tests/support/faulty_switches.c tests/support/faulty_device.h \
	tests/support/group.c tests/support/group.h \
	tests/support/house.c tests/support/house.h \
	tests/support/house_end.c tests/support/house_own.h \
	tests/support/line.h \
	tests/support/manager.c tests/support/manager.h \
	tests/support/move.c tests/support/move.h \
	tests/support/core_file.c tests/support/core_file.h \
	tests/support/other.c tests/support/other.h \
	tests/support/target.c tests/support/target.h \
	tests/support/rawpeer.c tests/support/rawpeer.h \
	tests/support/cut.h \
	tests/support/seen.h \
	tests/support/state.h \
	tests/support/stranger.c tests/support/stranger.h \
	tests/support/test.h \
	tests/support/watched.h \
	tests/support/witness.c tests/support/witness.h \
	tests/support/words.h
support_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(PROTOBUF_C_CFLAGS) -pthread
tests_support_libsupport_la_CFLAGS = $(support_cflags)
support_ldadd = tests/support/libsupport.la libclient/libhmmclient.la \
	proto/libhmmproto.la proto/libhmmfd.la proto/libhmmpb.la $(PROTOBUF_C_LIBS) $(CMOCKA_LIBS) -lpthread

# The daemon itself, beside a device driver that fails on demand.
check_PROGRAMS += tests/support/hmmd_faulty
tests_support_hmmd_faulty_SOURCES = daemon/io/main.c tests/support/faulty_device.c tests/support/faulty_device.h
tests_support_hmmd_faulty_CFLAGS = $(hmmd_CFLAGS)
tests_support_hmmd_faulty_LDFLAGS = -Wl,--wrap=view_present -Wl,--wrap=preadv2
tests_support_hmmd_faulty_LDADD = $(hmmd_LDADD)

# And beside a simulated kernel driver.
check_PROGRAMS += tests/support/hmmd_driver
tests_support_hmmd_driver_SOURCES = daemon/io/main.c tests/support/driver_daemon.c tests/support/driver_daemon.h
tests_support_hmmd_driver_CFLAGS = $(hmmd_CFLAGS)
tests_support_hmmd_driver_LDFLAGS = -Wl,--wrap=driver_new
tests_support_hmmd_driver_LDADD = $(hmmd_LDADD)

integ_test_programs = \
	tests/integ/test_adoptable \
	tests/integ/test_adopted \
	tests/integ/test_adopted_advice \
	tests/integ/test_adopted_events \
	tests/integ/test_adopted_failures \
	tests/integ/test_adopted_limits \
	tests/integ/test_adopted_pins \
	tests/integ/test_advice \
	tests/integ/test_basics \
	tests/integ/test_blocking \
	tests/integ/test_by_hand \
	tests/integ/test_churn \
	tests/integ/test_clients \
	tests/integ/test_config \
	tests/integ/test_ctl \
	tests/integ/test_cost \
	tests/integ/test_cut \
	tests/integ/test_denied \
	tests/integ/test_descriptors \
	tests/integ/test_device \
	tests/integ/test_drain \
	tests/integ/test_events \
	tests/integ/test_exec \
	tests/integ/test_fair \
	tests/integ/test_figures \
	tests/integ/test_foreign \
	tests/integ/test_freeing \
	tests/integ/test_gap \
	tests/integ/test_gcore \
	tests/integ/test_give_up \
	tests/integ/test_held \
	tests/integ/test_hostile \
	tests/integ/test_lost \
	tests/integ/test_many \
	tests/integ/test_nofile \
	tests/integ/test_names \
	tests/integ/test_overcommit \
	tests/integ/test_own_mapping \
	tests/integ/test_pages \
	tests/integ/test_paging \
	tests/integ/test_payer \
	tests/integ/test_pin \
	tests/integ/test_protocol \
	tests/integ/test_quota \
	tests/integ/test_ranges \
	tests/integ/test_reconfigure \
	tests/integ/test_reach \
	tests/integ/test_recovery \
	tests/integ/test_refusals \
	tests/integ/test_reload \
	tests/integ/test_restart \
	tests/integ/test_room \
	tests/integ/test_rootless \
	tests/integ/test_stop \
	tests/integ/test_strangers \
	tests/integ/test_unknown \
	tests/integ/test_waits \
	tests/integ/test_whose \
	tests/integ/test_windows
check_PROGRAMS += $(integ_test_programs)
TESTS += $(integ_test_programs)

tests_integ_test_adopted_SOURCES = tests/integ/test_adopted.c tests/support/adopted.h
tests_integ_test_adopted_CFLAGS = $(support_cflags)
tests_integ_test_adopted_LDADD = $(support_ldadd)

tests_integ_test_adopted_advice_SOURCES = tests/integ/test_adopted_advice.c tests/support/adopted.h
tests_integ_test_adopted_advice_CFLAGS = $(support_cflags)
tests_integ_test_adopted_advice_LDADD = $(support_ldadd)

tests_integ_test_adopted_events_SOURCES = tests/integ/test_adopted_events.c tests/support/adopted.h
tests_integ_test_adopted_events_CFLAGS = $(support_cflags)
tests_integ_test_adopted_events_LDADD = $(support_ldadd)

tests_integ_test_adopted_failures_SOURCES = tests/integ/test_adopted_failures.c tests/support/adopted.h tests/support/switched.h
tests_integ_test_adopted_failures_CFLAGS = $(support_cflags)
tests_integ_test_adopted_failures_LDADD = $(support_ldadd)

tests_integ_test_adopted_limits_SOURCES = tests/integ/test_adopted_limits.c tests/support/adopted.h tests/support/switched.h
tests_integ_test_adopted_limits_CFLAGS = $(support_cflags)
tests_integ_test_adopted_limits_LDADD = $(support_ldadd)

tests_integ_test_adopted_pins_SOURCES = tests/integ/test_adopted_pins.c tests/support/adopted.h tests/support/switched.h
tests_integ_test_adopted_pins_CFLAGS = $(support_cflags)
tests_integ_test_adopted_pins_LDADD = $(support_ldadd)

tests_integ_test_advice_SOURCES = tests/integ/test_advice.c
tests_integ_test_advice_CFLAGS = $(support_cflags)
tests_integ_test_advice_LDADD = $(support_ldadd)

tests_integ_test_basics_SOURCES = tests/integ/test_basics.c
tests_integ_test_basics_CFLAGS = $(support_cflags)
tests_integ_test_basics_LDADD = $(support_ldadd)

tests_integ_test_blocking_SOURCES = tests/integ/test_blocking.c
tests_integ_test_blocking_CFLAGS = $(support_cflags)
tests_integ_test_blocking_LDADD = $(support_ldadd)

tests_integ_test_by_hand_SOURCES = tests/integ/test_by_hand.c
tests_integ_test_by_hand_CFLAGS = $(support_cflags)
tests_integ_test_by_hand_LDADD = $(support_ldadd)
tests_integ_test_churn_SOURCES = tests/integ/test_churn.c
tests_integ_test_churn_CFLAGS = $(support_cflags)
tests_integ_test_churn_LDADD = $(support_ldadd)

tests_integ_test_clients_SOURCES = tests/integ/test_clients.c
tests_integ_test_clients_CFLAGS = $(support_cflags)
tests_integ_test_clients_LDADD = $(support_ldadd)

tests_integ_test_config_SOURCES = tests/integ/test_config.c
tests_integ_test_config_CFLAGS = $(support_cflags)
tests_integ_test_config_LDADD = $(support_ldadd)

tests_integ_test_ctl_SOURCES = tests/integ/test_ctl.c
tests_integ_test_ctl_CFLAGS = $(support_cflags) $(JSON_C_CFLAGS)
tests_integ_test_ctl_LDADD = $(support_ldadd) $(JSON_C_LIBS)

tests_integ_test_cost_SOURCES = tests/integ/test_cost.c
tests_integ_test_cost_CFLAGS = $(support_cflags)
tests_integ_test_cost_LDADD = $(support_ldadd)
tests_integ_test_exec_SOURCES = tests/integ/test_exec.c
tests_integ_test_exec_CFLAGS = $(support_cflags)
tests_integ_test_exec_LDADD = $(support_ldadd)

tests_integ_test_fair_SOURCES = tests/integ/test_fair.c
tests_integ_test_fair_CFLAGS = $(support_cflags)
tests_integ_test_fair_LDADD = $(support_ldadd)
tests_integ_test_figures_SOURCES = tests/integ/test_figures.c
tests_integ_test_figures_CFLAGS = $(support_cflags) $(JSON_C_CFLAGS)
tests_integ_test_figures_LDADD = $(support_ldadd) $(JSON_C_LIBS)
tests_integ_test_cut_SOURCES = tests/integ/test_cut.c
tests_integ_test_cut_CFLAGS = $(support_cflags)
tests_integ_test_cut_LDADD = $(support_ldadd)

tests_integ_test_denied_SOURCES = tests/integ/test_denied.c
tests_integ_test_denied_CFLAGS = $(support_cflags)
tests_integ_test_denied_LDADD = $(support_ldadd)

tests_integ_test_descriptors_SOURCES = tests/integ/test_descriptors.c
tests_integ_test_descriptors_CFLAGS = $(support_cflags)
tests_integ_test_descriptors_LDADD = $(support_ldadd)

tests_integ_test_device_SOURCES = tests/integ/test_device.c
tests_integ_test_device_CFLAGS = $(support_cflags)
tests_integ_test_device_LDADD = $(support_ldadd)

tests_integ_test_drain_SOURCES = tests/integ/test_drain.c
tests_integ_test_drain_CFLAGS = $(support_cflags)
tests_integ_test_drain_LDADD = $(support_ldadd)

tests_integ_test_events_SOURCES = tests/integ/test_events.c
tests_integ_test_events_CFLAGS = $(support_cflags)
tests_integ_test_events_LDADD = $(support_ldadd)

tests_integ_test_foreign_SOURCES = tests/integ/test_foreign.c
tests_integ_test_foreign_CFLAGS = $(support_cflags)
tests_integ_test_foreign_LDADD = $(support_ldadd)
tests_integ_test_freeing_SOURCES = tests/integ/test_freeing.c
tests_integ_test_freeing_CFLAGS = $(support_cflags)
tests_integ_test_freeing_LDADD = $(support_ldadd)

tests_integ_test_gap_SOURCES = tests/integ/test_gap.c
tests_integ_test_gap_CFLAGS = $(support_cflags)
tests_integ_test_gap_LDADD = $(support_ldadd)

tests_integ_test_give_up_SOURCES = tests/integ/test_give_up.c
tests_integ_test_give_up_CFLAGS = $(support_cflags)
tests_integ_test_give_up_LDADD = $(support_ldadd)

tests_integ_test_held_SOURCES = tests/integ/test_held.c
tests_integ_test_held_CFLAGS = $(support_cflags)
tests_integ_test_held_LDADD = $(support_ldadd)

tests_integ_test_hostile_SOURCES = tests/integ/test_hostile.c
tests_integ_test_hostile_CFLAGS = $(support_cflags)
tests_integ_test_hostile_LDADD = $(support_ldadd)

tests_integ_test_lost_SOURCES = tests/integ/test_lost.c
tests_integ_test_lost_CFLAGS = $(support_cflags)
tests_integ_test_lost_LDADD = $(support_ldadd)

tests_integ_test_many_SOURCES = tests/integ/test_many.c
tests_integ_test_many_CFLAGS = $(support_cflags)
tests_integ_test_many_LDADD = $(support_ldadd)
tests_integ_test_nofile_SOURCES = tests/integ/test_nofile.c
tests_integ_test_nofile_CFLAGS = $(support_cflags)
tests_integ_test_nofile_LDADD = $(support_ldadd)

tests_integ_test_names_SOURCES = tests/integ/test_names.c
tests_integ_test_names_CFLAGS = $(support_cflags)
tests_integ_test_names_LDADD = $(support_ldadd)

tests_integ_test_overcommit_SOURCES = tests/integ/test_overcommit.c
tests_integ_test_overcommit_CFLAGS = $(support_cflags)
tests_integ_test_overcommit_LDADD = $(support_ldadd)

tests_integ_test_own_mapping_SOURCES = tests/integ/test_own_mapping.c tests/support/faulty_device.h
tests_integ_test_own_mapping_CFLAGS = $(support_cflags)
tests_integ_test_own_mapping_LDADD = $(support_ldadd)

tests_integ_test_paging_SOURCES = tests/integ/test_paging.c
tests_integ_test_paging_CFLAGS = $(support_cflags)
tests_integ_test_paging_LDADD = $(support_ldadd)

tests_integ_test_pin_SOURCES = tests/integ/test_pin.c
tests_integ_test_pin_CFLAGS = $(support_cflags)
tests_integ_test_pin_LDADD = $(support_ldadd)

tests_integ_test_protocol_SOURCES = tests/integ/test_protocol.c
tests_integ_test_protocol_CFLAGS = $(support_cflags)
tests_integ_test_protocol_LDADD = $(support_ldadd)

tests_integ_test_quota_SOURCES = tests/integ/test_quota.c
tests_integ_test_quota_CFLAGS = $(support_cflags)
tests_integ_test_quota_LDADD = $(support_ldadd)

tests_integ_test_ranges_SOURCES = tests/integ/test_ranges.c
tests_integ_test_ranges_CFLAGS = $(support_cflags)
tests_integ_test_ranges_LDADD = $(support_ldadd)

tests_integ_test_reconfigure_SOURCES = tests/integ/test_reconfigure.c
tests_integ_test_reconfigure_CFLAGS = $(support_cflags)
tests_integ_test_reconfigure_LDADD = $(support_ldadd)

tests_integ_test_adoptable_SOURCES = tests/integ/test_adoptable.c
tests_integ_test_adoptable_CFLAGS = $(support_cflags)
tests_integ_test_adoptable_LDADD = $(support_ldadd)
tests_integ_test_reach_SOURCES = tests/integ/test_reach.c
tests_integ_test_reach_CFLAGS = $(support_cflags)
tests_integ_test_reach_LDADD = $(support_ldadd)
tests_integ_test_recovery_SOURCES = tests/integ/test_recovery.c
tests_integ_test_recovery_CFLAGS = $(support_cflags)
tests_integ_test_recovery_LDADD = $(support_ldadd)
tests_integ_test_refusals_SOURCES = tests/integ/test_refusals.c
tests_integ_test_refusals_CFLAGS = $(support_cflags)
tests_integ_test_refusals_LDADD = $(support_ldadd)

tests_integ_test_reload_SOURCES = tests/integ/test_reload.c
tests_integ_test_reload_CFLAGS = $(support_cflags)
tests_integ_test_reload_LDADD = $(support_ldadd)

tests_integ_test_gcore_SOURCES = tests/integ/test_gcore.c
tests_integ_test_gcore_CFLAGS = $(support_cflags)
tests_integ_test_gcore_LDADD = $(support_ldadd)

tests_integ_test_pages_SOURCES = tests/integ/test_pages.c
tests_integ_test_pages_CFLAGS = $(support_cflags)
tests_integ_test_pages_LDADD = $(support_ldadd)

tests_integ_test_payer_SOURCES = tests/integ/test_payer.c
tests_integ_test_payer_CFLAGS = $(support_cflags)
tests_integ_test_payer_LDADD = $(support_ldadd)

tests_integ_test_room_SOURCES = tests/integ/test_room.c
tests_integ_test_room_CFLAGS = $(support_cflags)
tests_integ_test_room_LDADD = $(support_ldadd)

tests_integ_test_restart_SOURCES = tests/integ/test_restart.c
tests_integ_test_restart_CFLAGS = $(support_cflags)
tests_integ_test_restart_LDADD = $(support_ldadd)

tests_integ_test_rootless_SOURCES = tests/integ/test_rootless.c
tests_integ_test_rootless_CFLAGS = $(support_cflags)
tests_integ_test_rootless_LDADD = $(support_ldadd)

tests_integ_test_stop_SOURCES = tests/integ/test_stop.c
tests_integ_test_stop_CFLAGS = $(support_cflags)
tests_integ_test_stop_LDADD = $(support_ldadd)

tests_integ_test_unknown_SOURCES = tests/integ/test_unknown.c
tests_integ_test_unknown_CFLAGS = $(support_cflags)
tests_integ_test_unknown_LDADD = $(support_ldadd)

tests_integ_test_waits_SOURCES = tests/integ/test_waits.c
tests_integ_test_waits_CFLAGS = $(support_cflags)
tests_integ_test_waits_LDADD = $(support_ldadd)

tests_integ_test_whose_SOURCES = tests/integ/test_whose.c
tests_integ_test_whose_CFLAGS = $(support_cflags)
tests_integ_test_whose_LDADD = $(support_ldadd)

tests_integ_test_windows_SOURCES = tests/integ/test_windows.c
tests_integ_test_windows_CFLAGS = $(support_cflags)
tests_integ_test_windows_LDADD = $(support_ldadd)

tests_integ_test_strangers_SOURCES = tests/integ/test_strangers.c
tests_integ_test_strangers_CFLAGS = $(support_cflags)
tests_integ_test_strangers_LDADD = $(support_ldadd)
