// `localeCompare`, by which scripts sort names. Locales are accepted and not followed.
(function (host) {
  const { p } = host;
  const NUMERIC = 1, IGNORE_ACCENTS = 2, IGNORE_CASE = 4, CAPITALS_FIRST = 8;
  const sensitivities = { __proto__: null, base: IGNORE_ACCENTS | IGNORE_CASE, accent: IGNORE_CASE, case: IGNORE_ACCENTS, variant: 0 };
  const ascii = /^[\x00-\x7f]*$/;

  const decomposed = (text) => p.test(ascii, text) ? text : p.normalize(text, 'NFD');

  p.defineProperty(p.stringProto, 'localeCompare', {
    __proto__: null, writable: true, enumerable: false, configurable: true,
    value: function localeCompare(that, locales = undefined, options = undefined) {
      if (this === undefined || this === null) throw new p.TypeError('String.prototype.localeCompare called on null or undefined');
      let flags = 0;
      if (options !== undefined && options !== null) {
        const { sensitivity = 'variant' } = options;
        if (sensitivities[sensitivity] === undefined) throw new p.RangeError(`Value ${sensitivity} out of range for localeCompare options property sensitivity`);
        flags = sensitivities[sensitivity] | (options.numeric ? NUMERIC : 0) | (options.caseFirst === 'upper' ? CAPITALS_FIRST : 0);
      }
      return host.collate(decomposed(`${this}`), decomposed(`${that}`), flags);
    },
  });
})
