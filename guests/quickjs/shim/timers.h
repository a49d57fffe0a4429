/* Timers on the run's clock: a heap ordered by due time, then by age. The host learns when the
   next one is due; nothing fires until it says that the clock has moved. */

typedef struct {
    double due, interval; /* interval < 0: once */
    uint64_t age;
    uint32_t id;
    JSValue callback;
    JSValue *arguments;
    int argument_count;
} Timer;

static Timer *ob_timers;
static uint32_t ob_timer_count, ob_timer_cap, ob_timer_id;
static uint64_t ob_timer_age;

static bool timer_before(const Timer *a, const Timer *b)
{
    return a->due != b->due ? a->due < b->due : a->age < b->age;
}

static void timer_swap(uint32_t i, uint32_t j)
{
    Timer t = ob_timers[i];
    ob_timers[i] = ob_timers[j];
    ob_timers[j] = t;
}

static void timer_rise(uint32_t i)
{
    for (; i > 0 && timer_before(&ob_timers[i], &ob_timers[(i - 1) / 2]); i = (i - 1) / 2)
        timer_swap(i, (i - 1) / 2);
}

static void timer_sink(uint32_t i)
{
    for (;;) {
        uint32_t least = i, left = 2 * i + 1, right = left + 1;
        if (left < ob_timer_count && timer_before(&ob_timers[left], &ob_timers[least]))
            least = left;
        if (right < ob_timer_count && timer_before(&ob_timers[right], &ob_timers[least]))
            least = right;
        if (least == i)
            return;
        timer_swap(i, least);
        i = least;
    }
}

static void timer_add(Timer t)
{
    if (ob_timer_count == ob_timer_cap) {
        ob_timer_cap = ob_timer_cap ? ob_timer_cap * 2 : 16;
        ob_timers = ob_realloc_or_trap(ob_timers, ob_timer_cap * sizeof(*ob_timers));
    }
    t.age = ++ob_timer_age;
    ob_timers[ob_timer_count++] = t;
    timer_rise(ob_timer_count - 1);
}

static Timer timer_take(uint32_t i)
{
    Timer t = ob_timers[i];
    ob_timers[i] = ob_timers[--ob_timer_count];
    if (i < ob_timer_count) {
        timer_rise(i);
        timer_sink(i);
    }
    return t;
}

static void timer_free(JSContext *ctx, Timer t)
{
    JS_FreeValue(ctx, t.callback);
    for (int i = 0; i < t.argument_count; i++)
        JS_FreeValue(ctx, t.arguments[i]);
    free(t.arguments);
}

enum { TIMER_ONCE, TIMER_REPEAT, TIMER_IMMEDIATE };

/* setTimeout, setInterval, setImmediate */
static JSValue timer_set(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int kind)
{
    int skip = kind == TIMER_IMMEDIATE ? 1 : 2;
    double delay = 0;
    Timer t = { .interval = -1 };
    if (!JS_IsFunction(ctx, argv[0]))
        return JS_ThrowTypeError(ctx, "a timer takes a function");
    if (kind != TIMER_IMMEDIATE) {
        if (argc > 1 && JS_ToFloat64(ctx, &delay, argv[1]))
            return JS_EXCEPTION;
        delay = delay >= 1 ? floor(delay) : 1; /* also for NaN */
        if (delay > INT32_MAX)
            delay = INT32_MAX;
    }
    t.due = ob_now_ms + delay;
    if (kind == TIMER_REPEAT)
        t.interval = delay;
    t.id = ++ob_timer_id;
    t.callback = js_dup(argv[0]);
    if (argc > skip) {
        t.argument_count = argc - skip;
        t.arguments = ob_realloc_or_trap(NULL, sizeof(JSValue) * (size_t)t.argument_count);
        for (int i = 0; i < t.argument_count; i++)
            t.arguments[i] = js_dup(argv[skip + i]);
    }
    timer_add(t);
    return JS_NewUint32(ctx, t.id);
}

/* clearTimeout, clearInterval, clearImmediate */
static JSValue timer_clear(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    double id = 0;
    if (!JS_IsNumber(argv[0]))
        return JS_UNDEFINED;
    if (JS_ToFloat64(ctx, &id, argv[0]))
        return JS_EXCEPTION;
    for (uint32_t i = 0; i < ob_timer_count; i++) {
        if (ob_timers[i].id == id) {
            timer_free(ctx, timer_take(i));
            break;
        }
    }
    return JS_UNDEFINED;
}

/* Calls the next timer that is due and older than `age`. 1: called, 0: none, -1: it threw. */
static int timer_fire(JSContext *ctx, uint64_t age)
{
    Timer t;
    JSValue result;
    if (ob_timer_count == 0 || ob_timers[0].due > ob_now_ms || ob_timers[0].age > age)
        return 0;
    t = timer_take(0);
    if (t.interval >= 0) {
        Timer again = t;
        again.due = ob_now_ms + t.interval;
        js_dup(again.callback);
        if (t.argument_count) {
            again.arguments = ob_realloc_or_trap(NULL, sizeof(JSValue) * (size_t)t.argument_count);
            for (int i = 0; i < t.argument_count; i++)
                again.arguments[i] = js_dup(t.arguments[i]);
        }
        timer_add(again);
    }
    result = JS_Call(ctx, t.callback, JS_UNDEFINED, t.argument_count, vc(t.arguments));
    timer_free(ctx, t);
    if (JS_IsException(result))
        return -1;
    JS_FreeValue(ctx, result);
    return 1;
}

static void define_timers(JSContext *ctx)
{
    static const struct { const char *name; int kind; } setters[] = {
        { "setTimeout", TIMER_ONCE }, { "setInterval", TIMER_REPEAT }, { "setImmediate", TIMER_IMMEDIATE },
    };
    static const char *const clearers[] = { "clearTimeout", "clearInterval", "clearImmediate" };
    for (size_t i = 0; i < countof(setters); i++)
        JS_DefinePropertyValueStr(ctx, ctx->global_obj, setters[i].name,
                                  JS_NewCFunctionMagic(ctx, timer_set, setters[i].name, 1,
                                                       JS_CFUNC_generic_magic, setters[i].kind),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
    for (size_t i = 0; i < countof(clearers); i++)
        JS_DefinePropertyValueStr(ctx, ctx->global_obj, clearers[i],
                                  JS_NewCFunction(ctx, timer_clear, clearers[i], 1),
                                  JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
}
