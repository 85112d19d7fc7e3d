// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pins of a client on record: CLIENT.pins, one record of 64 bytes for each pin of each range, adopted ranges
 * too, after a first one that says what the file is. A record never crosses a page, so a pin or an unpin is on
 * record whole or not at all, whenever the daemon is killed. Page words say PAGE_PINNED too, but not how often
 * and by whom: at a restart they follow the records.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/ledgerfile_own.h"

#define PINFILE_MAGIC 0x736e6970646d6d68ULL	/* "hmmdpins" */

enum {
	RECORD = sizeof(struct pin_record),
	RECORDS_MAX = 1 << 18,		/* of one client: 16 MiB */
	OWNER_NONE = 0			/* free; or the first record */
};
_Static_assert(RECORD == 64, "a record is 64 bytes");

/* FNV-1a of all before the checksum: against damage, not against malice. */
static uint64_t checksum(const struct pin_record *r)
{
	const uint8_t *bytes = (const uint8_t *)r;
	uint64_t sum = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < offsetof(struct pin_record, checksum); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return sum;
}

static int write_at(const struct ledgerfile *l, uint32_t place, const struct pin_record *r)
{
	struct pin_record out = *r;
	ssize_t n;

	out.checksum = checksum(&out);
	do
		n = pwrite(l->pins, &out, RECORD, (off_t)place * RECORD);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == RECORD ? 0 : -ENOSPC;
}

/* 1: read and whole; 0: damaged, or the end. -errno. */
static int read_at(const struct ledgerfile *l, uint32_t place, struct pin_record *ret)
{
	ssize_t n;

	do
		n = pread(l->pins, ret, RECORD, (off_t)place * RECORD);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == RECORD && ret->checksum == checksum(ret);
}

static int note_free(struct ledgerfile *l, uint32_t place)
{
	uint32_t *longer, cap = l->cap_free_pins ? l->cap_free_pins * 2 : 64;

	if (l->n_free_pins == l->cap_free_pins) {
		longer = realloc(l->free_pins, cap * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		l->free_pins = longer;
		l->cap_free_pins = cap;
	}
	l->free_pins[l->n_free_pins++] = place;
	return 0;
}

static struct pin_record first_record(const struct ledgerfile *l)
{
	return (struct pin_record){ .range = PINFILE_MAGIC, .addr = PINFILE_VERSION, .end = l->client };
}

static int create(struct ledgerfile *l)
{
	struct pin_record first = first_record(l);
	int rc;

	l->pins = open(l->pins_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->pins < 0)
		return -errno;
	l->n_pins = 1;
	rc = write_at(l, 0, &first);
	if (rc) {
		close(l->pins);
		l->pins = -1;
	}
	return rc;
}

/* A file that was made and not begun has nothing in it. */
int pinfile_open(struct ledgerfile *l)
{
	struct pin_record first, right = first_record(l);
	struct stat st;
	int rc;

	l->pins = open(l->pins_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (l->pins < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(l->pins, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)RECORDS_MAX * RECORD)
		return -EINVAL;
	l->n_pins = (uint32_t)(((uint64_t)st.st_size + RECORD - 1) / RECORD);
	if (!l->n_pins) {
		l->n_pins = 1;
		return write_at(l, 0, &right);
	}
	rc = read_at(l, 0, &first);
	if (rc < 0)
		return rc;
	if (!rc || first.range != PINFILE_MAGIC || first.end != l->client)
		return -EINVAL;
	return first.addr == PINFILE_VERSION ? 0 : -EPROTONOSUPPORT;
}

int ledgerfile_put_pin(struct ledgerfile *l, uint32_t *place, const struct pin_record *r)
{
	uint32_t at = *place;
	int rc = l->pins < 0 ? create(l) : 0;

	if (rc)
		return rc;
	if (!at)
		at = l->n_free_pins ? l->free_pins[l->n_free_pins - 1] : l->n_pins;
	if (at >= RECORDS_MAX)
		return -ENOSPC;
	rc = write_at(l, at, r);
	if (rc)
		return rc;
	if (!*place && l->n_free_pins)
		l->n_free_pins--;
	else if (at == l->n_pins)
		l->n_pins++;
	*place = at;
	return 0;
}

int ledgerfile_drop_pin(struct ledgerfile *l, uint32_t place)
{
	static const struct pin_record none = { .owner = OWNER_NONE };
	int rc;

	if (l->kept || l->removed || !place)
		return 0;
	rc = write_at(l, place, &none);
	/* Without memory the place is found again by the next daemon. */
	if (!rc)
		(void)note_free(l, place);
	if (l->n_free_pins + 1 == l->n_pins && !ftruncate(l->pins, RECORD)) {
		l->n_pins = 1;
		l->n_free_pins = 0;
	}
	return rc;
}

int ledgerfile_each_pin(struct ledgerfile *l, int (*fn)(void *userdata, uint32_t place, const struct pin_record *r),
			void *userdata)
{
	struct pin_record r;
	bool damaged = false;
	uint32_t i;
	int rc;

	for (i = 1; i < l->n_pins; i++) {
		rc = read_at(l, i, &r);
		if (rc < 0)
			return rc;
		damaged |= !rc;
		if (rc && r.owner != OWNER_NONE)
			rc = fn(userdata, i, &r);
		else
			rc = note_free(l, i);
		if (rc)
			return rc;
	}
	return damaged ? -EINVAL : 0;
}
