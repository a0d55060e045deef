/* SPDX-License-Identifier: Apache-2.0
 *
 * A message from the queue: a hint names an instance, and an envelope of SNS around a message changes nothing, or, if
 * it was one already, makes it poison. */
#include "fuzz_target.h"

#include "aws/ec2.h"
#include "aws/ec2_event.h"
#include "base/text.h"
#include "json/writer.h"

#include <errno.h>

#define CAP ((size_t)16 << 20)

static struct ec2_event read_event(struct str body, struct arena *arena)
{
    struct ec2_event event;
    arena_init(arena, CAP);
    int r = ec2_event_read(body, arena, &event);
    FUZZ_CHECK(r == 0);
    FUZZ_CHECK(ec2_event_kind_text(event.kind));
    if (event.kind == EC2_EVENT_STATE || event.kind == EC2_EVENT_LIFECYCLE)
        FUZZ_CHECK(ec2_is_id(event.instance_id));
    FUZZ_CHECK(event.kind != EC2_EVENT_STATE || event.state.n > 0);
    FUZZ_CHECK(event.time_ms >= 0);
    return event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str body = { (const char *)data, n };
    struct arena arena, again;
    struct ec2_event event = read_event(body, &arena);
    if (text_is_utf8(body)) {
        struct buf envelope;
        buf_init(&envelope, CAP);
        buf_printf(&envelope, "{\"Type\":\"Notification\",\"Message\":");
        json_escape(&envelope, body);
        buf_put_char(&envelope, '}');
        struct ec2_event wrapped = read_event(buf_str(&envelope), &again);
        FUZZ_CHECK(wrapped.kind == event.kind || wrapped.kind == EC2_EVENT_POISON);
        if (wrapped.kind == EC2_EVENT_STATE || wrapped.kind == EC2_EVENT_LIFECYCLE)
            FUZZ_CHECK(str_eq(wrapped.instance_id, event.instance_id) && wrapped.time_ms == event.time_ms);
        arena_fini(&again);
        buf_fini(&envelope);
    }
    arena_fini(&arena);
    return 0;
}
