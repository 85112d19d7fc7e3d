// SPDX-License-Identifier: GPL-2.0-only
/* Limits: sums that are compared by what is left, so no sum ever wraps. */
#include "limit.h"

void hmmdev_limit_init(struct hmmdev_limit_account *a, u64 ranges)
{
	*a = (struct hmmdev_limit_account){ .used = { 0 } };
	hmmdev_limit_default(a, HMMDEV_LIMIT_DEV_BYTES, HMMDEV_LIMIT_NONE);
	hmmdev_limit_default(a, HMMDEV_LIMIT_PIN_BYTES, HMMDEV_LIMIT_NONE);
	hmmdev_limit_default(a, HMMDEV_LIMIT_RANGES, ranges);
}

static bool has_room(const struct hmmdev_limit_account *a, enum hmmdev_limit_kind kind, u64 amount)
{
	return a->used[kind] <= a->max[kind] && amount <= a->max[kind] - a->used[kind];
}

int hmmdev_limit_charge(struct hmmdev_limit_account *fd, struct hmmdev_limit_account *uid,
			enum hmmdev_limit_kind kind, u64 amount)
{
	if (!has_room(fd, kind, amount) || !has_room(uid, kind, amount))
		return HMMDEV_LIMIT_E_FULL;
	fd->used[kind] += amount;
	uid->used[kind] += amount;
	return 0;
}

int hmmdev_limit_uncharge(struct hmmdev_limit_account *fd, struct hmmdev_limit_account *uid,
			  enum hmmdev_limit_kind kind, u64 amount)
{
	if (fd->used[kind] < amount || uid->used[kind] < amount)
		return -EINVAL;
	fd->used[kind] -= amount;
	uid->used[kind] -= amount;
	return 0;
}

void hmmdev_limit_default(struct hmmdev_limit_account *a, enum hmmdev_limit_kind kind, u64 max)
{
	a->unset[kind] = max;
	if (!a->set[kind])
		a->max[kind] = max;
}

bool hmmdev_limit_is_set(const struct hmmdev_limit_account *a)
{
	bool any = false;
	unsigned int k;

	for (k = 0; k < HMMDEV_LIMIT_KINDS; k++)
		any = any || a->set[k];
	return any;
}

static u64 wanted(const struct hmmdev_limit_account *a, unsigned int kind, u64 value)
{
	return value == HMMDEV_LIMIT_DEFAULT ? a->unset[kind] : value;
}

static bool is_allowed(const struct hmmdev_limit_account *a, unsigned int kind, u64 value,
		       enum hmmdev_limit_right right)
{
	return value == HMMDEV_LIMIT_SAME || right == HMMDEV_LIMIT_MAY_SET ||
	       (right == HMMDEV_LIMIT_MAY_LOWER && wanted(a, kind, value) <= a->max[kind]);
}

int hmmdev_limit_apply(struct hmmdev_limit_account *a, struct hmmdev_limit *io,
		       enum hmmdev_limit_right right)
{
	u64 *field[HMMDEV_LIMIT_KINDS] = {
		[HMMDEV_LIMIT_DEV_BYTES] = &io->dev_bytes,
		[HMMDEV_LIMIT_PIN_BYTES] = &io->pin_bytes,
		[HMMDEV_LIMIT_RANGES] = &io->ranges,
	};
	bool allowed = true;
	unsigned int k;

	for (k = 0; k < HMMDEV_LIMIT_KINDS; k++)
		allowed = allowed && is_allowed(a, k, *field[k], right);
	for (k = 0; k < HMMDEV_LIMIT_KINDS; k++) {
		if (allowed && *field[k] != HMMDEV_LIMIT_SAME) {
			a->max[k] = wanted(a, k, *field[k]);
			a->set[k] = *field[k] != HMMDEV_LIMIT_DEFAULT;
		}
		*field[k] = a->max[k];
	}
	return allowed ? 0 : -EPERM;
}
