// SPDX-License-Identifier: LGPL-2.1-or-later
/* Cells of a listing by the name of their column, and as text for people. */
#include "libclient/ctl/view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/ctl/bytemap.h"
#include "libclient/ctl/format.h"
#include "libclient/ctl/text.h"

long table_column(const struct hmm_table *t, const char *name)
{
	for (size_t i = 0; i < hmm_table_columns(t); i++)
		if (strcmp(hmm_table_column_name(t, i), name) == 0)
			return (long)i;
	return -1;
}

int table_has(const struct hmm_table *t, size_t row, const char *name)
{
	long c = table_column(t, name);

	return c >= 0 && hmm_table_has(t, row, (size_t)c);
}

uint64_t table_number(const struct hmm_table *t, size_t row, const char *name)
{
	return table_has(t, row, name) ? hmm_table_number(t, row, (size_t)table_column(t, name)) : 0;
}

const char *table_text(const struct hmm_table *t, size_t row, const char *name)
{
	const char *text = NULL;

	if (table_has(t, row, name))
		text = hmm_table_text(t, row, (size_t)table_column(t, name));
	return text ? text : "";
}

static const char *number_shown(char *buf, enum hmm_unit unit, uint64_t n)
{
	switch (unit) {
	case HMM_UNIT_BYTES:
		return format_size(buf, n);
	case HMM_UNIT_BYTES_PER_SECOND:
		return strcat(format_size(buf, n), "/s");
	case HMM_UNIT_MICROSECONDS:
		return format_duration(buf, n);
	case HMM_UNIT_NANOSECONDS:
		return format_nanoseconds(buf, n);
	case HMM_UNIT_BOOL:
		return n ? "yes" : "no";
	case HMM_UNIT_PERCENT:
		snprintf(buf, FORMAT_MAX, "%" PRIu64 "%%", n);
		return buf;
	case HMM_UNIT_PER_SECOND:
		snprintf(buf, FORMAT_MAX, "%" PRIu64 "/s", n);
		return buf;
	case HMM_UNIT_ADDRESS:
		snprintf(buf, FORMAT_MAX, "0x%" PRIx64, n);
		return buf;
	default:
		snprintf(buf, FORMAT_MAX, "%" PRIu64, n);
		return buf;
	}
}

/* whole: what 100 per cent are, 0 to show sizes. A text that is no byte map is shown as it is. */
static char *map_shown(const char *text, uint64_t whole)
{
	struct bytemap_entry e;
	const char *cursor = text;
	char *shown = NULL, number[FORMAT_MAX];
	size_t size = 0;
	int r;
	FILE *out = must(open_memstream(&shown, &size));

	while ((r = bytemap_next(&cursor, &e)) == 0) {
		if (whole)
			snprintf(number, sizeof(number), "%" PRIu64 "%%", format_percent(e.bytes, whole));
		else
			format_size(number, e.bytes);
		fprintf(out, "%s%.*s %s", e.key > text ? ", " : "", (int)e.key_length, e.key, number);
	}
	fclose(out);
	if (r == BYTEMAP_END)
		return must(shown);
	free(shown);
	return must(strdup(text));
}

char *table_shown(const struct hmm_table *t, size_t row, const char *name, enum show show)
{
	long c = table_column(t, name);
	char buf[FORMAT_MAX];

	if (c < 0 || !hmm_table_has(t, row, (size_t)c))
		return must(strdup(""));
	if (bytemap_column(name))
		return map_shown(table_text(t, row, name),
				 show == SHOW_SHARE ? table_number(t, row, "used") : 0);
	if (show == SHOW_CLOCK)
		return must(strdup(format_clock(buf, table_number(t, row, name))));
	if (hmm_table_column_unit(t, (size_t)c) == HMM_UNIT_TEXT)
		return must(strdup(table_text(t, row, name)));
	return must(strdup(number_shown(buf, hmm_table_column_unit(t, (size_t)c),
					table_number(t, row, name))));
}
