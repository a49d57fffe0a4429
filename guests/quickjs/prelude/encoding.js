// TextEncoder and TextDecoder for UTF-8, UTF-16LE and windows-1252, which the web calls latin1.
(function (host) {
  const { p } = host;

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return host.utf8Encode(`${text}`); }
    encodeInto(text, target) {
      let read = 0, written = 0;
      const source = `${text}`;
      while (read < source.length) {
        const code = p.charCodeAt(source, read);
        const units = code >= 0xd800 && code < 0xdc00 && read + 1 < source.length
          && (p.charCodeAt(source, read + 1) & 0xfc00) === 0xdc00 ? 2 : 1;
        const bytes = host.utf8Encode(p.stringSlice(source, read, read + units));
        if (written + p.typedLength(bytes) > p.typedLength(target)) break;
        p.typedSet(target, bytes, written);
        written += p.typedLength(bytes);
        read += units;
      }
      return { read, written };
    }
  }

  const labels = p.create(null);
  for (const label of ['utf-8', 'utf8', 'unicode-1-1-utf-8']) labels[label] = 'utf-8';
  for (const label of ['utf-16', 'utf-16le', 'ucs-2', 'unicode']) labels[label] = 'utf-16le';
  for (const label of ['latin1', 'iso-8859-1', 'ascii', 'us-ascii', 'windows-1252', 'cp1252', 'l1', 'binary'])
    labels[label] = 'windows-1252';
  // 0x80 to 0x9F of windows-1252; the rest is the identity.
  const high = '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f\x90'
    + '\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

  const bytesOf = (input) => {
    if (input === undefined) return new p.Uint8Array(0);
    if (host.classOf(input) === 'ArrayBuffer') return new p.Uint8Array(input);
    if (host.classOf(input) === 'DataView')
      return new p.Uint8Array(p.viewBuffer(input), p.viewOffset(input), p.viewLength(input));
    if (typeof input === 'object' && input !== null && p.typedTag(input) !== undefined)
      return new p.Uint8Array(p.typedBuffer(input), p.typedByteOffset(input), p.typedByteLength(input));
    throw new p.TypeError('TextDecoder.decode takes bytes: an ArrayBuffer or a view of one');
  };

  const joined = (first, second) => {
    if (p.typedLength(first) === 0) return second;
    const all = new p.Uint8Array(p.typedLength(first) + p.typedLength(second));
    p.typedSet(all, first, 0);
    p.typedSet(all, second, p.typedLength(first));
    return all;
  };

  const invalid = (encoding) => new p.TypeError(`the bytes are not valid ${encoding}`);

  const decoders = {
    __proto__: null,
    'utf-8': (bytes, flush, fatal) => {
      const result = host.utf8Decode(bytes, flush);
      if (fatal && result[2]) throw invalid('utf-8');
      return result;
    },
    'utf-16le': (bytes, flush, fatal) => {
      const length = p.typedLength(bytes);
      let used = length - length % 2;
      if (!flush && used >= 2 && (bytes[used - 1] & 0xfc) === 0xd8) used -= 2; // half of a pair waits for the rest
      const units = [];
      for (let i = 0; i < used; i += 2) {
        let unit = bytes[i] | bytes[i + 1] << 8;
        const lone = (unit & 0xfc00) === 0xdc00
          || (unit & 0xfc00) === 0xd800 && (i + 3 >= used || (bytes[i + 3] & 0xfc) !== 0xdc);
        if (lone) {
          if (fatal) throw invalid('utf-16le');
          unit = 0xfffd;
        } else if ((unit & 0xfc00) === 0xd800) {
          p.push(units, p.fromCharCode(unit));
          i += 2;
          unit = bytes[i] | bytes[i + 1] << 8;
        }
        p.push(units, p.fromCharCode(unit));
      }
      if (flush && used < length) {
        if (fatal) throw invalid('utf-16le');
        p.push(units, '\ufffd');
        used = length;
      }
      return [p.join(units, ''), used];
    },
    'windows-1252': (bytes) => {
      const length = p.typedLength(bytes), units = [];
      for (let i = 0; i < length; i++)
        p.push(units, bytes[i] >= 0x80 && bytes[i] < 0xa0 ? high[bytes[i] - 0x80] : p.fromCharCode(bytes[i]));
      return [p.join(units, ''), length];
    },
  };

  class TextDecoder {
    #encoding; #fatal; #ignoreBOM; #rest = new p.Uint8Array(0); #started = false;
    constructor(label = 'utf-8', options = undefined) {
      const encoding = labels[p.toLowerCase(p.trim(`${label}`))];
      if (encoding === undefined) throw new p.RangeError(`the encoding '${label}' is not supported; utf-8, utf-16le and latin1 are`);
      this.#encoding = encoding;
      this.#fatal = !!options?.fatal;
      this.#ignoreBOM = !!options?.ignoreBOM;
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input = undefined, options = undefined) {
      const flush = !options?.stream, bytes = joined(this.#rest, bytesOf(input));
      const result = decoders[this.#encoding](bytes, flush, this.#fatal);
      let text = result[0];
      this.#rest = flush ? new p.Uint8Array(0) : p.typedSlice(bytes, result[1]);
      if (!this.#ignoreBOM && !this.#started && this.#encoding !== 'windows-1252' && text[0] === '\ufeff')
        text = p.stringSlice(text, 1);
      this.#started = !flush && (this.#started || text !== '');
      return text;
    }
  }

  host.brand(TextEncoder, 'TextEncoder');
  host.brand(TextDecoder, 'TextDecoder');
  host.global('TextEncoder', TextEncoder);
  host.global('TextDecoder', TextDecoder);
})
