/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device: its memory, its blocks, its state. Devices are numbered, live in one table and are
 * counted; a folio on a device keeps neither the device nor its pagemap alive by itself, the state
 * machine does: ONLINE, DRAINING (takes nothing, gives back), OFFLINE (empty), gone. While any page
 * of any device is in use the module itself cannot go, so that unloading never waits for a page.
 *
 * Lock order: device ctl, mmap lock, folio lock, device lock; device change, device lock. The device
 * lock is taken with interrupts off: the last reference on a coherent page may be dropped by an
 * interrupt handler.
 */
#ifndef HMMDEV_DEVICE_H
#define HMMDEV_DEVICE_H

#include <linux/memremap.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../uapi/hmmdev.h"
#include "block.h"

struct hmmdev_space;
struct hmmdev_user;
struct pci_dev;

/* Pages moved under one hold of the mmap lock, 8 MiB: some milliseconds. */
#define HMMDEV_MOVE_PAGES 2048U

struct hmmdev_device {
	u32 number;
	enum hmmdev_type type;
	enum hmmdev_source source;
	int nid;		/* NUMA_NO_NODE: not known */
	u64 bytes;
	u64 phys;		/* RESERVED and PCI: first byte of the memory itself */
	struct dev_pagemap pagemap;	/* pagemap.owner is the device: one owner per device */
	struct resource *pfns;	/* private: the range that the device pfns were taken from */
	unsigned long first_pfn;	/* device pfn of block 0 */
	struct page **backing;	/* SYSRAM: one order-9 system page per block, fixed at creation */
	void *memory;		/* RESERVED and PCI, private: the mapped memory */
	struct pci_dev *function;	/* PCI: whose memory it is; for copies, until gone is set */
	bool gone;		/* the memory has left (READ_ONCE): copies fail */
	atomic_t away;	/* by so many it has to be empty for now: unbinding, a reset, sleep, an error */
	bool returns;		/* was online when the first of them came; guarded by change */
	bool asleep;		/* away for the sleep of the system; only the notifier of that looks */
	enum hmmdev_state state;	/* written under change, read anywhere (READ_ONCE) */
	struct mutex ctl;	/* requests to drain, put online, remove: one at a time, however long */
	struct mutex change;	/* of the state: nobody waits for a program's lock, or for ctl, with it */
	spinlock_t lock;	/* guards blocks, loans, lent, home and in_use */
	struct hmmdev_blocks *blocks;
	struct list_head loans;	/* references that faults have lent (loan.h) */
	u64 *home;	/* by block: the address its first page was put at, 0: no single one */
	u32 *lent;	/* by block: how many loans are about its pages */
	bool in_use;	/* has pages in use, and a reference on the module for it */
	refcount_t users;	/* table + who got it by hmmdev_device_get() */
	struct work_struct close;	/* runs once, when the last user has gone */
	bool aside;		/* PCI: away until a neighbour's error is dealt with (pci_error.c) */
};

/* What a device is made of; numbers as in struct hmmdev_dev_ctl. */
struct hmmdev_device_spec {
	enum hmmdev_type type;
	enum hmmdev_source source;
	int nid;
	u64 bytes;
	u64 phys;
	struct pci_dev *function;	/* PCI only */
};

/* ---- device.c */
/* The device of that number with a reference, or NULL. Any context that may sleep. */
struct hmmdev_device *hmmdev_device_get(u32 number);
/* The same, or NULL as well while it is not ONLINE. */
struct hmmdev_device *hmmdev_device_get_online(u32 number);
void hmmdev_device_put(struct hmmdev_device *dev);
/*
 * Each of the devices that there are, with a reference for so long, up to the first that is not
 * answered with 0: that answer. No lock of ours is held.
 */
typedef int hmmdev_device_fn(struct hmmdev_device *dev, void *arg);
int hmmdev_devices_each(hmmdev_device_fn *fn, void *arg);
/* What nobody uses any more is taken apart when this returns. Not under the mmap lock. */
void hmmdev_devices_settle(void);
u32 hmmdev_device_count(void);
int hmmdev_device_info(struct hmmdev_dev_info *info);
/* Makes a device and enters it in the table. 0 with a reference in *ret_dev, if that is given. */
int hmmdev_device_create(const struct hmmdev_device_spec *spec, struct hmmdev_device **ret_dev);
/* Out of the table, whose reference is dropped: nobody finds it any more. -ENODEV: it was. */
int hmmdev_device_forget(struct hmmdev_device *dev);
u64 hmmdev_device_used(struct hmmdev_device *dev);	/* bytes in use now */
bool hmmdev_devices_in_use(void);	/* any page of any of them */
/* HMMDEV_FEATURE_PRIVATE, COHERENT, THP, PFNS and NODE, as far as this kernel has them. */
u64 hmmdev_device_features(void);
/* Module init and exit. Exit is reached only without open descriptors and without pages in use. */
int hmmdev_devices_init(void);
void hmmdev_devices_exit(void);

/* ---- drain.c */
/* The HMMDEV_OP_* of DEV_CTL. -EAGAIN with ->remaining set: call again. */
int hmmdev_device_ctl(struct hmmdev_dev_ctl *ctl);
/*
 * A drain, until timeout_ms have passed in which no page left, that ends others; whatever comes of
 * it, the device is away until hmmdev_device_back(), which puts it online again if it was. With
 * `tries` no program's lock is waited for. 0: OFFLINE; -EAGAIN.
 */
int hmmdev_drain_to_leave(struct hmmdev_device *dev, u32 timeout_ms, bool tries);
void hmmdev_device_back(struct hmmdev_device *dev);
/* Its memory cannot be trusted any more: what is on it is lost. May sleep. */
void hmmdev_device_fail(struct hmmdev_device *dev);

/* ---- sleep.c: before the system sleeps all pages leave, or it does not sleep. */
int hmmdev_sleep_init(void);
void hmmdev_sleep_exit(void);

/* ---- param.c, pci.c: devices that exist from the load of the module on. */
int hmmdev_param_create(void);
#ifdef CONFIG_PCI
int hmmdev_pci_init(void);
void hmmdev_pci_exit(void);
#else
static inline int hmmdev_pci_init(void)
{
	return 0;
}

static inline void hmmdev_pci_exit(void)
{
}
#endif

/* ---- memory.c: the memory itself. */
int hmmdev_memory_open(struct hmmdev_device *dev);
void hmmdev_memory_close(struct hmmdev_device *dev);
/* The hardware goes: no copy touches the memory any more when this returns. May sleep. */
void hmmdev_memory_detach(struct hmmdev_device *dev);
/*
 * The bytes of a page, whichever memory is behind it; NULL: the memory has left. Pages of a folio
 * follow each other. Good for as long as the caller holds the page.
 */
void *hmmdev_page_bytes(struct page *page);
/* 0, -ENODEV: the memory has left, -EIO: it is broken. Each has 1 << order pages. */
int hmmdev_copy(struct page *to, struct page *from, unsigned int order);
int hmmdev_clear(struct page *page, unsigned int order);

/* ---- pagemap.c: struct pages for the memory. */
int hmmdev_pagemap_open(struct hmmdev_device *dev);
void hmmdev_pagemap_close(struct hmmdev_device *dev);
bool hmmdev_page_is_ours(const struct page *page);
struct hmmdev_device *hmmdev_page_device(const struct page *page);	/* only of ours */

/* ---- folio.c: device folios. Each holds one reference on the space that put it there. */
/*
 * A device folio of order 0 or HPAGE_PMD_ORDER for the page of `addr`, locked, with one reference;
 * pressure leaves it alone until until_ns. Charges the space's limits. NULL with -ENOSPC: no room
 * of that order, -ENODEV: the device is not ONLINE, -EDQUOT: over the limits.
 */
struct page *hmmdev_folio_take(struct hmmdev_device *dev, struct hmmdev_space *space, u64 addr,
			       unsigned int order, u64 until_ns, int *ret_error);
void hmmdev_folio_free(struct folio *folio);
void hmmdev_folio_split(struct folio *head, struct folio *tail);
struct hmmdev_space *hmmdev_page_space(const struct page *page);	/* of a page in use */
/* Has nobody but that user put a page into the block? */
bool hmmdev_block_is_of(struct hmmdev_device *dev, u64 block, const struct hmmdev_user *user);

/* ---- pool.c: order-9 system folios kept ready: a cleared fresh one costs more than the copy. */
int hmmdev_pool_init(void);
void hmmdev_pool_exit(void);
/* NULL: none. Unlocked, one reference, not charged. */
struct folio *hmmdev_pool_take(int nid);

/* ---- migrate.c, evict.c: the request is checked (aligned, no wrap, known flags). */
int hmmdev_migrate(struct hmmdev_space *space, struct hmmdev_migrate *m);
int hmmdev_evict(struct hmmdev_space *space, struct hmmdev_migrate *m);
/*
 * Bring what is on any device in [addr, end) back, quietly: before pin and the like. mmap lock not
 * held. -EAGAIN: some of it was busy.
 */
int hmmdev_bring_back(struct hmmdev_space *space, unsigned long addr, unsigned long end);
/*
 * Free at least `bytes` of the oldest blocks that stayed their time (now_ns U64_MAX: of any), of that
 * user alone unless it is NULL, if need be waiting for the lock of `asks`, the address space that room
 * is made for. Bytes freed, or -EINTR when a signal came before the first. No lock held.
 */
s64 hmmdev_evict_oldest(struct hmmdev_device *dev, const struct hmmdev_user *of,
			const struct mm_struct *asks, u64 bytes, u64 now_ns);

/* ---- fault.c: dev_pagemap_ops.migrate_to_ram. */
vm_fault_t hmmdev_fault(struct vm_fault *vmf);

#endif
