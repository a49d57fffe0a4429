/* Requests to the host. A request is recorded, its promise is kept here, and the host settles it
   at a later entry. Settling goes past `then` and `resolve` as the script may have redefined them. */

/* 4 is what only the Python guest says: that it has given up an earlier request. */
enum {
    REQUEST_CALL,
    REQUEST_SEARCH,
    REQUEST_DESCRIBE,
    REQUEST_RESULT,
    REQUEST_PAGE = 5,
    REQUEST_RESOURCES,
    REQUEST_RESOURCE,
    REQUEST_TEMPLATES,
    REQUEST_PROMPTS,
    REQUEST_PROMPT,
};

typedef struct {
    JSValue promise; /* JS_UNDEFINED once settled */
    JSValue tool;    /* what ToolError.tool will say */
    Frames frames;
} Request;

static Request *ob_requests; /* the request numbered n stands at n - 1 */
static uint32_t ob_request_count, ob_request_cap;
static uint32_t ob_requests_open, ob_requests_open_max;
static JSValue ob_tool_error_proto;

static JSValue promise_pending(JSContext *ctx)
{
    JSValue promise = JS_NewObjectClass(ctx, JS_CLASS_PROMISE);
    JSPromiseData *s;
    if (JS_IsException(promise))
        return promise;
    s = js_mallocz(ctx, sizeof(*s));
    if (!s) {
        JS_FreeValue(ctx, promise);
        return JS_EXCEPTION;
    }
    s->promise_state = JS_PROMISE_PENDING;
    init_list_head(&s->promise_reactions[0]);
    init_list_head(&s->promise_reactions[1]);
    s->promise_result = JS_UNDEFINED;
    JS_SetOpaqueInternal(promise, s);
    return promise;
}

/* The pending exception as a rejected promise: the functions of namespaces never throw. */
static JSValue promise_of_exception(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx), promise = promise_pending(ctx);
    if (!JS_IsException(promise))
        fulfill_or_reject_promise(ctx, promise, error, true);
    JS_FreeValue(ctx, error);
    return promise;
}

static JSValue tool_error(JSContext *ctx, JSValueConst tool, const char *code, const char *message,
                          size_t message_len)
{
    JSValue error = JS_NewObjectProtoClass(ctx, ob_tool_error_proto, JS_CLASS_ERROR);
    if (JS_IsException(error))
        return error;
    JS_DefinePropertyValue(ctx, error, JS_ATOM_message, JS_NewStringLen(ctx, message, message_len),
                           JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    JS_DefinePropertyValueStr(ctx, error, "tool", js_dup(tool), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, error, "code", JS_NewString(ctx, code), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, error, "content", JS_NewArray(ctx), JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    return error;
}

static Request *request_slot(JSContext *ctx, JSValueConst promise, JSValueConst tool)
{
    Request *r;
    if (ob_request_count == ob_request_cap) {
        ob_request_cap = ob_request_cap ? ob_request_cap * 2 : 16;
        ob_requests = ob_realloc_or_trap(ob_requests, ob_request_cap * sizeof(*ob_requests));
    }
    r = &ob_requests[ob_request_count++];
    r->promise = js_dup(promise);
    r->tool = js_dup(tool);
    frames_capture(ctx, &r->frames);
    ob_requests_open++;
    return r;
}

static void out_value_text(JSContext *ctx, JSValueConst v)
{
    size_t len = 0;
    const char *text = JS_ToCStringLen(ctx, &len, v);
    bytes_text(&ob_outbox, text ? text : "", text ? len : 0);
    JS_FreeCString(ctx, text);
}

/* Records a request whose arguments stand as JSON in `arguments`, and returns its promise. */
static JSValue request_record(JSContext *ctx, int kind, JSValueConst namespace, JSValueConst name,
                              JSValueConst full_name, const Bytes *arguments)
{
    JSValue promise = promise_pending(ctx);
    const Request *r;
    if (JS_IsException(promise) || ob_closing)
        return promise;
    if (ob_requests_open >= ob_requests_open_max) {
        static const char message[] = "too many calls are waiting at once: await some before making more";
        JSValue error = tool_error(ctx, full_name, "limit", message, sizeof(message) - 1);
        if (JS_IsException(error))
            error = JS_GetException(ctx);
        fulfill_or_reject_promise(ctx, promise, error, true);
        JS_FreeValue(ctx, error);
        return promise;
    }
    r = request_slot(ctx, promise, full_name);
    bytes_u8(&ob_outbox, OUT_REQUEST);
    bytes_u32(&ob_outbox, ob_request_count);
    bytes_u8(&ob_outbox, (uint8_t)kind);
    bytes_u32(&ob_outbox, r->frames.count ? r->frames.frame[0].line : 0);
    bytes_u32(&ob_outbox, r->frames.count ? r->frames.frame[0].column : 0);
    out_value_text(ctx, namespace);
    out_value_text(ctx, name);
    bytes_text(&ob_outbox, (const char *)arguments->data, arguments->len);
    return promise;
}

static JSValue settle_failed(JSContext *ctx, Reader *r, uint32_t id)
{
    Request *request = &ob_requests[id - 1];
    size_t code_len, message_len, content_len;
    const char *code = read_text(r, &code_len);
    const char *message = read_text(r, &message_len);
    const char *content = read_text(r, &content_len);
    JSValue error = tool_error(ctx, request->tool, code, message, message_len), blocks;
    if (JS_IsException(error))
        return JS_GetException(ctx);
    blocks = JS_ParseJSON(ctx, content, content_len, "content");
    if (JS_IsException(blocks)) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        blocks = JS_NewArray(ctx);
    }
    JS_DefinePropertyValueStr(ctx, error, "content", blocks, JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    frames_set_stack(ctx, error, &request->frames);
    return error;
}

/* Settles request `id` with what stands in `r`. One that is settled already is left alone. */
static void request_settle(JSContext *ctx, Reader *r, uint32_t id, bool failed)
{
    JSValue result;
    Request *request;
    if (id == 0 || id > ob_request_count)
        __builtin_trap();
    if (failed) {
        result = settle_failed(ctx, r, id);
    } else {
        size_t len;
        const char *text = read_text(r, &len);
        result = json_read(ctx, text, len);
        if (JS_IsException(result)) {
            result = JS_GetException(ctx);
            failed = true;
        }
    }
    request = &ob_requests[id - 1];
    if (!JS_IsUndefined(request->promise)) {
        fulfill_or_reject_promise(ctx, request->promise, result, failed);
        JS_FreeValue(ctx, request->promise);
        JS_FreeValue(ctx, request->tool);
        frames_free(ctx, &request->frames);
        request->promise = request->tool = JS_UNDEFINED;
        ob_requests_open--;
    }
    JS_FreeValue(ctx, result);
}
