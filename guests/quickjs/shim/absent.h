/* What scripts reach for out of habit and is not here. Such a name tests as `undefined`
   (`typeof fetch`), so that feature tests work, and says what to do when it is used. */

static JSClassID ob_absent_class;

static const struct { const char *name, *advice; } absent[] = {
    { "fetch", "there is no network here; use a tool" },
    { "XMLHttpRequest", "there is no network here; use a tool" },
    { "WebSocket", "there is no network here; use a tool" },
    { "require", "there are no modules here; tools and built-ins are globals" },
    { "module", "there are no modules here; return the script's value instead" },
    { "exports", "there are no modules here; return the script's value instead" },
    { "process", "there is no process and no environment here" },
    { "Deno", "there is no file system, network or process here; use a tool" },
    { "Bun", "there is no file system, network or process here; use a tool" },
    { "Buffer", "use Uint8Array with TextEncoder, TextDecoder, atob and btoa" },
    { "Intl", "toLocaleString of numbers writes them as in en-US, localeCompare orders texts" },
    { "WebAssembly", "scripts are JavaScript only" },
};

static JSValue absent_throw(JSContext *ctx, JSValueConst obj)
{
    size_t i = (size_t)JS_GetOpaque(obj, ob_absent_class);
    return JS_ThrowReferenceError(ctx, "%s is not defined: %s", absent[i].name, absent[i].advice);
}

static JSValue absent_call(JSContext *ctx, JSValueConst f, JSValueConst this_val, int argc, JSValueConst *argv,
                           int flags)
{
    return absent_throw(ctx, f);
}

static JSValue absent_get_property(JSContext *ctx, JSValueConst obj, JSAtom name, JSValueConst receiver)
{
    if (!is_text_atom(ctx, name) || name == JS_ATOM_toJSON || name == JS_ATOM_then)
        return JS_UNDEFINED;
    return absent_throw(ctx, obj);
}

static JSClassExoticMethods absent_exotic = { .get_property = absent_get_property };

static const JSClassDef absent_class = { "Absent", .call = absent_call, .exotic = &absent_exotic };

static void define_absent(JSContext *ctx)
{
    for (size_t i = 0; i < countof(absent); i++) {
        JSValue obj = JS_NewObjectProtoClass(ctx, ctx->function_proto, ob_absent_class);
        JS_SetOpaqueInternal(obj, (void *)i);
        JS_SetConstructorBit(ctx, obj, true);
        JS_SetIsHTMLDDA(ctx, obj);
        JS_DefinePropertyValueStr(ctx, ctx->global_obj, absent[i].name, obj,
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    }
}

/* `import("x")` */
static JSModuleDef *absent_module(JSContext *ctx, const char *name, void *opaque)
{
    JS_ThrowReferenceError(ctx, "cannot import '%s': there are no modules here; tools and built-ins are globals",
                           name);
    return NULL;
}
