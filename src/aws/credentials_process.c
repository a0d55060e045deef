/* SPDX-License-Identifier: Apache-2.0
 *
 * credential_process: a program that prints credentials. It runs without a shell, in a process group of its own that is
 * killed when it has ended, taken too long or printed too much. Neither its output nor its arguments get into a
 * message: both may be secret. */
#include "aws/credentials_priv.h"
#include "aws/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 256
#define ARENA_MAX ((size_t)65536)

/* --- words ------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies one word, its quotes resolved, to *at, a NUL behind it. Returns whether all quotes were closed. */
static bool take_word(struct str *rest, char **at)
{
    char quote = 0;
    while (rest->n > 0 && (quote || !is_blank(rest->p[0]))) {
        char c = rest->p[0];
        *rest = str_skip(*rest, 1);
        if (c == quote) {
            quote = 0;
            continue;
        }
        if (!quote && (c == '\'' || c == '"')) {
            quote = c;
            continue;
        }
        if (c == '\\' && quote != '\'') {
            if (rest->n == 0)
                return false;
            /* Between double quotes a backslash stands for itself before anything but these two. */
            if (quote && rest->p[0] != '"' && rest->p[0] != '\\')
                *(*at)++ = c;
            c = rest->p[0];
            *rest = str_skip(*rest, 1);
        }
        *(*at)++ = c;
    }
    *(*at)++ = '\0';
    return quote == 0;
}

int credentials_process_split(struct str command, struct arena *arena, char ***ret_words)
{
    char **words = ARENA_ARRAY(arena, char *, WORDS_MAX + 1);
    char *at = arena_alloc(arena, command.n + WORDS_MAX);
    size_t n = 0;
    if (!words || !at)
        return -ENOMEM;
    for (;;) {
        while (command.n > 0 && is_blank(command.p[0]))
            command = str_skip(command, 1);
        if (command.n == 0)
            break;
        if (n == WORDS_MAX)
            return 1;
        words[n++] = at;
        if (!take_word(&command, &at))
            return 1;
    }
    if (n == 0)
        return 1;
    *ret_words = words;
    return 0;
}

/* --- the process ------------------------------------------------------------------------------------------------- */

enum ending { ENDING_OK, ENDING_LATE, ENDING_LONG, ENDING_STATUS };

struct process {
    pid_t pid;
    int pid_fd, out; /* out: what it prints */
    int64_t deadline_ns;
    struct buf text;
    int status; /* of waitpid */
};

/* Signals as a new program expects them; nothing open but the three standard files. 0 or -errno. */
static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int out)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(actions, out, 1);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attributes, &all);
    if (r == 0)
        r = posix_spawnattr_setflags(attributes,
                                     POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    return -r;
}

static int spawn(char **words, char **variables, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *nothing[] = { NULL };
    if (posix_spawn_file_actions_init(&actions))
        return -ENOMEM;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    int r = set_up(&actions, &attributes, out);
    if (r == 0)
        r = -posix_spawnp(ret_pid, words[0], &actions, &attributes, words, variables ? variables : nothing);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* Kills what is left of the group, whose id is taken as long as nobody has waited for its leader. */
static void finish(struct process *process)
{
    kill(-process->pid, SIGKILL);
    while (waitpid(process->pid, &process->status, 0) < 0 && errno == EINTR)
        ;
    if (process->pid_fd >= 0)
        close(process->pid_fd);
    close(process->out);
}

static int start(struct process *process, char **words, char **variables)
{
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    int r = spawn(words, variables, pipe_fds[1], &process->pid);
    close(pipe_fds[1]);
    if (r < 0) {
        close(pipe_fds[0]);
        return r;
    }
    process->out = pipe_fds[0];
    process->pid_fd = pidfd_open(process->pid, 0);
    if (process->pid_fd < 0 || fcntl(process->out, F_SETFL, O_NONBLOCK) < 0) {
        r = -errno;
        finish(process);
    }
    return r;
}

/* Everything that is there to be read now. Returns whether more may come. */
static bool drain(struct process *process)
{
    struct buf *text = &process->text;
    for (;;) {
        ssize_t n = read(process->out, text->p + text->n, text->max - text->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        text->n += (size_t)n;
        if (text->n == text->max)
            return false;
    }
}

/* Reads until the process has ended; a child that keeps the pipe open is not waited for. */
static enum ending watch(struct process *process)
{
    struct pollfd fds[2] = { { .fd = process->pid_fd, .events = POLLIN }, { .fd = process->out, .events = POLLIN } };
    for (;;) {
        int64_t left_ms = (process->deadline_ns - clock_mono_ns(clock_system())) / 1000000;
        if (left_ms < 0)
            return ENDING_LATE;
        int n = poll(fds, 2, (int)left_ms + 1);
        bool has_ended = n > 0 && fds[0].revents;
        if (n > 0 && (fds[1].revents || has_ended) && fds[1].fd >= 0 && !drain(process))
            fds[1].fd = -1;
        if (process->text.n == process->text.max)
            return ENDING_LONG;
        if (has_ended)
            return ENDING_OK;
    }
}

/* The program's output in *text. 0 with how it ended, or -errno. */
static int run(char **words, char **variables, int64_t total_ms, struct process *process, enum ending *ret_ending)
{
    process->deadline_ns = clock_mono_ns(clock_system()) + total_ms * 1000000;
    buf_init(&process->text, CREDENTIALS_DOCUMENT_MAX);
    if (!buf_reserve(&process->text, CREDENTIALS_DOCUMENT_MAX))
        return -ENOMEM;
    int r = start(process, words, variables);
    if (r < 0)
        return r;
    enum ending ending = watch(process);
    finish(process);
    if (ending == ENDING_OK && (!WIFEXITED(process->status) || WEXITSTATUS(process->status) != 0))
        ending = ENDING_STATUS;
    *ret_ending = ending;
    return 0;
}

/* --- the source -------------------------------------------------------------------------------------------------- */

static int judge(const char *source, int64_t total_ms, struct process *process, enum ending ending,
                 struct credentials_set *ret_set, struct aws_error *error)
{
    switch (ending) {
    case ENDING_LATE:
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: the program did not end within %lld ms.", source,
                               (long long)total_ms);
    case ENDING_LONG:
        return aws_client_fail(error, AWS_NO_CREDENTIALS, "%s: the program printed more than %zu bytes.", source,
                               CREDENTIALS_DOCUMENT_MAX - 1);
    case ENDING_STATUS:
        return aws_client_fail(error, AWS_NO_CREDENTIALS,
                               "%s: the program ended with %s %d; run it by hand to see why.", source,
                               WIFEXITED(process->status) ? "status" : "signal",
                               WIFEXITED(process->status) ? WEXITSTATUS(process->status) : WTERMSIG(process->status));
    default:
        return credentials_set_read_json(ret_set, source, "SessionToken", true, process->text.p, process->text.n,
                                         error);
    }
}

int credentials_process_run(const struct credentials_search *search, const char *source, struct str command,
                            int64_t total_ms, struct credentials_set *ret_set, struct aws_error *ret_error)
{
    struct process process = { .pid_fd = -1 };
    struct arena arena;
    char **words;
    enum ending ending = ENDING_OK;
    arena_init(&arena, ARENA_MAX);
    int r = credentials_process_split(command, &arena, &words);
    if (r > 0) {
        r = aws_client_fail(ret_error, AWS_NO_CREDENTIALS,
                            "%s: a quote is left open, or there are no words or more than %d.", source, WORDS_MAX);
    } else if (r == 0) {
        r = run(words, search->environment->variables, total_ms, &process, &ending);
        if (r == 0)
            r = judge(source, total_ms, &process, ending, ret_set, ret_error);
        else if (r != -ENOMEM)
            r = aws_client_fail(ret_error, AWS_NO_CREDENTIALS, "%s: the program cannot be started: %s.", source,
                                strerror(-r));
        secret_fini_buf(&process.text);
    }
    arena_fini(&arena);
    return r;
}
