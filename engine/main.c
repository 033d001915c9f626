/*
 * The embedding: one context of QuickJS, the modules of the bundle and `urunc:sys`, nothing else.
 *
 * No module is ever read from a disk, and the program cannot compile text: the intrinsic behind eval and Function is not
 * there. There is no event loop: what is left to do after the main module are promise jobs, and they run until none is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modules.h"
#include "quickjs.h"
#include "sys.h"

extern const ModuleTable modules;

#ifdef URUNC_SANITIZE
#define STACK_SIZE (6 << 20) /* frames of the interpreter are several times larger here */
#else
#define STACK_SIZE (1 << 20)
#endif

/* ---- the last words -----------------------------------------------------------------------------------------------*/

static void print_text(JSContext *ctx, JSValueConst value) {
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, value);
    if (text == NULL)
        return;
    if (write(STDERR_FILENO, text, length) < 0) {
        /* Nobody is left to tell. */
    }
    JS_FreeCString(ctx, text);
}

static void print_error(JSContext *ctx, JSValueConst error) {
    JSValue newline = JS_NewString(ctx, "\n");
    print_text(ctx, error);
    print_text(ctx, newline);
    JSValue stack = JS_IsObject(error) ? JS_GetPropertyStr(ctx, error, "stack") : JS_UNDEFINED;
    if (JS_IsString(stack))
        print_text(ctx, stack);
    JS_FreeValue(ctx, stack);
    JS_FreeValue(ctx, newline);
}

static int fail(JSContext *ctx) {
    JSValue error = JS_GetException(ctx);
    print_error(ctx, error);
    JS_FreeValue(ctx, error);
    return 1;
}

/* ---- modules ------------------------------------------------------------------------------------------------------*/

/* The bundle is flat: esbuild writes `./name.js`, the table has `name.js`. */
static char *normalize(JSContext *ctx, const char *base, const char *specifier, void *opaque) {
    (void)base, (void)opaque;
    return js_strdup(ctx, strncmp(specifier, "./", 2) == 0 ? specifier + 2 : specifier);
}

static const ModuleEntry *find(const char *name) {
    size_t length = strlen(name);
    for (uint32_t i = 0; i < modules.count; i++) {
        const ModuleEntry *entry = &modules.entries[i];
        if (entry->name_length == length && memcmp((const char *)&modules + entry->name, name, length) == 0)
            return entry;
    }
    return NULL;
}

static JSValue read_module(JSContext *ctx, const ModuleEntry *entry) {
    return JS_ReadObject(ctx, (const uint8_t *)&modules + entry->code, entry->code_length, JS_READ_OBJ_BYTECODE);
}

static JSModuleDef *load(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    if (strcmp(name, SYS_MODULE_NAME) == 0)
        return sys_module(ctx);
    const ModuleEntry *entry = find(name);
    if (entry == NULL) {
        JS_ThrowReferenceError(ctx, "No module of this name is compiled in: %s", name);
        return NULL;
    }
    JSValue module = read_module(ctx, entry);
    if (JS_IsException(module))
        return NULL;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JS_FreeValue(ctx, module); /* the context keeps it in its list of modules */
    return definition;
}

/* ---- promises -----------------------------------------------------------------------------------------------------*/

/* Rejected promises that nobody has looked at yet, in the order of their rejection. */
#define MAX_REJECTIONS 32
static struct {
    JSValue promise, reason;
} rejections[MAX_REJECTIONS];
static size_t rejection_count;

static void track_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, JS_BOOL handled, void *opaque) {
    (void)opaque;
    if (!handled) {
        if (rejection_count < MAX_REJECTIONS) {
            rejections[rejection_count].promise = JS_DupValue(ctx, promise);
            rejections[rejection_count++].reason = JS_DupValue(ctx, reason);
        }
        return;
    }
    for (size_t i = 0; i < rejection_count; i++) {
        if (JS_VALUE_GET_PTR(rejections[i].promise) != JS_VALUE_GET_PTR(promise))
            continue;
        JS_FreeValue(ctx, rejections[i].promise);
        JS_FreeValue(ctx, rejections[i].reason);
        rejection_count--;
        memmove(&rejections[i], &rejections[i + 1], (rejection_count - i) * sizeof rejections[0]);
        return;
    }
}

/* ---- life ---------------------------------------------------------------------------------------------------------*/

static JSContext *new_context(void) {
    JSRuntime *runtime = JS_NewRuntime();
    if (runtime == NULL)
        return NULL;
    JSContext *ctx = JS_NewContextRaw(runtime);
    if (ctx == NULL)
        return NULL;
    JS_SetMaxStackSize(runtime, STACK_SIZE);
    JS_SetGCThreshold(runtime, (size_t)-1); /* the process ends long before a collection would pay */
    JS_SetModuleLoaderFunc(runtime, normalize, load, NULL);
    JS_SetHostPromiseRejectionTracker(runtime, track_rejection, NULL);
    /* Not here: Eval, Proxy, StringNormalize, WeakRef. */
    JS_AddIntrinsicBaseObjects(ctx);
    JS_AddIntrinsicDate(ctx);
    JS_AddIntrinsicRegExpCompiler(ctx);
    JS_AddIntrinsicRegExp(ctx);
    JS_AddIntrinsicJSON(ctx);
    JS_AddIntrinsicMapSet(ctx);
    JS_AddIntrinsicTypedArrays(ctx);
    JS_AddIntrinsicPromise(ctx);
    return ctx;
}

static int run(JSContext *ctx) {
    JSContext *job_context;
    int status;
    JSValue module = read_module(ctx, &modules.entries[0]);
    if (JS_IsException(module))
        return fail(ctx);
    if (JS_ResolveModule(ctx, module) < 0) {
        JS_FreeValue(ctx, module);
        return fail(ctx);
    }
    JSValue promise = JS_EvalFunction(ctx, module);
    if (JS_IsException(promise))
        return fail(ctx);
    while ((status = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_context)) > 0) {
    }
    if (status < 0) {
        status = fail(job_context);
    } else if (rejection_count > 0) {
        print_error(ctx, rejections[0].reason);
        status = 1;
    } else if (JS_PromiseState(ctx, promise) == JS_PROMISE_PENDING) {
        fputs("The main module waits for something that will never happen\n", stderr);
        status = 1;
    }
    for (size_t i = 0; i < rejection_count; i++) {
        JS_FreeValue(ctx, rejections[i].promise);
        JS_FreeValue(ctx, rejections[i].reason);
    }
    JS_FreeValue(ctx, promise);
    return status;
}

int main(int argc, char **argv) {
    sys_argc = argc;
    sys_argv = argv;
    JSContext *ctx = new_context();
    if (ctx == NULL) {
        fputs("The engine has no memory to start\n", stderr);
        return 1;
    }
    int status = run(ctx);
#ifdef URUNC_SANITIZE
    JSRuntime *runtime = JS_GetRuntime(ctx);
    JS_FreeContext(ctx);
    JS_FreeRuntime(runtime); /* asserts that no value is left */
#endif
    return status;
}
