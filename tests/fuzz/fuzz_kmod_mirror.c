// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first byte says how many levels the mirror has; then seven bytes are an operation: a code,
 * and page, length and value of two bytes each.
 */
#include <stdio.h>

#include "tests/unit/kmod/mirror_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mirror_model m;

static u32 number(const uint8_t *data)
{
	return data[0] | (u32)data[1] << 8;
}

static const char *run(const uint8_t *data, size_t size)
{
	const char *wrong = NULL;

	for (; !wrong && size >= 7; data += 7, size -= 7) {
		struct mirror_model_args a = {
			.page = number(data + 1),
			.length = number(data + 3),
			.value = number(data + 5),
		};

		wrong = mirror_model_step(&m, (enum mirror_model_op)(data[0] % MIRROR_OPS), a);
	}
	return wrong ? wrong : mirror_model_compare(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *wrong;

	if (!size)
		return 0;
	wrong = mirror_model_start(&m, data[0] % 2 ? 57 : 48);
	if (!wrong)
		wrong = run(data + 1, size - 1);
	if (wrong) {
		fprintf(stderr, "not so: %s\n", wrong);
		abort();
	}
	mirror_model_end(&m);
	return 0;
}
