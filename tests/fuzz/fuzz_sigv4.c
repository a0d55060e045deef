/* SPDX-License-Identifier: Apache-2.0
 *
 * Signatures: lines of method, path, query, then `name:value` headers, then the body. The verifier stays within the
 * text; what can be signed is verified, in both forms; and another spelling of the query is the same query. */
#include "fuzz_target.h"

#include "auth/authenticate.h"
#include "base/arena.h"
#include "base/text.h"
#include "sigv4/signer.h"

#define NOW 1440938160
#define HEADERS_MAX 32

static const struct verifier_options options = { .window_s = VERIFIER_WINDOW_S };

static struct str take_line(struct str *text)
{
    struct str line = { text->p, str_find_char(*text, '\n') };
    *text = str_skip(*text, line.n < text->n ? line.n + 1 : line.n);
    return line;
}

static void split(struct str text, struct verifier_request *request, struct str_pair headers[HEADERS_MAX])
{
    request->method = take_line(&text);
    request->path = take_line(&text);
    request->query = take_line(&text);
    while (text.n > 0 && request->n_headers < HEADERS_MAX) {
        struct str line = take_line(&text);
        size_t n = str_find_char(line, ':');
        if (n == line.n)
            break;
        headers[request->n_headers++] = (struct str_pair){ { line.p, n }, str_skip(line, n + 1) };
    }
    request->body = text;
}

static int verify(const struct verifier_request *request, struct arena *arena)
{
    struct verifier_claim claim;
    struct signature_key key;
    int r = verifier_read(request, &options, NOW, arena, &claim);
    if (r != 0)
        return r;
    FUZZ_CHECK(signature_derive_key(STR("secret"), &claim.scope, &key) == 0);
    return verifier_check(request, &options, &claim, &key, arena);
}

/* Without the headers that the signer sets itself, or that stand in the way. */
static void drop_headers(struct verifier_request *request, struct str_pair headers[HEADERS_MAX])
{
    static const struct str names[] = { STR("Authorization"), STR("X-Amz-Date"), STR("X-Amz-Security-Token"),
                                        STR("X-Amz-Content-Sha256") };
    size_t n = 0;
    for (size_t i = 0; i < request->n_headers; i++) {
        bool drop = false;
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
            drop = drop || str_eq_nocase(headers[i].key, names[j]);
        if (!drop)
            headers[n++] = headers[i];
    }
    request->n_headers = n;
}

/* Whether the query may hold parts of a signature of its own: then they are there twice, or in both forms. */
static bool has_parts(struct str query)
{
    return memmem(query.p, query.n, "mz", 2) || memchr(query.p, '%', query.n);
}

static void sign_and_verify(struct verifier_request *request, struct str_pair headers[HEADERS_MAX + 3],
                            struct arena *arena)
{
    struct signer signer;
    char hash[CANONICAL_HASH_LEN];
    struct str value;
    FUZZ_CHECK(signer_init(&signer, STR("AKID"), STR("secret"), STR("r"), STR("s"), NOW) == 0);
    signature_hash(request->body, hash);
    headers[request->n_headers++] = (struct str_pair){ STR("Host"), STR("h") };
    struct canonical_request canonical = {
        .method = request->method,
        .path = request->path,
        .query = request->query,
        .headers = headers,
        .n_headers = request->n_headers,
        .payload_hash = { hash, CANONICAL_HASH_LEN },
    };
    struct verifier_request presigned = *request;
    if (signer_make_query(&signer, &canonical, 60, arena, &presigned.query, NULL) == 0) {
        int r = verify(&presigned, arena);
        FUZZ_CHECK(r == 0 || (r == VERIFIER_TWICE && has_parts(request->query)));
    }
    headers[canonical.n_headers++] = (struct str_pair){ STR("X-Amz-Date"), { signer.time, AMZ_DATE_LEN } };
    if (signer_make_header(&signer, &canonical, arena, &value, NULL) == 0) {
        request->n_headers = canonical.n_headers;
        headers[request->n_headers++] = (struct str_pair){ STR("Authorization"), value };
        int r = verify(request, arena);
        FUZZ_CHECK(r == 0 || has_parts(request->query));
    }
}

/* Every byte of names and values as an escape, and the parameters from behind. */
static struct str respell(struct str query, struct arena *arena)
{
    struct str_pair parameter;
    struct str text = STR("");
    while (canonical_next_parameter(&query, &parameter)) {
        struct str plain[2], spelt[2];
        FUZZ_CHECK(canonical_decode(parameter.key, arena, &plain[0]) == 0);
        FUZZ_CHECK(canonical_decode(parameter.value, arena, &plain[1]) == 0);
        for (int i = 0; i < 2; i++) {
            char *p = arena_alloc(arena, 3 * plain[i].n + 1);
            FUZZ_CHECK(p);
            for (size_t j = 0; j < plain[i].n; j++) {
                p[3 * j] = '%';
                text_hex(plain[i].p + j, 1, p + 3 * j + 1);
            }
            spelt[i] = (struct str){ p, 3 * plain[i].n };
        }
        text =
            arena_printf(arena, STR_FMT "=" STR_FMT "&" STR_FMT, STR_ARG(spelt[0]), STR_ARG(spelt[1]), STR_ARG(text));
    }
    return text;
}

static void check_spelling(struct str query, struct arena *arena)
{
    const struct str_pair host = { STR("host"), STR("h") };
    struct canonical_request request = { .method = STR("GET"), .query = query, .headers = &host, .n_headers = 1 };
    struct str one, other;
    if (canonical_make(&request, STR("host"), arena, &one) != 0)
        return;
    request.query = respell(query, arena);
    FUZZ_CHECK(canonical_make(&request, STR("host"), arena, &other) == 0);
    FUZZ_CHECK(str_eq(one, other));
}

/* --- the words of a refusal -------------------------------------------------------------------------------------- */

static int find(void *arg, struct str access_key_id, struct str token, struct arena *arena,
                struct authenticate_key *ret_key)
{
    (void)arg;
    (void)access_key_id;
    (void)arena;
    *ret_key = (struct authenticate_key){ .version = 1, .is_active = !str_is_set(token) };
    return 0;
}

static int open_secret(void *arg, const struct authenticate_key *key, struct arena *arena,
                       char ret_secret[SIGNATURE_SECRET_MAX], size_t *ret_n)
{
    (void)arg;
    (void)key;
    (void)arena;
    memcpy(ret_secret, "secret", *ret_n = 6);
    return 0;
}

static int identify(void *arg, const struct authenticate_key *key, struct arena *arena, struct principal *ret_principal)
{
    (void)arg;
    (void)key;
    (void)arena;
    *ret_principal = (struct principal){ .kind = PRINCIPAL_USER };
    return 0;
}

/* Text of the request comes into it as printable ASCII, and not without end. */
static void check_refusal(const struct verifier_request *request, struct arena *arena)
{
    static struct authenticate_worker *worker;
    static const struct authenticate_lookup lookup = { NULL, find, open_secret, identify };
    struct authenticate_outcome outcome;
    FUZZ_CHECK(worker || authenticate_worker_new(NULL, 0, &worker) == 0);
    int r = authenticate_request(worker, &lookup, request, STR("servicediscovery"), NOW, arena, &outcome);
    FUZZ_CHECK(r >= 0 && r <= AUTHENTICATE_EXPIRED);
    FUZZ_CHECK(r != 0 || authenticate_is_region(outcome.region));
    FUZZ_CHECK(r != AUTHENTICATE_INCOMPLETE || outcome.message.n > 0);
    FUZZ_CHECK(outcome.message.n < 1024);
    for (size_t i = 0; i < outcome.message.n; i++)
        FUZZ_CHECK(outcome.message.p[i] >= ' ' && outcome.message.p[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct arena arena;
    struct str_pair headers[HEADERS_MAX + 3];
    struct verifier_request request = { .headers = headers };
    if (n > 4096)
        return 0;
    arena_init(&arena, (size_t)64 << 20);
    split((struct str){ (const char *)data, n }, &request, headers);
    int r = verify(&request, &arena);
    FUZZ_CHECK(r >= 0 && r <= VERIFIER_MISMATCH);
    check_refusal(&request, &arena);
    drop_headers(&request, headers);
    sign_and_verify(&request, headers, &arena);
    check_spelling(request.query, &arena);
    arena_fini(&arena);
    return 0;
}
