// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Limits of descriptors and users
 *
 * limit.c keeps the books; here are the lock (one for all accounts, since users' accounts are
 * shared, with interrupts off, since device folios are freed anywhere) and the table of users: one
 * account for all descriptors that one user opened, gone with the last of them.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "space.h"

struct hmmdev_user {
	struct list_head link;
	kuid_t uid;
	u32 descriptors;	/* guarded by hmmdev_users_lock */
	struct hmmdev_limit_account account;
};

static DEFINE_SPINLOCK(hmmdev_accounts_lock);
static DEFINE_MUTEX(hmmdev_users_lock);
static LIST_HEAD(hmmdev_users);

static struct hmmdev_user *hmmdev_user_find(kuid_t uid)
{
	struct hmmdev_user *user;

	list_for_each_entry(user, &hmmdev_users, link)
		if (uid_eq(user->uid, uid))
			return user;
	return NULL;
}

static struct hmmdev_user *hmmdev_user_new(kuid_t uid)
{
	struct hmmdev_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return NULL;
	user->uid = uid;
	hmmdev_limit_init(&user->account, HMMDEV_LIMIT_NONE);
	list_add(&user->link, &hmmdev_users);
	return user;
}

struct hmmdev_user *hmmdev_user_get(void)
{
	struct hmmdev_user *user;

	mutex_lock(&hmmdev_users_lock);
	user = hmmdev_user_find(current_uid());
	if (!user)
		user = hmmdev_user_new(current_uid());
	if (user)
		user->descriptors++;
	mutex_unlock(&hmmdev_users_lock);
	return user;
}

void hmmdev_user_put(struct hmmdev_user *user)
{
	mutex_lock(&hmmdev_users_lock);
	if (--user->descriptors == 0) {
		list_del(&user->link);
		kfree(user);
	}
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

int hmmdev_limit(struct hmmdev_space *space, struct hmmdev_limit *limit)
{
	bool may_raise = capable(CAP_SYS_RESOURCE);
	unsigned long flags;
	int rc;

	if (limit->scope != HMMDEV_SCOPE_FD && limit->scope != HMMDEV_SCOPE_UID)
		return -EINVAL;
	spin_lock_irqsave(&hmmdev_accounts_lock, flags);
	rc = hmmdev_limit_apply(limit->scope == HMMDEV_SCOPE_FD ? &space->fd_limit :
				&space->user->account, limit, may_raise);
	spin_unlock_irqrestore(&hmmdev_accounts_lock, flags);
	return rc;
}
