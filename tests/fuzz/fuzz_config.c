// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration parser over any bytes, as one file and as a file with a drop-in. It answers yes, or
 * no with a text that begins with the file's name; what it takes must not make the checks stumble.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config;
static struct config_report report;

static int parse(struct config_parser *p, const uint8_t *data, size_t size)
{
	int r = config_parse(p, "fuzz.conf", (const char *)data, size);

	if (r && (!report.errors.n || strncmp(report.errors.text, "fuzz.conf:", 10) != 0))
		abort();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_parser p;
	char text[256];

	config_defaults(&config);
	config_parser_init(&p, &config, &report);
	if (!parse(&p, data, size / 2) && !parse(&p, data + size / 2, size - size / 2) && !config_parse_end(&p))
		config_check(&config, text, sizeof(text));
	config_parser_done(&p);

	config_defaults(&config);
	config_parser_init(&p, &config, &report);
	if (!parse(&p, data, size) && !config_parse_end(&p))
		config_check(&config, text, sizeof(text));
	config_parser_done(&p);
	return 0;
}
