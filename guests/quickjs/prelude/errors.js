// ToolError: what a call that gave no value throws. The guest makes them in C from this prototype.
// And stacks stay what they are: where in the script something happened is the host's to know.
(function (host) {
  class ToolError extends Error {
    constructor(message, options) {
      super(message, options);
      this.tool = options?.tool;
      this.code = options?.code;
    }
  }
  host.p.defineProperty(ToolError.prototype, 'name', {
    __proto__: null, value: 'ToolError', writable: true, enumerable: false, configurable: true,
  });
  host.toolErrorPrototype(ToolError.prototype);
  host.global('ToolError', ToolError);
  delete Error.prepareStackTrace;
  delete Error.stackTraceLimit;
  delete globalThis.SharedArrayBuffer; // nothing here could share it
})
