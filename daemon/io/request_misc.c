// SPDX-License-Identifier: GPL-2.0-or-later
/* The small ones: Ping, Subscribe, ZapDone, Tiers. */
#include "daemon/io/daemon.h"
#include "daemon/io/reply.h"
#include "daemon/io/request.h"
#include "daemon/io/session_own.h"
#include "daemon/io/track.h"

void request_ping(struct request *q)
{
	reply_ok(q->session, q->id);
}

void request_subscribe(struct request *q)
{
	q->session->subscribed = true;
	reply_ok(q->session, q->id);
}

void request_zap_done(struct request *q)
{
	track_done(q->session, q->message->zap_done->zap);
}

static void fill_tier(Hmmd__Tier *m, struct tier *t)
{
	hmmd__tier__init(m);
	m->name = t->config.name;
	m->kind = t->config.kind;
	m->node = tier_is_resident(t) ? __builtin_ctzll(t->config.nodes) : -1;
	m->capacity = tier_capacity(t);
	m->used = tier_used(t);
	m->free = tier_free(t);
	m->read_bandwidth = t->read_bandwidth;
	m->read_latency_ns = t->read_latency_ns;
}

void request_tiers(struct request *q)
{
	struct world *w = q->daemon->world;
	Hmmd__TiersReply reply = HMMD__TIERS_REPLY__INIT;
	Hmmd__Tier tiers[HMM_LIMIT_TIERS], *list[HMM_LIMIT_TIERS];

	for (unsigned int i = 0; i < w->n_tiers; i++) {
		fill_tier(&tiers[i], &w->tiers[i]);
		list[i] = &tiers[i];
	}
	reply.n_tier = w->n_tiers;
	reply.tier = list;
	reply_message(q->session, q->id, HMMD__MESSAGE__KIND_TIERS_REPLY, &reply);
}
