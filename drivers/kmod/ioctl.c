// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Requests
 *
 * Every request is a structure that starts with its size and flags and may grow at its end, so the
 * number of the ioctl alone says which one it is; the size that the command word encodes does not
 * count. One table says what each may contain, and all checks that need no more than that are made
 * here: size, unknown flags, reserved fields, ranges, rights. What a call got done is written back
 * on an error too, and never more than the caller has room for.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>

#include "device.h"
#include "space.h"

union hmmdev_request {
	struct {
		u32 size;
		u32 flags;
		u64 addr;	/* and len: of requests with HMMDEV_NEED_RANGE */
		u64 len;
	} head;
	struct hmmdev_query query;
	struct hmmdev_dev_info dev_info;
	struct hmmdev_range range;
	struct hmmdev_migrate migrate;
	struct hmmdev_excl excl;
	struct hmmdev_snap snap;
	struct hmmdev_pin pin;
	struct hmmdev_stats stats;
	struct hmmdev_limit limit;
	struct hmmdev_dev_ctl dev_ctl;
	struct hmmdev_rw rw;
	struct hmmdev_inject inject;
};

enum {
	HMMDEV_NEED_RANGE = 1,	/* addr and len are whole pages that do not wrap */
	HMMDEV_NEED_ADMIN = 2,	/* CAP_SYS_ADMIN */
	HMMDEV_NEED_TEST = 4,	/* module parameter test=1 */
	HMMDEV_NEED_DST = 8,	/* dst_kind is one of enum hmmdev_dst */
};

struct hmmdev_request_kind {
	u16 size;	/* bytes of the structure */
	u16 min;	/* bytes it had in version 1 of the interface */
	u16 reserved;	/* offset of its reserved word, 0: it has none */
	u16 need;	/* HMMDEV_NEED_* */
	u32 flags;	/* flags that are known */
	int (*call)(struct hmmdev_space *space, union hmmdev_request *request);
};

#define HMMDEV_CALL(function, field)							\
	static int function ## _call(struct hmmdev_space *space,			\
				     union hmmdev_request *request)			\
	{										\
		return function(space, &request->field);				\
	}

#define HMMDEV_CALL_GLOBAL(function, field)						\
	static int function ## _call(struct hmmdev_space *space,			\
				     union hmmdev_request *request)			\
	{										\
		return function(&request->field);					\
	}

HMMDEV_CALL(hmmdev_query, query)
HMMDEV_CALL_GLOBAL(hmmdev_device_info, dev_info)
HMMDEV_CALL(hmmdev_range_add, range)
HMMDEV_CALL(hmmdev_range_del, range)
HMMDEV_CALL(hmmdev_migrate, migrate)
HMMDEV_CALL(hmmdev_evict, migrate)
HMMDEV_CALL(hmmdev_excl_acquire, excl)
HMMDEV_CALL(hmmdev_excl_release, excl)
HMMDEV_CALL(hmmdev_excl_check, excl)
HMMDEV_CALL(hmmdev_snapshot, snap)
HMMDEV_CALL(hmmdev_pin, pin)
HMMDEV_CALL(hmmdev_unpin, pin)
HMMDEV_CALL(hmmdev_stats, stats)
HMMDEV_CALL(hmmdev_limit, limit)
HMMDEV_CALL_GLOBAL(hmmdev_device_ctl, dev_ctl)
HMMDEV_CALL(hmmdev_device_read, rw)
HMMDEV_CALL(hmmdev_device_write, rw)
HMMDEV_CALL(hmmdev_inject, inject)

/* `last` is the last field that version 1 had. */
#define HMMDEV_KIND(type, last, function, known, needs)		\
	{							\
		.size = sizeof(struct type),			\
		.min = offsetofend(struct type, last),		\
		.need = (needs),				\
		.flags = (known),				\
		.call = function ## _call,			\
	}

#define HMMDEV_KIND_RESERVED(type, last, function, known, needs) \
	{							\
		.size = sizeof(struct type),			\
		.min = offsetofend(struct type, last),		\
		.reserved = offsetof(struct type, reserved),	\
		.need = (needs),				\
		.flags = (known),				\
		.call = function ## _call,			\
	}

#define HMMDEV_MIGRATE_FLAGS (HMMDEV_MIGRATE_NO_SPLIT | HMMDEV_MIGRATE_POPULATE | \
			      HMMDEV_MIGRATE_EVICT_OK | HMMDEV_MIGRATE_DRYRUN)
#define HMMDEV_EVICT_FLAGS (HMMDEV_MIGRATE_NO_SPLIT | HMMDEV_MIGRATE_DRYRUN | HMMDEV_EVICT_ONE)
#define HMMDEV_RANGE_FLAGS (HMMDEV_RANGE_NO_SPLIT | HMMDEV_RANGE_FAULT_EVENTS)
#define HMMDEV_PIN_FLAGS (HMMDEV_PIN_WRITE | HMMDEV_PIN_LONGTERM | HMMDEV_PIN_HEADS_ONLY)

static const struct hmmdev_request_kind hmmdev_kinds[] = {
	[_IOC_NR(HMMDEV_QUERY)] =
		HMMDEV_KIND_RESERVED(hmmdev_query, reserved, hmmdev_query, 0, 0),
	[_IOC_NR(HMMDEV_DEV_INFO)] =
		HMMDEV_KIND_RESERVED(hmmdev_dev_info, reserved, hmmdev_device_info, 0, 0),
	[_IOC_NR(HMMDEV_RANGE_ADD)] =
		HMMDEV_KIND_RESERVED(hmmdev_range, reserved, hmmdev_range_add, HMMDEV_RANGE_FLAGS,
				     HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_RANGE_DEL)] =
		HMMDEV_KIND_RESERVED(hmmdev_range, reserved, hmmdev_range_del, HMMDEV_RANGE_FLAGS,
				     0),
	[_IOC_NR(HMMDEV_MIGRATE)] =
		HMMDEV_KIND(hmmdev_migrate, ns_copy, hmmdev_migrate, HMMDEV_MIGRATE_FLAGS,
			    HMMDEV_NEED_RANGE | HMMDEV_NEED_DST),
	[_IOC_NR(HMMDEV_EVICT)] =
		HMMDEV_KIND(hmmdev_migrate, ns_copy, hmmdev_evict, HMMDEV_EVICT_FLAGS,
			    HMMDEV_NEED_RANGE | HMMDEV_NEED_DST),
	[_IOC_NR(HMMDEV_EXCL_ACQUIRE)] =
		HMMDEV_KIND(hmmdev_excl, next, hmmdev_excl_acquire, 0, HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_EXCL_RELEASE)] =
		HMMDEV_KIND(hmmdev_excl, next, hmmdev_excl_release, 0, HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_EXCL_CHECK)] =
		HMMDEV_KIND(hmmdev_excl, next, hmmdev_excl_check, 0, HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_SNAPSHOT)] =
		HMMDEV_KIND_RESERVED(hmmdev_snap, reserved, hmmdev_snapshot, 0,
				     HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_PIN)] =
		HMMDEV_KIND_RESERVED(hmmdev_pin, reserved, hmmdev_pin, HMMDEV_PIN_FLAGS,
				     HMMDEV_NEED_RANGE),
	[_IOC_NR(HMMDEV_UNPIN)] =
		HMMDEV_KIND_RESERVED(hmmdev_pin, reserved, hmmdev_unpin, HMMDEV_PIN_FLAGS, 0),
	[_IOC_NR(HMMDEV_STATS)] =
		HMMDEV_KIND(hmmdev_stats, faults_failed, hmmdev_stats, 0, 0),
	[_IOC_NR(HMMDEV_LIMIT)] =
		HMMDEV_KIND(hmmdev_limit, ranges, hmmdev_limit, 0, 0),
	[_IOC_NR(HMMDEV_DEV_CTL)] =
		HMMDEV_KIND(hmmdev_dev_ctl, remaining, hmmdev_device_ctl, 0, HMMDEV_NEED_ADMIN),
	[_IOC_NR(HMMDEV_DEV_READ)] =
		HMMDEV_KIND_RESERVED(hmmdev_rw, reserved, hmmdev_device_read, HMMDEV_RW_UNLOCKED,
				     HMMDEV_NEED_RANGE | HMMDEV_NEED_TEST),
	[_IOC_NR(HMMDEV_DEV_WRITE)] =
		HMMDEV_KIND_RESERVED(hmmdev_rw, reserved, hmmdev_device_write, HMMDEV_RW_UNLOCKED,
				     HMMDEV_NEED_RANGE | HMMDEV_NEED_TEST),
	[_IOC_NR(HMMDEV_INJECT)] =
		HMMDEV_KIND_RESERVED(hmmdev_inject, reserved, hmmdev_inject,
				     HMMDEV_INJECT_HUGE_ONLY, HMMDEV_NEED_TEST),
};

/* The rights come first: who may not ask learns nothing about the rest. */
static int hmmdev_rights_check(const struct hmmdev_request_kind *kind)
{
	if (kind->need & HMMDEV_NEED_ADMIN && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (kind->need & HMMDEV_NEED_TEST && !hmmdev_test)
		return -EPERM;
	return 0;
}

static int hmmdev_range_check(const struct hmmdev_space *space, u64 addr, u64 len)
{
	u64 end;

	if (!len || !PAGE_ALIGNED(addr | len))
		return -EINVAL;
	if (check_add_overflow(addr, len, &end))
		return -EOVERFLOW;
	return end > space->mm->task_size ? -EINVAL : 0;
}

static int hmmdev_request_check(const struct hmmdev_space *space,
				const struct hmmdev_request_kind *kind,
				const union hmmdev_request *request)
{
	const u32 *reserved = (const void *)request + kind->reserved;

	if (request->head.flags & ~kind->flags)
		return -EINVAL;
	if (kind->reserved && *reserved)
		return -EINVAL;
	if (kind->need & HMMDEV_NEED_DST && request->migrate.dst_kind > HMMDEV_DST_NODE)
		return -EINVAL;
	if (kind->need & HMMDEV_NEED_RANGE)
		return hmmdev_range_check(space, request->head.addr, request->head.len);
	return 0;
}

static int hmmdev_request_read(const struct hmmdev_request_kind *kind, const void __user *from,
			       union hmmdev_request *request)
{
	u32 size;
	int rc;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < kind->min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	rc = copy_struct_from_user(request, kind->size, from, size);
	if (rc)
		return rc;
	request->head.size = size;	/* whatever another thread has written there since */
	return 0;
}

static int hmmdev_request_run(struct hmmdev_space *space, const struct hmmdev_request_kind *kind,
			      void __user *to, union hmmdev_request *request)
{
	int rc = hmmdev_request_check(space, kind, request);

	if (rc)
		return rc;
	rc = kind->call(space, request);
	if (copy_to_user(to, request, min_t(u32, request->head.size, kind->size)))
		return rc ? rc : -EFAULT;
	return rc;
}

long hmmdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct hmmdev_request_kind *kind;
	union hmmdev_request request = {};
	void __user *user = (void __user *)arg;
	int rc;

	if (_IOC_TYPE(cmd) != HMMDEV_IOC_TYPE || _IOC_NR(cmd) >= ARRAY_SIZE(hmmdev_kinds))
		return -ENOTTY;
	kind = &hmmdev_kinds[array_index_nospec(_IOC_NR(cmd), ARRAY_SIZE(hmmdev_kinds))];
	rc = hmmdev_rights_check(kind);
	if (rc)
		return rc;
	rc = hmmdev_request_read(kind, user, &request);
	if (rc)
		return rc;
	return hmmdev_request_run(file->private_data, kind, user, &request);
}
