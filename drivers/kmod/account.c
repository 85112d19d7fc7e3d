// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Limits of descriptors and users
 *
 * limit.c keeps the books; here are the lock (one for all accounts, since users' accounts are
 * shared, with interrupts off, since device folios are freed anywhere) and the table of users: one
 * account for all descriptors that one user opened. It begins with a share of what there is, and goes
 * with the last descriptor unless a limit is set that is not the default: that is kept, or a user would
 * only have to close and open.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "space.h"

static unsigned int user_dev = 50;
module_param(user_dev, uint, 0444);
MODULE_PARM_DESC(user_dev, "percent of the devices' memory that a user other than root may hold (50)");

static unsigned int user_pin = 10;
module_param(user_pin, uint, 0444);
MODULE_PARM_DESC(user_pin, "percent of the system's memory that a user other than root may pin (10)");

struct hmmdev_user {
	struct list_head link;
	kuid_t uid;
	u32 descriptors;	/* guarded by hmmdev_users_lock */
	struct hmmdev_limit_account account;
};

static DEFINE_SPINLOCK(hmmdev_accounts_lock);
static DEFINE_MUTEX(hmmdev_users_lock);
static LIST_HEAD(hmmdev_users);
static u64 hmmdev_all_bytes;	/* of all devices; guarded by hmmdev_users_lock */

static struct hmmdev_user *hmmdev_user_find(kuid_t uid)
{
	struct hmmdev_user *user;

	list_for_each_entry(user, &hmmdev_users, link)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static u64 hmmdev_share(u64 bytes, unsigned int percent)
{
	return mul_u64_u32_div(bytes, min(percent, 100U), 100);
}

static void hmmdev_user_share(struct hmmdev_user *user)
{
	u64 dev_bytes = hmmdev_share(hmmdev_all_bytes, user_dev);
	u64 pin_bytes = hmmdev_share((u64)totalram_pages() << PAGE_SHIFT, user_pin);
	unsigned long flags;

	if (uid_eq(user->uid, GLOBAL_ROOT_UID))
		return;
	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	hmmdev_limit_default(&user->account, HMMDEV_LIMIT_DEV_BYTES, dev_bytes);
	hmmdev_limit_default(&user->account, HMMDEV_LIMIT_PIN_BYTES, pin_bytes);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
}

void hmmdev_users_share(u64 bytes)
{
	struct hmmdev_user *user;

	mutex_lock(&hmmdev_users_lock);
	hmmdev_all_bytes = bytes;
	list_for_each_entry(user, &hmmdev_users, link)
		hmmdev_user_share(user);
	mutex_unlock(&hmmdev_users_lock);
}

static struct hmmdev_user *hmmdev_user_new(kuid_t uid)
{
	struct hmmdev_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return NULL;
	user->uid = uid;
	hmmdev_limit_init(&user->account, HMMDEV_LIMIT_NONE);
	hmmdev_user_share(user);
	list_add(&user->link, &hmmdev_users);
	return user;
}

struct hmmdev_user *hmmdev_user_get(kuid_t uid)
{
	struct hmmdev_user *user;

	mutex_lock(&hmmdev_users_lock);
	user = hmmdev_user_find(uid);
	if (!user)
		user = hmmdev_user_new(uid);
	if (user)
		user->descriptors++;
	mutex_unlock(&hmmdev_users_lock);
	return user;
}

static void hmmdev_user_free(struct hmmdev_user *user)
{
	list_del(&user->link);
	kfree(user);
}

static bool hmmdev_user_is_limited(struct hmmdev_user *user)
{
	unsigned long flags;
	bool is_set;

	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	is_set = hmmdev_limit_is_set(&user->account);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	return is_set;
}

void hmmdev_user_put(struct hmmdev_user *user)
{
	mutex_lock(&hmmdev_users_lock);
	if (!--user->descriptors && !hmmdev_user_is_limited(user))
		hmmdev_user_free(user);
	mutex_unlock(&hmmdev_users_lock);
}

void hmmdev_users_exit(void)
{
	struct hmmdev_user *user, *next;

	mutex_lock(&hmmdev_users_lock);
	list_for_each_entry_safe(user, next, &hmmdev_users, link)
		hmmdev_user_free(user);
	mutex_unlock(&hmmdev_users_lock);
}

int hmmdev_space_charge(struct hmmdev_space *space, enum hmmdev_limit_kind kind, u64 amount)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	rc = hmmdev_limit_charge(&space->fd_limit, &space->user->account, kind, amount);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	return rc ? -EDQUOT : 0;
}

void hmmdev_space_uncharge(struct hmmdev_space *space, enum hmmdev_limit_kind kind, u64 amount)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	rc = hmmdev_limit_uncharge(&space->fd_limit, &space->user->account, kind, amount);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	WARN_ON_ONCE(rc);
}

u64 hmmdev_space_used(struct hmmdev_space *space, enum hmmdev_limit_kind kind)
{
	unsigned long flags;
	u64 used;

	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	used = space->fd_limit.used[kind];
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	return used;
}

static int hmmdev_limit_apply_locked(struct hmmdev_limit_account *a, struct hmmdev_limit *limit,
				     enum hmmdev_limit_right right)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	rc = hmmdev_limit_apply(a, limit, right);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	return rc;
}

static int hmmdev_limit_user(struct hmmdev_user *user, struct hmmdev_limit *limit, bool may_set)
{
	struct hmmdev_limit asked = *limit;
	int rc;

	if (!may_set)
		return hmmdev_limit_apply_locked(&user->account, limit, HMMDEV_LIMIT_MAY_ASK);
	rc = hmmdev_limit_apply_locked(&user->account, &asked, HMMDEV_LIMIT_MAY_SET);
	limit->dev_bytes = limit->pin_bytes = limit->ranges = HMMDEV_LIMIT_SAME;
	return rc ? rc : hmmdev_limit_apply_locked(&user->account, limit, HMMDEV_LIMIT_MAY_ASK);
}

/* Of any user, who need not have a descriptor yet. */
static int hmmdev_limit_named(struct hmmdev_limit *limit, bool may_set)
{
	kuid_t uid = make_kuid(current_user_ns(), limit->uid);
	struct hmmdev_user *user;
	int rc;

	if (!may_set)
		return -EPERM;
	if (!uid_valid(uid))
		return -EINVAL;
	user = hmmdev_user_get(uid);
	if (!user)
		return -ENOMEM;
	rc = hmmdev_limit_user(user, limit, true);
	hmmdev_user_put(user);
	return rc;
}

int hmmdev_limit(struct hmmdev_space *space, struct hmmdev_limit *limit)
{
	bool may_set = capable(CAP_SYS_RESOURCE);

	if (limit->scope != HMMDEV_SCOPE_NAMED && limit->uid)
		return -EINVAL;
	switch (limit->scope) {
	case HMMDEV_SCOPE_FD:
		return hmmdev_limit_apply_locked(&space->fd_limit, limit, may_set ?
						 HMMDEV_LIMIT_MAY_SET : HMMDEV_LIMIT_MAY_LOWER);
	case HMMDEV_SCOPE_UID:
		return hmmdev_limit_user(space->user, limit, may_set);
	case HMMDEV_SCOPE_NAMED:
		return hmmdev_limit_named(limit, may_set);
	default:
		return -EINVAL;
	}
}
