// ToolError: what a call that gave no value throws. The guest makes them in C from this prototype.
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
})
