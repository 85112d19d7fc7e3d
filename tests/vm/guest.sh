# SPDX-License-Identifier: GPL-2.0-or-later
# Runs the guest that was staged and judges how it went. The second serial port is
# the only authority on that (boot/run writes there); the console is shown when
# nothing came from it.
# shellcheck shell=sh disable=SC2154

# The end of a file that holds what the guest printed on its console.
show_console() {
	say "the last lines of its console:"
	tail -n "$tail_lines" "$scratch/console" | tr -d '\r' >&2
}

# What a kernel prints when it found a mistake in itself or in a module, or in how that
# was loaded.
complaint='BUG:|WARNING:|Bad page state|Bad rss-counter|refcount_t|KASAN|UBSAN'
complaint="$complaint|possible circular locking|inconsistent lock state|suspicious RCU|INFO: task .* blocked|Oops|unknown parameter"

# The newest processor model shows the most faults of a driver; kernels that boot
# systemd are at times not stable on it.
qemu() {
	case $init in
	busybox) cpu=max words=$append ;;
	*) cpu=Nehalem words="systemd.unit=vm.target systemd.show_status=0 \
systemd.log_level=notice systemd.log_target=console systemd.condition_needs_update=0 \
$append" ;;
	esac
	# shellcheck disable=SC2086
	timeout --foreground -k 10 "$timeout" \
		qemu-system-x86_64 -nodefaults -no-reboot -display none \
		-accel tcg,thread=multi -cpu "$cpu" $machine \
		-chardev "file,id=console,path=$scratch/console" -serial chardev:console \
		-chardev stdio,id=result,signal=off -serial chardev:result \
		-kernel "$vmlinuz" -initrd "$scratch/initrd" -append "console=ttyS0 quiet panic=-1 \
mitigations=off nokaslr audit=0 apparmor=0 selinux=0 random.trust_cpu=on cryptomgr.notests \
log_buf_len=4M nowatchdog $words" </dev/null
}

# Prints the output of the command as it comes and keeps what follows it.
split_result() {
	rm -f "$scratch/ready" "$scratch/log"
	sed -u -n "
		s/\r*\$//
		/^\x1eready\$/ { w $scratch/ready
			d }
		/\x1elog\$/ {
			s///
			/./p
			:log
			n
			s/\r*\$//
			w $scratch/log
			b log
		}
		p"
}

# Sets status to what the guest reported, or to 124 or 125.
boot() {
	{ ended=0; qemu || ended=$?; echo "$ended" >"$scratch/ended"; } | split_result
	status=$(sed -n '$s/^\x1estatus //p' "$scratch/log" 2>/dev/null || :)
	[ -z "$status" ] || return 0
	status=125
	[ "$(cat "$scratch/ended")" -ne 124 ] || status=124
}

# A guest that came up and then was lost is the result of the command, and no
# reason to try again.
run_guest() {
	boot
	if [ "$status" -eq 125 ] && [ ! -s "$scratch/ready" ]; then
		say "THE GUEST DID NOT COME UP, ONCE MORE"
		show_console
		boot
	fi
	[ -z "$console" ] || cp "$scratch/console" "$console"
	case $status in
	124) say "no end after $timeout s"; show_console ;;
	125) say "the guest ended without a status"; show_console ;;
	esac
	[ -f "$scratch/log" ] || exit "$status"
	if grep -E "$complaint" "$scratch/log" >"$scratch/complaints"; then
		say "the kernel complained:"
		cat "$scratch/complaints" >&2
		[ "$status" -ne 0 ] || status=1
	fi
	exit "$status"
}
