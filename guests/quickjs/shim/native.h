/* What the prelude is built on. Only the prelude gets this object; scripts see what it makes of it. */

/* host.now(): the run's clock in milliseconds */
static JSValue native_now(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewFloat64(ctx, ob_now_ms);
}

/* host.startedAt(): the wall time at run time zero */
static JSValue native_started_at(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewFloat64(ctx, ob_started_at_ms);
}

/* host.random(bytes): fills a Uint8Array */
static JSValue native_random(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len;
    uint8_t *data = JS_GetUint8Array(ctx, &len, argv[0]);
    if (!data && JS_HasException(ctx))
        return JS_EXCEPTION;
    random_fill(data, len);
    return js_dup(argv[0]);
}

/* host.toolErrorPrototype(prototype): what failed calls are made from */
static JSValue native_tool_error_prototype(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    set_value(ctx, &ob_tool_error_proto, js_dup(argv[0]));
    return JS_UNDEFINED;
}

/* host.promiseState(promise): undefined, or [state, result]; state 0 pending, 1 fulfilled, 2 rejected */
static JSValue native_promise_state(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue parts[2];
    if (!JS_IsPromise(argv[0]))
        return JS_UNDEFINED;
    parts[0] = JS_NewInt32(ctx, JS_PromiseState(ctx, argv[0]));
    parts[1] = JS_PromiseResult(ctx, argv[0]);
    return JS_NewArrayFrom(ctx, 2, parts);
}

/* host.classOf(value): the engine's own class name of an object, whatever the script says it is */
static JSValue native_class_of(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSClassID class_id = JS_GetClassID(argv[0]);
    if (class_id == JS_INVALID_CLASS_ID)
        return JS_UNDEFINED;
    if (class_id == JS_CLASS_PROXY) /* whose class is called "Object" */
        return JS_NewString(ctx, "Proxy");
    return JS_AtomToString(ctx, ctx->rt->class_array[class_id].class_name);
}

/* host.namespaceName(namespace) */
static JSValue native_namespace_name(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    const Namespace *ns = JS_GetOpaque(argv[0], ob_namespace_class);
    return ns ? js_dup(ns->name) : JS_UNDEFINED;
}

/* host.stackOf(error): its stack as text, if it has one */
static JSValue native_stack_of(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return error_stack(ctx, argv[0]);
}

static const struct { const char *name; int length; JSCFunction *function; } natives[] = {
    { "write", 2, native_write },
    { "room", 0, native_room },
    { "now", 0, native_now },
    { "startedAt", 0, native_started_at },
    { "random", 1, native_random },
    { "utf8Encode", 1, native_utf8_encode },
    { "utf8Decode", 2, native_utf8_decode },
    { "url", 3, native_url },
    { "collate", 3, native_collate },
    { "toolErrorPrototype", 1, native_tool_error_prototype },
    { "promiseState", 1, native_promise_state },
    { "classOf", 1, native_class_of },
    { "namespaceName", 1, native_namespace_name },
    { "stackOf", 1, native_stack_of },
    { "page", 2, native_page },
};

static JSValue native_object(JSContext *ctx)
{
    JSValue object = JS_NewObjectProto(ctx, JS_NULL);
    for (size_t i = 0; i < countof(natives); i++)
        JS_DefinePropertyValueStr(ctx, object, natives[i].name,
                                  JS_NewCFunction(ctx, natives[i].function, natives[i].name, natives[i].length),
                                  JS_PROP_C_W_E);
    return object;
}
