// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A file at a huge-page boundary: address space for one huge page more is reserved, the file is put
 * inside at the boundary, and what is left at both ends is given back. That serves every kind of
 * backing, hugetlb too. It is mapped without access first: in a program that called
 * mlockall(MCL_FUTURE) the kernel would fill the whole mapping at once with pages that no daemon
 * knows of, before a userfaultfd can be registered for it.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "libclient/map.h"
#include "proto/ledger.h"

static int check_file(int fd, uint64_t offset, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size >= size && offset <= (uint64_t)st.st_size - size ? 0 : -EPROTO;
}

int map_file(int fd, uint64_t offset, size_t size, uint8_t **ret_addr)
{
	uint8_t *start, *addr;
	size_t reserved, head;
	int r = check_file(fd, offset, size);

	if (r)
		return r;
	reserved = size + LEDGER_PAGE_SIZE;
	start = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return -errno;
	head = -(uintptr_t)start & (LEDGER_PAGE_SIZE - 1);
	addr = mmap(start + head, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd,
		    (off_t)offset);
	if (addr == MAP_FAILED) {
		r = -errno;
		munmap(start, reserved);
		return r;
	}
	if (head > 0)
		munmap(start, head);
	munmap(addr + size, LEDGER_PAGE_SIZE - head);
	*ret_addr = addr;
	return 0;
}

int map_allow(uint8_t *addr, size_t size)
{
	return mprotect(addr, size, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
}

void map_remove(uint8_t *addr, size_t size)
{
	if (addr)
		munmap(addr, size);
}
