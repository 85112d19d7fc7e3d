#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Prints the header that compat.h builds on: a HMMDEV_HAVE_* for each PROBE_* of probe.c that the
# compiler takes. Arguments: probe.c, then the compiler with the flags of the module.
# A probe without any PROBE_* has to compile: if it does not, the flags are wrong, not the kernel.
probe=$1
shift

compiles()
{
	"$@" -Werror -Wno-missing-prototypes -Wno-missing-declarations -Wno-unused-function \
		-fsyntax-only "$probe" >/dev/null 2>&1
}

if ! compiles "$@"; then
	echo "the compiler refuses even an empty probe:" >&2
	"$@" -fsyntax-only "$probe" >&2
	exit 1
fi
echo "/* SPDX-License-Identifier: GPL-2.0-only */"
echo "/* Made by probes/probe.sh: what this kernel's headers offer. */"
for name in $(sed -n 's/^#ifdef PROBE_//p' "$probe"); do
	if compiles "$@" "-DPROBE_$name"; then
		echo "#define HMMDEV_HAVE_$name 1"
	fi
done
