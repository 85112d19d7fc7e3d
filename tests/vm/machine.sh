# SPDX-License-Identifier: GPL-2.0-or-later
# The machine that QEMU builds: how much memory, on which nodes, and where what is
# cut out of it lies.
# shellcheck shell=sh disable=SC2034

# Processors, in two sockets: one socket across two nodes makes the kernel warn.
processors=2
# Latencies in ns and bandwidths of the fast and the slow tier, as the firmware
# table gives them to the kernel.
fast_latency=80 fast_bandwidth=100G
slow_latency=250 slow_bandwidth=20G

# mib SIZE: a size such as 512M or 2G in MiB.
mib() {
	case $1 in
	*[!0-9MG]* | [MG]* | '') return 1 ;;
	*G) echo $((${1%G} * 1024)) ;;
	*M) echo "${1%M}" ;;
	*) return 1 ;;
	esac
}

# node NUMBER MIB [PROPERTY]
node() {
	machine="$machine -object memory-backend-ram,id=m$1,size=$2M"
	machine="$machine -numa node,nodeid=$1,memdev=m$1${3:-}"
}

# Equal nodes; those beyond the processors have none.
equal_nodes() {
	each=$((memory / nodes / 256 * 256))
	number=0
	while [ "$number" -lt "$nodes" ]; do
		[ "$number" -lt $((nodes - 1)) ] || each=$((memory - number * each))
		if [ "$number" -lt "$processors" ]; then
			node "$number" "$each" ",cpus=$number"
		else
			node "$number" "$each"
		fi
		number=$((number + 1))
	done
}

# dimm_node NUMBER MIB: a node whose memory the kernel adds when it has started, and
# puts nothing into that has to stay.
dimm_node() {
	machine="$machine -m slots=1,maxmem=$((memory + $2))M"
	machine="$machine -object memory-backend-ram,id=m$1,size=$2M"
	machine="$machine -numa node,nodeid=$1$([ "$1" -ge "$processors" ] || echo ",cpus=$1")"
	machine="$machine -device pc-dimm,memdev=m$1,node=$1"
	append="$append memhp_default_state=online_movable"
}

# hmat TARGET LATENCY BANDWIDTH, as seen from the processors.
hmat() {
	for what in "access-latency,latency=$2" "access-bandwidth,bandwidth=$3"; do
		machine="$machine -numa hmat-lb,initiator=0,target=$1,hierarchy=memory"
		machine="$machine,data-type=$what"
	done
}

# Node 1 has no processor and is slow.
tiers() {
	machine="$machine -machine q35,hmat=on"
	node 0 $((memory / 2)) ",cpus=0-$((processors - 1))"
	node 1 $((memory / 2)) ,initiator=0
	hmat 0 "$fast_latency" "$fast_bandwidth"
	hmat 1 "$slow_latency" "$slow_bandwidth"
}

# reserve_end MIB: so much at the end of memory, of which what lies below the hole
# for PCI differs between the two machine types; the rest begins at 4 GiB.
reserve_end() {
	below=3072
	[ "$tier" = no ] || below=2048
	[ $((below + $1)) -lt "$memory" ] || die "--reserve $reserve needs more --memory"
	reserved_size=$(($1 << 20))
	reserved_addr=$(printf '0x%x' $(((4096 + memory - below - $1) << 20)))
	append="$append memmap=$reserved_size\$$reserved_addr"
}

# Sets machine (words for QEMU), append (for the kernel), reserved_addr and
# reserved_size (bytes) from the options of the same names.
build_machine() {
	memory=$(mib "${memory:-$([ -z "$reserve" ] && echo 4G || echo 6G)}")
	machine="-m ${memory}M -smp $processors,sockets=$processors"
	if [ "$tier" = yes ]; then
		tiers
	elif [ "$nodes" -gt 1 ] || [ -n "$dimm" ]; then
		equal_nodes
	fi
	[ -z "$dimm" ] || dimm_node "$nodes" "$(mib "$dimm")"
	if [ -n "$ivshmem" ]; then
		machine="$machine -object memory-backend-ram,id=shared,share=on"
		machine="$machine,size=$(mib "$ivshmem")M"
		# Behind a bridge of its own, so that the bus can be reset; on the newer machine
		# that is a port, which can report errors, with a second function beside it that
		# can, too, and has memory of its own. Of a faster port the link does not come
		# back after a reset.
		if [ "$tier" = yes ]; then
			machine="$machine -device pcie-root-port,id=behind,chassis=1,x-speed=5"
			machine="$machine -device ivshmem-plain,memdev=shared,bus=behind,multifunction=on"
			machine="$machine -device virtio-vga,bus=behind,addr=0.1,aer=on"
		else
			machine="$machine -device pci-bridge,id=behind,chassis_nr=1"
			machine="$machine -device ivshmem-plain,memdev=shared,bus=behind,addr=1"
		fi
	fi
	reserved_addr='' reserved_size=''
	[ -z "$reserve" ] || reserve_end "$(mib "$reserve")"
}
