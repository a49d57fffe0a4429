/* JSON.parse and JSON.stringify by our own reader and writer, where there is no reviver and no
   replacer; QuickJS's own are kept for the rest, and for what to say about text that is no JSON. */

/* JSON.parse(text, reviver) */
static JSValue fast_json_parse(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len;
    const char *text;
    JSValue result;
    if (argc > 1 && JS_IsFunction(ctx, argv[1]))
        return js_json_parse(ctx, this_val, argc, argv);
    text = JS_ToCStringLen(ctx, &len, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    result = json_read(ctx, text, len);
    JS_FreeCString(ctx, text);
    return result;
}

/* What JSON.stringify indents by. False: not as simple as that. */
static bool simple_gap(JSContext *ctx, JSValueConst space, char gap[44], size_t *len)
{
    int n = 0;
    *len = 0;
    if (JS_IsObject(space))
        return false;
    if (JS_IsNumber(space)) {
        if (JS_ToInt32Clamp(ctx, &n, space, 0, 10, 0))
            return false;
        memset(gap, ' ', 10);
        *len = (size_t)n;
    } else if (JS_IsString(space)) {
        size_t whole;
        const char *text = JS_ToCStringLen(ctx, &whole, space);
        bool plain = text && whole <= 10;
        if (plain)
            memcpy(gap, text, *len = whole);
        JS_FreeCString(ctx, text);
        return plain;
    }
    return true;
}

/* JSON.stringify(value, replacer, space) */
static JSValue fast_json_stringify(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    char gap[44];
    size_t gap_len;
    Bytes out = { .soft = true };
    Writer w = { ctx, &out, JSON_STANDARD, gap, 0 };
    JSValue text = JS_UNDEFINED;
    int result;
    if (JS_IsObject(argv[1]) || !simple_gap(ctx, argv[2], gap, &gap_len))
        return js_json_stringify(ctx, this_val, argc, argv);
    w.gap_len = gap_len;
    result = write_value(&w, argv[0], KEY_ATOM(JS_ATOM_empty_string), NULL);
    if (out.over) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        text = JS_ThrowOutOfMemory(ctx);
    } else if (result == JSON_FAILED) {
        text = JS_EXCEPTION;
    } else if (result == JSON_WRITTEN) {
        text = JS_NewStringLen(ctx, (const char *)out.data, out.len);
    }
    free(out.data);
    return text;
}

static void define_json(JSContext *ctx)
{
    JSValue json = JS_GetPropertyStr(ctx, ctx->global_obj, "JSON");
    int flags = JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE;
    JS_DefinePropertyValueStr(ctx, json, "parse", JS_NewCFunction(ctx, fast_json_parse, "parse", 2), flags);
    JS_DefinePropertyValueStr(ctx, json, "stringify", JS_NewCFunction(ctx, fast_json_stringify, "stringify", 3), flags);
    JS_FreeValue(ctx, json);
}
