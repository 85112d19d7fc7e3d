// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asking for a listing and showing it: the whole of most verbs. */
#include <json-c/json.h>
#include <stdbool.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/text.h"

int ctl_query(struct ctl *c, const char *topic, const char *arg, struct hmm_table **ret)
{
	int r, status = ctl_open(c);

	if (status != CTL_DONE)
		return status;
	r = hmm_query(c->client, topic, arg, ret);
	return r < 0 ? ctl_refused(c, r) : CTL_DONE;
}

void ctl_print_json(const char *name, struct json_object *value)
{
	struct json_object *o = must(json_object_new_object());

	json_object_object_add(o, name, value);
	view_json_print(o, stdout);
}

/* An older daemon does not say it. */
static bool sees_own(struct ctl *c)
{
	struct hmm_table *t;
	bool own;

	if (hmm_query(c->client, "status", NULL, &t) < 0)
		return false;
	own = table_column(t, "sees_all") >= 0 && !table_number(t, 0, "sees_all");
	hmm_table_free(t);
	return own;
}

static void print(struct ctl *c, const struct view *v, const struct hmm_table *t)
{
	struct view own = *v;

	if (v->nothing_own && !hmm_table_rows(t) && sees_own(c))
		own.nothing = v->nothing_own;
	view_print(&own, t, stdout);
}

int ctl_list(struct ctl *c, const char *topic, const char *arg, const struct view *v)
{
	struct hmm_table *t;
	int status = ctl_query(c, topic, arg, &t);

	if (status != CTL_DONE)
		return status;
	if (c->json)
		ctl_print_json(topic, view_json(t));
	else
		print(c, v, t);
	hmm_table_free(t);
	return CTL_DONE;
}
