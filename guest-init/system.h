/* System calls without a C library (syscall(2), "Architecture calling conventions"). They answer -errno on failure. */
#pragma once

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/types.h>
#include <stddef.h>

/* The tests of guest-init bring a kernel of their own (tests/guest-init/world.c). */
#ifdef GUEST_INIT_TESTS
long system_call(long number, long a, long b, long c, long d, long e, long f);
#else
static inline long system_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#endif
}
#endif

#define CALL_6(n, a, b, c, d, e, f, ...) \
  uninterrupted_call(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/*
 * A call that was interrupted is made again. Of close that would close another file: it is done all the same (close(2)).
 */
static inline long uninterrupted_call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  do result = system_call(number, a, b, c, d, e, f);
  while (result == -EINTR && number != __NR_close);
  return result;
}

/* CALL(openat, AT_FDCWD, path, flags): arguments that are left out are 0. */
#define CALL(name, ...) CALL_6(name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

/* signal numbers, the same on both architectures (signal(7)) */
enum { SIG_HUP = 1, SIG_INT = 2, SIG_QUIT = 3, SIG_KILL = 9, SIG_USR1 = 10, SIG_USR2 = 12, SIG_TERM = 15, SIG_CHLD = 17 };
enum { SIG_PWR = 30, SIG_WINCH = 28 };
