/* The order of texts for people: close to what the Unicode Collation Algorithm gives without a
   locale. Letters by their base, then by accents, then small before capital; before letters digits,
   before those punctuation. Beyond Latin the order is that of code points. */

typedef struct {
    JSString *text; /* in canonical decomposition */
    uint32_t at;
} Collated;

typedef struct {
    uint32_t base, accents;
    bool capital;
} CollationElement;

enum { COLLATE_NUMERIC = 1, COLLATE_IGNORE_ACCENTS = 2, COLLATE_IGNORE_CASE = 4, COLLATE_CAPITALS_FIRST = 8 };

static uint32_t collated_char(const Collated *c, uint32_t at, uint32_t *next)
{
    uint32_t unit = string_get(c->text, (int)at);
    *next = at + 1;
    if (is_hi_surrogate(unit) && *next < c->text->len) {
        uint32_t low = string_get(c->text, (int)*next);
        if (is_lo_surrogate(low)) {
            ++*next;
            return from_surrogate(unit, low);
        }
    }
    return unit;
}

static bool is_digit_char(uint32_t c) { return c >= '0' && c <= '9'; }

static uint32_t collation_base(uint32_t c, uint32_t *accents)
{
    static const char order[] = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";
    /* Letters that do not decompose and yet are sorted as one that is known. */
    static const struct { uint16_t letter; char as; } alike[] = {
        { 0xDF, 's' }, { 0xE6, 'a' }, { 0xF0, 'd' }, { 0xF8, 'o' }, { 0x111, 'd' }, { 0x127, 'h' },
        { 0x131, 'i' }, { 0x142, 'l' }, { 0x153, 'o' }, { 0x167, 't' },
    };
    for (size_t i = 0; c >= 0x80 && i < countof(alike); i++) {
        if (alike[i].letter == c) {
            *accents = c;
            c = (uint8_t)alike[i].as;
        }
    }
    if (c < 0x80) {
        const char *p = c ? strchr(order, (int)c) : NULL;
        return p ? (uint32_t)(p - order) + 1 : 0;
    }
    return c + sizeof(order);
}

static CollationElement collated_next(Collated *c)
{
    CollationElement e = { 0 };
    uint32_t lower[LRE_CC_RES_LEN_MAX], next, letter = collated_char(c, c->at, &c->at);
    int count = letter < 0x80 ? 0 : lre_case_conv(lower, letter, 1);
    uint32_t small = letter >= 'A' && letter <= 'Z' ? letter + 32 : count == 1 ? lower[0] : letter;
    e.capital = small != letter;
    e.base = collation_base(small, &e.accents);
    while (c->at < c->text->len) {
        uint32_t mark = collated_char(c, c->at, &next);
        if (mark < 0x300 || mark > 0x36F)
            break;
        e.accents = e.accents * 1031 + mark;
        c->at = next;
    }
    return e;
}

/* Compares the numbers at which both texts stand, and steps over them. */
static int collate_numbers(Collated *a, Collated *b)
{
    Collated *sides[2] = { a, b };
    uint32_t start[2], len[2];
    for (int i = 0; i < 2; i++) {
        Collated *c = sides[i];
        while (c->at + 1 < c->text->len && string_get(c->text, (int)c->at) == '0' &&
               is_digit_char((uint32_t)string_get(c->text, (int)c->at + 1)))
            c->at++;
        start[i] = c->at;
        while (c->at < c->text->len && is_digit_char((uint32_t)string_get(c->text, (int)c->at)))
            c->at++;
        len[i] = c->at - start[i];
    }
    if (len[0] != len[1])
        return len[0] < len[1] ? -1 : 1;
    for (uint32_t i = 0; i < len[0]; i++) {
        int x = string_get(a->text, (int)(start[0] + i)), y = string_get(b->text, (int)(start[1] + i));
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

static int collate(Collated a, Collated b, int flags)
{
    int by_accents = 0, by_case = 0;
    while (a.at < a.text->len && b.at < b.text->len) {
        CollationElement x, y;
        if ((flags & COLLATE_NUMERIC) && is_digit_char((uint32_t)string_get(a.text, (int)a.at)) &&
            is_digit_char((uint32_t)string_get(b.text, (int)b.at))) {
            int by_number = collate_numbers(&a, &b);
            if (by_number)
                return by_number;
            continue;
        }
        x = collated_next(&a);
        y = collated_next(&b);
        if (x.base != y.base)
            return x.base < y.base ? -1 : 1;
        if (!by_accents && x.accents != y.accents)
            by_accents = x.accents < y.accents ? -1 : 1;
        if (!by_case && x.capital != y.capital)
            by_case = x.capital ? 1 : -1;
    }
    if (a.at < a.text->len || b.at < b.text->len)
        return a.at < a.text->len ? 1 : -1;
    if (by_accents && !(flags & COLLATE_IGNORE_ACCENTS))
        return by_accents;
    if (flags & COLLATE_IGNORE_CASE)
        return 0;
    return flags & COLLATE_CAPITALS_FIRST ? -by_case : by_case;
}

/* host.collate(first, second, flags): -1, 0 or 1; both in canonical decomposition */
static JSValue native_collate(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSValue a = JS_ToString(ctx, argv[0]), b = JS_ToString(ctx, argv[1]), result = JS_EXCEPTION;
    int flags;
    if (!JS_IsException(a) && !JS_IsException(b) && !JS_ToInt32(ctx, &flags, argv[2]))
        result = JS_NewInt32(ctx, collate((Collated){ JS_VALUE_GET_STRING(a), 0 },
                                          (Collated){ JS_VALUE_GET_STRING(b), 0 }, flags));
    JS_FreeValue(ctx, a);
    JS_FreeValue(ctx, b);
    return result;
}
