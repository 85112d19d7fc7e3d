/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a managed range is still the library's mapping: a program may have unmapped or mapped over a part. */
#ifndef HMM_LIBCLIENT_OWN_H
#define HMM_LIBCLIENT_OWN_H

#include <stddef.h>
#include <stdint.h>

struct hmm_range;

/*
 * Of [off, end) of the range the first piece that is its window of its file, by offsets: *ret_end is where it
 * ends, the result where it begins; end: there is none. maps: of mapping_open(); where that failed nobody can look,
 * and all of it is taken for ours.
 */
size_t own_next(int maps, const struct hmm_range *r, size_t off, size_t end, size_t *ret_end);
/* Unregisters and unmaps what is ours of a range; one that was not mapped has nothing. */
void own_remove(const struct hmm_range *r);

#endif
