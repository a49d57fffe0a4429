//! Full declarations: every description, default, format and range, as comments.

use outboard_declare::typescript::{Detail, ToolShape, declare_tool};
use serde_json::json;

use super::assert_well_formed;

#[test]
fn everything_that_the_schema_says_is_shown() {
    let input = json!({"type": "object", "required": ["page", "mode"], "properties": {
        "page": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Page to read."},
        "mode": {"enum": ["fast", "exact"], "default": "fast"},
        "since": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "default": null,
            "description": "Only\n newer  ones"},
        "tags": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^[a-z]*/$", "description": "A tag"}},
        "old": {"type": "boolean", "deprecated": true},
        "ratio": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5},
        "id": {"type": "integer", "maximum": 9_007_199_254_740_991_u64},
        "filter": {"oneOf": [
            {"type": "object", "description": "By name", "properties": {"name": {"type": "string", "maxLength": 64}}},
            {"type": "string", "description": "By id"}]},
        "plain": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}}}});
    let output = json!({"type": "array", "description": "The rows", "items": {"$ref": "#/$defs/Row"},
        "$defs": {"Row": {"type": "object", "description": "One row", "properties": {
            "sub": {"items": {"$ref": "#/$defs/Row"}}, "n": {"type": "number", "description": "How many"}}}}});
    let tool = ToolShape {
        namespace: "data",
        identifier: "read",
        description: Some("Reads pages.\n\nUse `*/` with care:\n- one\n- two\n"),
        input: Some(&input),
        output: Some(&output),
        observed: false,
    };
    let text = declare_tool(&tool, Detail::Full).text;
    assert_well_formed(&text);
    assert_eq!(
        text,
        r#"/** Reads pages.

Use `*\/` with care:
- one
- two
@returns The rows */
data.read(input: {
  /** Page to read (integer, 1 to 100) */ page: number;
  /** default "fast" */ mode: "fast" | "exact";
  /** Only newer ones (date-time) */ since?: string | null;
  /** at least 1 items; each: A tag (matches ^[a-z]*\/$) */ tags?: string[];
  /** @deprecated */ old?: boolean;
  /** > 0, multiple of 0.5 */ ratio?: number;
  /** integer */ id?: number;
  filter?: /** By name */ {
    /** at most 64 characters */ name?: string;
  } | /** By id */ string;
  plain?: { x?: number; y?: number };
}): Promise<Row[]>
/** One row */
type Row = {
  sub?: Row[];
  /** How many */ n?: number;
}"#
    );
}

#[test]
fn a_tool_about_which_nothing_is_said_is_declared_all_the_same() {
    let tool = ToolShape {
        namespace: "ns",
        identifier: "tool",
        description: Some("  \n "),
        input: None,
        output: None,
        observed: false,
    };
    assert_eq!(declare_tool(&tool, Detail::Full).text, "ns.tool(input?: Record<string, any>): Promise<any>");
    assert_eq!(declare_tool(&tool, Detail::Name).text, "ns.tool");
}
