//! Serf's tables (`ryanuber/columnize`): cells between `|`, trimmed, columns two spaces apart, the last one not padded.

/// Lines of cells into aligned lines, without a final line break.
pub(super) fn columns(lines: &[String]) -> String {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('|').map(str::trim).collect()).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        for (nth, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if nth + 1 < row.len() {
                text.push_str(&format!("{cell:width$}  "));
            } else {
                text.push_str(&format!("{cell}\n"));
            }
        }
    }
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::columns;

    fn of(lines: &[&str]) -> String {
        columns(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn columns_are_aligned_and_cells_trimmed() {
        assert_eq!(of(&["a | b|", "longer|ö|c"]), "a       b  \nlonger  ö  c");
        assert_eq!(of(&["x|y|z", "only"]), "x     y  z\nonly");
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn a_separator_in_a_cell_begins_a_column_as_in_serf() {
        assert_eq!(of(&["a|b|c", "d"]), "a  b  c\nd");
    }
}
