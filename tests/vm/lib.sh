# SPDX-License-Identifier: GPL-2.0-or-later
# What the programs of this directory share; each reads it with `.`. Everything
# that is fetched or built lies in one cache outside the tree, made under a lock
# and moved into place when it is whole, so that runs may go side by side.
# shellcheck shell=sh
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL

# Only root may make and enter the roots of other releases.
[ "$(id -u)" -eq 0 ] ||
	exec sudo --preserve-env=HOME,XDG_CACHE_HOME,HMM_VM_CACHE,HMM_BUILD "$0" "$@"

me=${0##*/}
vm=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$vm/../.." && pwd)
cache=${HMM_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hmmd-vm}
# Lines of a log that are shown when its command failed.
tail_lines=40

say() {
	echo "$me: $*" >&2
}

# As in env(1) and timeout(1): 125 is a failure of the tool, not of the command.
die() {
	say "$*"
	exit 125
}

# The comment at the top of a program, which is its manual.
manual() {
	sed -n '3,/^[^#]/{s/^# \{0,1\}//p;}' "$0"
}

# quietly LOG COMMAND...: output goes to the log, its end is shown on failure.
quietly() {
	log=$1; shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 </dev/null && return 0
	say "failed: $*; last lines of $log:"
	tail -n "$tail_lines" "$log" >&2
	return 1
}

# Seconds to wait for another user of the package manager.
lock_wait=600

install_packages() {
	missing=
	for package; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
		[ "$state" = installed ] || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	say "installing:$missing"
	quietly "$cache/install.log" apt-get -q update || return
	# shellcheck disable=SC2086
	quietly "$cache/install.log" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout="$lock_wait" \
		--no-install-recommends install $missing
}

# locked NAME COMMAND...: one at a time among all that use this cache.
locked() {
	mkdir -p "$cache"
	lock=$cache/.lock-$1; shift
	(flock 9 && "$@") 9>"$lock"
}

# A scratch directory that is gone when the program ends, or a day after it was
# killed. It lies in the cache: what is made in it can be moved into place, and /tmp
# may be small.
make_scratch() {
	mkdir -p "$cache/scratch"
	find "$cache/scratch" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {} +
	scratch=$(mktemp -d "$cache/scratch/$me.XXXXXX")
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 125' HUP INT TERM
}

# ---- packages of other releases, by apt with a state of its own ----

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
suites="bookworm bookworm-backports trixie trixie-backports"

# Options that let apt-get and apt-cache see those suites and nothing else.
apt_options() {
	printf -- '-o %s ' "Dir::Etc::SourceList=$cache/apt/sources.list" \
		Dir::Etc::SourceParts=/dev/null "Dir::State::lists=$cache/apt/lists" \
		"Dir::Cache=$cache/apt/cache" APT::Sandbox::User=root
}

# private_apt PROGRAM ARGUMENTS...
private_apt() {
	program=$1; shift
	# shellcheck disable=SC2046
	locked apt "$program" -q $(apt_options) "$@"
}

# The archive is the one that the machine itself uses.
write_sources() {
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' |
		head -n 1)
	[ -n "$uri" ] || die "apt of this machine has no Debian archive"
	mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
	for suite in $suites; do
		echo "deb [signed-by=$keyring] $uri $suite main"
	done >"$scratch/sources.list"
	mv "$scratch/sources.list" "$cache/apt/sources.list"
}

update_lists() {
	write_sources
	quietly "$cache/apt/update.log" private_apt apt-get update
}

# install_root DIR PACKAGE...: a small trixie with these packages.
install_root() {
	into=$1; shift
	install_packages mmdebstrap || return
	update_lists || return
	quietly "$cache/${into##*/}.log" mmdebstrap --variant=essential --mode=root \
		--include="$(echo "$*" | tr -s ' \n\t' ,)" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		trixie "$into" "$(grep ' trixie main' "$cache/apt/sources.list")"
}

# unpack_packages DIR PACKAGE...: without documents, without the kernel's own modules,
# which no test needs, and without its type information, which modules would be given
# by a program that nothing else needs.
unpack_packages() {
	into=$1; shift
	mkdir -p "$into" "$scratch/debs"
	(
		cd "$scratch/debs"
		quietly "$cache/apt/download.log" private_apt apt-get download "$@"
	) || return
	for deb in "$scratch/debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --no-same-owner \
			--exclude=./lib --exclude='./usr/lib/modules/*/kernel' \
			--exclude='./usr/src/*/vmlinux' --exclude=./usr/share/doc
		rm "$deb"
	done
}
