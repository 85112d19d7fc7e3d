// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory device: slots in a memory file, mapped once, used in place, so that a page moves with one
 * copy by the kernel and no staging. Huge pages, where the caller has raised the pool for them and the machine
 * gives them: half of the cost of a move to base pages is their page table entries. Pages that the pool has for
 * somebody else may be there for the first slot and gone for the next. A slot takes its memory when it is first used and keeps it
 * for the next user (zeroing a page costs as much as copying one). That first use asks the kernel
 * with MADV_POPULATE_WRITE, so a machine without free huge pages answers an errno, never SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drivers/device.h"

#define HUGE_PAGE (1ULL << 21)
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

struct hmm_device {
	int fd;
	char *base;
	uint64_t size, slot_size;	/* bytes */
	_Atomic uint8_t *touched;	/* one per slot: its memory is there and mapped */
	bool fresh;
};

static struct hmm_device *mem_close(struct hmm_device *d)
{
	if (!d)
		return NULL;
	if (d->base != MAP_FAILED)
		munmap(d->base, d->size);
	if (d->fd >= 0)
		close(d->fd);
	free(d->touched);
	free(d);
	return NULL;
}

static int check_config(const struct hmm_device_config *c)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!c->slot_size || c->slot_size % page || !c->capacity || c->capacity % c->slot_size)
		return -EINVAL;
	return c->capacity / c->slot_size > UINT32_MAX ? -EINVAL : 0;
}

/* The same open file, so that both descriptors can be closed on their own. The device may have been made larger. */
static int adopt_file(struct hmm_device *d, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size < d->size && ftruncate(fd, (off_t)d->size) < 0)
		return -errno;
	d->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return d->fd < 0 ? -errno : 0;
}

static int make_file(struct hmm_device *d, const char *name, unsigned int flags)
{
	char label[64] = "hmm-device-";

	strncat(label, name ? name : "", sizeof(label) - strlen(label) - 1);
	d->fd = memfd_create(label, MFD_CLOEXEC | flags);
	if (d->fd < 0)
		return -errno;
	if (ftruncate(d->fd, (off_t)d->size) < 0)
		return -errno;
	return 0;
}

static int map_file(struct hmm_device *d)
{
	d->base = mmap(NULL, d->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, d->fd, 0);
	return d->base == MAP_FAILED ? -errno : 0;
}

/* Only a page that was really given proves that huge pages are to be had. */
static int make_huge(struct hmm_device *d, const char *name)
{
	int r;

	if (d->slot_size % HUGE_PAGE)
		return -EINVAL;
	r = make_file(d, name, MFD_HUGETLB | MFD_HUGE_2MB);
	if (!r)
		r = map_file(d);
	if (!r && madvise(d->base, d->slot_size, MADV_POPULATE_WRITE) < 0)
		r = -errno;
	return r;
}

static void undo_file(struct hmm_device *d)
{
	if (d->base != MAP_FAILED)
		munmap(d->base, d->size);
	d->base = MAP_FAILED;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static int make_any(struct hmm_device *d, const struct hmm_device_config *c)
{
	int r;

	if (!c->base_pages && make_huge(d, c->name) == 0)
		return 0;
	undo_file(d);
	r = make_file(d, c->name, 0);
	return r ? r : map_file(d);
}

static int mem_open(struct hmm_device **ret, const struct hmm_device_config *c)
{
	struct hmm_device *d;
	int r = check_config(c);

	if (r)
		return r;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct hmm_device){ .fd = -1, .base = MAP_FAILED, .size = c->capacity, .slot_size = c->slot_size };
	d->fresh = c->fd < 0;
	d->touched = calloc(c->capacity / c->slot_size, sizeof(*d->touched));
	if (!d->touched)
		r = -ENOMEM;
	else if (c->fd >= 0)
		r = adopt_file(d, c->fd) ?: map_file(d);
	else
		r = make_any(d, c);
	if (r) {
		mem_close(d);
		return r;
	}
	*ret = d;
	return 0;
}

/* 0 when the slot can be touched without a fault that fails. */
static int touch(struct hmm_device *d, uint32_t slot)
{
	if (slot >= d->size / d->slot_size)
		return -EINVAL;
	if (atomic_load_explicit(&d->touched[slot], memory_order_relaxed))
		return 0;
	if (madvise(d->base + slot * d->slot_size, d->slot_size, MADV_POPULATE_WRITE) < 0)
		return errno == EFAULT || errno == ENOMEM ? -ENOSPC : -EIO;
	atomic_store_explicit(&d->touched[slot], 1, memory_order_relaxed);
	return 0;
}

static void *mem_map(struct hmm_device *d, uint32_t slot)
{
	return touch(d, slot) ? NULL : d->base + slot * d->slot_size;
}

static int mem_write(struct hmm_device *d, uint32_t slot, const void *buf)
{
	int r = touch(d, slot);

	if (!r)
		memcpy(d->base + slot * d->slot_size, buf, d->slot_size);
	return r;
}

static int mem_read(struct hmm_device *d, uint32_t slot, void *buf)
{
	int r = touch(d, slot);

	if (!r)
		memcpy(buf, d->base + slot * d->slot_size, d->slot_size);
	return r;
}

static int mem_fd(struct hmm_device *d)
{
	return d->fd;
}

static bool mem_fresh(struct hmm_device *d)
{
	return d->fresh;
}

const struct hmm_device_ops hmm_device_memory = {
	.kind = "memory",
	.open = mem_open,
	.close = mem_close,
	.write = mem_write,
	.read = mem_read,
	.map = mem_map,
	.fd = mem_fd,
	.fresh = mem_fresh,
};
