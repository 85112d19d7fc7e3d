/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mapping the backing file of a managed range at a huge-page boundary. No lock is needed. */
#ifndef HMM_LIBCLIENT_MAP_H
#define HMM_LIBCLIENT_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes from offset on; nobody may touch them yet. -EPROTO: it is no file, or too short; -errno
 * of mmap(2).
 */
int map_file(int fd, uint64_t offset, size_t size, uint8_t **ret_addr);
int map_allow(uint8_t *addr, size_t size);	/* from here they may be; -errno of mprotect(2) */
void map_remove(uint8_t *addr, size_t size);

#endif
