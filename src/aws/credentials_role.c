/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles through STS. The source's credentials sign the call through a chain that always gives them; a web identity
 * token needs no signature. The token's file is read for each call: whoever made it replaces it. */
#include "aws/credentials_priv.h"
#include "aws/form.h"
#include "aws/secret.h"
#include "aws/xml_path.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <errno.h>
#include <stdio.h>

#define ANSWER_MAX ((size_t)262144)
#define TOKEN_MAX ((size_t)32768)
#define FORM_MAX (3 * TOKEN_MAX + 65536)
#define DURATION_MAX_S 43200

/* --- the answer -------------------------------------------------------------------------------------------------- */

enum node { RESPONSE = 1, RESULT, CREDENTIALS, KEY_ID, SECRET, TOKEN, EXPIRATION, NODE_COUNT };

struct answer {
    char *texts[NODE_COUNT];
};

static int on_open(void *arg, unsigned node)
{
    (void)arg;
    (void)node;
    return 0;
}

static int on_close(void *arg, unsigned node, struct str text)
{
    struct answer *answer = arg;
    if (node < KEY_ID)
        return 0;
    answer->texts[node] = secret_dup(text); /* once: the schema says so */
    return answer->texts[node] ? 0 : -ENOMEM;
}

static int read_answer(const char *source, bool is_web, struct str xml, struct credentials_set *ret_set,
                       struct aws_error *error)
{
    const struct xml_path_row rows[] = {
        { 0, RESPONSE, XML_PATH_ONCE, is_web ? "AssumeRoleWithWebIdentityResponse" : "AssumeRoleResponse" },
        { RESPONSE, RESULT, XML_PATH_ONCE, is_web ? "AssumeRoleWithWebIdentityResult" : "AssumeRoleResult" },
        { RESULT, CREDENTIALS, XML_PATH_ONCE, "Credentials" },
        { CREDENTIALS, KEY_ID, XML_PATH_TEXT, "AccessKeyId" },
        { CREDENTIALS, SECRET, XML_PATH_TEXT, "SecretAccessKey" },
        { CREDENTIALS, TOKEN, XML_PATH_TEXT, "SessionToken" },
        { CREDENTIALS, EXPIRATION, XML_PATH_TEXT, "Expiration" },
    };
    const struct xml_path_schema schema = { .space = "https://sts.amazonaws.com/doc/",
                                            .rows = rows,
                                            .n_rows = sizeof(rows) / sizeof(rows[0]) };
    struct answer answer = { 0 };
    const struct xml_path_handler handler = { .open = on_open, .close = on_close, .arg = &answer };
    int64_t expires_ms = 0;
    int r = xml_path_read(xml, &schema, &handler, error);
    if (r == 0 && timestamp_parse_ms(str_of(answer.texts[EXPIRATION]), &expires_ms))
        r = aws_client_fail(error, AWS_ODD, "no Expiration, or one that is no time");
    if (r == 0)
        r = credentials_set_fill(ret_set, source, str_of(answer.texts[KEY_ID]), str_of(answer.texts[SECRET]),
                                 str_of(answer.texts[TOKEN]), error);
    if (r == 0)
        ret_set->expires_ms = expires_ms;
    for (unsigned i = 0; i < NODE_COUNT; i++)
        secret_free(answer.texts[i]);
    return r;
}

/* --- the question ------------------------------------------------------------------------------------------------ */

static int read_token(const char *source, const char *path, struct buf *ret_token, struct aws_error *error)
{
    int r = secret_read_file(path, TOKEN_MAX, ret_token);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: the token file %.300s cannot be read: %s.", source, path,
                               strerror(-r));
    while (ret_token->n > 0 && strchr(" \t\r\n", ret_token->p[ret_token->n - 1]))
        ret_token->n--;
    if (ret_token->n == 0) {
        secret_fini_buf(ret_token);
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: the token file %.300s is empty.", source, path);
    }
    return 0;
}

static void add(struct buf *form, struct str name, struct str value)
{
    if (value.n)
        form_add(form, name, value);
}

static void write_form(const struct credentials_search *search, const struct credentials_role *role, struct str token,
                       struct buf *form)
{
    char made_up[64];
    snprintf(made_up, sizeof(made_up), "cloudmap-%lld", (long long)(clock_wall_ms(search->clock) / 1000));
    form_add(form, STR("Action"), role->token_path ? STR("AssumeRoleWithWebIdentity") : STR("AssumeRole"));
    form_add(form, STR("Version"), STR("2011-06-15"));
    form_add(form, STR("RoleArn"), role->arn);
    form_add(form, STR("RoleSessionName"), role->session_name.n ? role->session_name : str_of(made_up));
    add(form, STR("ExternalId"), role->external_id);
    add(form, STR("DurationSeconds"), role->duration_seconds);
    add(form, STR("WebIdentityToken"), token);
}

/* --- the call ---------------------------------------------------------------------------------------------------- */

static int ask(struct aws_client *client, const struct credentials_search *search, const char *source,
               const struct credentials_role *role, struct credentials_set *ret_set, struct aws_error *error)
{
    struct buf form, token = { 0 }, body;
    int r = role->token_path ? read_token(source, role->token_path, &token, error) : 0;
    if (r != 0)
        return r;
    buf_init(&form, FORM_MAX);
    buf_init(&body, ANSWER_MAX);
    if (buf_reserve(&form, 3 * token.n + 16384))
        write_form(search, role, buf_str(&token), &form);
    const struct aws_call question = { .action = role->token_path ? "AssumeRoleWithWebIdentity" : "AssumeRole",
                                       .body = buf_str(&form),
                                       .answer_max = ANSWER_MAX };
    r = form.failed ? -ENOMEM : aws_client_call(client, &question, &body, error);
    if (r == 0)
        r = read_answer(source, role->token_path, buf_str(&body), ret_set, error);
    if (r == 0)
        ret_set->expires_ms -= aws_client_skew_ms(client); /* by our clock, right or wrong */
    secret_fini_buf(&form);
    secret_fini_buf(&token);
    secret_fini_buf(&body);
    return r;
}

/* A chain for the call's signature. */
static int make_chain(const struct credentials_search *search, const struct credentials_set *base,
                      struct credentials_chain **ret_chain, struct aws_error *error)
{
    const struct credentials_config config = { .environment = search->environment, .clock = search->clock };
    struct credentials_set copy;
    int r = credentials_set_fill(&copy, base->source, str_of(base->access_key_id), str_of(base->secret_access_key),
                                 str_of(base->session_token), error);
    return r ? r : credentials_chain_new_fixed(&config, &copy, ret_chain);
}

/* What went wrong, in one sentence that names the source and the role; code, status and request id stay. */
static int explain(const char *source, const struct credentials_role *role, const struct credentials_set *base, int r,
                   struct aws_error *error)
{
    if (r <= 0 || r == AWS_NO_CREDENTIALS)
        return r;
    struct aws_error cause = *error;
    aws_client_fail(error, AWS_NO_CREDENTIALS, "%.100s: STS did not give %.*s%s%.80s: %.200s", source,
                    role->arn.n > 128 ? 128 : (int)role->arn.n, role->arn.p, base ? " to the credentials of " : "",
                    base ? base->source : "", cause.message);
    error->status = cause.status;
    memcpy(error->code, cause.code, sizeof(error->code));
    memcpy(error->request_id, cause.request_id, sizeof(error->request_id));
    return AWS_NO_CREDENTIALS;
}

static int check(const char *source, const struct credentials_role *role, struct aws_error *error)
{
    uint64_t seconds;
    if (role->duration_seconds.n && (str_parse_u64(role->duration_seconds, &seconds) || seconds > DURATION_MAX_S))
        return aws_client_fail(error, AWS_NO_CREDENTIALS,
                               "%s: duration_seconds is not a number of seconds of at most 12 hours.", source);
    return 0;
}

int credentials_role_assume(const struct credentials_search *search, const char *source,
                            const struct credentials_role *role, const struct credentials_set *base,
                            struct credentials_set *ret_set, struct aws_error *ret_error)
{
    struct credentials_chain *chain = NULL;
    struct aws_client *client = NULL;
    int r = check(source, role, ret_error);
    if (r == 0 && base)
        r = make_chain(search, base, &chain, ret_error);
    if (r == 0) {
        const struct aws_client_config config = { .service = AWS_STS,
                                                  .region = search->region,
                                                  .credentials = chain,
                                                  .environment = search->environment,
                                                  .clock = search->clock };
        r = aws_client_new(&config, &client, ret_error);
    }
    if (r == 0)
        r = ask(client, search, source, role, ret_set, ret_error);
    r = explain(source, role, base, r, ret_error);
    aws_client_free(client);
    credentials_chain_free(chain);
    return r;
}
