//! The best one-to-one assignment of rows to columns (Kuhn 1955, Munkres 1957).

/// For each row of a table its column, such that no two rows share one and the sum of the gains is the
/// largest; none for rows that no column is left for.
///
/// The Hungarian method with potentials, a shortest augmenting path a row: O(m³) for the longer side m.
///
/// # Panics
/// Where rows have other lengths.
pub fn best_assignment(gains: &[Vec<u32>]) -> Vec<Option<usize>> {
    let columns = gains.first().map_or(0, Vec::len);
    assert!(gains.iter().all(|row| row.len() == columns), "rows have one length");
    let size = gains.len().max(columns);
    let mut matching = Matching::new(size);
    for row in 0..size {
        matching.add(row, |row, column| {
            let gain = gains.get(row).and_then(|row| row.get(column));
            -i64::from(gain.copied().unwrap_or(0))
        });
    }
    let mut found = vec![None; gains.len()];
    for (column, row) in matching.rows.iter().enumerate().take(columns) {
        if let Some(place) = row.and_then(|row| found.get_mut(row)) {
            *place = Some(column);
        }
    }
    found
}

/// A matching of the rows so far that costs least, with potentials that prove it: a cost less its
/// row's and its column's potential is never negative, and 0 where they are matched.
struct Matching {
    /// The row of each column. One column more than there are is where a search begins.
    rows: Vec<Option<usize>>,
    row_potentials: Vec<i64>,
    column_potentials: Vec<i64>,
}

impl Matching {
    fn new(size: usize) -> Self {
        Self {
            rows: vec![None; size + 1],
            row_potentials: vec![0; size],
            column_potentials: vec![0; size + 1],
        }
    }

    /// Matches one row more, by the cheapest path along which others change their columns.
    fn add(&mut self, row: usize, cost: impl Fn(usize, usize) -> i64) {
        let start = self.row_potentials.len();
        let mut slack = vec![i64::MAX; start];
        let mut before = vec![start; start];
        let mut reached = vec![false; start + 1];
        let mut column = start;
        self.rows[start] = Some(row);
        while let Some(row) = self.rows[column] {
            reached[column] = true;
            let free = |other: &usize| !reached[*other];
            for other in (0..start).filter(free) {
                let potentials = self.row_potentials[row] + self.column_potentials[other];
                let reduced = (cost(row, other) - potentials, column);
                (slack[other], before[other]) = reduced.min((slack[other], before[other]));
            }
            let open = (0..start).filter(free);
            column = open.min_by_key(|&other| slack[other]).expect("as many columns as rows");
            self.lower(slack[column], &reached, &mut slack);
        }
        while column != start {
            self.rows[column] = self.rows[before[column]];
            column = before[column];
        }
        self.rows[start] = None;
    }

    /// Moves the potentials of what was reached, so that the nearest column costs nothing more.
    fn lower(&mut self, by: i64, reached: &[bool], slack: &mut [i64]) {
        for (column, row) in self.rows.iter().enumerate().filter(|(column, _)| reached[*column]) {
            self.column_potentials[column] -= by;
            self.row_potentials[row.expect("what was reached has a row")] += by;
        }
        let open = slack.iter_mut().zip(reached).filter(|(_, reached)| !**reached);
        open.for_each(|(slack, _)| *slack -= by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn gain(gains: &[Vec<u32>], assignment: &[Option<usize>]) -> u32 {
        let pairs = gains.iter().zip(assignment);
        pairs.filter_map(|(row, column)| Some(row[(*column)?])).sum()
    }

    /// The largest sum of all assignments that there are, rows that stay alone included.
    fn tried(gains: &[Vec<u32>], taken: &mut Vec<bool>) -> u32 {
        let Some((row, rest)) = gains.split_first() else { return 0 };
        let mut best = tried(rest, taken);
        for (column, gain) in row.iter().enumerate() {
            if !taken[column] {
                taken[column] = true;
                best = best.max(gain + tried(rest, taken));
                taken[column] = false;
            }
        }
        best
    }

    #[test]
    fn no_assignment_gains_more() {
        let mut stream = stream(2, Purpose::Test, 0, 0);
        for (rows, columns) in [(1, 1), (3, 3), (5, 5), (6, 4), (4, 6), (2, 7)] {
            for _ in 0..20 {
                let gains: Vec<Vec<u32>> = (0..rows)
                    .map(|_| (0..columns).map(|_| stream.below(9) as u32).collect())
                    .collect();
                let found = best_assignment(&gains);
                let mut columns_of: Vec<usize> = found.iter().copied().flatten().collect();
                assert_eq!(columns_of.len(), rows.min(columns), "all that can be is assigned");
                columns_of.sort_unstable();
                columns_of.dedup();
                assert_eq!(columns_of.len(), rows.min(columns), "no column twice: {found:?}");
                let best = tried(&gains, &mut vec![false; columns]);
                assert_eq!(gain(&gains, &found), best, "{gains:?}");
            }
        }
    }

    #[test]
    fn an_empty_table_has_no_assignment() {
        assert!(best_assignment(&[]).is_empty());
        assert_eq!(best_assignment(&[vec![], vec![]]), [None, None]);
    }
}
