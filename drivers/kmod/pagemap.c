// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Struct pages for device memory
 *
 * Struct pages for device memory. Private memory takes a range of physical addresses that nothing
 * answers to: its pages are only names, the bytes are found by page number (memory.c). Coherent
 * memory has its own addresses and lies in the direct map.
 *
 * A page is told to be ours by its pagemap's operations, and its device by the pagemap's owner: one
 * pagemap per device, which stays until the device is destroyed.
 */
#include <linux/ioport.h>

#include "compat.h"
#include "device.h"

#ifdef HMMDEV_HAVE_FOLIO_FREE
static const struct dev_pagemap_ops hmmdev_pagemap_ops = {
	.folio_free = hmmdev_folio_free,
	.migrate_to_ram = hmmdev_fault,
#ifdef HMMDEV_HAVE_FOLIO_SPLIT_CB
	.folio_split = hmmdev_folio_split,
#endif
};
#else
static void hmmdev_page_free(struct page *page)
{
	hmmdev_folio_free(page_folio(page));
}

static const struct dev_pagemap_ops hmmdev_pagemap_ops = {
	.page_free = hmmdev_page_free,
	.migrate_to_ram = hmmdev_fault,
};
#endif

bool hmmdev_page_is_ours(const struct page *page)
{
	return (is_device_private_page(page) || is_device_coherent_page(page)) &&
	       page_pgmap(page)->ops == &hmmdev_pagemap_ops;
}

struct hmmdev_device *hmmdev_page_device(const struct page *page)
{
	return page_pgmap(page)->owner;
}

/* The addresses that the struct pages stand for. */
static int hmmdev_pagemap_place(struct hmmdev_device *dev, struct range *ret_range)
{
	if (dev->type == HMMDEV_TYPE_PRIVATE) {
		dev->pfns = request_free_mem_region(&iomem_resource, dev->bytes, "hmmdev");
		if (IS_ERR(dev->pfns))
			return PTR_ERR(dev->pfns);
		ret_range->start = dev->pfns->start;
	} else {
		ret_range->start = dev->phys;
	}
	ret_range->end = ret_range->start + dev->bytes - 1;
	return 0;
}

static void hmmdev_pagemap_unplace(struct hmmdev_device *dev)
{
	if (!IS_ERR_OR_NULL(dev->pfns))
		release_mem_region(dev->pfns->start, resource_size(dev->pfns));
	dev->pfns = NULL;
}

int hmmdev_pagemap_open(struct hmmdev_device *dev)
{
	struct dev_pagemap *pagemap = &dev->pagemap;
	bool private = dev->type == HMMDEV_TYPE_PRIVATE;
	int rc = hmmdev_pagemap_place(dev, &pagemap->range);
	void *mapped;

	if (rc) {
		hmmdev_pagemap_unplace(dev);
		return rc;
	}
	pagemap->type = private ? MEMORY_DEVICE_PRIVATE : MEMORY_DEVICE_COHERENT;
	pagemap->nr_range = 1;
	pagemap->ops = &hmmdev_pagemap_ops;
	pagemap->owner = dev;
	mapped = memremap_pages(pagemap, dev->nid);
	if (IS_ERR(mapped)) {
		hmmdev_pagemap_unplace(dev);
		return PTR_ERR(mapped);
	}
	dev->first_pfn = PHYS_PFN(pagemap->range.start);
	return 0;
}

void hmmdev_pagemap_close(struct hmmdev_device *dev)
{
	memunmap_pages(&dev->pagemap);
	hmmdev_pagemap_unplace(dev);
}
