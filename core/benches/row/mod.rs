//! A row of a table of times, as people or as machines read it.

pub(crate) struct Row {
    what: String,
    /// In ms: median, 99th percentile.
    times: (f64, f64),
    /// The most that the 99th percentile may be.
    limit: Option<f64>,
}

impl Row {
    /// Of these times in ms, one at least, of which `what` says at what size they were taken.
    pub(crate) fn new(what: String, mut times: Vec<f64>, limit: Option<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1];
        Self {
            what,
            times: (at(0.5), at(0.99)),
            limit,
        }
    }

    /// The head of a table of times per `thing`.
    pub(crate) fn print_head(thing: &str) {
        let what = format!("ms per {thing}");
        println!("{what:<50} {:>9} {:>9} {:>7}", "median", "p99", "limit");
    }

    pub(crate) fn print(&self) {
        let (median, p99) = self.times;
        let limit = self.limit.map_or(String::new(), |limit| limit.to_string());
        println!("{:<50} {median:>9.3} {p99:>9.3} {limit:>7}", self.what);
    }

    pub(crate) fn json(&self, thing: &str) -> String {
        let p99 = self.times.1;
        let limit = self.limit.map_or("null".to_owned(), |limit| limit.to_string());
        let ok = self.limit.is_none_or(|limit| p99 <= limit);
        format!(
            r#"{{"what":"{thing}, p99: {}","value":{p99:.3},"op":"<=","limit":{limit},"unit":"ms","ok":{ok}}}"#,
            self.what
        )
    }
}
