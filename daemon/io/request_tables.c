// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of a client's ledger come and go with what it has (request_tables.h), and so do records. Each is memory of the
 * state directory, charged to the user as long as it is there. A full state directory is found here, before
 * anything is stored, and never at the store.
 */
#include <errno.h>
#include <sys/mman.h>

#include "daemon/core/world.h"
#include "daemon/io/ledgerfile.h"
#include "daemon/io/request_tables.h"
#include "daemon/io/resume.h"
#include "daemon/io/state_dir.h"

enum { STEP = 8 /* tables at least that a file grows by: few calls, little that is not used */ };

/* What an earlier daemon granted is not refused to those that come back. 0 or SPACE_E_*. */
static int charge(struct space *s, uint64_t tables)
{
	uint64_t bytes = tables * LEDGER_TABLE_SIZE;

	if (s->recovering)
		charge_force(&s->tables, s->account, ACCOUNT_LEDGER, bytes);
	else if (!state_dir_has_room(s->world->config.state_dir, s->uid, bytes))
		return SPACE_E_STATE_FULL;
	else
		return space_ledger_take(s, bytes);
	return 0;
}

int request_records_begin(struct space *s)
{
	return state_dir_has_room(s->world->config.state_dir, s->uid, LEDGER_TABLE_SIZE) ? 0 : SPACE_E_STATE_FULL;
}

int request_records_end(struct space *s, int rc)
{
	if (rc)
		return rc == -ENOSPC || rc == -EDQUOT ? SPACE_E_STATE_FULL : rc;
	return space_records(s, ledgerfile_record_bytes(space_ledger(s)));
}

static int result(struct space *s, uint64_t tables, int rc)
{
	if (rc)
		space_ledger_give(s, tables * LEDGER_TABLE_SIZE);
	return rc == -ENOSPC || rc == -EDQUOT ? SPACE_E_STATE_FULL : rc == -EFBIG ? -ENOSPC : rc;
}

static int fill_one(struct space *s, struct ledgerfile *l)
{
	int rc = charge(s, 1);

	if (rc)
		return rc;
	rc = result(s, 1, ledgerfile_fill(l, radix_hollow(&s->mirror)));
	if (!rc)
		radix_fill(&s->mirror);
	return rc;
}

static int grow(struct space *s, struct ledgerfile *l, uint32_t tables)
{
	int rc = charge(s, tables);

	return rc ? rc : result(s, tables, ledgerfile_grow(l, tables));
}

int request_grow_tables(struct space *s)
{
	struct ledgerfile *l = space_ledger(s);
	uint32_t need = s->lacking ? s->lacking : 1, room = LEDGER_MAX_TABLES - ledgerfile_tables(l);
	int rc = 0;

	for (; need && radix_hollow(&s->mirror) && !rc; need--)
		rc = fill_one(s, l);
	if (rc || !need)
		return rc;
	rc = need < STEP && STEP < room ? grow(s, l, STEP) : -EAGAIN;
	if (rc)		/* what it must have is not refused for what it would be good to have */
		rc = grow(s, l, need);
	if (rc)
		return rc;
	radix_set_tables(&s->mirror, ledgerfile_tables(l));
	radix_set_tables(&s->owners, ledgerfile_tables(l));
	return 0;
}

static void empty_owners(struct space *s)
{
	uint32_t table;

	while ((table = radix_hollow_out(&s->owners)))
		madvise((void *)(s->owners.arena + (size_t)table * LEDGER_FANOUT), LEDGER_TABLE_SIZE, MADV_DONTNEED);
	while (radix_hollow(&s->owners))
		radix_fill(&s->owners);
}

void request_free_tables(struct space *s, uint32_t spare)
{
	struct ledgerfile *l = space_ledger(s);

	if (s->owners.free_tables > spare)
		empty_owners(s);
	while (s->mirror.free_tables > spare) {
		ledgerfile_empty(l, radix_hollow_out(&s->mirror));
		space_ledger_give(s, LEDGER_TABLE_SIZE);
	}
}
