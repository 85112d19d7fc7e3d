// SPDX-License-Identifier: GPL-2.0-or-later
/* The naive ring. */
#include "tests/unit/kmod/ring_model.h"

#define NEED(condition) do { if (!(condition)) return #condition; } while (0)

static struct hmmdev_event *newest(struct ring_model *m)
{
	return m->used ? &m->list[m->used - 1] : NULL;
}

static void append(struct ring_model *m, struct hmmdev_event event, u64 seq)
{
	event.seq = seq;
	event.len = sizeof(event);
	event.reserved = 0;
	m->list[m->used++] = event;
}

/* Equal in all that joining leaves alone. */
static bool alike(struct hmmdev_event a, struct hmmdev_event b)
{
	a.ts_ns = b.ts_ns = 0;
	a.addr = b.addr = 0;
	a.size = b.size = 0;
	a.seq = b.seq = 0;
	a.len = b.len = 0;
	a.reserved = b.reserved = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static bool join(struct hmmdev_event *to, const struct hmmdev_event *event)
{
	u64 end = event->addr + event->size, to_end;

	if (!to || event->type != HMMDEV_EVENT_INVALIDATE || !alike(*to, *event))
		return false;
	to_end = to->addr + to->size;
	if (event->addr > to_end || to->addr > end)
		return false;
	to->addr = event->addr < to->addr ? event->addr : to->addr;
	to->size = (end > to_end ? end : to_end) - to->addr;
	return true;
}

static int push(struct ring_model *m, const struct hmmdev_event *event)
{
	bool exit = event->type == HMMDEV_EVENT_MM_EXIT;

	if (m->ended)
		return HMMDEV_RING_E_ENDED;
	if (join(newest(m), event))
		return HMMDEV_RING_E_JOINED;
	m->ended = exit;
	if (exit || m->used + 2 < m->count) {
		append(m, *event, m->seq++);
		return 0;
	}
	if (!newest(m) || newest(m)->type != HMMDEV_EVENT_OVERFLOW)
		append(m, (struct hmmdev_event){ .type = HMMDEV_EVENT_OVERFLOW, .nid = -1 }, 0);
	newest(m)->arg++;
	newest(m)->seq = m->seq++;
	newest(m)->ts_ns = event->ts_ns;
	m->lost++;
	return HMMDEV_RING_E_LOST;
}

const char *ring_model_push(struct ring_model *m, const struct hmmdev_event *event)
{
	int want = push(m, event);

	NEED(hmmdev_ring_push(m->real, event) == want);
	NEED(hmmdev_ring_count(m->real) == m->used);
	NEED(hmmdev_ring_lost(m->real) == m->lost);
	return NULL;
}

static const char *continues(struct ring_model *m, const struct hmmdev_event *e)
{
	bool overflow = e->type == HMMDEV_EVENT_OVERFLOW;

	NEED(e->seq + 1 == m->popped + (overflow ? e->arg : 1));
	NEED(e->len == sizeof(*e));
	m->popped = e->seq + 1;
	return NULL;
}

const char *ring_model_pop(struct ring_model *m, u32 max)
{
	struct hmmdev_event got[RING_MODEL_MAX];
	u32 want = max < m->used ? max : m->used, i;

	NEED(hmmdev_ring_pop(m->real, got, max) == want);
	NEED(!memcmp(got, m->list, want * sizeof(got[0])));
	for (i = 0; i < want; i++) {
		const char *wrong = continues(m, &got[i]);

		if (wrong)
			return wrong;
	}
	m->used -= want;
	memmove(m->list, m->list + want, m->used * sizeof(m->list[0]));
	NEED(hmmdev_ring_count(m->real) == m->used);
	return NULL;
}

const char *ring_model_start(struct ring_model *m, u32 count)
{
	memset(m, 0, sizeof(*m));
	m->count = count;
	NEED(!hmmdev_ring_new(count, &m->real));
	return NULL;
}

void ring_model_end(struct ring_model *m)
{
	hmmdev_ring_free(m->real);
}
