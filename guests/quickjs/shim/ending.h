/* From the script's completion to its end. Looked at only at a standstill and only through the
   engine's own view of promises, so that nothing that the script redefines can forge an end. */

static JSValue ob_main;          /* the promise that the run waits for, or the value being gathered */
static bool ob_main_wrapped;     /* it is QuickJS's own `{ value }` */
static bool ob_main_gathering;   /* it holds promises of its own */
static uint32_t ob_main_next;    /* index of the next element to gather */
static bool ob_main_called;      /* a returned function has been called */
static bool ob_crashed;          /* a callback of a timer or microtask threw: `ob_crash` */
static JSValue ob_crash;
static bool ob_ended;

/* Promises that were rejected with nobody waiting, told about at the end. */
enum { UNHANDLED_MAX = 64 };
static JSValue ob_unhandled[UNHANDLED_MAX];
static uint32_t ob_unhandled_count;

/* Where the script last threw. A thrown value that is no Error has no stack of its own. */
static JSValue ob_last_stack;

/* Called before each job: QuickJS notes where an exception arose only while nothing is noted. */
static void keep_last_stack(JSContext *ctx)
{
    if (JS_IsUndefined(ctx->error_back_trace))
        return;
    set_value(ctx, &ob_last_stack, ctx->error_back_trace);
    ctx->error_back_trace = JS_UNDEFINED;
}

static void on_rejection(JSContext *ctx, JSValueConst promise, JSValueConst reason, bool handled, void *opaque)
{
    if (handled) {
        for (uint32_t i = 0; i < ob_unhandled_count; i++) {
            if (JS_VALUE_GET_OBJ(ob_unhandled[i]) == JS_VALUE_GET_OBJ(promise)) {
                JS_FreeValue(ctx, ob_unhandled[i]);
                ob_unhandled[i] = ob_unhandled[--ob_unhandled_count];
                return;
            }
        }
        return;
    }
    if (ob_unhandled_count < UNHANDLED_MAX)
        ob_unhandled[ob_unhandled_count++] = js_dup(promise);
}

/* A text property of an error, read with care: a getter of the script may throw. */
static JSValue error_text(JSContext *ctx, JSValueConst error, JSAtom name)
{
    JSValue v = JS_GetProperty(ctx, error, name), text;
    if (!JS_IsException(v) && JS_IsUndefined(v))
        return JS_NewStringLen(ctx, "", 0);
    text = JS_IsException(v) ? v : JS_ToStringFree(ctx, v);
    if (JS_IsException(text)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return JS_NewStringLen(ctx, "", 0);
    }
    return text;
}

static JSValue error_stack(JSContext *ctx, JSValueConst reason)
{
    const JSObject *p;
    if (!JS_IsObject(reason))
        return JS_UNDEFINED;
    p = JS_VALUE_GET_OBJ(reason);
    return p->class_id == JS_CLASS_ERROR && JS_IsString(p->u.object_data) ? js_dup(p->u.object_data) : JS_UNDEFINED;
}

static bool is_tool_error(JSValueConst reason)
{
    const JSObject *proto = JS_VALUE_GET_OBJ(ob_tool_error_proto);
    const JSObject *p = JS_IsError(reason) ? JS_VALUE_GET_OBJ(reason)->shape->proto : NULL;
    for (int i = 0; p && i < 100; i++, p = p->shape->proto)
        if (p == proto)
            return true;
    return false;
}

/* Which tool an exception is about, and its code; the script may have made both up. */
static void out_thrown_tool(JSContext *ctx, JSValueConst reason)
{
    static const char *const names[] = { "tool", "code" };
    bool is_tool = is_tool_error(reason);
    bytes_u8(&ob_outbox, is_tool);
    for (size_t i = 0; is_tool && i < countof(names); i++) {
        JSAtom atom = JS_NewAtom(ctx, names[i]);
        JSValue text = error_text(ctx, reason, atom);
        out_value_text(ctx, text);
        JS_FreeValue(ctx, text);
        JS_FreeAtom(ctx, atom);
    }
}

/* The message of a thrown value that is no Error: the text itself, or its JSON. */
static void out_odd_message(JSContext *ctx, JSValueConst reason)
{
    Bytes json = { .limit = 64 << 10, .soft = true };
    if (JS_IsString(reason)) {
        out_value_text(ctx, reason);
        return;
    }
    if (json_write(ctx, &json, reason, JSON_TOLERANT) == JSON_WRITTEN) {
        bytes_text(&ob_outbox, (char *)json.data, json.len);
    } else {
        JSValue text;
        JS_FreeValue(ctx, JS_GetException(ctx));
        text = JS_IsUndefined(reason) || JS_IsSymbol(reason) ? JS_UNDEFINED : JS_ToString(ctx, reason);
        if (JS_IsException(text)) {
            JS_FreeValue(ctx, JS_GetException(ctx));
            text = JS_UNDEFINED;
        }
        out_value_text(ctx, text);
        JS_FreeValue(ctx, text);
    }
    free(json.data);
}

static bool is_error_like(JSContext *ctx, JSValueConst reason)
{
    return JS_IsError(reason) ||
           (JS_IsObject(reason) && JS_VALUE_GET_OBJ(reason)->class_id == JS_CLASS_DOM_EXCEPTION);
}

static void out_threw(JSContext *ctx, JSValueConst reason)
{
    ob_closing = true;
    bytes_u8(&ob_outbox, OUT_THREW);
    if (is_error_like(ctx, reason)) {
        JSValue name = error_text(ctx, reason, JS_ATOM_name), message = error_text(ctx, reason, JS_ATOM_message);
        out_value_text(ctx, name);
        out_value_text(ctx, message);
        JS_FreeValue(ctx, name);
        JS_FreeValue(ctx, message);
    } else {
        bytes_text(&ob_outbox, "Uncaught", 8);
        out_odd_message(ctx, reason);
    }
    out_thrown_tool(ctx, reason);
    keep_last_stack(ctx);
    JSValue stack = JS_IsError(reason) ? error_stack(ctx, reason) : js_dup(ob_last_stack);
    if (JS_IsString(stack))
        out_value_text(ctx, stack);
    else
        bytes_text(&ob_outbox, "", 0);
    JS_FreeValue(ctx, stack);
    ob_closing = false;
    ob_ended = true;
}

static void warn_unhandled(JSContext *ctx)
{
    for (uint32_t i = 0; i < ob_unhandled_count; i++) {
        const JSPromiseData *s = JS_GetOpaque(ob_unhandled[i], JS_CLASS_PROMISE);
        JSValue name = JS_UNDEFINED, message;
        const char *name_text = NULL, *message_text;
        Bytes line = { 0 };
        if (is_error_like(ctx, s->promise_result)) {
            name = error_text(ctx, s->promise_result, JS_ATOM_name);
            message = error_text(ctx, s->promise_result, JS_ATOM_message);
        } else {
            message = JS_IsString(s->promise_result) ? js_dup(s->promise_result) : JS_NewString(ctx, "a value");
        }
        name_text = JS_IsUndefined(name) ? NULL : JS_ToCString(ctx, name);
        message_text = JS_ToCString(ctx, message);
        bytes_str(&line, "a promise was rejected and nothing awaited it: ");
        if (name_text) {
            bytes_str(&line, name_text);
            bytes_str(&line, ": ");
        }
        bytes_str(&line, message_text ? message_text : "");
        console_write(LEVEL_WARN, (char *)line.data, line.len);
        JS_FreeCString(ctx, name_text);
        JS_FreeCString(ctx, message_text);
        JS_FreeValue(ctx, name);
        JS_FreeValue(ctx, message);
        free(line.data);
    }
}

static void out_finished(JSContext *ctx, JSValueConst value)
{
    int result;
    ob_value.soft = true;
    result = json_write(ctx, &ob_value, value, JSON_TOLERANT);
    if (ob_value.over && !ob_value.starved) {
        bytes_u8(&ob_outbox, OUT_VALUE_TOO_LONG);
    } else if (result == JSON_FAILED) {
        JSValue error = JS_GetException(ctx);
        out_threw(ctx, error);
        JS_FreeValue(ctx, error);
    } else {
        bytes_u8(&ob_outbox, OUT_FINISHED);
        bytes_u8(&ob_outbox, result == JSON_WRITTEN);
        if (result == JSON_NOTHING)
            ob_value.len = 0;
    }
    ob_ended = true;
}

static bool holds_promises(JSContext *ctx, JSObject *p)
{
    if (p->class_id == JS_CLASS_ARRAY && p->fast_array) {
        for (uint32_t i = 0; i < p->u.array.count; i++)
            if (JS_IsPromise(p->u.array.u.values[i]))
                return true;
    } else if (p->class_id == JS_CLASS_OBJECT) {
        for (int i = 0; i < p->shape->prop_count; i++)
            if ((get_shape_prop(p->shape)[i].flags & JS_PROP_TMASK) == JS_PROP_NORMAL &&
                get_shape_prop(p->shape)[i].atom != JS_ATOM_NULL && JS_IsPromise(p->prop[i].u.value))
                return true;
    }
    return false;
}

static JSValue *gathered_slot(JSObject *p, uint32_t i, bool *end)
{
    *end = false;
    if (p->class_id == JS_CLASS_ARRAY) {
        if (p->fast_array && i < p->u.array.count)
            return &p->u.array.u.values[i];
        *end = true;
        return NULL;
    }
    if (i >= (uint32_t)p->shape->prop_count) {
        *end = true;
        return NULL;
    }
    if (get_shape_prop(p->shape)[i].atom == JS_ATOM_NULL ||
        (get_shape_prop(p->shape)[i].flags & JS_PROP_TMASK) != JS_PROP_NORMAL)
        return NULL;
    return &p->prop[i].u.value;
}

static void mark_all_handled(JSContext *ctx, JSObject *p)
{
    bool end = false;
    for (uint32_t i = 0; !end; i++) {
        JSValue *slot = gathered_slot(p, i, &end);
        if (slot && JS_IsPromise(*slot))
            JS_PromiseMarkAsHandled(ctx, *slot);
    }
}

/* `return [a(), b()]`: the promises directly inside the value are awaited too. */
static bool gather(JSContext *ctx)
{
    bool end = false;
    for (;; ob_main_next++) {
        JSValue *slot = gathered_slot(JS_VALUE_GET_OBJ(ob_main), ob_main_next, &end);
        JSPromiseData *s;
        if (end)
            break;
        if (!slot || !JS_IsPromise(*slot))
            continue;
        s = JS_GetOpaque(*slot, JS_CLASS_PROMISE);
        if (s->promise_state == JS_PROMISE_PENDING)
            return false;
        if (s->promise_state == JS_PROMISE_REJECTED) {
            out_threw(ctx, s->promise_result);
            return true;
        }
        set_value(ctx, slot, js_dup(s->promise_result));
    }
    out_finished(ctx, ob_main);
    return true;
}

static void main_promise(JSContext *ctx, JSValue promise)
{
    JS_PromiseMarkAsHandled(ctx, promise);
    set_value(ctx, &ob_main, promise);
}

/* A function that the script wrote is called; a tool that it names without calling it is not. */
static bool is_of_the_script(JSContext *ctx, JSValueConst value)
{
    return JS_IsFunction(ctx, value) && JS_VALUE_GET_OBJ(value)->class_id != JS_CLASS_C_FUNCTION_DATA;
}

/* Follows a value that the script completed with. Takes a reference. True if that ended the run. */
static bool main_value(JSContext *ctx, JSValue value)
{
    JSValue then, error;
    if (JS_IsPromise(value)) {
        main_promise(ctx, value);
        return false;
    }
    if (is_of_the_script(ctx, value) && !ob_main_called) {
        JSValue result = JS_Call(ctx, value, JS_UNDEFINED, 0, NULL);
        ob_main_called = true;
        JS_FreeValue(ctx, value);
        if (!JS_IsException(result))
            return main_value(ctx, result);
        goto threw;
    }
    if (JS_IsObject(value) && JS_VALUE_GET_OBJ(value)->class_id != ob_namespace_class) {
        then = JS_GetProperty(ctx, value, JS_ATOM_then);
        if (JS_IsException(then)) {
            JS_FreeValue(ctx, value);
            goto threw;
        }
        if (JS_IsFunction(ctx, then)) {
            JSValue resolving[2], promise = JS_NewPromiseCapability(ctx, resolving), result;
            JS_FreeValue(ctx, then);
            if (JS_IsException(promise)) {
                JS_FreeValue(ctx, value);
                goto threw;
            }
            result = JS_Call(ctx, resolving[0], JS_UNDEFINED, 1, vc(&value));
            JS_FreeValue(ctx, value);
            JS_FreeValue(ctx, result);
            JS_FreeValue(ctx, resolving[0]);
            JS_FreeValue(ctx, resolving[1]);
            main_promise(ctx, promise);
            return false;
        }
        JS_FreeValue(ctx, then);
        if (holds_promises(ctx, JS_VALUE_GET_OBJ(value))) {
            ob_main_gathering = true;
            ob_main_next = 0;
            mark_all_handled(ctx, JS_VALUE_GET_OBJ(value));
            set_value(ctx, &ob_main, value);
            return false;
        }
    }
    out_finished(ctx, value);
    JS_FreeValue(ctx, value);
    return true;
threw:
    error = JS_GetException(ctx);
    out_threw(ctx, error);
    JS_FreeValue(ctx, error);
    return true;
}

/* QuickJS's own `{ value }` around the completion value. Takes and gives a reference. */
static JSValue main_unwrap(JSContext *ctx, JSValue result)
{
    JSProperty *value;
    JSValue inner;
    if (!JS_IsObject(result) || !find_own_property(&value, JS_VALUE_GET_OBJ(result), JS_ATOM_value))
        return result;
    inner = js_dup(value->u.value);
    JS_FreeValue(ctx, result);
    return inner;
}

/* Looks at what the run waits for, and at what that turns out to be. True if the run has ended. */
static bool main_look(JSContext *ctx)
{
    while (!ob_main_gathering) {
        const JSPromiseData *s = JS_GetOpaque(ob_main, JS_CLASS_PROMISE);
        JSValue result;
        if (s->promise_state == JS_PROMISE_PENDING)
            return false;
        result = js_dup(s->promise_result);
        if (s->promise_state == JS_PROMISE_REJECTED) {
            out_threw(ctx, result);
            JS_FreeValue(ctx, result);
            return true;
        }
        if (ob_main_wrapped) {
            ob_main_wrapped = false;
            result = main_unwrap(ctx, result);
        }
        if (main_value(ctx, result))
            return true;
    }
    return gather(ctx);
}
