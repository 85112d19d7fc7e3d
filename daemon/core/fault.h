/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to answer to a fault message, from the page's word alone. Called by the fault service threads. */
#ifndef HMMD_CORE_FAULT_H
#define HMMD_CORE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_answer {
	FAULT_DROP,	/* in transit: whoever moves it wakes the thread */
	FAULT_ZERO,	/* never touched: a page of zeros */
	FAULT_FILL,	/* at rest on a device */
	FAULT_ABORT,	/* written while being evicted (or still protected): unprotect, wake */
	FAULT_CHECK,	/* should be resident but was missing: look into the file; a hole is a page of zeros (the client punched it), else wake */
	FAULT_POISON	/* could not be read back */
};
enum fault_answer fault_answer(uint64_t word, bool write_protect);

/*
 * Read-ahead of one range, kept by the service threads under no lock: a racing update only costs a
 * guess. A fault next to the last one doubles the window (pages), any other halves it.
 */
struct stream {
	_Atomic uint64_t next_vpn;	/* where a sequential reader would fault next */
	_Atomic uint32_t window;	/* pages to bring in beyond the fault, 0..STREAM_WINDOW_MAX */
};
enum { STREAM_WINDOW_MAX = 16 };	/* 32 MiB: about 5 ms of copying */
/* Values of enum hmm_advice that steer it; any other means no wish. */
enum { STREAM_ADVICE_SEQUENTIAL = 5, STREAM_ADVICE_RANDOM = 6 };
/* Returns how many pages after vpn to bring in (0: none). advice_random: never; advice_sequential: at least half the maximum. */
uint32_t stream_fault(struct stream *s, uint64_t vpn, uint64_t last_vpn, uint32_t advice);

#endif
