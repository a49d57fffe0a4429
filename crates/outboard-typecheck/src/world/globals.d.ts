// What there is in the sandbox beside the language itself, as far as scripts are to be told that it is there.
declare const console: any;
declare const tools: {
  search(query: string, options?: { limit?: number; detail?: "name" | "signature" | "full" }): Promise<any[]>;
  describe(name: string): Promise<any>;
  pages<O>(tool: (input: any) => Promise<O>, input?: any): AsyncGenerator<O, void, void>;
};
declare const results: { get(handle: string): Promise<any> };
declare const resources: {
  list(namespace?: string): Promise<any[]>;
  read(uri: string, options?: { namespace?: string }): Promise<any[]>;
  templates(namespace?: string): Promise<any[]>;
};
declare const prompts: {
  list(namespace?: string): Promise<any[]>;
  get(name: string, args?: Record<string, string>, options?: { namespace?: string }): Promise<any>;
};
declare class ToolError extends Error {
  tool: string;
  code: string;
  content: any;
}
declare function setTimeout(callback: (...args: any[]) => any, ms?: number, ...args: any[]): any;
declare function setInterval(callback: (...args: any[]) => any, ms?: number, ...args: any[]): any;
declare function setImmediate(callback: (...args: any[]) => any, ...args: any[]): any;
declare function clearTimeout(id?: any): void;
declare function clearInterval(id?: any): void;
declare function clearImmediate(id?: any): void;
declare function queueMicrotask(callback: () => any): void;
declare function structuredClone<T>(value: T, options?: any): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;
declare const performance: any;
declare const crypto: any;
declare const URL: any;
type URL = any;
declare const URLSearchParams: any;
type URLSearchParams = any;
declare const TextEncoder: any;
type TextEncoder = any;
declare const TextDecoder: any;
type TextDecoder = any;
declare const AbortController: any;
type AbortController = any;
declare const AbortSignal: any;
type AbortSignal = any;
declare const DOMException: any;
type DOMException = any;
declare const Event: any;
type Event = any;
declare const EventTarget: any;
type EventTarget = any;
