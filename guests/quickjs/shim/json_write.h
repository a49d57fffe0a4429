/* Values to JSON text, straight into bytes.

   Two manners. Tolerant, for what a script returns: everything that JSON lacks becomes the nearest
   thing that it has, and nothing but the script's own code (getters, toJSON) can fail. Strict, for
   what a script sends to a tool: a cycle, a promise or endless nesting is an error to be mended.
   Lone surrogates become U+FFFD, so that every reader accepts the text. */

enum { JSON_FAILED = -1, JSON_WRITTEN = 0, JSON_NOTHING = 1 };
enum { JSON_DEPTH = 100 }; /* below the nesting that common parsers accept (128) */

typedef struct {
    JSContext *ctx;
    Bytes *out;
    bool strict;
} Writer;

typedef struct Ancestor {
    const struct Ancestor *up;
    JSObject *object;
    uint32_t depth;
} Ancestor;

/* A property's name, made into a value only for the rare toJSON. */
typedef struct {
    JSAtom atom;
    int64_t index; /* used when `atom` is JS_ATOM_NULL */
} Key;

static int write_value(Writer *w, JSValueConst v, Key key, const Ancestor *up);

static void write_escape(Bytes *out, uint32_t c)
{
    char text[8];
    switch (c) {
    case '"': bytes_put(out, "\\\"", 2); break;
    case '\\': bytes_put(out, "\\\\", 2); break;
    case '\n': bytes_put(out, "\\n", 2); break;
    case '\r': bytes_put(out, "\\r", 2); break;
    case '\t': bytes_put(out, "\\t", 2); break;
    default:
        snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
        bytes_put(out, text, 6);
    }
}

static void write_utf8(Bytes *out, uint32_t c)
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

static void write_utf16(Bytes *out, const uint16_t *p, const uint16_t *end)
{
    while (p < end) {
        uint32_t c = *p++;
        if (is_hi_surrogate(c) && p < end && is_lo_surrogate(*p))
            c = from_surrogate(c, *p++);
        else if (is_surrogate(c))
            c = 0xFFFD;
        if (c < 0x20 || c == '"' || c == '\\')
            write_escape(out, c);
        else if (c < 0x80)
            bytes_u8(out, (uint8_t)c);
        else
            write_utf8(out, c);
    }
}

static void write_string(Bytes *out, JSString *s)
{
    bytes_u8(out, '"');
    if (s->is_wide_char)
        write_utf16(out, str16(s), str16(s) + s->len);
    else
        write_latin1(out, str8(s), str8(s) + s->len);
    bytes_u8(out, '"');
}

static int write_any_string(Writer *w, JSValueConst v)
{
    JSValue s;
    if (JS_VALUE_GET_TAG(v) == JS_TAG_STRING) {
        write_string(w->out, JS_VALUE_GET_STRING(v));
        return JSON_WRITTEN;
    }
    s = JS_ToString(w->ctx, v);
    if (JS_IsException(s))
        return JSON_FAILED;
    write_string(w->out, JS_VALUE_GET_STRING(s));
    JS_FreeValue(w->ctx, s);
    return JSON_WRITTEN;
}

static void write_number(Bytes *out, double d)
{
    JSDTOATempMem scratch;
    char text[JS_DTOA_MAX_DIGITS + 8];
    if (!isfinite(d))
        bytes_str(out, "null");
    else
        bytes_put(out, text, (size_t)js_dtoa(text, d, 10, 0, JS_DTOA_FORMAT_FREE, &scratch));
}

static int write_bigint(Writer *w, JSValueConst v)
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

static void write_key(Writer *w, JSAtom atom)
{
    char number[16];
    if (__JS_AtomIsTaggedInt(atom)) {
        snprintf(number, sizeof(number), "\"%u\":", (unsigned)__JS_AtomToUInt32(atom));
        bytes_str(w->out, number);
    } else {
        write_string(w->out, w->ctx->rt->atom_array[atom]);
        bytes_u8(w->out, ':');
    }
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
    write_key(w, atom);
    result = write_value(w, v, (Key){ atom, 0 }, up);
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
    result = write_value(w, v, (Key){ JS_ATOM_NULL, index }, up);
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
   The script's code may change the object meanwhile, so everything is read afresh each time. */
static int write_plain_members(Writer *w, JSValueConst v, bool *first, const Ancestor *up)
{
    JSObject *p = JS_VALUE_GET_OBJ(v);
    for (int i = 0; i < p->shape->prop_count; i++) {
        const JSShapeProperty *prs = &get_shape_prop(p->shape)[i];
        JSAtom atom = prs->atom;
        JSValue member;
        int result;
        if (atom == JS_ATOM_NULL || !(prs->flags & JS_PROP_ENUMERABLE) || !is_text_atom(w->ctx, atom))
            continue;
        JS_DupAtom(w->ctx, atom);
        if ((prs->flags & JS_PROP_TMASK) == JS_PROP_NORMAL)
            member = js_dup(p->prop[i].u.value);
        else
            member = JS_GetProperty(w->ctx, v, atom);
        result = write_member(w, atom, member, first, up);
        JS_FreeAtom(w->ctx, atom);
        if (result == JSON_FAILED)
            return JSON_FAILED;
    }
    return JSON_WRITTEN;
}

static int write_listed_members(Writer *w, JSValueConst v, bool *first, const Ancestor *up)
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
    if (p->is_exotic || p->fast_array)
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
    if (p->class_id == JS_CLASS_ERROR) {
        result = write_member(w, JS_ATOM_name, JS_GetProperty(w->ctx, v, JS_ATOM_name), &first, up);
        if (result == JSON_WRITTEN)
            result = write_member(w, JS_ATOM_message, JS_GetProperty(w->ctx, v, JS_ATOM_message), &first, up);
    }
    if (result == JSON_WRITTEN)
        result = (has_plain_members(p) ? write_plain_members : write_listed_members)(w, v, &first, up);
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

static int write_map(Writer *w, JSValueConst v, const Ancestor *up)
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

static int write_array_buffer(Writer *w, JSValueConst v)
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
static int apply_to_json(Writer *w, JSValue *v, Key key)
{
    JSContext *ctx = w->ctx;
    JSValue f = JS_GetProperty(ctx, *v, JS_ATOM_toJSON), name, result;
    if (JS_IsException(f))
        return JSON_FAILED;
    if (!JS_IsFunction(ctx, f)) {
        JS_FreeValue(ctx, f);
        return 0;
    }
    name = key.atom != JS_ATOM_NULL ? JS_AtomToString(ctx, key.atom)
                                    : JS_ToStringFree(ctx, JS_NewInt64(ctx, key.index));
    result = JS_IsException(name) ? JS_EXCEPTION : JS_CallFree(ctx, f, *v, 1, vc(&name));
    JS_FreeValue(ctx, name);
    JS_FreeValue(ctx, *v);
    *v = result;
    return JS_IsException(result) ? JSON_FAILED : 1;
}

static int write_note(Writer *w, const char *note, const char *complaint)
{
    if (w->strict) {
        JS_ThrowTypeError(w->ctx, "%s", complaint);
        return JSON_FAILED;
    }
    bytes_u8(w->out, '"');
    bytes_str(w->out, note);
    bytes_u8(w->out, '"');
    return JSON_WRITTEN;
}

static int write_boxed(Writer *w, JSValueConst v, const Ancestor *up)
{
    switch (JS_VALUE_GET_OBJ(v)->class_id) {
    case JS_CLASS_NUMBER:
    case JS_CLASS_STRING:
    case JS_CLASS_BOOLEAN:
    case JS_CLASS_BIG_INT: {
        JSValue inner = js_dup(JS_VALUE_GET_OBJ(v)->u.object_data);
        int result = write_value(w, inner, (Key){ JS_ATOM_NULL, 0 }, up);
        JS_FreeValue(w->ctx, inner);
        return result;
    }
    case JS_CLASS_REGEXP:
        return write_any_string(w, v);
    default:
        return JSON_NOTHING;
    }
}

static int write_by_class(Writer *w, JSValueConst v, const Ancestor *up)
{
    JSClassID class_id = JS_VALUE_GET_OBJ(v)->class_id;
    bool texts;
    int is_array;
    if (class_id == JS_CLASS_OBJECT || class_id == JS_CLASS_ERROR)
        return write_object(w, v, up);
    if (class_id == JS_CLASS_MAP)
        return write_map(w, v, up);
    if (class_id == JS_CLASS_SET)
        return write_made_array(w, entries_of(w->ctx, JS_VALUE_GET_OBJ(v), &texts), up);
    if (class_id == JS_CLASS_PROMISE)
        return write_note(w, "[promise: not awaited]", "there is a promise among the arguments: await it first");
    if (class_id == JS_CLASS_ARRAY_BUFFER || class_id == JS_CLASS_SHARED_ARRAY_BUFFER)
        return write_array_buffer(w, v);
    if (class_id >= JS_CLASS_UINT8C_ARRAY && class_id <= JS_CLASS_FLOAT64_ARRAY)
        return write_array(w, v, up);
    if ((class_id >= JS_CLASS_ITERATOR_CONCAT && class_id <= JS_CLASS_GENERATOR))
        return write_made_array(w, iterator_to_array(w->ctx, v), up);
    is_array = js_is_array(w->ctx, v);
    if (is_array < 0)
        return JSON_FAILED;
    return (is_array ? write_array : write_object)(w, v, up);
}

static int write_reference(Writer *w, JSValue v, Key key, const Ancestor *up)
{
    JSContext *ctx = w->ctx;
    Ancestor here;
    int result = apply_to_json(w, &v, key);
    if (result == JSON_FAILED)
        return JSON_FAILED;
    if (result == 1 && !JS_IsObject(v)) {
        result = write_value(w, v, key, up);
        goto done;
    }
    result = JSON_NOTHING;
    if (JS_IsFunction(ctx, v))
        goto done;
    result = write_boxed(w, v, up);
    if (result != JSON_NOTHING)
        goto done;
    for (const Ancestor *a = up; a; a = a->up) {
        if (a->object == JS_VALUE_GET_OBJ(v)) {
            result = write_note(w, "[circular]", "the arguments contain themselves");
            goto done;
        }
    }
    here = (Ancestor){ up, JS_VALUE_GET_OBJ(v), up ? up->depth + 1 : 1 };
    if (here.depth > JSON_DEPTH || js_check_stack_overflow(ctx->rt, 4096))
        result = write_note(w, "[too deep]", "the arguments are nested deeper than 100 levels");
    else
        result = write_by_class(w, v, &here);
done:
    JS_FreeValue(ctx, v);
    return result;
}

static int write_value(Writer *w, JSValueConst v, Key key, const Ancestor *up)
{
    if (w->out->over)
        return JSON_FAILED;
    switch (JS_VALUE_GET_NORM_TAG(v)) {
    case JS_TAG_INT: {
        char text[16];
        bytes_put(w->out, text, i32toa(text, JS_VALUE_GET_INT(v)));
        return JSON_WRITTEN;
    }
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
        return write_bigint(w, v);
    case JS_TAG_OBJECT:
        return write_reference(w, js_dup(v), key, up);
    default:
        return JSON_NOTHING;
    }
}

/* Appends `v` to `out`. JSON_FAILED with `out->over` set: longer than `out->limit`, and no
   exception; otherwise JSON_FAILED leaves the exception that the script's code threw. */
static int json_write(JSContext *ctx, Bytes *out, JSValueConst v, bool strict)
{
    Writer w = { ctx, out, strict };
    int result = write_value(&w, v, (Key){ JS_ATOM_empty_string, 0 }, NULL);
    return out->over ? JSON_FAILED : result;
}
