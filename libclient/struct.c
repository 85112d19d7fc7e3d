// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Structs that start with their size. A program built against an older header has a shorter one:
 * what it does not know reads as 0. One built against a newer header may only use what this library
 * knows.
 */
#include <errno.h>
#include <string.h>

#include "libclient/client.h"

int struct_read(void *dst, size_t dst_size, const void *src)
{
	const unsigned char *from = src;
	size_t size;

	memcpy(&size, src, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	for (size_t i = dst_size; i < size; i++)
		if (from[i])
			return -EINVAL;
	memset(dst, 0, dst_size);
	memcpy(dst, src, size < dst_size ? size : dst_size);
	return 0;
}

int struct_write(void *dst, const void *src, size_t src_size)
{
	size_t size;

	memcpy(&size, dst, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	memcpy((char *)dst + sizeof(size), (const char *)src + sizeof(size),
	       (size < src_size ? size : src_size) - sizeof(size));
	return 0;
}
