//! Writes a JSON value compactly, whole or cut to about a number of bytes.
//!
//! The largest parts are cut first: objects share their room so that small entries stay whole, arrays keep
//! their first elements. The result is valid JSON. It counts bytes; [`super::fit`] counts tokens.

use std::ops::Range;

use super::{
    cut::{Cut, Path, Unit},
    layout::{Layout, Layouts, RECORD},
    plain::grouped,
    scan::{Child, children, is_container},
    string,
};

/// Containers up to this many bytes stay on one line.
const LINE: usize = 1_000;
/// Short elements share lines of about this many bytes.
const WIDTH: usize = 120;
/// What a cut part needs at least to say anything.
const SHARE: usize = 24;
/// Arrays of up to this many elements may share room like an object when few elements fit whole.
const TUPLE: usize = 16;
/// Cut values nested deeper than this stay closed.
const DEPTH: usize = 64;

/// Room for the marker at the end of a cut string.
const MARKER: usize = 28;

/// A value as text.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Valid JSON.
    pub(super) text: String,
    /// What it leaves out.
    pub(super) cuts: Vec<Cut>,
}

/// Renders one JSON text as often as needed.
pub(super) struct Renderer<'a> {
    text: &'a str,
    root: Range<usize>,
    layouts: Layouts<'a>,
}

impl<'a> Renderer<'a> {
    /// Of `text`, never showing more than `keep_bytes` bytes of a cut container.
    pub(super) fn new(text: &'a str, keep_bytes: usize) -> Self {
        let bytes = text.as_bytes();
        let start = super::scan::skip_space(bytes, 0);
        let root = start..text.trim_end().len().max(start);
        Self { text, root, layouts: Layouts::new(text, keep_bytes) }
    }

    /// The value in about `bytes` bytes; with line breaks if `lines`.
    pub(super) fn render(&mut self, bytes: usize, lines: bool) -> Rendered {
        let root = self.root.clone();
        let mut pen = Pen { out: String::new(), line: 0, lines, cuts: Vec::new(), path: Path::default() };
        self.write(&mut pen, root, bytes, 0);
        Rendered { text: pen.finish(), cuts: pen.cuts }
    }

    fn write(&mut self, pen: &mut Pen, value: Range<usize>, room: usize, depth: usize) {
        if value.len() <= room {
            write_whole(pen, self.text, value, depth);
            return;
        }
        let bytes = self.text.as_bytes();
        match bytes.get(value.start) {
            Some(b'"') => self.write_string(pen, value, room),
            Some(b'{' | b'[') => {
                let layout = (depth < DEPTH).then(|| self.layouts.get(value.start, value.len())).flatten();
                match layout {
                    Some(layout) => self.write_container(pen, &value, room, depth, &layout),
                    None => self.write_closed(pen, &value),
                }
            }
            _ if value.len() <= SHARE => pen.raw(&self.text[value]),
            _ => self.write_closed(pen, &value),
        }
    }

    /// A container too deep to be looked into, or a number of endless digits.
    fn write_closed(&self, pen: &mut Pen, value: &Range<usize>) {
        let kind = match self.text.as_bytes()[value.start] {
            b'{' => "an object",
            b'[' => "an array",
            _ => "a number",
        };
        pen.raw(&format!("\"[{kind} of {} bytes]\"", grouped(value.len())));
        pen.cuts.push(Cut { path: pen.path.to_text(), unit: Unit::Characters, shown: 0, total: value.len() });
    }

    fn write_string(&self, pen: &mut Pen, value: Range<usize>, room: usize) {
        let raw = &self.text[value.start + 1..value.end.saturating_sub(1).max(value.start + 1)];
        let head = string::raw_head(raw, room.saturating_sub(MARKER));
        let (shown, total) = (string::length(head), string::length(raw));
        pen.raw(&format!("\"{head}… [{} more characters]\"", grouped(total - shown)));
        pen.cuts.push(Cut { path: pen.path.to_text(), unit: Unit::Characters, shown, total });
    }

    fn write_container(
        &mut self,
        pen: &mut Pen,
        value: &Range<usize>,
        room: usize,
        depth: usize,
        layout: &Layout,
    ) {
        let keyed = self.text.as_bytes()[value.start] == b'{';
        let rooms = plan(layout, keyed, room);
        if rooms.len() < layout.count {
            let unit = if keyed { Unit::Keys } else { Unit::Elements };
            pen.cuts.push(Cut { path: pen.path.to_text(), unit, shown: rooms.len(), total: layout.count });
        }
        let mut frame = pen.open(keyed, room > LINE && value.len() > LINE);
        for (index, (child, room)) in layout.children.iter().zip(rooms).enumerate() {
            let container = is_container(self.text.as_bytes(), child.value.start);
            pen.separate(&mut frame, container, child.key.len() + child.value.len().min(room));
            let key = &self.text[child.key.clone()];
            pen.key(key);
            pen.path.enter(key, index);
            self.write(pen, child.value.clone(), room, depth + 1);
            pen.path.leave();
        }
        pen.close(&frame);
    }
}

/// The room of each child that is shown, a prefix of all children.
fn plan(layout: &Layout, keyed: bool, room: usize) -> Vec<usize> {
    let whole = layout.children.len() == layout.count;
    let share_out = || whole.then(|| shares(&layout.children, room)).flatten();
    if keyed
        && layout.count <= RECORD
        && let Some(shares) = share_out()
    {
        return shares;
    }
    let mut rooms = Vec::new();
    let mut used = 2;
    for child in &layout.children {
        let needed = overhead(child) + child.value.len();
        if used + needed <= room {
            used += needed;
            rooms.push(child.value.len());
            continue;
        }
        if used <= room / 2 {
            // The next element alone would fill the room: better a part of it than next to nothing.
            if !keyed
                && layout.count <= TUPLE
                && let Some(shares) = share_out()
            {
                return shares;
            }
            let rest = room - used;
            if rest >= overhead(child) + SHARE {
                rooms.push(rest - overhead(child));
            }
        }
        break;
    }
    rooms
}

/// Divides `room` among all children so that the small ones are whole and the large ones get equal
/// parts; `None` if that would leave some too little.
fn shares(children: &[Child], room: usize) -> Option<Vec<usize>> {
    let fixed = 2 + children.iter().map(overhead).sum::<usize>();
    let least = children.iter().map(|child| child.value.len().min(SHARE)).sum::<usize>();
    let mut left = room.checked_sub(fixed).filter(|left| *left >= least)?;
    let mut by_size: Vec<usize> = (0..children.len()).collect();
    by_size.sort_by_key(|index| children[*index].value.len());
    let mut rooms = vec![0; children.len()];
    for (done, index) in by_size.iter().enumerate() {
        let equal = left / (children.len() - done);
        let size = children[*index].value.len();
        rooms[*index] = size.min(equal.max(SHARE));
        left = left.saturating_sub(rooms[*index]);
    }
    Some(rooms)
}

/// Key, colon and comma.
fn overhead(child: &Child) -> usize {
    if child.key.is_empty() { 1 } else { child.key.len() + 2 }
}

fn write_whole(pen: &mut Pen, text: &str, value: Range<usize>, depth: usize) {
    let bytes = text.as_bytes();
    if !pen.lines || value.len() <= LINE || depth >= DEPTH || !is_container(bytes, value.start) {
        pen.compact(&text[value]);
        return;
    }
    let mut frame = pen.open(bytes[value.start] == b'{', true);
    for child in children(bytes, value.start) {
        pen.separate(&mut frame, is_container(bytes, child.value.start), child.key.len() + child.value.len());
        pen.key(&text[child.key.clone()]);
        write_whole(pen, text, child.value, depth + 1);
    }
    pen.close(&frame);
}

/// The text being written.
struct Pen {
    out: String,
    /// Where the current line began.
    line: usize,
    lines: bool,
    cuts: Vec<Cut>,
    path: Path,
}

/// A container being written.
struct Frame {
    keyed: bool,
    broken: bool,
    first: bool,
    after_container: bool,
}

impl Pen {
    fn open(&mut self, keyed: bool, broken: bool) -> Frame {
        self.out.push(if keyed { '{' } else { '[' });
        Frame { keyed, broken: broken && self.lines, first: true, after_container: false }
    }

    /// Writes what stands between two children: each container gets a line of its own, short
    /// values share one.
    fn separate(&mut self, frame: &mut Frame, container: bool, size: usize) {
        if !frame.first {
            self.out.push(',');
        }
        let wide = self.out.len() - self.line + size > WIDTH;
        let own_line =
            if frame.first { container && !frame.keyed } else { container || frame.after_container || wide };
        if frame.broken && own_line {
            self.new_line();
        }
        frame.first = false;
        frame.after_container = container;
    }

    fn close(&mut self, frame: &Frame) {
        if frame.broken && frame.after_container && !frame.keyed {
            self.new_line();
        }
        self.out.push(if frame.keyed { '}' } else { ']' });
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.line = self.out.len();
    }

    fn key(&mut self, key: &str) {
        if !key.is_empty() {
            self.out.push_str(key);
            self.out.push(':');
        }
    }

    fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// `json` without the white space between its tokens.
    fn compact(&mut self, json: &str) {
        let bytes = json.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let space =
                bytes[at..].iter().position(|byte| matches!(byte, b'"' | b' ' | b'\n' | b'\r' | b'\t'));
            let next = space.map_or(bytes.len(), |found| at + found);
            self.out.push_str(&json[at..next]);
            at = next;
            if bytes.get(at) == Some(&b'"') {
                at = super::scan::string_end(bytes, next);
                self.out.push_str(&json[next..at]);
            } else {
                at = super::scan::skip_space(bytes, at);
            }
        }
    }

    /// The text, with the control characters that JSON allows in strings escaped too.
    fn finish(&mut self) -> String {
        let text = std::mem::take(&mut self.out);
        if !text.contains(is_odd) {
            return text;
        }
        let mut escaped = String::with_capacity(text.len() + 16);
        for char in text.chars() {
            if is_odd(char) {
                escaped.push_str(&format!("\\u{:04x}", u32::from(char)));
            } else {
                escaped.push(char);
            }
        }
        escaped
    }
}

fn is_odd(char: char) -> bool {
    matches!(char, '\u{7f}'..='\u{9f}')
}
