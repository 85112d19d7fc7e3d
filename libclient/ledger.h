/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's page table of this client, mapped read-only (proto/ledger.h). With the client's lock
 * held.
 */
#ifndef HMM_LIBCLIENT_LEDGER_H
#define HMM_LIBCLIENT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger {
	int fd;			/* -1: none */
	const uint64_t *words;	/* NULL: none */
	uint64_t root;
	uint64_t size;		/* of the file when last looked at, bytes; it only grows */
};

/* Replaces the mapping, or leaves it when the new one is no ledger: -EINVAL, -EPROTONOSUPPORT for another version. Takes the descriptor over, also on failure. */
int ledger_open(struct ledger *l, int fd, uint64_t root);
void ledger_close(struct ledger *l);
/*
 * True: no daemon works on the pages of this ledger, and from here none will. A daemon that does holds a shared
 * lock of the file, which ends with it; ours is exclusive, is held as long as the ledger, and one that
 * comes later respects it.
 */
bool ledger_take(const struct ledger *l);
/* The word of a page: false when there is no ledger or the page has no table yet. */
bool ledger_word(struct ledger *l, uint64_t vpn, uint64_t *ret_word);

#endif
