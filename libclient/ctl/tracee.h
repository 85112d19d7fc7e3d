/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that stands still: all of its threads are stopped by ptrace(2), as a debugger does it, so the kernel decides
 * who may. Should hmmctl end before it has let go, the kernel lets the threads go on. Only the thread that has stopped
 * them may call these.
 */
#ifndef HMMCTL_TRACEE_H
#define HMMCTL_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tracee_thread {
	pid_t tid;
	int signal;		/* it was about to get this one, and gets it when it goes on; 0: none */
	bool stopped;
};
struct tracee {
	pid_t pid;
	struct tracee_thread *threads;	/* the process's first one first */
	size_t n;
};

/* 0; -EPERM: not ours to stop; -ESRCH: it is gone; -ETIMEDOUT: a thread, *ret_thread, does not stop. */
int tracee_stop(struct tracee *t, pid_t pid, pid_t *ret_thread);
/* All go on. Also after an error; one that has not stopped is let go by the kernel when hmmctl ends. Harmless twice. */
void tracee_let_go(struct tracee *t);
/* A set of registers, NT_*, into at most *size bytes; *size is what it has. */
int tracee_registers(const struct tracee_thread *t, unsigned int set, void *ret, size_t *size);

#endif
