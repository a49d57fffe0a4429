// structuredClone (HTML standard, section 2.7): data, with cycles and shared parts; no code.
(function (host) {
  const { p } = host;
  const errors = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

  const refuse = (what) => {
    throw new p.DOMException(`${what} could not be cloned`, 'DataCloneError');
  };

  const properties = (from, to, seen) => {
    const keys = p.ownKeys(from);
    for (let i = 0; i < keys.length; i++) {
      if (typeof keys[i] !== 'string') continue;
      const d = p.getOwnPropertyDescriptor(from, keys[i]);
      if (!d || !d.enumerable) continue;
      define(to, keys[i], clone(from[keys[i]], seen));
    }
    return to;
  };

  const define = (object, key, value) => p.defineProperty(object, key, {
    __proto__: null, value, writable: true, enumerable: true, configurable: true,
  });
  const defineHidden = (object, key, value) => p.defineProperty(object, key, {
    __proto__: null, value, writable: true, enumerable: false, configurable: true,
  });

  const remember = (seen, from, to) => {
    p.mapSet(seen, from, to);
    return to;
  };

  const cloneError = (error, seen) => {
    const name = `${error.name}`;
    const make = errors[name] ?? errors.Error;
    const copy = remember(seen, error, p.construct(make, []));
    const message = p.getOwnPropertyDescriptor(error, 'message');
    if (message && 'value' in message) defineHidden(copy, 'message', `${message.value}`);
    const cause = p.getOwnPropertyDescriptor(error, 'cause');
    if (cause && 'value' in cause) defineHidden(copy, 'cause', clone(cause.value, seen));
    const stack = host.stackOf(error);
    if (stack !== undefined) defineHidden(copy, 'stack', stack);
    return copy;
  };

  const cloneView = (view, kind, seen) => {
    if (kind === 'DataView')
      return remember(seen, view, new p.DataView(clone(p.viewBuffer(view), seen), p.viewOffset(view), p.viewLength(view)));
    const make = p.typed[kind] ?? refuse(kind);
    return remember(seen, view, new make(clone(p.typedBuffer(view), seen), p.typedByteOffset(view), p.typedLength(view)));
  };

  const cloneObject = (value, seen) => {
    const kind = host.classOf(value);
    switch (kind) {
      case 'Object': return properties(value, remember(seen, value, {}), seen);
      case 'Array': {
        const copy = remember(seen, value, []);
        copy.length = value.length;
        return properties(value, copy, seen);
      }
      case 'Map': {
        const copy = remember(seen, value, new p.Map()), entries = [];
        p.mapForEach(value, (v, k) => { p.push(entries, k, v); });
        for (let i = 0; i < entries.length; i += 2) p.mapSet(copy, clone(entries[i], seen), clone(entries[i + 1], seen));
        return copy;
      }
      case 'Set': {
        const copy = remember(seen, value, new p.Set()), entries = [];
        p.setForEach(value, (v) => { p.push(entries, v); });
        for (let i = 0; i < entries.length; i++) p.setAdd(copy, clone(entries[i], seen));
        return copy;
      }
      case 'Date': return remember(seen, value, new p.Date(p.dateValue(value)));
      case 'RegExp': return remember(seen, value, new p.RegExp(p.regexpSource(value), p.regexpFlags(value)));
      case 'Number': case 'String': case 'Boolean': case 'BigInt':
        return remember(seen, value, Object(p.unbox[kind](value)));
      case 'ArrayBuffer': return remember(seen, value, p.bufferSlice(value, 0));
      case 'Error': return cloneError(value, seen);
    }
    if (kind === 'DataView' || p.typedTag(value) !== undefined) return cloneView(value, kind, seen);
    if (kind === 'Function' || typeof value === 'function') refuse(`the function ${value.name || '(anonymous)'}`);
    return refuse(`a ${kind}`);
  };

  const clone = (value, seen) => {
    if (typeof value === 'symbol') refuse('a symbol');
    if (value === null || typeof value !== 'object' && typeof value !== 'function') return value;
    return p.mapHas(seen, value) ? p.mapGet(seen, value) : cloneObject(value, seen);
  };

  host.global('structuredClone', function structuredClone(value) {
    if (arguments.length === 0) throw new p.TypeError('structuredClone takes a value');
    return clone(value, new p.Map());
  });
})
