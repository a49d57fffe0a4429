/** Why a call gave no value. */
export declare class ToolError extends Error {
  constructor(message?: string, options?: { tool?: string; code?: string; content?: any[]; cause?: unknown });
  readonly name: "ToolError";
  /** `namespace.tool` */
  readonly tool: string;
  /**
   * `tool_error`, `unknown_tool`, `invalid_arguments`, `denied`, `limit`, `unrecorded`, `upstream_refused`, `upstream_error`,
   * `upstream_unavailable`, `upstream_lost`, `timeout` or `interrupted`
   */
  readonly code: string;
  /** What the tool sent with its error. */
  readonly content: any[];
}

/** Calls a tool. */
export declare function call(namespace: string, tool: string, input?: Record<string, any>): Promise<any>;
