/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledgers of clients that are gone. Whoever keeps the descriptor of one keeps its memory too, in a directory that
 * others need: so it is emptied, and stays charged to its user until nobody has it open any more or its process
 * has ended; then nothing is left to keep.
 */
#ifndef HMMD_IO_GRAVE_H
#define HMMD_IO_GRAVE_H

struct daemon;
struct space;

/* The space's files go; what the user is charged for them goes when they are really gone. The space has no ledger after it. */
void grave_dig(struct daemon *d, struct space *s);
void graves_look(struct daemon *d);	/* every second: those that are gone give their charge back */
void graves_end(struct daemon *d);	/* all charges are given back: the daemon ends */

#endif
