# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include what. Own headers are named from the top of the tree, so the
# first words of a name are its room. The kernel module alone names its headers as
# Kbuild finds them: beside itself, and ../uapi.
BEGIN {
	own["proto"] = "proto"
	own["daemon/base"] = "daemon/base proto"
	own["daemon/core"] = "daemon/core daemon/base proto"
	own["daemon/mech"] = "daemon/mech daemon/core daemon/base proto drivers/uapi drivers/device.h"
	own["daemon/io"] = "daemon proto drivers"
	own["libclient"] = "libclient proto drivers/uapi"
	own["libclient/ctl"] = "libclient/ctl"
	own["libclient/examples"] = "libclient/examples"
	own["libclient/preload"] = "libclient/preload"
	own["drivers"] = "drivers"
	own["drivers/kmod"] = "drivers/kmod drivers/uapi"
	own["drivers/uapi"] = "drivers/uapi"
	own["tests"] = "proto daemon libclient drivers tests"

	pure = "^(assert|errno|inttypes|limits|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string)\\.h$"
}

function room(path,  n, part) {
	n = split(path, part, "/")
	if (n > 2 && (part[1] "/" part[2]) in own)
		return part[1] "/" part[2]
	return part[1]
}

function allowed(list, path,  n, i, word) {
	n = split(list, word, " ")
	for (i = 1; i <= n; i++)
		if (path == word[i] || index(path, word[i] "/") == 1)
			return 1
	return 0
}

function say(what) {
	print FILENAME ":" FNR ": " what
}

# Kbuild makes probes.h.
function check_kmod(path) {
	if (path ~ /^\.\.\/uapi\/[^\/]*$/)
		check_own("drivers/kmod", "drivers/" substr(path, 4))
	else if (path != "probes.h")
		check_own("drivers/kmod", "drivers/kmod/" path)
}

function check_own(from, path) {
	if ((getline word < (top "/" path)) < 0 && (getline word < (built "/" path)) < 0)
		say("\"" path "\" is not a path from the top of the tree")
	close(top "/" path)
	close(built "/" path)
	if (!allowed(own[from], path))
		say(from " may not include \"" path "\"")
	if (from == "libclient" && path ~ /^libclient\/(ctl|examples|preload)\//)
		say("the library may not include \"" path "\"")
	if (path ~ /\.pb-c\.h$/ && from ~ /^daemon\/(base|core|mech)$/)
		say(from " knows no protobuf-c")
}

function check_system(from, path) {
	if (from ~ /^daemon\/(base|core)$/ && path !~ pure)
		say(from " is pure: <" path "> is no part of it")
	if (from == "proto" && FILENAME !~ /^proto\/fd\./ && path !~ pure && path !~ /^protobuf-c\//)
		say("proto is pure: <" path "> is no part of it")
	if (from ~ /^(daemon\/mech|libclient|drivers)/ && path ~ /^(uv\.h|uv\/|systemd\/)/)
		say("<" path "> belongs into daemon/io")
	if (from ~ /^(daemon\/mech|drivers|libclient\/(ctl|examples|preload))/ && path ~ /^(google\/)?protobuf-c/)
		say(from " knows no protobuf-c")
	if (path == "hmmclient.h" && from !~ /^(libclient|tests)/)
		say(from " is no client")
}

FNR == 1 { from = room(FILENAME) }

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	if (from == "drivers/kmod")
		check_kmod(part[2])
	else
		check_own(from, part[2])
}
/^[ \t]*#[ \t]*include[ \t]*</ { split($0, part, /[<>]/); check_system(from, part[2]) }
