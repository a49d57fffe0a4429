/* JSON text from the host to values, several times as fast as QuickJS's own parser, which it falls
   back upon for whatever it does not understand.

   Results are mostly long lists of objects of the same form. So each place in the structure
   remembers the forms ("shapes") that it met last; an object whose keys follow one of them is made
   in one go, without looking up or hashing its keys. Short strings are shared. What is remembered
   outlives one result, as scripts call the same tool again and again. */

enum {
    FORM_PLACES = 64, /* power of two */
    FORM_WAYS = 4,
    FORM_KEYS = 256,
    SHARED_STRINGS = 256, /* power of two */
    SHARED_LENGTH = 16,
};

/* JS_NewObjectFromShape takes properties; ours are all plain values. */
_Static_assert(sizeof(JSProperty) == sizeof(JSValue), "a property holds exactly a value");

typedef struct {
    const uint8_t *at;
    uint32_t len;
} Span;

typedef struct {
    JSShape *shape; /* NULL: unused */
    Span *keys;     /* as they are spelt in the text, quotes not included */
    uint32_t count;
} Form;

typedef struct {
    Form ways[FORM_WAYS];
    uint8_t next; /* the way to be given up next */
} FormPlace;

static FormPlace ob_forms[FORM_PLACES];
static JSValue ob_shared[SHARED_STRINGS]; /* 0, which is no reference, where empty */

typedef struct {
    JSContext *ctx;
    const uint8_t *at, *end;
    bool strange; /* nothing for this parser; no exception is pending then */
    JSValue *values;
    size_t value_count, value_cap;
    Span *keys;
    size_t key_count, key_cap;
} JsonReader;

static JSValue read_value(JsonReader *r, uint32_t place);

static JSValue read_strange(JsonReader *r)
{
    r->strange = true;
    return JS_EXCEPTION;
}

static void read_blank(JsonReader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')
        r->at++;
}

static void read_push(JsonReader *r, JSValue v)
{
    if (r->value_count == r->value_cap) {
        r->value_cap = r->value_cap ? r->value_cap * 2 : 256;
        r->values = ob_realloc_or_trap(r->values, r->value_cap * sizeof(*r->values));
    }
    r->values[r->value_count++] = v;
}

static void read_push_key(JsonReader *r, Span key)
{
    if (r->key_count == r->key_cap) {
        r->key_cap = r->key_cap ? r->key_cap * 2 : 64;
        r->keys = ob_realloc_or_trap(r->keys, r->key_cap * sizeof(*r->keys));
    }
    r->keys[r->key_count++] = key;
}

static void read_drop(JsonReader *r, size_t values, size_t keys)
{
    while (r->value_count > values)
        JS_FreeValue(r->ctx, r->values[--r->value_count]);
    r->key_count = keys;
}

#define EACH_BYTE(b) ((b) * 0x0101010101010101u)
#define HAS_ZERO(v) (((v) - EACH_BYTE(0x01)) & ~(v) & EACH_BYTE(0x80))

/* The first byte at or after `p` that does not simply stand for itself: a quote, a backslash, a
   control character or a part of a character beyond ASCII. There is always one: the final NUL. */
static const uint8_t *plain_end(const uint8_t *p, const uint8_t *end)
{
    uint64_t v;
    for (; end - p >= 8; p += 8) {
        memcpy(&v, p, 8);
        if ((v & EACH_BYTE(0x80)) | HAS_ZERO(v ^ EACH_BYTE('"')) | HAS_ZERO(v ^ EACH_BYTE('\\')) |
            ((v - EACH_BYTE(0x20)) & ~v & EACH_BYTE(0x80)))
            break;
    }
    while (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Finds the closing quote from after the opening one; false if there is none. */
static bool read_span(JsonReader *r, Span *span, bool *plain)
{
    const uint8_t *p = plain_end(r->at, r->end);
    *plain = *p == '"';
    while (*p != '"') {
        if (*p < 0x20)
            return false;
        p += *p == '\\' && p[1] ? 2 : 1;
        p = plain_end(p, r->end);
    }
    *span = (Span){ r->at, (uint32_t)(p - r->at) };
    r->at = p + 1;
    return true;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The code unit or character of an escape, after the backslash; -1 if it is none. */
static int32_t read_escape(const uint8_t **at)
{
    const uint8_t *p = *at;
    int32_t c = 0;
    *at = p + 1;
    switch (*p) {
    case '"': case '\\': case '/': return *p;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u':
        for (int i = 1; i <= 4; i++) {
            int digit = hex_digit(p[i]);
            if (digit < 0)
                return -1;
            c = c * 16 + digit;
        }
        *at = p + 5;
        return c;
    default: return -1;
    }
}

/* A string with escapes or characters beyond ASCII. */
static JSValue read_odd_string(JsonReader *r, Span span)
{
    const uint8_t *p = span.at, *end = span.at + span.len;
    JSValue result = JS_EXCEPTION;
    uint16_t *units, all = 0;
    int count = 0;
    if (!memchr(p, '\\', span.len) && !memchr(p, 0xED, span.len)) /* 0xED may begin a lone surrogate */
        return JS_NewStringLen(r->ctx, (const char *)p, span.len);
    units = js_malloc(r->ctx, sizeof(*units) * span.len);
    if (!units)
        return JS_EXCEPTION;
    while (p < end) {
        const uint8_t *run = p;
        int32_t c = *p++;
        if (c == '\\') {
            c = read_escape(&p);
            if (c < 0) {
                r->strange = true;
                goto done;
            }
        } else if (c >= 0x80) {
            c = (int32_t)utf8_decode(run, &p);
            if (p == run + 1 || is_surrogate((uint32_t)c)) {
                r->strange = true;
                goto done;
            }
        }
        if (c > 0xFFFF) {
            units[count++] = get_hi_surrogate((uint32_t)c);
            c = get_lo_surrogate((uint32_t)c);
            all = 0xFFFF;
        }
        all |= units[count++] = (uint16_t)c;
    }
    if (all > 0xFF) {
        result = js_new_string16_len(r->ctx, units, count);
    } else {
        JSString *s = js_alloc_string(r->ctx, count, 0);
        if (s) {
            for (int i = 0; i < count; i++)
                str8(s)[i] = (uint8_t)units[i];
            str8(s)[count] = '\0';
            result = JS_MKPTR(JS_TAG_STRING, s);
        }
    }
done:
    js_free(r->ctx, units);
    return result;
}

static uint32_t short_hash(Span span)
{
    uint64_t a = 0, b = 0;
    if (span.len >= 8) {
        memcpy(&a, span.at, 8);
        memcpy(&b, span.at + span.len - 8, 8);
    } else {
        for (uint32_t i = 0; i < span.len; i++)
            a = a << 8 | span.at[i];
    }
    a = (a ^ (b * 0x9E3779B97F4A7C15u) ^ span.len) * 0xD6E8FEB86659FD93u;
    return (uint32_t)(a >> 40) & (SHARED_STRINGS - 1);
}

/* A short plain string, the same one as last time if there was one. */
static JSValue read_shared_string(JsonReader *r, Span span)
{
    JSValue *slot = &ob_shared[short_hash(span)], fresh;
    if (JS_IsString(*slot)) {
        JSString *s = JS_VALUE_GET_STRING(*slot);
        if (s->len == span.len && !memcmp(str8(s), span.at, span.len))
            return js_dup(*slot);
    }
    fresh = js_new_string8_len(r->ctx, (const char *)span.at, (int)span.len);
    if (!JS_IsException(fresh)) {
        if (JS_IsString(*slot))
            JS_FreeValue(r->ctx, *slot);
        *slot = js_dup(fresh);
    }
    return fresh;
}

static JSValue read_string(JsonReader *r)
{
    Span span;
    bool plain;
    r->at++;
    if (!read_span(r, &span, &plain))
        return read_strange(r);
    if (!plain)
        return read_odd_string(r, span);
    if (span.len <= SHARED_LENGTH)
        return read_shared_string(r, span);
    return js_new_string8_len(r->ctx, (const char *)span.at, (int)span.len);
}

static JSValue read_number(JsonReader *r)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const uint8_t *start = r->at, *p = start;
    uint64_t digits = 0;
    int count = 0, fraction = 0;
    bool negative = *p == '-', exact = true;
    double d;
    p += negative;
    if (*p == '0' && p[1] >= '0' && p[1] <= '9')
        return read_strange(r);
    for (; *p >= '0' && *p <= '9'; p++, count++)
        digits = digits * 10 + (*p - '0');
    if (count == 0)
        return read_strange(r);
    if (*p == '.') {
        const uint8_t *point = p++;
        for (; *p >= '0' && *p <= '9'; p++, count++)
            digits = digits * 10 + (*p - '0');
        fraction = (int)(p - point - 1);
        if (fraction == 0)
            return read_strange(r);
    }
    if (*p == 'e' || *p == 'E') {
        exact = false;
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        if (*p < '0' || *p > '9')
            return read_strange(r);
        while (*p >= '0' && *p <= '9')
            p++;
    }
    r->at = p;
    if (exact && fraction == 0 && count <= 9 && !(negative && digits == 0))
        return JS_NewInt32(r->ctx, negative ? -(int32_t)digits : (int32_t)digits);
    if (exact && count <= 15) {
        /* Both are exact, so that their quotient is rounded once (Clinger's fast path). */
        d = (double)digits / powers[fraction];
        return JS_NewNumber(r->ctx, negative ? -d : d);
    }
    JSATODTempMem scratch;
    d = js_atod((const char *)start, NULL, 10, 0, &scratch);
    return JS_NewNumber(r->ctx, d);
}

static JSValue read_word(JsonReader *r, const char *word, JSValue v)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len))
        return read_strange(r);
    r->at += len;
    return v;
}

static bool same_span(Span a, Span b)
{
    return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

static bool form_begins(const Form *form, const Span *keys, size_t count)
{
    if (!form->shape || form->count < count)
        return false;
    for (size_t i = count; i-- > 0;) /* the last key is the likeliest to differ */
        if (!same_span(form->keys[i], keys[i]))
            return false;
    return true;
}

static JSAtom key_atom(JsonReader *r, Span key)
{
    JSValue s;
    bool plain = true;
    for (uint32_t i = 0; i < key.len && plain; i++)
        plain = key.at[i] < 0x80 && key.at[i] != '\\';
    if (plain)
        return JS_NewAtomLen(r->ctx, (const char *)key.at, key.len);
    s = read_odd_string(r, key);
    return JS_IsException(s) ? JS_ATOM_NULL : JS_NewAtomStr(r->ctx, JS_VALUE_GET_STRING(s));
}

/* Remembers the form of `object`, made from these keys, if others can be made in the same way. */
static void form_remember(JsonReader *r, FormPlace *place, JSValueConst object, const Span *keys, uint32_t count)
{
    JSShape *shape = JS_VALUE_GET_OBJ(object)->shape;
    const JSShapeProperty *prs = get_shape_prop(shape);
    Form *form = &place->ways[place->next];
    size_t text = 0;
    uint8_t *copy;
    if (count == 0 || count > FORM_KEYS || !shape->is_hashed || shape->deleted_prop_count ||
        shape->prop_count != (int)count)
        return; /* a key that came twice */
    for (uint32_t i = 0; i < count; i++) {
        if (prs[i].flags != JS_PROP_C_W_E)
            return;
        text += keys[i].len;
    }
    if (text > 16384)
        return;
    place->next = (place->next + 1) % FORM_WAYS;
    if (form->shape) {
        js_free_shape(r->ctx->rt, form->shape);
        free(form->keys);
    }
    form->shape = js_dup_shape(shape);
    form->count = count;
    form->keys = ob_realloc_or_trap(NULL, sizeof(Span) * count + text);
    copy = (uint8_t *)(form->keys + count);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(copy, keys[i].at, keys[i].len);
        form->keys[i] = (Span){ copy, keys[i].len };
        copy += keys[i].len;
    }
}

/* An object from the keys and values on the stacks, from `keys` and `values` on, by the long way. */
static JSValue object_by_keys(JsonReader *r, size_t keys, size_t values)
{
    JSValue object = JS_NewObject(r->ctx);
    size_t count = r->key_count - keys;
    for (size_t i = 0; i < count && !JS_IsException(object); i++) {
        JSAtom atom = key_atom(r, r->keys[keys + i]);
        JSValue v = r->values[values + i];
        int ok = -1;
        r->values[values + i] = JS_UNDEFINED;
        if (atom == JS_ATOM_NULL)
            JS_FreeValue(r->ctx, v);
        else
            ok = JS_DefinePropertyValue(r->ctx, object, atom, v, JS_PROP_C_W_E);
        JS_FreeAtom(r->ctx, atom);
        if (ok < 0) {
            JS_FreeValue(r->ctx, object);
            object = JS_EXCEPTION;
        }
    }
    return object;
}

static JSValue read_object(JsonReader *r, uint32_t place)
{
    FormPlace *forms = &ob_forms[place & (FORM_PLACES - 1)];
    size_t keys = r->key_count, values = r->value_count, count = 0;
    int way = 0; /* the form followed; FORM_WAYS: none */
    JSValue object;
    r->at++;
    read_blank(r);
    if (*r->at == '}') {
        r->at++;
        return JS_NewObject(r->ctx);
    }
    for (;;) {
        Span key;
        bool plain;
        JSValue v;
        if (*r->at++ != '"' || !read_span(r, &key, &plain))
            goto strange;
        read_push_key(r, key);
        count++;
        if (way < FORM_WAYS && !(forms->ways[way].shape && count <= forms->ways[way].count &&
                                 same_span(forms->ways[way].keys[count - 1], key)))
            for (way = 0; way < FORM_WAYS && !form_begins(&forms->ways[way], r->keys + keys, count); way++)
                ;
        read_blank(r);
        if (*r->at++ != ':')
            goto strange;
        v = read_value(r, place * 31 + (uint32_t)count);
        if (JS_IsException(v))
            goto fail;
        read_push(r, v);
        read_blank(r);
        if (*r->at == '}')
            break;
        if (*r->at++ != ',')
            goto strange;
        read_blank(r);
    }
    r->at++;
    /* A longer form may begin like this object, and another one may be just it. */
    if (way < FORM_WAYS && forms->ways[way].count != count)
        for (way = 0; way < FORM_WAYS &&
                      !(forms->ways[way].count == count && form_begins(&forms->ways[way], r->keys + keys, count));
             way++)
            ;
    if (way < FORM_WAYS) {
        object = JS_NewObjectFromShape(r->ctx, js_dup_shape(forms->ways[way].shape), JS_CLASS_OBJECT,
                                       (JSProperty *)(r->values + values));
        r->value_count = values; /* taken over, or freed */
    } else {
        object = object_by_keys(r, keys, values);
        if (!JS_IsException(object))
            form_remember(r, forms, object, r->keys + keys, (uint32_t)count);
    }
    read_drop(r, values, keys);
    return object;
strange:
    r->strange = true;
fail:
    read_drop(r, values, keys);
    return JS_EXCEPTION;
}

static JSValue read_array(JsonReader *r, uint32_t place)
{
    size_t values = r->value_count;
    JSValue array;
    r->at++;
    read_blank(r);
    if (*r->at == ']') {
        r->at++;
        return JS_NewArray(r->ctx);
    }
    for (;;) {
        JSValue v = read_value(r, place * 31 + 17);
        if (JS_IsException(v))
            goto fail;
        read_push(r, v);
        read_blank(r);
        if (*r->at == ']')
            break;
        if (*r->at++ != ',') {
            r->strange = true;
            goto fail;
        }
    }
    r->at++;
    array = JS_NewArrayFrom(r->ctx, (int)(r->value_count - values), r->values + values);
    r->value_count = values; /* taken over, or freed */
    return array;
fail:
    read_drop(r, values, r->key_count);
    return JS_EXCEPTION;
}

static JSValue read_value(JsonReader *r, uint32_t place)
{
    read_blank(r);
    switch (*r->at) {
    case '{':
    case '[':
        if (js_check_stack_overflow(r->ctx->rt, 512))
            return JS_ThrowStackOverflow(r->ctx);
        return *r->at == '{' ? read_object(r, place) : read_array(r, place);
    case '"': return read_string(r);
    case 't': return read_word(r, "true", JS_TRUE);
    case 'f': return read_word(r, "false", JS_FALSE);
    case 'n': return read_word(r, "null", JS_NULL);
    default: return read_number(r);
    }
}

/* The value of `text`, which is followed by a NUL. */
static JSValue json_read(JSContext *ctx, const char *text, size_t len)
{
    JsonReader r = { .ctx = ctx, .at = (const uint8_t *)text, .end = (const uint8_t *)text + len };
    JSValue v = read_value(&r, 0);
    free(r.values);
    free(r.keys);
    if (!JS_IsException(v)) {
        read_blank(&r);
        if (r.at == r.end)
            return v;
        JS_FreeValue(ctx, v);
        r.strange = true;
    }
    return r.strange ? JS_ParseJSON(ctx, text, len, "result") : JS_EXCEPTION;
}
