/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"
#include "json/slots.h"

struct thing {
    struct str name;
    int64_t count;
    bool is_good;
};

static const struct json_slot slots[] = { JSON_TEXT(thing, "name", name), JSON_NUMBER(thing, "count", count),
                                          JSON_TRUTH(thing, "good", is_good), JSON_SLOTS_END };

/* Members without a place are counted. Errors of the reader are returned. */
static int read_thing(const char *json, struct thing *thing, unsigned *ret_unknown)
{
    char text[128];
    struct arena arena;
    struct json_reader reader;
    struct str key;
    bool more = false;
    arena_init(&arena, 4096);
    memcpy(text, json, strlen(json) + 1);
    json_reader_init(&reader, text, strlen(text), &arena);
    *ret_unknown = 0;
    json_object(&reader);
    while (json_member(&reader, &more, &key) == 0 && more)
        if (!json_read_slot(&reader, slots, thing, key)) {
            ++*ret_unknown;
            json_skip(&reader);
        }
    int r = json_end(&reader);
    assert_int_equal(thing->name.n, strlen("a cart"));
    arena_fini(&arena);
    return r;
}

static void test_members_find_their_places(void **state)
{
    (void)state;
    struct thing thing = { 0 };
    unsigned unknown;
    assert_int_equal(
        read_thing("{\"count\":-7,\"other\":{\"name\":1},\"name\":\"a cart\",\"good\":true}", &thing, &unknown), 0);
    assert_int_equal(thing.count, -7);
    assert_true(thing.is_good);
    assert_int_equal(unknown, 1);
}

static void test_values_of_another_type(void **state)
{
    (void)state;
    static const char *const wrong[] = { "{\"name\":\"a cart\",\"count\":\"7\"}", "{\"name\":\"a cart\",\"good\":1}",
                                         "{\"name\":\"a cart\",\"name\":7}" };
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        struct thing thing = { 0 };
        unsigned unknown;
        assert_int_not_equal(read_thing(wrong[i], &thing, &unknown), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_find_their_places),
        cmocka_unit_test(test_values_of_another_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
