// The console. Lines go to the host as they are written; what the budget of the run does not take
// is counted there and dropped.
(function (host) {
  const { p } = host;
  const LOG = 0, INFO = 1, WARN = 2, ERROR = 3, DEBUG = 4;
  const counts = p.create(null), timers = p.create(null);
  let indent = '';

  const plain = (value) => typeof value === 'string' ? value : host.inspect(value);

  // `%s %d %i %f %j %o %O %c %%`, as in the console standard.
  const directive = (letter, value) => {
    switch (letter) {
      case 's': return typeof value === 'string' ? value : typeof value === 'object' && value !== null ? host.inspect(value, 0) : plain(value);
      case 'd': return typeof value === 'bigint' ? `${value}n` : typeof value === 'object' || typeof value === 'symbol' ? 'NaN' : host.inspect(p.Number(value));
      case 'i': return typeof value === 'bigint' ? `${value}n` : typeof value === 'object' || typeof value === 'symbol' ? 'NaN' : host.inspect(p.parseInt(value));
      case 'f': return typeof value === 'object' || typeof value === 'symbol' ? 'NaN' : host.inspect(p.parseFloat(value));
      case 'j': try { return p.stringify(value) ?? 'undefined'; } catch { return '[Circular]'; }
      case 'o': case 'O': return host.inspect(value);
      case 'c': return '';
    }
    return undefined;
  };

  const format = (values) => {
    let out = '', next = 0;
    const first = values[0];
    if (values.length > 1 && typeof first === 'string' && p.includes(first, '%')) {
      next = 1;
      for (let i = 0; i < first.length; i++) {
        if (first[i] === '%' && i + 1 < first.length) {
          if (first[i + 1] === '%') { out += '%'; i++; continue; }
          const text = next < values.length ? directive(first[i + 1], values[next]) : undefined;
          if (text !== undefined) { out += text; next++; i++; continue; }
        }
        out += first[i];
      }
      if (next < values.length) out += ' ';
    }
    for (let i = next; i < values.length; i++) out += (i > next ? ' ' : '') + plain(values[i]);
    return out;
  };

  const put = (level, text) => {
    host.write(level, indent === '' ? text : indent + p.join(p.split(text, '\n'), '\n' + indent));
  };
  // Once the budget is used up nothing is formatted any more: what is dropped costs next to nothing.
  const line = (level, values) => put(level, host.room() > 0 ? format(values) : ' ');

  const after = (head, values) => {
    const all = [head];
    for (let i = 0; i < values.length; i++) p.push(all, values[i]);
    return all;
  };

  const label = (value) => value === undefined ? 'default' : p.String(value);

  const elapsed = (name) => {
    const ms = host.now() - timers[name];
    return `${name}: ${ms < 1000 ? `${p.String(ms)}ms` : `${p.toFixed(ms / 1000, 3)}s`}`;
  };

  const table = (data, columns) => {
    if (data === null || typeof data !== 'object' || host.classOf(data) === 'Proxy') return plain(data);
    const heads = ['(index)'], rows = [];
    const column = (name) => {
      for (let i = 1; i < heads.length; i++) if (heads[i] === name) return i;
      return p.push(heads, name) - 1;
    };
    if (p.isArray(columns)) for (let i = 0; i < columns.length; i++) column(p.String(columns[i]));
    const fixed = p.isArray(columns);
    const cell = (value) => host.inspect(value, 0);
    const add = (index, row) => {
      if (rows.length >= 1000) return;
      const cells = [p.String(index)];
      if (row !== null && typeof row === 'object' && host.classOf(row) !== 'Proxy') {
        const keys = p.ownKeys(row);
        for (let i = 0; i < keys.length; i++) {
          const d = typeof keys[i] === 'string' ? p.getOwnPropertyDescriptor(row, keys[i]) : undefined;
          if (!d || !d.enumerable || !('value' in d)) continue;
          let at = -1;
          if (!fixed) at = heads.length < 50 ? column(keys[i]) : -1;
          else for (let j = 1; j < heads.length; j++) if (heads[j] === keys[i]) at = j;
          if (at > 0) cells[at] = cell(d.value);
        }
      } else {
        cells[column('Values')] = cell(row);
      }
      p.push(rows, cells);
    };
    if (host.classOf(data) === 'Map') p.mapForEach(data, (value, key) => add(plain(key), value));
    else if (host.classOf(data) === 'Set') { let n = 0; p.setForEach(data, (value) => add(n++, value)); }
    else {
      const keys = p.ownKeys(data);
      for (let i = 0; i < keys.length; i++) {
        const d = typeof keys[i] === 'string' ? p.getOwnPropertyDescriptor(data, keys[i]) : undefined;
        if (d && d.enumerable && 'value' in d) add(keys[i], d.value);
      }
    }
    const widths = [];
    for (let c = 0; c < heads.length; c++) {
      widths[c] = heads[c].length;
      for (let r = 0; r < rows.length; r++) if ((rows[r][c] ?? '').length > widths[c]) widths[c] = rows[r][c].length;
    }
    const draw = (cells) => {
      let out = '│';
      for (let c = 0; c < heads.length; c++) out += ` ${p.padEnd(cells[c] ?? '', widths[c])} │`;
      return out;
    };
    const rule = (left, middle, right) => {
      let out = left;
      for (let c = 0; c < heads.length; c++) out += p.repeat('─', widths[c] + 2) + (c + 1 < heads.length ? middle : right);
      return out;
    };
    const lines = [rule('┌', '┬', '┐'), draw(heads), rule('├', '┼', '┤')];
    for (let r = 0; r < rows.length; r++) p.push(lines, draw(rows[r]));
    p.push(lines, rule('└', '┴', '┘'));
    return p.join(lines, '\n');
  };

  const console = {
    log(...values) { line(LOG, values); },
    info(...values) { line(INFO, values); },
    warn(...values) { line(WARN, values); },
    error(...values) { line(ERROR, values); },
    debug(...values) { line(DEBUG, values); },
    trace(...values) { line(ERROR, after('Trace:', values)); },
    dir(value, options) { put(LOG, host.room() > 0 ? host.inspect(value, typeof options?.depth === 'number' ? options.depth : undefined) : ' '); },
    dirxml(...values) { line(LOG, values); },
    table(data, columns) { put(LOG, host.room() > 0 ? table(data, columns) : ' '); },
    assert(condition, ...values) {
      if (condition) return;
      if (values.length === 0) line(ERROR, ['Assertion failed']);
      else if (typeof values[0] === 'string') line(ERROR, after(`Assertion failed: ${values[0]}`, p.slice(values, 1)));
      else line(ERROR, after('Assertion failed:', values));
    },
    count(name) { const l = label(name); counts[l] = (counts[l] ?? 0) + 1; put(LOG, `${l}: ${counts[l]}`); },
    countReset(name) { delete counts[label(name)]; },
    time(name) { timers[label(name)] = host.now(); },
    timeEnd(name) { const l = label(name); if (l in timers) { put(LOG, elapsed(l)); delete timers[l]; } },
    timeLog(name, ...values) { const l = label(name); if (l in timers) line(LOG, after(elapsed(l), values)); },
    group(...values) { if (values.length) line(LOG, values); if (indent.length < 40) indent += '  '; },
    groupCollapsed(...values) { if (values.length) line(LOG, values); if (indent.length < 40) indent += '  '; },
    groupEnd() { indent = p.stringSlice(indent, 2); },
    clear() {},
  };
  host.global('console', console);
})
