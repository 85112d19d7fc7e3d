# SPDX-License-Identifier: LGPL-2.1-or-later
# What needs no daemon is an archive of its own, so that tests can link it.
noinst_LTLIBRARIES += libclient/ctl/libctl.la
libclient_ctl_libctl_la_SOURCES = \
	libclient/ctl/args.c libclient/ctl/args.h \
	libclient/ctl/bytemap.c libclient/ctl/bytemap.h \
	libclient/ctl/format.c libclient/ctl/format.h \
	libclient/ctl/grid.c libclient/ctl/grid.h \
	libclient/ctl/near.c libclient/ctl/near.h \
	libclient/ctl/span.c libclient/ctl/span.h \
	libclient/ctl/table.c \
	libclient/ctl/text.c libclient/ctl/text.h \
	libclient/ctl/view.c libclient/ctl/view.h
libclient_ctl_libctl_la_CFLAGS = $(AM_CFLAGS) $(JSON_C_CFLAGS)
libclient_ctl_libctl_la_LIBADD = $(JSON_C_LIBS)

bin_PROGRAMS += hmmctl
hmmctl_SOURCES = \
	libclient/ctl/connect.c \
	libclient/ctl/ctl.h \
	libclient/ctl/help.c \
	libclient/ctl/list.c \
	libclient/ctl/main.c \
	libclient/ctl/move.c \
	libclient/ctl/verb_clients.c \
	libclient/ctl/core_file.c libclient/ctl/core_file.h \
	libclient/ctl/core_managed.c libclient/ctl/core_managed.h \
	libclient/ctl/core_map.c \
	libclient/ctl/core_memory.c libclient/ctl/core_memory.h \
	libclient/ctl/core_note.c libclient/ctl/core_note.h \
	libclient/ctl/tracee.c libclient/ctl/tracee.h \
	libclient/ctl/verb_users.c \
	libclient/ctl/verb_doctor.c \
	libclient/ctl/verb_drain.c \
	libclient/ctl/verb_events.c \
	libclient/ctl/verb_gcore.c \
	libclient/ctl/verb_migrate.c \
	libclient/ctl/verb_pages.c \
	libclient/ctl/verb_pin.c \
	libclient/ctl/verb_policy.c \
	libclient/ctl/verb_ranges.c \
	libclient/ctl/verb_reload.c \
	libclient/ctl/verb_status.c \
	libclient/ctl/verb_tiers.c \
	libclient/ctl/verb_version.c \
	libclient/ctl/verbs.c
hmmctl_CFLAGS = $(AM_CFLAGS) $(JSON_C_CFLAGS) -pthread
hmmctl_LDFLAGS = -pthread
hmmctl_LDADD = libclient/ctl/libctl.la libclient/libhmmclient.la $(JSON_C_LIBS)
