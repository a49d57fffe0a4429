/* WHATWG URLs are the host's: one pure function, text in, text out, both of bounded size. */

enum { URL_MAX = 1 << 20, URL_PARTS = 11 };

/* Writes the parts into `out` and returns their length, 0 if there is no such URL. */
__attribute__((import_module("outboard"), import_name("url")))
uint32_t ob_host_url(uint32_t what, const void *in, uint32_t in_len, void *out, uint32_t out_max);

/* host.url(what, first, second): [href, origin, protocol, …], or undefined. `what` 0 parses
   `first` against the base `second` ("" for none); others set a part of the URL `first`. */
static JSValue native_url(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    Bytes in = { 0 };
    uint8_t *out;
    int what;
    uint32_t len;
    JSValue parts[URL_PARTS], result;
    Reader r;
    if (JS_ToInt32(ctx, &what, argv[0]))
        return JS_EXCEPTION;
    for (int i = 1; i < 3; i++) {
        size_t n;
        const char *text = JS_ToCStringLen(ctx, &n, argv[i]);
        if (!text) {
            free(in.data);
            return JS_EXCEPTION;
        }
        bytes_text(&in, text, n);
        JS_FreeCString(ctx, text);
    }
    if (in.len > URL_MAX) {
        free(in.data);
        return JS_ThrowRangeError(ctx, "this URL is longer than 1 MiB");
    }
    /* Percent-encoding makes at most three bytes of one; the parts repeat the whole about thrice. */
    len = (uint32_t)(in.len * 12 + 4096);
    out = ob_realloc_or_trap(NULL, len);
    len = ob_host_url((uint32_t)what, in.data, (uint32_t)in.len, out, len);
    free(in.data);
    if (len == 0) {
        free(out);
        return JS_UNDEFINED;
    }
    r = (Reader){ out, out + len };
    for (int i = 0; i < URL_PARTS; i++) {
        size_t n = read_u32(&r);
        parts[i] = JS_NewStringLen(ctx, read_bytes(&r, n), n);
        if (JS_IsException(parts[i]))
            parts[i] = JS_UNDEFINED;
    }
    free(out);
    result = JS_NewArrayFrom(ctx, URL_PARTS, parts);
    return result;
}
