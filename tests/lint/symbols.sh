#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The public header, the version map and the dynamic symbols of the library name
# the same functions; the header stands alone in C99 and in C++; dlopen finds all.
. "${top_srcdir:?}/tests/lint/tap.sh"
include=$top_srcdir/libclient/include
library=$top_builddir/libclient/.libs/libhmmclient.so
CC=${CC:-cc}

# Functions are what is called hmm_... before a parenthesis in a declaration
# that is neither a type nor an inline function.
header_functions() {
	echo '#include <hmmclient.h>' | $CC -I"$include" -E - |
		awk '/^# /{ own = index($0, "hmmclient.h\"") > 0; next } own' | tr '\n' ' ' |
		sed 's/([^()]*)/()/g; s/{[^{}]*}/;/g' | tr ';' '\n' |
		grep -vE '^ *(typedef|static|extern *static)' |
		grep -oE 'hmm_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

map_functions() {
	awk '/global:/ { on = 1; sub(/.*global:/, "") } /local:/ { on = 0 } on' \
		"$top_srcdir/libclient/hmmclient.map" | grep -oE 'hmm_[a-z0-9_]+' | sort -u
}

dynamic_functions() {
	nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

unversioned() {
	nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /@@HMMCLIENT_[0-9]+$/'
}

same() {
	[ -s "$1" ] || { echo "no function in $1"; return 1; }
	diff "$1" "$2"
}

alone() {
	echo '#include <hmmclient.h>' | $1 -I"$include" -Wall -Wextra -Werror -pedantic-errors \
		-fsyntax-only -x "$2" -std="$3" -
}

opens() {
	{
		echo '#include <dlfcn.h>'
		echo '#include <stdio.h>'
		echo 'static const char *const name[] = {'
		sed 's/.*/	"&",/' "$tap_tmp/header"
		echo '};'
		echo 'int main(int argc, char **argv) {'
		echo '	void *lib = dlopen(argv[argc - 1], RTLD_NOW); int bad = 0;'
		echo '	if (!lib) { puts(dlerror()); return 1; }'
		echo '	for (unsigned i = 0; i < sizeof(name) / sizeof(name[0]); i++)'
		echo '		if (!dlsym(lib, name[i])) { puts(name[i]); bad = 1; }'
		echo '	return bad || dlclose(lib);'
		echo '}'
	} >"$tap_tmp/opens.c"
	$CC -o "$tap_tmp/opens" "$tap_tmp/opens.c" -ldl && "$tap_tmp/opens" "$library"
}

header_functions >"$tap_tmp/header"
map_functions >"$tap_tmp/map"
dynamic_functions >"$tap_tmp/dynamic"
tap_clean "header and version map name the same functions" same "$tap_tmp/header" "$tap_tmp/map"
tap_clean "version map and dynamic symbols agree" same "$tap_tmp/map" "$tap_tmp/dynamic"
tap_clean "every dynamic symbol carries a version" unversioned
tap_clean "the header alone is C99" alone "$CC" c c99
cxx=$(command -v g++ || command -v clang++)
if [ -n "$cxx" ]; then
	tap_clean "the header alone is C++" alone "$cxx" c++ c++11
else
	tap_skip "the header alone is C++" "neither g++ nor clang++ is installed"
fi
tap_clean "dlopen finds every function" opens
tap_done
