/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An intrusive doubly linked list; a head is a list_node that points to itself. */
#ifndef HMMD_BASE_LIST_H
#define HMMD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *prev, *next;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define LIST_EACH(pos, head)                                                                       \
	for (struct list_node *pos = (head)->next; pos != (head); pos = pos->next)
#define LIST_EACH_SAFE(pos, next_, head)                                                           \
	for (struct list_node *pos = (head)->next, *next_ = pos->next; pos != (head);              \
	     pos = next_, next_ = pos->next)

static inline void list_init(struct list_node *head)
{
	head->prev = head->next = head;
}

static inline bool list_empty(const struct list_node *head)
{
	return head->next == head;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* The node points to itself afterwards, so removing twice is harmless. */
static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
