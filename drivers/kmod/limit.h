/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one descriptor, and all descriptors of one user together, may hold. A charge goes to both
 * accounts or to neither and leaves no trace but the sums: whoever charged knows how much to give
 * back. The user's account is shared by descriptors, so one lock of the caller guards all accounts
 * of the module (charges come from faults and frees: a spin lock).
 */
#ifndef HMMDEV_LIMIT_H
#define HMMDEV_LIMIT_H

#include "../uapi/hmmdev.h"
#include "pure.h"

enum hmmdev_limit_kind {
	HMMDEV_LIMIT_DEV_BYTES = 0,
	HMMDEV_LIMIT_PIN_BYTES = 1,
	HMMDEV_LIMIT_RANGES = 2
};

#define HMMDEV_LIMIT_KINDS 3

#define HMMDEV_LIMIT_NONE U64_MAX /* in `max`; in the ioctl that is HMMDEV_LIMIT_SAME */

struct hmmdev_limit_account {
	u64 used[HMMDEV_LIMIT_KINDS];
	u64 max[HMMDEV_LIMIT_KINDS];	/* may be below `used` after it was lowered */
	u64 unset[HMMDEV_LIMIT_KINDS];	/* max until somebody sets it, and again when told so */
	bool set[HMMDEV_LIMIT_KINDS];	/* by somebody: the default does not count */
};

enum hmmdev_limit_right {
	HMMDEV_LIMIT_MAY_ASK = 0,
	HMMDEV_LIMIT_MAY_LOWER = 1,
	HMMDEV_LIMIT_MAY_SET = 2
};

enum {
	HMMDEV_LIMIT_E_FULL = 1
};

/* Nothing used; dev_bytes and pin_bytes unlimited, `ranges` as given (HMMDEV_MAX_RANGES). */
void hmmdev_limit_init(struct hmmdev_limit_account *a, u64 ranges);
/* The limit of that kind until somebody sets it. */
void hmmdev_limit_default(struct hmmdev_limit_account *a, enum hmmdev_limit_kind kind, u64 max);

/* Has somebody set any of its limits? */
bool hmmdev_limit_is_set(const struct hmmdev_limit_account *a);

/* Charges both accounts or neither. HMMDEV_LIMIT_E_FULL: one of them would exceed its limit. */
int hmmdev_limit_charge(struct hmmdev_limit_account *fd, struct hmmdev_limit_account *uid,
			enum hmmdev_limit_kind kind, u64 amount);
/* Gives back. -EINVAL, nothing changed: more than was charged, a fault of the caller. */
int hmmdev_limit_uncharge(struct hmmdev_limit_account *fd, struct hmmdev_limit_account *uid,
			  enum hmmdev_limit_kind kind, u64 amount);

/*
 * The ioctl: sets the fields of *io that are not ~0 and writes the values in force back, also on
 * an error; HMMDEV_LIMIT_DEFAULT is the value before somebody set it. -EPERM, nothing changed: a
 * field asks for more than the right allows.
 */
int hmmdev_limit_apply(struct hmmdev_limit_account *a, struct hmmdev_limit *io,
		       enum hmmdev_limit_right right);

#endif
