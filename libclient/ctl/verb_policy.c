// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl policy list, show, set. The daemon lists a row per policy and key; the list turns that into
 * a line per policy, whatever keys this daemon's policies have.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/grid.h"
#include "libclient/ctl/text.h"

static const struct view_column columns[] = {
	{ "key", "KEY", SHOW_UNIT }, { "value", "VALUE", SHOW_UNIT },
	{ "settable", "SETTABLE", SHOW_UNIT }, { 0 }
};
static const struct view view = { columns, "no such policy", NULL };

/* Rows of one policy stand together. */
static size_t keys_of_first(const struct hmm_table *t)
{
	size_t n = 0;

	while (n < hmm_table_rows(t) &&
	       strcmp(table_text(t, n, "policy"), table_text(t, 0, "policy")) == 0)
		n++;
	return n;
}

static char *upper(const char *key)
{
	char *s = must(strdup(key));

	for (char *c = s; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c -= 'a' - 'A';
	return s;
}

static void print_list(const struct hmm_table *t)
{
	size_t keys = keys_of_first(t);
	struct grid *g;

	if (!keys) {
		puts("no policies");
		return;
	}
	g = grid_new(1 + keys);
	grid_head(g, 0, "POLICY", false);
	for (size_t k = 0; k < keys; k++) {
		char *head = upper(table_text(t, k, "key"));

		grid_head(g, 1 + k, head, false);
		free(head);
	}
	for (size_t row = 0; row + keys <= hmm_table_rows(t); row += keys) {
		grid_cell(g, table_text(t, row, "policy"));
		for (size_t k = 0; k < keys; k++)
			grid_cell(g, table_text(t, row + k, "value"));
	}
	grid_print(g, stdout);
	grid_free(g);
}

/* A figure in its unit, null for none; text where the daemon gives no figure. */
static struct json_object *json_value(const struct hmm_table *t, size_t row)
{
	static const char *const figures[] = { "bytes_per_second", "bytes", "time_us", "on", "number" };

	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (table_has(t, row, figures[i]))
			return view_json_cell(t, row, figures[i]);
	return strcmp(table_text(t, row, "value"), "none") == 0 ? NULL : json_text(table_text(t, row, "value"));
}

/* {"default": {"engine": "tiered", ...}, ...} */
static struct json_object *json_policies(const struct hmm_table *t)
{
	struct json_object *o = must(json_object_new_object()), *policy;

	for (size_t row = 0; row < hmm_table_rows(t); row++) {
		const char *name = table_text(t, row, "policy");

		if (!json_object_object_get_ex(o, name, &policy)) {
			policy = must(json_object_new_object());
			json_object_object_add(o, name, policy);
		}
		json_object_object_add(policy, table_text(t, row, "key"),
				       json_value(t, row));
	}
	return o;
}

static int list(struct ctl *c, const char *name)
{
	struct hmm_table *t;
	int status = ctl_query(c, "policies", name, &t);

	if (status != CTL_DONE)
		return status;
	if (c->json)
		ctl_print_json("policies", json_policies(t));
	else if (name)
		view_print(&view, t, stdout);
	else
		print_list(t);
	hmm_table_free(t);
	return CTL_DONE;
}

int verb_policy_list(struct ctl *c)
{
	return list(c, NULL);
}

int verb_policy_show(struct ctl *c)
{
	return list(c, c->word[0]);
}

int verb_policy_set(struct ctl *c)
{
	struct hmm_control control = HMM_CONTROL_INIT;
	const char *equals = strchr(c->word[1], '=');
	char *key;
	int status;

	if (!equals || equals == c->word[1])
		return ctl_usage(c, "'%.60s' is no KEY=VALUE", c->word[1]);
	key = must(strndup(c->word[1], (size_t)(equals - c->word[1])));
	control.verb = HMM_CONTROL_POLICY_SET;
	control.name = c->word[0];
	control.key = key;
	control.value = equals + 1;
	status = ctl_change(c, &control, "set; a reload goes back to what the configuration says");
	free(key);
	return status;
}
