/* Values to JSON text, straight into bytes, in three manners.

   Tolerant, for what a script returns: everything that JSON lacks becomes the nearest thing that it
   has, and nothing but the script's own code (getters, toJSON) can fail. Strict, for what a script
   sends to a tool: a cycle, a promise or endless nesting is an error to be mended. In these two lone
   surrogates become U+FFFD, so that every reader accepts the text. Standard: JSON.stringify. */

enum { JSON_FAILED = -1, JSON_WRITTEN = 0, JSON_NOTHING = 1 };
enum { JSON_DEPTH = 100 }; /* below the nesting that common parsers accept (128) */

typedef enum { JSON_TOLERANT, JSON_STRICT, JSON_STANDARD } Manner;

typedef struct {
    JSContext *ctx;
    Bytes *out;
    Manner manner;
    const char *gap; /* what a level is indented by; "" for all on one line */
    size_t gap_len;
} Writer;

typedef struct Ancestor {
    const struct Ancestor *up;
    JSObject *object;
    uint32_t depth;
} Ancestor;

/* A property's name, made into a value only for the rare toJSON: an atom, or an index above all
   atoms. Not a struct, because those are passed on the stack, of which recursion leaves little. */
typedef uint64_t Key;

#define KEY_ATOM(atom) ((Key)(atom))
#define KEY_INDEX(index) ((Key)(index) + (1ull << 32))
#define KEY_NONE UINT64_MAX /* toJSON is behind us */

/* What needs much stack is kept out of what recurses. */
#define APART __attribute__((noinline))

static int write_value(Writer *w, JSValueConst v, Key key, const Ancestor *up);

static APART void write_escape(Bytes *out, uint32_t c)
{
    char text[8];
    switch (c) {
    case '"': bytes_put(out, "\\\"", 2); break;
    case '\\': bytes_put(out, "\\\\", 2); break;
    case '\n': bytes_put(out, "\\n", 2); break;
    case '\r': bytes_put(out, "\\r", 2); break;
    case '\t': bytes_put(out, "\\t", 2); break;
    case '\b': bytes_put(out, "\\b", 2); break;
    case '\f': bytes_put(out, "\\f", 2); break;
    default:
        snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
        bytes_put(out, text, 6);
    }
}

static APART void write_utf8(Bytes *out, uint32_t c)
{
    uint8_t text[UTF8_CHAR_LEN_MAX];
    bytes_put(out, text, utf8_encode(text, c));
}

static void write_latin1(Bytes *out, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t *run = p;
        while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
            p++;
        bytes_put(out, run, (size_t)(p - run));
        if (p == end)
            break;
        if (*p >= 0x80)
            write_utf8(out, *p);
        else
            write_escape(out, *p);
        p++;
    }
}

static void write_utf16(Writer *w, const uint16_t *p, const uint16_t *end)
{
    Bytes *out = w->out;
    while (p < end) {
        uint32_t c = *p++;
        bool lone = false;
        if (is_hi_surrogate(c) && p < end && is_lo_surrogate(*p))
            c = from_surrogate(c, *p++);
        else
            lone = is_surrogate(c);
        if (lone && w->manner != JSON_STANDARD)
            write_utf8(out, 0xFFFD);
        else if (lone || c < 0x20 || c == '"' || c == '\\')
            write_escape(out, c);
        else if (c < 0x80)
            bytes_u8(out, (uint8_t)c);
        else
            write_utf8(out, c);
    }
}

static void write_string(Writer *w, JSString *s)
{
    bytes_u8(w->out, '"');
    if (s->is_wide_char)
        write_utf16(w, str16(s), str16(s) + s->len);
    else
        write_latin1(w->out, str8(s), str8(s) + s->len);
    bytes_u8(w->out, '"');
}

static APART int write_any_string(Writer *w, JSValueConst v)
{
    JSValue s;
    if (JS_VALUE_GET_TAG(v) == JS_TAG_STRING) {
        write_string(w, JS_VALUE_GET_STRING(v));
        return JSON_WRITTEN;
    }
    s = JS_ToString(w->ctx, v);
    if (JS_IsException(s))
        return JSON_FAILED;
    write_string(w, JS_VALUE_GET_STRING(s));
    JS_FreeValue(w->ctx, s);
    return JSON_WRITTEN;
}

static APART void write_number(Bytes *out, double d)
{
    JSDTOATempMem scratch;
    char text[JS_DTOA_MAX_DIGITS + 8];
    if (!isfinite(d))
        bytes_str(out, "null");
    else
        bytes_put(out, text, (size_t)js_dtoa(text, d, 10, 0, JS_DTOA_FORMAT_FREE, &scratch));
}

static APART void write_int(Bytes *out, int32_t n)
{
    char text[16];
    bytes_put(out, text, i32toa(text, n));
}

/* On to the next line, where there are lines. */
static void write_break(Writer *w, uint32_t depth)
{
    if (w->gap_len == 0)
        return;
    bytes_u8(w->out, '\n');
    while (depth-- > 0 && !w->out->over)
        bytes_put(w->out, w->gap, w->gap_len);
}

static APART int write_bigint(Writer *w, JSValueConst v)
{
    size_t len;
    const char *text = JS_ToCStringLen(w->ctx, &len, v);
    bool quoted;
    if (!text)
        return JSON_FAILED;
    quoted = len > 17 || fabs(strtod(text, NULL)) > 9007199254740991.0;
    if (quoted)
        bytes_u8(w->out, '"');
    bytes_put(w->out, text, len);
    if (quoted)
        bytes_u8(w->out, '"');
    JS_FreeCString(w->ctx, text);
    return JSON_WRITTEN;
}

static APART void write_key(Writer *w, JSAtom atom)
{
    char number[16];
    if (__JS_AtomIsTaggedInt(atom)) {
        snprintf(number, sizeof(number), "\"%u\"", (unsigned)__JS_AtomToUInt32(atom));
        bytes_str(w->out, number);
    } else {
        write_string(w, w->ctx->rt->atom_array[atom]);
    }
    bytes_put(w->out, ": ", w->gap_len ? 2 : 1);
}

/* Writes `"key":value` with a comma before it if needed, or nothing. Frees `v`. */
static int write_member(Writer *w, JSAtom atom, JSValue v, bool *first, const Ancestor *up)
{
    size_t mark = w->out->len;
    int result;
    if (JS_IsException(v))
        return JSON_FAILED;
    if (!*first)
        bytes_u8(w->out, ',');
    write_break(w, up->depth);
    write_key(w, atom);
    result = write_value(w, v, KEY_ATOM(atom), up);
    JS_FreeValue(w->ctx, v);
    if (result == JSON_NOTHING)
        w->out->len = mark;
    else
        *first = false;
    return result == JSON_FAILED ? JSON_FAILED : JSON_WRITTEN;
}

/* Writes an element, `null` for what JSON cannot say. Frees `v`. */
static int write_element(Writer *w, int64_t index, JSValue v, const Ancestor *up)
{
    int result;
    if (JS_IsException(v))
        return JSON_FAILED;
    if (index > 0)
        bytes_u8(w->out, ',');
    write_break(w, up->depth);
    result = write_value(w, v, KEY_INDEX(index), up);
    JS_FreeValue(w->ctx, v);
    if (result == JSON_NOTHING)
        bytes_str(w->out, "null");
    return w->out->over || result == JSON_FAILED ? JSON_FAILED : JSON_WRITTEN;
}

static bool is_text_atom(JSContext *ctx, JSAtom atom)
{
    return __JS_AtomIsTaggedInt(atom) || ctx->rt->atom_array[atom]->atom_type == JS_ATOM_TYPE_STRING;
}

/* Members of an object as they stand in its shape, which is their order unless one is a number.
   The script's code may change the object meanwhile, which gives it another shape. */
static int write_plain_members(Writer *w, JSValueConst v, bool *first, const Ancestor *up)
{
    const JSObject *p = JS_VALUE_GET_OBJ(v);
    JSShape *shape = js_dup_shape(p->shape);
    int result = JSON_WRITTEN;
    for (int i = 0; i < shape->prop_count && result != JSON_FAILED; i++) {
        const JSShapeProperty *prs = &get_shape_prop(shape)[i];
        JSValue member;
        if (prs->atom == JS_ATOM_NULL || !(prs->flags & JS_PROP_ENUMERABLE) || !is_text_atom(w->ctx, prs->atom))
            continue;
        if (p->shape == shape && (prs->flags & JS_PROP_TMASK) == JS_PROP_NORMAL)
            member = js_dup(p->prop[i].u.value);
        else
            member = JS_GetProperty(w->ctx, v, prs->atom);
        result = write_member(w, prs->atom, member, first, up);
    }
    js_free_shape(w->ctx->rt, shape);
    return result;
}

static APART int write_listed_members(Writer *w, JSValueConst v, bool *first, const Ancestor *up)
{
    JSPropertyEnum *names;
    uint32_t count;
    int result = JSON_WRITTEN;
    if (JS_GetOwnPropertyNames(w->ctx, &names, &count, v, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY))
        return JSON_FAILED;
    for (uint32_t i = 0; i < count && result != JSON_FAILED; i++)
        result = write_member(w, names[i].atom, JS_GetProperty(w->ctx, v, names[i].atom), first, up);
    JS_FreePropertyEnum(w->ctx, names, count);
    return result;
}

static bool has_plain_members(JSObject *p)
{
    const JSShapeProperty *prs = get_shape_prop(p->shape);
    if (p->is_exotic || p->fast_array || !p->shape->is_hashed)
        return false;
    for (int i = 0; i < p->shape->prop_count; i++)
        if (__JS_AtomIsTaggedInt(prs[i].atom))
            return false;
    return true;
}

static int write_object(Writer *w, JSValueConst v, const Ancestor *up)
{
    JSObject *p = JS_VALUE_GET_OBJ(v);
    bool first = true;
    int result = JSON_WRITTEN;
    bytes_u8(w->out, '{');
    if (p->class_id == JS_CLASS_ERROR && w->manner != JSON_STANDARD) {
        result = write_member(w, JS_ATOM_name, JS_GetProperty(w->ctx, v, JS_ATOM_name), &first, up);
        if (result == JSON_WRITTEN)
            result = write_member(w, JS_ATOM_message, JS_GetProperty(w->ctx, v, JS_ATOM_message), &first, up);
    }
    if (result == JSON_WRITTEN)
        result = (has_plain_members(p) ? write_plain_members : write_listed_members)(w, v, &first, up);
    if (!first)
        write_break(w, up->depth - 1);
    bytes_u8(w->out, '}');
    return result;
}

static int write_array(Writer *w, JSValueConst v, const Ancestor *up)
{
    JSObject *p = JS_VALUE_GET_OBJ(v);
    int64_t len;
    if (js_get_length64(w->ctx, &len, v))
        return JSON_FAILED;
    bytes_u8(w->out, '[');
    for (int64_t i = 0; i < len; i++) {
        JSValue element;
        if (p->class_id == JS_CLASS_ARRAY && p->fast_array && i < p->u.array.count)
            element = js_dup(p->u.array.u.values[i]);
        else
            element = JS_GetPropertyInt64(w->ctx, v, i);
        if (write_element(w, i, element, up) == JSON_FAILED)
            return JSON_FAILED;
    }
    if (len > 0)
        write_break(w, up->depth - 1);
    bytes_u8(w->out, ']');
    return JSON_WRITTEN;
}

/* The entries of a Map or Set as they are now, in an array that the script cannot reach. */
static JSValue entries_of(JSContext *ctx, JSObject *p, bool *texts)
{
    JSValue list = JS_NewArray(ctx);
    struct list_head *el;
    int64_t n = 0;
    *texts = p->class_id == JS_CLASS_MAP;
    if (JS_IsException(list))
        return list;
    list_for_each(el, &p->u.map_state->records) {
        JSMapRecord *record = list_entry(el, JSMapRecord, link);
        if (record->empty)
            continue;
        if (!JS_IsString(record->key))
            *texts = false;
        if (JS_DefinePropertyValueInt64(ctx, list, n++, js_dup(record->key), JS_PROP_C_W_E) < 0)
            goto fail;
        if (p->class_id == JS_CLASS_MAP &&
            JS_DefinePropertyValueInt64(ctx, list, n++, js_dup(record->value), JS_PROP_C_W_E) < 0)
            goto fail;
    }
    return list;
fail:
    JS_FreeValue(ctx, list);
    return JS_EXCEPTION;
}

static APART int write_map(Writer *w, JSValueConst v, const Ancestor *up)
{
    bool texts, first = true;
    JSValue list = entries_of(w->ctx, JS_VALUE_GET_OBJ(v), &texts);
    JSObject *p = JS_VALUE_GET_OBJ(list);
    int result = JSON_WRITTEN;
    if (JS_IsException(list))
        return JSON_FAILED;
    bytes_u8(w->out, texts ? '{' : '[');
    for (uint32_t i = 0; i + 1 < p->u.array.count && result != JSON_FAILED; i += 2) {
        JSValue key = p->u.array.u.values[i], value = js_dup(p->u.array.u.values[i + 1]);
        if (texts) {
            JSAtom atom = JS_ValueToAtom(w->ctx, key);
            result = atom == JS_ATOM_NULL ? JSON_FAILED : write_member(w, atom, value, &first, up);
            JS_FreeAtom(w->ctx, atom);
        } else {
            bytes_str(w->out, i ? ",[" : "[");
            result = write_element(w, 0, js_dup(key), up);
            if (result == JSON_FAILED)
                JS_FreeValue(w->ctx, value);
            else
                result = write_element(w, 1, value, up);
            bytes_u8(w->out, ']');
        }
    }
    bytes_u8(w->out, texts ? '}' : ']');
    JS_FreeValue(w->ctx, list);
    return result;
}

static int write_made_array(Writer *w, JSValue list, const Ancestor *up)
{
    int result = JS_IsException(list) ? JSON_FAILED : write_array(w, list, up);
    JS_FreeValue(w->ctx, list);
    return result;
}

static APART int write_array_buffer(Writer *w, JSValueConst v)
{
    size_t len;
    const uint8_t *data = JS_GetArrayBuffer(w->ctx, &len, v);
    if (!data && JS_HasException(w->ctx))
        return JSON_FAILED;
    bytes_u8(w->out, '[');
    for (size_t i = 0; i < len && !w->out->over; i++) {
        if (i)
            bytes_u8(w->out, ',');
        write_number(w->out, data[i]);
    }
    bytes_u8(w->out, ']');
    return JSON_WRITTEN;
}

/* 1: `v` was replaced by what its toJSON returned; 0: it has none. Takes and gives a reference. */
static APART int apply_to_json(Writer *w, JSValue *v, Key key)
{
    JSContext *ctx = w->ctx;
    JSValue f = JS_GetProperty(ctx, *v, JS_ATOM_toJSON), name, result;
    if (JS_IsException(f))
        return JSON_FAILED;
    if (!JS_IsFunction(ctx, f)) {
        JS_FreeValue(ctx, f);
        return 0;
    }
    name = key < KEY_INDEX(0) ? JS_AtomToString(ctx, (JSAtom)key)
                              : JS_ToStringFree(ctx, JS_NewInt64(ctx, (int64_t)(key - KEY_INDEX(0))));
    result = JS_IsException(name) ? JS_EXCEPTION : JS_CallFree(ctx, f, *v, 1, vc(&name));
    JS_FreeValue(ctx, name);
    JS_FreeValue(ctx, *v);
    *v = result;
    return JS_IsException(result) ? JSON_FAILED : 1;
}

static APART int write_note(Writer *w, const char *note, const char *complaint)
{
    if (w->manner != JSON_TOLERANT) {
        JS_ThrowTypeError(w->ctx, "%s", complaint);
        return JSON_FAILED;
    }
    bytes_u8(w->out, '"');
    bytes_str(w->out, note);
    bytes_u8(w->out, '"');
    return JSON_WRITTEN;
}

static int write_made(Writer *w, JSValue v, const Ancestor *up)
{
    int result = JS_IsException(v) ? JSON_FAILED : write_value(w, v, KEY_NONE, up);
    JS_FreeValue(w->ctx, v);
    return result;
}

static APART int write_boxed(Writer *w, JSValueConst v, const Ancestor *up)
{
    switch (JS_VALUE_GET_OBJ(v)->class_id) {
    case JS_CLASS_NUMBER:
        return write_made(w, JS_ToNumber(w->ctx, v), up);
    case JS_CLASS_STRING:
        return write_made(w, JS_ToString(w->ctx, v), up);
    case JS_CLASS_BOOLEAN:
    case JS_CLASS_BIG_INT:
        return write_made(w, js_dup(JS_VALUE_GET_OBJ(v)->u.object_data), up);
    case JS_CLASS_RAWJSON: {
        JSValue text = JS_GetProperty(w->ctx, v, JS_ATOM_rawJSON);
        size_t len = 0;
        const char *raw = JS_IsException(text) ? NULL : JS_ToCStringLen(w->ctx, &len, text);
        bytes_put(w->out, raw ? raw : "", len);
        JS_FreeCString(w->ctx, raw);
        JS_FreeValue(w->ctx, text);
        return raw ? JSON_WRITTEN : JSON_FAILED;
    }
    default:
        return JSON_NOTHING;
    }
}

/* What standard JSON would show as an empty or a strange object; JSON_NOTHING if it is no such. */
static APART int write_special(Writer *w, JSValueConst v, const Ancestor *up)
{
    JSClassID class_id = JS_VALUE_GET_OBJ(v)->class_id;
    bool texts;
    if (class_id == JS_CLASS_MAP)
        return write_map(w, v, up);
    if (class_id == JS_CLASS_SET)
        return write_made_array(w, entries_of(w->ctx, JS_VALUE_GET_OBJ(v), &texts), up);
    if (class_id == JS_CLASS_REGEXP)
        return write_any_string(w, v);
    if (class_id == JS_CLASS_PROMISE)
        return write_note(w, "[promise: not awaited]", "there is a promise among the arguments: await it first");
    if (class_id == JS_CLASS_ARRAY_BUFFER)
        return write_array_buffer(w, v);
    if (class_id >= JS_CLASS_UINT8C_ARRAY && class_id <= JS_CLASS_FLOAT64_ARRAY)
        return write_array(w, v, up);
    if (class_id >= JS_CLASS_ITERATOR_CONCAT && class_id <= JS_CLASS_GENERATOR)
        return write_made_array(w, iterator_to_array(w->ctx, v), up);
    return JSON_NOTHING;
}

static int write_by_class(Writer *w, JSValueConst v, const Ancestor *up)
{
    JSClassID class_id = JS_VALUE_GET_OBJ(v)->class_id;
    int is_array = class_id == JS_CLASS_ARRAY, result = JSON_NOTHING;
    if (class_id != JS_CLASS_OBJECT && !is_array) {
        if (w->manner != JSON_STANDARD)
            result = write_special(w, v, up);
        if (result != JSON_NOTHING)
            return result;
        is_array = js_is_array(w->ctx, v);
        if (is_array < 0)
            return JSON_FAILED;
    }
    return (is_array ? write_array : write_object)(w, v, up);
}

static bool is_own_ancestor(JSValueConst v, const Ancestor *up)
{
    for (; up; up = up->up)
        if (up->object == JS_VALUE_GET_OBJ(v))
            return true;
    return false;
}

static int write_reference(Writer *w, JSValue v, Key key, const Ancestor *up)
{
    JSContext *ctx = w->ctx;
    Ancestor here;
    int result = apply_to_json(w, &v, key);
    if (result == JSON_FAILED)
        return JSON_FAILED;
    if (!JS_IsObject(v)) {
        result = write_value(w, v, KEY_NONE, up);
        goto done;
    }
    result = JSON_NOTHING;
    if (JS_IsFunction(ctx, v))
        goto done;
    result = write_boxed(w, v, up);
    if (result != JSON_NOTHING)
        goto done;
    here = (Ancestor){ up, JS_VALUE_GET_OBJ(v), up ? up->depth + 1 : 1 };
    if (is_own_ancestor(v, up)) {
        result = write_note(w, "[circular]", w->manner == JSON_STANDARD ? "circular reference" : "the arguments contain themselves");
    } else if (w->manner == JSON_STANDARD && js_check_stack_overflow(ctx->rt, 0)) {
        JS_ThrowStackOverflow(ctx);
        result = JSON_FAILED;
    } else if (w->manner != JSON_STANDARD && (here.depth > JSON_DEPTH || js_check_stack_overflow(ctx->rt, 4096))) {
        result = write_note(w, "[too deep]", "the arguments are nested deeper than 100 levels");
    } else {
        result = write_by_class(w, v, &here);
    }
done:
    JS_FreeValue(ctx, v);
    return result;
}

static int write_value(Writer *w, JSValueConst v, Key key, const Ancestor *up)
{
    if (w->out->over)
        return JSON_FAILED;
    switch (JS_VALUE_GET_NORM_TAG(v)) {
    case JS_TAG_INT:
        write_int(w->out, JS_VALUE_GET_INT(v));
        return JSON_WRITTEN;
    case JS_TAG_FLOAT64:
        write_number(w->out, JS_VALUE_GET_FLOAT64(v));
        return JSON_WRITTEN;
    case JS_TAG_BOOL:
        bytes_str(w->out, JS_VALUE_GET_BOOL(v) ? "true" : "false");
        return JSON_WRITTEN;
    case JS_TAG_NULL:
        bytes_str(w->out, "null");
        return JSON_WRITTEN;
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
        return write_any_string(w, v);
    case JS_TAG_SHORT_BIG_INT:
    case JS_TAG_BIG_INT:
        if (w->manner != JSON_STANDARD)
            return write_bigint(w, v);
        if (key != KEY_NONE)
            return write_reference(w, js_dup(v), key, up); /* BigInt.prototype.toJSON */
        JS_ThrowTypeError(w->ctx, "BigInt are forbidden in JSON.stringify");
        return JSON_FAILED;
    case JS_TAG_OBJECT:
        return write_reference(w, js_dup(v), key, up);
    default:
        return JSON_NOTHING;
    }
}

/* Appends `v` to `out`. JSON_FAILED leaves an exception, except when `v` is longer than `out->limit`:
   then `out->over` is set and there is none. */
static int json_write(JSContext *ctx, Bytes *out, JSValueConst v, Manner manner)
{
    Writer w = { ctx, out, manner, "", 0 };
    int result = write_value(&w, v, KEY_ATOM(JS_ATOM_empty_string), NULL);
    if (!out->over)
        return result;
    JS_FreeValue(ctx, JS_GetException(ctx));
    if (out->starved)
        JS_ThrowOutOfMemory(ctx);
    return JSON_FAILED;
}
