# SPDX-License-Identifier: GPL-2.0-or-later
# Pure containers.
noinst_LTLIBRARIES += daemon/base/libbase.la
daemon_base_libbase_la_SOURCES = \
	daemon/base/btree.c daemon/base/btree.h \
	daemon/base/btree_change.c daemon/base/btree_node.h \
	daemon/base/idmap.c daemon/base/idmap.h \
	daemon/base/list.h \
	daemon/base/radix.c daemon/base/radix.h \
	daemon/base/ring.c daemon/base/ring.h \
	daemon/base/slots.c daemon/base/slots.h
