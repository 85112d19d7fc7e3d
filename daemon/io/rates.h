/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults per second, sampled by a timer, so that "the last full second" is one. */
#ifndef HMMD_IO_RATES_H
#define HMMD_IO_RATES_H

#include <stdint.h>

struct daemon;
struct rates;

int rates_start(struct daemon *d);
void rates_stop(struct daemon *d);
uint64_t rates_faults(const struct daemon *d);	/* answered in the last full second */

#endif
