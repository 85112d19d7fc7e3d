/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An address space: what a descriptor of /dev/hmm stands for. It is counted: the open file, every
 * call, and every folio that it put on a device hold one reference. It keeps the mm_struct
 * (mmgrab), not the memory: who needs the memory takes hmmdev_space_get_mm() for the time of the
 * call.
 *
 * It dies in three steps: close (the notifier leaves the mm, pins go, ranges go; nobody finds it by
 * descriptor any more), wait (device folios that it put there fault back, are freed or are
 * evicted), free (the last reference; mmdrop). A process that ends before its descriptor is closed
 * takes its pins with it, and the descriptor answers -ESRCH.
 *
 * Lock order: exclusive, mmap lock, folio lock, populate, entries; events, limits and the injection
 * are spin locks under all of them. The notifier takes entries and may run with the mmap lock or a
 * folio lock held: nothing that waits for either is done under entries.
 */
#ifndef HMMDEV_SPACE_H
#define HMMDEV_SPACE_H

#include <linux/kref.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../uapi/hmmdev.h"
#include "limit.h"
#include "mirror.h"
#include "ring.h"
#include "thrash.h"

struct hmmdev_device;
struct hmmdev_injection;
struct hmmdev_user;

struct hmmdev_counters {	/* those of struct hmmdev_stats that only grow */
	atomic64_t moved_in, moved_out, cpu_faults, faulted_out, splits, thrash, excl_revoked,
		invalidations, faults_failed;
};

struct hmmdev_space {
	struct kref refs;
	struct list_head link;	/* in the list of open spaces */
	struct mm_struct *mm;	/* mmgrab()bed */
	struct mmu_interval_notifier notifier;	/* over the whole of mm */
	struct mutex exclusive;	/* one EXCL_ACQUIRE at a time: two would undo each other */
	struct mutex populate;	/* one mirror table grows at a time */
	struct mutex entries;	/* guards mirror[] and the notifier's sequence */
	struct hmmdev_mirror *mirror[HMMDEV_MAX_DEVICES];	/* made on first use, then kept */
	spinlock_t events;	/* guards ring; taken in reclaim: nothing is allocated under it */
	struct hmmdev_ring *ring;
	wait_queue_head_t readable;
	bool ended;	/* the process has: nothing comes after what the ring holds */
	struct maple_tree ranges;	/* by address; readers under RCU, so also in the notifier */
	atomic_t range_id;
	struct hmmdev_limit_account fd_limit;
	struct hmmdev_user *user;	/* the account that all descriptors of the user share */
	struct xarray pins;	/* id to struct hmmdev_pinned */
	spinlock_t thrash_lock;	/* guards thrash */
	struct hmmdev_thrash *thrash;
	struct hmmdev_counters count;
	struct hmmdev_injection *inject;	/* test=1 only, else NULL */
	struct work_struct exit_work;	/* the process has ended: its pins go */
	struct work_struct free_work;	/* the last reference went */
};

/* ---- main.c */
extern bool hmmdev_test;	/* module parameter: DEV_READ, DEV_WRITE, INJECT, mmap */
extern struct workqueue_struct *hmmdev_work;	/* the module's own: empty before the module goes */

/* ---- space.c */
struct hmmdev_space *hmmdev_space_open(void);	/* of current->mm, or ERR_PTR */
void hmmdev_space_close(struct hmmdev_space *space);
void hmmdev_space_hold(struct hmmdev_space *space);
/* Any context, also under spin locks: a worker frees. */
void hmmdev_space_put(struct hmmdev_space *space);
/* The mm for the time of a call: 0 with *ret_mm (mmput when done), or -ESRCH. */
int hmmdev_space_get_mm(struct hmmdev_space *space, struct mm_struct **ret_mm);
/* The event goes to all open ones. Any context. */
void hmmdev_spaces_event(enum hmmdev_event_type type, u32 dev, u32 arg);

/* ---- file.c, ioctl.c */
extern const struct file_operations hmmdev_fops;
long hmmdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* ---- notifier.c */
extern const struct mmu_interval_notifier_ops hmmdev_notifier_ops;
/* Entries of [first, last] leave all mirrors, with `drop` the tables too. Under entries. */
void hmmdev_mirrors_clear(struct hmmdev_space *space, u64 first, u64 last, bool drop);

/* ---- account.c: limits of the descriptor and of the user who opened it. Any context. */
int hmmdev_space_charge(struct hmmdev_space *space, enum hmmdev_limit_kind kind, u64 amount);
void hmmdev_space_uncharge(struct hmmdev_space *space, enum hmmdev_limit_kind kind, u64 amount);
u64 hmmdev_space_used(struct hmmdev_space *space, enum hmmdev_limit_kind kind);
int hmmdev_limit(struct hmmdev_space *space, struct hmmdev_limit *limit);
/* Those may sleep. */
struct hmmdev_user *hmmdev_user_get(kuid_t uid);	/* NULL: no memory */
void hmmdev_user_put(struct hmmdev_user *user);
/* So many bytes have all devices now: what a user without limits of its own may hold follows. */
void hmmdev_users_share(u64 bytes);
void hmmdev_users_exit(void);	/* no descriptor and no page is left */

/* Bytes on devices. 0 or -EDQUOT. Any context. */
static inline int hmmdev_space_charge_dev(struct hmmdev_space *space, u64 bytes)
{
	return hmmdev_space_charge(space, HMMDEV_LIMIT_DEV_BYTES, bytes);
}

static inline void hmmdev_space_uncharge_dev(struct hmmdev_space *space, u64 bytes)
{
	hmmdev_space_uncharge(space, HMMDEV_LIMIT_DEV_BYTES, bytes);
}

/* ---- event.c */
/* An event for whoever reads the descriptor. Any context; never sleeps, never allocates. */
void hmmdev_space_event(struct hmmdev_space *space, enum hmmdev_event_type type, u64 addr, u64 size,
			u32 dev, u32 order, u32 arg);
/* The same with what else a record tells; ts_ns, seq and len are filled in. */
void hmmdev_space_push(struct hmmdev_space *space, struct hmmdev_event *event);
ssize_t hmmdev_event_read(struct hmmdev_space *space, struct iov_iter *to, bool wait);
__poll_t hmmdev_event_poll(struct hmmdev_space *space, struct file *file, poll_table *wait);
u64 hmmdev_events_lost(struct hmmdev_space *space);

/* ---- range.c */
/* NO_SPLIT or FAULT_EVENTS flags of the range that holds addr, 0 if none. Any context. */
u32 hmmdev_range_flags(struct hmmdev_space *space, u64 addr);
/* All flags of the ranges that meet [addr, end). Any context. */
u32 hmmdev_ranges_flags(struct hmmdev_space *space, u64 addr, u64 end);
u64 hmmdev_range_cookie(struct hmmdev_space *space, u64 addr);
/* An INVALIDATE event for each range that meets [addr, end). Any context. */
void hmmdev_ranges_invalidated(struct hmmdev_space *space, u64 addr, u64 end, u32 reason);
int hmmdev_range_add(struct hmmdev_space *space, struct hmmdev_range *range);
int hmmdev_range_del(struct hmmdev_space *space, struct hmmdev_range *range);
void hmmdev_ranges_clear(struct hmmdev_space *space);

/* ---- inject.c */
int hmmdev_injection_new(struct hmmdev_injection **ret_injection);	/* kfree() ends it */
int hmmdev_inject(struct hmmdev_space *space, struct hmmdev_inject *inject);
/* True once for each injected failure of that kind (test=1). Any context. */
bool hmmdev_inject_hit(struct hmmdev_space *space, enum hmmdev_inject_what what,
		       unsigned int order);

/* ---- stats.c */
int hmmdev_query(struct hmmdev_space *space, struct hmmdev_query *query);
int hmmdev_stats(struct hmmdev_space *space, struct hmmdev_stats *stats);

/* ---- access.c: filling a device's mirror */
#define HMMDEV_ACCESS_WRITE BIT(0)
#define HMMDEV_ACCESS_UNLOCKED BIT(1)	/* wait for userfaultfd without the mmap lock */

/* The space's mirror for that device, made on first use. */
int hmmdev_mirror_of(struct hmmdev_space *space, u32 number, struct hmmdev_mirror **ret_mirror);
/* Tables for entries of [first, last] down to `level` (mirror.h). Takes populate and entries. */
int hmmdev_mirror_grow(struct hmmdev_space *space, struct hmmdev_mirror *mirror, u64 first,
		       u64 last, unsigned int level);
/*
 * Makes what the mirror lacks of [addr, end) usable, with faults; what it has is left alone, above
 * all exclusive pages, which a fault would take back. The errors of hmm_range_fault(), -EBUSY when
 * the range was invalidated faster than filled for one to four seconds, -EINTR.
 */
int hmmdev_mirror_fill(struct hmmdev_space *space, struct mm_struct *mm, struct hmmdev_device *dev,
		       u64 addr, u64 end, u32 access);

/* ---- rw.c, excl.c, snap.c, pin.c: called by the ioctl layer with the request checked. */
int hmmdev_device_read(struct hmmdev_space *space, struct hmmdev_rw *rw);
int hmmdev_device_write(struct hmmdev_space *space, struct hmmdev_rw *rw);
int hmmdev_excl_acquire(struct hmmdev_space *space, struct hmmdev_excl *e);
int hmmdev_excl_release(struct hmmdev_space *space, struct hmmdev_excl *e);
int hmmdev_excl_check(struct hmmdev_space *space, struct hmmdev_excl *e);
int hmmdev_snapshot(struct hmmdev_space *space, struct hmmdev_snap *s);
int hmmdev_pin(struct hmmdev_space *space, struct hmmdev_pin *p);
int hmmdev_unpin(struct hmmdev_space *space, struct hmmdev_pin *p);
void hmmdev_pins_clear(struct hmmdev_space *space);

#endif
