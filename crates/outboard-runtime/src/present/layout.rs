//! The children of the containers that have to be cut, found once and remembered.
//! Large containers are scanned to their end to count, but only the children that could ever
//! be shown are kept. The total of what is scanned is bounded, whatever the nesting.

use std::{collections::HashMap, rc::Rc};

use super::scan::{Child, children};

/// Children kept of one container at most.
const KEPT: usize = 200_000;
/// Objects of up to this many entries are kept whole whatever their size.
pub(super) const RECORD: usize = 1_000;
/// Bytes scanned in all, as a multiple of the text: nesting deeper than this stays closed.
const PASSES: usize = 6;

/// What one container holds.
#[derive(Debug)]
pub(super) struct Layout {
    /// The first children.
    pub(super) children: Vec<Child>,
    /// How many there are.
    pub(super) count: usize,
}

/// Remembers layouts by the place where the container opens.
pub(super) struct Layouts<'a> {
    text: &'a str,
    keep_bytes: usize,
    left: usize,
    known: HashMap<usize, Option<Rc<Layout>>>,
}

impl<'a> Layouts<'a> {
    pub(super) fn new(text: &'a str, keep_bytes: usize) -> Self {
        let left = text.len().saturating_mul(PASSES).max(1 << 20);
        Self { text, keep_bytes, left, known: HashMap::new() }
    }

    /// The layout of the container that opens at `at` and is `size` bytes long; `None` when too much
    /// has been scanned already.
    pub(super) fn get(&mut self, at: usize, size: usize) -> Option<Rc<Layout>> {
        if let Some(known) = self.known.get(&at) {
            return known.clone();
        }
        let found = self.left.checked_sub(size).map(|left| {
            self.left = left;
            Rc::new(self.scan(at))
        });
        self.known.insert(at, found.clone());
        found
    }

    fn scan(&self, at: usize) -> Layout {
        let mut layout = Layout { children: Vec::new(), count: 0 };
        for child in children(self.text.as_bytes(), at) {
            layout.count += 1;
            let near = child.value.start - at <= self.keep_bytes || layout.count <= RECORD;
            if near && layout.children.len() < KEPT {
                layout.children.push(child);
            }
        }
        layout
    }
}
