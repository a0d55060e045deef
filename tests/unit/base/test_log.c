/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text.h"

#include <pty.h>
#include <time.h>
#include <unistd.h>

#define CAPTURE_MAX 16384

/* stderr is sent into a pipe around what is logged, and put back before anything is asserted. */
struct capture {
    int stderr_copy, read_end;
    size_t n;
    char text[CAPTURE_MAX];
};

static void capture_begin(struct capture *capture)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    capture->stderr_copy = dup(STDERR_FILENO);
    capture->read_end = fds[0];
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
}

/* The text lacks what is logged at its start: the time, `at` characters in, which must look like one. */
static struct str capture_end(struct capture *capture, size_t at)
{
    dup2(capture->stderr_copy, STDERR_FILENO);
    close(capture->stderr_copy);
    capture->n = 0;
    for (ssize_t n = 1; n > 0; capture->n += (size_t)n)
        n = read(capture->read_end, capture->text + capture->n, sizeof(capture->text) - capture->n);
    close(capture->read_end);
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    size_t len = sizeof(shape) - 1;
    if (capture->n == 0)
        return STR("");
    assert_true(capture->n >= at + len);
    for (size_t i = 0; i < len; i++) {
        char c = capture->text[at + i];
        assert_true(shape[i] == 'd' ? c >= '0' && c <= '9' : c == shape[i]);
    }
    return (struct str){ capture->text + at + len, capture->n - at - len };
}

static void test_text(void **state)
{
    (void)state;
    struct capture capture;
    log_init(LOG_INFO, LOG_FORMAT_TEXT);
    capture_begin(&capture);
    log_event(LOG_DAEMON_STARTED, LOG_C("api", "127.0.0.1:8650"), LOG_I("pid", 12), LOG_I("low", INT64_MIN));
    assert_str(capture_end(&capture, 0), " INFO started api=127.0.0.1:8650 pid=12 low=-9223372036854775808\n");
    capture_begin(&capture);
    log_event(LOG_STORE_COMMIT_FAILED, LOG_C("error", "No space left"), LOG_C("empty", ""), LOG_C("absent", NULL),
              LOG_C("quoted", "a=\"b\\c\""));
    assert_str(capture_end(&capture, 0),
               " ERROR commit failed error=\"No space left\" empty=\"\" absent=\"\" quoted=\"a=\\\"b\\\\c\\\"\"\n");
}

static void test_json(void **state)
{
    (void)state;
    struct capture capture;
    log_init(LOG_INFO, LOG_FORMAT_JSON);
    capture_begin(&capture);
    log_event(LOG_DAEMON_STARTED, LOG_C("api", "127.0.0.1:8650"), LOG_I("pid", -12), LOG_C("absent", NULL),
              LOG_C("text", "a \"b\" \\ \n\x7f caf\xc3\xa9"));
    struct str line = capture_end(&capture, strlen("{\"time\":\""));
    assert_str(line, "\",\"level\":\"info\",\"event\":\"daemon_started\",\"message\":\"started\","
                     "\"api\":\"127.0.0.1:8650\",\"pid\":-12,\"absent\":null,"
                     "\"text\":\"a \\\"b\\\" \\\\ \\u000a\\u007f caf\xc3\xa9\"}\n");
    assert_memory_equal(capture.text, "{\"time\":\"", 9);
}

/* The keys that Python's loggers write, the time as a Python program has it. */
static void test_python_keys(void **state)
{
    (void)state;
    struct capture capture;
    log_init(LOG_INFO, LOG_FORMAT_PYTHON);
    capture_begin(&capture);
    log_event(LOG_UNMAP_HELD, LOG_C("service_id", "srv-1"), LOG_I("judged", 2));
    dup2(capture.stderr_copy, STDERR_FILENO);
    close(capture.stderr_copy);
    ssize_t n = read(capture.read_end, capture.text, sizeof(capture.text) - 1);
    close(capture.read_end);
    assert_true(n > 0);
    capture.text[n] = '\0';
    struct tm tm;
    const char *rest = strptime(capture.text, "{\"asctime\":\"%Y-%m-%d %H:%M:%S\",", &tm);
    assert_non_null(rest);
    assert_string_equal(rest, "\"levelname\":\"WARNING\",\"event\":\"unmap_held\","
                              "\"message\":\"a guard holds removals back\",\"service_id\":\"srv-1\",\"judged\":2}\n");
}

/* What a terminal would obey stays out of it, and no value makes a second line. */
static void test_text_is_safe(void **state)
{
    (void)state;
    struct capture capture;
    log_init(LOG_INFO, LOG_FORMAT_TEXT);
    capture_begin(&capture);
    log_event(LOG_DAEMON_STARTED, LOG_S("v", STR("\x1b[31m\r\n\0\t\x7f \xc2\x9b"
                                                 "31m \x9b \xff \xc2\xa0 caf\xc3\xa9 \xe2\x82")));
    assert_str(capture_end(&capture, 0), " INFO started v=\"\\x1b[31m\\x0d\\x0a\\x00\\x09\\x7f \\u009b31m \\x9b \\xff "
                                         "\xc2\xa0 caf\xc3\xa9 \\xe2\\x82\"\n");
}

/* Random bytes: a line is one line, UTF-8, without control characters; a JSON line has paired quotes and no escape
 * but those of JSON. */
static void test_random_bytes(void **state)
{
    (void)state;
    struct rand rand;
    rand_init_seed(&rand, 11);
    for (int i = 0; i < 2000; i++) {
        char bytes[64];
        size_t n = rand_below(&rand, sizeof(bytes));
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)(i % 2 ? rand_u64(&rand) : (uint64_t) "\"\\\n\xc3\xa9\x1b z="[rand_below(&rand, 9)]);
        bool json = i % 4 < 2;
        struct capture capture;
        log_init(LOG_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
        capture_begin(&capture);
        log_event(LOG_DAEMON_STARTED, LOG_S("v", ((struct str){ bytes, n })), LOG_I("last", 1));
        struct str line = capture_end(&capture, json ? 9 : 0);
        assert_true(text_is_utf8(line));
        assert_true(line.p[line.n - 1] == '\n');
        bool quoted = json;
        for (size_t k = 0; k < line.n - 1; k++) {
            assert_true((unsigned char)line.p[k] >= 0x20 && line.p[k] != 0x7f);
            if (line.p[k] == '"')
                quoted = !quoted;
            else if (line.p[k] == '\\' && json)
                assert_non_null(memchr("\"\\u", line.p[++k], 3));
            else if (line.p[k] == '\\')
                assert_non_null(memchr("\"\\xu", line.p[++k], 4));
        }
        assert_false(quoted);
        struct str tail = json ? STR(",\"last\":1}\n") : STR(" last=1\n");
        assert_true(line.n >= tail.n && str_eq(str_skip(line, line.n - tail.n), tail));
    }
}

/* Values and lines are cut so that they stay well-formed. */
static void test_long_values(void **state)
{
    (void)state;
    static char big[100000];
    static const char fills[] = { 'a', '\x1b', '"', '\xff', ' ' };
    for (size_t i = 0; i < TEST_COUNT(fills); i++) {
        for (int json = 0; json < 2; json++) {
            memset(big, fills[i], sizeof(big));
            struct str value = { big, sizeof(big) };
            struct capture capture;
            log_init(LOG_INFO, json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
            capture_begin(&capture);
            log_event(LOG_DAEMON_STARTED, LOG_S("a", value), LOG_S("b", value), LOG_S("c", value), LOG_S("d", value),
                      LOG_S("e", value), LOG_S("f", value));
            struct str line = capture_end(&capture, json ? 9 : 0);
            struct str tail = json ? STR("...\"}\n") : STR("...\"\n");
            assert_true(line.n > 4000 && line.n < 8192);
            assert_true(str_eq(str_skip(line, line.n - tail.n), tail));
            assert_int_equal(str_find_char(line, '\n'), line.n - 1);
        }
    }
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const words[] = { "debug", "info", "warning", "error", "critical" };
    static const char *const capitals[] = { "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL" };
    for (int level = LOG_DEBUG; level < LOG_LEVEL_COUNT; level++) {
        enum log_level parsed = LOG_LEVEL_COUNT;
        assert_int_equal(log_parse_level(str_of(words[level]), &parsed), 0);
        assert_int_equal(parsed, level);
        parsed = LOG_LEVEL_COUNT;
        assert_int_equal(log_parse_level(str_of(capitals[level]), &parsed), 0);
        assert_int_equal(parsed, level);
        log_init(LOG_INFO, LOG_FORMAT_TEXT);
        log_set_level(parsed);
        static const enum log_id ids[] = { LOG_REQUEST, LOG_DAEMON_STARTED, LOG_STORE_CHECKPOINT_FAILED,
                                           LOG_STORE_COMMIT_FAILED, LOG_UNMAP_REFUSED };
        for (int i = LOG_DEBUG; i < LOG_LEVEL_COUNT; i++) {
            struct capture capture;
            capture_begin(&capture);
            log_event(ids[i], LOG_I("x", 1));
            struct str line = capture_end(&capture, 0);
            assert_int_equal(line.n > 0, i >= level);
        }
    }
    enum log_level parsed = LOG_LEVEL_COUNT;
    assert_int_equal(log_parse_level(STR("Info"), &parsed), 1);
    assert_int_equal(log_parse_level(STR(""), &parsed), 1);
    assert_int_equal(parsed, LOG_LEVEL_COUNT);
}

/* Left to itself the log is text on a terminal and JSON elsewhere. */
static void test_automatic_format(void **state)
{
    (void)state;
    struct capture capture;
    capture_begin(&capture);
    log_init(LOG_INFO, LOG_FORMAT_AUTO);
    log_event(LOG_DAEMON_STARTED, LOG_I("x", 1));
    capture_end(&capture, 9);
    assert_int_equal(capture.text[0], '{');

    int master, slave;
    char line[200] = { 0 };
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    int stderr_copy = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    log_init(LOG_INFO, LOG_FORMAT_AUTO);
    log_event(LOG_DAEMON_STARTED, LOG_I("x", 1));
    dup2(stderr_copy, STDERR_FILENO);
    close(stderr_copy);
    assert_true(read(master, line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "Z INFO started x=1"));
    close(master);
    close(slave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_json),
        cmocka_unit_test(test_python_keys),  cmocka_unit_test(test_text_is_safe),
        cmocka_unit_test(test_random_bytes), cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_levels),       cmocka_unit_test(test_automatic_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
