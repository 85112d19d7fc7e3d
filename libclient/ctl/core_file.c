// SPDX-License-Identifier: LGPL-2.1-or-later
/* ELF: the header at the beginning, the tables where the memory ends, since only then it is known how many there are. */
#include "libclient/ctl/core_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libclient/ctl/text.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "which machine is this, in ELF?"
#endif

void core_file_begin(struct core_file *f, int fd)
{
	*f = (struct core_file){ .fd = fd, .end = CORE_PAGE };
}

void core_file_free(struct core_file *f)
{
	free(f->segments);
	free(f->notes);
	if (f->fd >= 0)
		close(f->fd);
}

static bool continues(const Elf64_Phdr *last, uint64_t addr, uint32_t flags, bool bytes)
{
	return last->p_vaddr + last->p_memsz == addr && last->p_flags == flags && (last->p_filesz > 0) == bytes;
}

void core_file_add(struct core_file *f, uint64_t addr, uint64_t size, uint32_t flags, bool bytes)
{
	Elf64_Phdr *last = f->n ? f->segments + f->n - 1 : NULL;

	if (!last || !continues(last, addr, flags, bytes)) {
		f->segments = must(realloc(f->segments, (f->n + 1) * sizeof(*f->segments)));
		last = f->segments + f->n++;
		*last = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_flags = flags, .p_offset = f->end, .p_vaddr = addr, .p_align = CORE_PAGE
		};
	}
	last->p_memsz += size;
	last->p_filesz += bytes ? size : 0;
	f->end += bytes ? size : 0;
}

static int write_all(int fd, const void *bytes, size_t size, uint64_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static bool is_zero(const char *page)
{
	return !page[0] && !memcmp(page, page + 1, CORE_PAGE - 1);
}

int core_file_put(struct core_file *f, uint64_t addr, const void *bytes, size_t size)
{
	const Elf64_Phdr *last = f->segments + f->n - 1;
	uint64_t at = last->p_offset + (addr - last->p_vaddr);
	const char *from = bytes;
	size_t begin = 0, end;
	int r = 0;

	while (!r && begin < size) {
		while (begin < size && is_zero(from + begin))
			begin += CORE_PAGE;
		for (end = begin; end < size && !is_zero(from + end);)
			end += CORE_PAGE;
		r = write_all(f->fd, from + begin, end - begin, at + begin);
		begin = end;
	}
	return r;
}

static void append(struct core_file *f, const void *bytes, size_t size)
{
	size_t padded = (size + 3) & ~(size_t)3;

	f->notes = must(realloc(f->notes, f->notes_size + padded + 1));
	memset(f->notes + f->notes_size, 0, padded);
	if (size)
		memcpy(f->notes + f->notes_size, bytes, size);
	f->notes_size += padded;
}

void core_file_note(struct core_file *f, const char *owner, uint32_t type, const void *bytes, size_t size)
{
	Elf64_Nhdr n = { .n_namesz = (Elf64_Word)strlen(owner) + 1, .n_descsz = (Elf64_Word)size, .n_type = type };

	append(f, &n, sizeof(n));
	append(f, owner, n.n_namesz);
	append(f, bytes, size);
}

/* Where there are more segments than the header can count, the first section tells. */
static int write_header(const struct core_file *f, uint64_t tables, uint64_t n)
{
	bool many = n >= PN_XNUM;
	Elf64_Ehdr e = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = MACHINE, .e_version = EV_CURRENT, .e_ehsize = sizeof(e),
		.e_phoff = tables, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = many ? PN_XNUM : (Elf64_Half)n
	};
	Elf64_Shdr count = { .sh_type = SHT_NULL, .sh_size = 1, .sh_info = (Elf64_Word)n };
	int r = 0;

	if (many) {
		e.e_shoff = tables + n * sizeof(Elf64_Phdr);
		e.e_shentsize = sizeof(count);
		e.e_shnum = 1;
		r = write_all(f->fd, &count, sizeof(count), e.e_shoff);
	}
	return r ? r : write_all(f->fd, &e, sizeof(e), 0);
}

int core_file_finish(struct core_file *f)
{
	Elf64_Phdr note = { .p_type = PT_NOTE, .p_offset = f->end, .p_filesz = f->notes_size, .p_align = 4 };
	uint64_t tables = (f->end + f->notes_size + 7) & ~7ULL;
	int r = write_all(f->fd, f->notes, f->notes_size, f->end);

	if (!r)
		r = write_all(f->fd, &note, sizeof(note), tables);
	if (!r)
		r = write_all(f->fd, f->segments, f->n * sizeof(*f->segments), tables + sizeof(note));
	return r ? r : write_header(f, tables, f->n + 1);
}
