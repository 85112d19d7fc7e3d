/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests about adopted memory that go to the kernel driver, for the requests alone. */
#ifndef HMMD_IO_REQUEST_DRIVER_H
#define HMMD_IO_REQUEST_DRIVER_H

#include "daemon/io/request.h"

struct op_piece {	/* of a range, in bytes */
	struct range *range;
	uint64_t addr, length;
};

/* The piece that Migrate names, to the byte. */
void request_migrate_adopted(struct request *q, struct range *range, enum move_kind kind, unsigned int tier);
/* Pin and Unpin of an adopted range. */
void request_pin_adopted(struct request *q);
void request_unpin_adopted(struct request *q);

#endif
