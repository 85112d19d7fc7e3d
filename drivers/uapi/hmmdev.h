/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR LGPL-2.1-or-later */
/*
 * The ioctl interface of hmmdev.ko: device memory for any program's private anonymous memory.
 *
 * A descriptor of /dev/hmm is an address space: that of the process that opened it, for as long as
 * the process lives, whoever holds the descriptor. A program opens the node and passes a copy to
 * the daemon; no right over the process but this descriptor is needed. A forked child that wants
 * one of its own opens the node again: the inherited one still acts on the parent.
 *
 * Every request starts with its own size and flags. The kernel takes shorter structures of older
 * programs (what is missing is zero) and longer ones of newer programs whose extra bytes are zero
 * (-E2BIG otherwise). Unknown flags and non-zero reserved fields are -EINVAL. What a call got done
 * is written back on an error too. Addresses and lengths are in bytes and multiples of the page
 * size, times are in microseconds where the name ends in _us, in nanoseconds where it has ns.
 *
 * Errors that all calls share: -EINVAL a malformed request; -EFAULT a bad pointer; -E2BIG non-zero
 * fields that this kernel does not know; -ENOTTY an unknown request; -EOVERFLOW addr + len wraps;
 * -ESRCH the process has ended; -EOPNOTSUPP this kernel cannot do it (see features);
 * -EINTR a signal came, progress is in the structure; -ENODEV no such device, or one that drains.
 */
#ifndef HMMDEV_UAPI_H
#define HMMDEV_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Counts what a program of an older version would take for something else: since 2 there is
 * HMMDEV_SCOPE_NAMED, limits of a user outlast its descriptors, EVICT_OK makes room among the pages of
 * the same user alone, and every pin is a long-term one.
 */
#define HMMDEV_API_VERSION 2
#define HMMDEV_PATH "/dev/hmm"
#define HMMDEV_MAX_DEVICES 8 /* devices have numbers below it */
#define HMMDEV_DEV_NONE (~0U) /* where a device number is meant: none */
#define HMMDEV_MAX_RANGES 4096 /* default of the limit on ranges of one descriptor */
#define HMMDEV_LIMIT_SAME (~0ULL) /* a limit stays as it is */
#define HMMDEV_LIMIT_DEFAULT (~0ULL - 1) /* ... is what it was before somebody set it */
#define HMMDEV_MAX_EVENTS 1024 /* records that the ring of one descriptor holds */

/* hmmdev_query.features: what this kernel and this module can do together. */
#define HMMDEV_FEATURE_PRIVATE (1ULL << 0) /* device-private memory */
#define HMMDEV_FEATURE_COHERENT (1ULL << 1) /* device-coherent memory, 4 KiB pages */
#define HMMDEV_FEATURE_THP (1ULL << 2) /* huge pages move whole */
#define HMMDEV_FEATURE_EXCLUSIVE (1ULL << 3) /* HMMDEV_EXCL_* */
#define HMMDEV_FEATURE_PFNS (1ULL << 4) /* eviction without the owner's page table */
#define HMMDEV_FEATURE_NODE (1ULL << 5) /* HMMDEV_DST_NODE */
#define HMMDEV_FEATURE_PIN (1ULL << 6) /* HMMDEV_PIN */
#define HMMDEV_FEATURE_UFFD_UNLOCKED (1ULL << 7) /* device reads resolve userfaultfd faults */
#define HMMDEV_FEATURE_TEST (1ULL << 8) /* module parameter test=1: DEV_RW and INJECT */

struct hmmdev_query {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 api; /* out: HMMDEV_API_VERSION */
	__u32 ndev; /* out: devices that exist; their numbers may have holes */
	__u64 features; /* out */
	__u64 huge_size; /* out: bytes of a huge page */
	__u32 max_window_pages; /* out: pages that are moved under one hold of the mmap lock */
	__u32 reserved;
};

enum hmmdev_type {
	HMMDEV_TYPE_PRIVATE = 0, /* the CPU cannot reach it: a touch brings the page back */
	HMMDEV_TYPE_COHERENT = 1, /* the CPU reads and writes it in place */
};

enum hmmdev_source {
	HMMDEV_SOURCE_SYSRAM = 0, /* system memory stands for the device's (private only) */
	HMMDEV_SOURCE_RESERVED = 1, /* a reserved physical range: `phys` */
	HMMDEV_SOURCE_PCI = 2, /* a PCI BAR that the module was bound to */
};

enum hmmdev_state {
	HMMDEV_STATE_ONLINE = 0,
	HMMDEV_STATE_DRAINING = 1, /* gives its pages back, takes none */
	HMMDEV_STATE_OFFLINE = 2, /* holds nothing; may be removed or put online again */
};

struct hmmdev_dev_info {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 dev; /* in: number below HMMDEV_MAX_DEVICES. -ENODEV: no such device */
	__u32 type; /* out: enum hmmdev_type */
	__u32 state; /* out: enum hmmdev_state */
	__s32 nid; /* out: NUMA node whose memory or processors are nearest, -1 unknown */
	__u64 bytes; /* out: capacity */
	__u64 free; /* out: bytes free */
	__u64 used; /* out: bytes taken; bytes = free + used */
	__u64 thp_free; /* out: bytes free in whole huge blocks */
	__u32 source; /* out: enum hmmdev_source */
	__u32 reserved;
};

/* hmmdev_range.flags */
#define HMMDEV_RANGE_NO_SPLIT (1U << 0) /* refuse whatever splits a huge page of it (exclusive) */
#define HMMDEV_RANGE_FAULT_EVENTS (1U << 1) /* report CPU_FAULT events of it */

/*
 * RANGE_ADD: what the program tells about a range. -EEXIST: overlaps one that is there, whose
 * id is told; -EDQUOT: too many. RANGE_DEL: by id, and the devices forget the range, which ends exclusive
 * access. -ENOENT: no such range; -ENOMEM: it stays. Events inside carry the cookie; INVALIDATE is
 * sent for ranges only.
 */
struct hmmdev_range {
	__u32 size;
	__u32 flags; /* HMMDEV_RANGE_* */
	__u64 addr;
	__u64 len;
	__u64 cookie;
	__u32 id; /* out of RANGE_ADD (also with -EEXIST), in of RANGE_DEL */
	__u32 reserved;
};

enum hmmdev_dst {
	HMMDEV_DST_DEV = 0, /* `dst` is a device number */
	HMMDEV_DST_NODE = 1, /* `dst` is a NUMA node, -1 (as __u32) the nearest */
};

/* hmmdev_migrate.flags */
#define HMMDEV_MIGRATE_NO_SPLIT (1U << 0) /* a huge page moves whole or stays */
#define HMMDEV_MIGRATE_POPULATE (1U << 1) /* pages never touched are made on the device, zeroed */
/* Of a full device the oldest blocks go first: of the same user, or CAP_SYS_RESOURCE. */
#define HMMDEV_MIGRATE_EVICT_OK (1U << 2)
#define HMMDEV_MIGRATE_DRYRUN (1U << 3) /* count what would move, move nothing */

/*
 * MIGRATE moves [addr, addr + len) to a device or a node; EVICT brings what is on any device (or on
 * device `dst` if dst_kind is HMMDEV_DST_DEV and HMMDEV_EVICT_ONE is set) back to system memory: to
 * node `dst` if dst_kind is HMMDEV_DST_NODE, else to where the program's policy says.
 * Work goes by windows that are aligned to huge pages; the address space is unlocked between them.
 * Who calls pays: ns_mm and ns_copy say how much. The counts are in pages of the system's page
 * size, each page of the range is in exactly one of moved, already and skip_*.
 *
 * -EINVAL: the range has a hole or memory without access; -ENOENT: nothing in it could be moved;
 * -EAGAIN: some pages were busy, or the time was over, the rest is done; -ENOSPC: the device is
 * full (without EVICT_OK); -ENOMEM: the host is short of memory; -EDQUOT: over the limit of the
 * descriptor or the user.
 */
struct hmmdev_migrate {
	__u32 size;
	__u32 flags; /* HMMDEV_MIGRATE_* or HMMDEV_EVICT_* */
	__u64 addr;
	__u64 len;
	__u32 dst_kind; /* enum hmmdev_dst */
	__u32 dst;
	__u32 timeslice_us; /* before pressure evicts; 0: default; at most 10 s */
	__u32 timeout_ms; /* stop and say how far it came; 0: none */
	__u64 next; /* out: where it stopped; addr + len when all was tried */
	__u64 moved; /* out: pages moved */
	__u64 moved_thp; /* out: of these, pages that moved inside a whole huge page */
	__u64 split; /* out: huge pages that had to be split */
	__u64 already; /* out: pages that were there; EVICT: that were on no device */
	__u64 skip_empty; /* out: never touched, without POPULATE */
	__u64 skip_pinned; /* out: pinned for I/O */
	__u64 skip_busy; /* out: locked, under reclaim, or changed meanwhile */
	__u64 skip_shared; /* out: shared, merged or file memory, which does not go to devices */
	__u64 skip_uffd; /* out: missing under userfaultfd: populate first */
	__u64 skip_nomem; /* out: no memory at the destination, or over a limit */
	__u64 skip_split; /* out: would have to be split (NO_SPLIT) */
	__u64 skip_elsewhere; /* out: on another device, or in swap: bring it back first */
	__u64 ns_mm; /* out: time spent in the kernel's page tables */
	__u64 ns_copy; /* out: time spent copying */
};

#define HMMDEV_EVICT_ONE (1U << 4) /* EVICT: only what is on device `dst` */

/*
 * EXCL_ACQUIRE gives device `dev` sole access to private anonymous writable pages; a CPU access
 * takes it back and sends EXCL_REVOKED (arg: pages), and so does whatever else touches the mapping:
 * mprotect, fork, a scan of NUMA balancing. Huge pages are split. EXCL_RELEASE ends it.
 * EXCL_CHECK counts in `pages` what is still exclusive. -EINVAL: a hole or no access; -EPERM: not
 * writable; -EOPNOTSUPP: not anonymous, or in a NO_SPLIT range; -EBUSY: a page was taken back
 * faster than acquired.
 */
struct hmmdev_excl {
	__u32 size;
	__u32 flags; /* 0 */
	__u64 addr;
	__u64 len;
	__u32 dev;
	__u32 timeout_ms; /* ACQUIRE: for one page; 0 is one to four seconds */
	__u64 pages; /* out: pages acquired, released or still held */
	__u64 splits; /* out: huge pages split by ACQUIRE */
	__u64 next; /* out: where it stopped */
};

enum hmmdev_where {
	HMMDEV_WHERE_HOLE = 0, /* nothing there, or nothing that the page tables tell about */
	HMMDEV_WHERE_ZERO = 1, /* the zero page */
	HMMDEV_WHERE_SYS = 2, /* system memory, unit is the node */
	HMMDEV_WHERE_LOCAL = 3, /* on device `dev` of the request, unit is its number */
	HMMDEV_WHERE_REMOTE = 4, /* on another device, unit is its number */
	HMMDEV_WHERE_OTHER = 5, /* present, but foreign (I/O memory and the like) */
	HMMDEV_WHERE_ERROR = 6, /* not accessible, or outside of any mapping */
};

/* hmmdev_snap_ent.prot */
#define HMMDEV_PROT_READ (1U << 0)
#define HMMDEV_PROT_WRITE (1U << 1)
#define HMMDEV_PROT_PMD (1U << 2) /* mapped by an entry of the PMD level */
#define HMMDEV_PROT_PUD (1U << 3)

/* One run of pages that are alike. */
struct hmmdev_snap_ent {
	__u64 addr;
	__u32 npages;
	__u8 order; /* of the mapping: 0, or that of PMD and PUD */
	__u8 where; /* enum hmmdev_where */
	__u16 unit;
	__u32 prot; /* HMMDEV_PROT_* */
	__u32 reserved;
};

/*
 * SNAPSHOT: where the pages are, as runs, without faulting anything in. Stops when `vec` is full.
 * `dev` is the device that looks: its own pages are LOCAL. HMMDEV_DEV_NONE: nobody's are. Memory on
 * another private device, swapped, or under a NUMA hint shows as HOLE. -EFAULT: vec.
 */
struct hmmdev_snap {
	__u32 size;
	__u32 flags; /* 0 */
	__u64 addr;
	__u64 len;
	__u64 vec; /* pointer to struct hmmdev_snap_ent */
	__u32 vec_n;
	__u32 out_n; /* out: entries written */
	__u64 next; /* out: where it stopped */
	__u32 dev;
	__u32 reserved;
};

/* hmmdev_pin.flags */
#define HMMDEV_PIN_WRITE (1U << 0)
#define HMMDEV_PIN_LONGTERM (1U << 1) /* every pin is: changes nothing */
#define HMMDEV_PIN_HEADS_ONLY (1U << 2) /* -EOVERFLOW where memory is not in huge pages */

/* One folio, or the part of it that lies in the range: one reference, however many pages. */
struct hmmdev_pin_ent {
	__u64 addr;
	__u32 ntails; /* pages after the first */
	__u8 order; /* of the folio */
	__u8 reserved;
	__u16 nid;
};

/*
 * PIN holds the pages of a range in system memory (what is on a device comes back first) until
 * UNPIN by id, the close of the descriptor or the end of the process, which may be never: what lies
 * where memory has to stay movable goes elsewhere first. Charged to the process's locked memory,
 * against RLIMIT_MEMLOCK of who calls. `vec` may be 0 with vec_n 0. -ENOMEM: over RLIMIT_MEMLOCK, or
 * no memory elsewhere; -EDQUOT: over the limit; -EFAULT: a hole, no access, or a file that has to
 * know who writes to it; -EBUSY: migrated to a device faster than brought back; -EOVERFLOW: vec is
 * too small for what was pinned. Nothing stays pinned after an error. UNPIN: -ENOENT: no such id.
 */
struct hmmdev_pin {
	__u32 size;
	__u32 flags; /* HMMDEV_PIN_* */
	__u64 addr;
	__u64 len;
	__u64 vec; /* pointer to struct hmmdev_pin_ent */
	__u32 vec_n;
	__u32 out_n; /* out: entries written */
	__u64 npages; /* out: pages held */
	__u32 id; /* out of PIN, in of UNPIN */
	__u32 reserved;
};

/* STATS: counters of this descriptor since open, in pages unless named otherwise. */
struct hmmdev_stats {
	__u32 size;
	__u32 flags; /* 0 */
	__u64 dev_bytes; /* on devices now */
	__u64 pin_bytes; /* pinned now */
	__u64 moved_in; /* to a device */
	__u64 moved_out; /* back, by EVICT, PIN or pressure */
	__u64 cpu_faults; /* CPU touches that brought memory back */
	__u64 faulted_out; /* pages that these brought */
	__u64 splits; /* huge pages split */
	__u64 thrash; /* blocks that came back soon after they went */
	__u64 excl_revoked;
	__u64 invalidations; /* calls of the interval notifier */
	__u64 events_lost;
	__u64 faults_failed; /* CPU touches answered with SIGBUS */
	__u64 mirror_bytes; /* kernel memory of its device page tables, kept until unmap */
};

enum hmmdev_scope {
	HMMDEV_SCOPE_FD = 0,
	HMMDEV_SCOPE_UID = 1, /* the user who opened the descriptor */
	HMMDEV_SCOPE_NAMED = 2, /* the user `uid`, with a descriptor or without */
};

/*
 * LIMIT: a field of HMMDEV_LIMIT_SAME tells the value in force. A descriptor's limits may be
 * lowered by who has it; to raise them, to set a user's, and NAMED altogether need CAP_SYS_RESOURCE
 * (-EPERM). What is over a lowered limit stays. A user's limits hold for all descriptors that it
 * opened, and stay when the last is closed. Until they are set, a user other than root has a share
 * of the devices' memory and of the system's (module parameters user_dev and user_pin).
 */
struct hmmdev_limit {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 scope; /* enum hmmdev_scope */
	__u32 uid; /* NAMED: whose; else 0 */
	__u64 dev_bytes; /* in and out */
	__u64 pin_bytes; /* in and out */
	__u64 ranges; /* in and out */
};

enum hmmdev_op {
	HMMDEV_OP_CREATE = 0, /* SYSRAM: type, nid, bytes; RESERVED: type, phys, bytes */
	HMMDEV_OP_DRAIN = 1, /* give all pages back; `remaining`: what is left, -EAGAIN if any */
	HMMDEV_OP_ONLINE = 2, /* an OFFLINE device takes memory again */
	HMMDEV_OP_REMOVE = 3, /* an OFFLINE device goes. -EBUSY: it is not OFFLINE */
};

/*
 * DEV_CTL needs CAP_SYS_ADMIN (-EPERM). Bytes are a multiple of the huge page. -ENOSPC: there are
 * HMMDEV_MAX_DEVICES; -EBUSY: the physical range is in use.
 */
struct hmmdev_dev_ctl {
	__u32 size;
	__u32 flags; /* 0 */
	__u32 op; /* enum hmmdev_op */
	__u32 dev; /* out of CREATE, in of the others */
	__u32 type; /* enum hmmdev_type */
	__u32 source; /* enum hmmdev_source, not PCI */
	__s32 nid; /* node of the backing memory, -1 any */
	__u32 timeout_ms; /* DRAIN: 0 is one second */
	__u64 bytes;
	__u64 phys; /* RESERVED: first byte, aligned to the huge page */
	__u64 remaining; /* out of DRAIN: bytes still on the device */
};

/*
 * DEV_READ, DEV_WRITE: what device `dev` itself would read from or write to the address space,
 * through its mirror of the page table. Only with the module parameter test=1 (-EPERM).
 */
#define HMMDEV_RW_UNLOCKED (1U << 0) /* wait for userfaultfd without the lock (see features) */

struct hmmdev_rw {
	__u32 size;
	__u32 flags; /* HMMDEV_RW_* */
	__u64 addr;
	__u64 len;
	__u64 buf;
	__u64 done; /* out: bytes */
	__u64 faults; /* out: times that the mirror had to be filled */
	__u32 dev;
	__u32 reserved;
};

enum hmmdev_inject_what {
	HMMDEV_INJECT_DEVICE_ALLOC = 0,
	HMMDEV_INJECT_SYSTEM_ALLOC = 1,
	HMMDEV_INJECT_COPY = 2,
	HMMDEV_INJECT_SPLIT = 3, /* of a huge page that others map too, before it leaves a device */
};

#define HMMDEV_INJECT_HUGE_ONLY (1U << 0) /* count and fail only allocations of huge pages */

/*
 * INJECT: fail the n-th of the next operations of this descriptor (1 is the next), then every one
 * up to `count` in a row. n = 0 ends it. Only with the module parameter test=1 (-EPERM).
 */
struct hmmdev_inject {
	__u32 size;
	__u32 flags; /* HMMDEV_INJECT_* */
	__u32 what; /* enum hmmdev_inject_what */
	__u32 n;
	__u32 count;
	__u32 reserved;
};

enum hmmdev_event_type {
	HMMDEV_EVENT_INVALIDATE = 1, /* the mapping changed; arg: enum mmu_notifier_event */
	HMMDEV_EVENT_CPU_FAULT = 2, /* a touch brought memory back; arg: microseconds it took */
	HMMDEV_EVENT_EXCL_REVOKED = 3, /* the CPU, or another device, took exclusive pages back */
	/* Pressure or a drain brought pages back; addr: where they were put (no mremap), or 0. */
	HMMDEV_EVENT_EVICTED = 4,
	HMMDEV_EVENT_THRASH = 5, /* a block goes to and fro; arg: how often in the last epoch */
	HMMDEV_EVENT_NEED_POPULATE = 6, /* missing under userfaultfd */
	HMMDEV_EVENT_DEV_STATE = 7, /* device `dev` is now in state arg */
	HMMDEV_EVENT_MM_EXIT = 8, /* the process has ended; last record */
	HMMDEV_EVENT_OVERFLOW = 9, /* arg: records lost before this one */
};

/*
 * read() returns whole records, oldest first (-EINVAL: less room than one; -EAGAIN: none, and
 * O_NONBLOCK or RWF_NOWAIT; 0: none will come, the process has ended). poll() says POLLIN.
 * Adjoining INVALIDATE records are joined.
 */
struct hmmdev_event {
	__u16 type; /* enum hmmdev_event_type */
	__u16 len; /* of this record */
	__u32 order; /* of the pages it is about */
	__u64 ts_ns; /* CLOCK_MONOTONIC */
	__u64 addr;
	__u64 size; /* bytes */
	__u64 seq; /* counts every event, also the lost ones */
	__u64 cookie; /* of the range that holds addr, 0 if none */
	__u32 dev; /* HMMDEV_DEV_NONE if it is about none */
	__s32 nid;
	__u32 arg;
	__u32 reserved;
};

#define HMMDEV_IOC_TYPE 0xBC /* not in the kernel's list of ioctl letters */
#define HMMDEV_IOC(nr, type) _IOWR(HMMDEV_IOC_TYPE, nr, struct type)

#define HMMDEV_QUERY HMMDEV_IOC(0, hmmdev_query)
#define HMMDEV_DEV_INFO HMMDEV_IOC(1, hmmdev_dev_info)
#define HMMDEV_RANGE_ADD HMMDEV_IOC(2, hmmdev_range)
#define HMMDEV_RANGE_DEL HMMDEV_IOC(3, hmmdev_range)
#define HMMDEV_MIGRATE HMMDEV_IOC(4, hmmdev_migrate)
#define HMMDEV_EVICT HMMDEV_IOC(5, hmmdev_migrate)
#define HMMDEV_EXCL_ACQUIRE HMMDEV_IOC(6, hmmdev_excl)
#define HMMDEV_EXCL_RELEASE HMMDEV_IOC(7, hmmdev_excl)
#define HMMDEV_EXCL_CHECK HMMDEV_IOC(8, hmmdev_excl)
#define HMMDEV_SNAPSHOT HMMDEV_IOC(9, hmmdev_snap)
#define HMMDEV_PIN HMMDEV_IOC(10, hmmdev_pin)
#define HMMDEV_UNPIN HMMDEV_IOC(11, hmmdev_pin)
#define HMMDEV_STATS HMMDEV_IOC(12, hmmdev_stats)
#define HMMDEV_LIMIT HMMDEV_IOC(13, hmmdev_limit)
#define HMMDEV_DEV_CTL HMMDEV_IOC(14, hmmdev_dev_ctl)
#define HMMDEV_DEV_READ HMMDEV_IOC(15, hmmdev_rw)
#define HMMDEV_DEV_WRITE HMMDEV_IOC(16, hmmdev_rw)
#define HMMDEV_INJECT HMMDEV_IOC(17, hmmdev_inject)

#endif
