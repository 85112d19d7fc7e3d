#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every manual page is free of mandoc's warnings.
. "${top_srcdir:?}/tests/lint/tap.sh"

pages=$(cd "$top_srcdir" && find man -name '*.[1-9]' | sort)
if ! command -v mandoc >/dev/null; then
	tap_skip "manual pages" "mandoc is not installed"
	tap_done
	exit 0
fi
lint() {
	mandoc -T lint -W warning "$top_srcdir/$1"
}
any() {
	[ -n "$pages" ] || echo "there is no manual page"
}
tap_clean "there are manual pages" any
for page in $pages; do
	tap_clean "$page" lint "$page"
done
tap_done
