//! A table, also for a terminal: columns aligned, names left, numbers right.

/// A table whose first column names its rows.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Header and rows, a line each.
    pub fn plain(&self) -> String {
        let rows = || [&self.header].into_iter().chain(&self.rows);
        let width = |column: usize| {
            rows().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let cell = |(column, cell): (usize, &String)| match (column, width(column).unwrap_or(0)) {
            (0, width) => format!("{cell:<width$}"),
            (_, width) => format!("  {cell:>width$}"),
        };
        let line = |row: &Vec<String>| {
            row.iter().enumerate().map(cell).collect::<String>().trim_end().to_owned()
        };
        rows().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The table as Markdown has it, below its title.
    pub fn markdown(&self) -> String {
        let cell = |cell: &String| cell.replace('|', "\\|");
        let line = |row: &Vec<String>| {
            format!("| {} |\n", row.iter().map(cell).collect::<Vec<_>>().join(" | "))
        };
        let rule = "|---".repeat(self.header.len());
        let rows: String = self.rows.iter().map(line).collect();
        format!("**{}**\n\n{}{rule}|\n{rows}", self.title, line(&self.header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 3]| cells.map(String::from).to_vec();
        let table = Table {
            title: "not shown".into(),
            header: row(["", "a", "longer"]),
            rows: vec![row(["one ± 1", "12 %", "3"]), row(["x", "-", ""])],
        };
        let expected = "            a  longer\none ± 1  12 %       3\nx           -";
        assert_eq!(table.plain(), expected);
        let expected = "**not shown**\n\n|  | a | longer |\n|---|---|---|\n| one ± 1 | 12 % | 3 |\n| x | - |  |\n";
        assert_eq!(table.markdown(), expected);
    }
}
