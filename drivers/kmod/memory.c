// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: The memory behind device pages
 *
 * Where the bytes of a device are, and how they are copied. There are three sources:
 *	SYSRAM		2 MiB system pages, allocated once: taking, splitting and giving back device
 *			pages never touches the system's allocator;
 *	RESERVED	physical memory that the system leaves alone (memmap=, soft reserved);
 *	PCI		a BAR, mapped write-combined: it is filled in order and read rarely.
 * The map from a device page to its bytes is arithmetic and never changes. Coherent memory is found
 * in the direct map, as any system page. Copies survive broken memory: an error, not a crash.
 */
#include <linux/instrumented.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/pci.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#ifdef CONFIG_X86_64
#include <asm/asm.h>
#include <asm/cpufeature.h>
#endif

#include "compat.h"
#include "device.h"

#ifdef CONFIG_HIGHMEM
#error "every page has to lie in the direct map"
#endif

DEFINE_STATIC_SRCU(copies);	/* who copies; detaching waits for them */

static void hmmdev_backing_free(struct hmmdev_device *dev)
{
	u64 block;

	for (block = 0; block < dev->bytes / HMMDEV_HUGE_SIZE; block++)
		if (dev->backing[block])
			__free_pages(dev->backing[block], HMMDEV_HUGE_ORDER);
	kvfree(dev->backing);
	dev->backing = NULL;
}

static int hmmdev_backing_allocate(struct hmmdev_device *dev)
{
	gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	u64 block, blocks = dev->bytes / HMMDEV_HUGE_SIZE;

	dev->backing = kvcalloc(blocks, sizeof(*dev->backing), GFP_KERNEL);
	if (!dev->backing)
		return -ENOMEM;
	for (block = 0; block < blocks; block++) {
		dev->backing[block] = alloc_pages_node(dev->nid, gfp, HMMDEV_HUGE_ORDER);
		if (!dev->backing[block] || fatal_signal_pending(current)) {
			hmmdev_backing_free(dev);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* Of a BAR the PCI side has asked for the region already. */
static int hmmdev_reserved_claim(struct hmmdev_device *dev)
{
	if (dev->source != HMMDEV_SOURCE_RESERVED)
		return 0;
	return request_mem_region(dev->phys, dev->bytes, "hmmdev") ? 0 : -EBUSY;
}

static void hmmdev_reserved_release(struct hmmdev_device *dev)
{
	if (dev->source == HMMDEV_SOURCE_RESERVED)
		release_mem_region(dev->phys, dev->bytes);
}

int hmmdev_memory_open(struct hmmdev_device *dev)
{
	bool pci = dev->source == HMMDEV_SOURCE_PCI;
	int rc;

	if (dev->source == HMMDEV_SOURCE_SYSRAM)
		return hmmdev_backing_allocate(dev);
	rc = hmmdev_reserved_claim(dev);
	if (rc || dev->type == HMMDEV_TYPE_COHERENT)
		return rc;
	dev->memory = memremap(dev->phys, dev->bytes, pci ? MEMREMAP_WC : MEMREMAP_WB);
	if (dev->memory)
		return 0;
	hmmdev_reserved_release(dev);
	return -ENOMEM;
}

void hmmdev_memory_close(struct hmmdev_device *dev)
{
	if (dev->source == HMMDEV_SOURCE_SYSRAM)
		hmmdev_backing_free(dev);
	if (dev->memory)
		memunmap(dev->memory);
	dev->memory = NULL;
	hmmdev_reserved_release(dev);
}

static void *hmmdev_device_bytes(struct hmmdev_device *dev, u64 page)
{
	u64 offset = page * HMMDEV_PAGE_SIZE;

	if (READ_ONCE(dev->gone))
		return NULL;
	if (dev->source == HMMDEV_SOURCE_SYSRAM)
		return page_address(dev->backing[page / HMMDEV_HUGE_PAGES]) +
		       offset % HMMDEV_HUGE_SIZE;
	return dev->memory + offset;
}

void *hmmdev_page_bytes(struct page *page)
{
	struct hmmdev_device *dev;

	if (!hmmdev_page_is_ours(page) || is_device_coherent_page(page))
		return page_address(page);
	dev = hmmdev_page_device(page);
	return hmmdev_device_bytes(dev, page_to_pfn(page) - dev->first_pfn);
}

#ifdef CONFIG_X86_64
/*
 * copy_mc_to_kernel() goes by bytes where the processor says that it is fast at that. Words are as
 * fast there; but an emulated processor says so too, and takes a byte at a time. On metal the
 * kernel knows best which copies survive broken memory.
 */
static bool hmmdev_copies_by_words(void)
{
	return boot_cpu_has(X86_FEATURE_HYPERVISOR);
}

static unsigned long hmmdev_copy_words(void *dst, const void *src, unsigned long words)
{
	instrument_read(src, words * sizeof(u64));
	instrument_write(dst, words * sizeof(u64));
	asm volatile("1:	rep movsq\n2:\n"
		     _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_DEFAULT_MCE_SAFE)
		     : "+c" (words), "+D" (dst), "+S" (src) : : "memory");
	return words;
}
#else
static bool hmmdev_copies_by_words(void)
{
	return false;
}

static unsigned long hmmdev_copy_words(void *dst, const void *src, unsigned long words)
{
	return words;
}
#endif

/* How much was left when broken memory was met: 0 is all copied. */
static unsigned long hmmdev_copy_bytes(void *dst, const void *src, unsigned long bytes)
{
	if (hmmdev_copies_by_words())
		return hmmdev_copy_words(dst, src, bytes / sizeof(u64));
	return copy_mc_to_kernel(dst, src, bytes);
}

/*
 * Asked after each copy: a function may be pulled out, or cut off after an error, long before its
 * driver is told. What was read from it is then not what was written, and what was written has gone
 * nowhere. To ask takes a microsecond or two.
 */
static bool hmmdev_is_there(struct page *page)
{
	struct hmmdev_device *dev = hmmdev_page_is_ours(page) ? hmmdev_page_device(page) : NULL;

	if (!dev || !dev->function)
		return true;
	return !pci_channel_offline(dev->function) && pci_device_is_present(dev->function);
}

int hmmdev_copy(struct page *to, struct page *from, unsigned int order)
{
	int copy = srcu_read_lock(&copies), rc = -ENODEV;
	void *dst = hmmdev_page_bytes(to), *src = hmmdev_page_bytes(from);

	if (dst && src)
		rc = hmmdev_copy_bytes(dst, src, PAGE_SIZE << order) ? -EIO : 0;
	if (!rc && !(hmmdev_is_there(to) && hmmdev_is_there(from)))
		rc = -ENODEV;
	srcu_read_unlock(&copies, copy);
	return rc;
}

int hmmdev_clear(struct page *page, unsigned int order)
{
	int copy = srcu_read_lock(&copies), rc = -ENODEV;
	void *bytes = hmmdev_page_bytes(page);

	if (bytes) {
		memset(bytes, 0, PAGE_SIZE << order);
		rc = hmmdev_is_there(page) ? 0 : -ENODEV;
	}
	srcu_read_unlock(&copies, copy);
	return rc;
}

void hmmdev_memory_detach(struct hmmdev_device *dev)
{
	WRITE_ONCE(dev->gone, true);
	synchronize_srcu(&copies);
}
