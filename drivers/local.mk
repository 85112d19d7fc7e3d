# SPDX-License-Identifier: GPL-2.0-or-later
# The user-space device drivers.
noinst_LTLIBRARIES += drivers/libdrivers.la
drivers_libdrivers_la_SOURCES = \
	drivers/device.h drivers/registry.c drivers/registry.h \
	drivers/mem/mem.c drivers/file/file.c \
	drivers/file/room.c drivers/file/room.h \
	drivers/file/superblock.c drivers/file/superblock.h
