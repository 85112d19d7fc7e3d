// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who survived (survivors.h). One daemon opens one backing and the next one keeps to it, so the first record
 * that is found speaks for all.
 */
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
	int pidfd;

	if (ledgerfile_open(&l, state_dir, client, &who))
		return;
	if (process_is(&who, &pidfd)) {
		if (ledgerfile_each_range(l, take_first, s) == 1)
			s->pid = who.pid;
		close(pidfd);
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

static void sweep(const char *state_dir, uint64_t client)
{
	struct ledger_identity who;
	int pidfd, rc;

	if (ledgerfile_peek(state_dir, client, &who))
		return;
	rc = process_look(&who, &pidfd);
	if (rc == PROCESS_E_ENDED)
		ledgerfile_unlink(state_dir, client);
	else if (!rc)
		close(pidfd);
}

void survivors_sweep(const char *state_dir)
{
	uint64_t *clients = NULL;
	size_t n = 0, i;

	if (ledgerfile_list(state_dir, &clients, &n) < 0)
		return;
	for (i = 0; i < n; i++)
		sweep(state_dir, clients[i]);
	free(clients);
}
