#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The table of rooms holds: includes carry the full path and stay allowed.
. "${top_srcdir:?}/tests/lint/tap.sh"

layers() {
	cd "$top_srcdir" || return
	tap_sources | xargs "${AWK:-awk}" -v top="$top_srcdir" -v built="$top_builddir" \
		-f tests/lint/layers.awk
}

tap_clean "includes obey the table of rooms" layers
tap_done
