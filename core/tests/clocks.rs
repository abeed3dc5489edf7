//! What the controller asks of the clocks, and what it tells of them.

use dynd_core::{Controller, Input};
use dynd_vocab::{
    Actuated, Actuation, BoardDescription, ClockBounds, ClockState, CpuSet, Hertz, Hold, Policy, Processor,
    ProcessorKind, ProcessorName, ProcessorRule, Restore, Role, Setting, Timestamp,
};

const NOW: Timestamp = Timestamp::from_nanos(1);

fn board() -> BoardDescription {
    let processor = |name: &str, role, cpus| Processor {
        name: name.into(),
        kind: ProcessorKind::Cpu,
        role,
        cpus,
        capacity: 1024,
        opps: Vec::new(),
    };
    BoardDescription {
        processors: vec![
            processor("little", Role::Little, CpuSet::single(0)),
            processor("big", Role::Big, CpuSet::single(1)),
        ],
        ..BoardDescription::default()
    }
}

fn at_most(mhz: u64) -> ClockBounds {
    ClockBounds {
        min: None,
        max: Some(Hertz::from_khz(mhz * 1000)),
    }
}

fn policy(bounds: ClockBounds) -> Policy {
    Policy {
        processors: vec![ProcessorRule {
            processor: ProcessorName::Role(Role::Big),
            clocks: Some(bounds),
        }],
        ..Policy::default()
    }
}

#[test]
fn the_setting_is_told_once_per_policy() {
    let mut quiet = Controller::new(board(), Policy::default(), 1);
    assert_eq!(
        quiet.step(NOW, Input::Tick).setting,
        None,
        "nothing is asked of a fresh install"
    );

    let mut controller = Controller::new(board(), policy(at_most(1400)), 1);
    let first = controller.step(NOW, Input::Tick);
    let expect = Setting {
        clocks: vec![ClockBounds::NONE, at_most(1400)],
        restore: Restore::OnExit,
        ..Setting::default()
    };
    assert_eq!(first.setting, Some(expect));
    assert_eq!(
        (first.wake_at, first.sample_every),
        (None, None),
        "clocks need no waking"
    );
    assert_eq!(controller.step(NOW, Input::Tick).setting, None);
    let left = controller.step(NOW, Input::Policy(Policy::default())).setting;
    assert_eq!(left, Some(Setting::default()));
}

#[test]
fn a_change_is_told_once_and_shown_for_as_long_as_it_lasts() {
    let mut controller = Controller::new(board(), policy(at_most(1400)), 1);
    let mut tell = |bounds, hold: Hold| -> Vec<String> {
        let answers = Actuated {
            clocks: vec![Actuation::default(), Actuation { bounds, hold }],
            ..Actuated::default()
        };
        let events = controller.step(NOW, Input::Actuated(answers)).events;
        events.iter().map(ToString::to_string).collect()
    };
    let throttled = || Hold::Throttled {
        by: "cpufreq-cpu4".into(),
    };
    let held = "the clock of big is held at 1400 MHz or less (cause: policy)";
    assert_eq!(tell(at_most(1400), Hold::Held), [held]);
    assert!(tell(at_most(1400), Hold::Held).is_empty());
    assert_eq!(
        tell(at_most(1000), throttled()),
        ["the clock of big is throttled at 1000 MHz or less (cause: cpufreq-cpu4 cools the board)"]
    );
    assert!(
        tell(at_most(600), throttled()).is_empty(),
        "not at every step of the heat"
    );
    assert_eq!(tell(at_most(1400), Hold::Held), [held]);
    let contested = Hold::Contested {
        by: Some("nvpmodel".into()),
        change: "max_freq reads 7".into(),
    };
    assert_eq!(
        tell(at_most(2000), contested),
        ["the clock of big is contested at 2000 MHz or less (cause: max_freq reads 7; perhaps by nvpmodel)"]
    );

    let shown: Vec<_> = controller
        .board()
        .processors
        .into_iter()
        .map(|processor| processor.clocks.unwrap())
        .collect();
    assert_eq!(
        [shown[0].state, shown[1].state],
        [ClockState::Left, ClockState::Contested]
    );
    assert_eq!(shown[1].max_khz, Some(2_000_000));
    assert_eq!(
        shown[1].reason.as_deref(),
        Some("max_freq reads 7; perhaps by nvpmodel")
    );
}

#[test]
fn a_contested_clock_can_be_released_and_no_other() {
    let mut controller = Controller::new(board(), policy(at_most(1400)), 1);
    let asked = controller.step(NOW, Input::Tick).setting.unwrap();
    let refused = |controller: &Controller, name| controller.contested(name).unwrap_err().to_string();
    assert_eq!(
        refused(&controller, "gpu"),
        "the board has no processor 'gpu'; it has little, big"
    );
    assert_eq!(
        refused(&controller, "big"),
        "the clock of big is not contested, but left alone, as the policy asks nothing of it"
    );
    let contested = Hold::Contested {
        by: None,
        change: "max_freq reads 7".into(),
    };
    for (hold, expect) in [(Hold::Held, None), (contested, Some(1))] {
        let clocks = vec![
            Actuation::default(),
            Actuation {
                bounds: at_most(1400),
                hold,
            },
        ];
        let actuated = Actuated {
            setting: asked.clone(),
            clocks,
            apps: vec![],
        };
        controller.step(NOW, Input::Actuated(actuated));
        assert_eq!(controller.contested("big").ok(), expect);
    }
    let anew = controller.step(NOW, Input::Release(1)).setting.unwrap();
    assert_eq!(anew.clocks, asked.clocks);
    assert_eq!((anew.releases_of(0), anew.releases_of(1)), (0, 1));
}
