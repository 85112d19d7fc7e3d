# SPDX-License-Identifier: GPL-2.0-or-later
dist_man_MANS += \
	man/hmmctl.1 \
	man/hmmd-protocol.7 \
	man/hmmd.8 \
	man/hmmd.conf.5 \
	man/hmmdev.4 \
	man/libhmmclient.3
