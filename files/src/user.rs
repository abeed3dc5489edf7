//! Users by name, from the text of `/etc/passwd`.

use std::fs;

use crate::fault::Fault;
use crate::field::Field;
use crate::suggestion::quoted;

const PASSWD: &str = "/etc/passwd";

/// The number of the user that `field` gives by number or by name.
pub(crate) fn uid(field: &Field<'_>) -> Result<u32, Fault> {
    if !field.is_text() {
        // The highest number is the kernel's "no user".
        return Ok(field.integer_within(0, i64::from(u32::MAX) - 1)? as u32);
    }
    let name = field.name()?;
    if let Some(uid) = name.parse().ok().filter(|&uid| uid != u32::MAX) {
        return Ok(uid);
    }
    let passwd = fs::read_to_string(PASSWD).unwrap_or_default();
    find(&passwd, name).ok_or_else(|| {
        field
            .fault(format!("this machine has no user {} in {PASSWD}", quoted(name)))
            .help("give the user's number where the name comes from elsewhere")
    })
}

fn find(passwd: &str, name: &str) -> Option<u32> {
    passwd.lines().find_map(|line| {
        let mut columns = line.split(':');
        (columns.next() == Some(name))
            .then(|| columns.nth(1)?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\nbad\nvid:x:\nvideo:x:44:44::/:/usr/sbin/nologin\n";
        let check = |name, expect| assert_eq!(find(passwd, name), expect, "{name}");
        check("root", Some(0));
        check("video", Some(44));
        check("vid", None);
        check("bad", None);
        check("x", None);
    }
}
