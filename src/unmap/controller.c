/* SPDX-License-Identifier: Apache-2.0
 *
 * One loop around poll: signals, events, the clock. */
#include "unmap/controller.h"
#include "base/log.h"
#include "http/server.h"
#include "unmap/events.h"
#include "unmap/report.h"
#include "unmap/round.h"
#include "unmap/signals.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

#define EX_HELD 3
#define EX_IN_USE 69
#define EVENT_REST_MIN_MS 1000 /* between two rounds that events want */
#define EVENT_ECHO_MS 10000    /* EC2 may know less than its event for some seconds: one more look after that */
#define EVENT_REST_ROUNDS 4    /* ... and so many times what the last one took: a storm must not eat the API's quota */

struct controller {
    const struct settings *settings;
    const struct environment *environment;
    struct state_dir state_dir;
    struct arena arena;
    struct exporter *exporter;
    struct access *access;
    struct keeper *keeper;
    struct events *events;
    struct rand rand;
    struct signals *signals;
    int wanted_fd;     /* -1: none */
    bool is_for_event; /* the round that runs, or ran last */
};

static int refuse(int code, const char *what, const char *detail)
{
    log_event(LOG_UNMAP_REFUSED, LOG_C("reason", what), LOG_C("detail", detail));
    return code;
}

/* --- start and stop ---------------------------------------------------------------------------------------------- */

/* 0 or an exit code. */
static int open_state(struct controller *controller, bool is_to_write)
{
    int r = state_dir_open(controller->settings->state_dir, is_to_write, controller->environment, &controller->arena,
                           &controller->state_dir);
    if (r == 0 || !is_to_write)
        return 0;
    struct str detail = arena_printf(&controller->arena, "%s: %s; --state-dir names another one",
                                     controller->state_dir.path ? controller->state_dir.path : "no HOME", strerror(-r));
    return refuse(EX_CANTCREAT, "the directory of the journal cannot be written", detail.p);
}

static int serve_metrics(struct controller *controller)
{
    const struct settings *settings = controller->settings;
    char message[512], address[300];
    int r = exporter_serve(controller->exporter, settings->prometheus_host, settings->prometheus_port, message,
                           sizeof(message), address, sizeof(address));
    if (r == HTTP_ADDRESS_IN_USE)
        return refuse(EX_IN_USE, "the address of the metrics is in use", message);
    if (r != 0)
        return refuse(r == HTTP_ADDRESS_BAD ? EX_USAGE : EXIT_FAILURE, "metrics cannot be served",
                      r < 0 ? strerror(-r) : message);
    log_event(LOG_UNMAP_METRICS, LOG_C("address", address));
    return 0;
}

/* The parts that a plan needs, too. 0 or an exit code. */
static int start_parts(struct controller *controller, bool may_save)
{
    const struct clock *clock = clock_system();
    rand_init(&controller->rand);
    int r = exporter_new(clock, &controller->exporter);
    if (r == 0)
        r = access_new(&(struct access_config){ .environment = controller->environment,
                                                .clock = clock,
                                                .watch = exporter_note_call,
                                                .watch_arg = controller->exporter },
                       &controller->access);
    if (r == 0)
        r = keeper_new(&controller->state_dir, may_save, &controller->keeper);
    return r == 0 ? 0 : refuse(EX_OSERR, "out of memory", NULL);
}

static int start_events(struct controller *controller)
{
    const struct settings *settings = controller->settings;
    if (!settings->sqs_queue_url)
        return 0;
    controller->wanted_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (controller->wanted_fd < 0)
        return refuse(EX_OSERR, "no event descriptor", strerror(errno));
    int r = events_start(&(struct events_config){ .queue_url = settings->sqs_queue_url,
                                                  .role_arn = settings->targets[0].role_arn,
                                                  .region = settings->targets[0].service_region,
                                                  .environment = controller->environment,
                                                  .clock = clock_system(),
                                                  .exporter = controller->exporter,
                                                  .keeps_messages = settings->dry_run,
                                                  .wanted_fd = controller->wanted_fd },
                         &controller->events);
    return r == 0 ? 0 : refuse(EX_OSERR, "the queue's thread cannot start", strerror(-r));
}

static void init(struct controller *controller, const struct settings *settings, const struct environment *environment)
{
    *controller = (struct controller){
        .settings = settings,
        .environment = environment,
        .state_dir = { .fd = -1 },
        .wanted_fd = -1,
    };
    arena_init(&controller->arena, 1 << 20);
}

static void fini(struct controller *controller)
{
    events_stop(controller->events);
    signals_end(controller->signals);
    exporter_free(controller->exporter);
    keeper_free(controller->keeper);
    access_free(controller->access);
    state_dir_close(&controller->state_dir);
    if (controller->wanted_fd >= 0)
        close(controller->wanted_fd);
    arena_fini(&controller->arena);
}

static struct round_context context_of(struct controller *controller)
{
    return (struct round_context){
        .settings = controller->settings,
        .access = controller->access,
        .exporter = controller->exporter,
        .keeper = controller->keeper,
        .state_dir = &controller->state_dir,
        .clock = clock_system(),
        .rand = &controller->rand,
    };
}

/* --- rounds ------------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
    return clock_mono_ns(clock_system()) / 1000000;
}

/* The exit code that this round alone would give. */
static int run_round(struct controller *controller)
{
    struct round_context context = context_of(controller);
    struct round *round = NULL;
    int64_t began_ns = clock_mono_ns(clock_system());
    if (controller->events)
        events_round_begins(controller->events);
    int r = round_decide(&context, &round);
    if (r == 0)
        r = round_carry_out(&context, round);
    bool is_known = r == 0 && !round->is_unknown;
    int code = !is_known ? EXIT_FAILURE : round->is_held ? EX_HELD : EXIT_SUCCESS;
    if (r != 0)
        log_event(LOG_UNMAP_UNKNOWN, LOG_C("error", strerror(-r)));
    exporter_note_round(controller->exporter, clock_mono_ns(clock_system()) - began_ns, is_known,
                        r == 0 && round->survey->n_failures == 0);
    if (controller->events)
        events_round_ended(controller->events, r == 0 && !round->leaves_hints);
    round_free(round);
    return code;
}

/* Waits until the next round is due. Whether there is to be one. */
static bool wait_for_next(struct controller *controller, int64_t began_ms)
{
    int64_t ended_ms = now_ms(), due_ms = began_ms + controller->settings->frequency_ms;
    int64_t rest_ms = EVENT_REST_ROUNDS * (ended_ms - began_ms);
    int64_t event_ms = ended_ms + (rest_ms > EVENT_REST_MIN_MS ? rest_ms : EVENT_REST_MIN_MS);
    bool is_wanted = false;
    if (controller->is_for_event && ended_ms + EVENT_ECHO_MS < due_ms)
        due_ms = ended_ms + EVENT_ECHO_MS;
    controller->is_for_event = false;
    for (;;) {
        int64_t until_ms = is_wanted && event_ms < due_ms ? event_ms : due_ms, left_ms = until_ms - now_ms();
        if (left_ms < 0)
            left_ms = 0;
        struct pollfd fds[] = { { .fd = signals_stop_fd(controller->signals), .events = POLLIN },
                                { .fd = is_wanted ? -1 : controller->wanted_fd, .events = POLLIN } };
        int n = poll(fds, 2, left_ms > 3600000 ? 3600000 : (int)left_ms);
        if (fds[0].revents)
            return false;
        if (n > 0 && (fds[1].revents & POLLIN)) {
            uint64_t count;
            is_wanted = read(controller->wanted_fd, &count, sizeof(count)) == sizeof(count);
            continue; /* the first event after a quiet time does not wait: its time has passed */
        }
        if (now_ms() >= until_ms) {
            controller->is_for_event = is_wanted;
            return true;
        }
    }
}

static int run_rounds(struct controller *controller)
{
    for (;;) {
        int64_t began_ms = now_ms();
        int code = run_round(controller);
        if (controller->settings->single_run)
            return code;
        if (!wait_for_next(controller, began_ms))
            return EXIT_SUCCESS;
    }
}

static void tell_start(const struct settings *settings)
{
    size_t n_services = 0;
    for (size_t i = 0; i < settings->n_targets; i++)
        n_services += settings->targets[i].service_ids.n + settings->targets[i].namespace_ids.n;
    log_event(LOG_UNMAP_STARTED, LOG_C("version", CLOUDMAP_VERSION), LOG_I("targets", settings->n_targets),
              LOG_I("services_and_namespaces", n_services), LOG_I("frequency_seconds", settings->frequency_ms / 1000),
              LOG_C("dry_run", settings->dry_run ? "yes" : "no"));
}

int controller_run(const struct settings *settings, const struct environment *environment)
{
    struct controller controller;
    init(&controller, settings, environment);
    int r = signals_start(&controller.signals);
    int code = r == 0 ? 0 : refuse(EX_OSERR, "signals cannot be handled", strerror(-r));
    if (code == 0)
        code = open_state(&controller, !settings->dry_run);
    if (code == 0)
        code = start_parts(&controller, !settings->dry_run);
    for (size_t i = 0; code == 0 && i < settings->n_targets; i++)
        for (size_t k = 0; k < settings->targets[i].service_ids.n; k++)
            exporter_add_service(controller.exporter, str_of(settings->targets[i].service_ids.items[k]));
    if (code == 0 && settings->enable_prometheus)
        code = serve_metrics(&controller);
    if (code == 0 && !settings->single_run)
        code = start_events(&controller);
    if (code == 0) {
        tell_start(settings);
        code = run_rounds(&controller);
        log_event(LOG_UNMAP_STOPPED, LOG_I("exit_code", code));
    }
    fini(&controller);
    return code;
}

int controller_plan(const struct settings *settings, const struct environment *environment)
{
    struct controller controller;
    struct round *round = NULL;
    init(&controller, settings, environment);
    int code = open_state(&controller, false);
    if (code == 0)
        code = start_parts(&controller, false);
    if (code == 0) {
        struct round_context context = context_of(&controller);
        int r = round_decide(&context, &round);
        if (r != 0)
            code = refuse(EX_OSERR, strerror(-r), NULL);
        else
            code = report_print(round, settings->output);
    }
    round_free(round);
    fini(&controller);
    return code;
}
