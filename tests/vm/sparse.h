/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read by sparse before a module's sources: the packaged sparse is older than
 * what the headers of newer kernels use. It never generates code, so that only
 * the types of these have to be right, and the value for string literals.
 */
#define __typeof_unqual__ __typeof__
#define __builtin_strlen(s) (sizeof(s) - 1)
