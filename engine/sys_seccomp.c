/* System call filters: libseccomp compiles, the kernel loads. */
#include "sys.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libseccomp returns -errno instead of setting errno. */
static JSValue throw_negative(JSContext *ctx, int result, const char *function, const char *name) {
    errno = -result;
    return sys_throw(ctx, function, name);
}

/* Arguments of one system call. */
#define MAX_ARGUMENTS 6

/* What a rule demands of the arguments of its system calls. */
typedef struct {
    struct scmp_arg_cmp items[MAX_ARGUMENTS];
    uint32_t count;
} Conditions;

static bool arg_member(JSContext *ctx, JSValueConst object, const char *name, int64_t max, int64_t *out) {
    JSValue value = JS_GetPropertyStr(ctx, object, name);
    bool ok = arg_integer(ctx, value, 0, max, out);
    JS_FreeValue(ctx, value);
    return ok;
}

/* One comparison an argument, as libseccomp has it. */
static bool arg_conditions(JSContext *ctx, JSValueConst list, Conditions *conditions) {
    conditions->count = 0;
    if (JS_IsUndefined(list))
        return true;
    uint32_t count;
    if (!arg_array(ctx, list, &count))
        return false;
    if (count > MAX_ARGUMENTS) {
        JS_ThrowRangeError(ctx, "More than %d conditions", MAX_ARGUMENTS);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t argument, mask, value;
        JSValue item = JS_GetPropertyUint32(ctx, list, i);
        bool ok = arg_member(ctx, item, "argument", MAX_ARGUMENTS - 1, &argument) &&
                  arg_member(ctx, item, "mask", MAX_SAFE_INTEGER, &mask) &&
                  arg_member(ctx, item, "value", MAX_SAFE_INTEGER, &value);
        JS_FreeValue(ctx, item);
        if (!ok)
            return false;
        conditions->items[conditions->count++] = (struct scmp_arg_cmp){
            .arg = (unsigned)argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = (uint64_t)mask, .datum_b = (uint64_t)value
        };
    }
    return true;
}

static bool add_syscall(JSContext *ctx, scmp_filter_ctx filter, uint32_t action, JSValueConst value,
                        const Conditions *conditions, bool ignore) {
    TEXT name = NO_TEXT;
    if (!arg_text(ctx, value, &name))
        return false;
    int number = seccomp_syscall_resolve_name(name.s);
    if (number == __NR_SCMP_ERROR) {
        if (ignore)
            return true;
        throw_negative(ctx, -EINVAL, "seccomp_syscall_resolve_name", name.s);
        return false;
    }
    int result = seccomp_rule_add_array(filter, action, number, conditions->count, conditions->items);
    if (result < 0) {
        throw_negative(ctx, result, "seccomp_rule_add_array", name.s);
        return false;
    }
    return true;
}

static bool add_rule(JSContext *ctx, scmp_filter_ctx filter, JSValueConst rule, bool ignore) {
    uint32_t action, count;
    JSValue value = JS_GetPropertyStr(ctx, rule, "action");
    bool ok = arg_u32(ctx, value, &action);
    JS_FreeValue(ctx, value);
    Conditions conditions;
    value = JS_GetPropertyStr(ctx, rule, "conditions");
    ok = ok && arg_conditions(ctx, value, &conditions);
    JS_FreeValue(ctx, value);
    JSValue names = JS_GetPropertyStr(ctx, rule, "syscalls");
    ok = ok && arg_array(ctx, names, &count);
    for (uint32_t i = 0; ok && i < count; i++) {
        JSValue name = JS_GetPropertyUint32(ctx, names, i);
        ok = add_syscall(ctx, filter, action, name, &conditions, ignore);
        JS_FreeValue(ctx, name);
    }
    JS_FreeValue(ctx, names);
    return ok;
}

/* libseccomp writes a program only to a descriptor: seccomp_export_bpf(3). */
static JSValue export_program(JSContext *ctx, scmp_filter_ctx filter) {
    struct stat status;
    JSValue program = JS_EXCEPTION;
    int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return sys_throw(ctx, "memfd_create", NULL);
    /* Otherwise each failure of its write(2) is ECANCELED. */
    seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    int result;
    do
        result = seccomp_export_bpf(filter, fd);
    while (result == -EINTR);
    if (result < 0) {
        throw_negative(ctx, result, "seccomp_export_bpf", NULL);
    } else if (AGAIN(fstat(fd, &status)) < 0) {
        sys_throw(ctx, "fstat", NULL);
    } else {
        uint8_t *bytes = js_malloc(ctx, (size_t)status.st_size + 1);
        if (bytes != NULL) {
            ssize_t size = AGAIN(pread(fd, bytes, (size_t)status.st_size, 0));
            program = size < 0 ? sys_throw(ctx, "pread", NULL) : JS_NewArrayBufferCopy(ctx, bytes, (size_t)size);
            js_free(ctx, bytes);
        }
    }
    close(fd);
    return program;
}

static JSValue sys_seccomp_compile(JSContext *ctx, JSValueConst *argv) {
    uint32_t action, count;
    if (!JS_IsObject(argv[0]))
        return JS_ThrowTypeError(ctx, "Not an object");
    JSValue value = JS_GetPropertyStr(ctx, argv[0], "defaultAction");
    bool ok = arg_u32(ctx, value, &action);
    JS_FreeValue(ctx, value);
    if (!ok)
        return JS_EXCEPTION;
    bool ignore = false;
    value = JS_GetPropertyStr(ctx, argv[0], "ignoreUnknown");
    ok = JS_IsUndefined(value) || arg_bool(ctx, value, &ignore);
    JS_FreeValue(ctx, value);
    if (!ok)
        return JS_EXCEPTION;

    JSValue rules = JS_GetPropertyStr(ctx, argv[0], "rules");
    if (!arg_array(ctx, rules, &count)) {
        JS_FreeValue(ctx, rules);
        return JS_EXCEPTION;
    }
    scmp_filter_ctx filter = seccomp_init(action);
    if (filter == NULL) {
        JS_FreeValue(ctx, rules);
        return JS_ThrowRangeError(ctx, "Default action is no SCMP_ACT value");
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        JSValue rule = JS_GetPropertyUint32(ctx, rules, i);
        ok = add_rule(ctx, filter, rule, ignore);
        JS_FreeValue(ctx, rule);
    }
    JS_FreeValue(ctx, rules);
    /* Calls of another architecture are in no list: libseccomp would end the thread that makes one. */
    if (ok)
        seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A binary search instead of a chain of comparisons: each system call of the monitor passes through it. */
    if (ok)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    JSValue program = ok ? export_program(ctx, filter) : JS_EXCEPTION;
    seccomp_release(filter);
    return program;
}

static JSValue sys_seccomp_load(JSContext *ctx, JSValueConst *argv) {
    size_t size;
    uint32_t flags;
    uint8_t *bytes = JS_GetArrayBuffer(ctx, &size, argv[0]);
    if (bytes == NULL && JS_HasException(ctx))
        return JS_EXCEPTION;
    if (!arg_u32(ctx, argv[1], &flags))
        return JS_EXCEPTION;
    if (bytes == NULL || size == 0 || size % sizeof(struct sock_filter) != 0 ||
        size / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return JS_ThrowRangeError(ctx, "Not 1 to %d BPF instructions", BPF_MAXINSNS);
    if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER)
        return JS_ThrowRangeError(ctx, "A listener would be lost");
    struct sock_fprog program = {
        .len = (unsigned short)(size / sizeof(struct sock_filter)), .filter = (struct sock_filter *)bytes
    };
    return sys_done(ctx, syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program), "seccomp", NULL);
}

const SysFunction sys_seccomp_functions[] = {
    { "seccompCompile", sys_seccomp_compile, 1, 1 },
    { "seccompLoad", sys_seccomp_load, 2, 2 },
    { 0 },
};
