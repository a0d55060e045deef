/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process in the sandbox can still do, and what ends it: each case in a child of its own. */
#include "../test.h"

#include "base/log.h"
#include "cloudmapd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/cloudmap-sandbox-XXXXXX"; /* mutable: mkdtemp fills it in */
static char data[64], config_path[64];

static int make_root(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    snprintf(data, sizeof(data), "%s/data", root);
    snprintf(config_path, sizeof(config_path), "%s/config", root);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    return rmdir(data) || rmdir(root);
}

static void enter(enum sandbox_mode mode)
{
    struct config config = { .store_path = data, .sandbox_mode = mode };
    struct sandbox_message message;
    log_init(LOG_CRITICAL, LOG_FORMAT_JSON);
    if (sandbox_enter(&config, config_path, &message) != 0) {
        fprintf(stderr, "%s\n", message.text);
        _exit(99);
    }
}

/* The child's wait status. */
static int run(void (*act)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            dprintf(2, "%d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
            _exit(1);                                                          \
        }                                                                      \
    } while (0)

static void *thread_main(void *arg)
{
    pthread_setname_np(pthread_self(), "worker");
    return arg;
}

static void do_daily_work(void)
{
    char path[128];
    pthread_t thread;
    struct addrinfo *found;
    enter(SANDBOX_ON);
    snprintf(path, sizeof(path), "%s/file", data);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0 && write(fd, "x", 1) == 1 && fdatasync(fd) == 0 && ftruncate(fd, 0) == 0 && close(fd) == 0);
    CHECK(unlink(path) == 0);
    CHECK(pthread_create(&thread, NULL, thread_main, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(getaddrinfo("localhost", "80", NULL, &found) == 0);
    freeaddrinfo(found);
    CHECK(open("/etc/hosts", O_RDONLY) >= 0);
    CHECK((fd = open(config_path, O_RDONLY)) < 0 && errno == ENOENT);
    CHECK(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || errno == EAFNOSUPPORT);
}

static void reach_for_files(void)
{
    enter(SANDBOX_ON);
    CHECK(open("/root", O_RDONLY) < 0);
    CHECK(open("/tmp", O_RDONLY) < 0 && errno == EACCES);
    CHECK(open("/tmp/cloudmap-elsewhere", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
    CHECK(open("/etc/cloudmap-elsewhere", O_WRONLY | O_CREAT, 0600) < 0);
    CHECK(open("/etc/hosts", O_RDWR) < 0);
}

static void run_a_program(void)
{
    enter(SANDBOX_ON);
    execl("/bin/true", "true", NULL);
}

static void make_a_process(void)
{
    enter(SANDBOX_ON);
    fork();
}

static void trace(void)
{
    enter(SANDBOX_ON);
    ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static void open_a_raw_socket(void)
{
    enter(SANDBOX_ON);
    CHECK(socket(AF_PACKET, SOCK_RAW, 0) < 0);
}

static void write_and_run_memory(void)
{
    enter(SANDBOX_ON);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static void make_memory_run(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    enter(SANDBOX_ON);
    CHECK(mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0);
}

static void kill_another(void)
{
    enter(SANDBOX_ON);
    kill(getppid(), 0);
}

static void leave_a_core(void)
{
    struct rlimit limit;
    enter(SANDBOX_ON);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
}

static void be_let_alone(void)
{
    enter(SANDBOX_OFF);
    execl("/bin/true", "true", NULL);
    _exit(1);
}

static void test_what_works(void **state)
{
    (void)state;
    assert_int_equal(run(do_daily_work), 0);
    assert_int_equal(run(leave_a_core), 0);
    assert_int_equal(run(be_let_alone), 0);
}

static bool has_landlock(void)
{
    char modules[256] = "";
    int fd = open("/sys/kernel/security/lsm", O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, modules, sizeof(modules) - 1);
    close(fd);
    return n > 0 && strstr(modules, "landlock");
}

static void test_files(void **state)
{
    (void)state;
    if (has_landlock())
        assert_int_equal(run(reach_for_files), 0);
}

static void test_what_ends_it(void **state)
{
    static void (*const acts[])(void) = { run_a_program,        make_a_process,  trace,       open_a_raw_socket,
                                          write_and_run_memory, make_memory_run, kill_another };
    (void)state;
    for (size_t i = 0; i < TEST_COUNT(acts); i++) {
        int status = run(acts[i]);
        if (!WIFSIGNALED(status))
            print_error("case %zu ended with %d\n", i, WEXITSTATUS(status));
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_works), cmocka_unit_test(test_files),
                                        cmocka_unit_test(test_what_ends_it) };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
