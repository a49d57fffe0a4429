// AbortController and AbortSignal. Tools cannot be aborted from a script; these serve code that
// passes signals between its own functions.
(function (host) {
  const { p } = host;
  const { setTimeout } = globalThis;
  const key = {};

  class AbortSignal {
    #aborted = false; #reason = undefined; #listeners = []; onabort = null;
    constructor(token) {
      if (token !== key) throw new p.TypeError('make an AbortController and use its signal');
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }
    addEventListener(type, listener, options) {
      if (type !== 'abort' || listener === null || listener === undefined) return;
      for (let i = 0; i < this.#listeners.length; i++) if (this.#listeners[i].listener === listener) return;
      p.push(this.#listeners, { listener, once: !!options?.once });
    }
    removeEventListener(type, listener) {
      for (let i = 0; i < this.#listeners.length; i++)
        if (this.#listeners[i].listener === listener) { p.splice(this.#listeners, i, 1); return; }
    }
    static fire(token, signal, reason) {
      if (token !== key || signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new p.DOMException('this operation was aborted', 'AbortError') : reason;
      const event = { type: 'abort', target: signal }, listeners = signal.#listeners;
      signal.#listeners = [];
      if (typeof signal.onabort === 'function') p.apply(signal.onabort, signal, [event]);
      for (let i = 0; i < listeners.length; i++) {
        const { listener } = listeners[i];
        if (typeof listener === 'function') p.apply(listener, signal, [event]);
        else p.apply(listener.handleEvent, listener, [event]);
      }
    }
    static abort(reason) {
      const signal = new AbortSignal(key);
      fire(key, signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new AbortSignal(key);
      setTimeout(() => fire(key, signal, new p.DOMException('the operation timed out', 'TimeoutError')), ms);
      return signal;
    }
    static any(signals) {
      const all = new AbortSignal(key);
      for (const signal of signals) {
        if (signal.aborted) { fire(key, all, signal.reason); break; }
        signal.addEventListener('abort', () => fire(key, all, signal.reason), { once: true });
      }
      return all;
    }
  }
  const { fire } = AbortSignal;
  delete AbortSignal.fire;

  class AbortController {
    #signal = new AbortSignal(key);
    get signal() { return this.#signal; }
    abort(reason) { fire(key, this.#signal, reason); }
  }

  host.brand(AbortSignal, 'AbortSignal');
  host.brand(AbortController, 'AbortController');
  host.global('AbortSignal', AbortSignal);
  host.global('AbortController', AbortController);
})
