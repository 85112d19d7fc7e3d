/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The address space as the kernel has it, one mapping at a time: PROCMAP_QUERY (Linux 6.11), else the text. */
#ifndef HMM_LIBCLIENT_MAPPING_H
#define HMM_LIBCLIENT_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* struct procmap_query of linux/fs.h, which older headers lack. */
struct mapping {
	uint64_t size, flags, addr, start, end, rights, page_size, offset, inode;
	uint32_t major, minor, name_size, build_id_size;
	uint64_t name, build_id;
};
/* Bits of rights. */
enum { MAPPING_READ = 1, MAPPING_WRITE = 2, MAPPING_EXEC = 4, MAPPING_SHARED = 8 };

/* /proc/self/maps, -errno where that cannot be had. */
int mapping_open(void);
/* The mapping at the address, or the next; false: there is none. Asks for no memory. */
bool mapping_look(int maps, uint64_t addr, struct mapping *ret);
/* Whether looking is a question to the kernel, and not a walk through the text. */
bool mapping_is_quick(int maps);
/* All of them by one walk, in the order of their addresses, to be freed. 0, -ENOMEM, -errno. */
int mapping_list(int maps, struct mapping **ret, size_t *ret_n);

#endif
