// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One table says for every kind of message who sends it, whether it is an event, how many
 * descriptors travel with it and which rules its fields obey. A kind that is not in the table does
 * not exist.
 */
#include <errno.h>

#include "proto/validate_field.h"

struct rule {
	const char *name;
	check_fn *check;	/* NULL: nothing but its presence matters */
	enum direction from;
	bool event;
	uint8_t fds_min, fds_max;
};

#define KIND(k) HMMD__MESSAGE__KIND_##k

static const struct rule rules[] = {
	[KIND(HELLO)] = { "Hello", check_hello, FROM_CLIENT, false, 0, 0 },
	[KIND(HELLO_REPLY)] = { "HelloReply", check_hello_reply, FROM_DAEMON, false, 0, 3 },
	[KIND(ATTACH_UFFD)] = { "AttachUffd", NULL, FROM_CLIENT, false, 1, 1 },
	[KIND(ATTACH_DRIVER)] = { "AttachDriver", NULL, FROM_CLIENT, false, 1, 1 },
	[KIND(ALLOC)] = { "Alloc", check_alloc, FROM_CLIENT, false, 0, 0 },
	[KIND(ALLOC_REPLY)] = { "AllocReply", check_alloc_reply, FROM_DAEMON, false, 0, 1 },
	[KIND(MAP_RANGE)] = { "MapRange", check_map_range, FROM_CLIENT, false, 0, 0 },
	[KIND(REGISTER)] = { "Register", check_register, FROM_CLIENT, false, 0, 0 },
	[KIND(REGISTER_REPLY)] = { "RegisterReply", check_register_reply, FROM_DAEMON,
				   false, 0, 0 },
	[KIND(FREE)] = { "Free", check_free, FROM_CLIENT, false, 0, 0 },
	[KIND(RESUME)] = { "Resume", check_resume, FROM_CLIENT, false, 0, HMM_LIMIT_FDS },
	[KIND(ADVISE)] = { "Advise", check_advise, FROM_CLIENT, false, 0, 0 },
	[KIND(MIGRATE)] = { "Migrate", check_migrate, FROM_CLIENT, false, 0, 0 },
	[KIND(PIN)] = { "Pin", check_pin, FROM_CLIENT, false, 0, 0 },
	[KIND(UNPIN)] = { "Unpin", check_unpin, FROM_CLIENT, false, 0, 0 },
	[KIND(EXCLUSIVE)] = { "Exclusive", check_exclusive, FROM_CLIENT, false, 0, 0 },
	[KIND(OP_STARTED)] = { "OpStarted", check_op_started, FROM_DAEMON, false, 0, 0 },
	[KIND(OP_DONE)] = { "OpDone", check_op_done, FROM_DAEMON, true, 0, 0 },
	[KIND(TIERS)] = { "Tiers", NULL, FROM_CLIENT, false, 0, 0 },
	[KIND(TIERS_REPLY)] = { "TiersReply", check_tiers_reply, FROM_DAEMON, false, 0, 0 },
	[KIND(QUERY)] = { "Query", check_query, FROM_CLIENT, false, 0, 0 },
	[KIND(QUERY_REPLY)] = { "QueryReply", check_query_reply, FROM_DAEMON, false, 0, 0 },
	[KIND(CONTROL)] = { "Control", check_control, FROM_CLIENT, false, 0, 0 },
	[KIND(SUBSCRIBE)] = { "Subscribe", NULL, FROM_CLIENT, false, 0, 0 },
	[KIND(PING)] = { "Ping", NULL, FROM_CLIENT, false, 0, 0 },
	[KIND(OK)] = { "Ok", NULL, FROM_DAEMON, false, 0, 0 },
	[KIND(ERROR)] = { "Error", check_error, FROM_DAEMON, false, 0, 0 },
	[KIND(ZAP)] = { "Zap", check_zap, FROM_DAEMON, true, 0, 0 },
	[KIND(ZAP_DONE)] = { "ZapDone", check_zap_done, FROM_CLIENT, true, 0, 0 },
	[KIND(MOVED)] = { "Moved", check_moved, FROM_DAEMON, true, 0, 0 },
	[KIND(LOST)] = { "Lost", check_lost, FROM_DAEMON, true, 0, 0 },
	[KIND(PRESSURE)] = { "Pressure", check_pressure, FROM_DAEMON, true, 0, 0 },
	[KIND(NOTICE)] = { "Notice", check_notice, FROM_DAEMON, true, 0, 0 },
};

/* NULL for a kind that does not exist. */
static const struct rule *rule_of(Hmmd__Message__KindCase kind)
{
	if ((size_t)kind >= sizeof(rules) / sizeof(rules[0]) || !rules[kind].name)
		return NULL;
	return &rules[kind];
}

const char *message_name(Hmmd__Message__KindCase kind)
{
	const struct rule *rule = rule_of(kind);

	return rule ? rule->name : "nothing";
}

int message_is_event(Hmmd__Message__KindCase kind)
{
	const struct rule *rule = rule_of(kind);

	return rule && rule->event;
}

static size_t hello_fds(const Hmmd__HelloReply *h)
{
	return !!(h->features & HMMD__FEATURE__FEATURE_LEDGER) +
	       !!(h->features & HMMD__FEATURE__FEATURE_UFFD_DEVICE) +
	       !!(h->features & HMMD__FEATURE__FEATURE_GATE);
}

static size_t resume_fds(const Hmmd__Resume *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_range; i++)
		n += r->range[i]->managed && !r->range[i]->same_file;
	return n;
}

void message_fds(const Hmmd__Message *m, size_t *ret_min, size_t *ret_max)
{
	const struct rule *rule = rule_of(m->kind_case);

	*ret_min = rule ? rule->fds_min : 0;
	*ret_max = rule ? rule->fds_max : 0;
	if (m->kind_case == KIND(HELLO_REPLY))
		*ret_min = *ret_max = hello_fds(m->hello_reply);
	else if (m->kind_case == KIND(RESUME))
		*ret_min = *ret_max = resume_fds(m->resume);
	else if (m->kind_case == KIND(ALLOC_REPLY))
		*ret_min = !m->alloc_reply->file;
}

int message_validate(const Hmmd__Message *m, enum direction from, size_t n_fds,
		     struct invalid *ret_why)
{
	const struct rule *rule = rule_of(m->kind_case);
	size_t min, max;

	if (!rule) {
		invalid_set(ret_why, ENOTSUP, "this kind of message is unknown here");
		return VALIDATE_E_KIND;
	}
	if (rule->from != from) {
		invalid_set(ret_why, EPROTO, "this side does not send this kind of message");
		return VALIDATE_E_DIRECTION;
	}
	if (rule->check && rule->check(m, ret_why))
		return VALIDATE_E_FIELD;
	message_fds(m, &min, &max);
	if (n_fds < min || n_fds > max) {
		invalid_set(ret_why, EBADF,
			    "too few or too many descriptors came with this message");
		return VALIDATE_E_FDS;
	}
	return 0;
}
