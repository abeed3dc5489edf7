//! Who else may have written to a clock.
//!
//! The kernel does not tell who wrote an attribute, so these are suspects, by what gives them away:
//! `nvpmodel` notes the mode that it set in a file, `jetson_clocks` sets the minimum to the highest clock and ends,
//! the others run for as long as they have a say.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::clock_domain::{ClockDomain, End};
use crate::kernel;

/// Programs that set clocks: the name of their process, which the kernel cuts after 15 characters, and theirs.
const PROGRAMS: [(&str, &str); 9] = [
    ("nvpmodel", "nvpmodel"),
    ("jetson_clocks", "jetson_clocks"),
    ("power-profiles-", "power-profiles-daemon"),
    ("thermald", "thermald"),
    ("tuned", "tuned"),
    ("tlp", "tlp"),
    ("auto-cpufreq", "auto-cpufreq"),
    ("gamemoded", "gamemode"),
    ("system76-power", "system76-power"),
];

const NVPMODEL: &str = "var/lib/nvpmodel/status";
const TEGRA: &str = "etc/nv_tegra_release";

/// Who may have written to `domain` of the board below `root` since `written`; `None` if nobody comes to mind.
pub(crate) fn suspect(root: &Path, domain: &ClockDomain, written: Option<SystemTime>) -> Option<String> {
    if let (Some(written), Ok(noted)) = (written, fs::metadata(root.join(NVPMODEL)))
        && noted.modified().is_ok_and(|noted| noted > written)
    {
        return Some("nvpmodel".into());
    }
    if root.join(TEGRA).exists() && is_pinned_high(root, domain) {
        return Some("jetson_clocks".into());
    }
    let mut running = running(root);
    running.sort_unstable();
    running.dedup();
    (!running.is_empty()).then(|| running.join(" or "))
}

/// True if the clock can only be the highest.
fn is_pinned_high(root: &Path, domain: &ClockDomain) -> bool {
    let read = |path: std::path::PathBuf| kernel::number(&root.join(path)).ok();
    let (min, max) = (read(domain.attribute(End::Min)), read(domain.attribute(End::Max)));
    let highest = domain.limit(End::Max).map_or(max, read);
    min.is_some() && min == max && max == highest
}

fn running(root: &Path) -> Vec<&'static str> {
    let processes = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let program = |process: fs::DirEntry| {
        process.file_name().to_str()?.parse::<u32>().ok()?;
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        let (_, program) = PROGRAMS.iter().find(|(comm, _)| *comm == name.trim_end())?;
        Some(*program)
    };
    processes.filter_map(program).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock_domain::Subsystem;

    #[test]
    fn suspects_are_known_by_what_gives_them_away() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let cpu = ClockDomain::new(Subsystem::Cpufreq, "policy0".into());
        let who = |written| suspect(root.path(), &cpu, written);
        let long_ago = Some(SystemTime::UNIX_EPOCH);
        let later = Some(SystemTime::now() + Duration::from_secs(3600));

        assert_eq!(who(long_ago), None);
        put("proc/17/comm", "bash\n");
        put("proc/self/comm", "thermald\n");
        assert_eq!(who(long_ago), None);
        put("proc/18/comm", "power-profiles-\n");
        assert_eq!(who(long_ago).as_deref(), Some("power-profiles-daemon"));
        put("proc/19/comm", "tuned\n");
        assert_eq!(who(long_ago).as_deref(), Some("power-profiles-daemon or tuned"));

        put("policy0/scaling_min_freq", "1479000\n");
        put("policy0/scaling_max_freq", "1479000\n");
        put("policy0/cpuinfo_max_freq", "1479000\n");
        assert_ne!(who(later).as_deref(), Some("jetson_clocks"), "this is no Jetson");
        put(TEGRA, "# R32\n");
        assert_eq!(who(later).as_deref(), Some("jetson_clocks"));
        put(NVPMODEL, "pmode:0002\n");
        assert_eq!(who(long_ago).as_deref(), Some("nvpmodel"));
        assert_eq!(who(later).as_deref(), Some("jetson_clocks"));
        put("policy0/scaling_min_freq", "102000\n");
        assert_eq!(who(None).as_deref(), Some("power-profiles-daemon or tuned"));
    }
}
