/* UTF-8 for TextEncoder and TextDecoder (WHATWG Encoding, section 8.1.1). */

/* host.utf8Encode(text): Uint8Array; lone surrogates become U+FFFD */
static JSValue native_utf8_encode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue s = JS_ToString(ctx, argv[0]), result;
    Bytes out = { 0 };
    JSString *p;
    if (JS_IsException(s))
        return s;
    p = JS_VALUE_GET_STRING(s);
    if (p->is_wide_char) {
        const uint16_t *at = str16(p), *end = at + p->len;
        while (at < end) {
            uint32_t c = *at++;
            if (is_hi_surrogate(c) && at < end && is_lo_surrogate(*at))
                c = from_surrogate(c, *at++);
            else if (is_surrogate(c))
                c = 0xFFFD;
            write_utf8(&out, c);
        }
    } else {
        const uint8_t *at = str8(p), *end = at + p->len;
        for (; at < end; at++)
            write_utf8(&out, *at);
    }
    result = JS_NewUint8ArrayCopy(ctx, out.data, out.len);
    free(out.data);
    JS_FreeValue(ctx, s);
    return result;
}

typedef struct {
    uint32_t point, lower, upper;
    int needed;
} Utf8State;

/* One byte of the decoder: a code point, -1 for none yet, -2 for an error after which the byte is
   consumed, -3 for an error after which the byte is to be looked at again. */
static int32_t utf8_step(Utf8State *s, uint8_t byte)
{
    if (s->needed == 0) {
        if (byte < 0x80)
            return byte;
        s->lower = 0x80, s->upper = 0xBF;
        if (byte >= 0xC2 && byte <= 0xDF) {
            s->needed = 1, s->point = byte & 0x1F;
        } else if (byte >= 0xE0 && byte <= 0xEF) {
            s->lower = byte == 0xE0 ? 0xA0 : 0x80, s->upper = byte == 0xED ? 0x9F : 0xBF;
            s->needed = 2, s->point = byte & 0xF;
        } else if (byte >= 0xF0 && byte <= 0xF4) {
            s->lower = byte == 0xF0 ? 0x90 : 0x80, s->upper = byte == 0xF4 ? 0x8F : 0xBF;
            s->needed = 3, s->point = byte & 0x7;
        } else {
            return -2;
        }
        return -1;
    }
    if (byte < s->lower || byte > s->upper) {
        s->needed = 0;
        return -3;
    }
    s->lower = 0x80, s->upper = 0xBF;
    s->point = (s->point << 6) | (byte & 0x3F);
    return --s->needed ? -1 : (int32_t)s->point;
}

/* host.utf8Decode(bytes, flush): [text, bytes used, saw an error]. Without `flush` an unfinished
   character at the end is left unused. */
static JSValue native_utf8_decode(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    size_t len, used = 0;
    const uint8_t *data = JS_GetUint8Array(ctx, &len, argv[0]);
    bool flush = JS_ToBool(ctx, argv[1]), bad = false;
    Utf8State state = { 0 };
    StringBuffer out_s, *out = &out_s;
    JSValue parts[3];
    if (!data && len)
        return JS_EXCEPTION;
    if (string_buffer_init(ctx, out, (int)len))
        return JS_EXCEPTION;
    for (size_t i = 0; i < len; i++) {
        int32_t c = utf8_step(&state, data[i]);
        if (c == -1)
            continue;
        if (c < 0) {
            bad = true;
            string_buffer_putc(out, 0xFFFD);
            if (c == -3)
                i--;
        } else {
            string_buffer_putc(out, (uint32_t)c);
        }
        used = i + 1;
    }
    if (flush && state.needed) {
        bad = true;
        string_buffer_putc(out, 0xFFFD);
        used = len;
    }
    parts[0] = string_buffer_end(out);
    if (JS_IsException(parts[0]))
        return JS_EXCEPTION;
    parts[1] = JS_NewUint32(ctx, (uint32_t)used);
    parts[2] = JS_NewBool(ctx, bad);
    return JS_NewArrayFrom(ctx, 3, parts);
}
