/*
 * libFuzzer's way into the bindings that read and write memory of ours: bytes become calls with arguments of every kind.
 * The bindings that change the process or the machine are not called. Built and started by `script/fuzz bindings`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys.h"

static const char *const NAMES[] = {
    "read",    "pread",       "write",        "writeText",   "readText",    "encodeUtf8", "decodeUtf8",
    "lseek",   "ftruncate",   "fstat",        "fstatat",     "readlinkat",  "readdir",    "poll",
    "sendFds", "recvFds",     "setCloexec",   "setNonblock", "sendNetlink", "recvNetlink", "getenv",
    "signalfd", "addSeals",   "fstatfsType",  "seccompCompile", "fileIdentity",
};
#define TARGETS (sizeof NAMES / sizeof NAMES[0])
#define FILES 7
#define ARGUMENTS 8

static JSContext *context;
static const SysFunction *targets[TARGETS];

static void find_targets(const SysFunction *family) {
    for (; family->name != NULL; family++)
        for (size_t i = 0; i < TARGETS; i++)
            if (strcmp(family->name, NAMES[i]) == 0)
                targets[i] = family;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    sys_argc = *argc;
    sys_argv = *argv;
    context = JS_NewContext(JS_NewRuntime());
    if (context == NULL || sys_module(context) == NULL)
        abort();
    const SysFunction *const families[] = { sys_file_functions, sys_process_functions, sys_socket_functions,
                                            sys_net_functions, sys_seccomp_functions };
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        find_targets(families[i]);
    for (size_t i = 0; i < TARGETS; i++)
        if (targets[i] == NULL || targets[i]->max > ARGUMENTS) {
            fprintf(stderr, "No binding %s, or one with too many arguments\n", NAMES[i]);
            abort();
        }
    return 0;
}

/* The bytes that are left. */
typedef struct {
    const uint8_t *at;
    size_t left;
} Input;

static uint8_t next(Input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static const double NUMBERS[] = { 0,     1,     7,          8,          9,          15,           16,
                                  4096,  65535, 65536,      2147483647, 2147483648, 4294967295.0, 4294967296.0,
                                  9007199254740992.0, -1, -100, 0.5 };

static JSValue some_number(Input *input, const int *files) {
    uint8_t choice = next(input);
    if (choice < 96)
        return JS_NewInt32(context, files[choice % FILES]);
    if (choice < 192)
        return JS_NewInt32(context, next(input));
    return JS_NewFloat64(context, NUMBERS[choice % (sizeof NUMBERS / sizeof NUMBERS[0])]);
}

static JSValue some_array(Input *input, const int *files) {
    JSValue array = JS_NewArray(context);
    uint8_t count = next(input) % 24;
    for (uint32_t i = 0; i < count; i++)
        JS_SetPropertyUint32(context, array, i, some_number(input, files));
    return array;
}

static JSValue some_argument(Input *input, const int *files) {
    size_t length;
    JSValue value;
    switch (next(input) % 8) {
    case 0:
    case 1:
        return some_number(input, files);
    case 2:
        length = next(input);
        if (length > input->left)
            length = input->left;
        value = JS_NewStringLen(context, (const char *)input->at, length);
        input->at += length;
        input->left -= length;
        return value;
    case 3:
    case 4:
        length = next(input);
        if (length > input->left)
            length = input->left;
        value = JS_NewArrayBufferCopy(context, input->at, length);
        input->at += length;
        input->left -= length;
        return value;
    case 5:
        return some_array(input, files);
    case 6:
        return JS_NewBool(context, next(input) & 1);
    default:
        return next(input) & 1 ? JS_UNDEFINED : JS_NULL;
    }
}

static void open_files(int *files) {
    files[0] = memfd_create("fuzz", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, files + 1) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, files + 3) < 0)
        abort();
    /* setNonblock may have made them wait. */
    const struct timeval soon = { 0, 1000 };
    for (int i = 1; i < 5; i++)
        if (setsockopt(files[i], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon) < 0 ||
            setsockopt(files[i], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon) < 0)
            abort();
    files[5] = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    files[6] = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void call(Input *input, const int *files) {
    size_t chosen = next(input) % TARGETS;
    const SysFunction *function = targets[chosen];
    JSValue arguments[ARGUMENTS];
    for (size_t i = 0; i < ARGUMENTS; i++)
        arguments[i] = i < function->max ? some_argument(input, files) : JS_UNDEFINED;
    /* Waiting is no finding. */
    if (strcmp(NAMES[chosen], "poll") == 0) {
        JS_FreeValue(context, arguments[1]);
        arguments[1] = JS_NewInt32(context, 0);
    }
    JSValue result = function->call(context, arguments);
    if (JS_IsException(result))
        JS_FreeValue(context, JS_GetException(context));
    JS_FreeValue(context, result);
    for (size_t i = 0; i < ARGUMENTS; i++)
        JS_FreeValue(context, arguments[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input input = { data, size };
    int files[FILES];
    open_files(files);
    while (input.left > 0)
        call(&input, files);
    /* What came over the sockets too. */
    close_range(3, ~0U, 0);
    return 0;
}
