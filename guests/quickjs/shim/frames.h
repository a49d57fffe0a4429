/* Where in the script something happens. Only frames of the script count: the prelude and C
   functions are skipped. */

enum { OB_FRAMES = 6 };

typedef struct {
    uint32_t line, column;
    JSAtom function;
} Frame;

typedef struct {
    uint32_t count;
    Frame frame[OB_FRAMES];
} Frames;

static JSAtom ob_script_atom;

static JSFunctionBytecode *frame_of_script(JSStackFrame *sf)
{
    JSFunctionBytecode *code;
    JSObject *p;
    if (JS_VALUE_GET_TAG(sf->cur_func) != JS_TAG_OBJECT)
        return NULL;
    p = JS_VALUE_GET_OBJ(sf->cur_func);
    if (!js_class_has_bytecode(p->class_id))
        return NULL;
    code = p->u.func.function_bytecode;
    return code->filename == ob_script_atom && sf->cur_pc ? code : NULL;
}

static void frames_capture(JSContext *ctx, Frames *out)
{
    JSStackFrame *sf;
    out->count = 0;
    for (sf = ctx->rt->current_stack_frame; sf && out->count < OB_FRAMES; sf = sf->prev_frame) {
        JSFunctionBytecode *code = frame_of_script(sf);
        int line, column = 0;
        if (!code)
            continue;
        line = find_line_num(ctx, code, (uint32_t)(sf->cur_pc - code->byte_code_buf - 1), &column);
        out->frame[out->count++] = (Frame){ (uint32_t)line, (uint32_t)column,
                                            JS_DupAtom(ctx, code->func_name) };
    }
}

static void frames_free(JSContext *ctx, Frames *frames)
{
    for (uint32_t i = 0; i < frames->count; i++)
        JS_FreeAtom(ctx, frames->frame[i].function);
    frames->count = 0;
}

/* Makes `error.stack` say where the request was made: when it fails, the script is not running. */
static void frames_set_stack(JSContext *ctx, JSValueConst error, const Frames *frames)
{
    JSObject *p = JS_VALUE_GET_OBJ(error);
    Bytes text = { 0 };
    char number[48];
    for (uint32_t i = 0; i < frames->count; i++) {
        const Frame *f = &frames->frame[i];
        const char *name = JS_AtomToCString(ctx, f->function);
        bytes_str(&text, "    at ");
        bytes_str(&text, name && *name ? name : "<anonymous>");
        snprintf(number, sizeof(number), " (script:%u:%u)\n", f->line, f->column);
        bytes_str(&text, number);
        JS_FreeCString(ctx, name);
    }
    if (p->class_id == JS_CLASS_ERROR) {
        JSValue stack = JS_NewStringLen(ctx, (char *)text.data, text.len);
        if (!JS_IsException(stack))
            set_value(ctx, &p->u.object_data, stack);
    }
    free(text.data);
}
