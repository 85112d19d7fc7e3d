// SPDX-License-Identifier: LGPL-2.1-or-later
/* The shortest program that uses hmmd; README shows it as it stands here. */
#include <hmmclient.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	const size_t size = 64 << 20;
	struct hmm_client *client = NULL;
	struct hmm_range *range;
	int r = hmm_client_new(&client, NULL);

	if (r < 0)
		fprintf(stderr, "hello: %s (is hmmd running?)\n", strerror(-r));
	if (r == 0)
		r = hmm_alloc(client, size, NULL, &range);
	if (r == 0) {
		memset(hmm_range_addr(range), '!', size);		/* memory like any other */
		r = hmm_range_migrate(range, 0, 0, "memory", 0, NULL);	/* out to a device */
		printf("hello%c\n", ((char *)hmm_range_addr(range))[size / 2]);	/* a touch brings it back */
	}
	if (r < 0 && client)
		fprintf(stderr, "hello: %s: %s\n", strerror(-r), hmm_client_last_error(client));
	hmm_client_unref(client);
	return r < 0;
}
