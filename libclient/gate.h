/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's side of proto/gate.h. */
#ifndef HMM_LIBCLIENT_GATE_H
#define HMM_LIBCLIENT_GATE_H

#include "proto/gate.h"

/* The descriptor stays the caller's. -errno, -EPROTO: no gate. */
int gate_map(int fd, struct gate **ret);
void gate_unmap(struct gate *g);	/* NULL: nothing */

#endif
