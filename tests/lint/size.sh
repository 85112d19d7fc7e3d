#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# No .c file above 400 lines, no function above 60 (80 in tests, whose tables
# and steps read best in one piece).
. "${top_srcdir:?}/tests/lint/tap.sh"

sizes() {
	cd "$top_srcdir" || return
	tap_sources | xargs "${AWK:-awk}" -v lengths="$tap_tmp/$1" \
		-v limit=60 -v tests_limit=80 -v file_limit=400 -f tests/lint/size.awk
}

tap_clean "files and functions keep their limits" sizes lengths
sort -n "$tap_tmp/lengths" | awk '
	{ n[NR] = $1 }
	END { if (NR) print "# " NR " functions: median " n[int((NR + 1) / 2)] \
		", p90 " n[int((NR * 9 + 9) / 10)] ", longest " n[NR] " lines" }'
tap_done
