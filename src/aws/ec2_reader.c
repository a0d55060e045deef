/* SPDX-License-Identifier: Apache-2.0
 *
 * What DescribeInstancesResponse means (API version 2016-11-15). Whatever an instance is judged by must be there and
 * make sense, else the page counts for nothing: a state that is missing, or an address that is none, must not look like
 * an instance that is gone. */
#include "aws/ec2_reader.h"
#include "aws/ec2_listing.h"
#include "aws/xml_path.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <errno.h>

#define ZONE_MAX 64
#define OWNER_MAX 64

enum node {
    ROOT = 1,
    REQUEST_ID,
    NEXT_TOKEN,
    RESERVATIONS,
    RESERVATION,
    OWNER,
    INSTANCES,
    INSTANCE,
    ID,
    STATE,
    STATE_NAME,
    PLACEMENT,
    ZONE,
    LAUNCH,
    PRIVATE,
    PUBLIC,
    IPV6,
    INTERFACES,
    INTERFACE,
    INTERFACE_PRIVATE,
    INTERFACE_PRIVATES,
    INTERFACE_PRIVATES_ITEM,
    SECONDARY,
    SECONDARY_ASSOCIATION,
    SECONDARY_PUBLIC,
    SECONDARY_CARRIER,
    SECONDARY_OUTPOST,
    ASSOCIATION,
    ASSOCIATION_PUBLIC,
    ASSOCIATION_CARRIER,
    ASSOCIATION_OUTPOST,
    INTERFACE_IPV6S,
    INTERFACE_IPV6S_ITEM,
    INTERFACE_IPV6,
    IPV4_PREFIXES,
    IPV4_PREFIXES_ITEM,
    IPV4_PREFIX,
    IPV6_PREFIXES,
    IPV6_PREFIXES_ITEM,
    IPV6_PREFIX,
    TAGS,
    TAG,
    TAG_KEY,
    TAG_VALUE,
    NODE_COUNT
};
_Static_assert(NODE_COUNT <= XML_PATH_MAX_NODES, "a bit for each");

static const struct xml_path_row rows[] = {
    { 0, ROOT, XML_PATH_ONCE, "DescribeInstancesResponse" },
    { ROOT, RESERVATIONS, XML_PATH_LIST, "reservationSet" },
    { ROOT, REQUEST_ID, XML_PATH_TEXT, "requestId" },
    { ROOT, NEXT_TOKEN, XML_PATH_TEXT, "nextToken" },
    { RESERVATIONS, RESERVATION, XML_PATH_MANY, "item" },
    { RESERVATION, OWNER, XML_PATH_TEXT, "ownerId" },
    { RESERVATION, INSTANCES, XML_PATH_LIST, "instancesSet" },
    { INSTANCES, INSTANCE, XML_PATH_MANY, "item" },
    { INSTANCE, ID, XML_PATH_TEXT, "instanceId" },
    { INSTANCE, STATE, XML_PATH_ONCE, "instanceState" },
    { INSTANCE, LAUNCH, XML_PATH_TEXT, "launchTime" },
    { INSTANCE, PLACEMENT, XML_PATH_ONCE, "placement" },
    { INSTANCE, PRIVATE, XML_PATH_TEXT, "privateIpAddress" },
    { INSTANCE, PUBLIC, XML_PATH_TEXT, "ipAddress" },
    { INSTANCE, IPV6, XML_PATH_TEXT, "ipv6Address" },
    { INSTANCE, INTERFACES, XML_PATH_LIST, "networkInterfaceSet" },
    { INSTANCE, TAGS, XML_PATH_LIST, "tagSet" },
    { STATE, STATE_NAME, XML_PATH_TEXT, "name" },
    { PLACEMENT, ZONE, XML_PATH_TEXT, "availabilityZone" },
    { INTERFACES, INTERFACE, XML_PATH_MANY, "item" },
    { INTERFACE, INTERFACE_PRIVATE, XML_PATH_TEXT, "privateIpAddress" },
    { INTERFACE, INTERFACE_PRIVATES, XML_PATH_LIST, "privateIpAddressesSet" },
    { INTERFACE, ASSOCIATION, XML_PATH_ONCE, "association" },
    { INTERFACE, INTERFACE_IPV6S, XML_PATH_LIST, "ipv6AddressesSet" },
    { INTERFACE, IPV4_PREFIXES, XML_PATH_LIST, "ipv4PrefixSet" },
    { INTERFACE, IPV6_PREFIXES, XML_PATH_LIST, "ipv6PrefixSet" },
    { INTERFACE_PRIVATES, INTERFACE_PRIVATES_ITEM, XML_PATH_MANY, "item" },
    { INTERFACE_PRIVATES_ITEM, SECONDARY, XML_PATH_TEXT, "privateIpAddress" },
    { INTERFACE_PRIVATES_ITEM, SECONDARY_ASSOCIATION, XML_PATH_ONCE, "association" },
    { SECONDARY_ASSOCIATION, SECONDARY_PUBLIC, XML_PATH_TEXT, "publicIp" },
    { SECONDARY_ASSOCIATION, SECONDARY_CARRIER, XML_PATH_TEXT, "carrierIp" },
    { SECONDARY_ASSOCIATION, SECONDARY_OUTPOST, XML_PATH_TEXT, "customerOwnedIp" },
    { ASSOCIATION, ASSOCIATION_PUBLIC, XML_PATH_TEXT, "publicIp" },
    { ASSOCIATION, ASSOCIATION_CARRIER, XML_PATH_TEXT, "carrierIp" },
    { ASSOCIATION, ASSOCIATION_OUTPOST, XML_PATH_TEXT, "customerOwnedIp" },
    { INTERFACE_IPV6S, INTERFACE_IPV6S_ITEM, XML_PATH_MANY, "item" },
    { INTERFACE_IPV6S_ITEM, INTERFACE_IPV6, XML_PATH_TEXT, "ipv6Address" },
    { IPV4_PREFIXES, IPV4_PREFIXES_ITEM, XML_PATH_MANY, "item" },
    { IPV4_PREFIXES_ITEM, IPV4_PREFIX, XML_PATH_TEXT, "ipv4Prefix" },
    { IPV6_PREFIXES, IPV6_PREFIXES_ITEM, XML_PATH_MANY, "item" },
    { IPV6_PREFIXES_ITEM, IPV6_PREFIX, XML_PATH_TEXT, "ipv6Prefix" },
    { TAGS, TAG, XML_PATH_MANY, "item" },
    { TAG, TAG_KEY, XML_PATH_TEXT, "key" },
    { TAG, TAG_VALUE, XML_PATH_TEXT, "value" },
};

static const struct xml_path_schema schema = { "http://ec2.amazonaws.com/doc/", rows, sizeof(rows) / sizeof(rows[0]) };

struct page {
    const struct ec2_query *query;
    struct ec2_listing *listing;
    struct aws_error *error;
    struct str next;
    bool has_request_id, has_reservations;
    bool has_owner, has_instances; /* of the reservation that is open */
    /* Of the instance that is open: */
    char id[EC2_ID_MAX], zone[ZONE_MAX];
    size_t n_id, n_zone;
    bool has_state;
    enum ec2_state state;
    int64_t launch_ms;
    uint64_t tag_keys, tag_values; /* canaries that this tag's key and value are those of */
    uint64_t canaries;             /* ... that the instance has the tag of */
    struct ec2_address *addresses; /* on the heap */
    size_t n_addresses, size;
};

static int odd(struct page *page, const char *what)
{
    return aws_client_fail(page->error, AWS_ODD, "DescribeInstances: %s", what);
}

/* --- what an instance says --------------------------------------------------------------------------------------- */

static int add_address(struct page *page, struct str text, bool is_prefix)
{
    struct ec2_address address;
    if (text.n == 0)
        return 0;
    if (is_prefix ? ec2_address_parse_prefix(text, &address) : ec2_address_parse(text, &address))
        return odd(page, "an address that is none");
    if (page->n_addresses == EC2_READER_MAX_ADDRESSES)
        return odd(page, "an instance with too many addresses");
    if (page->n_addresses == page->size) {
        size_t size = page->size ? page->size * 2 : 16;
        struct ec2_address *addresses = mem_realloc(page->addresses, size * sizeof(*addresses));
        if (!addresses)
            return -ENOMEM;
        page->addresses = addresses;
        page->size = size;
    }
    page->addresses[page->n_addresses++] = address;
    return 0;
}

static int set_id(struct page *page, struct str text)
{
    if (!ec2_is_id(text))
        return odd(page, "an instanceId that is none");
    memcpy(page->id, text.p, text.n);
    page->n_id = text.n;
    return 0;
}

static int set_state(struct page *page, struct str text)
{
    if (text.n == 0)
        return odd(page, "an empty state");
    page->state = ec2_state_of(text);
    page->has_state = true;
    return 0;
}

static int set_zone(struct page *page, struct str text)
{
    if (text.n > sizeof(page->zone))
        return odd(page, "an availabilityZone that is too long");
    memcpy(page->zone, text.p, text.n);
    page->n_zone = text.n;
    return 0;
}

static int set_launch(struct page *page, struct str text)
{
    if (text.n > 0 && timestamp_parse_ms(text, &page->launch_ms))
        return odd(page, "a launchTime that is no time");
    return 0;
}

/* The canaries whose tag has this key, or this value. */
static uint64_t match_tag(const struct page *page, bool is_key, struct str text)
{
    uint64_t found = 0;
    for (size_t i = 0; i < page->query->n_canaries; i++) {
        const struct ec2_canary *canary = &page->query->canaries[i];
        if (str_is_set(canary->tag_key) && str_eq(is_key ? canary->tag_key : canary->tag_value, text))
            found |= UINT64_C(1) << i;
    }
    return found;
}

static void open_instance(struct page *page)
{
    page->n_id = page->n_zone = page->n_addresses = 0;
    page->has_state = false;
    page->launch_ms = 0;
    page->canaries = 0;
}

static int close_instance(struct page *page)
{
    if (page->n_id == 0)
        return odd(page, "an instance without instanceId");
    if (!page->has_state)
        return odd(page, "an instance without a state");
    struct str id = { page->id, page->n_id };
    for (size_t i = 0; i < page->query->n_canaries; i++)
        if (str_is_set(page->query->canaries[i].id) && str_eq(page->query->canaries[i].id, id))
            page->canaries |= UINT64_C(1) << i;
    if (!ec2_is_dead(page->state))
        page->listing->canaries |= page->canaries;
    return ec2_listing_add(page->listing, &(struct ec2_listing_draft){
                                              .id = id,
                                              .zone = { page->n_zone ? page->zone : NULL, page->n_zone },
                                              .state = page->state,
                                              .launch_ms = page->launch_ms,
                                              .addresses = page->addresses,
                                              .n_addresses = page->n_addresses,
                                          });
}

/* --- what a page says -------------------------------------------------------------------------------------------- */

static int set_owner(struct page *page, struct str text)
{
    if (text.n == 0 || text.n > OWNER_MAX)
        return odd(page, "an ownerId that is none");
    page->has_owner = true;
    return ec2_listing_add_owner(page->listing, text);
}

static int set_next(struct page *page, struct str text)
{
    if (text.n == 0)
        return 0;
    page->next = arena_dup(&page->listing->arena, text);
    return str_is_set(page->next) ? 0 : -ENOMEM;
}

static int close_reservation(struct page *page)
{
    if (!page->has_owner)
        return odd(page, "a reservation without ownerId");
    return page->has_instances ? 0 : odd(page, "a reservation without instancesSet");
}

static int close_root(struct page *page)
{
    if (!page->has_request_id)
        return odd(page, "no requestId");
    return page->has_reservations ? 0 : odd(page, "no reservationSet");
}

static int on_open(void *arg, unsigned node)
{
    struct page *page = arg;
    switch (node) {
    case RESERVATIONS:
        page->has_reservations = true;
        break;
    case RESERVATION:
        page->has_owner = page->has_instances = false;
        break;
    case INSTANCES:
        page->has_instances = true;
        break;
    case INSTANCE:
        open_instance(page);
        break;
    case TAG:
        page->tag_keys = 0;
        page->tag_values = match_tag(page, false, STR(""));
        break;
    default:
        break;
    }
    return 0;
}

static int on_close(void *arg, unsigned node, struct str text)
{
    struct page *page = arg;
    switch (node) {
    case ROOT:
        return close_root(page);
    case REQUEST_ID:
        page->has_request_id = text.n > 0;
        return 0;
    case NEXT_TOKEN:
        return set_next(page, text);
    case RESERVATION:
        return close_reservation(page);
    case OWNER:
        return set_owner(page, text);
    case INSTANCE:
        return close_instance(page);
    case ID:
        return set_id(page, text);
    case STATE_NAME:
        return set_state(page, text);
    case ZONE:
        return set_zone(page, text);
    case LAUNCH:
        return set_launch(page, text);
    case PRIVATE:
    case PUBLIC:
    case IPV6:
    case INTERFACE_PRIVATE:
    case SECONDARY:
    case SECONDARY_PUBLIC:
    case SECONDARY_CARRIER:
    case SECONDARY_OUTPOST:
    case ASSOCIATION_PUBLIC:
    case ASSOCIATION_CARRIER:
    case ASSOCIATION_OUTPOST:
    case INTERFACE_IPV6:
        return add_address(page, text, false);
    case IPV4_PREFIX:
    case IPV6_PREFIX:
        return add_address(page, text, true);
    case TAG_KEY:
        page->tag_keys = match_tag(page, true, text);
        return 0;
    case TAG_VALUE:
        page->tag_values = match_tag(page, false, text);
        return 0;
    case TAG:
        page->canaries |= page->tag_keys & page->tag_values;
        return 0;
    default:
        return 0;
    }
}

int ec2_reader_read(struct str xml, const struct ec2_query *query, struct ec2_listing *listing, struct str *ret_next,
                    struct aws_error *ret_error)
{
    struct page page = { .query = query, .listing = listing, .error = ret_error };
    const struct xml_path_handler handler = { on_open, on_close, &page };
    ASSERT(query->n_canaries <= EC2_MAX_CANARIES);
    int r = xml_path_read(xml, &schema, &handler, ret_error);
    mem_free(page.addresses);
    if (r == 0)
        *ret_next = page.next;
    return r;
}
