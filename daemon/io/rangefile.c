// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records of a client's managed ranges. A record never crosses a page, so a daemon that is killed
 * while it writes leaves the old one or the new one; the checksum is for everything else that can
 * happen to a file. Reading trusts nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/ledgerfile_own.h"

enum {
	RECORD = sizeof(struct range_record),
	CHECKSUM_AT = RECORD - 8,
	RECORDS_MAX = 1 << 20		/* of one client; a file that claims more is damaged */
};
_Static_assert(RECORD == 256, "a record is 256 bytes");

/* FNV-1a of all before the checksum: against damage, not against malice. */
static uint64_t checksum(const struct range_record *r)
{
	const uint8_t *bytes = (const uint8_t *)r;
	uint64_t sum = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < CHECKSUM_AT; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return sum;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool intact(const struct range_record *r)
{
	uint64_t stored;

	memcpy(&stored, (const uint8_t *)r + CHECKSUM_AT, sizeof(stored));
	return stored == checksum(r);
}

static const struct range_record *seal(struct range_record *r)
{
	uint64_t sum;

	r->version = RANGE_RECORD_VERSION;
	memset(r->reserved, 0, sizeof(r->reserved));
	sum = checksum(r);
	memcpy((uint8_t *)r + CHECKSUM_AT, &sum, sizeof(sum));
	return r;
}

/* Whole, so that is how it was written. */
static bool is_of_other_version(const struct range_record *r)
{
	return intact(r) && r->version != RANGE_RECORD_VERSION;
}

static bool well_placed(const struct range_record *r)
{
	return !(r->offset % LEDGER_PAGE_SIZE) && r->offset <= HMM_LIMIT_FILE - r->size && r->window <= 1 &&
	       (r->window || !r->offset);
}

static bool good(const struct range_record *r)
{
	return intact(r) && r->addr && !(r->addr % LEDGER_PAGE_SIZE) && r->size &&
	       !(r->size % LEDGER_PAGE_SIZE) && r->size <= HMM_LIMIT_RANGE_SIZE && r->addr <= HMM_LIMIT_ADDRESS - r->size &&
	       r->home < HMM_LIMIT_TIERS && ends(r->name, sizeof(r->name)) && ends(r->policy, sizeof(r->policy)) &&
	       ends(r->prefer, sizeof(r->prefer)) && well_placed(r);
}

/* 1: read; 0: the end; -errno. */
static int read_record(const struct ledgerfile *l, size_t i, struct range_record *ret)
{
	ssize_t n;

	do
		n = pread(l->ranges, ret, RECORD, (off_t)i * RECORD);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == RECORD;
}

static int write_record(const struct ledgerfile *l, size_t i, const struct range_record *r)
{
	ssize_t n;

	do
		n = pwrite(l->ranges, r, RECORD, (off_t)i * RECORD);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == RECORD ? 0 : -ENOSPC;
}

static int ids_reserve(struct ledgerfile *l, size_t n)
{
	size_t cap = l->cap_ids ? l->cap_ids * 2 : 16;
	uint64_t *ids;

	if (n <= l->cap_ids)
		return 0;
	while (cap < n)
		cap *= 2;
	ids = realloc(l->ids, cap * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	l->ids = ids;
	l->cap_ids = cap;
	return 0;
}

/* A window that a damaged record names may be anywhere, so no more are given out. */
static void learn_next(struct ledgerfile *l, const struct range_record *r)
{
	uint64_t next = intact(r) ? r->next : HMM_LIMIT_FILE;

	if (next > l->next_window)
		l->next_window = next;
}

uint64_t ledgerfile_next_window(const struct ledgerfile *l)
{
	return l->next_window;
}

/* A damaged record keeps its place with no id: it is found by nobody and written over by the next. */
static int learn_ids(struct ledgerfile *l, size_t n)
{
	struct range_record r;
	size_t i;
	int rc = ids_reserve(l, n);

	for (i = 0; i < n && rc >= 0; i++) {
		rc = read_record(l, i, &r);
		if (rc > 0 && is_of_other_version(&r))
			return -EPROTONOSUPPORT;
		if (rc > 0) {
			l->ids[i] = good(&r) ? r.id : 0;
			learn_next(l, &r);
		}
	}
	if (rc < 0)
		return rc;
	l->n_ids = n;
	return 0;
}

int rangefile_open(struct ledgerfile *l)
{
	struct stat st;

	l->ranges = open(l->ranges_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (l->ranges < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(l->ranges, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)RECORDS_MAX * RECORD)
		return -EINVAL;
	return learn_ids(l, (size_t)st.st_size / RECORD);
}

static size_t place_of(const struct ledgerfile *l, uint64_t id)
{
	size_t i;

	for (i = 0; i < l->n_ids && l->ids[i] != id; i++)
		;
	return i;
}

static int create(struct ledgerfile *l)
{
	l->ranges = open(l->ranges_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return l->ranges < 0 ? -errno : 0;
}

int ledgerfile_put_range(struct ledgerfile *l, const struct range_record *r)
{
	struct range_record out = *r;
	size_t i = place_of(l, r->id);
	int rc = l->ranges < 0 ? create(l) : 0;

	if (i == l->n_ids)
		i = place_of(l, 0);
	if (!rc)
		rc = i < RECORDS_MAX ? ids_reserve(l, i + 1) : -ENOSPC;
	if (rc)
		return rc;
	seal(&out);
	rc = write_record(l, i, &out);
	if (rc)
		return rc;
	l->ids[i] = r->id;
	if (i == l->n_ids)
		l->n_ids++;
	return 0;
}

/*
 * Free records at the end go, so that nobody keeps room that he does not use; but for one that says where no window
 * ever was, and is there before the others are gone.
 */
static void trim(struct ledgerfile *l, const struct range_record *none)
{
	size_t n = l->n_ids;

	while (n && !l->ids[n - 1])
		n--;
	if (n + 1 < l->n_ids && !write_record(l, n, none) && !ftruncate(l->ranges, (off_t)(n + 1) * RECORD))
		l->n_ids = n + 1;
}

int ledgerfile_drop_range(struct ledgerfile *l, uint64_t id, uint64_t next)
{
	struct range_record none = { .next = next > l->next_window ? next : l->next_window };
	size_t i = l->removed ? l->n_ids : place_of(l, id);
	int rc;

	if (l->kept || l->removed || !id || i == l->n_ids)
		return 0;
	rc = write_record(l, i, seal(&none));
	if (rc)
		return rc;
	l->ids[i] = 0;
	trim(l, &none);
	return 0;
}

int ledgerfile_each_range(struct ledgerfile *l, int (*fn)(void *userdata, const struct range_record *r), void *userdata)
{
	struct range_record r;
	bool damaged = false;
	size_t i;
	int rc;

	for (i = 0; i < l->n_ids; i++) {
		rc = read_record(l, i, &r);
		if (rc < 0)
			return rc;
		if (!rc || (r.id && !good(&r))) {
			damaged = true;
			continue;
		}
		rc = r.id ? fn(userdata, &r) : 0;
		if (rc)
			return rc;
	}
	return damaged ? -EINVAL : 0;
}
