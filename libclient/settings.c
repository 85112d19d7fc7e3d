// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a program says about ranges when it makes them. One copy serves all ranges of a call, and is
 * kept because a daemon that comes back is told again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/client.h"
#include "proto/validate_field.h"

_Static_assert(VALIDATE_RANGE_FLAGS == HMM_RANGE_PINNED,
	       "proto/ bounds the same flags");
_Static_assert((int)VALIDATE_ADVICE_LAST == (int)HMM_ADVICE_LAZY, "proto/ bounds the same advice");
_Static_assert((int)VALIDATE_VERB_LAST == (int)HMM_CONTROL_RELOAD, "proto/ bounds the same verbs");

static const char *given(const char *s)
{
	return s ? s : "";
}

/* Appends a string to the text; returns where it starts. */
static char *keep(char **end, const char *s)
{
	char *start = *end;
	size_t size = strlen(s) + 1;

	memcpy(start, s, size);
	*end += size;
	return start;
}

static bool fits(const char *s, size_t most)
{
	return strnlen(given(s), most + 1) <= most;
}

/* What cannot be kept; everything else is for the rules of the wire to say. */
static const char *wrong_with(const struct hmm_range_options *o)
{
	if (o->reserved)
		return "options.reserved is not 0";
	if (!fits(o->name, HMM_LIMIT_NAME))
		return "options.name is longer than 63 bytes";
	if (!fits(o->policy, HMM_LIMIT_NAME))
		return "options.policy is longer than 63 bytes";
	return fits(o->prefer, HMM_LIMIT_TIER_NAME) ? NULL : "options.prefer is longer than 31 bytes";
}

int range_settings_new(struct hmm_client *c, const struct hmm_range_options *opts, struct range_settings **ret)
{
	struct hmm_range_options o = { 0 };
	struct range_settings *s;
	const char *wrong;
	char *end;

	if (opts && struct_read(&o, sizeof(o), opts) < 0)
		wrong = "options.size is not what HMM_RANGE_OPTIONS_INIT sets, or they use what this library does not know";
	else
		wrong = wrong_with(&o);
	if (wrong) {
		client_refused(c, wrong);
		return -EINVAL;
	}
	s = malloc(sizeof(*s) + strlen(given(o.name)) + strlen(given(o.policy)) +
		   strlen(given(o.prefer)) + 3);
	if (!s)
		return -ENOMEM;
	*s = (struct range_settings){ .users = 1, .flags = o.flags };
	end = s->text;
	s->name = keep(&end, given(o.name));
	s->policy = keep(&end, given(o.policy));
	s->prefer = keep(&end, given(o.prefer));
	*ret = s;
	return 0;
}

struct range_settings *range_settings_unref(struct range_settings *s)
{
	if (s && --s->users == 0)
		free(s);
	return NULL;
}

bool range_settings_equal(const struct range_settings *a, const struct range_settings *b)
{
	return a == b || (a->flags == b->flags && strcmp(a->name, b->name) == 0 &&
			  strcmp(a->policy, b->policy) == 0 && strcmp(a->prefer, b->prefer) == 0);
}

void range_settings_pack(const struct range_settings *s, Hmmd__RangeOptions *ret)
{
	hmmd__range_options__init(ret);
	ret->name = s->name;
	ret->policy = s->policy;
	ret->prefer = s->prefer;
	ret->flags = s->flags;
}
