// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners of slots (slotmap.h). An owner is written when a slot is taken, before any page word names the slot, and
 * cleared before the slot is given back (mover.h), each by one store into the mapped file: a daemon that is killed
 * leaves at most a slot with an owner whose ledger does not name it, which the next start puts right.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/slotmap.h"
#include "daemon/io/unreadable.h"

#define SLOTMAP_MAGIC 0x736f6c73646d6d68ULL	/* "hmmdslos" */

enum { SLOTMAP_VERSION = 1 };
enum head { H_MAGIC, H_VERSION, H_COMPLETE /* 1: it knows the owner of every slot */, HEAD_WORDS = 8 };

static size_t size_of(const struct mover_device *device)
{
	return (HEAD_WORDS + (size_t)slots_count(device->slots)) * sizeof(uint64_t);
}

static _Atomic uint64_t *head_of(const struct mover_device *device)
{
	return device->owners - HEAD_WORDS;
}

/* -errno. Room is taken for all of it, so that no store later is a SIGBUS. */
static int map(struct mover_device *device, int fd, size_t *ret_was)
{
	struct stat st;
	void *at;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	rc = posix_fallocate(fd, 0, (off_t)size_of(device));
	if (rc)
		return -rc;
	at = mmap(NULL, size_of(device), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	device->owners = (_Atomic uint64_t *)at + HEAD_WORDS;
	*ret_was = (size_t)st.st_size;
	return 0;
}

static void begin(struct mover_device *device, size_t was)
{
	_Atomic uint64_t *head = head_of(device);
	bool ours = was >= HEAD_WORDS * sizeof(uint64_t) && atomic_load(&head[H_MAGIC]) == SLOTMAP_MAGIC &&
		    atomic_load(&head[H_VERSION]) == SLOTMAP_VERSION;

	if (ours && !device->fresh)
		return;
	memset((void *)head, 0, size_of(device));
	atomic_store(&head[H_COMPLETE], device->fresh);
	atomic_store(&head[H_VERSION], SLOTMAP_VERSION);
	atomic_store(&head[H_MAGIC], SLOTMAP_MAGIC);
}

enum { MAP_PATH = CONFIG_PATH + 16 };

static void path_of(const struct daemon *d, unsigned int tier, char *ret)
{
	snprintf(ret, MAP_PATH, "%s/slots.%u", d->config->state_dir, tier);
}

void slotmap_open(struct daemon *d, unsigned int tier)
{
	struct mover_device *device = &d->devices[tier];
	char path[MAP_PATH];
	size_t was;
	int fd, rc;

	path_of(d, tier, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = fd < 0 ? -errno : map(device, fd, &was);
	if (fd >= 0)
		close(fd);
	if (!rc) {
		begin(device, was);
		return;
	}
	log_line(LOG_LEVEL_WARNING, "%s: %s: should a ledger be damaged, its client's slots are not known, ignoring", path,
		 strerror(-rc));
	/* An older one would be believed, and knows nothing of what is put there from now on. */
	if (unlink(path) && errno != ENOENT)
		log_line(LOG_LEVEL_WARNING, "%s cannot be removed: %s, ignoring", path, strerror(errno));
}

/* Neighbours are mostly of one owner, who is looked for once. */
static bool any_owner_lives(const struct daemon *d, FILE *map)
{
	uint64_t owner, ended = 0;

	while (fread(&owner, sizeof(owner), 1, map) == 1) {
		if (owner && owner != ended && process_owner_may_live(d->config->state_dir, owner))
			return true;
		ended = owner;
	}
	return ferror(map);
}

bool slotmap_wanted(const struct daemon *d, unsigned int tier)
{
	uint64_t head[HEAD_WORDS];
	char path[MAP_PATH];
	bool wanted;
	FILE *map;

	path_of(d, tier, path);
	map = fopen(path, "re");
	if (!map)
		return true;
	wanted = fread(head, sizeof(head), 1, map) != 1 || head[H_MAGIC] != SLOTMAP_MAGIC ||
		 head[H_VERSION] != SLOTMAP_VERSION || !head[H_COMPLETE] || any_owner_lives(d, map);
	fclose(map);
	return wanted;
}

void slotmap_close(struct mover_device *device)
{
	if (device->owners)
		munmap((void *)head_of(device), size_of(device));
	device->owners = NULL;
}

/* The slot is taken already where a ledger that could be read names it. */
static void settle_slot(const struct daemon *d, struct mover_device *device, uint32_t slot)
{
	uint64_t owner = atomic_load(&device->owners[slot]);
	char text[1];

	if (!owner || slots_take_at(device->slots, slot) || unreadable_is(d, owner, text, sizeof(text)))
		return;
	atomic_store(&device->owners[slot], 0);
	slots_give(device->slots, slot);
}

static void settle(struct daemon *d, struct mover_device *device)
{
	bool any = !list_empty(&d->unreadable), held = any;
	uint32_t i;

	if (device->owners) {
		for (i = 0; i < slots_count(device->slots); i++)
			settle_slot(d, device, i);
		held = any && !atomic_load(&head_of(device)[H_COMPLETE]);
		atomic_store(&head_of(device)[H_COMPLETE], !held);
	}
	atomic_store(&device->held, held && !device->fresh);
}

void slotmaps_settle(struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < HMM_LIMIT_TIERS; i++)
		if (d->devices[i].slots)
			settle(d, &d->devices[i]);
}

void slotmaps_release(struct daemon *d, uint64_t client)
{
	unsigned int i;
	uint32_t slot;

	for (i = 0; i < HMM_LIMIT_TIERS; i++) {
		struct mover_device *device = &d->devices[i];

		for (slot = 0; device->owners && slot < slots_count(device->slots); slot++)
			if (atomic_load(&device->owners[slot]) == client)
				mover_free_slot(d->devices, i, slot);
		if (list_empty(&d->unreadable)) {
			atomic_store(&device->held, false);
			if (device->owners)
				atomic_store(&head_of(device)[H_COMPLETE], 1);
		}
	}
}
