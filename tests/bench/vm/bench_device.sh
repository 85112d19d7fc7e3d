#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# All figures of the kernel driver, from one guest.
HMM_BUILD=${top_builddir:?} exec "${top_srcdir:?}/tests/vm/vm" -- bench-device
