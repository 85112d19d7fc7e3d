// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The superblock on the device (superblock.h): words of 64 bits in the machine's order, at the very beginning,
 * with a checksum. What lies where it should be and is not zeros belongs to somebody: a file system, a label
 * of a volume. The first MiB is looked at, because some keep their own superblock as far in as 64 KiB.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "drivers/file/superblock.h"

#define SUPERBLOCK_MAGIC 0x6b736964646d6d68ULL	/* "hmmddisk" */
#define LOOKED_AT (1ULL << 20)			/* bytes that must be zeros before they are taken for nobody's */

enum { SUPERBLOCK_VERSION = 1, CHUNK = 16 * 1024 };

struct on_disk {
	uint64_t magic, version;
	uint8_t uuid[HMM_DEVICE_UUID];
	uint64_t generation, slot_size, capacity, allocated;
	uint64_t checksum;		/* of all before it */
};
_Static_assert(sizeof(struct on_disk) == 72, "no padding, which a checksum would cover");

/* FNV-1a: against damage, not against malice. */
static uint64_t checksum(const struct on_disk *b)
{
	const uint8_t *bytes = (const uint8_t *)b;
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < offsetof(struct on_disk, checksum); i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3ULL;
	return sum;
}

/* How much of it there is: less at the end of the file. */
static ssize_t read_at(int fd, void *buf, size_t size, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static bool all_zeros(const uint8_t *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && !memcmp(bytes, bytes + 1, n - 1));
}

static int look_for_others(int fd)
{
	uint8_t chunk[CHUNK];
	ssize_t n = 1;

	for (uint64_t at = 0; at < LOOKED_AT && n > 0; at += CHUNK) {
		n = read_at(fd, chunk, sizeof(chunk), at);
		if (n < 0)
			return (int)n;
		if (!all_zeros(chunk, (size_t)n))
			return SUPERBLOCK_E_FOREIGN;
	}
	return SUPERBLOCK_E_BLANK;
}

int superblock_read(int fd, struct superblock *ret)
{
	struct on_disk b = { 0 };
	ssize_t n = read_at(fd, &b, sizeof(b), 0);

	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(b) || b.magic != SUPERBLOCK_MAGIC)
		return look_for_others(fd);
	if (b.version != SUPERBLOCK_VERSION)
		return SUPERBLOCK_E_VERSION;
	if (b.checksum != checksum(&b))
		return SUPERBLOCK_E_FOREIGN;
	*ret = (struct superblock){ .slot_size = b.slot_size, .capacity = b.capacity, .allocated = b.allocated != 0 };
	memcpy(ret->identity.uuid, b.uuid, sizeof(b.uuid));
	ret->identity.generation = b.generation;
	return 0;
}

int superblock_write(int fd, const struct superblock *s)
{
	struct on_disk b = { .magic = SUPERBLOCK_MAGIC, .version = SUPERBLOCK_VERSION,
			     .generation = s->identity.generation, .slot_size = s->slot_size,
			     .capacity = s->capacity, .allocated = s->allocated };
	ssize_t n;

	memcpy(b.uuid, s->identity.uuid, sizeof(b.uuid));
	b.checksum = checksum(&b);
	do
		n = pwrite(fd, &b, sizeof(b), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != (ssize_t)sizeof(b))
		return -ENOSPC;
	return fdatasync(fd) < 0 ? -errno : 0;
}
