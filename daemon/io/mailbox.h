/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Letters to a porter or to the lodge, in order; the loop never waits for either. */
#ifndef HMMD_IO_MAILBOX_H
#define HMMD_IO_MAILBOX_H

#include <stdbool.h>
#include "daemon/base/list.h"
#include "daemon/io/porter.h"

struct mailbox {
	int fd;
	struct list_node waiting;	/* letters that the channel did not take at once */
};

void mailbox_init(struct mailbox *m, int fd);
/* fd goes with it, -1: none; it stays the caller's. 0, or -errno: there is no memory or descriptor to keep it for later. */
int mailbox_send(struct mailbox *m, const struct porter_letter *l, int fd);
void mailbox_flush(struct mailbox *m);
bool mailbox_waits(const struct mailbox *m);	/* for the channel to take more */
/* Closes the channel; what waits is dropped. */
void mailbox_done(struct mailbox *m);

#endif
