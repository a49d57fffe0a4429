// Numbers for people, as in en-US: `toLocaleString` with the options that scripts use most. QuickJS
// has no locales; a `locale` that is asked for is accepted and not followed.
(function (host) {
  const { p } = host;
  const symbols = { __proto__: null, USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩' };

  const grouped = (digits) => {
    let out = '';
    for (let i = 0; i < digits.length; i++) out += (i > 0 && (digits.length - i) % 3 === 0 ? ',' : '') + digits[i];
    return out;
  };

  const digitsOf = (options, name, fallback) => {
    const value = options?.[name];
    if (value === undefined) return fallback;
    const n = p.Number(value);
    if (!(n >= 0 && n <= 100)) throw new p.RangeError(`${name} value is out of range`);
    return n - n % 1;
  };

  const format = (number, options) => {
    const style = options?.style ?? 'decimal', currency = options?.currency;
    if (style === 'currency' && currency === undefined) throw new p.TypeError('currency is required with the currency style');
    if (number !== number) return 'NaN';
    let magnitude = number < 0 ? -number : number;
    if (style === 'percent') magnitude *= 100;
    const usual = style === 'currency' ? (currency === 'JPY' || currency === 'KRW' ? 0 : 2) : 0;
    let least = digitsOf(options, 'minimumFractionDigits', undefined);
    let most = digitsOf(options, 'maximumFractionDigits', undefined);
    if (least !== undefined && most !== undefined && least > most) throw new p.RangeError('maximumFractionDigits value is out of range');
    least ??= most !== undefined && most < usual ? most : usual;
    most ??= least > (style === 'decimal' ? 3 : usual) ? least : style === 'decimal' ? 3 : usual;
    let text;
    if (magnitude === Infinity) text = '∞';
    else {
      const fixed = magnitude < 1e21 ? p.toFixed(magnitude, most) : p.bigintToString(p.BigInt(magnitude));
      const dot = p.indexOf(fixed, '.');
      const whole = dot < 0 ? fixed : p.stringSlice(fixed, 0, dot);
      let fraction = dot < 0 ? '' : p.stringSlice(fixed, dot + 1);
      while (fraction.length > least && fraction[fraction.length - 1] === '0') fraction = p.stringSlice(fraction, 0, -1);
      text = (options?.useGrouping === false ? whole : grouped(whole)) + (fraction === '' ? '' : '.' + fraction);
    }
    if (style === 'percent') text += '%';
    if (style === 'currency') text = (symbols[currency] ?? `${currency}\u00a0`) + text;
    if (style === 'unit' && options?.unit !== undefined) text += ` ${options.unit}`;
    return (number < 0 ? '-' : '') + text;
  };

  const define = (prototype, unbox, whole) => {
    p.defineProperty(prototype, 'toLocaleString', {
      __proto__: null, writable: true, enumerable: false, configurable: true,
      value: function toLocaleString(locales = undefined, options = undefined) {
        const value = unbox(this);
        if (!whole || options?.style !== undefined) return format(p.Number(value), options);
        const text = p.bigintToString(value);
        return text[0] === '-' ? '-' + grouped(p.stringSlice(text, 1)) : grouped(text);
      },
    });
  };
  define(p.numberProto, p.unbox.Number, false);
  define(p.bigintProto, p.unbox.BigInt, true);
})
