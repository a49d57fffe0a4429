// `performance` and `crypto`: the run's clock, and randomness from the run's seed.
(function (host) {
  const { p } = host;

  host.global('performance', {
    now: () => host.now(),
    get timeOrigin() { return host.startedAt(); },
    toJSON() { return { timeOrigin: host.startedAt() }; },
  });

  const integers = { __proto__: null, Int8Array: 1, Uint8Array: 1, Uint8ClampedArray: 1, Int16Array: 1, Uint16Array: 1,
    Int32Array: 1, Uint32Array: 1, BigInt64Array: 1, BigUint64Array: 1 };

  host.global('crypto', {
    getRandomValues(array) {
      const kind = typeof array === 'object' && array !== null ? p.typedTag(array) : undefined;
      if (kind === undefined || !integers[kind])
        throw new p.DOMException('crypto.getRandomValues takes an integer typed array', 'TypeMismatchError');
      const length = p.typedByteLength(array);
      if (length > 65536) throw new p.DOMException('crypto.getRandomValues gives at most 65536 bytes at once', 'QuotaExceededError');
      host.random(new p.Uint8Array(p.typedBuffer(array), p.typedByteOffset(array), length));
      return array;
    },
    randomUUID() {
      const bytes = host.random(new p.Uint8Array(16));
      bytes[6] = bytes[6] & 0x0f | 0x40;
      bytes[8] = bytes[8] & 0x3f | 0x80;
      let text = '';
      for (let i = 0; i < 16; i++)
        text += (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + p.padStart(p.numberToString(bytes[i], 16), 2, '0');
      return text;
    },
  });
})
