/* SPDX-License-Identifier: Apache-2.0
 *
 * The same function as the daemon's admin worker calls, over a registry of our own, with the same records in the audit
 * trail. Without the key file it still lists and removes. */
#include "cloudmapctl/access_offline.h"

#include "admin/admin_access.h"
#include "admin/admin_audit.h"
#include "admin/audit_signer.h"
#include "admin/socket_path.h"
#include "base/log.h"
#include "cloudmapctl/data_owner.h"
#include "json/reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

bool access_offline_is_needed(const struct ctl *ctl)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct socket_path path;
    if (ctl->socket)
        return false;
    if (socket_path_open(ctl->data, NULL, &path) < 0)
        return true; /* there is no such folder */
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path.text);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0)
        close(fd);
    socket_path_close(&path);
    return !is_there;
}

const char *access_offline_key_file(const struct ctl *ctl, char ret_path[PATH_MAX])
{
    const char *set = getenv("CLOUDMAP_AUTH_KEY_FILE");
    if (ctl->key_file)
        return ctl->key_file;
    if (set && *set)
        return set;
    snprintf(ret_path, PATH_MAX, "%s/secret.key", ctl->data);
    return ret_path;
}

/* The member `error` of a refusal. */
static void copy_error(struct buf *answer, char *why, size_t size)
{
    struct json_reader reader;
    struct arena arena;
    struct str key, error = STR("the answer is not understood");
    bool more;
    arena_init(&arena, 1 << 20);
    json_reader_init(&reader, answer->p, answer->n, &arena);
    if (json_object(&reader) == 0 && json_member(&reader, &more, &key) == 0 && more)
        json_string(&reader, &error);
    snprintf(why, size, STR_FMT, STR_ARG(error));
    arena_fini(&arena);
}

/* Whether changes are audited is the daemon's to know; this is how it may have been told. */
static void keep_trail(struct registry *registry, const struct vault *vault)
{
    const char *calls = getenv("CLOUDMAP_AUDIT_CALLS");
    if (calls && strcmp(calls, "off") == 0)
        return;
    struct registry_signer signer = vault ? audit_signer_of(vault_seal(vault)) : (struct registry_signer){ 0 };
    registry_keep_trail(registry, &signer);
}

/* *ret_vault outlives the registry, which signs with its keys at the end. */
static int run_on(const struct ctl *ctl, struct registry *registry, enum access_offline_use use, struct buf *request,
                  struct buf *answer, struct vault **ret_vault, char *why, size_t size)
{
    char path[PATH_MAX];
    struct vault_message message = { .text = "" };
    struct vault_config config = { .path = access_offline_key_file(ctl, path), .audit = admin_audit_change };
    snapshot_reader_start();
    int r = vault_open(&config, registry, ret_vault, &message);
    if (r >= 0 && use != ACCESS_OFFLINE_LOOKS)
        keep_trail(registry, *ret_vault);
    unsigned status =
        r < 0 ? 500 : admin_access_run(registry, *ret_vault, message.text, request->p, request->n, answer);
    snapshot_reader_stop();
    if (r < 0 || answer->failed)
        snprintf(why, size, "out of memory");
    else if (status != 200)
        copy_error(answer, why, size);
    else
        return 0;
    return r > 0 && status == 500 ? EX_CONFIG : EXIT_FAILURE;
}

int access_offline_run(const struct ctl *ctl, enum access_offline_use use, struct buf *request, struct buf *answer,
                       char *why, size_t size)
{
    const struct registry_config config = { .clock = clock_system(),
                                            .operations_keep_ms = INT64_MAX / 4,
                                            .operations_max = INT64_MAX };
    struct store_message message = { .text = "" };
    struct registry *registry = NULL;
    struct store *store = NULL;
    struct vault *vault = NULL;
    bool was_there = access(ctl->data, F_OK) == 0;
    log_init(LOG_WARNING, LOG_FORMAT_AUTO);
    int r =
        store_open_sqlite(ctl->data, use == ACCESS_OFFLINE_MAKES ? STORE_CREATE : 0, config.clock, &store, &message);
    if (r == 0)
        r = registry_open(&config, store, &registry, &message);
    if (r != 0) {
        snprintf(why, size, "%s", message.text[0] ? message.text : "out of memory");
        store_close(store);
        return r < 0 ? EXIT_FAILURE : store_exit_code(r);
    }
    if (!was_there && ctl->is_data_found)
        fprintf(stderr, "cloudmapctl: there was no store: a new one is in %s; --data names another place\n", ctl->data);
    int code = run_on(ctl, registry, use, request, answer, &vault, why, size);
    registry_close(registry);
    vault_free(vault);
    store_close(store);
    data_owner_give(ctl->data);
    return code;
}
