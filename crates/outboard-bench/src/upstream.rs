//! The measured upstream: MCP over two byte streams, with as little between question and answer as can be.
//! It blocks, renders each answer once, and writes what it gathered when nothing more is there to be read.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead as _, BufReader, Read, Write},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::records::{self, CHUNK_RECORDS, PAGE_RECORDS, PAGES};

/// Bytes that are gathered at most before they are written.
const GATHERED: usize = 64 << 10;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: Option<Arguments<'a>>,
    #[serde(borrow, rename = "protocolVersion")]
    version: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Arguments<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(default)]
    number: u32,
}

#[derive(Default)]
struct Upstream {
    /// Results by tool and number.
    rendered: HashMap<(&'static str, u32), String>,
    /// Ids of the calls of `wait` that nobody has released.
    waiting: Vec<String>,
    /// The call of `gathered` that waits for this many others.
    gathered: Option<(String, u32)>,
}

/// Serves until the input ends.
pub(crate) fn serve(input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut input = BufReader::with_capacity(GATHERED, input);
    let (mut upstream, mut line, mut out) = (Upstream::default(), Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return output.flush();
        }
        upstream.answer(&line, &mut out)?;
        let more_is_there = input.buffer().contains(&b'\n');
        if !more_is_there || out.len() >= GATHERED {
            output.write_all(&out)?;
            output.flush()?;
            out.clear();
        }
    }
}

impl Upstream {
    fn answer(&mut self, line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let message: Message<'_> = serde_json::from_slice(line)?;
        let Some(id) = message.id.map(RawValue::get) else { return Ok(()) };
        let params = message.params.as_ref();
        match &*message.method {
            "tools/call" => {
                let arguments = params.and_then(|params| params.arguments.as_ref());
                self.call(id, params.map_or("", |params| &params.name), arguments, out);
            }
            "initialize" => {
                let version = params.and_then(|params| params.version.as_deref()).unwrap_or("2025-11-25");
                let about = r#"{"name":"outboard-bench","version":"0"}"#;
                let result = format!(
                    r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{about}}}"#
                );
                put(out, id, "result", &result);
            }
            "tools/list" => put(out, id, "result", TOOLS),
            "ping" => put(out, id, "result", "{}"),
            _ => put(out, id, "error", r#"{"code":-32601,"message":"no such method"}"#),
        }
        Ok(())
    }

    fn call(&mut self, id: &str, tool: &str, arguments: Option<&Arguments<'_>>, out: &mut Vec<u8>) {
        let number = arguments.map_or(0, |arguments| arguments.number);
        match tool {
            "echo" => put(out, id, "result", &text(arguments.map_or("", |arguments| &arguments.text))),
            "pages" => self.put_rendered(out, id, "pages", 0),
            "page" => self.put_rendered(out, id, "page", number),
            "chunk" => self.put_rendered(out, id, "chunk", number),
            "wait" => {
                self.waiting.push(id.to_owned());
                self.tell_gathered(out);
            }
            "gathered" => {
                self.gathered = Some((id.to_owned(), number));
                self.tell_gathered(out);
            }
            "release" => {
                for waiting in self.waiting.drain(..) {
                    put(out, &waiting, "result", &text("released"));
                }
                put(out, id, "result", &text("released"));
            }
            _ => put(out, id, "error", r#"{"code":-32602,"message":"no such tool"}"#),
        }
    }

    fn tell_gathered(&mut self, out: &mut Vec<u8>) {
        let waiting = self.waiting.len();
        if let Some((id, _)) = self.gathered.take_if(|(_, number)| waiting >= *number as usize) {
            put(out, &id, "result", &structured("", &format!(r#"{{"waiting":{waiting}}}"#)));
        }
    }

    fn put_rendered(&mut self, out: &mut Vec<u8>, id: &str, tool: &'static str, number: u32) {
        put(out, id, "result", self.rendered.entry((tool, number)).or_insert_with(|| render(tool, number)));
    }
}

fn put(out: &mut Vec<u8>, id: &str, kind: &str, value: &str) {
    for part in [r#"{"jsonrpc":"2.0","id":"#, id, ",\"", kind, "\":", value, "}\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A small page has its twin as text, as the specification advises; a large chunk has a summary.
fn render(tool: &str, number: u32) -> String {
    match tool {
        "pages" => structured(&format!("{PAGES}"), &format!(r#"{{"pages":{PAGES}}}"#)),
        "page" => {
            let page = records::page(number * PAGE_RECORDS + 1, PAGE_RECORDS);
            structured(&page, &page)
        }
        _ => {
            let chunk = records::page(number * CHUNK_RECORDS + 1, CHUNK_RECORDS);
            structured(&format!("{CHUNK_RECORDS} records"), &chunk)
        }
    }
}

fn structured(text: &str, value: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(r#"{{"content":[{{"type":"text","text":{text}}}],"structuredContent":{value}}}"#)
}

fn text(text: &str) -> String {
    format!(r#"{{"content":[{{"type":"text","text":{}}}]}}"#, serde_json::Value::from(text))
}

const TOOLS: &str = concat!(
    r#"{"tools":["#,
    r#"{"name":"echo","description":"Gives back a text.","inputSchema":{"type":"object","properties":"#,
    r#"{"text":{"type":"string"}},"required":["text"]},"annotations":{"readOnlyHint":true}},"#,
    r#"{"name":"pages","description":"How many pages there are.","inputSchema":{"type":"object"},"#,
    r#""outputSchema":{"type":"object","properties":{"pages":{"type":"integer"}},"required":["pages"]},"#,
    r#""annotations":{"readOnlyHint":true}},"#,
    r#"{"name":"page","description":"A page of ten records.","inputSchema":{"type":"object","properties":"#,
    r#"{"number":{"type":"integer","minimum":0}},"required":["number"]},"annotations":{"readOnlyHint":true}},"#,
    r#"{"name":"chunk","description":"Ten thousand records.","inputSchema":{"type":"object","properties":"#,
    r#"{"number":{"type":"integer","minimum":0}},"required":["number"]},"annotations":{"readOnlyHint":true}},"#,
    r#"{"name":"wait","description":"Answers once released.","inputSchema":{"type":"object"}},"#,
    r#"{"name":"gathered","description":"Answers once so many calls of wait are there.","inputSchema":"#,
    r#"{"type":"object","properties":{"number":{"type":"integer"}},"required":["number"]}},"#,
    r#"{"name":"release","description":"Lets all calls of wait be answered.","inputSchema":{"type":"object"}}"#,
    "]}"
);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answers(questions: &[Value]) -> Vec<Value> {
        let input: String = questions.iter().map(|question| format!("{question}\n")).collect();
        let mut output = Vec::new();
        serve(input.as_bytes(), &mut output).unwrap();
        let lines = String::from_utf8(output).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn call(id: u32, name: &str, arguments: &Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
    }

    #[test]
    fn it_answers_what_a_client_asks() {
        let answers = answers(&[
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18" } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }),
            json!({ "jsonrpc": "2.0", "id": "a", "method": "server/discover", "params": {} }),
            call(3, "echo", &json!({ "text": "\"ä\"" })),
            call(4, "page", &json!({ "number": 29 })),
        ]);
        assert_eq!(answers[0]["result"]["protocolVersion"], "2025-06-18");
        assert_eq!(answers[1]["result"]["tools"].as_array().map(Vec::len), Some(7));
        assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!("a"), &json!(-32601)));
        assert_eq!(answers[3]["result"], json!({ "content": [{ "type": "text", "text": "\"ä\"" }] }));
        let page = &answers[4]["result"];
        assert_eq!(page["structuredContent"]["records"][9]["id"], 300);
        let twin: Value = serde_json::from_str(page["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(twin, page["structuredContent"]);
    }

    #[test]
    fn waiting_calls_are_told_of_and_answered_when_they_are_released() {
        let none = json!({});
        let answers = answers(&[
            call(1, "wait", &none),
            call(4, "gathered", &json!({ "number": 2 })),
            call(2, "wait", &none),
            call(3, "release", &none),
        ]);
        let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [4, 1, 2, 3]);
        assert_eq!(answers[0]["result"]["structuredContent"], json!({ "waiting": 2 }));
    }
}
