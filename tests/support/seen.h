/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events that a test of coming back looks at, counted. */
#ifndef HMMD_TESTS_SUPPORT_SEEN_H
#define HMMD_TESTS_SUPPORT_SEEN_H

#include <stdatomic.h>

#include <hmmclient.h>

struct seen {
	_Atomic unsigned int reconnected, lost;
};

/* An hmm_event_fn; userdata is a struct seen. */
static inline void seen_note(struct hmm_client *c, const struct hmm_event *e, void *userdata)
{
	struct seen *s = (struct seen *)userdata;

	(void)c;
	atomic_fetch_add(&s->reconnected, e->type == HMM_EVENT_RECONNECTED);
	atomic_fetch_add(&s->lost, e->type == HMM_EVENT_LOST);
}

#endif
