// SPDX-License-Identifier: LGPL-2.1-or-later
/* The notes that the kernel writes into its own core files, as far as a debugger asks for them. */
#include "libclient/ctl/core_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "libclient/ctl/text.h"

enum { REGISTERS = 64 * 1024, AUXV = 4096 };	/* bytes; the widest registers of a processor take a sixth of it */

static const struct {
	uint32_t type;
	const char *owner;
} register_sets[] = {
	{ NT_PRFPREG, "CORE" },
#if defined(__x86_64__)
	{ NT_X86_XSTATE, "LINUX" },
#elif defined(__aarch64__)
	{ NT_ARM_TLS, "LINUX" },
#endif
};

/* Of /proc/PID/NAME; what it begins with. */
static size_t read_proc(pid_t pid, const char *name, void *ret, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size);
	if (fd >= 0)
		close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static int note_thread(struct core_file *f, const struct tracee *t, const struct tracee_thread *thread, char *space)
{
	struct elf_prstatus s = { .pr_pid = thread->tid, .pr_pgrp = getpgid(t->pid), .pr_sid = getsid(t->pid) };
	size_t size = sizeof(s.pr_reg);
	int r = tracee_registers(thread, NT_PRSTATUS, &s.pr_reg, &size);

	if (r || size != sizeof(s.pr_reg))
		return r ? r : -EOPNOTSUPP;
	s.pr_cursig = (short)thread->signal;
	s.pr_info.si_signo = thread->signal;
	core_file_note(f, "CORE", NT_PRSTATUS, &s, sizeof(s));
	for (size_t i = 0; i < sizeof(register_sets) / sizeof(register_sets[0]); i++) {
		size = REGISTERS;
		if (!tracee_registers(thread, register_sets[i].type, space, &size))
			core_file_note(f, register_sets[i].owner, register_sets[i].type, space, size);
	}
	return 0;
}

static void note_process(struct core_file *f, pid_t pid)
{
	struct elf_prpsinfo p = { .pr_sname = 't', .pr_state = 't', .pr_pid = pid, .pr_pgrp = getpgid(pid), .pr_sid = getsid(pid) };
	char name[32] = "", arguments[sizeof(p.pr_psargs)] = "";
	size_t n = read_proc(pid, "cmdline", arguments, sizeof(arguments) - 1);

	for (size_t i = 0; i + 1 < n; i++)
		if (!arguments[i])
			arguments[i] = ' ';
	memcpy(p.pr_psargs, arguments, sizeof(p.pr_psargs));
	(void)read_proc(pid, "comm", name, sizeof(name) - 1);
	name[strcspn(name, "\n")] = '\0';
	memcpy(p.pr_fname, name, sizeof(p.pr_fname));
	core_file_note(f, "CORE", NT_PRPSINFO, &p, sizeof(p));
}

static void note_auxv(struct core_file *f, pid_t pid)
{
	char auxv[AUXV];
	size_t n = read_proc(pid, "auxv", auxv, sizeof(auxv));

	core_file_note(f, "CORE", NT_AUXV, auxv, n);
}

/* Which files are mapped where: count, page size, start, end and page of each, then the names. */
static void note_files(struct core_file *f, const struct core_map *map)
{
	uint64_t *numbers = must(malloc((2 + 3 * map->n) * sizeof(*numbers)));
	size_t n = 2, names = 0, size;
	char *all;

	for (size_t i = 0; i < map->n; i++)
		names += strlen(map->areas[i].path) + 1;
	all = must(malloc((2 + 3 * map->n) * sizeof(*numbers) + names));
	names = 0;
	for (size_t i = 0; i < map->n; i++) {
		if (!map->areas[i].inode)
			continue;
		numbers[n++] = map->areas[i].start;
		numbers[n++] = map->areas[i].end;
		numbers[n++] = map->areas[i].offset / CORE_PAGE;
	}
	numbers[0] = (n - 2) / 3;
	numbers[1] = CORE_PAGE;
	size = n * sizeof(*numbers);
	memcpy(all, numbers, size);
	for (size_t i = 0; i < map->n; i++)
		if (map->areas[i].inode)
			size += (size_t)(stpcpy(all + size, map->areas[i].path) - (all + size)) + 1;
	core_file_note(f, "CORE", NT_FILE, all, size);
	free(numbers);
	free(all);
}

/* A debugger takes the first thread for the one that it is about, and what is said of the process with it. */
int core_notes(struct core_file *f, const struct tracee *t, const struct core_map *map)
{
	char *space = must(malloc(REGISTERS));
	int r = 0;

	for (size_t i = 0; i < t->n && !r; i++) {
		r = note_thread(f, t, &t->threads[i], space);
		if (!i && !r) {
			note_process(f, t->pid);
			note_auxv(f, t->pid);
			note_files(f, map);
		}
	}
	free(space);
	return r;
}
