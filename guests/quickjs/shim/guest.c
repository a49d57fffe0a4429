/* The TypeScript guest: QuickJS-ng and, around it, only what a script may know.

   The host enters through `ob_start` and `ob_deliver`, the guest runs until it can go no further,
   and returns a description of what it asks for. `ob_init` and `ob_prelude` are called once, by
   the guest compiler, whose picture of the memory every instance starts from.

   quickjs.c is included rather than linked, so that what it keeps to itself can be used without
   patching it. */

#include <unistd.h>

#include "clock.h"
#include "quickjs.c"

#include "bytes.h"
#include "wasi.h"
#include "random.h"
#include "frames.h"
#include "outbox.h"
#include "console.h"
#include "json_write.h"
#include "json_read.h"
#include "json.h"
#include "request.h"
#include "namespace.h"
#include "timers.h"
#include "text.h"
#include "url.h"
#include "collate.h"
#include "absent.h"
#include "ending.h"
#include "native.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

/* Of the C stack (see `stack-size` where the guest is linked), what scripts may use; the rest is
   left for functions that do not ask before they take. */
#ifndef OB_SCRIPT_STACK
#define OB_SCRIPT_STACK (960 * 1024)
#endif

static JSRuntime *ob_runtime;
static JSContext *ob_context;
static JSValue ob_native; /* what the prelude gets, and no script */

uint32_t EXPORT(ob_abi)(void)
{
    return OB_ABI;
}

void *EXPORT(ob_alloc)(uint32_t len)
{
    return ob_realloc_or_trap(NULL, len ? len : 1);
}

void EXPORT(ob_free)(void *p)
{
    free(p);
}

void EXPORT(ob_init)(void)
{
    JSRuntime *rt = ob_runtime = JS_NewRuntime();
    JSContext *ctx = ob_context = JS_NewContext(rt);
    /* JS_SetMaxStackSize and JS_UpdateStackTop would take the limit away again under WASI. */
    rt->stack_limit = js_get_stack_pointer() - OB_SCRIPT_STACK;
    JS_SetHostPromiseRejectionTracker(rt, on_rejection, NULL);
    JS_SetModuleLoaderFunc(rt, NULL, absent_module, NULL);
    JS_NewClassID(rt, &ob_namespace_class);
    JS_NewClass(rt, ob_namespace_class, &namespace_class);
    JS_NewClassID(rt, &ob_absent_class);
    JS_NewClass(rt, ob_absent_class, &absent_class);
    ob_script_atom = JS_NewAtom(ctx, "script");
    namespace_init_names(ctx);
    ob_tool_error_proto = ob_main = ob_crash = ob_last_stack = JS_UNDEFINED;
    define_json(ctx);
    define_asks(ctx);
    define_timers(ctx);
    define_absent(ctx);
    ob_native = native_object(ctx);
}

/* Evaluates one file of the prelude: a function expression, which is called with the natives. */
uint32_t EXPORT(ob_prelude)(const char *name, const char *source, uint32_t len)
{
    JSContext *ctx = ob_context;
    JSValue f = JS_Eval(ctx, source, len, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_STRICT), result;
    if (!JS_IsException(f)) {
        result = JS_Call(ctx, f, JS_UNDEFINED, 1, vc(&ob_native));
        JS_FreeValue(ctx, f);
        f = result;
    }
    if (JS_IsException(f)) {
        JSValue error = JS_GetException(ctx);
        out_threw(ctx, error);
        JS_FreeValue(ctx, error);
        return 1;
    }
    JS_FreeValue(ctx, f);
    return 0;
}

static void say_console_dropped(void)
{
    if (ob_console_dropped) {
        bytes_u8(&ob_outbox, OUT_CONSOLE_DROPPED);
        bytes_u64(&ob_outbox, ob_console_dropped);
        ob_console_dropped = 0;
    }
}

/* What was said so far: after a file of the prelude threw, and after the host stopped a script. */
void *EXPORT(ob_said)(void)
{
    say_console_dropped();
    ob_step.outbox = ob_outbox.data;
    ob_step.outbox_len = (uint32_t)ob_outbox.len;
    return &ob_step;
}

/* What the prelude freed lies scattered, and a run that took it would copy a page of the start image for each piece.
   Taken here for good, it leaves a run with memory that lies together. */
static void fill_holes(void)
{
    const char *end = sbrk(0);
    for (size_t size = 64 * 1024; size >= 8; size -= size > 1024 ? size / 8 : 8) {
        char *taken;
        while ((taken = malloc(size)) && taken < end)
            ;
        free(taken);
    }
}

/* Called once after the prelude: leaves the heap as settled as it can be. */
void EXPORT(ob_settle_image)(void)
{
    JSContext *ctx;
    while (JS_ExecutePendingJob(ob_runtime, &ctx) > 0)
        ;
    JS_RunGC(ob_runtime);
    fill_holes();
}

static void crash(JSContext *ctx)
{
    JSValue error = JS_GetException(ctx);
    if (ob_crashed) {
        JS_FreeValue(ctx, error);
        return;
    }
    ob_crashed = true;
    ob_crash = error;
}

/* Runs jobs until none is left or the run has ended. */
static void run_to_standstill(JSContext *ctx)
{
    do {
        while (!ob_crashed && JS_IsJobPending(ob_runtime)) {
            JSContext *job_context;
            keep_last_stack(ctx);
            if (JS_ExecutePendingJob(ob_runtime, &job_context) < 0)
                crash(ctx);
        }
        if (ob_crashed) {
            out_threw(ctx, ob_crash);
            return;
        }
        if (main_look(ctx))
            return;
    } while (JS_IsJobPending(ob_runtime));
}

static void *finish_step(JSContext *ctx)
{
    if (!ob_ended && ob_requests_open == 0 && ob_timer_count == 0) {
        bytes_u8(&ob_outbox, OUT_STUCK);
        ob_ended = true;
    } else if (!ob_ended) {
        bytes_u8(&ob_outbox, OUT_WAITING);
        bytes_u8(&ob_outbox, ob_timer_count > 0);
        bytes_f64(&ob_outbox, ob_timer_count ? ob_timers[0].due : 0);
    }
    if (ob_ended)
        warn_unhandled(ctx);
    say_console_dropped();
    ob_step.outbox = ob_outbox.data;
    ob_step.outbox_len = (uint32_t)ob_outbox.len;
    ob_step.value = ob_value.data;
    ob_step.value_len = (uint32_t)ob_value.len;
    return &ob_step;
}

/* Starts the script; `message` is described in `wire.rs` on the host's side. */
void *EXPORT(ob_start)(const uint8_t *message, uint32_t len)
{
    JSContext *ctx = ob_context;
    Reader r = { message, message + len };
    size_t program_len;
    const char *program;
    JSValue promise;
    random_seed(ctx, read_bytes(&r, 32));
    ob_started_at_ms = read_f64(&r);
    ob_console_left = read_u32(&r);
    ob_value.limit = read_u32(&r);
    ob_requests_open_max = read_u32(&r);
    /* The collector touches every object, and so copies every page of the start image: not before
       there is something to gain. */
    ob_runtime->malloc_gc_threshold = ob_runtime->malloc_state.malloc_size + read_u32(&r);
    for (uint32_t n = read_u32(&r); n > 0; n--)
        namespace_define(ctx, &r);
    program = read_text(&r, &program_len);
    promise = JS_Eval(ctx, program, program_len, "script", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_ASYNC);
    free((void *)message);
    if (JS_IsException(promise)) {
        crash(ctx);
        out_threw(ctx, ob_crash);
    } else {
        ob_main_wrapped = true;
        main_promise(ctx, promise);
        run_to_standstill(ctx);
    }
    return finish_step(ctx);
}

enum { DELIVER_TIMER, DELIVER_VALUE, DELIVER_FAILURE };

/* Hands over deliveries one by one, each followed by a run to a standstill. */
void *EXPORT(ob_deliver)(const uint8_t *message, uint32_t len)
{
    JSContext *ctx = ob_context;
    Reader r = { message, message + len };
    ob_outbox.len = 0;
    for (uint32_t n = read_u32(&r); n > 0 && !ob_ended; n--) {
        double now = read_f64(&r);
        uint8_t what = read_u8(&r);
        if (now > ob_now_ms)
            ob_now_ms = now;
        if (what == DELIVER_TIMER) {
            uint64_t age = ob_timer_age;
            int fired;
            while (!ob_ended && (fired = timer_fire(ctx, age))) {
                if (fired < 0)
                    crash(ctx);
                run_to_standstill(ctx);
            }
        } else {
            uint32_t id = read_u32(&r);
            request_settle(ctx, &r, id, what == DELIVER_FAILURE);
            run_to_standstill(ctx);
        }
    }
    free((void *)message);
    return finish_step(ctx);
}
