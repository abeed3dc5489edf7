//! Golden text of every refusal.
//!
//! `tests/bad/KIND.txt` holds cases of the form
//!
//! ```text
//! ==== what the case is about
//! TOML
//! ---- what is printed
//! FILE:LINE:COLUMN: …
//! ```
//!
//! `DYND_BLESS=1 cargo test -p dynd-files` rewrites what is printed; read the difference before committing it.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;

use dynd_files::{FileError, parse_board, parse_manifest, parse_policy};
use dynd_vocab::{BoardDescription, CpuSet, Hertz, Processor, ProcessorKind, Role};

fn check(kind: &str, parse: impl Fn(&str) -> Result<(), FileError>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/bad")
        .join(kind)
        .with_extension("txt");
    let corpus = std::fs::read_to_string(&path).unwrap();
    let mut now = String::new();
    for case in corpus.split("==== ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let (text, _) = rest.split_once("---- what is printed\n").unwrap_or((rest, ""));
        let printed = match parse(text) {
            Ok(()) => "nothing: it is valid".to_string(),
            Err(error) => error.to_string(),
        };
        write!(now, "==== {title}\n{text}---- what is printed\n{printed}\n").unwrap();
    }
    if std::env::var_os("DYND_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
        return;
    }
    for (now, golden) in now.split("==== ").zip(corpus.split("==== ")) {
        assert_eq!(now, golden, "\nnow:\n{now}\ngolden:\n{golden}");
    }
    assert_eq!(now, corpus);
}

fn board() -> BoardDescription {
    let cluster = |name: &str, role, cpus: &str| Processor {
        name: name.into(),
        kind: ProcessorKind::Cpu,
        role,
        cpus: cpus.parse::<CpuSet>().unwrap(),
        capacity: 1024,
        opps: [200_000, 1_400_000].map(Hertz::from_khz).to_vec(),
    };
    let processors = vec![
        cluster("little", Role::Little, "0-3"),
        cluster("big", Role::Big, "4-5"),
    ];
    BoardDescription {
        name: "two clusters".into(),
        processors,
        ..BoardDescription::default()
    }
}

#[test]
fn policies() {
    check("policy", |text| {
        parse_policy(Path::new("bad.toml"), text, None).map(drop)
    });
}

#[test]
fn policies_for_a_board() {
    check("policy-on-board", |text| {
        parse_policy(Path::new("bad.toml"), text, Some(&board())).map(drop)
    });
}

#[test]
fn manifests() {
    check("manifest", |text| {
        parse_manifest(Path::new("bad/model.toml"), text).map(drop)
    });
}

#[test]
fn boards() {
    check("board", |text| parse_board(Path::new("bad.toml"), text).map(drop));
}
