// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/core_file.h"
#include "tests/support/test.h"

void *core_bytes(const struct core *c, uint64_t at, uint64_t size)
{
	char *bytes = malloc(size);
	uint64_t done = 0;

	assert_non_null(bytes);
	while (done < size) {
		ssize_t n = pread(c->fd, bytes + done, size - done, (off_t)(at + done));

		assert_true(n > 0);
		done += (uint64_t)n;
	}
	return bytes;
}

void core_open(const char *path, struct core *ret)
{
	ret->fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(ret->fd >= 0);
	assert_int_equal(fstat(ret->fd, &ret->st), 0);
	assert_int_equal(pread(ret->fd, &ret->header, sizeof(ret->header), 0), sizeof(ret->header));
	assert_memory_equal(ret->header.e_ident, ELFMAG, SELFMAG);
	assert_int_equal(ret->header.e_type, ET_CORE);
	ret->segments = core_bytes(ret, ret->header.e_phoff, ret->header.e_phnum * sizeof(*ret->segments));
}

void core_close(struct core *c)
{
	free(c->segments);
	close(c->fd);
}

uint64_t core_at(const struct core *c, uint64_t addr, uint64_t size)
{
	for (unsigned int i = 0; i < c->header.e_phnum; i++) {
		const Elf64_Phdr *p = &c->segments[i];

		if (p->p_type == PT_LOAD && p->p_vaddr <= addr && addr + size <= p->p_vaddr + p->p_filesz)
			return p->p_offset + (addr - p->p_vaddr);
	}
	fail_msg("%#llx is not in the file", (unsigned long long)addr);
	return 0;
}

unsigned int core_notes_of(const struct core *c, uint32_t type)
{
	const Elf64_Phdr *p = c->segments;
	unsigned int n = 0;
	char *notes;

	while (p->p_type != PT_NOTE)
		p++;
	notes = core_bytes(c, p->p_offset, p->p_filesz);
	for (uint64_t at = 0; at < p->p_filesz;) {
		const Elf64_Nhdr *note = (const Elf64_Nhdr *)(notes + at);

		n += note->n_type == type;
		at += sizeof(*note) + ((note->n_namesz + 3) & ~3U) + ((note->n_descsz + 3) & ~3U);
	}
	free(notes);
	return n;
}
