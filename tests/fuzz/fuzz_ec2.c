/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of DescribeInstances: what is accepted is whole (no shorter text is), every instance in it can be judged, and
 * the page read again says the same. */
#include "fuzz_target.h"

#include "aws/ec2.h"
#include "base/mem.h"

#include <errno.h>

#define CAP ((size_t)4 << 20)

static const struct ec2_canary canaries[] = {
    { .id = { "i-1", 3 } },
    { .tag_key = { "Role", 4 }, .tag_value = { "bird", 4 } },
};
static const struct ec2_query query = { .canaries = canaries, .n_canaries = 2 };

static int read_page(struct ec2_listing *listing, const char *xml, size_t n)
{
    struct str next = { 0 };
    struct aws_error error = { 0 };
    int r = ec2_read_page(xml, n, &query, listing, &next, &error);
    FUZZ_CHECK(r == 0 || r == -ENOMEM || r == AWS_ODD);
    FUZZ_CHECK(r != AWS_ODD || error.message[0]);
    FUZZ_CHECK(!str_is_set(next) || next.n > 0);
    return r;
}

static void check_instance(const struct ec2_listing *listing, const struct ec2_instance *instance)
{
    FUZZ_CHECK(ec2_is_id(instance->id));
    FUZZ_CHECK(ec2_find(listing, instance->id) == instance);
    FUZZ_CHECK(instance->launch_ms >= 0);
    FUZZ_CHECK(ec2_state_text(instance->state));
    for (uint32_t i = 0; i < instance->n_addresses; i++) {
        FUZZ_CHECK(ec2_has_address(instance, instance->addresses[i]));
        FUZZ_CHECK(i == 0 || !str_eq(instance->addresses[i - 1], instance->addresses[i]));
    }
}

/* The same text without its last byte that is no white space, and half of it, in blocks of exactly that size. */
static void check_cuts(const char *xml, size_t n)
{
    while (n > 0 && memchr(" \t\r\n", xml[n - 1], 4))
        n--;
    const size_t cuts[] = { n - 1, n / 2 };
    for (size_t i = 0; i < 2; i++) {
        struct ec2_listing listing;
        ec2_listing_init(&listing, CAP);
        char *cut = mem_dup(xml, cuts[i]);
        FUZZ_CHECK(read_page(&listing, cut, cuts[i]) != 0);
        mem_free(cut);
        ec2_listing_fini(&listing);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *xml = (const char *)data;
    struct ec2_listing listing;
    struct aws_error error;
    ec2_listing_init(&listing, CAP);
    if (read_page(&listing, xml, n) == 0) {
        uint64_t seen = listing.canaries;
        check_cuts(xml, n);
        if (ec2_sort(&listing, &error) == 0) {
            size_t before = listing.n_instances;
            for (size_t i = 0; i < before; i++)
                check_instance(&listing, &listing.instances[i]);
            if (read_page(&listing, xml, n) == 0) {
                FUZZ_CHECK(ec2_sort(&listing, &error) == (before > 0 ? AWS_ODD : 0));
                FUZZ_CHECK(listing.canaries == seen);
            }
        }
    }
    ec2_listing_fini(&listing);
    return 0;
}
