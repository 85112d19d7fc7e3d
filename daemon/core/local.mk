# SPDX-License-Identifier: GPL-2.0-or-later
# Every decision, without a system call.
noinst_LTLIBRARIES += daemon/core/libcore.la
daemon_core_libcore_la_SOURCES = \
	daemon/core/account.c daemon/core/account.h \
	daemon/core/adopted.c daemon/core/adopted.h \
	daemon/core/budget.c daemon/core/budget.h \
	daemon/core/commit.c daemon/core/commit.h \
	daemon/core/config.h daemon/core/config_check.c daemon/core/config_order.c \
	daemon/core/drain.c \
	daemon/core/drain_check.c \
	daemon/core/drain_pass.c \
	daemon/core/event.c daemon/core/event.h \
	daemon/core/excess.c daemon/core/excess.h \
	daemon/core/fault.c daemon/core/fault.h \
	daemon/core/heat.c daemon/core/heat.h \
	daemon/core/op.c daemon/core/op.h daemon/core/op_held.c daemon/core/op_left.c daemon/core/op_own.h \
	daemon/core/op_retry.c daemon/core/op_slice.c daemon/core/op_whole.c \
	daemon/core/page.c daemon/core/page.h \
	daemon/core/pins.c daemon/core/pins.h \
	daemon/core/plan.c daemon/core/plan.h \
	daemon/core/policy.c daemon/core/policy.h \
	daemon/core/policy_set.c \
	daemon/core/policy_static.c daemon/core/policy_tiered.c \
	daemon/core/pool.c daemon/core/pool.h \
	daemon/core/range.c daemon/core/range.h \
	daemon/core/rank.c daemon/core/rank.h \
	daemon/core/refill.c daemon/core/reload.c \
	daemon/core/share.c daemon/core/share.h \
	daemon/core/shortage.c daemon/core/shortage.h \
	daemon/core/space.c daemon/core/space.h \
	daemon/core/space_range.c \
	daemon/core/stream.c \
	daemon/core/tier.c daemon/core/tier.h \
	daemon/core/tracker.c daemon/core/tracker.h \
	daemon/core/value.c daemon/core/value.h \
	daemon/core/wait.c daemon/core/wait.h \
	daemon/core/world.c daemon/core/world.h
