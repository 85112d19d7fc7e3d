# SPDX-License-Identifier: GPL-2.0-or-later
# Instrumented builds. The flags go to CFLAGS, not to AM_CFLAGS: a target with
# flags of its own drops AM_CFLAGS, and half a sanitised program lies.

# HMMD_SANITIZE: --with-sanitize=address,undefined | thread | any list of gcc.
AC_DEFUN([HMMD_SANITIZE], [
AC_ARG_WITH([sanitize],
	[AS_HELP_STRING([--with-sanitize=LIST],
		[instrument with sanitizers, e.g. address,undefined or thread])],
	[], [with_sanitize=no])
AS_IF([test "x$with_sanitize" = xyes], [with_sanitize=address,undefined])
AS_IF([test "x$with_sanitize" != xno], [
	hmmd_instrumented=yes
	hmmd_save_cflags=$CFLAGS
	CFLAGS="$CFLAGS -fsanitize=$with_sanitize -fno-omit-frame-pointer"
	AS_CASE([",$with_sanitize,"], [*,undefined,*],
		[CFLAGS="$CFLAGS -fno-sanitize-recover=undefined"])
	AC_MSG_CHECKING([whether $CC links with -fsanitize=$with_sanitize])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])], [
		AC_MSG_RESULT([no])
		CFLAGS=$hmmd_save_cflags
		AC_MSG_ERROR([the sanitizers $with_sanitize do not work with $CC])
	])
])
])

# HMMD_COVERAGE: --enable-coverage, for gcov and gcovr.
AC_DEFUN([HMMD_COVERAGE], [
AC_ARG_ENABLE([coverage],
	[AS_HELP_STRING([--enable-coverage], [count executed lines (gcov)])],
	[], [enable_coverage=no])
AS_IF([test "x$enable_coverage" = xyes], [
	hmmd_instrumented=yes
	CFLAGS="$CFLAGS --coverage -O0 -fprofile-update=atomic"
])
])

# HMMD_FUZZ: --enable-fuzz, libFuzzer; needs clang.
AC_DEFUN([HMMD_FUZZ], [
AC_ARG_ENABLE([fuzz],
	[AS_HELP_STRING([--enable-fuzz], [instrument for libFuzzer (needs CC=clang)])],
	[], [enable_fuzz=no])
FUZZ_LDFLAGS=
AS_IF([test "x$enable_fuzz" = xyes], [
	hmmd_instrumented=yes
	CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link,address,undefined"
	CFLAGS="$CFLAGS -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
	FUZZ_LDFLAGS=-fsanitize=fuzzer
	AC_MSG_CHECKING([whether $CC has libFuzzer])
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no]); AC_MSG_ERROR([--enable-fuzz needs CC=clang and its runtime libraries])])
])
AC_SUBST([FUZZ_LDFLAGS])
AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
])

# The kernel module is built by the kernel's own Kbuild, and only for headers that
# somebody names: those of the running kernel need not be there, nor be the ones meant.
AC_DEFUN([HMMD_KERNEL_MODULE],
[AC_ARG_WITH([kernel-headers],
	[AS_HELP_STRING([--with-kernel-headers=DIR],
		[also build hmmdev.ko, for the kernel of these headers, such as /lib/modules/VERSION/build])],
	[], [with_kernel_headers=no])
AC_ARG_ENABLE([module],
	[AS_HELP_STRING([--disable-module], [no hmmdev.ko, even where --with-kernel-headers names headers])],
	[], [enable_module=yes])
AS_IF([test "x$enable_module" = xno], [with_kernel_headers=no])
AS_CASE([$with_kernel_headers],
	[no], [],
	[yes], [AC_MSG_ERROR([--with-kernel-headers needs a directory])],
	[AS_IF([test ! -f "$with_kernel_headers/Makefile"],
		[AC_MSG_ERROR([$with_kernel_headers holds no kernel headers (package linux-headers-VERSION)])])])
AC_SUBST([KERNEL_HEADERS], [$with_kernel_headers])
AM_CONDITIONAL([KERNEL_MODULE], [test "x$with_kernel_headers" != xno])
])
