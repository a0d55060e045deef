/* SPDX-License-Identifier: Apache-2.0
 *
 * What the registry reads back from the store: the first line of the input is the key, the rest the record. A key that
 * is accepted is the one that is written for what it says; a record that is accepted is encoded to a text that is
 * accepted, and encoded to the same text again. Every decoder gets every input. */
#include "fuzz_target.h"

#include "base/mem.h"
#include "registry/change.h"
#include "registry/record.h"

#define TEXT_MAX ((size_t)64 << 20)

static void check_key(struct str text)
{
    char again[RECORD_MAX_KEY];
    struct record_key key;
    if (record_parse_key(text, &key))
        return;
    FUZZ_CHECK(str_eq((struct str){ again, record_format_key(&key, again) }, text));
}

/* Decodes into the arena and, when it is such a record, encodes what came out. Returns whether it was. */
typedef bool copy_fn(struct str text, struct arena *arena, struct buf *ret_text);

/* Decoders write into their input. */
static char *scratch(struct str text, struct arena *arena)
{
    char *copy = arena_alloc(arena, text.n);
    FUZZ_CHECK(copy);
    memcpy(copy, text.p, text.n);
    return copy;
}

static bool copy_namespace(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct namespace ns;
    if (record_decode_namespace(scratch(text, arena), text.n, arena, &ns))
        return false;
    struct namespace *block = namespace_dup(&ns);
    FUZZ_CHECK(block);
    record_encode_namespace(ret_text, block);
    mem_free(block);
    return true;
}

static bool copy_service(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct service service;
    uint64_t revision;
    if (record_decode_service(scratch(text, arena), text.n, arena, &service, &revision))
        return false;
    const struct service *block = service_copy(arena, &service);
    FUZZ_CHECK(block);
    record_encode_service(ret_text, block, revision);
    return true;
}

static bool copy_instance(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct instance_draft draft;
    struct tenure tenure;
    if (record_decode_instance(scratch(text, arena), text.n, arena, &draft, &tenure))
        return false;
    struct instance *instance = instance_new(&draft);
    FUZZ_CHECK(instance);
    FUZZ_CHECK(instance_has_attributes(instance, draft.attributes, draft.n_attributes));
    record_encode_instance(ret_text, instance, &tenure);
    mem_free(instance);
    return true;
}

static bool copy_operations(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct operation *operations;
    size_t n;
    if (record_decode_operations(scratch(text, arena), text.n, arena, &operations, &n))
        return false;
    const struct operation **pointers = ARENA_ARRAY(arena, const struct operation *, n + 1);
    FUZZ_CHECK(pointers);
    for (size_t i = 0; i < n; i++)
        pointers[i] = &operations[i];
    record_encode_operations(ret_text, pointers, n);
    return true;
}

static bool copy_access_key(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct access_key key;
    if (record_decode_access_key(scratch(text, arena), text.n, arena, &key))
        return false;
    struct access_key *block = access_key_dup(&key);
    FUZZ_CHECK(block);
    record_encode_access_key(ret_text, block);
    mem_free(block);
    return true;
}

static bool copy_identity(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct identity identity;
    if (record_decode_identity(scratch(text, arena), text.n, arena, &identity))
        return false;
    struct identity *block = identity_dup(&identity);
    FUZZ_CHECK(block);
    record_encode_identity(ret_text, block);
    mem_free(block);
    return true;
}

static bool copy_change(struct str text, struct arena *arena, struct buf *ret_text)
{
    struct change change;
    if (change_decode(scratch(text, arena), text.n, arena, &change))
        return false;
    change_encode(ret_text, &change);
    return true;
}

static void check_record(copy_fn *copy, struct str text)
{
    struct buf first, second;
    struct arena arena;
    arena_init(&arena, TEXT_MAX);
    buf_init(&first, TEXT_MAX);
    buf_init(&second, TEXT_MAX);
    if (copy(text, &arena, &first)) {
        FUZZ_CHECK(!first.failed);
        FUZZ_CHECK(copy(buf_str(&first), &arena, &second));
        FUZZ_CHECK(str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static copy_fn *const copies[] = { copy_namespace,  copy_service,  copy_instance, copy_operations,
                                       copy_access_key, copy_identity, copy_change };
    struct str all = { (const char *)data, n };
    struct str key = { all.p, str_find_char(all, '\n') };
    struct str record = str_skip(all, key.n < n ? key.n + 1 : n);
    if (record.n > (1 << 20))
        return 0;
    check_key(key);
    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
        check_record(copies[i], record);
    return 0;
}
