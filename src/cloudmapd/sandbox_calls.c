/* SPDX-License-Identifier: Apache-2.0
 *
 * The list: what the daemon, the C library, SQLite, GnuTLS, libuv, libmicrohttpd and liburcu call on their ways, those
 * of errors included. Not in it, on purpose: making processes (clone without a thread, fork, execve), tracing, other
 * users and groups, modules, mounts, keys, BPF, performance counters, memory that is written and run. */
#include "cloudmapd/sandbox_calls.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int calls[] = {
    /* descriptors */
    CALL(read),
    CALL(write),
    CALL(readv),
    CALL(writev),
    CALL(pread64),
    CALL(pwrite64),
    CALL(preadv),
    CALL(pwritev),
    CALL(lseek),
    CALL(close),
    CALL(close_range),
    CALL(dup),
    CALL(dup2),
    CALL(dup3),
    CALL(fcntl),
    CALL(flock),
    CALL(pipe2),
    /* files; Landlock says which */
    CALL(open),
    CALL(openat),
    CALL(stat),
    CALL(lstat),
    CALL(fstat),
    CALL(newfstatat),
    CALL(statx),
    CALL(statfs),
    CALL(fstatfs),
    CALL(access),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlink),
    CALL(readlinkat),
    CALL(getdents64),
    CALL(getcwd),
    CALL(unlink),
    CALL(unlinkat),
    CALL(link),
    CALL(linkat),
    CALL(rename),
    CALL(renameat),
    CALL(renameat2),
    CALL(mkdir),
    CALL(mkdirat),
    CALL(rmdir),
    CALL(truncate),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(fsync),
    CALL(fdatasync),
    CALL(sync_file_range),
    CALL(fadvise64),
    CALL(chmod),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(fchown),
    CALL(umask),
    CALL(utimensat),
    /* memory */
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(brk),
    CALL(msync),
    CALL(mlock),
    CALL(mlock2),
    CALL(munlock),
    CALL(mincore),
    /* threads and time */
    CALL(futex),
    CALL(futex_waitv),
    CALL(set_robust_list),
    CALL(get_robust_list),
    CALL(rseq),
    CALL(membarrier),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(getcpu),
    CALL(set_tid_address),
    CALL(arch_prctl),
    CALL(exit),
    CALL(exit_group),
    CALL(restart_syscall),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(time),
    CALL(times),
    CALL(getrandom),
    CALL(timerfd_create),
    CALL(timerfd_settime),
    CALL(timerfd_gettime),
    /* signals */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigtimedwait),
    CALL(rt_sigpending),
    CALL(rt_sigsuspend),
    CALL(sigaltstack),
    CALL(tgkill),
    /* waiting */
    CALL(epoll_create1),
    CALL(epoll_ctl),
    CALL(epoll_wait),
    CALL(epoll_pwait),
    CALL(epoll_pwait2),
    CALL(eventfd2),
    CALL(poll),
    CALL(ppoll),
    CALL(select),
    CALL(pselect6),
    /* sockets */
    CALL(bind),
    CALL(listen),
    CALL(accept),
    CALL(accept4),
    CALL(connect),
    CALL(getsockname),
    CALL(getpeername),
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(sendto),
    CALL(sendmsg),
    CALL(sendmmsg),
    CALL(recvfrom),
    CALL(recvmsg),
    CALL(recvmmsg),
    CALL(shutdown),
    CALL(socketpair),
    /* who am I, what may I take */
    CALL(getpid),
    CALL(gettid),
    CALL(getppid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(uname),
    CALL(sysinfo),
    CALL(getrlimit),
    CALL(setrlimit),
    CALL(prlimit64),
    CALL(getrusage),
    CALL(capget),
};

/* What the C library tries first, and does without. */
static const int missing_calls[] = { CALL(clone3), CALL(io_uring_setup), CALL(openat2) };

/* Addresses for name resolution come by netlink. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* isatty; input that waits; interfaces of link-local addresses. */
static const unsigned long requests[] = { TCGETS, FIONREAD, FIONBIO, FIOCLEX, SIOCGIFINDEX, SIOCGIFNAME };

static const int process_controls[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, 0x53564d41 /* PR_SET_VMA */ };

/* Adds up: the first error stays. */
static void allow(scmp_filter_ctx filter, int *result, int call)
{
    if (*result == 0)
        *result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
}

/* When argument `index`, under the mask, is the value. */
static void allow_masked(scmp_filter_ctx filter, int *result, int call, unsigned index, uint64_t mask, uint64_t value)
{
    if (*result == 0)
        *result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_CMP(index, SCMP_CMP_MASKED_EQ, mask, value));
}

/* ints arrive in the lower half of a register, whatever is in the upper one. */
static void allow_int(scmp_filter_ctx filter, int *result, int call, unsigned index, uint64_t value)
{
    allow_masked(filter, result, call, index, UINT32_MAX, value & UINT32_MAX);
}

static void add_rules(scmp_filter_ctx filter, int *result)
{
    for (size_t i = 0; i < COUNT(calls); i++)
        allow(filter, result, calls[i]);
    for (size_t i = 0; i < COUNT(missing_calls) && *result == 0; i++)
        *result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), missing_calls[i], 0);
    for (size_t i = 0; i < COUNT(families); i++)
        allow_int(filter, result, CALL(socket), 0, (uint64_t)families[i]);
    for (size_t i = 0; i < COUNT(requests); i++)
        allow_int(filter, result, CALL(ioctl), 1, requests[i]);
    for (size_t i = 0; i < COUNT(process_controls); i++)
        allow_int(filter, result, CALL(prctl), 0, (uint64_t)process_controls[i]);
    allow_masked(filter, result, CALL(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
    allow_masked(filter, result, CALL(mprotect), 2, PROT_EXEC, 0);
    /* Libraries for name resolution are loaded when they are needed; but nothing is both written and run. */
    allow_masked(filter, result, CALL(mmap), 2, PROT_EXEC, 0);
    allow_masked(filter, result, CALL(mmap), 2, PROT_WRITE | PROT_EXEC, PROT_EXEC);
    allow_int(filter, result, CALL(kill), 0, (uint64_t)getpid());
}

int sandbox_calls_restrict(bool kills)
{
    int result = 0;
    scmp_filter_ctx filter = seccomp_init(kills ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG);
    if (!filter)
        return -ENOMEM;
    add_rules(filter, &result);
    /* A table instead of a chain of comparisons: the calls of a request are found in a few steps. */
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}
