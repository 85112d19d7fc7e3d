// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who survived (survivors.h). One daemon opens one backing and the next one keeps to it, so the first record
 * that is found speaks for all. Of whom cannot be told whether it lives, or what it has, counts as living.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/io/ledgerfile.h"
#include "daemon/io/resume_own.h"
#include "daemon/io/survivors.h"

static int take_first(void *userdata, const struct range_record *rec)
{
	struct survivors *s = userdata;

	s->backing = rec->backing;
	return 1;
}

static void look(const char *state_dir, uint64_t client, struct survivors *s)
{
	struct ledger_identity who;
	struct ledgerfile *l;
	int rc = ledgerfile_open(&l, state_dir, client, &who);

	if (rc) {
		if (rc < 0 && rc != -ENOENT && !process_owner_ended(state_dir, client))
			snprintf(s->who, sizeof(s->who), "the program of %" PRIu64 ".ledger", client);
		return;
	}
	if (process_may_live(&who) && ledgerfile_each_range(l, take_first, s) == 1) {
		s->pid = who.pid;
		snprintf(s->who, sizeof(s->who), "pid %d", (int)who.pid);
	}
	ledgerfile_close(l);
}

int survivors_find(const char *state_dir, struct survivors *ret)
{
	uint64_t *clients = NULL;
	size_t n = 0, i;
	int rc = ledgerfile_list(state_dir, &clients, &n);

	*ret = (struct survivors){ 0 };
	for (i = 0; i < n && !ret->pid; i++)
		look(state_dir, clients[i], ret);
	free(clients);
	return rc;
}

void survivors_sweep(const char *state_dir)
{
	uint64_t *clients = NULL;
	size_t n = 0, i;

	if (ledgerfile_list(state_dir, &clients, &n) < 0)
		return;
	for (i = 0; i < n; i++)
		if (process_owner_ended(state_dir, clients[i]))
			ledgerfile_unlink(state_dir, clients[i]);
	free(clients);
}
