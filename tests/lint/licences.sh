#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every hand-written file names the licence of its room in its first line (its
# second, after an interpreter line).
. "${top_srcdir:?}/tests/lint/tap.sh"

licence_of() {
	case $1 in
	drivers/uapi/*.h)	echo "(GPL-2.0-only WITH Linux-syscall-note) OR LGPL-2.1-or-later" ;;
	drivers/uapi/*)		echo "LGPL-2.1-or-later" ;;
	drivers/kmod/*.mk)	echo "GPL-2.0-or-later" ;;
	drivers/kmod/*)		echo "GPL-2.0-only" ;;
	proto/*|libclient/*)	echo "LGPL-2.1-or-later" ;;
	*)			echo "GPL-2.0-or-later" ;;
	esac
}

files() {
	find proto daemon libclient drivers man tests -type f \
		\( -name '*.[ch]' -o -name '*.[1-9]' -o -name '*.proto' -o -name '*.map' \
		-o -name '*.mk' -o -name '*.in' -o -name '*.sh' -o -name '*.awk' -o -name '*.py' \
		-o -name '*.conf' -o -name '*.socket' -o -name '*.mount' -o -name '*.allow' -o -perm -u+x \) \
		! -path '*/corpus/*' ! -path '*/.libs/*' ! -name '*.pb-c.[ch]' | sort
	for file in Makefile.am configure.ac bootstrap .ci/run .gitignore m4/hmmd.m4; do
		[ ! -f "$file" ] || echo "$file"
	done
}

spdx_lines() {
	cd "$top_srcdir" || return
	files | while read -r file; do
		# Programs built in the source tree have the execute bit, too, and
		# so have libtool's wrappers of them.
		head -n 5 "$file" | tr -d '\0' | grep -aqE '^.ELF|temporary wrapper script' && continue
		want=$(licence_of "$file")
		have=$(sed -n '1{/^#!/!{p;q}};2{p;q}' "$file" |
			sed -n 's/.*SPDX-License-Identifier: *//p' | sed 's| *\*/ *$||;s| *$||')
		[ "$have" = "$want" ] || echo "$file: '$have', want '$want'"
	done
}

texts() {
	grep -q 'GNU GENERAL PUBLIC LICENSE' "$top_srcdir/COPYING" || echo "COPYING is not the GPL"
	grep -q 'GNU LESSER GENERAL PUBLIC LICENSE' "$top_srcdir/COPYING.LIB" ||
		echo "COPYING.LIB is not the LGPL"
}

tap_clean "every file names the licence of its room" spdx_lines
tap_clean "the texts of the licences are there" texts
tap_done
