// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers to faults (fault.h). States in somebody's hands are dropped: their owner wakes when done.
 */
#include "daemon/core/fault.h"
#include "proto/ledger.h"

enum fault_answer fault_answer(uint64_t word, bool write_protect)
{
	switch (page_word_state(word)) {
	case PAGE_ABSENT:
		return FAULT_ZERO;
	case PAGE_RESIDENT:
		return write_protect ? FAULT_ABORT : FAULT_CHECK;
	case PAGE_EVICTING:
		return write_protect ? FAULT_ABORT : FAULT_DROP;
	case PAGE_DEVICE:
		return FAULT_FILL;
	case PAGE_ZEROING:
	case PAGE_ABORTING:
	case PAGE_COMMITTING:
	case PAGE_FILLING:
	case PAGE_DISCARDING:
	case PAGE_ADOPTED:
		return FAULT_DROP;
	default:	/* poisoned, or a damaged word: never zeros */
		return FAULT_POISON;
	}
}
