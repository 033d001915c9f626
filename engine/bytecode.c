/*
 * Build tool: compiles ECMAScript modules to one file of QuickJS bytecode (format: modules.h).
 *
 *   bytecode OUTPUT FILE.js...
 *
 * A module is named by its file name without the directory. Imports are only recorded here, they are resolved when the
 * program runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules.h"
#include "quickjs.h"

static void fail(const char *step, const char *path) {
    fprintf(stderr, "bytecode: %s failed: %s\n", step, path);
    exit(1);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) < 0)
        fail("Reading", path);
    long length = ftell(file);
    rewind(file);
    char *text = malloc((size_t)length + 1);
    if (text == NULL || fread(text, 1, (size_t)length, file) != (size_t)length)
        fail("Reading", path);
    text[length] = 0; /* JS_Eval wants a terminated text */
    fclose(file);
    *size = (size_t)length;
    return text;
}

static int initialize_stub(JSContext *ctx, JSModuleDef *module) {
    (void)ctx, (void)module;
    return 0;
}

/* Stands for every import. */
static JSModuleDef *load_stub(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    return JS_NewCModule(ctx, name, initialize_stub);
}

/* In a runtime of its own, so that a stub for a module never meets the module. */
static uint8_t *compile(const char *path, const char *name, size_t *size) {
    size_t length;
    char *text = read_file(path, &length);
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(runtime);
    JS_SetModuleLoaderFunc(runtime, NULL, load_stub, NULL);
    /* Line numbers stay, they cost little and make a stack readable. */
    JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
    JSValue module = JS_Eval(ctx, text, length, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module)) {
        JSValue exception = JS_GetException(ctx);
        fprintf(stderr, "bytecode: %s\n", JS_ToCString(ctx, exception));
        fail("Compiling", path);
    }
    uint8_t *code = JS_WriteObject(ctx, size, module, JS_WRITE_OBJ_BYTECODE);
    if (code == NULL)
        fail("Writing bytecode", path);
    uint8_t *copy = malloc(*size);
    if (copy == NULL)
        fail("Allocating", path);
    memcpy(copy, code, *size);
    js_free(ctx, code);
    JS_FreeValue(ctx, module);
    JS_FreeContext(ctx);
    JS_FreeRuntime(runtime);
    free(text);
    return copy;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: bytecode OUTPUT FILE.js...\n");
        return 1;
    }
    uint32_t count = (uint32_t)argc - 2;
    ModuleEntry *entries = calloc(count, sizeof *entries);
    uint8_t **codes = calloc(count, sizeof *codes);
    uint32_t at = (uint32_t)(sizeof count + count * sizeof *entries);
    for (uint32_t i = 0; i < count; i++) {
        const char *path = argv[i + 2];
        const char *slash = strrchr(path, '/');
        const char *name = slash == NULL ? path : slash + 1;
        size_t size;
        codes[i] = compile(path, name, &size);
        entries[i].name = at;
        entries[i].name_length = (uint32_t)strlen(name);
        entries[i].code = at + entries[i].name_length;
        entries[i].code_length = (uint32_t)size;
        at = entries[i].code + entries[i].code_length;
    }
    FILE *output = fopen(argv[1], "wb");
    if (output == NULL)
        fail("Opening", argv[1]);
    fwrite(&count, sizeof count, 1, output);
    fwrite(entries, sizeof *entries, count, output);
    for (uint32_t i = 0; i < count; i++) {
        const char *slash = strrchr(argv[i + 2], '/');
        fwrite(slash == NULL ? argv[i + 2] : slash + 1, 1, entries[i].name_length, output);
        fwrite(codes[i], 1, entries[i].code_length, output);
        free(codes[i]);
    }
    free(codes);
    free(entries);
    if (ferror(output) || fclose(output) != 0)
        fail("Writing", argv[1]);
    return 0;
}
