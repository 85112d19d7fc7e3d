/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libhmmclient: the client side of hmmd, cooperative management of huge pages.
 *
 * A program says "this range is mine, and this is what I will do with it"; the daemon places its
 * huge pages. The library owns no event loop, no signal handler, no global and no constructor; it
 * starts at most one helper thread (see HMM_CLIENT_NO_HELPER).
 *
 * Conventions. Functions return 0, a documented positive outcome, or -errno. Sizes, offsets and
 * lengths are bytes; times are microseconds. Structs that the caller fills start with `size`, set
 * by the _INIT macros, so that a program built against an older header keeps working. All functions
 * may be called from any thread; an object is freed by its last unref. The manual is libhmmclient(3).
 */
#ifndef HMMCLIENT_H
#define HMMCLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hmm_client;
struct hmm_range;
struct hmm_op;
struct hmm_table;

/* ---- the connection ---------------------------------------------------------------------- */

/*
 * hmm_client_options.flags. HMM_CLIENT_NO_HELPER: no helper thread; the program calls
 * hmm_client_process() whenever hmm_client_get_fd() is ready or hmm_client_get_timeout() has passed.
 * HMM_CLIENT_CONTROL: hmm_client_new() says -EACCES unless the daemon lets this process control it
 * (root, the daemon's own user, its control group).
 * HMM_CLIENT_KEEP_WAITING: when no daemon comes back in time, threads blocked on an absent page go
 * on waiting; without it such pages raise SIGBUS (before Linux 6.6 SIGSEGV), never zeros.
 */
#define HMM_CLIENT_NO_HELPER 0x1u
#define HMM_CLIENT_CONTROL 0x2u
#define HMM_CLIENT_KEEP_WAITING 0x4u

struct hmm_client_options {
	size_t size;
	/* NULL: $HMMD_SOCKET, else /run/hmmd/hmmd.sock; without that of this user's hmmd --rootless */
	const char *socket_path;
	const char *name;		/* shown by hmmctl; NULL: the program's name; at most 63 bytes */
	uint32_t flags;
	uint32_t reserved;		/* 0 */
	uint64_t reconnect_timeout_us;	/* how long to look for a daemon that went away; 0: 30 s */
	char *error_text;		/* room for a line that says why hmm_client_new() failed, "" where its error says all; or NULL */
	size_t error_size;		/* of it, bytes */
};
#define HMM_CLIENT_OPTIONS_INIT { sizeof(struct hmm_client_options), 0, 0, 0, 0, 0, 0, 0 }

enum hmm_event_type {
	HMM_EVENT_PRESSURE = 1,	/* a tier this client uses is above its high mark: value = per cent used */
	/* Pages of a range moved because somebody asked, or what was moved so went on: offset, length, tier = where to. */
	HMM_EVENT_MOVED = 2,
	HMM_EVENT_LOST = 3,	/* a page could not be read back, or no daemon came back in time */
	HMM_EVENT_DISCONNECTED = 4, /* the daemon went away; resident memory stays usable */
	HMM_EVENT_RECONNECTED = 5,  /* a daemon took the ranges over again */
	/*
	 * A line of the daemon's event log (hmm_subscribe, or one about this program): text only; so is why a daemon
	 * that came back does not serve this program yet, once after each HMM_EVENT_DISCONNECTED. With a range, once
	 * for it: the program has unmapped or mapped over a part of it, [offset, offset + length), which is left alone
	 * from then on.
	 */
	HMM_EVENT_NOTICE = 6,
	HMM_EVENT_RELIEF = 7	/* the pressure that was told is over: tier, value = per cent used */
};

struct hmm_event {
	size_t size;
	uint32_t type;		/* enum hmm_event_type; ignore what you do not know */
	uint32_t reserved;
	struct hmm_range *range; /* NULL when the event is not about one range; borrowed */
	uint64_t offset, length;
	uint64_t value;
	const char *tier;	/* NULL or a tier name; valid during the call */
	const char *text;	/* NULL or a line for people; valid during the call */
};
/* Called from hmm_client_process() or the helper thread, with no lock of the library held. */
typedef void hmm_event_fn(struct hmm_client *, const struct hmm_event *, void *userdata);

/*
 * Connects. opts may be NULL. -ENOENT or -ECONNREFUSED: no daemon at the socket; -ENOTSOCK: that is no socket; -EPROTONOSUPPORT:
 * the daemon, or the ledger that it hands out, is too old or too new; -EPERM: the daemon below
 * $XDG_RUNTIME_DIR is another user's; -EACCES; -EMFILE; -ENOMEM; -EINVAL: bad options.
 */
int hmm_client_new(struct hmm_client **ret, const struct hmm_client_options *opts);
struct hmm_client *hmm_client_ref(struct hmm_client *);
/*
 * The last unref frees all ranges (managed memory is unmapped). Returns NULL. NULL is allowed. It waits until an event
 * handler that runs in the helper thread has returned, because none runs afterwards: do not call it with a lock that
 * the handler takes, nor where the handler waits for the caller. In the handler itself it does not wait.
 */
struct hmm_client *hmm_client_unref(struct hmm_client *);
void hmm_client_set_userdata(struct hmm_client *, void *userdata);
void *hmm_client_get_userdata(const struct hmm_client *);

int hmm_client_get_fd(struct hmm_client *);	/* to poll; stays the same over a reconnect */
int hmm_client_get_events(struct hmm_client *);	/* POLLIN, POLLOUT as for poll(2) */
/* 0: ret_us is the time until process() is wanted; 1: no timeout wanted (ret_us = UINT64_MAX). */
int hmm_client_get_timeout(struct hmm_client *, uint64_t *ret_us);
/* Handles what is there, never blocks. 0, or -ENOTCONN while no daemon is there. */
int hmm_client_process(struct hmm_client *);
int hmm_client_set_event_handler(struct hmm_client *, hmm_event_fn *, void *userdata);
/*
 * Why this thread's last call was refused, in the daemon's words or the library's; "" when it was not, or when the
 * error says all. Every call that can be refused sets it or clears it; those that only read (addresses, sizes, names,
 * tables, the descriptor and its timeout) and the unrefs leave it. Valid until the thread's next call.
 */
const char *hmm_client_last_error(struct hmm_client *);

/* ---- ranges -------------------------------------------------------------------------------- */

/* hmm_range_options.flags */
#define HMM_RANGE_PINNED 0x1u	/* pinned where it is from the start */

struct hmm_range_options {
	size_t size;
	const char *name;	/* for listings; at most 63 bytes; NULL: none */
	const char *policy;	/* a policy of the configuration; NULL: the one the daemon matches */
	const char *prefer;	/* a tier to prefer; NULL: the policy's order */
	uint32_t flags;
	uint32_t reserved;	/* 0 */
};
#define HMM_RANGE_OPTIONS_INIT { sizeof(struct hmm_range_options), 0, 0, 0, 0, 0 }

/*
 * A managed range: zeroed memory of the daemon's, mapped at a huge-page boundary. size must be a
 * multiple of hmm_huge_page_size() (-EINVAL). -EDQUOT: out of quota; -ENOTCONN; -ENOENT: no such
 * policy or tier; -ENOMEM; -ENOSPC: too many ranges.
 */
int hmm_alloc(struct hmm_client *, size_t size, const struct hmm_range_options *, struct hmm_range **ret);
/*
 * An adopted range: private anonymous memory the program already has; addr and size are multiples
 * of the base page size. It is listed and moved between NUMA nodes and, with the kernel driver, to devices.
 * 1 (HMM_ONE_NODE): registered, but this machine has one node and no such device, so nothing can move.
 * -EEXIST: overlaps a range; -EINVAL; -ERANGE: wraps or is outside user addresses; -EFAULT: not all of it is mapped;
 * -EOPNOTSUPP: it is shared, of a file or of hugetlbfs; -EACCES: PROT_NONE; -EDQUOT; -ENOTCONN.
 */
#define HMM_ONE_NODE 1
int hmm_register(struct hmm_client *, void *addr, size_t size, const struct hmm_range_options *, struct hmm_range **ret);
/*
 * The same for n ranges in a few messages: all or none. addrs and sizes have n entries; ret gets n ranges.
 */
int hmm_register_many(struct hmm_client *, size_t n, void *const *addrs, const size_t *sizes,
		      const struct hmm_range_options *, struct hmm_range **ret);
void *hmm_range_addr(const struct hmm_range *);
size_t hmm_range_size(const struct hmm_range *);
const char *hmm_range_name(const struct hmm_range *);
/*
 * Managed: unmaps what is still the library's mapping there, the contents are gone; adopted: unregisters. NULL is
 * allowed. Works without a daemon.
 */
int hmm_range_free(struct hmm_range *);
size_t hmm_huge_page_size(struct hmm_client *);	/* bytes, 2 MiB on x86-64 */

/*
 * Advice: the vocabulary of GPU unified memory. off and len are multiples of the huge page, of adopted ranges of the
 * base page: there it is about every huge page that holds a byte of the span and lies wholly in the range, and a
 * daemon that was restarted has forgotten it. len 0 = to the end.
 */
enum hmm_advice {
	HMM_ADVICE_NORMAL = 0,		/* forget earlier advice */
	HMM_ADVICE_PREFERRED_TIER = 1,	/* value: index of hmm_tiers() */
	HMM_ADVICE_PREFETCH = 2,	/* bring in now, do not wait */
	HMM_ADVICE_WILL_NEED = 3,	/* as PREFETCH, when there is room */
	HMM_ADVICE_COLD = 4,		/* first to go */
	HMM_ADVICE_SEQUENTIAL = 5,	/* read ahead far, forget behind */
	HMM_ADVICE_RANDOM = 6,		/* do not read ahead */
	HMM_ADVICE_READ_MOSTLY = 7,
	HMM_ADVICE_ACCESSED_BY = 8,	/* value: index of a tier whose processor will touch it */
	HMM_ADVICE_ATOMIC = 9,
	HMM_ADVICE_NEVER_MIGRATE = 10,	/* stay where it is; not a DMA pin */
	HMM_ADVICE_DISCARD = 11,	/* contents are no longer needed: reads as zeros afterwards */
	HMM_ADVICE_LAZY = 12		/* adopted: move at the next touch */
};
/*
 * -EINVAL: unknown advice, unaligned or outside; -ENOENT: no such tier; -EOPNOTSUPP: not for this kind of range
 * (hmm_client_last_error() says why; adopted memory needs the kernel driver); NEVER_MIGRATE: -EDQUOT, -ENOSPC (the
 * limits of pins); -ENOTCONN.
 */
int hmm_range_advise(struct hmm_range *, size_t off, size_t len, uint32_t advice, uint64_t value);

/* ---- moving -------------------------------------------------------------------------------- */

/* Bytes. asked = moved + already_there + busy + failed. */
struct hmm_move_result {
	size_t size;
	uint64_t asked, moved, already_there, busy, failed;
	uint64_t no_room;		/* of busy and failed (which count it): where they were to go there was no room */
	uint64_t moved_on;		/* of moved and already_there: at the end they were elsewhere again */
	uint64_t untouched;		/* of already_there: nothing was there to move, no page was touched yet */
};
#define HMM_MOVE_RESULT_INIT { sizeof(struct hmm_move_result), 0, 0, 0, 0, 0, 0, 0, 0 }

/*
 * Starts a move to a tier. *ret_op may be NULL-requested (ret_op NULL): then nobody waits.
 * Release with hmm_op_unref. -ENOENT: no such tier; -EINVAL; -EOPNOTSUPP: that tier cannot hold this kind.
 */
int hmm_range_migrate(struct hmm_range *, size_t off, size_t len, const char *tier, uint32_t flags, struct hmm_op **ret_op);
/*
 * After pin returns 0 the pages are in memory and stay there: needed before a device does DMA to them. tier NULL: where it is.
 * Pins nest: a page stays until it was unpinned as often as it was pinned, whatever spans that was done with. Unpin takes
 * one pin of the program's off each page of the span that has any (-ENOENT: none has); an operator's (hmmctl pin) are others.
 * They outlive a restart of the daemon. After any error of pin the pins are what they were, but for -ENOTCONN: the daemon
 * that went away may have taken the pin, or ended it, and not have said so.
 * -EDQUOT, -ENOMEM: the limits of pins; a page counts once, however often it is pinned. -ENOSPC: no room in the state
 * directory, or over 65536 different spans of this range. -EBUSY, -EIO: not all of it could be brought in.
 * Of adopted memory: through the kernel driver (-EOPNOTSUPP without it), to the byte, tier NULL; a pin ends as a whole
 * (-EINVAL: one reaches beyond the span; -EBUSY: one is still under way).
 */
int hmm_range_pin(struct hmm_range *, size_t off, size_t len, const char *tier);
int hmm_range_unpin(struct hmm_range *, size_t off, size_t len);
/* Adopted memory: exclusive access for a device of the kernel driver; -EOPNOTSUPP without it. */
int hmm_range_exclusive(struct hmm_range *, size_t off, size_t len, struct hmm_op **ret_op);
int hmm_range_exclusive_end(struct hmm_range *, size_t off, size_t len);

/* tiers[i] for huge page i of the span: index of hmm_tiers(), or one of these. No call to the daemon is made. */
#define HMM_TIER_UNTOUCHED 0xffu	/* never touched: reads as zeros */
#define HMM_TIER_LOST 0xfeu		/* could not be read back */
#define HMM_TIER_UNKNOWN 0xfdu		/* adopted memory whose place was not read yet */
int hmm_range_residency(const struct hmm_range *, size_t off, size_t len, uint8_t *tiers);

/* 0: done; 1 (HMM_OP_PENDING): timeout passed; -ENOTCONN: the daemon went away before the end. UINT64_MAX: no timeout. */
#define HMM_OP_PENDING 1
int hmm_op_wait(struct hmm_op *, uint64_t timeout_us);
/* The result so far; 0 when done, HMM_OP_PENDING before. ret->size must be set. */
int hmm_op_result(const struct hmm_op *, struct hmm_move_result *ret);
struct hmm_op *hmm_op_unref(struct hmm_op *);

/* ---- tiers --------------------------------------------------------------------------------- */

enum hmm_tier_kind {
	HMM_TIER_KIND_NUMA = 1, HMM_TIER_KIND_MEMORY = 2, HMM_TIER_KIND_FILE = 3,
	HMM_TIER_KIND_KERNEL = 4, HMM_TIER_KIND_CUDA = 5
};
struct hmm_tier_info {
	size_t size;
	char name[32];
	uint32_t kind;			/* enum hmm_tier_kind */
	int32_t node;			/* first NUMA node, or -1 */
	uint64_t capacity, used, free;	/* bytes; capacity 0: a device that was never opened; free 0: also of one that failed */
	uint64_t read_bandwidth;	/* bytes per second; 0: the firmware does not say */
	uint64_t read_latency_ns;	/* 0: the firmware does not say */
};
/*
 * Fills at most n entries (each entry's size must be set); *ret_n is how many tiers there are.
 * The position in this list is the tier's index everywhere in this header, stable while the daemon lives.
 */
int hmm_tiers(struct hmm_client *, struct hmm_tier_info *, size_t n, size_t *ret_n);

/* ---- asking and controlling the daemon (what hmmctl uses) ------------------------------------ */

/*
 * A listing: named columns, rows of text or numbers. Topics: "status" "tiers" "clients" "ranges"
 * "policies" "events" "doctor" "version" and the ones hmmctl(1) names. arg: a topic's argument
 * ("ranges" and "pages": a pid; "events": the sequence number to start after) or NULL. Pages are fetched until the end.
 * -EINVAL: no such topic or bad argument; -EPERM; -ENOTCONN.
 */
enum hmm_unit {
	HMM_UNIT_TEXT = 0, HMM_UNIT_NUMBER = 1, HMM_UNIT_BYTES = 2, HMM_UNIT_MICROSECONDS = 3, HMM_UNIT_NANOSECONDS = 4,
	HMM_UNIT_PER_SECOND = 5, HMM_UNIT_BYTES_PER_SECOND = 6, HMM_UNIT_PERCENT = 7, HMM_UNIT_ADDRESS = 8, HMM_UNIT_BOOL = 9
};
int hmm_query(struct hmm_client *, const char *topic, const char *arg, struct hmm_table **ret);
size_t hmm_table_rows(const struct hmm_table *);
size_t hmm_table_columns(const struct hmm_table *);
const char *hmm_table_column_name(const struct hmm_table *, size_t column);	/* lower case, stable: the JSON key */
enum hmm_unit hmm_table_column_unit(const struct hmm_table *, size_t column);
/* NULL when the column is a number, or the cell is empty. */
const char *hmm_table_text(const struct hmm_table *, size_t row, size_t column);
uint64_t hmm_table_number(const struct hmm_table *, size_t row, size_t column);
int hmm_table_has(const struct hmm_table *, size_t row, size_t column);	/* 0: the cell is empty */
struct hmm_table *hmm_table_free(struct hmm_table *);

enum hmm_control_verb {
	HMM_CONTROL_MIGRATE = 1,	/* pid, addr, end (0,0: all), tier */
	HMM_CONTROL_PIN = 2,		/* pid, addr, end, tier or NULL; beside the pins of the program itself */
	HMM_CONTROL_UNPIN = 3,		/* pid, addr, end; one of the operator's; -ENOENT: there is none */
	HMM_CONTROL_DRAIN = 4,		/* tier */
	HMM_CONTROL_UNDRAIN = 5,	/* tier */
	HMM_CONTROL_POLICY_SET = 6,	/* name, key, value */
	HMM_CONTROL_RELOAD = 7
};
struct hmm_control {
	size_t size;
	uint32_t verb;			/* enum hmm_control_verb */
	int32_t pid;
	uint64_t addr, end;		/* end exclusive */
	const char *tier, *name, *key, *value;
	uint32_t flags;			/* DRAIN: 0 or HMM_CONTROL_KEEP; others 0 */
};
/*
 * What must stay in the tier for now, because it is pinned or told to stay, is no reason to refuse the drain: the tier
 * goes on draining until it is empty or HMM_CONTROL_UNDRAIN. Without it such a drain is -EBUSY, and a tier that could
 * not be emptied takes pages again. For want of room elsewhere a drain is refused or ended either way (-ENOSPC).
 */
#define HMM_CONTROL_KEEP 1u
#define HMM_CONTROL_INIT { sizeof(struct hmm_control), 0, 0, 0, 0, 0, 0, 0, 0, 0 }
/* ret_op as for hmm_range_migrate, for MIGRATE, PIN, UNPIN, DRAIN; else it is set to NULL. -EPERM: not allowed to control. */
int hmm_control(struct hmm_client *, const struct hmm_control *, struct hmm_op **ret_op);
/* From now on the daemon's event log arrives as HMM_EVENT_NOTICE. */
int hmm_subscribe(struct hmm_client *);

#ifdef __cplusplus
}
#endif
#endif
