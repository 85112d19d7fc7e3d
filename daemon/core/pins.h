/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has pinned what of one range. A pin is a span of one owner's; the same span again is the same pin with
 * one more count. How often a byte is pinned is the sum over the pins that hold it, so what is kept follows
 * the pins and not the size of the range. In the order of their beginnings: looking is a binary search, and
 * then a walk back over no more than the longest of them. Loop thread.
 */
#ifndef HMMD_CORE_PINS_H
#define HMMD_CORE_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pin_owner { PIN_OF_PROGRAM = 1, PIN_OF_OPERATOR = 2 };
enum { PINS_MAX = 1 << 16 };	/* different spans of one range: 2.5 MiB of memory, 4 MiB on record */

struct pin {
	uint64_t addr, end;
	uint32_t count;		/* times that it was pinned */
	uint32_t id;		/* adopted memory: the driver's number, 0 while it is under way */
	uint32_t place;		/* of its record; 0: none */
	uint8_t owner;		/* enum pin_owner */
};
struct pins {
	struct pin *all;
	size_t n, cap;
	uint64_t longest;	/* bytes; never too small */
};

/* 0, -ENOMEM, -ENOSPC: PINS_MAX are there. *ret is good until the next one comes or goes. */
int pins_add(struct pins *p, const struct pin *pin, struct pin **ret);
void pins_remove(struct pins *p, struct pin *pin);
void pins_done(struct pins *p);
/* The first one, from *cursor on (0 at first), that holds a byte of [addr, end). NULL: none. */
struct pin *pins_next(const struct pins *p, size_t *cursor, uint64_t addr, uint64_t end);
/* The owner's pin of exactly this, which the driver has (id not 0) or that needs no driver. NULL: none. */
struct pin *pins_find(const struct pins *p, enum pin_owner owner, uint64_t addr, uint64_t end);
/*
 * The owner's pin that holds `addr`, or else the next one behind it that begins before `end`: of several, one that
 * begins where asked and lies in [addr, end) whole before any other. NULL: none.
 */
struct pin *pins_from(const struct pins *p, enum pin_owner owner, uint64_t addr, uint64_t end);
/* The first piece of [*addr, end) that nobody has pinned, in *addr and *ret_end; false: none. */
bool pins_gap(const struct pins *p, uint64_t *addr, uint64_t end, uint64_t *ret_end);

#endif
