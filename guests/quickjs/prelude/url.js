// URL and URLSearchParams (WHATWG URL). Parsing and setting is the host's, which has a library for
// it; the parts come back as an array in this order.
(function (host) {
  const { p } = host;
  const HREF = 0, ORIGIN = 1, PROTOCOL = 2, USERNAME = 3, PASSWORD = 4, HOST = 5, HOSTNAME = 6, PORT = 7,
    PATHNAME = 8, SEARCH = 9, HASH = 10;

  const parse = (url, base) => host.url(0, `${url}`, base === undefined ? '' : `${base}`);

  // application/x-www-form-urlencoded
  const decode = (text) => {
    if (!p.includes(text, '%') && !p.includes(text, '+')) return text;
    const bytes = host.utf8Encode(text), length = p.typedLength(bytes), out = new p.Uint8Array(length);
    let n = 0;
    for (let i = 0; i < length; i++) {
      if (bytes[i] === 0x2b) out[n++] = 0x20;
      else if (bytes[i] === 0x25 && i + 2 < length && hex(bytes[i + 1]) >= 0 && hex(bytes[i + 2]) >= 0) {
        out[n++] = hex(bytes[i + 1]) * 16 + hex(bytes[i + 2]);
        i += 2;
      } else out[n++] = bytes[i];
    }
    return host.utf8Decode(p.subarray(out, 0, n), true)[0];
  };
  const hex = (c) => c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x41 && c <= 0x46 ? c - 0x37 : c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;

  const encode = (text) => {
    if (p.test(/^[A-Za-z0-9*._-]*$/, text)) return text;
    const bytes = host.utf8Encode(text), length = p.typedLength(bytes), parts = [];
    for (let i = 0; i < length; i++) {
      const c = bytes[i];
      if (c >= 0x30 && c <= 0x39 || c >= 0x41 && c <= 0x5a || c >= 0x61 && c <= 0x7a || c === 0x2a || c === 0x2d || c === 0x2e || c === 0x5f)
        p.push(parts, p.fromCharCode(c));
      else if (c === 0x20) p.push(parts, '+');
      else p.push(parts, '%' + p.padStart(p.toUpperCase(p.numberToString(c, 16)), 2, '0'));
    }
    return p.join(parts, '');
  };

  const parsePairs = (text) => {
    const pairs = [], pieces = p.split(text, '&');
    for (let i = 0; i < pieces.length; i++) {
      if (pieces[i] === '') continue;
      const at = p.indexOf(pieces[i], '=');
      const name = at < 0 ? pieces[i] : p.stringSlice(pieces[i], 0, at);
      p.push(pairs, [decode(name), at < 0 ? '' : decode(p.stringSlice(pieces[i], at + 1))]);
    }
    return pairs;
  };

  const wellFormed = (value) => p.toWellFormed(`${value}`);

  const pairsFrom = (init) => {
    if (init === undefined || init === null) return [];
    if (typeof init !== 'object' && typeof init !== 'function') {
      const text = `${init}`;
      return parsePairs(text[0] === '?' ? p.stringSlice(text, 1) : text);
    }
    const pairs = [];
    if (init[Symbol.iterator] !== undefined) {
      for (const item of init) {
        const pair = [...item];
        if (pair.length !== 2) throw new p.TypeError('URLSearchParams takes pairs of a name and a value');
        p.push(pairs, [wellFormed(pair[0]), wellFormed(pair[1])]);
      }
    } else {
      const keys = p.ownKeys(init);
      for (let i = 0; i < keys.length; i++) {
        const d = p.getOwnPropertyDescriptor(init, keys[i]);
        if (typeof keys[i] === 'string' && d?.enumerable) p.push(pairs, [wellFormed(keys[i]), wellFormed(init[keys[i]])]);
      }
    }
    return pairs;
  };

  class URLSearchParams {
    #pairs; #changed = null;
    constructor(init) { this.#pairs = pairsFrom(init); }
    // For URL: parameters that write themselves back. The function is taken off the class below.
    static bind(params, text, changed) { params.#pairs = parsePairs(text); if (changed) params.#changed = changed; return params; }
    #touch() { if (this.#changed) this.#changed(this.toString()); }
    get size() { return this.#pairs.length; }
    append(name, value) { p.push(this.#pairs, [wellFormed(name), wellFormed(value)]); this.#touch(); }
    delete(name, value) {
      const kept = [];
      for (let i = 0; i < this.#pairs.length; i++) {
        const pair = this.#pairs[i];
        if (pair[0] !== `${name}` || value !== undefined && pair[1] !== `${value}`) p.push(kept, pair);
      }
      this.#pairs = kept;
      this.#touch();
    }
    get(name) {
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i][0] === `${name}`) return this.#pairs[i][1];
      return null;
    }
    getAll(name) {
      const all = [];
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i][0] === `${name}`) p.push(all, this.#pairs[i][1]);
      return all;
    }
    has(name, value) {
      for (let i = 0; i < this.#pairs.length; i++)
        if (this.#pairs[i][0] === `${name}` && (value === undefined || this.#pairs[i][1] === `${value}`)) return true;
      return false;
    }
    set(name, value) {
      const kept = [];
      let done = false;
      for (let i = 0; i < this.#pairs.length; i++) {
        if (this.#pairs[i][0] !== `${name}`) p.push(kept, this.#pairs[i]);
        else if (!done) { p.push(kept, [wellFormed(name), wellFormed(value)]); done = true; }
      }
      if (!done) p.push(kept, [wellFormed(name), wellFormed(value)]);
      this.#pairs = kept;
      this.#touch();
    }
    sort() { p.sort(this.#pairs, (a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0); this.#touch(); }
    forEach(callback, self) {
      for (let i = 0; i < this.#pairs.length; i++) p.apply(callback, self, [this.#pairs[i][1], this.#pairs[i][0], this]);
    }
    *entries() { for (let i = 0; i < this.#pairs.length; i++) yield [this.#pairs[i][0], this.#pairs[i][1]]; }
    *keys() { for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i][0]; }
    *values() { for (let i = 0; i < this.#pairs.length; i++) yield this.#pairs[i][1]; }
    toString() {
      const parts = [];
      for (let i = 0; i < this.#pairs.length; i++) p.push(parts, `${encode(this.#pairs[i][0])}=${encode(this.#pairs[i][1])}`);
      return p.join(parts, '&');
    }
  }
  URLSearchParams.prototype[Symbol.iterator] = URLSearchParams.prototype.entries;
  const { bind } = URLSearchParams;
  delete URLSearchParams.bind;

  class URL {
    #parts; #params = null;
    constructor(url, base) {
      const parts = parse(url, base);
      if (parts === undefined) throw new p.TypeError(`Invalid URL: '${url}'${base === undefined ? '' : ` against '${base}'`}`);
      this.#parts = parts;
    }
    static canParse(url, base) { return parse(url, base) !== undefined; }
    static parse(url, base) { return URL.canParse(url, base) ? new URL(url, base) : null; }
    #set(what, value) {
      const parts = host.url(what, this.#parts[HREF], `${value}`);
      if (parts === undefined) return;
      this.#parts = parts;
      if (this.#params) bind(this.#params, p.stringSlice(parts[SEARCH], 1));
    }
    get href() { return this.#parts[HREF]; }
    set href(value) {
      const parts = parse(value);
      if (parts === undefined) throw new p.TypeError(`Invalid URL: '${value}'`);
      this.#parts = parts;
      if (this.#params) bind(this.#params, p.stringSlice(parts[SEARCH], 1));
    }
    get origin() { return this.#parts[ORIGIN]; }
    get protocol() { return this.#parts[PROTOCOL]; }
    set protocol(value) { this.#set(PROTOCOL, value); }
    get username() { return this.#parts[USERNAME]; }
    set username(value) { this.#set(USERNAME, value); }
    get password() { return this.#parts[PASSWORD]; }
    set password(value) { this.#set(PASSWORD, value); }
    get host() { return this.#parts[HOST]; }
    set host(value) { this.#set(HOST, value); }
    get hostname() { return this.#parts[HOSTNAME]; }
    set hostname(value) { this.#set(HOSTNAME, value); }
    get port() { return this.#parts[PORT]; }
    set port(value) { this.#set(PORT, value); }
    get pathname() { return this.#parts[PATHNAME]; }
    set pathname(value) { this.#set(PATHNAME, value); }
    get search() { return this.#parts[SEARCH]; }
    set search(value) { this.#set(SEARCH, value); }
    get hash() { return this.#parts[HASH]; }
    set hash(value) { this.#set(HASH, value); }
    get searchParams() {
      this.#params ??= bind(new URLSearchParams(), p.stringSlice(this.#parts[SEARCH], 1), (text) => {
        const parts = host.url(SEARCH, this.#parts[HREF], text);
        if (parts !== undefined) this.#parts = parts;
      });
      return this.#params;
    }
    toString() { return this.#parts[HREF]; }
    toJSON() { return this.#parts[HREF]; }
  }

  host.brand(URL, 'URL');
  host.brand(URLSearchParams, 'URLSearchParams');
  host.global('URL', URL);
  host.global('URLSearchParams', URLSearchParams);
})
