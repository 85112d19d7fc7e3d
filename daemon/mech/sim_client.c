// SPDX-License-Identifier: GPL-2.0-or-later
/* The other side of mech_sim: failures on demand, the record of calls, and what a program would see. */
#include <string.h>

#include "daemon/mech/sim_own.h"

static int leave(struct sim *s, int r)
{
	pthread_mutex_unlock(&s->lock);
	return r;
}

void sim_fail(struct mech *m, enum sim_op op, unsigned int nth, int error)
{
	struct sim *s = sim_of(m);

	pthread_mutex_lock(&s->lock);
	s->fail_op = op;
	s->fail_nth = nth;
	s->fail_error = error;
	s->failed = false;
	pthread_mutex_unlock(&s->lock);
}

bool sim_failed(const struct mech *m)
{
	return sim_of(m)->failed;
}

unsigned int sim_calls(const struct mech *m, enum sim_op op)
{
	return sim_of(m)->calls[op];
}

void sim_hook(struct mech *m, enum sim_op op, void (*fn)(void *userdata), void *userdata)
{
	struct sim *s = sim_of(m);

	s->hook_op = op;
	s->hook_userdata = userdata;
	s->hook = fn;
}

/* The lock is held on return. */
static int touch(struct sim *s, const struct mech_page *p, size_t word, bool write, struct sim_page **ret)
{
	struct sim_page *page;

	pthread_mutex_lock(&s->lock);
	page = sim_page_of(s, p, false);
	if (page && page->poisoned)
		return SIM_E_POISONED;
	if (!page || !page->there[word * sizeof(uint64_t) / HALF])
		return SIM_E_MISSING;
	if (write && page->frozen)
		return SIM_E_PROTECTED;
	*ret = page;
	return 0;
}

int sim_read(struct mech *m, const struct mech_page *p, size_t word, uint64_t *ret)
{
	struct sim_page *page;
	int r = touch(sim_of(m), p, word, false, &page);

	if (!r)
		memcpy(ret, page->bytes + word * sizeof(*ret), sizeof(*ret));
	return leave(sim_of(m), r);
}

int sim_write(struct mech *m, const struct mech_page *p, size_t word, uint64_t value)
{
	struct sim_page *page;
	int r = touch(sim_of(m), p, word, true, &page);

	if (!r)
		memcpy(page->bytes + word * sizeof(value), &value, sizeof(value));
	return leave(sim_of(m), r);
}

bool sim_frozen(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;

	pthread_mutex_lock(&s->lock);
	page = sim_page_of(s, p, false);
	return leave(s, page && page->frozen);
}

unsigned int sim_pages(struct mech *m)
{
	struct sim *s = sim_of(m);
	unsigned int n = 0;

	pthread_mutex_lock(&s->lock);
	for (struct sim_page *p = s->pages; p; p = p->next)
		n += p->there[0] || p->there[1];
	pthread_mutex_unlock(&s->lock);
	return n;
}

void sim_tear(struct mech *m, const struct mech_page *p)
{
	struct sim *s = sim_of(m);
	struct sim_page *page;

	pthread_mutex_lock(&s->lock);
	page = sim_page_of(s, p, false);
	if (page)
		page->there[1] = false;
	pthread_mutex_unlock(&s->lock);
}
