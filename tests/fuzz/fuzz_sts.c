/* SPDX-License-Identifier: Apache-2.0
 *
 * The form of STS: parsing stays within the text and names one of its conditions; every condition can be answered. */
#include "fuzz_target.h"

#include "api/sts.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *body = mem_dup(data, n);
    FUZZ_CHECK(body);
    int r = sts_parse(body, n);
    FUZZ_CHECK(r >= 0 && r < STS_INTERNAL);
    if (r) {
        struct buf buf;
        buf_init(&buf, 4096);
        sts_render_error(&buf, r, STR("id"));
        FUZZ_CHECK(!buf.failed && sts_status(r) == 400);
        buf_fini(&buf);
    }
    mem_free(body);
    return 0;
}
