/* The shared part of the module `urunc:sys`: see sys.h. */
#include "sys.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

int sys_argc;
char **sys_argv;
bool sys_is_building;

/* ---- errors -------------------------------------------------------------------------------------------------------*/

JSValue sys_throw(JSContext *ctx, const char *syscall, const char *path) {
    int number = errno;
    const char *code = strerrorname_np(number);
    const char *text = strerrordesc_np(number);
    char unknown[24];
    if (code == NULL || text == NULL) {
        snprintf(unknown, sizeof unknown, "E%d", number);
        code = unknown;
        text = "Unknown error";
    }
    char message[PATH_MAX + 256];
    int length = path == NULL ? snprintf(message, sizeof message, "%s: %s (%s)", syscall, text, code)
                              : snprintf(message, sizeof message, "%s %s: %s (%s)", syscall, path, text, code);
    if (length < 0 || (size_t)length >= sizeof message)
        length = sizeof message - 1;

    /* By the constructor, because only that records the stack. */
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue constructor = JS_GetPropertyStr(ctx, global, "Error");
    JSValue argument = new_text(ctx, message, (size_t)length);
    JSValue error = JS_CallConstructor(ctx, constructor, 1, &argument);
    JS_FreeValue(ctx, argument);
    JS_FreeValue(ctx, constructor);
    JS_FreeValue(ctx, global);
    if (JS_IsException(error))
        return JS_EXCEPTION;
    set(ctx, error, "name", JS_NewString(ctx, "SysError"));
    set(ctx, error, "syscall", JS_NewString(ctx, syscall));
    set(ctx, error, "errno", JS_NewInt32(ctx, number));
    set(ctx, error, "code", JS_NewString(ctx, code));
    if (path != NULL)
        set(ctx, error, "path", new_text(ctx, path, strlen(path)));
    if (number == EPERM || number == ENOSYS)
        set(ctx, error, "isFiltered", JS_NewBool(ctx, prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER));
    return JS_Throw(ctx, error);
}

JSValue sys_done(JSContext *ctx, long result, const char *syscall, const char *path) {
    return result < 0 ? sys_throw(ctx, syscall, path) : JS_UNDEFINED;
}

JSValue sys_number(JSContext *ctx, long result, const char *syscall, const char *path) {
    return result < 0 ? sys_throw(ctx, syscall, path) : JS_NewInt64(ctx, result);
}

/* ---- numbers ------------------------------------------------------------------------------------------------------*/

bool arg_integer(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, int64_t *out) {
    double number;
    if (!JS_IsNumber(value)) {
        JS_ThrowTypeError(ctx, "Not a number");
        return false;
    }
    if (JS_ToFloat64(ctx, &number, value) < 0)
        return false;
    /* The comparison comes before the cast: casting NaN or a number that does not fit is undefined. */
    if (!(number >= -(double)MAX_SAFE_INTEGER && number <= (double)MAX_SAFE_INTEGER) ||
        number != (double)(int64_t)number || (int64_t)number < min || (int64_t)number > max) {
        JS_ThrowRangeError(ctx, "Not an integer from %lld to %lld", (long long)min, (long long)max);
        return false;
    }
    *out = (int64_t)number;
    return true;
}

bool arg_int(JSContext *ctx, JSValueConst value, int *out) {
    int64_t number;
    if (!arg_integer(ctx, value, INT_MIN, INT_MAX, &number))
        return false;
    *out = (int)number;
    return true;
}

bool arg_u32(JSContext *ctx, JSValueConst value, uint32_t *out) {
    int64_t number;
    if (!arg_integer(ctx, value, 0, UINT32_MAX, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

bool arg_bool(JSContext *ctx, JSValueConst value, bool *out) {
    if (!JS_IsBool(value)) {
        JS_ThrowTypeError(ctx, "Not a boolean");
        return false;
    }
    *out = JS_ToBool(ctx, value) != 0;
    return true;
}

bool arg_fd(JSContext *ctx, JSValueConst value, int *out) {
    int64_t number;
    if (!arg_integer(ctx, value, 0, INT_MAX, &number))
        return false;
    *out = (int)number;
    return true;
}

bool arg_dirfd(JSContext *ctx, JSValueConst value, int *out) {
    if (!arg_int(ctx, value, out))
        return false;
    if (*out < 0 && *out != AT_FDCWD) {
        JS_ThrowRangeError(ctx, "Neither a file descriptor nor AT_FDCWD");
        return false;
    }
    return true;
}

bool arg_id(JSContext *ctx, JSValueConst value, uint32_t *out) {
    int64_t number;
    if (!arg_integer(ctx, value, -1, (int64_t)UINT32_MAX - 1, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

bool arg_bytes(JSContext *ctx, JSValueConst buffer, JSValueConst offset, JSValueConst length, uint8_t **bytes,
               size_t *count) {
    int64_t first, wanted;
    size_t size;
    if (!arg_integer(ctx, offset, 0, MAX_SAFE_INTEGER, &first) ||
        !arg_integer(ctx, length, 0, MAX_SAFE_INTEGER, &wanted))
        return false;
    *bytes = JS_GetArrayBuffer(ctx, &size, buffer);
    if (*bytes == NULL) {
        /* QuickJS has thrown for a wrong type, but not for a buffer of no bytes. */
        if (size != 0 || JS_HasException(ctx))
            return false;
    }
    if ((uint64_t)first > size || (uint64_t)wanted > size - (uint64_t)first) {
        JS_ThrowRangeError(ctx, "Range is not inside the buffer");
        return false;
    }
    if (*bytes != NULL)
        *bytes += first;
    *count = (size_t)wanted;
    return true;
}

/* ---- texts --------------------------------------------------------------------------------------------------------*/

/* Length of the well-formed UTF-8 sequence at `p`, 0 when there is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t left) {
    uint8_t low = 0x80, high = 0xbf;
    size_t length;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        length = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        length = 3;
        if (p[0] == 0xe0)
            low = 0xa0;
        if (p[0] == 0xed)
            high = 0x9f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        length = 4;
        if (p[0] == 0xf0)
            low = 0x90;
        if (p[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (left < length || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

JSValue new_text(JSContext *ctx, const char *bytes, size_t length) {
    const uint8_t *p = (const uint8_t *)bytes;
    size_t i = 0;
    while (i < length) {
        size_t sequence = utf8_sequence(p + i, length - i);
        if (sequence == 0)
            break;
        i += sequence;
    }
    if (i == length)
        return JS_NewStringLen(ctx, bytes, length);

    /* Each bad byte becomes the three bytes of its surrogate, U+DC80 to U+DCFF, as QuickJS takes them. */
    if (length > INT32_MAX / 3)
        return JS_ThrowRangeError(ctx, "Text is too long");
    char *escaped = js_malloc(ctx, length * 3);
    if (escaped == NULL)
        return JS_EXCEPTION;
    size_t used = 0;
    for (i = 0; i < length;) {
        size_t sequence = utf8_sequence(p + i, length - i);
        if (sequence == 0) {
            escaped[used++] = '\xed';
            escaped[used++] = (char)(0xb0 | p[i] >> 6);
            escaped[used++] = (char)(0x80 | (p[i] & 0x3f));
            i++;
        } else {
            memcpy(escaped + used, bytes + i, sequence);
            used += sequence;
            i += sequence;
        }
    }
    JSValue text = JS_NewStringLen(ctx, escaped, used);
    js_free(ctx, escaped);
    return text;
}

void text_free(Text *text) {
    if (text->s != NULL)
        JS_FreeCString(text->ctx, text->s);
}

static bool arg_string(JSContext *ctx, JSValueConst value, Text *text) {
    *text = (Text){ ctx, NULL, 0 };
    if (!JS_IsString(value)) {
        JS_ThrowTypeError(ctx, "Not a string");
        return false;
    }
    text->s = JS_ToCStringLen(ctx, &text->length, value);
    return text->s != NULL;
}

/*
 * QuickJS writes a lone surrogate as the three bytes ED A0..BF xx. Each becomes U+FFFD, which has three bytes as well,
 * or, where `bytes` is asked for and it stands for one (see new_text), that byte. The buffer is this text's own: only a
 * text of ASCII is shared with the string.
 */
static void replace_surrogates(Text *text, bool bytes) {
    char *end = (char *)text->s + text->length;
    char *p = memchr((char *)text->s, 0xed, text->length);
    char *to = p;
    while (p != NULL && p < end) {
        const uint8_t second = (uint8_t)p[1], third = (uint8_t)p[2];
        if (bytes && (second == 0xb2 || second == 0xb3)) {
            *to++ = (char)((second & 3) << 6 | (third & 0x3f));
        } else {
            memmove(to, second >= 0xa0 ? "\xef\xbf\xbd" : p, 3);
            to += 3;
        }
        p += 3;
        char *next = p < end ? memchr(p, 0xed, (size_t)(end - p)) : NULL;
        size_t between = (size_t)((next == NULL ? end : next) - p);
        if (to != p)
            memmove(to, p, between);
        to += between;
        p = next;
    }
    if (to == NULL || to == end)
        return;
    *to = '\0';
    text->length = (size_t)(to - text->s);
}

bool arg_content(JSContext *ctx, JSValueConst value, Text *text) {
    if (!arg_string(ctx, value, text))
        return false;
    replace_surrogates(text, false);
    return true;
}

bool arg_raw(JSContext *ctx, JSValueConst value, Text *text) {
    if (!arg_string(ctx, value, text))
        return false;
    replace_surrogates(text, true);
    return true;
}

bool arg_text(JSContext *ctx, JSValueConst value, Text *text) {
    if (!arg_raw(ctx, value, text))
        return false;
    if (strlen(text->s) != text->length) {
        JS_ThrowTypeError(ctx, "String has an embedded NUL");
        return false;
    }
    return true;
}

bool arg_text_or_null(JSContext *ctx, JSValueConst value, Text *text) {
    *text = (Text){ ctx, NULL, 0 };
    return JS_IsNull(value) || arg_text(ctx, value, text);
}

/* ---- arrays -------------------------------------------------------------------------------------------------------*/

bool arg_array(JSContext *ctx, JSValueConst value, uint32_t *length) {
    if (JS_IsArray(ctx, value) != 1) {
        JS_ThrowTypeError(ctx, "Not an array");
        return false;
    }
    JSValue number = JS_GetPropertyStr(ctx, value, "length");
    bool ok = JS_ToUint32(ctx, length, number) == 0;
    JS_FreeValue(ctx, number);
    return ok;
}

bool arg_integers(JSContext *ctx, JSValueConst value, int64_t min, int64_t max, int64_t *out, uint32_t capacity,
                  uint32_t *count) {
    if (!arg_array(ctx, value, count))
        return false;
    if (*count > capacity) {
        JS_ThrowRangeError(ctx, "More than %u entries", capacity);
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        JSValue item = JS_GetPropertyUint32(ctx, value, i);
        bool ok = arg_integer(ctx, item, min, max, &out[i]);
        JS_FreeValue(ctx, item);
        if (!ok)
            return false;
    }
    return true;
}

void text_list_free(TextList *list) {
    if (list->items == NULL)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        JS_FreeCString(list->ctx, list->items[i]);
    js_free(list->ctx, list->items);
}

bool arg_text_list(JSContext *ctx, JSValueConst value, TextList *list) {
    uint32_t length;
    *list = (TextList){ ctx, NULL, 0 };
    if (!arg_array(ctx, value, &length))
        return false;
    if (length > 65536) {
        JS_ThrowRangeError(ctx, "More than 65536 entries");
        return false;
    }
    list->items = js_mallocz(ctx, (length + 1) * sizeof list->items[0]);
    if (list->items == NULL)
        return false;
    for (uint32_t i = 0; i < length; i++) {
        JSValue item = JS_GetPropertyUint32(ctx, value, i);
        Text text;
        bool ok = arg_text(ctx, item, &text);
        JS_FreeValue(ctx, item);
        if (!ok) {
            text_free(&text);
            return false;
        }
        list->items[list->count++] = (char *)text.s;
    }
    return true;
}

/* ---- results ------------------------------------------------------------------------------------------------------*/

void set(JSContext *ctx, JSValueConst object, const char *name, JSValue value) {
    JS_DefinePropertyValueStr(ctx, object, name, value, JS_PROP_C_W_E);
}

JSValue new_pair(JSContext *ctx, int64_t first, int64_t second) {
    JSValue pair = JS_NewArray(ctx);
    JS_DefinePropertyValueUint32(ctx, pair, 0, JS_NewInt64(ctx, first), JS_PROP_C_W_E);
    JS_DefinePropertyValueUint32(ctx, pair, 1, JS_NewInt64(ctx, second), JS_PROP_C_W_E);
    return pair;
}

/* ---- module -------------------------------------------------------------------------------------------------------*/

static const SysFunction *const families[] = {
    sys_file_functions, sys_process_functions, sys_mount_functions, sys_socket_functions,
    sys_net_functions,  sys_tty_functions,     sys_kvm_functions,   sys_loop_functions,
    sys_seccomp_functions, sys_bpf_functions,
};
#define FAMILIES (sizeof families / sizeof families[0])

/* What depends on nothing that changes between the building machine and the one the program runs on. */
static bool works_at_build_time(const SysFunction *function) {
    return strcmp(function->name, "machine") == 0 || strcmp(function->name, "seccompCompile") == 0;
}

/* Every binding is called through here; magic is family * 256 + index. */
static JSValue call(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv, int magic) {
    (void)self;
    const SysFunction *function = &families[magic >> 8][magic & 0xff];
    if (sys_is_building && !works_at_build_time(function))
        return JS_ThrowInternalError(ctx, "%s is called when the module is imported", function->name);
    if (argc < function->min || argc > function->max)
        return JS_ThrowTypeError(ctx, "%s takes %d to %d arguments, not %d", function->name, function->min,
                                 function->max, argc);
    return function->call(ctx, argv);
}

static int initialize(JSContext *ctx, JSModuleDef *module) {
    for (size_t family = 0; family < FAMILIES; family++)
        for (size_t i = 0; families[family][i].name != NULL; i++) {
            const SysFunction *function = &families[family][i];
            JSValue value = JS_NewCFunctionMagic(ctx, call, function->name, function->max, JS_CFUNC_generic_magic,
                                                 (int)(family << 8 | i));
            if (JS_SetModuleExport(ctx, module, function->name, value) < 0)
                return -1;
        }
    return 0;
}

JSModuleDef *sys_module(JSContext *ctx) {
    JSModuleDef *module = JS_NewCModule(ctx, SYS_MODULE_NAME, initialize);
    if (module == NULL)
        return NULL;
    for (size_t family = 0; family < FAMILIES; family++)
        for (size_t i = 0; families[family][i].name != NULL; i++)
            if (JS_AddModuleExport(ctx, module, families[family][i].name) < 0)
                return NULL;
    return module;
}
