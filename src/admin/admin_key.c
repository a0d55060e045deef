/* SPDX-License-Identifier: Apache-2.0
 *
 * See admin_key.h. */
#include "admin/admin_key.h"

#include "admin/admin_access_priv.h"
#include "base/text.h"

static int check_vault(struct admin_request *request)
{
    return request->vault ? 0 : admin_access_refuse(request, 500, str_of(request->why_no_vault));
}

static void put_key(struct json_writer *writer, const struct access_key *key)
{
    json_field_string(writer, STR("access_key_id"), key->id);
    json_field_string(writer, STR("account"), key->account);
    json_field_string(writer, STR("user"), str_is_set(key->user) ? key->user : STR("(root)"));
}

int admin_key_create(struct admin_request *request)
{
    char id[ACCESS_KEY_ID_LEN], secret[ACCESS_KEY_SECRET_LEN];
    struct change change = admin_access_new_change(request, CHANGE_CREATE_KEY);
    if (check_vault(request))
        return 1;
    int r = access_key_new_id(id);
    if (r == 0)
        r = access_key_new_secret(secret);
    change.key = (struct access_key){ .id = { id, sizeof(id) }, .account = request->account, .user = request->user };
    if (r == 0)
        r = seal_close(vault_seal(request->vault), vault_record(&request->arena, change.key.id),
                       (struct str){ secret, sizeof(secret) }, &request->arena, &change.key.sealed);
    if (r < 0)
        r = admin_access_refuse(request, 500, STR("out of memory"));
    else
        r = admin_access_carry_out(request, &change);
    if (r == 0) {
        put_key(&request->writer, &change.key);
        json_field_string(&request->writer, STR("secret_access_key"), (struct str){ secret, sizeof(secret) });
    }
    explicit_bzero(secret, sizeof(secret));
    return r;
}

int admin_key_list(struct admin_request *request)
{
    const struct snapshot *snapshot = snapshot_acquire(registry_head(request->registry));
    struct json_writer *writer = &request->writer;
    const struct access_key *key;
    struct tree_iter iter;
    json_key(writer, STR("keys"));
    json_open_array(writer);
    tree_iter_init(&iter, &snapshot->access.keys, NULL, NULL);
    while ((key = tree_iter_next(&iter))) {
        if (str_is_set(request->account) && !str_eq(key->account, request->account))
            continue;
        json_open_object(writer);
        put_key(writer, key);
        json_field_string(writer, STR("state"), key->is_disabled ? STR("disabled") : STR("active"));
        admin_access_put_created(writer, key->create_ms);
        json_close_object(writer);
    }
    json_close_array(writer);
    snapshot_release(registry_head(request->registry));
    return 0;
}

static int change_key(struct admin_request *request, enum change_kind kind, bool disables)
{
    struct change change = admin_access_new_change(request, kind);
    change.key = (struct access_key){ .id = request->access_key_id, .is_disabled = disables };
    if (admin_access_carry_out(request, &change))
        return 1;
    json_field_string(&request->writer, STR("access_key_id"), request->access_key_id);
    return 0;
}

int admin_key_disable(struct admin_request *request)
{
    return change_key(request, CHANGE_UPDATE_KEY, true);
}

int admin_key_enable(struct admin_request *request)
{
    return change_key(request, CHANGE_UPDATE_KEY, false);
}

int admin_key_delete(struct admin_request *request)
{
    return change_key(request, CHANGE_DELETE_KEY, false);
}

/* What checks the checkpoints that the key in use signs. */
static void put_audit_key(struct json_writer *writer, struct str member, const uint8_t key[SEAL_PUBLIC_KEY_LEN])
{
    char digits[2 * SEAL_PUBLIC_KEY_LEN + 1];
    text_hex(key, SEAL_PUBLIC_KEY_LEN, digits);
    json_field_string(writer, member, (struct str){ digits, 2 * SEAL_PUBLIC_KEY_LEN });
}

int admin_key_rewrap(struct admin_request *request)
{
    struct vault_message message;
    uint8_t before[SEAL_PUBLIC_KEY_LEN], after[SEAL_PUBLIC_KEY_LEN];
    size_t n = 0;
    if (check_vault(request))
        return 1;
    bool are_known = seal_current_public_key(vault_seal(request->vault), before) == 0;
    int r = vault_rewrap(request->vault, &n, &message);
    if (r < 0)
        return admin_access_refuse(request, 500, STR("out of memory"));
    if (r > 0)
        return admin_access_refuse(request,
                                   r == VAULT_BUSY      ? 409
                                   : r == VAULT_REFUSED ? 503
                                                        : 500,
                                   arena_dup(&request->arena, str_of(message.text)));
    json_field_string(&request->writer, STR("sealed_under"), seal_current(vault_seal(request->vault)));
    json_field_int(&request->writer, STR("secrets"), (int64_t)n);
    if (are_known && seal_current_public_key(vault_seal(request->vault), after) == 0) {
        put_audit_key(&request->writer, STR("audit_key_before"), before);
        put_audit_key(&request->writer, STR("audit_key"), after);
    }
    return 0;
}
