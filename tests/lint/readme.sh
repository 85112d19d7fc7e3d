#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The client code in README is the example in the tree, and compiles and links
# as it stands.
. "${top_srcdir:?}/tests/lint/tap.sh"

block() {
	awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$top_srcdir/README"
}

# The file has the licence and its purpose in front.
example() {
	sed -n '/^#include/,$p' "$top_srcdir/libclient/examples/hello.c"
}

compiles() {
	block >"$tap_tmp/hello.c"
	${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -I"$top_srcdir/libclient/include" \
		-o "$tap_tmp/hello" "$tap_tmp/hello.c" -L"$top_builddir/libclient/.libs" -lhmmclient
}

same() {
	block >"$tap_tmp/block"
	[ -s "$tap_tmp/block" ] || echo "README has no block of C"
	example | diff "$tap_tmp/block" -
}

tap_clean "README shows libclient/examples/hello.c" same
tap_clean "the code in README compiles and links" compiles
tap_done
