// What the prelude uses of the language, taken before a script can change it. Loaded first; later
// files find it as `host.p`. `p.call(f, receiver, …)` calls whatever the script did to `call`.
(function (host) {
  const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, defineProperty, construct } = Reflect;
  const uncurry = (f) => (receiver, ...rest) => apply(f, receiver, rest);
  const getter = (object, name) => uncurry(getOwnPropertyDescriptor(object, name).get);
  const typedProto = getPrototypeOf(Uint8Array.prototype);
  const p = {
    __proto__: null,
    apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, defineProperty, construct,
    create: Object.create,
    freeze: Object.freeze,
    isArray: Array.isArray,
    push: uncurry(Array.prototype.push),
    join: uncurry(Array.prototype.join),
    slice: uncurry(Array.prototype.slice),
    splice: uncurry(Array.prototype.splice),
    sort: uncurry(Array.prototype.sort),
    charCodeAt: uncurry(String.prototype.charCodeAt),
    fromCharCode: String.fromCharCode,
    fromCodePoint: String.fromCodePoint,
    stringSlice: uncurry(String.prototype.slice),
    indexOf: uncurry(String.prototype.indexOf),
    includes: uncurry(String.prototype.includes),
    split: uncurry(String.prototype.split),
    repeat: uncurry(String.prototype.repeat),
    padEnd: uncurry(String.prototype.padEnd),
    padStart: uncurry(String.prototype.padStart),
    toLowerCase: uncurry(String.prototype.toLowerCase),
    toUpperCase: uncurry(String.prototype.toUpperCase),
    toWellFormed: uncurry(String.prototype.toWellFormed),
    startsWith: uncurry(String.prototype.startsWith),
    trim: uncurry(String.prototype.trim),
    normalize: uncurry(String.prototype.normalize),
    test: (regexp, text) => apply(exec, regexp, [text]) !== null,
    exec: (regexp, text) => apply(exec, regexp, [text]),
    stringify: JSON.stringify,
    String, Number, BigInt, TypeError, RangeError, Error, Uint8Array, Map, Set, WeakMap, Date, RegExp, ArrayBuffer, DataView, Promise,
    DOMException, typed: { __proto__: null, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array,
      Uint32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array },
    isInteger: Number.isInteger,
    mapGet: uncurry(Map.prototype.get),
    mapSet: uncurry(Map.prototype.set),
    mapHas: uncurry(Map.prototype.has),
    mapDelete: uncurry(Map.prototype.delete),
    mapForEach: uncurry(Map.prototype.forEach),
    mapSize: getter(Map.prototype, 'size'),
    setAdd: uncurry(Set.prototype.add),
    setForEach: uncurry(Set.prototype.forEach),
    setSize: getter(Set.prototype, 'size'),
    weakGet: uncurry(WeakMap.prototype.get),
    weakSet: uncurry(WeakMap.prototype.set),
    weakHas: uncurry(WeakMap.prototype.has),
    numberToString: uncurry(Number.prototype.toString),
    toFixed: uncurry(Number.prototype.toFixed),
    bigintToString: uncurry(BigInt.prototype.toString),
    symbolToString: uncurry(Symbol.prototype.toString),
    dateToISO: uncurry(Date.prototype.toISOString),
    dateValue: uncurry(Date.prototype.getTime),
    regexpSource: getter(RegExp.prototype, 'source'),
    regexpFlags: getter(RegExp.prototype, 'flags'),
    typedTag: getter(typedProto, Symbol.toStringTag),
    typedLength: getter(typedProto, 'length'),
    typedBuffer: getter(typedProto, 'buffer'),
    typedByteOffset: getter(typedProto, 'byteOffset'),
    typedByteLength: getter(typedProto, 'byteLength'),
    typedSlice: uncurry(typedProto.slice),
    subarray: uncurry(typedProto.subarray),
    typedSet: uncurry(typedProto.set),
    bufferLength: getter(ArrayBuffer.prototype, 'byteLength'),
    bufferSlice: uncurry(ArrayBuffer.prototype.slice),
    viewBuffer: getter(DataView.prototype, 'buffer'),
    viewOffset: getter(DataView.prototype, 'byteOffset'),
    viewLength: getter(DataView.prototype, 'byteLength'),
    unbox: {
      __proto__: null,
      Number: uncurry(Number.prototype.valueOf),
      String: uncurry(String.prototype.valueOf),
      Boolean: uncurry(Boolean.prototype.valueOf),
      BigInt: uncurry(BigInt.prototype.valueOf),
      Symbol: uncurry(Symbol.prototype.valueOf),
    },
    parseInt, parseFloat, encodeURIComponent, decodeURIComponent,
    functionToString: uncurry(Function.prototype.toString),
    stringProto: String.prototype,
    numberProto: Number.prototype,
    bigintProto: BigInt.prototype,
  };
  const { exec } = RegExp.prototype;
  host.p = p;

  // Defines a global as the language defines its own: not enumerable, and replaceable.
  host.global = (name, value) => {
    defineProperty(globalThis, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
  };
  // Takes the methods of a class out of `for…in`, and names the class for inspection.
  host.brand = (constructor, name) => {
    defineProperty(constructor.prototype, Symbol.toStringTag, { __proto__: null, value: name, configurable: true });
  };
})
