/* SPDX-License-Identifier: Apache-2.0
 *
 * See audit_trust.h. */
#include "cloudmapctl/audit_trust.h"

#include "auth/vault.h"
#include "base/text.h"
#include "cloudmapctl/access_offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static int take_named(const struct ctl_list *list, struct audit_trust *trust)
{
    for (; trust->n < list->n; trust->n++) {
        struct str text = str_of(list->items[trust->n]);
        if (text.n != 2 * SEAL_PUBLIC_KEY_LEN || text_parse_hex(text, trust->keys[trust->n]))
            return ctl_fail(EX_USAGE, "--public-key is 64 hex digits, as `cloudmapctl audit key` prints them, not: %s",
                            text.p);
    }
    return 0;
}

static int take_file(const struct ctl *ctl, struct audit_trust *trust)
{
    char path[PATH_MAX];
    struct vault_config config = { .path = access_offline_key_file(ctl, path) };
    struct vault_message message;
    struct seal *seal = seal_new();
    if (!seal)
        return ctl_fail(EXIT_FAILURE, "out of memory");
    int r = vault_read_keys(&config, seal, &message);
    while (r == 0 && trust->n < CTL_LIST_MAX && seal_public_key(seal, trust->n, trust->keys[trust->n]) == 0)
        trust->n++;
    seal_free(seal);
    return r ? ctl_fail(EX_CONFIG, "%s", message.text) : 0;
}

int audit_trust_find(const struct ctl *ctl, struct audit_trust *ret_trust)
{
    ret_trust->n = 0;
    return ctl->public_keys.n ? take_named(&ctl->public_keys, ret_trust) : take_file(ctl, ret_trust);
}

bool audit_trust_has(const struct audit_trust *trust, const uint8_t key[SEAL_PUBLIC_KEY_LEN])
{
    for (size_t i = 0; i < trust->n; i++)
        if (memcmp(trust->keys[i], key, SEAL_PUBLIC_KEY_LEN) == 0)
            return true;
    return false;
}

int audit_trust_print(const struct ctl *ctl)
{
    char path[PATH_MAX], digits[2 * SEAL_PUBLIC_KEY_LEN + 1] = "";
    struct audit_trust trust = { .n = 0 };
    int code = take_file(ctl, &trust);
    if (code)
        return code;
    if (!trust.n)
        return ctl_fail(EX_CONFIG, "there is no key file %s; name it with --key-file",
                        access_offline_key_file(ctl, path));
    text_hex(trust.keys[0], SEAL_PUBLIC_KEY_LEN, digits);
    printf(ctl->json ? "{\"public_key\":\"%s\"}\n" : "%s\n", digits);
    return EXIT_SUCCESS;
}
