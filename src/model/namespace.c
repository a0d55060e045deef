/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces; see namespace.h. */
#include "model/namespace.h"

#include "base/mem.h"
#include "model/pack.h"

static const struct str kind_texts[NAMESPACE_KIND_COUNT] = {
    [NAMESPACE_HTTP] = { "HTTP", 4 },
    [NAMESPACE_DNS_PRIVATE] = { "DNS_PRIVATE", 11 },
    [NAMESPACE_DNS_PUBLIC] = { "DNS_PUBLIC", 10 },
};

static void namespace_pack(struct pack *pack, struct namespace *ns)
{
    pack_pairs(pack, &ns->tags, ns->n_tags);
    pack_str(pack, &ns->id);
    pack_str(pack, &ns->name);
    pack_str(pack, &ns->http_name);
    pack_str(pack, &ns->description);
    pack_str(pack, &ns->vpc);
    pack_str(pack, &ns->hosted_zone_id);
    pack_str(pack, &ns->creator_request_id);
    pack_str(pack, &ns->create_operation);
    pack_str(pack, &ns->policy);
}

struct namespace *namespace_dup(const struct namespace *draft)
{
    struct namespace measured = *draft, *ns;
    struct pack pack = { .n = sizeof(*ns) };

    namespace_pack(&pack, &measured);
    ns = mem_alloc(pack.n);
    if (!ns)
        return NULL;
    *ns = *draft;
    pack = (struct pack){ .at = (char *)ns, .n = sizeof(*ns) };
    namespace_pack(&pack, ns);
    return ns;
}

struct str namespace_kind_text(enum namespace_kind kind)
{
    return kind_texts[kind];
}

int namespace_parse_kind(struct str word, enum namespace_kind *ret_kind)
{
    for (unsigned kind = 0; kind < NAMESPACE_KIND_COUNT; kind++)
        if (str_eq(word, kind_texts[kind])) {
            *ret_kind = (enum namespace_kind)kind;
            return 0;
        }
    return 1;
}

int namespace_is_zone_name(struct str name)
{
    size_t label = 0;

    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > 253)
        return 0;
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] != '.') {
            if (++label > 63)
                return 0;
        } else if (label == 0) {
            return 0;
        } else {
            label = 0;
        }
    }
    return label > 0;
}
