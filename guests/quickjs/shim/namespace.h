/* The objects through which a script reaches tools: one per namespace, `tools`, `results`, `resources`, `prompts`.
   A namespace answers any name with a function, so that the host can say "did you mean"; only the
   names that the language itself looks for are left alone. They cannot be changed by the script. */

typedef struct {
    JSValue name;
    JSValue functions; /* those handed out so far, by name */
    JSAtom *tools;
    uint32_t tool_count;
} Namespace;

static JSClassID ob_namespace_class;

/* Names that promises, JSON, inspection and conversion look for on any object. */
static const char *const unclaimed_names[] = {
    "then", "catch", "finally", "toJSON", "inspect", "asymmetricMatch", "nodeType", "$$typeof",
};
static JSAtom ob_unclaimed[countof(unclaimed_names)];

static void namespace_init_names(JSContext *ctx)
{
    for (size_t i = 0; i < countof(unclaimed_names); i++)
        ob_unclaimed[i] = JS_NewAtom(ctx, unclaimed_names[i]);
}

static bool namespace_lists(const Namespace *ns, JSAtom name)
{
    for (uint32_t i = 0; i < ns->tool_count; i++)
        if (ns->tools[i] == name)
            return true;
    return false;
}

static bool namespace_claims(JSContext *ctx, const Namespace *ns, JSAtom name)
{
    JSObject *object_proto = JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_OBJECT]);
    if (!is_text_atom(ctx, name))
        return false;
    if (namespace_lists(ns, name))
        return true;
    for (size_t i = 0; i < countof(ob_unclaimed); i++)
        if (ob_unclaimed[i] == name)
            return false;
    return !find_own_property1(object_proto, name);
}

static JSValue throw_takes_one_object(JSContext *ctx, JSValueConst full_name)
{
    const char *name = JS_ToCString(ctx, full_name);
    JS_ThrowTypeError(ctx, "%s takes one object, for example %s({ name: value })", name ? name : "the tool",
                      name ? name : "tool");
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* Asks for a tool; data: namespace, tool, "namespace.tool" */
static JSValue namespace_ask(JSContext *ctx, int argc, JSValueConst *argv, int kind, JSValueConst *data)
{
    Bytes arguments = { .soft = true };
    JSValue promise = JS_EXCEPTION;
    while (argc > 0 && JS_IsUndefined(argv[argc - 1]))
        argc--;
    if (argc == 0) {
        bytes_str(&arguments, "{}");
    } else {
        /* What is not one object goes out as it is: the host knows what the tool takes and says so. */
        JSValue input = argc == 1 ? js_dup(argv[0]) : js_create_array(ctx, argc, argv);
        bool failed = JS_IsException(input) || json_write(ctx, &arguments, input, JSON_STRICT) == JSON_FAILED;
        JS_FreeValue(ctx, input);
        if (failed) {
            free(arguments.data);
            return promise_of_exception(ctx);
        }
    }
    if (arguments.len > 0)
        promise = request_record(ctx, kind, data[0], data[1], data[2], &arguments);
    else
        throw_takes_one_object(ctx, data[2]);
    free(arguments.data);
    return JS_IsException(promise) ? promise_of_exception(ctx) : promise;
}

/* `namespace.tool(input)` */
static JSValue namespace_call(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv,
                              int magic, JSValueConst *data)
{
    return namespace_ask(ctx, argc, argv, REQUEST_CALL, data);
}

/* host.page(tool, input): calls the function of a namespace for one of its pages, `{ value, next }` */
static JSValue native_page(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv)
{
    JSCFunctionDataRecord *s = JS_GetOpaque(argv[0], JS_CLASS_C_FUNCTION_DATA);
    if (!s || s->func != namespace_call) {
        JS_ThrowTypeError(ctx, "tools.pages takes a tool and its input, for example "
                               "tools.pages(github.list_issues, { repo: name })");
        return promise_of_exception(ctx);
    }
    return namespace_ask(ctx, argc - 1, argv + 1, REQUEST_PAGE, vc(s->data));
}

static JSValue namespace_function(JSContext *ctx, JSValueConst namespace, JSAtom name)
{
    JSValue data[3], dotted, f = JS_EXCEPTION;
    const char *text = JS_AtomToCString(ctx, name);
    if (!text)
        return JS_EXCEPTION;
    data[0] = js_dup(namespace);
    data[1] = JS_AtomToString(ctx, name);
    dotted = JS_ConcatString3(ctx, "", js_dup(namespace), ".");
    data[2] = JS_IsException(dotted) ? dotted : JS_ConcatString(ctx, dotted, js_dup(data[1]));
    if (!JS_IsException(data[1]) && !JS_IsException(data[2]))
        f = JS_NewCFunctionData2(ctx, namespace_call, text, 1, 0, 3, vc(data));
    for (int i = 0; i < 3; i++)
        JS_FreeValue(ctx, data[i]);
    JS_FreeCString(ctx, text);
    return f;
}

static JSValue namespace_get_property(JSContext *ctx, JSValueConst obj, JSAtom name, JSValueConst receiver)
{
    Namespace *ns = JS_GetOpaque(obj, ob_namespace_class);
    JSProperty *known;
    JSValue f;
    if (name == JS_ATOM_Symbol_toStringTag)
        return js_dup(ns->name);
    if (!namespace_claims(ctx, ns, name))
        return is_text_atom(ctx, name) ? JS_GetProperty(ctx, ctx->class_proto[JS_CLASS_OBJECT], name)
                                       : JS_UNDEFINED;
    if (find_own_property(&known, JS_VALUE_GET_OBJ(ns->functions), name))
        return js_dup(known->u.value);
    f = namespace_function(ctx, ns->name, name);
    if (!JS_IsException(f) &&
        JS_DefinePropertyValue(ctx, ns->functions, name, js_dup(f), JS_PROP_C_W_E) < 0) {
        JS_FreeValue(ctx, f);
        return JS_EXCEPTION;
    }
    return f;
}

static int namespace_get_own_property(JSContext *ctx, JSPropertyDescriptor *desc, JSValueConst obj, JSAtom name)
{
    Namespace *ns = JS_GetOpaque(obj, ob_namespace_class);
    if (!is_text_atom(ctx, name) || !namespace_lists(ns, name))
        return false;
    if (desc) {
        desc->flags = JS_PROP_ENUMERABLE | JS_PROP_CONFIGURABLE;
        desc->getter = desc->setter = JS_UNDEFINED;
        desc->value = namespace_get_property(ctx, obj, name, obj);
        if (JS_IsException(desc->value))
            return -1;
    }
    return true;
}

static int namespace_get_own_property_names(JSContext *ctx, JSPropertyEnum **table, uint32_t *len, JSValueConst obj)
{
    Namespace *ns = JS_GetOpaque(obj, ob_namespace_class);
    JSPropertyEnum *names = js_malloc(ctx, sizeof(*names) * (ns->tool_count + 1));
    if (!names)
        return -1;
    for (uint32_t i = 0; i < ns->tool_count; i++)
        names[i] = (JSPropertyEnum){ true, JS_DupAtom(ctx, ns->tools[i]) };
    *table = names;
    *len = ns->tool_count;
    return 0;
}

static int namespace_has_property(JSContext *ctx, JSValueConst obj, JSAtom name)
{
    const Namespace *ns = JS_GetOpaque(obj, ob_namespace_class);
    return is_text_atom(ctx, name) && namespace_lists(ns, name);
}

static int throw_read_only(JSContext *ctx, JSAtom name)
{
    JS_ThrowTypeErrorAtom(ctx, "tools cannot be replaced: '%s' is read-only", name);
    return -1;
}

static int namespace_delete_property(JSContext *ctx, JSValueConst obj, JSAtom name)
{
    return throw_read_only(ctx, name);
}

static int namespace_define_own_property(JSContext *ctx, JSValueConst obj, JSAtom name, JSValueConst v,
                                         JSValueConst getter, JSValueConst setter, int flags)
{
    return throw_read_only(ctx, name);
}

static int namespace_set_property(JSContext *ctx, JSValueConst obj, JSAtom name, JSValueConst v,
                                  JSValueConst receiver, int flags)
{
    return throw_read_only(ctx, name);
}

static JSClassExoticMethods namespace_exotic = {
    .get_own_property = namespace_get_own_property,
    .get_own_property_names = namespace_get_own_property_names,
    .delete_property = namespace_delete_property,
    .define_own_property = namespace_define_own_property,
    .has_property = namespace_has_property,
    .get_property = namespace_get_property,
    .set_property = namespace_set_property,
};

static void namespace_mark(JSRuntime *rt, JSValueConst v, JS_MarkFunc *mark)
{
    Namespace *ns = JS_GetOpaque(v, ob_namespace_class);
    if (ns)
        JS_MarkValue(rt, ns->functions, mark);
}

/* No finalizer: an instance is thrown away whole when its run ends. */
static const JSClassDef namespace_class = {
    "Namespace", .gc_mark = namespace_mark, .exotic = &namespace_exotic,
};

/* JS_NewAtomLen takes bytes beyond ASCII for Latin-1 when it looks for a known atom. */
static JSAtom read_name(JSContext *ctx, Reader *r)
{
    size_t len;
    const char *text = read_text(r, &len);
    return JS_NewAtomStr(ctx, JS_VALUE_GET_STRING(JS_NewStringLen(ctx, text, len)));
}

/* Defines one namespace as a global from what stands in `r`: its name, then its tools. */
static void namespace_define(JSContext *ctx, Reader *r)
{
    JSValue obj = JS_NewObjectProtoClass(ctx, JS_NULL, ob_namespace_class);
    Namespace *ns = ob_realloc_or_trap(NULL, sizeof(*ns));
    JSAtom name = read_name(ctx, r);
    ns->name = JS_AtomToString(ctx, name);
    ns->functions = JS_NewObjectProto(ctx, JS_NULL);
    ns->tool_count = read_u32(r);
    ns->tools = ob_realloc_or_trap(NULL, sizeof(JSAtom) * (ns->tool_count + 1));
    for (uint32_t i = 0; i < ns->tool_count; i++)
        ns->tools[i] = read_name(ctx, r);
    JS_SetOpaqueInternal(obj, ns);
    JS_VALUE_GET_OBJ(obj)->extensible = false; /* also keeps its prototype as it is */
    JS_DefinePropertyValue(ctx, ctx->global_obj, name, obj, JS_PROP_C_W_E);
    JS_FreeAtom(ctx, name);
}

/* `tools.search(…)`, `results.get(…)`, `resources.read(…)` and the like: arguments go as a JSON array. */
static JSValue ask(JSContext *ctx, JSValueConst this_val, int argc, JSValueConst *argv, int kind,
                   JSValueConst *data)
{
    Bytes arguments = { .soft = true };
    JSValue list, promise;
    while (argc > 0 && JS_IsUndefined(argv[argc - 1]))
        argc--;
    list = js_create_array(ctx, argc, argv);
    if (JS_IsException(list) || json_write(ctx, &arguments, list, JSON_STRICT) == JSON_FAILED)
        promise = JS_EXCEPTION;
    else
        promise = request_record(ctx, kind, JS_UNDEFINED, JS_UNDEFINED, data[0], &arguments);
    JS_FreeValue(ctx, list);
    free(arguments.data);
    return JS_IsException(promise) ? promise_of_exception(ctx) : promise;
}

static void define_ask(JSContext *ctx, JSValueConst object, const char *object_name, const char *name, int kind)
{
    char full[32];
    JSValue data;
    snprintf(full, sizeof(full), "%s.%s", object_name, name);
    data = JS_NewString(ctx, full);
    JS_DefinePropertyValueStr(ctx, object, name, JS_NewCFunctionData2(ctx, ask, name, 1, kind, 1, vc(&data)),
                              JS_PROP_ENUMERABLE);
    JS_FreeValue(ctx, data);
}

static void define_asks(JSContext *ctx)
{
    JSValue tools = JS_NewObject(ctx), results = JS_NewObject(ctx);
    JSValue resources = JS_NewObject(ctx), prompts = JS_NewObject(ctx);
    define_ask(ctx, tools, "tools", "search", REQUEST_SEARCH);
    define_ask(ctx, tools, "tools", "describe", REQUEST_DESCRIBE);
    define_ask(ctx, results, "results", "get", REQUEST_RESULT);
    define_ask(ctx, resources, "resources", "list", REQUEST_RESOURCES);
    define_ask(ctx, resources, "resources", "read", REQUEST_RESOURCE);
    define_ask(ctx, resources, "resources", "templates", REQUEST_TEMPLATES);
    define_ask(ctx, prompts, "prompts", "list", REQUEST_PROMPTS);
    define_ask(ctx, prompts, "prompts", "get", REQUEST_PROMPT);
    JS_DefinePropertyValueStr(ctx, ctx->global_obj, "tools", tools, JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, ctx->global_obj, "results", results, JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, ctx->global_obj, "resources", resources, JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, ctx->global_obj, "prompts", prompts, JS_PROP_C_W_E);
}
