/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A core file as it is being written: memory in the order of its addresses, then the notes and the tables. What is zero is
 * a hole in the file; what could not be read is memory without bytes, which a debugger calls inaccessible.
 */
#ifndef HMMCTL_CORE_FILE_H
#define HMMCTL_CORE_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORE_PAGE = 4096 };	/* bytes; the unit of holes, and of all addresses and sizes here */

struct core_file {
	int fd;
	uint64_t end;			/* of what was written or left out so far */
	Elf64_Phdr *segments;
	size_t n;
	unsigned char *notes;
	size_t notes_size;
};

void core_file_begin(struct core_file *f, int fd);	/* which is the core_file's from here on */
/* The next piece of memory; flags PF_*. Without bytes: nobody can say what is there. */
void core_file_add(struct core_file *f, uint64_t addr, uint64_t size, uint32_t flags, bool bytes);
/* Bytes of the last piece. 0 or -errno. */
int core_file_put(struct core_file *f, uint64_t addr, const void *bytes, size_t size);
void core_file_note(struct core_file *f, const char *owner, uint32_t type, const void *bytes, size_t size);
/* The tables. 0 or -errno. */
int core_file_finish(struct core_file *f);
void core_file_free(struct core_file *f);

#endif
