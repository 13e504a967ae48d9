//! A table for people. Pure.

use crate::text::printable;

/// Rows below their titles, columns two spaces apart, nothing behind the last. Whatever others wrote in a cell stays in it.
pub(super) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let titles: Vec<String> = titles.iter().map(|title| (*title).to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(&titles)
        .chain(rows)
        .map(|row| row.iter().map(|cell| printable(cell).into_owned()).collect())
        .collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..titles.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_nothing_hostile_leaves_its_cell() {
        let rows = [["a\u{1b}b", "1", ""], ["é", "22", "x"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = ["NAME      N   LAST", "a\\u{1b}b  1", "é         22  x", ""].join("\n");
        assert_eq!(table(&["NAME", "N", "LAST"], &rows), expected);
    }
}
