/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ELF core file, read by hand. */
#ifndef HMMD_TESTS_CORE_FILE_H
#define HMMD_TESTS_CORE_FILE_H

#include <elf.h>
#include <stdint.h>
#include <sys/stat.h>

struct core {
	int fd;
	struct stat st;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
};

void core_open(const char *path, struct core *ret);
void core_close(struct core *c);
void *core_bytes(const struct core *c, uint64_t at, uint64_t size);	/* of the file; to be freed */
uint64_t core_at(const struct core *c, uint64_t addr, uint64_t size);	/* where in the file the memory is */
unsigned int core_notes_of(const struct core *c, uint32_t type);

#endif
