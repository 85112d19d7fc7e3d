/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ledgers that are there and cannot be used: damaged, of another version, behind an I/O error or a want of
 * descriptors. Whoever wrote them, or the next start, may read them, so nobody else gets the slots of their clients
 * (slotmap.h), and their clients wait: told so when they come back, and giving their memory up in their own time.
 * That ends when the client's process has ended, when the client has given its memory up, or when an operator removes
 * the file. Loop thread only.
 */
#ifndef HMMD_IO_UNREADABLE_H
#define HMMD_IO_UNREADABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct daemon;

/* why: -errno. 0; or -ENOMEM. */
int unreadable_note(struct daemon *d, uint64_t client, int why);
/* True, with the file and the reason: it is one of those. */
bool unreadable_is(const struct daemon *d, uint64_t client, char *ret_text, size_t text_size);
/* How many; of one of them the file and the reason. */
unsigned int unreadable_count(const struct daemon *d, char *ret_text, size_t text_size);
void unreadable_watch(struct daemon *d);	/* each second: which of them are over? */
void unreadable_free(struct daemon *d);

#endif
