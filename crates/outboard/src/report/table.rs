//! Rows in aligned columns, a line each. Widths are counted in characters; what is printed must have been escaped
//! before, and nothing is cut.

use anstyle::Style;

use super::line;

/// One cell: its text, the side it keeps to, and its colour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    right: bool,
    style: Style,
}

impl Cell {
    /// A cell that begins at its column.
    pub(crate) fn left(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A cell that ends at its column's end: a number.
    pub(crate) fn right(text: impl Into<String>) -> Self {
        Self { text: text.into(), right: true, ..Self::default() }
    }

    /// The same with this style, which has to mean something.
    pub(crate) fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// Rows to be printed together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    indent: usize,
    least: Vec<usize>,
}

impl Table {
    /// A table whose lines are set in.
    pub(crate) fn indented(indent: usize) -> Self {
        Self { indent, ..Self::default() }
    }

    /// The same with columns that are at least so wide: for rows that are printed as they become known.
    pub(crate) fn least(self, widths: impl IntoIterator<Item = usize>) -> Self {
        Self { least: widths.into_iter().collect(), ..self }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints all rows.
    pub(crate) fn print(&self) {
        for text in self.lines() {
            line(text);
        }
    }

    fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        self.rows.iter().map(|row| self.laid_out(row, &widths)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = self.least.clone();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        widths
    }

    fn laid_out(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut text = " ".repeat(self.indent);
        // Padding is owed until something follows, so that no line ends in spaces.
        let mut owed = 0;
        for (cell, width) in row.iter().zip(widths) {
            let room = width - cell.text.chars().count();
            let (before, after) = if cell.right { (room, 0) } else { (0, room) };
            owed += before;
            if !cell.text.is_empty() {
                text.extend(std::iter::repeat_n(' ', owed));
                owed = 0;
                text.push_str(&format!("{}{}{:#}", cell.style, cell.text, cell.style));
            }
            owed += after + 2;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_spaces() {
        let mut table = Table::indented(1);
        table.row([Cell::left("upstream"), Cell::right("tools"), Cell::left("state")]);
        table.row([Cell::left("a"), Cell::right("93"), Cell::left("ready")]);
        table.row([Cell::left("na\u{ef}ve"), Cell::right(""), Cell::left("")]);
        table.row([Cell::left(""), Cell::right("1")]);
        assert_eq!(
            table.lines(),
            [" upstream  tools  state", " a            93  ready", " na\u{ef}ve", "               1"]
        );
    }
}
