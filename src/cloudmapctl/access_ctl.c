/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and flags become the request of admin/admin_access.h; which of them fit is judged there. */
#include "cloudmapctl/access_ctl.h"

#include "admin/admin_access.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cloudmapctl/access_offline.h"
#include "cloudmapctl/answer_table.h"
#include "cloudmapctl/daemon_status.h"
#include "cloudmapctl/fetch.h"
#include "cloudmapctl/policy_test.h"
#include "json/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define HIDDEN " document trust id "
#define STATUS_ARENA_MAX (4 << 20)

static const struct access_action {
    const char *noun, *verb;
    const char *argument; /* the member that the word behind the verb becomes; NULL: there is none */
    const char *option;   /* the same for the word behind that one, which may be left out */
    enum access_offline_use use;
    const char *advice; /* printed behind the answer; NULL: none */
} actions[] = {
    { "key", "create", NULL, NULL, ACCESS_OFFLINE_MAKES,
      "The secret is shown this once. Keep it; cloudmapd cannot show it again." },
    { "key", "list", NULL, NULL, ACCESS_OFFLINE_LOOKS, NULL },
    { "key", "disable", "access_key_id", NULL, ACCESS_OFFLINE_CHANGES, "Calls signed by it are refused from now on." },
    { "key", "enable", "access_key_id", NULL, ACCESS_OFFLINE_CHANGES, "Calls signed by it are taken again." },
    { "key", "delete", "access_key_id", NULL, ACCESS_OFFLINE_CHANGES,
      "It is gone, with all sessions that it began. A key that the configuration gives comes back at the next start." },
    { "key", "rewrap", NULL, NULL, ACCESS_OFFLINE_CHANGES,
      "Keep a copy of the new key file, apart from those of the store, and the old one for as long as there are "
      "backups\n"
      "under it. `audit verify` needs both audit keys (--public-key) while the trail has checkpoints of both." },
    { "user", "create", "user", NULL, ACCESS_OFFLINE_MAKES,
      "It may do nothing yet: policy attach says what, key create --user makes its key." },
    { "user", "list", NULL, NULL, ACCESS_OFFLINE_LOOKS, NULL },
    { "user", "delete", "user", NULL, ACCESS_OFFLINE_CHANGES, "It is gone." },
    { "role", "create", "role", NULL, ACCESS_OFFLINE_MAKES, "It may do nothing yet: policy attach says what." },
    { "role", "list", NULL, NULL, ACCESS_OFFLINE_LOOKS, NULL },
    { "role", "delete", "role", NULL, ACCESS_OFFLINE_CHANGES, "It is gone, with all its sessions." },
    { "policy", "attach", "policy", NULL, ACCESS_OFFLINE_CHANGES, "It counts from the next call on." },
    { "policy", "detach", "policy", NULL, ACCESS_OFFLINE_CHANGES, "It counts no more." },
    { "policy", "list", NULL, NULL, ACCESS_OFFLINE_LOOKS, NULL },
    { "policy", "share", "namespace", "consumer", ACCESS_OFFLINE_CHANGES,
      "Its callers name it by this ARN, or by names and OwnerAccount; their own policies have to allow it, too." },
    { "policy", "unshare", "namespace", NULL, ACCESS_OFFLINE_CHANGES,
      "Nobody else uses it from now on; what others registered in it stays." },
    { "policy", "shares", NULL, NULL, ACCESS_OFFLINE_LOOKS, NULL },
};

/* A document's text as a member. 0, or an exit code when it was said why. */
static int put_file(struct json_writer *writer, const char *member, const char *path)
{
    char text[IDENTITY_DOCUMENT_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 0;
    size_t all = 0;
    while (fd >= 0 && all < sizeof(text) && (n = read(fd, text + all, sizeof(text) - all)) > 0)
        all += (size_t)n;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return ctl_fail(EX_NOINPUT, "%s: %s", path, strerror(error));
    if (all == sizeof(text))
        return ctl_fail(EX_DATAERR, "%s: a document has at most %d bytes", path, IDENTITY_DOCUMENT_MAX);
    if (all == 0)
        return ctl_fail(EX_DATAERR, "%s is empty", path);
    if (!text_is_utf8((struct str){ text, all }))
        return ctl_fail(EX_DATAERR, "%s is not UTF-8", path);
    json_field_string(writer, str_of(member), (struct str){ text, all });
    return 0;
}

static int put_flags(struct json_writer *writer, const struct ctl *ctl)
{
    int64_t ms = 0;
    int code = 0;
    json_field_optional(writer, STR("account"), str_of(ctl->account));
    json_field_optional(writer, STR("user"), str_of(ctl->user));
    json_field_optional(writer, STR("role"), str_of(ctl->role));
    json_field_optional(writer, STR("path"), str_of(ctl->path));
    if (ctl->root) {
        json_key(writer, STR("root"));
        json_put_bool(writer, true);
    }
    if (ctl->max_session && units_parse_duration_ms(str_of(ctl->max_session), &ms) != 0)
        return ctl_fail(EX_USAGE, "--max-session is a time such as 2h, not: %s", ctl->max_session);
    if (ctl->max_session)
        json_field_int(writer, STR("max_session_s"), ms / 1000);
    if (ctl->trust)
        code = put_file(writer, "trust", ctl->trust);
    if (code == 0 && ctl->document)
        code = put_file(writer, "document", ctl->document);
    return code;
}

static int build(const struct ctl *ctl, const struct access_action *action, struct buf *request)
{
    struct json_writer writer;
    json_writer_init(&writer, request);
    json_open_object(&writer);
    json_key(&writer, STR("command"));
    char command[64];
    snprintf(command, sizeof(command), "%s %s", action->noun, action->verb);
    json_put_string(&writer, str_of(command));
    if (action->argument)
        json_field_string(&writer, str_of(action->argument), str_of(ctl->words[1]));
    if (action->option && ctl->n_words > 2)
        json_field_string(&writer, str_of(action->option), str_of(ctl->words[2]));
    int code = put_flags(&writer, ctl);
    json_close_object(&writer);
    return code == 0 && request->failed ? ctl_fail(EX_USAGE, "the arguments are too long") : code;
}

static int print(const struct ctl *ctl, const struct access_action *action, char *answer, size_t n)
{
    if (ctl->json)
        return printf("%.*s\n", (int)n, answer) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    if (answer_table_print(answer, n, HIDDEN) != 0)
        return ctl_fail(EXIT_FAILURE, "what the daemon answered is not understood; is it of another version?");
    if (action->advice)
        printf("\n%s\n", action->advice);
    return EXIT_SUCCESS;
}

/* Behind a key that was made while the daemon asks nobody for one. */
static void tell_mode(const struct ctl *ctl)
{
    struct daemon_status status;
    struct arena arena;
    char why[512];
    if (daemon_status_fetch(ctl, &status, why, sizeof(why)) != 0)
        return;
    arena_init(&arena, STATUS_ARENA_MAX);
    if (daemon_status_decode(&status, &arena) == 0 && str_eq(status.auth, STR("open")))
        printf("The daemon is still open: it asks for signatures from its next start on (unless auth.mode = open).\n");
    arena_fini(&arena);
    daemon_status_free(&status);
}

static int carry_out(const struct ctl *ctl, const struct access_action *action)
{
    char why[PATH_MAX + 1024], *text = NULL;
    struct buf request, answer;
    size_t n = 0;
    buf_init(&request, ADMIN_ACCESS_BODY_MAX);
    buf_init(&answer, ADMIN_ACCESS_ANSWER_MAX);
    int code = build(ctl, action, &request);
    if (code == 0) {
        bool is_offline = access_offline_is_needed(ctl);
        if (is_offline) {
            code = access_offline_run(ctl, action->use, &request, &answer, why, sizeof(why));
            text = code == 0 ? buf_take(&answer, &n) : NULL;
        } else {
            code = fetch_admin_post(ctl, ADMIN_ACCESS_PATH, buf_str(&request), &text, &n, why, sizeof(why));
        }
        code = code == 0 ? print(ctl, action, text, n) : ctl_fail(code, "%s", why);
        if (code == 0 && !ctl->json && !is_offline && strcmp(action->noun, "key") == 0 &&
            strcmp(action->verb, "create") == 0)
            tell_mode(ctl);
    }
    if (text)
        explicit_bzero(text, n);
    mem_free(text);
    buf_fini(&request);
    buf_fini(&answer);
    return code;
}

/* What stands behind the verb, for people. */
static const char *argument_text(const char *member)
{
    if (strcmp(member, "access_key_id") == 0)
        return "an access key id; key list shows them";
    if (strcmp(member, "namespace") == 0)
        return "a namespace: arn:aws:servicediscovery:REGION:ACCOUNT:namespace/ID";
    return "a name";
}

static int run(const struct ctl *ctl, const char *noun)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        const struct access_action *action = &actions[i];
        if (strcmp(action->noun, noun) != 0 || strcmp(action->verb, ctl->words[0]) != 0)
            continue;
        if (action->argument && ctl->n_words < 2)
            return ctl_fail(EX_USAGE, "%s %s needs %s", noun, action->verb, argument_text(action->argument));
        size_t most = action->option ? 3 : action->argument ? 2 : 1;
        if (ctl->n_words > most)
            return ctl_fail(EX_USAGE, "unexpected argument: %s", ctl->words[most]);
        if (ctl->context.n)
            return ctl_fail(EX_USAGE, "--context does not fit %s %s", noun, action->verb);
        return carry_out(ctl, action);
    }
    ctl_fail(EX_USAGE, "there is no action %s of %s", ctl->words[0], noun);
    fprintf(stderr, "Try: cloudmapctl help %s\n", noun);
    return EX_USAGE;
}

int access_ctl_key(const struct ctl *ctl)
{
    return run(ctl, "key");
}

int access_ctl_user(const struct ctl *ctl)
{
    return run(ctl, "user");
}

int access_ctl_role(const struct ctl *ctl)
{
    return run(ctl, "role");
}

int access_ctl_policy(const struct ctl *ctl)
{
    return strcmp(ctl->words[0], "test") == 0 ? policy_test_run(ctl) : run(ctl, "policy");
}
