# SPDX-License-Identifier: GPL-2.0-or-later
# Makes a module of the kernel's mm/gup_test.c, which packaged kernels leave out.
# The check of long-term pins asks for device pages only: what it asked for is an
# inline function that needs a symbol no module can have.
s|^#include "gup_test.h"|#include <linux/module.h>\n&|
s|!folio_is_longterm_pinnable(folio)|folio_is_zone_device(folio)|
s|^late_initcall(gup_test_init);|module_init(gup_test_init);\
\
static void __exit gup_test_exit(void)\
{\
	debugfs_lookup_and_remove("gup_test", NULL);\
}\
module_exit(gup_test_exit);\
MODULE_DESCRIPTION("get_user_pages tests");\
MODULE_LICENSE("GPL");|
