// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is left of a ledger (grave.h). A program that lives may still read the mapping that it has, and must find
 * zeros there and no SIGBUS, so its file keeps its length and only loses its memory; but reading the mapping of a
 * hole takes memory again. That is bounded by the length, so the length stays charged. A lease for writing is
 * granted only to one who alone has a file open: that is how the last reader's end is found. When the process
 * has ended the file is cut to nothing instead, whoever has got hold of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/daemon.h"
#include "daemon/io/grave.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/resume_own.h"

struct grave {
	struct list_node node;
	int fd, pidfd;		/* pidfd -1: not known yet */
	struct ledger_identity who;
	struct charge ledger;
};

static struct grave *grave_free(struct grave *g)
{
	list_remove(&g->node);
	charge_give(&g->ledger);
	if (g->pidfd >= 0)
		close(g->pidfd);
	close(g->fd);
	free(g);
	return NULL;
}

/* Not a word from a file system that knows no leases: then the end of the process counts. */
static bool only_ours(int fd)
{
	return fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
}

static bool has_ended(struct grave *g)
{
	if (g->pidfd >= 0)
		return process_ended(g->pidfd);
	return process_look(&g->who, &g->pidfd) == PROCESS_E_ENDED;
}

static bool is_over(struct grave *g)
{
	if (only_ours(g->fd))
		return true;
	return has_ended(g) && ftruncate(g->fd, 0) == 0;
}

void grave_dig(struct daemon *d, struct space *s)
{
	struct ledger_identity who;
	int fd = ledgerfile_bury(space_ledger(s), &who);
	struct grave *g = calloc(1, sizeof(*g));

	space_set_ledger(s, NULL);
	/* Without memory to remember it, nobody is charged for what little its readers still make of it. */
	if (!g) {
		close(fd);
		return;
	}
	*g = (struct grave){ .fd = fd, .pidfd = -1, .who = who };
	list_init(&g->node);
	charge_move(&g->ledger, &s->tables);
	if (is_over(g))
		grave_free(g);
	else
		list_append(&d->graves, &g->node);
}

void graves_look(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->graves) {
		struct grave *g = container_of(node, struct grave, node);

		if (is_over(g))
			grave_free(g);
	}
}

void graves_end(struct daemon *d)
{
	LIST_EACH_SAFE(node, next, &d->graves)
		grave_free(container_of(node, struct grave, node));
}
