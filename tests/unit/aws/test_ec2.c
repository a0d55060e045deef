/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "aws/ec2.h"
#include "base/mem.h"
#include "base/rand.h"
#include "fake_aws.h"

#include <errno.h>

#define CAP ((size_t)64 << 20)
#define HEAD                                                                  \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeInstancesResponse " \
    "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r-1</requestId>"
#define TAIL "</DescribeInstancesResponse>"
#define RESERVATION \
    "<reservationSet><item><reservationId>r</reservationId><ownerId>111122223333</ownerId><instancesSet>"
#define RESERVATION_END "</instancesSet></item></reservationSet>"
#define PAGE(items) HEAD RESERVATION items RESERVATION_END TAIL
#define PAGE_BEFORE(items, next) HEAD RESERVATION items RESERVATION_END "<nextToken>" next "</nextToken>" TAIL
#define STATE(word) "<instanceState><code>16</code><name>" word "</name></instanceState>"
#define INSTANCE(id, word, inner) "<item><instanceId>" id "</instanceId>" STATE(word) inner "</item>"
#define EMPTY HEAD "<reservationSet/>" TAIL

/* One of everything that is read, and names that must not be taken for it. */
#define FULL                                                                                                          \
    "<item><instanceId>i-0full</instanceId><imageId>ami-1</imageId>" STATE(                                           \
        "running") "<stateReason><code>x</code><message>terminated</message><name>terminated</name></stateReason>"    \
                   "<launchTime>2026-01-02T03:04:05.000Z</launchTime>"                                                \
                   "<placement><availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy></placement>" \
                   "<privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>198.51.100.1</ipAddress>"                 \
                   "<ipv6Address>2001:DB8:0:0:0:0:0:1</ipv6Address>"                                                  \
                   "<tagSet><item><key>instanceState</key><value>terminated</value></item>"                           \
                   "<item><key>Name</key><value>web &lt;1&gt;</value></item></tagSet>"                                \
                   "<networkInterfaceSet><item><privateIpAddress>10.0.0.1</privateIpAddress><privateIpAddressesSet>"  \
                   "<item><privateIpAddress>10.0.0.1</privateIpAddress><primary>true</primary>"                       \
                   "<association><publicIp>198.51.100.1</publicIp></association></item>"                              \
                   "<item><privateIpAddress>10.0.0.2</privateIpAddress>"                                              \
                   "<association><publicIp>198.51.100.2</publicIp><carrierIp>203.0.113.2</carrierIp></association></" \
                   "item>"                                                                                            \
                   "</privateIpAddressesSet><association><publicIp>198.51.100.3</publicIp><carrierIp>203.0.113.3</"   \
                   "carrierIp>"                                                                                       \
                   "<customerOwnedIp>203.0.113.4</customerOwnedIp></association>"                                     \
                   "<ipv6AddressesSet><item><ipv6Address>fe80:0::00ff</ipv6Address><isPrimaryIpv6>true</"             \
                   "isPrimaryIpv6></item>"                                                                            \
                   "<item><ipv6Address>2001:db8::1</ipv6Address></item></ipv6AddressesSet></item></"                  \
                   "networkInterfaceSet>"                                                                             \
                   "<unknownSet><item><instanceId>i-0no</instanceId><privateIpAddress>10.9.9.9</privateIpAddress>"    \
                   "<instanceState><name>terminated</name></instanceState></item></unknownSet></item>"

static const struct ec2_query everything = { .ids = NULL };

struct fixture {
    struct aws_client *client;
    struct ec2_listing listing;
    struct aws_error error;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){ .client = fake_aws_new() };
    ec2_listing_init(&f->listing, CAP);
}

static void teardown(struct fixture *f)
{
    fake_aws_free(f->client);
    ec2_listing_fini(&f->listing);
}

static int read_text(struct fixture *f, struct str xml, struct str *ret_next)
{
    return ec2_read_page(xml.p, xml.n, &everything, &f->listing, ret_next, &f->error);
}

static void reads_an_instance(void **state)
{
    (void)state;
    struct fixture f;
    struct str next = STR("x");
    static const char *const addresses[] = { "10.0.0.1",     "10.0.0.2",    "198.51.100.1", "198.51.100.2",
                                             "198.51.100.3", "203.0.113.2", "203.0.113.3",  "203.0.113.4",
                                             "2001:db8::1",  "fe80::ff" };
    setup(&f);
    assert_int_equal(read_text(&f, STR(PAGE(FULL)), &next), 0);
    assert_false(str_is_set(next));
    assert_int_equal(f.listing.n_instances, 1);
    const struct ec2_instance *instance = &f.listing.instances[0];
    assert_str(instance->id, "i-0full");
    assert_str(instance->zone, "us-east-1a");
    assert_int_equal(instance->state, EC2_RUNNING);
    assert_int_equal(instance->launch_ms, INT64_C(1767323045000));
    assert_int_equal(instance->n_addresses, TEST_COUNT(addresses));
    for (size_t i = 0; i < TEST_COUNT(addresses); i++) {
        assert_true(str_eq(instance->addresses[i], str_of(addresses[i])));
        assert_true(ec2_has_address(instance, str_of(addresses[i])));
    }
    assert_str(f.listing.account, "111122223333");
    assert_false(f.listing.has_strangers);
    teardown(&f);
}

/* Nothing of one instance, tag or reservation is left to the next. */
static void starts_anew(void **state)
{
    (void)state;
    struct fixture f;
    struct str next;
    setup(&f);
    assert_int_equal(read_text(&f, STR(PAGE(FULL INSTANCE("i-2", "stopped", ""))), &next), 0);
    const struct ec2_instance *instance = &f.listing.instances[1];
    assert_str(instance->id, "i-2");
    assert_int_equal(instance->state, EC2_STOPPED);
    assert_false(str_is_set(instance->zone));
    assert_int_equal(instance->launch_ms, 0);
    assert_int_equal(instance->n_addresses, 0);
    assert_int_equal(read_text(&f, STR(PAGE(FULL "<item><instanceId>i-2</instanceId></item>")), &next), AWS_ODD);
    assert_int_equal(read_text(&f, STR(PAGE(FULL "<item>" STATE("running") "</item>")), &next), AWS_ODD);
    assert_int_equal(read_text(&f,
                               STR(HEAD "<reservationSet><item><ownerId>1</ownerId><instancesSet/></item>"
                                        "<item><instancesSet/></item></reservationSet>" TAIL),
                               &next),
                     AWS_ODD);
    assert_int_equal(read_text(&f,
                               STR(HEAD "<reservationSet><item><ownerId>1</ownerId><instancesSet/></item>"
                                        "<item><ownerId>1</ownerId></item></reservationSet>" TAIL),
                               &next),
                     AWS_ODD);
    teardown(&f);
}

static void compares_addresses(void **state)
{
    (void)state;
    struct fixture f;
    struct str next;
    static const char *const own[] = { "fe80::ff", "FE80::FF", "fe80:0:0:0:0:0:0:ff", "fe80:0000::0.0.0.255" };
    static const char *const foreign[] = {
        "",           "10.0.0.3",          "10.0.0.1 ",
        " 10.0.0.1",  "010.0.0.1",         "10.0.0.01",
        "10.0.1",     "0xa.0.0.1",         "::ffff:10.0.0.1",
        "fe80::ff%1", "fe80::ff/64",       "[fe80::ff]",
        "fe80::fff",  "10.0.0.1,10.0.0.2", "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222:3333"
    };
    setup(&f);
    assert_int_equal(read_text(&f, STR(PAGE(FULL)), &next), 0);
    for (size_t i = 0; i < TEST_COUNT(own); i++)
        assert_true(ec2_has_address(&f.listing.instances[0], str_of(own[i])));
    for (size_t i = 0; i < TEST_COUNT(foreign); i++)
        assert_false(ec2_has_address(&f.listing.instances[0], str_of(foreign[i])));
    assert_false(ec2_has_address(&f.listing.instances[0], STR("10.0.0.1\0")));
    assert_false(ec2_has_address(&f.listing.instances[0], (struct str){ 0 }));
    teardown(&f);
}

static void knows_states(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum ec2_state state;
        bool is_dead;
    } cases[] = {
        { "pending", EC2_PENDING, false },
        { "running", EC2_RUNNING, false },
        { "stopping", EC2_STOPPING, false },
        { "stopped", EC2_STOPPED, false },
        { "shutting-down", EC2_SHUTTING_DOWN, true },
        { "terminated", EC2_TERMINATED, true },
        { "unknown", EC2_STATE_UNKNOWN, false },
        { "Terminated", EC2_STATE_UNKNOWN, false },
        { " terminated", EC2_STATE_UNKNOWN, false },
        { "hibernated", EC2_STATE_UNKNOWN, false },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        assert_int_equal(ec2_state_of(str_of(cases[i].word)), cases[i].state);
        assert_int_equal(ec2_is_dead(cases[i].state), cases[i].is_dead);
        if (cases[i].state != EC2_STATE_UNKNOWN)
            assert_string_equal(ec2_state_text(cases[i].state), cases[i].word);
    }
    assert_true(ec2_is_id(STR("i-0123456789abcdef0")));
    assert_false(ec2_is_id(STR("i-")));
    assert_false(ec2_is_id(STR("i-1 ")));
    assert_false(ec2_is_id(STR("i-*")));
    assert_false(ec2_is_id(STR("ii-1")));
    assert_false(ec2_is_id(STR("")));
    assert_false(ec2_is_id((struct str){ 0 }));
}

/* A page that ends anywhere before its last byte is no page. */
static void refuses_every_cut(void **state)
{
    (void)state;
    static const char page[] = PAGE_BEFORE(FULL INSTANCE("i-2", "terminated", ""), "t");
    for (size_t n = 0; n < sizeof(page) - 1; n++) {
        struct fixture f;
        struct str next;
        setup(&f);
        char *cut = mem_dup(page, n); /* of this size, so that a read beyond it is seen */
        assert_int_equal(read_text(&f, (struct str){ cut, n }, &next), AWS_ODD);
        mem_free(cut);
        teardown(&f);
    }
}

static void refuses_what_is_odd(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "null",
        "{}",
        TAIL,
        HEAD TAIL,
        "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>",
        "<DescribeInstancesResponse><requestId/><reservationSet/></DescribeInstancesResponse>",
        "<Response><Errors><Error><Code>InternalError</Code></Error></Errors><RequestID>r</RequestID></Response>",
        "<DescribeInstanceStatusResponse><requestId>r</requestId><reservationSet/></DescribeInstanceStatusResponse>",
        EMPTY EMPTY,
        EMPTY "x",
        HEAD "<reservationSet/><reservationSet/>" TAIL,
        HEAD "<reservationSet><item><ownerId>1</ownerId></item></reservationSet>" TAIL,
        HEAD "<reservationSet><item><instancesSet/></item></reservationSet>" TAIL,
        HEAD "<reservationSet><item><ownerId/><instancesSet/></item></reservationSet>" TAIL,
        PAGE("<item/>"),
        PAGE("<item><instanceId>i-1</instanceId></item>"),
        PAGE("<item><instanceId>i-1</instanceId><instanceState/></item>"),
        PAGE("<item><instanceId>i-1</instanceId><instanceState><code>16</code></instanceState></item>"),
        PAGE("<item><instanceId>i-1</instanceId><instanceState><name/></instanceState></item>"),
        PAGE("<item>" STATE("running") "</item>"),
        PAGE("<item><x><instanceId>i-1</instanceId></x>" STATE("running") "</item>"),
        PAGE(INSTANCE("", "running", "")),
        PAGE(INSTANCE("i-1 ", "running", "")),
        PAGE(INSTANCE("x-1", "running", "")),
        PAGE(INSTANCE("i-0123456789012345678901234567890123456789012345678901234567890123456789", "running", "")),
        PAGE(INSTANCE("i-1", "running", "<instanceId>i-2</instanceId>")),
        PAGE(INSTANCE("i-1", "running", STATE("terminated"))),
        PAGE(INSTANCE("i-1", "running", "<privateIpAddress>10.0.0.256</privateIpAddress>")),
        PAGE(INSTANCE("i-1", "running", "<privateIpAddress>None</privateIpAddress>")),
        PAGE(INSTANCE("i-1", "running", "<ipv6Address>fe80::1%2</ipv6Address>")),
        PAGE(INSTANCE("i-1", "running", "<launchTime>yesterday</launchTime>")),
        "<!DOCTYPE a [<!ENTITY x 'terminated'>]>" EMPTY,
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        struct str next = STR("untouched");
        setup(&f);
        if (read_text(&f, str_of(cases[i]), &next) != AWS_ODD)
            print_error("case %zu\n", i);
        assert_int_equal(read_text(&f, str_of(cases[i]), &next), AWS_ODD);
        assert_true(f.error.message[0]);
        assert_str(next, "untouched");
        teardown(&f);
    }
}

static void forgives_what_does_not_matter(void **state)
{
    (void)state;
    struct fixture f;
    struct str next;
    setup(&f);
    assert_int_equal(read_text(&f, STR(EMPTY "\r\n\t "), &next), 0);
    assert_int_equal(read_text(&f, STR(HEAD "<reservationSet/><nextToken/>" TAIL), &next), 0);
    assert_false(str_is_set(next));
    assert_false(str_is_set(f.listing.account));
    assert_int_equal(f.listing.n_instances, 0);
    assert_int_equal(read_text(&f,
                               STR(PAGE(INSTANCE("i-1", "running",
                                                 "<launchTime/><privateIpAddress/><placement><availabilityZone/>"
                                                 "</placement><tagSet/><networkInterfaceSet/>"))),
                               &next),
                     0);
    assert_false(str_is_set(f.listing.instances[0].zone));
    assert_int_equal(f.listing.instances[0].n_addresses, 0);
    assert_int_equal(f.listing.instances[0].launch_ms, 0);
    teardown(&f);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

#define FORM "Action=DescribeInstances&Version=2016-11-15&IncludeManagedResources=true&MaxResults=1000"

static void asks_for_everything(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_answer(f.client, STR(PAGE_BEFORE(INSTANCE("i-3", "running", "") INSTANCE("i-1", "pending", ""), "a+/=")));
    fake_aws_answer(f.client, STR(HEAD "<reservationSet/><nextToken>b</nextToken>" TAIL));
    fake_aws_answer(f.client, STR(PAGE(INSTANCE("i-2", "terminated", ""))));
    assert_int_equal(ec2_describe(f.client, &everything, &f.listing, &f.error), 0);
    assert_int_equal(f.client->n_calls, 3);
    assert_string_equal(f.client->calls[0].action, "DescribeInstances");
    assert_str(f.client->calls[0].body, FORM);
    assert_str(f.client->calls[1].body, FORM "&NextToken=a%2B%2F%3D");
    assert_str(f.client->calls[2].body, FORM "&NextToken=b");
    assert_int_equal(f.listing.n_pages, 3);
    assert_int_equal(f.listing.n_calls, 3);
    assert_int_equal(f.listing.n_instances, 3);
    assert_int_equal(ec2_find(&f.listing, STR("i-2"))->state, EC2_TERMINATED);
    assert_null(ec2_find(&f.listing, STR("i-4")));
    assert_null(ec2_find(&f.listing, STR("")));
    teardown(&f);
}

static void refuses_chains_that_do_not_end(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f);
    fake_aws_answer(f.client, STR(PAGE_BEFORE(INSTANCE("i-1", "running", ""), "a")));
    fake_aws_answer(f.client, STR(PAGE_BEFORE(INSTANCE("i-2", "running", ""), "b")));
    fake_aws_answer(f.client, STR(PAGE_BEFORE(INSTANCE("i-3", "running", ""), "a")));
    fake_aws_answer(f.client, STR(EMPTY));
    assert_int_equal(ec2_describe(f.client, &everything, &f.listing, &f.error), AWS_ODD);
    assert_int_equal(f.client->n_calls, 3);
    teardown(&f);

    for (int result = AWS_REFUSED; result <= AWS_TOO_LATE; result++) {
        setup(&f);
        fake_aws_answer(f.client, STR(PAGE_BEFORE(INSTANCE("i-1", "running", ""), "a")));
        fake_aws_refuse(f.client, result, "RequestLimitExceeded");
        assert_int_equal(ec2_describe(f.client, &everything, &f.listing, &f.error), result);
        assert_string_equal(f.error.code, "RequestLimitExceeded");
        teardown(&f);
    }
}

static void asks_for_ids_in_chunks(void **state)
{
    (void)state;
    enum { N = 401 };
    static char texts[N][16];
    static struct str ids[N + 5];
    struct fixture f;
    size_t n = 0;
    setup(&f);
    for (size_t i = 0; i < N; i++) {
        snprintf(texts[i], sizeof(texts[i]), "i-%04zu", N - 1 - i);
        ids[n++] = str_of(texts[i]);
    }
    ids[n++] = STR("i-*");
    ids[n++] = STR("i-?");
    ids[n++] = STR("i-\\");
    ids[n++] = STR("i-0001"); /* once more */
    ids[n++] = STR("");
    for (int i = 0; i < 3; i++)
        fake_aws_answer(f.client, STR(EMPTY));
    const struct ec2_query query = { .ids = ids, .n_ids = n };
    assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
    assert_int_equal(f.client->n_calls, 3);
    for (size_t call = 0; call < 3; call++) {
        struct buf want;
        buf_init(&want, 1 << 20);
        buf_printf(&want, FORM "&Filter.1.Name=instance-id");
        for (size_t i = 0; i < EC2_FILTER_VALUES && call * EC2_FILTER_VALUES + i < N; i++)
            buf_printf(&want, "&Filter.1.Value.%zu=i-%04zu", i + 1, call * EC2_FILTER_VALUES + i);
        assert_true(str_eq(f.client->calls[call].body, buf_str(&want)));
        buf_fini(&want);
    }
    teardown(&f);
}

static void encodes_what_it_asks_for(void **state)
{
    (void)state;
    struct fixture f;
    const struct str ids[] = { STR("i-1&Action=TerminateInstances"), STR("i-\xc3\xa4 +%\n") };
    const struct ec2_query query = { .ids = ids, .n_ids = 2 };
    setup(&f);
    fake_aws_answer(f.client, STR(EMPTY));
    assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
    assert_str(f.client->calls[0].body, FORM "&Filter.1.Name=instance-id"
                                             "&Filter.1.Value.1=i-1%26Action%3DTerminateInstances"
                                             "&Filter.1.Value.2=i-%C3%A4%20%2B%25%0A");
    teardown(&f);
}

static void asks_nothing_about_nothing(void **state)
{
    (void)state;
    struct fixture f;
    const struct str ids[] = { STR("i-*") };
    const struct ec2_query query = { .ids = ids, .n_ids = 1 };
    setup(&f);
    assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
    assert_int_equal(f.client->n_calls, 0);
    assert_int_equal(f.listing.n_instances, 0);
    teardown(&f);
}

/* --- canaries ---------------------------------------------------------------------------------------------------- */

#define TAGGED(id, word, key, value) \
    INSTANCE(id, word, "<tagSet><item><key>" key "</key><value>" value "</value></item></tagSet>")

static const struct ec2_canary canaries[] = {
    { .id = { "i-c", 3 } },
    { .tag_key = { "Role", 4 }, .tag_value = { "bird", 4 } },
    { .id = { "i-none", 6 } },
    { .tag_key = { "Role", 4 }, .tag_value = { "", 0 } },
};

/* Ids are asked for first, and what has one canary's tag may be another canary. */
static void asks_for_no_canary_twice(void **state)
{
    (void)state;
    struct fixture f;
    const struct str ids[] = { STR("i-1") };
    const struct ec2_query query = { .ids = ids, .n_ids = 1, .canaries = canaries, .n_canaries = 2 };
    setup(&f);
    fake_aws_answer(f.client, STR(PAGE(TAGGED("i-1", "running", "Role", "bird"))));
    assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
    assert_int_equal(f.client->n_calls, 1);
    assert_int_equal(f.listing.canaries, 2);
    teardown(&f);
}

static void sees_canaries_in_a_whole_listing(void **state)
{
    (void)state;
    static const struct {
        const char *page;
        uint64_t canaries;
    } cases[] = {
        { PAGE(INSTANCE("i-c", "running", "") TAGGED("i-1", "stopped", "Role", "bird")), 3 },
        { PAGE(INSTANCE("i-c", "terminated", "") TAGGED("i-1", "shutting-down", "Role", "bird")), 0 },
        { PAGE(INSTANCE("i-c", "brand-new", "")), 1 },
        { PAGE(INSTANCE("i-cc", "running", "") TAGGED("i-1", "running", "role", "bird")), 0 },
        { PAGE(TAGGED("i-1", "running", "Role", "birds") TAGGED("i-2", "running", "bird", "Role")), 0 },
        { PAGE(INSTANCE("i-1", "running",
                        "<tagSet><item><key>Role</key><value>x</value></item><item><value>bird</value></item>"
                        "<item><key>x</key><value>bird</value></item></tagSet>")),
          0 },
        { PAGE(INSTANCE("i-1", "running",
                        "<networkInterfaceSet><item><tagSet><item><key>Role</key><value>bird</value></item></tagSet>"
                        "</item></networkInterfaceSet>")),
          0 },
        { PAGE(INSTANCE("i-1", "running", "<tagSet><item><value>bird</value><key>Role</key></item></tagSet>")), 2 },
        { PAGE(INSTANCE("i-1", "running", "<tagSet><item><key>Role</key></item></tagSet>")), 8 },
        { PAGE(TAGGED("i-1", "terminated", "Role", "bird") TAGGED("i-c", "running", "Role", "")), 9 },
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        struct fixture f;
        const struct ec2_query query = { .canaries = canaries, .n_canaries = TEST_COUNT(canaries) };
        setup(&f);
        fake_aws_answer(f.client, str_of(cases[i].page));
        assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
        assert_int_equal(f.client->n_calls, 1);
        assert_int_equal(f.listing.canaries, cases[i].canaries);
        teardown(&f);
    }
}

static void asks_for_canaries_beside_ids(void **state)
{
    (void)state;
    struct fixture f;
    static const struct ec2_canary birds[] = {
        { .id = { "i-c", 3 } },
        { .tag_key = { "a b", 3 }, .tag_value = { "x*?\\", 4 } },
        { .tag_key = { "Role", 4 }, .tag_value = { "bird", 4 } },
    };
    const struct str ids[] = { STR("i-1") };
    const struct ec2_query query = { .ids = ids, .n_ids = 1, .canaries = birds, .n_canaries = 3 };
    setup(&f);
    fake_aws_answer(f.client, STR(PAGE(INSTANCE("i-1", "running", "") INSTANCE("i-c", "running", ""))));
    fake_aws_answer(f.client, STR(PAGE(INSTANCE("i-1", "stopping", "") INSTANCE("i-9", "running", ""))));
    /* One is enough: the pages behind it are not asked for. */
    fake_aws_answer(f.client, STR(PAGE_BEFORE(TAGGED("i-8", "running", "Role", "bird"), "more")));
    assert_int_equal(ec2_describe(f.client, &query, &f.listing, &f.error), 0);
    assert_int_equal(f.client->n_calls, 3);
    assert_str(f.client->calls[0].body, FORM "&Filter.1.Name=instance-id&Filter.1.Value.1=i-1&Filter.1.Value.2=i-c");
    assert_str(f.client->calls[1].body, FORM "&Filter.1.Name=tag%3Aa%20b&Filter.1.Value.1=x%5C%2A%5C%3F%5C%5C");
    assert_str(f.client->calls[2].body, FORM "&Filter.1.Name=tag%3ARole&Filter.1.Value.1=bird");
    assert_int_equal(f.listing.canaries, 5);
    assert_int_equal(f.listing.n_instances, 2);
    assert_int_equal(ec2_find(&f.listing, STR("i-1"))->state, EC2_RUNNING);
    teardown(&f);
}

/* --- the whole listing ------------------------------------------------------------------------------------------- */

static void notices_strangers(void **state)
{
    (void)state;
    struct fixture f;
    struct str next;
    setup(&f);
    assert_int_equal(read_text(&f,
                               STR(HEAD "<reservationSet><item><ownerId>2</ownerId><instancesSet/></item>"
                                        "<item><instancesSet/><ownerId>1</ownerId></item>"
                                        "<item><ownerId>2</ownerId><instancesSet/></item></reservationSet>" TAIL),
                               &next),
                     0);
    assert_true(f.listing.has_strangers);
    assert_str(f.listing.account, "1");
    teardown(&f);
}

/* An address within a prefix that is delegated to an interface is the instance's own. */
static void knows_delegated_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_own;
    } cases[] = {
        { "10.0.0.16", true },       { "10.0.0.31", true },        { "10.0.0.15", false },    { "10.0.0.32", false },
        { "2001:db8:0:1::5", true }, { "2001:db8:0:2::5", false }, { "10.0.0.16/28", false }, { "", false },
    };
    struct fixture f;
    struct str next;
    setup(&f);
    assert_int_equal(
        read_text(&f,
                  STR(PAGE(INSTANCE("i-1", "running",
                                    "<networkInterfaceSet><item><ipv4PrefixSet><item><ipv4Prefix>10.0.0.16/28"
                                    "</ipv4Prefix></item></ipv4PrefixSet><ipv6PrefixSet><item><ipv6Prefix>"
                                    "2001:db8:0:1::/64</ipv6Prefix></item></ipv6PrefixSet></item>"
                                    "</networkInterfaceSet>"))),
                  &next),
        0);
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(ec2_has_address(&f.listing.instances[0], str_of(cases[i].address)), cases[i].is_own);
    teardown(&f);
}

/* What stands in a list under another name could be an instance, or an address, that would seem to be missing. */
static void refuses_unknown_elements_in_lists(void **state)
{
    (void)state;
    static const char *const lists[] = { "reservationSet", "instancesSet", "networkInterfaceSet" };
    for (size_t i = 0; i < TEST_COUNT(lists); i++) {
        struct fixture f;
        struct str next;
        static const char whole[] = PAGE(INSTANCE("i-1", "running", "<networkInterfaceSet></networkInterfaceSet>"));
        char page[4096], end[64];
        snprintf(end, sizeof(end), "</%s>", lists[i]);
        const char *at = strstr(whole, end);
        int before = at ? (int)(at - whole) : 0;
        snprintf(page, sizeof(page), "%.*s<Item/>%s", before, whole, whole + before);
        setup(&f);
        assert_int_equal(read_text(&f, str_of(page), &next), AWS_ODD);
        teardown(&f);
    }
}

/* A page in the place of another one, with a token of its own, would hide instances. */
static void refuses_repeated_instances(void **state)
{
    (void)state;
    static const char *const seconds[] = {
        PAGE(INSTANCE("i-1", "running", "<ipAddress>192.0.2.1</ipAddress>")),
        PAGE(INSTANCE("i-1", "stopped", "<ipAddress>192.0.2.1</ipAddress>")),
        PAGE(INSTANCE("i-1", "running", "")),
        PAGE(INSTANCE("i-0", "running", "") INSTANCE("i-1", "running", "")),
    };
    for (size_t i = 0; i < TEST_COUNT(seconds); i++) {
        struct fixture f;
        setup(&f);
        fake_aws_answer(
            f.client,
            STR(PAGE_BEFORE(INSTANCE("i-1", "running", "<privateIpAddress>192.0.2.1</privateIpAddress>"), "a")));
        fake_aws_answer(f.client, str_of(seconds[i]));
        assert_int_equal(ec2_describe(f.client, &everything, &f.listing, &f.error), AWS_ODD);
        assert_non_null(strstr(f.error.message, "i-1 came twice"));
        teardown(&f);
    }
}

/* The same fleet in another order and in other pages: the same listing. */
static void put_instance(struct buf *xml, unsigned i)
{
    buf_printf(xml,
               "<item><instanceId>i-%017x</instanceId><instanceState><name>%s</name></instanceState>"
               "<launchTime>2026-01-02T03:04:%02uZ</launchTime>"
               "<placement><availabilityZone>us-east-1%c</availabilityZone></placement>",
               i, ec2_state_text((enum ec2_state)(i % EC2_STATE_UNKNOWN)), i % 60, 'a' + i % 3);
    unsigned first = i % 2, second = !first;
    buf_printf(xml,
               "<networkInterfaceSet><item><privateIpAddressesSet><item><privateIpAddress>10.%u.%u.%u"
               "</privateIpAddress></item><item><privateIpAddress>10.%u.%u.%u</privateIpAddress></item>"
               "</privateIpAddressesSet></item></networkInterfaceSet></item>",
               first + i / 62500 * 2, i / 250 % 250, i % 250, second + i / 62500 * 2, i / 250 % 250, i % 250);
}

static void list_shuffled(struct fixture *f, const unsigned *order, unsigned n, unsigned page_size)
{
    struct buf xml;
    buf_init(&xml, CAP);
    for (unsigned at = 0; at < n; at += page_size) {
        buf_clear(&xml);
        buf_printf(&xml, HEAD RESERVATION);
        for (unsigned i = at; i < n && i < at + page_size; i++)
            put_instance(&xml, order[i]);
        buf_printf(&xml, RESERVATION_END);
        if (at + page_size < n)
            buf_printf(&xml, "<nextToken>%u</nextToken>", at);
        buf_printf(&xml, TAIL);
        fake_aws_answer(f->client, buf_str(&xml));
    }
    buf_fini(&xml);
    assert_int_equal(ec2_describe(f->client, &everything, &f->listing, &f->error), 0);
}

static void order_and_pages_change_nothing(void **state)
{
    (void)state;
    enum { N = 500 };
    unsigned order[N];
    struct rand rand;
    struct fixture first, other;
    rand_init_seed(&rand, 1);
    for (unsigned i = 0; i < N; i++)
        order[i] = i;
    setup(&first);
    list_shuffled(&first, order, N, N);
    for (unsigned round = 1; round < 40; round++) {
        for (unsigned i = N - 1; i > 0; i--) {
            unsigned j = (unsigned)rand_below(&rand, i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
        setup(&other);
        list_shuffled(&other, order, N, 1 + round * 7);
        assert_int_equal(other.listing.n_instances, N);
        for (unsigned i = 0; i < N; i++) {
            const struct ec2_instance *a = &first.listing.instances[i], *b = &other.listing.instances[i];
            assert_true(str_eq(a->id, b->id) && a->state == b->state && a->launch_ms == b->launch_ms &&
                        str_eq(a->zone, b->zone) && a->n_addresses == 2 && b->n_addresses == 2);
            for (unsigned k = 0; k < 2; k++)
                assert_true(str_eq(a->addresses[k], b->addresses[k]));
        }
        teardown(&other);
    }
    teardown(&first);
}

/* A hundred thousand instances with two addresses each. */
static void takes_little_memory(void **state)
{
    (void)state;
    enum { PAGES = 100, PAGE_SIZE = 1000 };
    struct fixture f;
    struct buf xml;
    struct str next;
    setup(&f);
    buf_init(&xml, CAP);
    for (unsigned page = 0; page < PAGES; page++) {
        buf_clear(&xml);
        buf_printf(&xml, HEAD RESERVATION);
        for (unsigned i = 0; i < PAGE_SIZE; i++)
            put_instance(&xml, page * PAGE_SIZE + i);
        buf_printf(&xml, RESERVATION_END TAIL);
        assert_int_equal(read_text(&f, buf_str(&xml), &next), 0);
    }
    size_t n = f.listing.n_instances;
    size_t bytes = f.listing.arena.used + f.listing.size * sizeof(*f.listing.instances);
    print_message("%zu instances, %zu bytes each\n", n, bytes / n);
    assert_true(bytes / n < 250);
    assert_int_equal(ec2_sort(&f.listing, &f.error), 0);
    assert_int_equal(f.listing.n_instances, n);
    buf_fini(&xml);
    teardown(&f);
}

static void keeps_to_its_cap(void **state)
{
    (void)state;
    struct buf xml;
    buf_init(&xml, CAP);
    buf_printf(&xml, HEAD RESERVATION);
    for (unsigned i = 0; i < 1000; i++)
        put_instance(&xml, i);
    buf_printf(&xml, RESERVATION_END TAIL);
    for (size_t cap = 0; cap < 400000; cap += 4099) {
        struct fixture f = { .client = NULL };
        struct str next;
        ec2_listing_init(&f.listing, cap);
        int r = read_text(&f, buf_str(&xml), &next);
        assert_true(r == -ENOMEM || r == 0);
        assert_true(f.listing.arena.used + f.listing.size * sizeof(struct ec2_instance) <= cap);
        ec2_listing_fini(&f.listing);
        assert_int_equal(f.listing.arena.cap, cap);
    }
    buf_fini(&xml);
}

static void survives_without_memory(void **state)
{
    (void)state;
    const struct str ids[] = { STR("i-0full"), STR("i-2") };
    const struct ec2_query query = { .ids = ids, .n_ids = 2, .canaries = canaries, .n_canaries = 2 };
    struct fixture f;
    long k = 1;
    for (bool failed = true; failed; k++) {
        setup(&f);
        fake_aws_answer(f.client, STR(PAGE_BEFORE(FULL, "a")));
        fake_aws_answer(f.client, STR(PAGE(INSTANCE("i-2", "running", ""))));
        fake_aws_answer(f.client, STR(PAGE(TAGGED("i-1", "running", "Role", "bird"))));
        mem_fail_at(k, 0);
        int r = ec2_describe(f.client, &query, &f.listing, &f.error);
        failed = mem_fail_at(0, 0);
        assert_int_equal(r, failed ? -ENOMEM : 0);
        if (!failed) {
            assert_int_equal(f.listing.n_instances, 2);
            assert_int_equal(f.listing.canaries, 2);
        }
        teardown(&f);
    }
    assert_true(k > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_an_instance),
        cmocka_unit_test(starts_anew),
        cmocka_unit_test(compares_addresses),
        cmocka_unit_test(knows_states),
        cmocka_unit_test(refuses_every_cut),
        cmocka_unit_test(refuses_what_is_odd),
        cmocka_unit_test(forgives_what_does_not_matter),
        cmocka_unit_test(asks_for_everything),
        cmocka_unit_test(refuses_chains_that_do_not_end),
        cmocka_unit_test(asks_for_ids_in_chunks),
        cmocka_unit_test(encodes_what_it_asks_for),
        cmocka_unit_test(asks_nothing_about_nothing),
        cmocka_unit_test(sees_canaries_in_a_whole_listing),
        cmocka_unit_test(asks_for_canaries_beside_ids),
        cmocka_unit_test(asks_for_no_canary_twice),
        cmocka_unit_test(notices_strangers),
        cmocka_unit_test(knows_delegated_prefixes),
        cmocka_unit_test(refuses_unknown_elements_in_lists),
        cmocka_unit_test(refuses_repeated_instances),
        cmocka_unit_test(order_and_pages_change_nothing),
        cmocka_unit_test(takes_little_memory),
        cmocka_unit_test(keeps_to_its_cap),
        cmocka_unit_test(survives_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
