/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client's userfaultfd: made here because only the owner of an address space can, handed to the
 * daemon as a duplicate, and kept open for as long as a range is registered with it: its last close
 * would let blocked threads go on with zero pages.
 */
#ifndef HMM_LIBCLIENT_UFFD_H
#define HMM_LIBCLIENT_UFFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hmm_client;

struct uffd {
	int fd;
	bool tells_unmap;	/* munmap(2) of what is registered waits until its message was read */
	unsigned int users;	/* guarded by the client's lock: the client and its ranges */
};

/* Without the lock. device: a descriptor of /dev/userfaultfd or -1. -errno. */
int uffd_open(int device, bool tells_unmap, struct uffd **ret);
struct uffd *uffd_unref(struct uffd *u);
/*
 * Reads all there is, in the daemon's stead: who unmaps memory goes on, who has faulted faults again.
 * False: nothing was there.
 */
bool uffd_read_all(const struct uffd *u);
int uffd_register(const struct uffd *u, void *addr, size_t size);
/* Also wakes whoever waits there. */
int uffd_unregister(const struct uffd *u, void *addr, size_t size);
/*
 * The next three are refused while a thread unmaps memory; then the messages are read, and the call
 * is tried again, a bounded number of times, then -EAGAIN.
 */
/* Lifts write protection, the marks too that it leaves where a page was punched; wakes. */
int uffd_thaw(const struct uffd *u, uint8_t *addr, size_t size);
/*
 * Maps pages that the file has, from the first on; *ret_done: bytes, set in every case. -EEXIST:
 * the first is mapped already, or a mark is there; -EFAULT: it is a hole.
 */
int uffd_map_some(const struct uffd *u, uint8_t *addr, size_t size, size_t *ret_done);
/*
 * Every empty entry of the page table raises SIGBUS from now on, whatever the file has there: what
 * it has must be mapped, and nothing be protected. Others stay, among them those that do so
 * already. page: the size of the backing's pages. -errno where the kernel cannot.
 */
int uffd_poison(const struct uffd *u, uint8_t *addr, size_t size, size_t page);
int uffd_wake(const struct uffd *u, uint8_t *addr, size_t size);
/* With the lock: makes one if there is none and sees that the daemon has it. 0 or -errno. */
int uffd_attach(struct hmm_client *c);

#endif
