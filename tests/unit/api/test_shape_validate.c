/* SPDX-License-Identifier: Apache-2.0 */
#include "shape_fixture.h"

#define ATTR_KEY_RULES                                                                                   \
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must " \
    "have length greater than or equal to 0, Member must satisfy regular expression pattern: "           \
    "^[a-zA-Z0-9!-~]+$, Member must not be null]"
#define ATTR_VALUE_RULES                                                                                   \
    "Map value must satisfy constraint: [Member must have length less than or equal to 1024, Member must " \
    "have length greater than or equal to 0, Member must satisfy regular expression pattern: "             \
    "^([a-zA-Z0-9!-~][ \\ta-zA-Z0-9!-~]*){0,1}[a-zA-Z0-9!-~]{0,1}$, Member must not be null]"

static int validate(struct shape_fixture *fixture, const char *json)
{
    assert_int_equal(fixture_decode(fixture, json), 0);
    return shape_validate(fixture->op->input, fixture->in, &fixture->message);
}

static const struct {
    const char *op, *json, *message; /* NULL: valid */
} texts[] = {
    { "GetNamespace", "{}",
      "1 validation error detected: Value null at 'id' failed to satisfy constraint: Member must not be null" },
    { "GetNamespace", "{\"Id\":\"\"}", NULL },
    { "ListNamespaces", "{}", NULL },
    { "ListNamespaces", "{\"MaxResults\":1}", NULL },
    { "ListNamespaces", "{\"MaxResults\":100}", NULL },
    { "ListNamespaces", "{\"MaxResults\":101}",
      "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have "
      "value "
      "less than or equal to 100" },
    { "ListNamespaces", "{\"MaxResults\":-9223372036854775808}",
      "1 validation error detected: Value '-9223372036854775808' at 'maxResults' failed to satisfy constraint: "
      "Member "
      "must have value greater than or equal to 1" },
    { "CreateService", "{\"Name\":\"web\",\"Type\":\"DNS\"}",
      "1 validation error detected: Value 'DNS' at 'type' failed to satisfy constraint: Member must satisfy enum "
      "value set: [HTTP]" },
    { "CreateService",
      "{\"Name\":\"web\",\"DnsConfig\":{\"DnsRecords\":[{\"Type\":\"A\",\"TTL\":1},"
      "{\"Type\":\"MX\",\"TTL\":-1}]}}",
      "2 validation errors detected: Value 'MX' at 'dnsConfig.dnsRecords.2.member.type' failed to satisfy "
      "constraint: "
      "Member must satisfy enum value set: [SRV, A, AAAA, CNAME]; Value '-1' at "
      "'dnsConfig.dnsRecords.2.member.tTL' "
      "failed to satisfy constraint: Member must have value greater than or equal to 0" },
    { "CreateService", "{\"Name\":\"web\",\"DnsConfig\":{}}",
      "1 validation error detected: Value null at 'dnsConfig.dnsRecords' failed to satisfy constraint: Member must "
      "not be null" },
    { "CreateHttpNamespace", "{\"Name\":\"arn:a\",\"Tags\":[{\"Key\":\"\",\"Value\":\"\"},{\"Key\":\"k\"}]}",
      "3 validation errors detected: Value 'arn:a' at 'name' failed to satisfy constraint: Member must satisfy "
      "regular "
      "expression pattern: ^(?!arn:)[!-~]{1,1024}$; Value '' at 'tags.1.member.key' failed to satisfy constraint: "
      "Member must have length greater than or equal to 1; Value null at 'tags.2.member.value' failed to satisfy "
      "constraint: Member must not be null" },
    { "CreatePrivateDnsNamespace", "{\"Name\":\"a\",\"Vpc\":\"v\",\"Properties\":{\"DnsProperties\":{\"SOA\":{}}}}",
      "1 validation error detected: Value null at 'properties.dnsProperties.sOA.tTL' failed to satisfy constraint: "
      "Member must not be null" },
    { "RegisterInstance", "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Attributes\":{\"ok\":\"\",\"my key\":\"v\"}}",
      "1 validation error detected: Value '{my key=v}' at 'attributes' failed to satisfy "
      "constraint: " ATTR_KEY_RULES },
    { "RegisterInstance", "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Attributes\":{\"a\":null,\"b\":\" x\"}}",
      "1 validation error detected: Value '{a=null}' at 'attributes' failed to satisfy "
      "constraint: " ATTR_VALUE_RULES },
    { "RegisterInstance", "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Attributes\":{\"\":\"\\n\"}}",
      "2 validation errors detected: Value '{=?}' at 'attributes' failed to satisfy constraint: " ATTR_KEY_RULES
      "; Value '{=?}' at 'attributes' failed to satisfy constraint: " ATTR_VALUE_RULES },
    { "RegisterInstance", "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Attributes\":{}}", NULL },
    { "RegisterInstance", "{\"ServiceId\":\"s\",\"InstanceId\":\"a b\"}",
      "2 validation errors detected: Value 'a b' at 'instanceId' failed to satisfy constraint: Member must satisfy "
      "regular expression pattern: ^[0-9a-zA-Z_/:.@-]+$; Value null at 'attributes' failed to satisfy constraint: "
      "Member must not be null" },
    { "UpdateServiceAttributes", "{\"ServiceId\":\"s\",\"Attributes\":{}}",
      "1 validation error detected: Value '{}' at 'attributes' failed to satisfy constraint: Member must have "
      "length "
      "greater than or equal to 1" },
    { "DeleteServiceAttributes", "{\"ServiceId\":\"s\",\"Attributes\":[]}",
      "1 validation error detected: Value '[]' at 'attributes' failed to satisfy constraint: Member must have "
      "length "
      "greater than or equal to 1" },
    { "UntagResource", "{\"ResourceARN\":\"a\",\"TagKeys\":[\"a\",null,\"\"]}",
      "2 validation errors detected: Value null at 'tagKeys.2.member' failed to satisfy constraint: Member must "
      "not "
      "be null; Value '' at 'tagKeys.3.member' failed to satisfy constraint: Member must have length greater than "
      "or "
      "equal to 1" },
    { "TagResource", "{\"ResourceARN\":\"a\",\"Tags\":[null]}",
      "2 validation errors detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must "
      "not "
      "be null; Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null" },
    { "UpdateInstanceCustomHealthStatus", "{\"ServiceId\":\"s\",\"InstanceId\":\"i\",\"Status\":\"healthy\"}",
      "1 validation error detected: Value 'healthy' at 'status' failed to satisfy constraint: Member must satisfy "
      "enum value set: [HEALTHY, UNHEALTHY]" },
};

static void says_what_aws_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        struct shape_fixture f;
        fixture_init(&f, texts[i].op);
        assert_int_equal(validate(&f, texts[i].json), texts[i].message ? SHAPE_INVALID : 0);
        buf_put_char(&f.message, '\0');
        assert_string_equal(f.message.p, texts[i].message ? texts[i].message : "");
        fixture_fini(&f);
    }
}

/* OwnerAccount has exactly 12 characters, whatever they weigh. */
static void lengths_are_code_points(void **state)
{
    (void)state;
    struct shape_fixture f;
    fixture_init(&f, "GetOperation");
    assert_int_equal(validate(&f, "{\"OperationId\":\"o\",\"OwnerAccount\":\"123456789012\"}"), 0);
    assert_int_equal(validate(&f, "{\"OperationId\":\"o\",\"OwnerAccount\":\"\\u20ac23456789012\"}"), 0);
    assert_int_equal(validate(&f, "{\"OperationId\":\"o\",\"OwnerAccount\":\"\\ud83d\\ude0023456789012\"}"), 0);
    assert_int_equal(validate(&f, "{\"OperationId\":\"o\",\"OwnerAccount\":\"\\u20ac2345678901\"}"), SHAPE_INVALID);
    assert_int_equal(validate(&f, "{\"OperationId\":\"o\",\"OwnerAccount\":\"\\u20ac\\u20ac\\u20ac\\u20ac\"}"),
                     SHAPE_INVALID);
    fixture_fini(&f);
}

/* Description: at most 1024. */
static void counts_at_the_bound(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *letter = i ? "\xc3\xa4" : "a";
        for (int n = 1023; n <= 1025; n++) {
            struct shape_fixture f;
            struct buf json;
            buf_init(&json, 65536);
            buf_printf(&json, "{\"Name\":\"a\",\"Description\":\"");
            for (int k = 0; k < n; k++)
                buf_put_str(&json, str_of(letter));
            buf_printf(&json, "\"}");
            fixture_init(&f, "CreateHttpNamespace");
            assert_int_equal(fixture_decode_bytes(&f, json.p, json.n), 0);
            assert_int_equal(shape_validate(f.op->input, f.in, &f.message), n > 1024 ? SHAPE_INVALID : 0);
            /* the echo is cut */
            assert_true(f.message.n < 500);
            fixture_fini(&f);
            buf_fini(&json);
        }
    }
}

static void lists_twenty_and_counts_all(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct buf json;
    buf_init(&json, 65536);
    buf_printf(&json, "{\"ResourceARN\":\"a\",\"TagKeys\":[\"\"");
    for (int i = 1; i < 201; i++)
        buf_printf(&json, ",\"\"");
    buf_printf(&json, "]}");
    fixture_init(&f, "UntagResource");
    assert_int_equal(fixture_decode_bytes(&f, json.p, json.n), 0);
    assert_int_equal(shape_validate(f.op->input, f.in, &f.message), SHAPE_INVALID);
    buf_put_char(&f.message, '\0');
    /* 201 empty keys, and one list that is too long */
    const char *begin = "202 validation errors detected: Value '[, , ";
    assert_memory_equal(f.message.p, begin, strlen(begin));
    assert_non_null(strstr(f.message.p,
                           ", ...]' at 'tagKeys' failed to satisfy constraint: Member must have length less "
                           "than or equal to 200; Value '' at 'tagKeys.1.member'"));
    assert_non_null(strstr(f.message.p, "'tagKeys.19.member'"));
    assert_null(strstr(f.message.p, "'tagKeys.20.member'"));
    buf_fini(&json);
    fixture_fini(&f);
}

static void a_full_message_is_no_harm(void **state)
{
    (void)state;
    struct shape_fixture f;
    struct buf small;
    buf_init(&small, 40);
    fixture_init(&f, "GetNamespace");
    assert_int_equal(fixture_decode(&f, "{}"), 0);
    assert_int_equal(shape_validate(f.op->input, f.in, &small), SHAPE_INVALID);
    assert_true(small.failed);
    buf_fini(&small);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_aws_says),        cmocka_unit_test(lengths_are_code_points),
        cmocka_unit_test(counts_at_the_bound),       cmocka_unit_test(lists_twenty_and_counts_all),
        cmocka_unit_test(a_full_message_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
