/* JSON text from the host to values. `text` is followed by a NUL. */

static JSValue json_read(JSContext *ctx, const char *text, size_t len)
{
    return JS_ParseJSON(ctx, text, len, "result");
}
