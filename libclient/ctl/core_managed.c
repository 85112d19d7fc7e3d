// SPDX-License-Identifier: LGPL-2.1-or-later
/* The listings of ranges and of pages, and the request for a page that cannot be read where it is. */
#include "libclient/ctl/core_managed.h"

#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/text.h"

#define WAIT_US 10000000ULL	/* for one huge page: as long as a thread of the process is waited for */

static int by_address(const void *a, const void *b)
{
	const struct core_span *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Adopted ranges are memory of the process's own, in this as in everything. */
static void take_spans(const struct hmm_table *t, struct core_spans *ret)
{
	free(ret->spans);
	*ret = (struct core_spans){ .spans = must(calloc(hmm_table_rows(t) + 1, sizeof(*ret->spans))) };
	for (size_t row = 0; row < hmm_table_rows(t); row++) {
		uint64_t start = table_number(t, row, "addr");

		if (!start || !strcmp(table_text(t, row, "kind"), "adopted"))
			continue;
		ret->spans[ret->n++] = (struct core_span){
			.start = start, .end = start + table_number(t, row, "size"),
			.lost = !strcmp(table_text(t, row, "state"), "lost")
		};
	}
	qsort(ret->spans, ret->n, sizeof(*ret->spans), by_address);
}

static int ask(struct ctl *c, const char *topic, const char *pid, struct core_spans *ret)
{
	struct hmm_table *t;
	int status = ctl_query(c, topic, pid, &t);

	if (status != CTL_DONE)
		return status;
	take_spans(t, ret);
	hmm_table_free(t);
	return CTL_DONE;
}

static bool find_memory(struct hmm_client *client, char *ret, size_t size)
{
	struct hmm_table *t;
	bool found = false;

	if (hmm_query(client, "tiers", NULL, &t) < 0)
		return false;
	for (size_t row = 0; row < hmm_table_rows(t) && !found; row++)
		found = !strcmp(table_text(t, row, "kind"), "numa") && strlen(table_text(t, row, "name")) < size &&
			strcpy(ret, table_text(t, row, "name"));
	hmm_table_free(t);
	return found;
}

static bool bring_in(void *userdata, uint64_t addr)
{
	struct hmm_control control = HMM_CONTROL_INIT;
	struct ctl *c = userdata;
	struct hmm_op *op = NULL;
	char tier[32];
	int r;

	if (!find_memory(c->client, tier, sizeof(tier)))
		return false;
	control.verb = HMM_CONTROL_MIGRATE;
	control.pid = atoi(c->word[0]);
	control.addr = addr & ~(hmm_huge_page_size(c->client) - 1);
	control.end = control.addr + hmm_huge_page_size(c->client);
	control.tier = tier;
	r = hmm_control(c->client, &control, &op);
	if (!r && op)
		r = hmm_op_wait(op, WAIT_US);
	hmm_op_unref(op);
	return !r;
}

int core_managed_ask(struct ctl *c, const char *pid, struct core_memory *m)
{
	int status = ask(c, "ranges", pid, &m->ranges);

	if (status == CTL_DONE)
		status = ask(c, "pages", pid, &m->touched);
	m->bring_in = bring_in;
	m->userdata = c;
	return status;
}

void core_managed_free(struct core_memory *m)
{
	free(m->ranges.spans);
	free(m->touched.spans);
}
