#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# "Testable without the kernel" as a fact of the linker: what core, base and
# proto leave undefined is theirs or is in pure.allow.
. "${top_srcdir:?}/tests/lint/tap.sh"
cd "${top_builddir:?}" || exit 1

base=daemon/base/.libs/libbase.a
core=daemon/core/.libs/libcore.a
proto=proto/.libs/libhmmproto.a
messages=proto/.libs/libhmmpb.a

# undefined FIRST [OTHERS]: symbols that FIRST needs and none of them has.
undefined() {
	for archive; do
		[ -f "$archive" ] || { echo "$archive does not exist"; return 1; }
	done
	nm -u "$1" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u >"$tap_tmp/needed"
	nm --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u >"$tap_tmp/had"
	comm -23 "$tap_tmp/needed" "$tap_tmp/had" | grep -vxEf "$tap_tmp/allowed"
	return 0
}

grep -v '^#' "$top_srcdir/tests/lint/pure.allow" >"$tap_tmp/allowed"
tap_clean "core needs core, base, proto and the allow-list" undefined $core $base $proto
tap_clean "base needs base, proto and the allow-list" undefined $base $proto
# The checks of decoded messages take a message apart by its descriptor.
echo 'protobuf_c_[a-z_0-9]+' >>"$tap_tmp/allowed"
tap_clean "proto needs proto, its messages and the allow-list" undefined $proto $messages
# What the kernel module shares with user space asks for memory, and for nothing else.
printf '%s\n' calloc free __stack_chk_fail _GLOBAL_OFFSET_TABLE_ >"$tap_tmp/allowed"
tap_clean "the pure parts of the module need calloc and free" undefined drivers/kmod/.libs/libpure.a
tap_done
