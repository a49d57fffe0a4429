/* Buffers that cross the wall. Numbers are little-endian, texts are a 32-bit length and UTF-8.
   Texts going in are followed by a NUL, which QuickJS's parsers need. Running out of memory is a
   trap, unless the buffer is `soft`; the host knows from the refused growth what it means. */

typedef struct {
    uint8_t *data;
    size_t len, cap;
    size_t limit;  /* 0: none; beyond it `over` is set and nothing is appended */
    bool over;
    bool soft;     /* out of memory is `over` and `starved` */
    bool starved;
} Bytes;

static void *ob_realloc_or_trap(void *p, size_t size)
{
    p = realloc(p, size);
    if (!p)
        __builtin_trap();
    return p;
}

static bool bytes_room(Bytes *b, size_t more)
{
    size_t need, cap;
    uint8_t *data;
    if (b->over)
        return false;
    need = b->len + more;
    if (need < b->len || (b->limit && need > b->limit)) {
        b->over = true;
        return false;
    }
    if (need > b->cap) {
        cap = b->cap ? b->cap + b->cap / 2 : 256;
        if (cap < need)
            cap = need;
        data = realloc(b->data, cap);
        if (!data && cap > need) /* more modestly */
            data = realloc(b->data, cap = need);
        if (!data) {
            if (!b->soft)
                __builtin_trap();
            return !(b->over = b->starved = true);
        }
        b->data = data;
        b->cap = cap;
    }
    return true;
}

static void bytes_put(Bytes *b, const void *data, size_t len)
{
    if (bytes_room(b, len)) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
    }
}

static void bytes_u8(Bytes *b, uint8_t v)
{
    if (bytes_room(b, 1))
        b->data[b->len++] = v;
}

static void bytes_u32(Bytes *b, uint32_t v) { bytes_put(b, &v, sizeof(v)); }
static void bytes_u64(Bytes *b, uint64_t v) { bytes_put(b, &v, sizeof(v)); }
static void bytes_f64(Bytes *b, double v) { bytes_put(b, &v, sizeof(v)); }
static void bytes_str(Bytes *b, const char *s) { bytes_put(b, s, strlen(s)); }

static void bytes_text(Bytes *b, const char *s, size_t len)
{
    bytes_u32(b, (uint32_t)len);
    bytes_put(b, s, len);
}

/* Hands out the space of a 32-bit length that is not known yet. */
static size_t bytes_open(Bytes *b)
{
    size_t at = b->len;
    bytes_u32(b, 0);
    return at;
}

static void bytes_close(Bytes *b, size_t at)
{
    uint32_t len = (uint32_t)(b->len - at - 4);
    if (!b->over)
        memcpy(b->data + at, &len, sizeof(len));
}

typedef struct {
    const uint8_t *at, *end;
} Reader;

static const void *read_bytes(Reader *r, size_t len)
{
    const uint8_t *p = r->at;
    if ((size_t)(r->end - r->at) < len)
        __builtin_trap(); /* the host always sends whole messages */
    r->at += len;
    return p;
}

static uint8_t read_u8(Reader *r) { return *(const uint8_t *)read_bytes(r, 1); }

static uint32_t read_u32(Reader *r)
{
    uint32_t v;
    memcpy(&v, read_bytes(r, sizeof(v)), sizeof(v));
    return v;
}

static double read_f64(Reader *r)
{
    double v;
    memcpy(&v, read_bytes(r, sizeof(v)), sizeof(v));
    return v;
}

static const char *read_text(Reader *r, size_t *len)
{
    *len = read_u32(r);
    return read_bytes(r, *len + 1);
}
