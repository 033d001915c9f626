/*
 * The embedding: one context of QuickJS, the modules of the bundle and `urunc:sys`, nothing else.
 *
 * No module is ever read from a disk, and the program cannot compile text: the intrinsic behind eval and Function is not
 * there. There is no event loop: what is left to do after the main module are promise jobs, and they run until none is left.
 *
 * All modules but the main one are evaluated at build time (heap.h). The sanitizer build has no frozen heap: it loads each
 * module when it is imported.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "heap.h"
#include "modules.h"
#include "quickjs.h"
#include "sys.h"

#ifdef URUNC_SANITIZE
extern const ModuleTable bundle;
static const ModuleTable *modules = &bundle;
#else
/* Only the freezer has a bundle: in the program all modules are part of the heap. */
static const ModuleTable *modules;
#endif

#ifdef URUNC_SANITIZE
#define STACK_SIZE (6 << 20) /* frames of the interpreter are several times larger here */
#else
#define STACK_SIZE (1 << 20)
#endif

/* More than a verb makes, as the members of a large config.json. */
#define SPARE_ATOMS 1024

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
    for (uint32_t i = 0; modules != NULL && i < modules->count; i++) {
        const ModuleEntry *entry = &modules->entries[i];
        if (entry->name_length == length && memcmp((const char *)modules + entry->name, name, length) == 0)
            return entry;
    }
    return NULL;
}

static JSValue read_module(JSContext *ctx, const ModuleEntry *entry) {
    return JS_ReadObject(ctx, (const uint8_t *)modules + entry->code, entry->code_length, JS_READ_OBJ_BYTECODE);
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

/* Math.random of QuickJS takes its seed from the clock when the context is made, which here is the time of the build. */
static JSValue math_random(JSContext *ctx, JSValueConst self, int argc, JSValueConst *argv) {
    (void)self, (void)argc, (void)argv;
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        return sys_throw(ctx, "getrandom", NULL);
    return JS_NewFloat64(ctx, (double)(bits >> 11) / (double)(1ULL << 53));
}

static JSContext *new_context(const JSMallocFunctions *functions) {
    JSRuntime *runtime = functions == NULL ? JS_NewRuntime() : JS_NewRuntime2(functions, NULL);
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

    JSValue global = JS_GetGlobalObject(ctx);
    JSValue math = JS_GetPropertyStr(ctx, global, "Math");
    set(ctx, math, "random", JS_NewCFunction(ctx, math_random, "random", 0));
    JS_FreeValue(ctx, math);
    JS_FreeValue(ctx, global);
    return ctx;
}

/* Runs promise jobs until none is left; false when one has thrown or a rejection was not handled. */
static bool run_jobs(JSContext *ctx) {
    JSContext *job_context;
    int status;
    while ((status = JS_ExecutePendingJob(JS_GetRuntime(ctx), &job_context)) > 0) {
    }
    if (status < 0) {
        fail(job_context);
        return false;
    }
    if (rejection_count > 0)
        print_error(ctx, rejections[0].reason);
    return rejection_count == 0;
}

/* The main module with all it imports, linked, not run. */
static JSValue link_main(JSContext *ctx) {
    JSValue module = read_module(ctx, &modules->entries[0]);
    if (JS_IsException(module))
        return module;
    if (JS_ResolveModule(ctx, module) < 0) {
        JS_FreeValue(ctx, module);
        return JS_EXCEPTION;
    }
    return module;
}

static int run(JSContext *ctx, JSValue module) {
    JSValue promise = JS_EvalFunction(ctx, module);
    if (JS_IsException(promise))
        return fail(ctx);
    bool good = run_jobs(ctx);
    if (good && JS_PromiseState(ctx, promise) == JS_PROMISE_PENDING) {
        fputs("The main module waits for something that will never happen\n", stderr);
        good = false;
    }
    for (size_t i = 0; i < rejection_count; i++) {
        JS_FreeValue(ctx, rejections[i].promise);
        JS_FreeValue(ctx, rejections[i].reason);
    }
    JS_FreeValue(ctx, promise);
    return good ? 0 : 1;
}

#ifdef URUNC_SANITIZE

static int live(void) {
    JSContext *ctx = new_context(NULL);
    if (ctx == NULL)
        return 1;
    JSValue module = link_main(ctx);
    int status = JS_IsException(module) ? fail(ctx) : run(ctx, module);
    JSRuntime *runtime = JS_GetRuntime(ctx);
    JS_FreeContext(ctx);
    JS_FreeRuntime(runtime); /* asserts that no value is left */
    return status;
}

#else

/* Maps the file that engine/bytecode.c wrote. */
static const ModuleTable *read_bundle(const char *path) {
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &stat) < 0)
        return NULL;
    void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return bytes == MAP_FAILED ? NULL : bytes;
}

/*
 * Lets the table of atoms grow now, for those that the program will make: growing writes to every atom that there is.
 */
static void reserve_atoms(JSContext *ctx) {
    JSAtom atoms[SPARE_ATOMS];
    for (int i = 0; i < SPARE_ATOMS; i++) {
        char name[32];
        snprintf(name, sizeof name, "spare atom %d", i);
        atoms[i] = JS_NewAtom(ctx, name);
    }
    for (int i = SPARE_ATOMS; i-- > 0;)
        JS_FreeAtom(ctx, atoms[i]);
}

/* Reads all own properties of a value, which makes those that QuickJS makes when they are first read. */
static void read_properties(JSContext *ctx, JSValueConst value) {
    JSPropertyEnum *names;
    uint32_t count;
    if (!JS_IsObject(value) || JS_GetOwnPropertyNames(ctx, &names, &count, value, JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK) < 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        JSPropertyDescriptor property;
        if (JS_GetOwnProperty(ctx, &property, value, names[i].atom) > 0) {
            JS_FreeValue(ctx, property.value);
            JS_FreeValue(ctx, property.getter);
            JS_FreeValue(ctx, property.setter);
        }
        JS_FreeAtom(ctx, names[i].atom);
    }
    js_free(ctx, names);
}

/* Makes the functions of the global objects and of their prototypes, for example String.prototype.split. */
static void make_builtins(JSContext *ctx) {
    JSValue global = JS_GetGlobalObject(ctx);
    JSPropertyEnum *names;
    uint32_t count;
    if (JS_GetOwnPropertyNames(ctx, &names, &count, global, JS_GPN_STRING_MASK) == 0) {
        for (uint32_t i = 0; i < count; i++) {
            JSValue value = JS_GetProperty(ctx, global, names[i].atom);
            JSValue prototype = JS_IsObject(value) ? JS_GetPropertyStr(ctx, value, "prototype") : JS_UNDEFINED;
            read_properties(ctx, value);
            read_properties(ctx, prototype);
            JS_FreeValue(ctx, prototype);
            JS_FreeValue(ctx, value);
            JS_FreeAtom(ctx, names[i].atom);
        }
        js_free(ctx, names);
    }
    JS_FreeValue(ctx, global);
}

/*
 * Evaluates every module but the main one and writes the heap. No binding but machine() works meanwhile: what a module
 * would read here, at import, would be a fact of the machine that builds.
 */
static int freeze(const char *path, const char *bundle) {
    modules = read_bundle(bundle);
    if (modules == NULL) {
        perror(bundle);
        return 1;
    }
    JSContext *ctx = new_context(&heap_functions);
    if (ctx == NULL) {
        fputs("freezer: The heap is too small\n", stderr);
        return 1;
    }
    sys_is_building = true;
    make_builtins(ctx);
    for (uint32_t i = 1; i < modules->count; i++) {
        const ModuleEntry *entry = &modules->entries[i];
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)entry->name_length, (const char *)modules + entry->name);
        JSValue promise = JS_LoadModule(ctx, "", name);
        bool good = !JS_IsException(promise) && run_jobs(ctx) && JS_PromiseState(ctx, promise) == JS_PROMISE_FULFILLED;
        if (!good) {
            fprintf(stderr, "freezer: %s cannot be evaluated at build time\n", name);
            return 1;
        }
        JS_FreeValue(ctx, promise);
    }
    JSValue module = link_main(ctx);
    if (JS_IsException(module))
        return fail(ctx);
    reserve_atoms(ctx);
    JS_RunGC(JS_GetRuntime(ctx));
    JS_SetGCThreshold(JS_GetRuntime(ctx), (size_t)-1);
    frozen_heap.main = module;
    frozen_heap.ctx = ctx;
    if (!heap_write(path)) {
        perror(path);
        return 1;
    }
    return 0;
}

/* The interpreter's limit must be reached before the caller's (setrlimit(2)), so that it is an error, not a crash. */
static void limit_stack(JSRuntime *runtime) {
    struct rlimit limit;
    JS_UpdateStackTop(runtime);
    if (getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur / 2 < STACK_SIZE)
        JS_SetMaxStackSize(runtime, limit.rlim_cur / 2);
}

static int live(void) {
    if (!heap_fits()) {
        fputs("This program was not linked with its own heap. Build it again\n", stderr);
        return 1;
    }
    limit_stack(JS_GetRuntime(frozen_heap.ctx));
    return run(frozen_heap.ctx, frozen_heap.main);
}

#endif

int main(int argc, char **argv) {
    sys_argc = argc;
    sys_argv = argv;
#ifndef URUNC_SANITIZE
    if (frozen_heap.ctx == NULL)
        return argc == 3 ? freeze(argv[1], argv[2]) : 1;
#endif
    return live();
}
