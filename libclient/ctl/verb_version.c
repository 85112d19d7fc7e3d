// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl version: both sides, because they are installed apart. */
#include <json-c/json.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/text.h"

static void print_json(const struct hmm_table *t)
{
	struct json_object *o = must(json_object_new_object());

	json_object_object_add(o, "hmmctl", must(json_object_new_string(PACKAGE_VERSION)));
	json_object_object_add(o, "hmmd", t ? view_json_row(t, 0) : NULL);
	view_json_print(o, stdout);
}

int verb_version(struct ctl *c)
{
	struct hmm_table *t = NULL;
	int status;

	if (!c->json) {
		puts("hmmctl " PACKAGE_VERSION);
		fflush(stdout);
	}
	status = ctl_query(c, "version", NULL, &t);
	if (t && !hmm_table_rows(t))
		t = hmm_table_free(t);
	if (c->json)
		print_json(t);
	else if (t)
		view_line("hmmd {version}, pid {pid}, protocol {protocol_min} to {protocol_max}\n", t, 0,
			  stdout);
	hmm_table_free(t);
	return status;
}
