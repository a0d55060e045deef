/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of STS: parsing stays within the text and names one of its conditions; every condition can be answered. */
#include "fuzz_target.h"

#include "api/sts.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *body = mem_dup(data, n);
    struct arena arena;
    struct sts_request request;
    struct str message;
    struct buf buf;
    FUZZ_CHECK(body);
    arena_init(&arena, 65536);
    buf_init(&buf, 65536);
    int r = sts_parse(body, n, &arena, &request, &message);
    FUZZ_CHECK(r >= 0 && r <= STS_INVALID_INPUT && str_is_set(message) == (r == STS_INVALID_INPUT));
    FUZZ_CHECK(text_is_utf8(message));
    if (r) {
        sts_render_error(&buf, r, message, STR("id"));
        FUZZ_CHECK(sts_status(r) == 400);
    } else if (request.action == STS_ASSUME_ROLE) {
        FUZZ_CHECK(request.session_name.n >= 2 && request.session_name.n <= 64);
        FUZZ_CHECK(request.duration_s == 0 ||
                   (request.duration_s >= STS_DURATION_MIN_S && request.duration_s <= STS_DURATION_MAX_S));
        const struct sts_session session = { .role_id = request.role_arn, .token = request.policy };
        sts_render_session(&buf, &session, request.external_id);
    }
    FUZZ_CHECK(!buf.failed);
    buf_fini(&buf);
    arena_fini(&arena);
    mem_free(body);
    return 0;
}
