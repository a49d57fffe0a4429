/* Console lines within the run's budget. Formatting is the prelude's; this counts and drops. */

enum { LEVEL_LOG, LEVEL_INFO, LEVEL_WARN, LEVEL_ERROR, LEVEL_DEBUG };

/* Bytes of the budget that a line takes at least. */
enum { CONSOLE_LINE = 8 };

static uint64_t ob_console_left;
static uint64_t ob_console_dropped; /* since the last standstill */

static void console_write(int level, const char *text, size_t len)
{
    size_t keep = len;
    if (ob_closing) {
        ob_console_dropped += len ? len : 1;
        return;
    }
    if (keep > ob_console_left) {
        keep = (size_t)ob_console_left;
        while (keep > 0 && ((uint8_t)text[keep] & 0xC0) == 0x80)
            keep--; /* never half a character */
        ob_console_left = 0;
        ob_console_dropped += len - keep;
        if (keep == 0)
            return;
    } else {
        /* Short lines cost something too, here and on the other side: they must come to an end. */
        size_t cost = keep > CONSOLE_LINE ? keep : CONSOLE_LINE;
        if (len == 0 && ob_console_left == 0) {
            ob_console_dropped++;
            return;
        }
        ob_console_left -= cost < ob_console_left ? cost : ob_console_left;
    }
    bytes_u8(&ob_outbox, OUT_CONSOLE);
    bytes_u8(&ob_outbox, (uint8_t)level);
    bytes_text(&ob_outbox, text, keep);
}

/* host.write(level, text) */
static JSValue native_write(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    int level;
    size_t len;
    const char *text;
    if (JS_ToInt32(ctx, &level, argv[0]))
        return JS_EXCEPTION;
    text = JS_ToCStringLen(ctx, &len, argv[1]);
    if (!text)
        return JS_EXCEPTION;
    console_write(level, text, len);
    JS_FreeCString(ctx, text);
    return JS_UNDEFINED;
}

/* host.room(): bytes that the console still takes; lets the prelude stop formatting early. */
static JSValue native_room(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    return JS_NewFloat64(ctx, (double)ob_console_left);
}
