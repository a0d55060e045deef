/* SPDX-License-Identifier: Apache-2.0
 *
 * One edit of the registry; see edit.h. */
#include "registry/edit.h"

#include "base/mem.h"

void edit_begin(struct edit *edit, uint32_t epoch, bool solo)
{
    edit->epoch = epoch;
    edit->solo = solo;
    edit->failed = false;
    edit->made.n = edit->replaced.n = 0;
}

static bool edit_list_add(struct edit_list *list, void *item)
{
    if (list->n == list->size) {
        size_t size = list->size ? list->size * 2 : 64;
        void **items = mem_realloc(list->items, size * sizeof(*items));
        if (!items)
            return false;
        list->items = items;
        list->size = size;
    }
    list->items[list->n++] = item;
    return true;
}

void *edit_adopt(struct edit *edit, void *block)
{
    if (!block) {
        edit->failed = true;
        return NULL;
    }
    if (edit->solo)
        return block;
    if (!edit_list_add(&edit->made, block)) {
        edit->failed = true;
        mem_free(block);
        return NULL;
    }
    return block;
}

void *edit_alloc(struct edit *edit, size_t n)
{
    return edit_adopt(edit, mem_alloc(n));
}

void *edit_dup(struct edit *edit, const void *block, size_t n)
{
    return edit_adopt(edit, mem_dup(block, n));
}

void edit_replace(struct edit *edit, const void *block)
{
    void *old = (void *)(uintptr_t)block;

    if (!old)
        return;
    if (edit->solo)
        mem_free(old);
    else if (!edit_list_add(&edit->replaced, old))
        edit->failed = true;
}

void edit_finish(struct edit *edit, struct edit_list *ret_replaced)
{
    mem_free(edit->made.items);
    *ret_replaced = edit->replaced;
    edit->made = edit->replaced = (struct edit_list){ 0 };
}

void edit_abandon(struct edit *edit)
{
    edit_list_free(&edit->made);
    mem_free(edit->replaced.items);
    edit->replaced = (struct edit_list){ 0 };
}

void edit_list_free(struct edit_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct edit_list){ 0 };
}
