/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel driver's node: opened here because a descriptor of it is the address space of the process that
 * opened it, handed to the daemon as a duplicate, and kept open, because pins end with the last one. With the
 * client's lock held.
 */
#ifndef HMM_LIBCLIENT_DRIVER_H
#define HMM_LIBCLIENT_DRIVER_H

#include <stdbool.h>

struct hmm_client;

/* The daemon has devices of the driver. */
bool driver_wanted(const struct hmm_client *c);
/*
 * Opens the node if it can be and sees that the daemon has it. That it cannot is no error: adopted memory
 * stays on NUMA nodes then.
 */
void driver_attach(struct hmm_client *c);

#endif
