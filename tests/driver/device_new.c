// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: device_new {private SIZE | coherent SIZE}...
 *
 * Makes devices, in that order, and prints their numbers. Sizes in bytes, or with a suffix of K or M.
 * Coherent ones lie in the memory that was reserved at boot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/driver/device.h"

static uint64_t size_of(const char *text)
{
	char *suffix;
	uint64_t size = strtoull(text, &suffix, 0);

	return *suffix == 'M' ? size * MiB : *suffix == 'K' ? size * KiB : size;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc % 2 == 0) {
		fprintf(stderr, "usage: device_new {private SIZE | coherent SIZE}...\n");
		return 2;
	}
	for (int i = 1; i < argc; i += 2) {
		uint64_t bytes = size_of(argv[i + 1]);

		printf("%u\n", strcmp(argv[i], "coherent") ? device_private(bytes) : device_coherent(bytes));
	}
	return 0;
}
