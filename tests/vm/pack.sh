# SPDX-License-Identifier: GPL-2.0-or-later
# What a guest finds in its root beside what was there before: the programs as
# `make install` installs them, the libraries they need, the module and the command.
# shellcheck shell=sh disable=SC2154

# Where a library is looked for lies below usr in every Debian root.
stage_layout() {
	mkdir -p "$DEST/root" "$DEST/vm/bin"
	for dir in bin sbin lib lib64; do
		mkdir -p "$DEST/usr/$dir"
		ln -s "usr/$dir" "$DEST/$dir"
	done
}

# Examples are not installed by make, but libtool knows how they would be.
stage_examples() {
	for program in "$HMM_BUILD"/libclient/examples/*; do
		[ -f "$program" ] && [ -x "$program" ] || continue
		(cd "$HMM_BUILD" && ./libtool --silent --mode=install \
			install -m 755 "$program" "$DEST$bindir/${program##*/}") || return
	done
}

stage_programs() {
	if [ ! -f "$HMM_BUILD/Makefile" ]; then
		say "$HMM_BUILD: nothing is built there, the guest gets no programs"
		return 0
	fi
	locked programs make -s -C "$HMM_BUILD" install "DESTDIR=$DEST" || return
	bindir=$(cd "$DEST" && find . -name hmmctl -type f -printf '%h' | sed 's/^\.//')
	stage_examples || return
	rm -rf "$DEST"/usr/local/share/man "$DEST"/usr/share/man
}

# What the dynamic loader would load for all that is staged.
needed_libraries() {
	find "$DEST" -type f \( -perm -u=x -o -name '*.so*' \) -exec \
		env "LD_LIBRARY_PATH=$DEST/usr/local/lib" ldd {} + 2>/dev/null |
		awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && NF == 2 { print $1 }' |
		sort -u
}

# stage_libraries HAS: all but those whose names are in the file HAS, and those
# that are staged themselves.
stage_libraries() {
	needed_libraries | while read -r library; do
		case $library in
		"$DEST"/*) continue ;;
		esac
		! grep -qxF "${library##*/}" "$1" || continue
		mkdir -p "$DEST${library%/*}"
		cp -L "$library" "$DEST$library"
	done
}

stage_module() {
	[ -f "$top/drivers/kmod/Makefile" ] || return 0
	modules=$("$vm/module" "$kernel") || return
	mkdir -p "$DEST/lib/modules"
	# shellcheck disable=SC2086
	cp $modules "$DEST/lib/modules/"
}

# The command as a script, each word quoted.
stage_command() {
	{
		echo '#!/bin/sh'
		printf exec
		for word; do
			printf " '%s'" "$(printf '%s\n' "$word" | sed "s/'/'\\\\''/g")"
		done
		echo
	} >"$DEST/vm/command"
	cat >"$DEST/vm/environment" <<-END
		export HMM_RESERVED_ADDR='$reserved_addr' HMM_RESERVED_SIZE='$reserved_size'
		VM_MODULE_ARGS='$module_args'
	END
	cp "$vm/boot/run" "$DEST/vm/run"
	chmod +x "$DEST/vm/command" "$DEST/vm/run"
	for file in "$vm"/guest/*; do
		[ ! -f "$file" ] || install -m 755 "$file" "$DEST/vm/bin/"
	done
}

# A root of busybox alone.
stage_busybox() {
	(cd "$DEST" && mkdir -p dev etc proc run sys tmp)
	install -m 755 /bin/busybox "$DEST/bin/busybox" || return
	install -m 755 "$vm/boot/init" "$DEST/init"
	printf '%s:x:%s:%s::/root:/bin/sh\n' root 0 0 nobody 65534 65534 >"$DEST/etc/passwd"
	printf '%s:x:%s:\n' root 0 nogroup 65534 hmm 900 >"$DEST/etc/group"
}

# What a root with systemd boots to; --all-units leaves the rest as it is.
stage_units() {
	units=$DEST/etc/systemd/system
	mkdir -p "$units/systemd-sysusers.service.d"
	cp "$vm/boot/vm.target" "$vm/boot/vm.service" "$units"
	cp "$vm/boot/sysusers.conf" "$units/systemd-sysusers.service.d"
	[ "$init" = systemd ] || return 0
	grep -v '^#' "$vm/boot/masked" | while read -r unit; do
		ln -s /dev/null "$units/$unit"
	done
}

pack() {
	(cd "$DEST" && find . -print0 | cpio --null -o -H newc -R 0:0 --quiet)
}

# stage COMMAND...: everything that is put into the guest, as $scratch/initrd.
stage() {
	base=
	case $init in
	busybox) stage_busybox && : >"$scratch/has" || return ;;
	*) base=$("$vm/root") && stage_units && cp "$base.libraries" "$scratch/has" || return ;;
	esac
	quietly "$scratch/install.log" stage_programs || return
	for dir in $adds; do
		tar -C "$dir" -c . | tar -C "$DEST" -x --keep-directory-symlink || return
	done
	stage_command "$@"
	stage_libraries "$scratch/has" || return
	[ "$module" = no ] || stage_module || return
	pack >"$scratch/overlay" || return
	# What the kernel unpacks last wins.
	cat ${base:+"$base"} "$scratch/overlay" >"$scratch/initrd"
}
