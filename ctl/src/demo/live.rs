//! What an app says while it runs: `ready` once it has loaded, then a JSON object about once a second.

use serde::Deserialize;

/// Something that an app said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Live {
    /// It has loaded.
    Ready,
    /// It runs.
    Running(Now),
}

/// What an app runs at the moment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Now {
    /// Index of the sub-network.
    subnetwork: usize,
    cores: u32,
    /// Over the last second.
    p95_ms: Option<f64>,
}

impl Live {
    /// What `line` says; nothing if it is not understood.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "ready" => Some(Self::Ready),
            line => serde_json::from_str(line).ok().map(Self::Running),
        }
    }
}

impl Now {
    /// In words; `name` names a sub-network.
    pub(crate) fn text<'a>(&self, name: impl FnOnce(usize) -> &'a str) -> String {
        let Self {
            subnetwork,
            cores,
            p95_ms,
        } = *self;
        let plural = if cores == 1 { "" } else { "s" };
        let p95 = p95_ms.map_or_else(String::new, |p95| format!(", p95 {p95:.1} ms"));
        format!("{} on {cores} core{plural}{p95}", name(subnetwork))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_says_is_understood_or_passed_over() {
        let check = |line: &str, expect: Option<&str>| {
            let said = Live::parse(line).map(|live| match live {
                Live::Ready => "ready".into(),
                Live::Running(now) => now.text(|index| ["w25", "w50"][index]),
            });
            assert_eq!(said.as_deref(), expect, "{line}");
        };
        check("ready\n", Some("ready"));
        check(
            r#"{"subnetwork":1,"cores":2,"p95_ms":12.34}"#,
            Some("w50 on 2 cores, p95 12.3 ms"),
        );
        check(
            r#"{"subnetwork":0,"cores":1,"p95_ms":null}"#,
            Some("w25 on 1 core"),
        );
        check(r#"{"subnetwork":null,"cores":null,"p95_ms":null}"#, None);
        check("hello", None);
    }
}
