/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from other people's programs, made fit for a terminal and for JSON. */
#ifndef HMMCTL_TEXT_H
#define HMMCTL_TEXT_H

/* Ends hmmctl when there is no memory: it holds nothing that would need care. */
void *must(void *allocated);
/* Copies, with '?' for every byte that is no UTF-8. */
char *valid_text(const char *text);
/* The same, and '?' for everything that a terminal would obey. */
char *printable(const char *text);

#endif
