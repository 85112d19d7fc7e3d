/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A user-space device: slots of one huge page each. Every driver is one file behind this table
 * (drivers/mem, drivers/file, later drivers/cuda). Slots are numbered from 0 and handed out by the
 * daemon; a driver only stores. read, write and discard are called from several threads at once, never
 * two at a time for one slot. A driver never logs and never decides.
 */
#ifndef HMM_DRIVERS_DEVICE_H
#define HMM_DRIVERS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hmm_device;

enum { HMM_DEVICE_UUID = 16 };

/* Whose contents a device has, where they outlive the daemon by themselves. */
struct hmm_device_identity {
	uint8_t uuid[HMM_DEVICE_UUID];
	uint64_t generation;	/* counts openings with contents that mattered, from 1; 0: no identity */
};

/* Why a device that pages were put on is not the one that was found. */
enum hmm_device_outcome {
	HMM_DEVICE_E_OTHER = 1,		/* another device, an older copy, or nothing */
	HMM_DEVICE_E_CUT = 2,		/* a part of it was taken away */
	HMM_DEVICE_E_FOREIGN = 3,	/* it has contents that are not hmmd's, or damaged ones: not to be written over */
	HMM_DEVICE_E_VERSION = 4	/* another version of hmmd wrote it */
};

struct hmm_device_config {
	const char *name;	/* of the tier */
	const char *path;	/* file: a file or a directory (then the file is path/name.hmmd) */
	uint64_t capacity;	/* bytes, a multiple of slot_size */
	uint64_t slot_size;	/* bytes: the huge page */
	bool base_pages;	/* memory: nobody has seen to it that it can have huge pages; those of others are not taken */
	int fd;			/* -1, or what fd() returned before the daemon was restarted: keep the contents */
	/* Room for words about why open() failed, beside its error; or NULL. Untouched where the error says all. */
	char *why;
	size_t why_size;
	/* What identity() said when pages were put there that somebody still wants, or NULL: its contents are nobody's. */
	const struct hmm_device_identity *known;
};

struct hmm_device_ops {
	const char *kind;	/* "memory", "file" */
	/* enum hmm_device_outcome; -EINVAL, -ENOSPC (the file system cannot hold it), -EROFS, -EACCES, -ENOMEM. */
	int (*open)(struct hmm_device **ret, const struct hmm_device_config *c);
	/* Releases everything; NULL is allowed. The contents of a file stay. */
	struct hmm_device *(*close)(struct hmm_device *d);
	/* buf: slot_size bytes, aligned to slot_size. 0 when every byte is on the device, or -errno (-EIO, -ENOSPC). */
	int (*write)(struct hmm_device *d, uint32_t slot, const void *buf);
	int (*read)(struct hmm_device *d, uint32_t slot, void *buf);
	/* Where the slot can be read and written in place, or NULL when it cannot (then read and write are used). */
	void *(*map)(struct hmm_device *d, uint32_t slot);
	/* The slot's contents are not needed any more. Optional (NULL); never fails. */
	void (*discard)(struct hmm_device *d, uint32_t slot);
	/* A descriptor that keeps the contents alive over a restart of the daemon (fd store), or -1. Borrowed. */
	int (*fd)(struct hmm_device *d);
	/* Only where the contents outlive the daemon by themselves (else NULL): what `known` is to be next time. */
	void (*identity)(struct hmm_device *d, struct hmm_device_identity *ret);
	/* True when it began empty: whatever an earlier daemon says it put there is not there any more. */
	bool (*fresh)(struct hmm_device *d);
};

extern const struct hmm_device_ops hmm_device_memory, hmm_device_file;

#endif
