/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listing, put together from the pages that the daemon sends. */
#ifndef HMM_LIBCLIENT_TABLE_H
#define HMM_LIBCLIENT_TABLE_H

#include <stddef.h>

#include "libclient/public.h"
#include "proto/hmmd.pb-c.h"

enum { TABLE_ROWS = 1 << 20 };	/* a listing that is longer is a daemon gone wrong */

int table_new(struct hmm_table **ret);
/* -ENOMEM; -EPROTO: other columns than before; -E2BIG. */
int table_add(struct hmm_table *t, const Hmmd__QueryReply *page);

#endif
