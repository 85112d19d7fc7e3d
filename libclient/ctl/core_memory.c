// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes come through process_vm_readv(): a page that is away is a fault there like one of the program's own, which the
 * daemon answers, and what is in memory meanwhile may go. What the process never touched is not read, or it would
 * come to be; but holes of a shared file that has no name do, since nobody but root may ask which they are. A page that
 * this refuses, as one that the program itself may not read, is tried through /proc/PID/mem.
 */
#include "libclient/ctl/core_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libclient/ctl/text.h"

#define CHUNK (2ULL << 20)
#define PAGES (CHUNK / CORE_PAGE)
#define IN_PLACE (3ULL << 62)	/* of a word of pagemap: in memory, or in swap */

enum { TRIES = 4 };		/* of a page that was brought in and went away again */

enum want {
	WANT_NOTHING,	/* zeros */
	WANT_BYTES,
	WANT_LOST
};
enum kind {
	KIND_SKIP,	/* no memory of the process's */
	KIND_BARE,	/* a file says it, or nobody may */
	KIND_HEADER,	/* the same, but for the page that says which file it is */
	KIND_OWN,	/* zeros, but for what is there */
	KIND_WHOLE
};

struct copy {
	struct core_memory *memory;
	int pagemap, mem;
	unsigned char *buffer;		/* of CHUNK bytes */
	uint64_t words[PAGES];		/* of pagemap */
	enum want want[PAGES];
};

/* The first span that ends beyond the address, or NULL. */
static const struct core_span *span_after(const struct core_spans *s, uint64_t addr)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->spans[middle].end > addr)
			high = middle;
		else
			low = middle + 1;
	}
	return low < s->n ? &s->spans[low] : NULL;
}

static const struct core_span *span_at(const struct core_spans *s, uint64_t addr)
{
	const struct core_span *at = span_after(s, addr);

	return at && at->start <= addr ? at : NULL;
}

static bool is_managed(const struct core_memory *m, const struct core_area *a)
{
	const struct core_span *range = span_after(&m->ranges, a->start);

	return range && range->start < a->end;
}

static bool is_deleted(const struct core_area *a)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(a->path);

	return n >= sizeof(mark) - 1 && !strcmp(a->path + n - (sizeof(mark) - 1), mark);
}

static enum kind kind_of(const struct core_memory *m, const struct core_area *a)
{
	if (!strncmp(a->path, "[vvar", 5) || !strcmp(a->path, "[vsyscall]"))
		return KIND_SKIP;
	if (is_managed(m, a) || !strcmp(a->path, "[vdso]"))
		return KIND_WHOLE;
	if (a->unwanted || (a->shared && !is_deleted(a)))
		return KIND_BARE;
	if (a->shared)
		return KIND_WHOLE;
	if (!a->inode)
		return a->own || (a->flags & PF_R) ? KIND_OWN : KIND_BARE;
	return a->own || is_deleted(a) ? KIND_WHOLE : a->offset ? KIND_BARE : KIND_HEADER;
}

/* missing: it is something, and not to be had. */
static void leave_out(struct copy *c, uint64_t addr, uint64_t size, uint32_t flags, bool missing)
{
	core_file_add(c->memory->file, addr, size, flags, false);
	c->memory->missing += missing ? size : 0;
}

/* Whole pages, at least one; 0: nobody can read the first, -errno. */
static ssize_t fetch_once(struct copy *c, uint64_t addr, uint64_t size)
{
	struct iovec to = { c->buffer, size }, from = { (void *)(uintptr_t)addr, size };
	ssize_t n = process_vm_readv(c->memory->pid, &to, 1, &from, 1, 0);

	if (n < 0 && errno == ESRCH)
		return -ESRCH;
	if (n < CORE_PAGE)
		n = pread(c->mem, c->buffer, CORE_PAGE, (off_t)addr);
	return n < CORE_PAGE ? 0 : n - n % CORE_PAGE;
}

/* A program whose userfaultfd is for its own touches alone is not asked for pages by those of others. */
static ssize_t fetch(struct copy *c, uint64_t addr, uint64_t size)
{
	const struct core_memory *m = c->memory;
	ssize_t n = fetch_once(c, addr, size);

	for (unsigned int i = 0; i < TRIES && !n && span_at(&m->ranges, addr) && m->bring_in(m->userdata, addr); i++)
		n = fetch_once(c, addr, size);
	return n;
}

/* The program finds no more than we do at a page of a file that cannot be read: the file ends before. */
static bool is_beyond(const struct copy *c, const struct core_area *a, uint64_t addr)
{
	return a->inode && !span_at(&c->memory->ranges, addr);
}

static int copy_bytes(struct copy *c, const struct core_area *a, uint64_t addr, uint64_t end)
{
	while (addr < end) {
		ssize_t n = fetch(c, addr, end - addr);
		int r;

		if (n < 0)
			return (int)n;
		if (!n) {
			n = CORE_PAGE;
			leave_out(c, addr, CORE_PAGE, a->flags, !is_beyond(c, a, addr));
		} else {
			core_file_add(c->memory->file, addr, (uint64_t)n, a->flags, true);
			r = core_file_put(c->memory->file, addr, c->buffer, (size_t)n);
			c->memory->write_failed = r;
			if (r)
				return r;
		}
		addr += (uint64_t)n;
		atomic_fetch_add(&c->memory->seen, (uint64_t)n);
	}
	return 0;
}

static enum want want_of(const struct copy *c, enum kind kind, uint64_t addr, uint64_t word)
{
	const struct core_memory *m = c->memory;
	const struct core_span *touched;

	if (!span_at(&m->ranges, addr))
		return kind == KIND_WHOLE || (word & IN_PLACE) ? WANT_BYTES : WANT_NOTHING;
	touched = span_at(&m->touched, addr);
	if (!touched)
		return word & IN_PLACE ? WANT_BYTES : WANT_NOTHING;
	return touched->lost ? WANT_LOST : WANT_BYTES;
}

/* At most a chunk. */
static int copy_piece(struct copy *c, const struct core_area *a, enum kind kind, uint64_t addr, uint64_t end)
{
	size_t n = (size_t)((end - addr) / CORE_PAGE), last;
	ssize_t got = pread(c->pagemap, c->words, n * sizeof(c->words[0]), (off_t)(addr / CORE_PAGE * 8));
	int r = 0;

	if (got < 0)
		return -errno;
	if (got < (ssize_t)(n * sizeof(c->words[0])))
		return -ESRCH;	/* its address space has gone */
	for (size_t i = 0; i < n; i++)
		c->want[i] = want_of(c, kind, addr + i * CORE_PAGE, c->words[i]);
	for (size_t i = 0; i < n && !r; i = last) {
		uint64_t from = addr + i * CORE_PAGE, to;

		for (last = i + 1; last < n && c->want[last] == c->want[i];)
			last++;
		to = addr + last * CORE_PAGE;
		if (c->want[i] == WANT_BYTES)
			r = copy_bytes(c, a, from, to);
		else if (c->want[i] == WANT_LOST)
			leave_out(c, from, to - from, a->flags, true);
		else
			core_file_add(c->memory->file, from, to - from, a->flags, true);
	}
	atomic_fetch_add(&c->memory->seen, 1);
	return r;
}

static int copy_area(struct copy *c, const struct core_area *a)
{
	enum kind kind = kind_of(c->memory, a);
	uint64_t addr = a->start, end;
	int r = 0;

	if (kind == KIND_SKIP)
		return 0;
	if (kind == KIND_HEADER) {
		r = copy_bytes(c, a, addr, addr + CORE_PAGE);
		addr += CORE_PAGE;
		kind = KIND_BARE;
	}
	if (kind == KIND_OWN && !a->own)
		core_file_add(c->memory->file, addr, a->end - addr, a->flags, true);
	else if (kind == KIND_BARE && addr < a->end)
		core_file_add(c->memory->file, addr, a->end - addr, a->flags, false);
	else
		for (; addr < a->end && !r; addr = end) {
			end = (addr + CHUNK) & ~(CHUNK - 1);
			end = end < a->end ? end : a->end;
			r = copy_piece(c, a, kind, addr, end);
		}
	return r;
}

static int open_of(pid_t pid, const char *name, int *ret_fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int core_memory_copy(struct core_memory *m)
{
	struct copy *c = must(calloc(1, sizeof(*c)));
	int r;

	*c = (struct copy){ .memory = m, .pagemap = -1, .mem = -1, .buffer = must(malloc(CHUNK)) };
	r = open_of(m->pid, "pagemap", &c->pagemap);
	if (!r)
		r = open_of(m->pid, "mem", &c->mem);
	for (size_t i = 0; i < m->map->n && !r; i++)
		r = copy_area(c, &m->map->areas[i]);
	if (c->pagemap >= 0)
		close(c->pagemap);
	if (c->mem >= 0)
		close(c->mem);
	free(c->buffer);
	free(c);
	return r;
}
