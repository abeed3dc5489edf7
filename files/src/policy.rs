//! Policy files.

use std::path::Path;

use dynd_vocab::{
    BoardDescription, Celsius, CpuSet, Objective, Policy, PowerGrade, ProcessorRule, Restore, Watts,
};

use crate::error::FileError;
use crate::fault::Fault;
use crate::field::{Field, fields};
use crate::source::{Source, read};
use crate::{physical, processor_rule, rule};

const KEYS: [&str; 8] = [
    "objective",
    "power-budget",
    "temperature-limit",
    "require-measured",
    "reserve-cpus",
    "restore",
    "processor",
    "app",
];

/// Part of the format, but not of what this version does.
const UNSUPPORTED: [&str; 2] = ["when", "test"];
const UNSUPPORTED_OBJECTIVES: [&str; 1] = ["balanced"];

/// More rules than anyone writes; keeps the search for rules that never apply short.
const MOST_RULES: usize = 1000;

/// Budgets in watts: below no board runs, above none of ours comes near.
const BUDGETS: std::ops::RangeInclusive<f64> = 0.1..=10_000.0;

/// Limits in °C: below a board at rest is hotter, above no silicon works.
const LIMITS: std::ops::RangeInclusive<f64> = 30.0..=125.0;

const CPUS_HELP: &str = "write CPU numbers and ranges such as \"0\" or \"0-1,4\"";

/// Reads the policy file at `path`. With a `board`, the CPUs and processors it names must be there; without
/// one they only need to be plausible.
///
/// # Errors
/// If the file cannot be read, or says something that does not hold.
pub fn load_policy(path: &Path, board: Option<&BoardDescription>) -> Result<Policy, FileError> {
    parse_policy(path, &read(path)?, board)
}

/// Like [`load_policy`] for a text already read; `path` only names it in messages. Reads `/etc/passwd` where
/// a rule matches a user by name.
///
/// # Errors
/// If the text says something that does not hold.
pub fn parse_policy(path: &Path, text: &str, board: Option<&BoardDescription>) -> Result<Policy, FileError> {
    let source = Source { path, text };
    policy(source, board).map_err(|fault| source.explain(fault))
}

fn policy(source: Source<'_>, board: Option<&BoardDescription>) -> Result<Policy, Fault> {
    let tree = source.tree()?;
    let mut policy = Policy::default();
    let mut measured = None;
    for field in fields(tree.get_ref()) {
        match field.key {
            "objective" => policy.objective = objective(&field)?,
            "power-budget" => policy.power_budget = Some(power_budget(&field)?),
            "temperature-limit" => policy.temperature_limit = Some(temperature_limit(&field)?),
            "require-measured" => {
                policy.power_grade = power_grade(&field)?;
                measured = Some(field);
            }
            "reserve-cpus" => policy.reserve_cpus = reserve_cpus(&field, board)?,
            "restore" => policy.restore = restore(&field)?,
            "processor" => policy.processors = processors(&field, board)?,
            "app" => policy.apps = apps(&field, board)?,
            key if UNSUPPORTED.contains(&key) => return Err(field.unsupported_key()),
            _ => return Err(field.unknown_key(&KEYS)),
        }
    }
    match measured {
        Some(field) if policy.power_budget.is_none() => Err(Fault::new(
            field.key_span,
            "require-measured is given, but there is no power-budget to be kept by measured power",
        )
        .help("add a line such as power-budget = \"8 W\", or remove this one")),
        _ => Ok(policy),
    }
}

/// What a board may draw.
pub(crate) fn power_budget(field: &Field<'_>) -> Result<Watts, Fault> {
    let budget = physical::power(field)?;
    if BUDGETS.contains(&budget.get()) {
        Ok(budget)
    } else {
        Err(field.fault(format!(
            "{} must be from {} W to {} W",
            field.key,
            BUDGETS.start(),
            BUDGETS.end()
        )))
    }
}

/// How hot a board may get.
pub(crate) fn temperature_limit(field: &Field<'_>) -> Result<Celsius, Fault> {
    let limit = physical::temperature(field)?;
    if LIMITS.contains(&limit.get()) {
        Ok(limit)
    } else {
        Err(field.fault(format!(
            "{} must be from {} °C to {} °C",
            field.key,
            LIMITS.start(),
            LIMITS.end()
        )))
    }
}

fn power_grade(field: &Field<'_>) -> Result<PowerGrade, Fault> {
    Ok(match field.flag()? {
        true => PowerGrade::Measured,
        false => PowerGrade::Estimated,
    })
}

fn objective(field: &Field<'_>) -> Result<Objective, Fault> {
    let name = field.text()?;
    if UNSUPPORTED_OBJECTIVES.contains(&name) {
        let known = Objective::ALL.map(Objective::label).join(", ");
        return Err(field
            .fault(format!(
                "this version does not support the objective \"{name}\" yet"
            ))
            .help(format!("known objectives: {known}")));
    }
    Objective::ALL
        .into_iter()
        .find(|objective| objective.label() == name)
        .ok_or_else(|| {
            Fault::unknown(
                field.span.clone(),
                "objective",
                name,
                &Objective::ALL.map(Objective::label),
            )
        })
}

fn reserve_cpus(field: &Field<'_>, board: Option<&BoardDescription>) -> Result<CpuSet, Fault> {
    let text = field.text().map_err(|fault| fault.help(CPUS_HELP))?;
    let reserved: CpuSet = text
        .parse()
        .map_err(|error| field.fault(format!("{}: {error}", field.key)).help(CPUS_HELP))?;
    let Some(board) = board else {
        return Ok(reserved);
    };
    let cpus = board.cpus();
    let absent = reserved.difference(cpus);
    if !absent.is_empty() {
        return Err(field
            .fault(format!("this board has no CPU {absent}"))
            .help(format!("the CPUs of this board: {cpus}")));
    }
    if cpus.difference(reserved).is_empty() {
        return Err(field
            .fault("reserve-cpus leaves no CPU for inference")
            .help(format!("the CPUs of this board: {cpus}")));
    }
    Ok(reserved)
}

fn restore(field: &Field<'_>) -> Result<Restore, Fault> {
    let name = field.text()?;
    Restore::ALL
        .into_iter()
        .find(|restore| restore.label() == name)
        .ok_or_else(|| {
            Fault::unknown(
                field.span.clone(),
                "value",
                name,
                &Restore::ALL.map(Restore::label),
            )
        })
}

fn processors(field: &Field<'_>, board: Option<&BoardDescription>) -> Result<Vec<ProcessorRule>, Fault> {
    let tables = field
        .fields()
        .map_err(|fault| fault.help("start each rule with a line such as [processor.big]"))?;
    tables
        .iter()
        .map(|table| processor_rule::read(table, board))
        .collect()
}

fn apps(field: &Field<'_>, board: Option<&BoardDescription>) -> Result<Vec<dynd_vocab::AppRule>, Fault> {
    let items = field
        .items()
        .map_err(|fault| fault.help("start each rule with a line [[app]]"))?;
    if let Some(item) = items.get(MOST_RULES) {
        return Err(item.fault(format!("more than {MOST_RULES} rules")));
    }
    let mut rules: Vec<rule::Placed> = Vec::with_capacity(items.len());
    for item in &items {
        let placed = rule::read(item, board)?;
        if let Some(earlier) = rules.iter().find(|earlier| earlier.hides(&placed)) {
            return Err(Fault::new(
                placed.match_span,
                "this rule never applies: every app it matches is taken before by the rule that matches",
            )
            .first(&earlier.match_span)
            .help("the first rule that matches wins: put the narrower one first, or remove one"));
        }
        rules.push(placed);
    }
    Ok(rules.into_iter().map(|placed| placed.rule).collect())
}
