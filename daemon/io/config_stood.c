// SPDX-License-Identifier: GPL-2.0-or-later
/* Where each section and key of a configuration stood, for what only the whole shows to be wrong. */
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_key.h"

/* Whether that is the place; key NULL: the section itself. */
static bool is_at(const struct config_stood *s, const struct config_place *place)
{
	if (s->place.part != place->part || s->place.index != place->index || !s->place.key != !place->key)
		return false;
	return !place->key || strcmp(s->place.key, place->key) == 0;
}

const struct config_stood *config_stood_find(const struct config_parser *p, const struct config_place *place)
{
	for (size_t i = p->n_stood; i > 0; i--)
		if (is_at(&p->stood[i - 1], place))
			return &p->stood[i - 1];
	return NULL;
}

const struct config_stood *config_stood_here(const struct config_parser *p, const char *key)
{
	const struct config_place place = { p->place.part, p->place.index, key };
	const struct config_stood *s = config_stood_find(p, &place);

	return s && s->file == p->file ? s : NULL;
}

/* Without memory for it a text has no line: no reason to refuse a configuration that may be right. */
void config_stood_add(struct config_parser *p, const char *key, bool wrong)
{
	struct config_stood *s = realloc(p->stood, (p->n_stood + 1) * sizeof(*s));

	if (!s)
		return;
	p->stood = s;
	s[p->n_stood++] = (struct config_stood){
		.place = { p->place.part, p->place.index, key }, .file = p->file, .line = p->line, .wrong = wrong
	};
}
