/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public header as the library's own sources see it: everything is compiled hidden, and exactly
 * what that header declares is visible.
 */
#ifndef HMM_LIBCLIENT_PUBLIC_H
#define HMM_LIBCLIENT_PUBLIC_H

#pragma GCC visibility push(default)
#include <hmmclient.h>
#pragma GCC visibility pop

#endif
