# SPDX-License-Identifier: GPL-2.0-or-later
# TAP for the lints, sourced. A lint says what it finds on standard output, one
# finding a line; finding nothing is the pass. The plan comes last.
tap_count=0
top_srcdir=${top_srcdir:?}
top_builddir=${top_builddir:?}
tap_tmp=$(mktemp -d)
trap 'rm -rf "$tap_tmp"' EXIT

# tap_clean NAME COMMAND...: passes if the command succeeds and prints nothing.
tap_clean() {
	tap_name=$1; shift
	tap_count=$((tap_count + 1))
	if "$@" >"$tap_tmp/found" 2>&1 && [ ! -s "$tap_tmp/found" ]; then
		echo "ok $tap_count - $tap_name"
	else
		echo "not ok $tap_count - $tap_name"
		sed 's/^/# /' "$tap_tmp/found"
	fi
}

# tap_skip NAME REASON
tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_count"
}

# Hand-written C of the tree (generated protobuf code is left out), as paths
# from the top.
tap_sources() {
	(cd "$top_srcdir" && find proto daemon libclient drivers tests \
		-name '*.[ch]' ! -name '*.pb-c.[ch]' | sort)
}
