// Values as text for the console, in the manner of Node's `util.inspect`: compact, to a limited
// depth and length. Reads data properties only: no getter and no method of a value is run.
(function (host) {
  const { p } = host;
  const DEPTH = 4, ELEMENTS = 100, LINE = 76, TEXT = 10000;
  const identifier = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

  const quote = (text) => {
    const mark = !p.includes(text, "'") ? "'" : !p.includes(text, '"') ? '"' : !p.includes(text, '`') ? '`' : "'";
    let out = mark;
    for (let i = 0; i < text.length; i++) {
      const c = text[i], code = p.charCodeAt(text, i);
      if (c === '\n') out += '\\n';
      else if (c === '\t') out += '\\t';
      else if (c === '\r') out += '\\r';
      else if (c === '\\' || c === mark) out += '\\' + c;
      else if (code < 32 || code === 127) out += '\\x' + p.padStart(p.numberToString(code, 16), 2, '0');
      else out += c;
    }
    return out + mark;
  };

  const cut = (text) => text.length <= TEXT ? text
    : `${p.stringSlice(text, 0, TEXT)}… ${text.length - TEXT} more characters`;

  const primitive = (value) => {
    switch (typeof value) {
      case 'string': return quote(cut(value));
      case 'number': return value === 0 && 1 / value < 0 ? '-0' : p.numberToString(value);
      case 'bigint': return p.bigintToString(value) + 'n';
      case 'symbol': return p.symbolToString(value);
      case 'undefined': return 'undefined'; // also what is absent, which must not be touched
      default: return p.String(value);
    }
  };

  // A data property on the object or its prototypes; never runs a getter.
  const quiet = (object, name) => {
    for (let o = object, i = 0; o !== null && i < 20; i++) {
      if (host.classOf(o) === 'Proxy') return undefined;
      const d = p.getOwnPropertyDescriptor(o, name);
      if (d) return d.value;
      o = p.getPrototypeOf(o);
    }
    return undefined;
  };

  const className = (object) => {
    if (p.getPrototypeOf(object) === null) return '[Object: null prototype]';
    const constructor = quiet(object, 'constructor');
    const name = typeof constructor === 'function' ? quiet(constructor, 'name') : undefined;
    return typeof name === 'string' && name !== '' ? name : 'Object';
  };

  const functionText = (f) => {
    const name = quiet(f, 'name');
    const isClass = p.startsWith(p.functionToString(f), 'class');
    return `[${isClass ? 'class' : 'Function'}${typeof name === 'string' && name ? (isClass ? ' ' : ': ') + name : isClass ? ' (anonymous)' : ' (anonymous)'}]`;
  };

  // Only where the script is: frames of the prelude mean nothing to its author.
  const scriptFrames = (error) => {
    const lines = p.split(host.stackOf(error) ?? '', '\n');
    let out = '';
    for (let i = 0; i < lines.length; i++) if (p.includes(lines[i], '(script:')) out += '\n' + lines[i];
    return out;
  };

  const errorText = (error, indent) => {
    const name = quiet(error, 'name'), message = quiet(error, 'message');
    const head = `${typeof name === 'string' ? name : 'Error'}${message === undefined || message === '' ? '' : ': ' + p.String(message)}`;
    const stack = scriptFrames(error);
    return stack === '' ? `[${head}]` : p.join(p.split(head + stack, '\n'), '\n' + indent);
  };

  const keyText = (key) => typeof key === 'symbol' ? `[${p.symbolToString(key)}]`
    : p.test(identifier, key) ? key : quote(key);

  // One line if it is short enough, else one part a line.
  const layOut = (open, parts, close, indent, isList) => {
    if (parts.length === 0) return open + close;
    let length = open.length + close.length + indent.length, broken = false;
    for (let i = 0; i < parts.length; i++) {
      length += parts[i].length + 2;
      broken ||= p.includes(parts[i], '\n');
    }
    if (!broken && length <= LINE) return `${open} ${p.join(parts, ', ')} ${close}`;
    if (isList && !broken && parts.length > 6) return packed(open, parts, close, indent);
    return `${open}\n${indent}  ${p.join(parts, `,\n${indent}  `)}\n${indent}${close}`;
  };

  // Many short elements: as many on a line as fit.
  const packed = (open, parts, close, indent) => {
    let out = open, line = `\n${indent}  `;
    let width = LINE;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] + (i + 1 < parts.length ? ',' : '');
      if (width + part.length + 1 > LINE) {
        out += line + part;
        width = indent.length + 2 + part.length;
      } else {
        out += ' ' + part;
        width += part.length + 1;
      }
    }
    return `${out}\n${indent}${close}`;
  };

  const entries = (object, parts, state, indent, skip) => {
    const keys = p.ownKeys(object);
    let shown = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (skip(key)) continue;
      const d = p.getOwnPropertyDescriptor(object, key);
      if (!d || !d.enumerable) continue;
      if (shown++ >= ELEMENTS || state.budget <= 0) {
        p.push(parts, `… ${keys.length - i} more`);
        return;
      }
      const value = 'value' in d ? show(d.value, state, indent + '  ')
        : d.get ? (d.set ? '[Getter/Setter]' : '[Getter]') : '[Setter]';
      p.push(parts, `${keyText(key)}: ${value}`);
    }
  };

  const isIndex = (key) => typeof key === 'string' && p.test(/^(?:0|[1-9][0-9]*)$/, key);
  const never = () => false;

  const list = (array, length, parts, state, indent) => {
    let holes = 0;
    const flush = () => {
      if (holes) p.push(parts, `<${holes} empty item${holes > 1 ? 's' : ''}>`);
      holes = 0;
    };
    let i = 0;
    for (; i < length && parts.length < ELEMENTS && state.budget > 0 && i < ELEMENTS * 10; i++) {
      const d = p.getOwnPropertyDescriptor(array, p.String(i));
      if (!d) { holes++; continue; }
      flush();
      p.push(parts, 'value' in d ? show(d.value, state, indent + '  ') : '[Getter]');
    }
    flush();
    if (i < length) p.push(parts, `… ${length - i} more item${length - i > 1 ? 's' : ''}`);
  };

  const special = (object, kind, state, indent) => {
    const parts = [];
    switch (kind) {
      case 'Array': {
        const { length } = object;
        list(object, length, parts, state, indent);
        entries(object, parts, state, indent, isIndex);
        const name = className(object);
        return layOut(name === 'Array' ? '[' : `${name}(${length}) [`, parts, ']', indent, true);
      }
      case 'Map': {
        let n = 0;
        p.mapForEach(object, (value, key) => {
          if (n++ < ELEMENTS && state.budget > 0)
            p.push(parts, `${show(key, state, indent + '  ')} => ${show(value, state, indent + '  ')}`);
        });
        if (n > parts.length) p.push(parts, `… ${n - parts.length} more`);
        return layOut(`Map(${p.mapSize(object)}) {`, parts, '}', indent, false);
      }
      case 'Set': {
        let n = 0;
        p.setForEach(object, (value) => {
          if (n++ < ELEMENTS && state.budget > 0) p.push(parts, show(value, state, indent + '  '));
        });
        if (n > parts.length) p.push(parts, `… ${n - parts.length} more`);
        return layOut(`Set(${p.setSize(object)}) {`, parts, '}', indent, false);
      }
      case 'Date': {
        const time = p.dateValue(object);
        return time !== time ? 'Invalid Date' : p.dateToISO(object);
      }
      case 'RegExp': return `/${p.regexpSource(object)}/${p.regexpFlags(object)}`;
      case 'Promise': {
        const settled = host.promiseState(object);
        return settled[0] === 0 ? 'Promise { <pending> }'
          : `Promise { ${settled[0] === 2 ? '<rejected> ' : ''}${show(settled[1], state, indent + '  ')} }`;
      }
      case 'Number': case 'String': case 'Boolean': case 'BigInt': case 'Symbol':
        return `[${kind}: ${primitive(p.unbox[kind](object))}]`;
      case 'ArrayBuffer':
        return `${kind} { byteLength: ${p.bufferLength(object)} }`;
      case 'Proxy': return '[Proxy]';
      case 'WeakMap': case 'WeakSet': case 'WeakRef': return `${kind} { <items unknown> }`;
      case 'Generator': return 'Object [Generator] {}';
      case 'Namespace': return `[tools of ${host.namespaceName(object)}]`;
      case 'Absent': return 'undefined';
    }
    if (p.typedTag(object) !== undefined) {
      const length = p.typedLength(object);
      for (let i = 0; i < length && i < ELEMENTS; i++) p.push(parts, primitive(object[i]));
      if (length > ELEMENTS) p.push(parts, `… ${length - ELEMENTS} more items`);
      return layOut(`${kind}(${length}) [`, parts, ']', indent, true);
    }
    if (kind === 'Error' || kind === 'DOMException') {
      const text = errorText(object, indent);
      entries(object, parts, state, indent, (key) => key === 'stack' || key === 'message');
      const cause = p.getOwnPropertyDescriptor(object, 'cause');
      if (cause && 'value' in cause) p.push(parts, `[cause]: ${show(cause.value, state, indent + '  ')}`);
      return parts.length ? layOut(`${text} {`, parts, '}', indent, false) : text;
    }
    entries(object, parts, state, indent, never);
    const name = className(object);
    return layOut(name === 'Object' ? '{' : `${name} {`, parts, '}', indent, false);
  };

  const show = (value, state, indent) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
      const text = primitive(value);
      state.budget -= text.length;
      return text;
    }
    for (let i = 0; i < state.path.length; i++) if (state.path[i] === value) return '[Circular]';
    const kind = host.classOf(value);
    if (typeof value === 'function' && kind !== 'Proxy') {
      const text = functionText(value);
      state.budget -= text.length;
      return text;
    }
    if (state.path.length > state.depth && kind !== 'Date' && kind !== 'RegExp')
      return kind === 'Array' ? '[Array]' : `[${className(value)}]`;
    p.push(state.path, value);
    const text = special(value, kind, state, indent);
    state.path.length--;
    state.budget -= 2;
    return text;
  };

  host.inspect = (value, depth) => show(value, { __proto__: null, path: [], depth: depth ?? DEPTH, budget: 100000 }, '');
})
