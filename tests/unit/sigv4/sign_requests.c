/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads requests from stdin and signs them; for botocore_cross_check.py. A request is a line of words in hex, `-` for
 * an absent one: form, method, path, query, body, seconds, access key, secret, token, region, service, expiry; then
 * pairs of a header to be signed. The answer is a line, in hex: canonical request, string to sign, the Authorization
 * header or the query; then what our verifier says to it. `!` and a number is the signer's condition. */
#include "base/mem.h"
#include "base/text.h"
#include "sigv4/signer.h"
#include "sigv4/verifier.h"

#include <stdio.h>
#include <stdlib.h>

enum { FORM, METHOD, PATH, QUERY, BODY, SECONDS, ACCESS_KEY, SECRET, TOKEN, REGION, SERVICE, EXPIRES, N_WORDS };

static struct str read_word(struct str *line, struct arena *arena)
{
    struct str word = { line->p, str_find_char(*line, ' ') };
    *line = str_skip(*line, word.n < line->n ? word.n + 1 : word.n);
    if (str_eq(word, STR("-")))
        return (struct str){ 0 };
    char *text = arena_alloc(arena, word.n / 2);
    ASSERT(text && text_parse_hex(word, text) == 0);
    return (struct str){ text, word.n / 2 };
}

static uint64_t number_of(struct str text)
{
    uint64_t number;
    ASSERT(str_parse_u64(text, &number) == 0);
    return number;
}

static void print_hex(struct str text, char end)
{
    for (size_t i = 0; i < text.n; i++)
        printf("%02x", (unsigned char)text.p[i]);
    putchar(end);
}

/* What the verifier says of the signed request at its own time. */
static int verify(const struct str words[N_WORDS], struct verifier_request request, struct arena *arena)
{
    const struct verifier_options options = { .window_s = VERIFIER_WINDOW_S };
    struct verifier_claim claim;
    struct signature_key key;
    int r = verifier_read(&request, &options, (int64_t)number_of(words[SECONDS]), arena, &claim);
    if (r != 0)
        return r;
    ASSERT(signature_derive_key(words[SECRET], &claim.scope, &key) == 0);
    return verifier_check(&request, &options, &claim, &key, arena);
}

static void answer(struct str line, struct arena *arena)
{
    struct str words[N_WORDS];
    struct str_pair headers[CANONICAL_MAX_HEADERS];
    struct signer signer;
    struct signer_trace trace;
    char hash[CANONICAL_HASH_LEN];
    for (int i = 0; i < N_WORDS; i++)
        words[i] = read_word(&line, arena);
    struct verifier_request request = {
        .method = words[METHOD],
        .path = words[PATH],
        .query = words[QUERY],
        .headers = headers,
        .body = words[BODY],
    };
    for (; line.n > 0; request.n_headers++) {
        ASSERT(request.n_headers < CANONICAL_MAX_HEADERS - 1);
        headers[request.n_headers].key = read_word(&line, arena);
        headers[request.n_headers].value = read_word(&line, arena);
    }
    signature_hash(words[BODY], hash);
    const struct canonical_request canonical = {
        .method = request.method,
        .path = request.path,
        .query = request.query,
        .headers = headers,
        .n_headers = request.n_headers,
        .payload_hash = { hash, sizeof(hash) },
    };
    ASSERT(signer_init(&signer, words[ACCESS_KEY], words[SECRET], words[REGION], words[SERVICE],
                       (int64_t)number_of(words[SECONDS])) == 0);
    signer.session_token = words[TOKEN];
    bool in_header = str_eq(words[FORM], STR("header"));
    struct str value;
    int r = in_header
                ? signer_make_header(&signer, &canonical, arena, &value, &trace)
                : signer_make_query(&signer, &canonical, (unsigned)number_of(words[EXPIRES]), arena, &value, &trace);
    signer_fini(&signer);
    if (r != 0) {
        printf("!%d\n", r);
        return;
    }
    if (in_header)
        headers[request.n_headers++] = (struct str_pair){ STR("Authorization"), value };
    else
        request.query = value;
    print_hex(trace.canonical, ' ');
    print_hex(trace.string_to_sign, ' ');
    print_hex(value, ' ');
    printf("%d\n", verify(words, request, arena));
}

int main(void)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&text, &size, stdin)) > 0) {
        struct arena arena;
        arena_init(&arena, (size_t)16 << 20);
        answer((struct str){ text, (size_t)n - 1 }, &arena);
        arena_fini(&arena);
    }
    free(text);
    return 0;
}
