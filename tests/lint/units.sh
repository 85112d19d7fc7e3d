#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What `make install` puts in place is what systemd accepts: looked at inside an
# empty root, next to the units that ours refer to.
. "${top_srcdir:?}/tests/lint/tap.sh"
root=$tap_tmp/root
units="hmmd.service hmmd.socket run-hmmd-thp.mount"
# Tenths of systemd's exposure level, above which it no longer says OK.
exposure=20

# The test itself may run under make, whose job server is not ours to use.
install_root() {
	unset MAKEFLAGS MFLAGS MAKELEVEL
	${MAKE:-make} -s -C "$top_builddir" install DESTDIR="$root" >"$tap_tmp/install" 2>&1 ||
		{ cat "$tap_tmp/install"; return 1; }
	mkdir -p "$root/usr/lib/systemd" "$root/bin"
	cp -a "$system" "$root/usr/lib/systemd/system.base"
	find "$root" -path '*/systemd/system/*hmmd*' -exec mv {} "$root/usr/lib/systemd/system.base" \;
	rm -rf "$root/usr/lib/systemd/system"
	mv "$root/usr/lib/systemd/system.base" "$root/usr/lib/systemd/system"
	ln -s usr/lib "$root/lib"
	cp /bin/kill "$root/bin/kill"
}

# The key that older versions ignore is meant for newer ones.
verify() {
	systemd-analyze --root="$root" --man=no verify $units 2>&1 |
		grep -v "Unknown key 'FileDescriptorStorePreserve'"
	return 0
}

hardened() {
	systemd-analyze --root="$root" --offline=yes --no-pager --threshold=$exposure \
		security hmmd.service >"$tap_tmp/security" 2>&1 || tail -5 "$tap_tmp/security"
}

for system in /usr/lib/systemd/system /lib/systemd/system none; do
	[ ! -f "$system/sysinit.target" ] || break
done
if ! command -v systemd-analyze >/dev/null || [ "$system" = none ]; then
	tap_skip "installed units" "systemd is not installed"
else
	tap_clean "make install into an empty root" install_root
	tap_clean "systemd accepts the units" verify
	tap_clean "the service stays hardened" hardened
fi
tap_done
