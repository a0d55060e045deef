/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "api/error.h"

#define assert_error(error, literal)         \
    do {                                     \
        struct buf buf_;                     \
        buf_init(&buf_, 65536);              \
        error_render(&buf_, error);          \
        assert_str(buf_str(&buf_), literal); \
        buf_fini(&buf_);                     \
    } while (0)

static void renders_modelled_errors(void **state)
{
    (void)state;
    assert_error((&(struct api_error){ .id = ERROR_NAMESPACE_NOT_FOUND }),
                 "{\"__type\":\"NamespaceNotFound\",\"Message\":\"Namespace not found\"}");
    assert_error((&(struct api_error){ .id = ERROR_INVALID_INPUT, .message = STR("Value '\"'") }),
                 "{\"__type\":\"InvalidInput\",\"Message\":\"Value '\\\"'\"}");
    assert_error((&(struct api_error){ .id = ERROR_RESOURCE_NOT_FOUND, .message = STR("m") }),
                 "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"m\"}");
}

static void renders_the_extra_members_of_the_error(void **state)
{
    (void)state;
    struct api_error error = {
        .id = ERROR_SERVICE_ALREADY_EXISTS,
        .creator_request_id = STR("c"),
        .service_id = STR("srv-1"),
        .service_arn = STR("arn:1"),
        .namespace_id = STR("ns-1"),
        .duplicate_operation_id = STR("o"),
        .resource_name = STR("arn:2"),
    };
    assert_error(&error, "{\"__type\":\"ServiceAlreadyExists\",\"Message\":\"Service already exists.\","
                         "\"CreatorRequestId\":\"c\",\"ServiceArn\":\"arn:1\",\"ServiceId\":\"srv-1\"}");
    error.id = ERROR_NAMESPACE_ALREADY_EXISTS;
    error.creator_request_id = (struct str){ 0 };
    assert_error(&error, "{\"__type\":\"NamespaceAlreadyExists\",\"Message\":\"Namespace already exists.\","
                         "\"NamespaceId\":\"ns-1\"}");
    error.id = ERROR_DUPLICATE_REQUEST;
    error.message = STR("m");
    assert_error(&error, "{\"__type\":\"DuplicateRequest\",\"Message\":\"m\",\"DuplicateOperationId\":\"o\"}");
    error.id = ERROR_TOO_MANY_TAGS;
    assert_error(&error, "{\"__type\":\"TooManyTagsException\",\"Message\":\"m\",\"ResourceName\":\"arn:2\"}");
}

static void front_end_errors_say_message_in_lower_case(void **state)
{
    (void)state;
    assert_error((&(struct api_error){ .id = ERROR_SERIALIZATION, .message = STR("m") }),
                 "{\"__type\":\"SerializationException\",\"message\":\"m\"}");
    assert_error((&(struct api_error){ .id = ERROR_UNKNOWN_OPERATION }), "{\"__type\":\"UnknownOperationException\"}");
    assert_error((&(struct api_error){ .id = ERROR_THROTTLING }),
                 "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}");
}

static void has_names_and_statuses(void **state)
{
    (void)state;
    assert_str(error_name(ERROR_TOO_MANY_TAGS), "TooManyTagsException");
    assert_int_equal(error_status(ERROR_INTERNAL_FAILURE), 500);
    assert_int_equal(error_status(ERROR_SERVICE_UNAVAILABLE), 503);
    for (enum error_id id = 0; id < ERROR_COUNT; id++) {
        /* modelled errors first and always 400 */
        if (id > 0 && error_kind(id) == ERROR_MODELLED)
            assert_int_equal(error_kind(id - 1), ERROR_MODELLED);
        if (error_kind(id) == ERROR_MODELLED)
            assert_int_equal(error_status(id), 400);
        else
            assert_null(error_extra(id, 0));
        assert_null(error_extra(id, ERROR_MAX_EXTRAS));
    }
    assert_string_equal(error_extra(ERROR_SERVICE_ALREADY_EXISTS, 2)->name, "ServiceId");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_modelled_errors),
        cmocka_unit_test(renders_the_extra_members_of_the_error),
        cmocka_unit_test(front_end_errors_say_message_in_lower_case),
        cmocka_unit_test(has_names_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
