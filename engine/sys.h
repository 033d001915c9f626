/*
 * What every binding of the module `urunc:sys` shares: checked arguments, texts in both directions, SysError.
 *
 * An `arg_*` function returns false after it has thrown; the binding then returns JS_EXCEPTION at once.
 */
#ifndef URUNC_SYS_H
#define URUNC_SYS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

#define MAX_SAFE_INTEGER 9007199254740991LL

/* The number of arguments is checked against min and max before `call` runs; argv has `max` entries, padded with undefined. */
typedef struct {
    const char *name;
    JSValue (*call)(JSContext *ctx, JSValueConst *argv);
    uint8_t min, max;
} SysFunction;

/* One table per family, ended by an entry without a name. */
extern const SysFunction sys_file_functions[], sys_process_functions[], sys_mount_functions[], sys_socket_functions[],
    sys_net_functions[], sys_tty_functions[], sys_kvm_functions[], sys_loop_functions[],
    sys_seccomp_functions[], sys_bpf_functions[];

#define SYS_MODULE_NAME "urunc:sys"

/* Creates the module `urunc:sys` in this context. */
JSModuleDef *sys_module(JSContext *ctx);

/* argv of the process, for args(). */
extern int sys_argc;
extern char **sys_argv;

/* True while the modules are evaluated at build time: every binding but machine() and seccompCompile() throws. */
extern bool sys_is_building;

/* Makes a call that a signal has interrupted again; interrupted.md tells for which calls that is right. */
#define AGAIN(call)                                                                                                    \
    ({                                                                                                                 \
        __typeof__(call) again_result;                                                                                 \
        do                                                                                                             \
            again_result = (call);                                                                                     \
        while (again_result < 0 && errno == EINTR);                                                                    \
        again_result;                                                                                                  \
    })

/* Throws SysError for the current errno; path may be NULL. Always returns JS_EXCEPTION. */
JSValue sys_throw(JSContext *ctx, const char *syscall, const char *path);
/* The common ends of a binding: a negative result throws, otherwise undefined or the number. */
JSValue sys_done(JSContext *ctx, long result, const char *syscall, const char *path);
JSValue sys_number(JSContext *ctx, long result, const char *syscall, const char *path);

bool arg_integer(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, int64_t *out);
bool arg_int(JSContext *ctx, JSValueConst value, int *out);
bool arg_u32(JSContext *ctx, JSValueConst value, uint32_t *out);
bool arg_bool(JSContext *ctx, JSValueConst value, bool *out);
/* An open file descriptor: 0 or more. */
bool arg_fd(JSContext *ctx, JSValueConst value, int *out);
/* A directory descriptor, or AT_FDCWD. */
bool arg_dirfd(JSContext *ctx, JSValueConst value, int *out);
/* A user or group id: 0 to 2^32 - 2, or -1 for "unchanged", as in chown(2) and setresuid(2). */
bool arg_id(JSContext *ctx, JSValueConst value, uint32_t *out);
/* The bytes buffer[offset, offset + length) of an ArrayBuffer. */
bool arg_bytes(JSContext *ctx, JSValueConst buffer, JSValueConst offset, JSValueConst length, uint8_t **bytes,
               size_t *count);

/* A NUL-free text, freed when it goes out of scope: UTF-8, and the bytes that surrogates stand for (see new_text). */
typedef struct {
    JSContext *ctx;
    const char *s;
    size_t length;
} Text;
void text_free(Text *text);
#define TEXT __attribute__((cleanup(text_free))) Text
/* Always set text->ctx, so that text_free is right on every way out. */
bool arg_text(JSContext *ctx, JSValueConst value, Text *text);
/* The same, where null stands for a NULL pointer (text->s is NULL). */
bool arg_text_or_null(JSContext *ctx, JSValueConst value, Text *text);
/* Any string for people to read, embedded NUL allowed; a lone surrogate becomes U+FFFD. */
bool arg_content(JSContext *ctx, JSValueConst value, Text *text);
/* The same for programs: a surrogate that stands for a byte becomes that byte. */
bool arg_raw(JSContext *ctx, JSValueConst value, Text *text);
#define NO_TEXT { NULL, NULL, 0 }

/* A NULL-terminated list of texts for execve(2), freed when it goes out of scope. */
typedef struct {
    JSContext *ctx;
    char **items;
    uint32_t count;
} TextList;
void text_list_free(TextList *list);
#define TEXT_LIST __attribute__((cleanup(text_list_free))) TextList
#define NO_TEXT_LIST { NULL, NULL, 0 }
bool arg_text_list(JSContext *ctx, JSValueConst value, TextList *list);

/* An array of at most `capacity` integers in [min, max]. */
bool arg_integers(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, int64_t *out, uint32_t capacity,
                  uint32_t *count);
/* Length of an array; TypeError for anything else. */
bool arg_array(JSContext *ctx, JSValueConst value, uint32_t *length);

/*
 * A string from bytes of the kernel. Names are bytes: each that is no UTF-8 becomes the lone surrogate U+DC00 + byte, from
 * which arg_text makes the same byte again (as Python's "surrogateescape" does, PEP 383).
 */
JSValue new_text(JSContext *ctx, const char *bytes, size_t length);
/* Sets a property of an object under construction; takes over `value`. */
void set(JSContext *ctx, JSValueConst object, const char *name, JSValue value);
/* [first, second], for calls that make a pair of descriptors. */
JSValue new_pair(JSContext *ctx, int64_t first, int64_t second);

#endif
