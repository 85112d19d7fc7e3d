// SPDX-License-Identifier: GPL-2.0-or-later
/* Four bytes are an operation on the blocks of a device: a code, and an argument of three bytes. */
#include <stdio.h>

#include "tests/unit/kmod/block_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct block_model m;
	const char *wrong = block_model_start(&m);

	for (; !wrong && size >= 4; data += 4, size -= 4) {
		u32 arg = data[1] | (u32)data[2] << 8 | (u32)data[3] << 16;

		wrong = block_model_step(&m, (enum block_model_op)(data[0] % BLOCK_OPS), arg);
	}
	if (wrong) {
		fprintf(stderr, "not so: %s\n", wrong);
		abort();
	}
	block_model_end(&m);
	return 0;
}
