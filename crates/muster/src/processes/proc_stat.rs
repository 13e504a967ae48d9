//! `/proc/PID/stat`, a line of the kernel about one process (proc_pid_stat(5)). Pure.

/// What we want of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stat {
    pub(super) pid: u32,
    /// Its program's name, at most 15 bytes; it may say anything.
    pub(super) name: String,
    /// `R` runs, `S` sleeps, `T` is stopped, `Z` is over and not yet reaped...
    pub(super) state: char,
    pub(super) parent: u32,
    /// The process that made its session; 0: one outside of what we see.
    pub(super) session: u32,
    /// Processor time of its own, in clock ticks.
    pub(super) ticks: u64,
    /// That of its children that ended, and theirs.
    pub(super) children_ticks: u64,
    /// Resident pages.
    pub(super) pages: u64,
}

/// Reads the line; `None` if it is none.
pub(super) fn parse(line: &str) -> Option<Stat> {
    // The name may have blanks and parentheses in it; after it, only numbers follow.
    let (pid, rest) = line.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Numbered as in the manual, where the state is the third.
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    let process = |at: usize| field(at)?.parse::<u32>().ok();
    // Waited-for times are signed in the kernel.
    let children = |at: usize| field(at)?.parse::<i64>().ok().map(|ticks| u64::try_from(ticks).unwrap_or(0));
    Some(Stat {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        state: field(3)?.chars().next()?,
        parent: process(4)?,
        session: process(6)?,
        ticks: number(14)?.saturating_add(number(15)?),
        children_ticks: children(16)?.saturating_add(children(17)?),
        pages: field(24)?.parse::<i64>().ok().map(|pages| u64::try_from(pages).unwrap_or(0))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "4242 (cat) R 4200 4242 4199 34816 4242 4194304 110 5 0 0 17 3 40 2 20 0 1 0 1234567 3133440 291 \
        18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    fn stat() -> Stat {
        Stat {
            pid: 4242,
            name: "cat".into(),
            state: 'R',
            parent: 4200,
            session: 4199,
            ticks: 20,
            children_ticks: 42,
            pages: 291,
        }
    }

    #[test]
    fn a_line_is_read() {
        assert_eq!(parse(LINE), Some(stat()));
    }

    #[test]
    fn a_name_that_looks_like_the_rest_does_not_shift_it() {
        for name in [") Z 1 1 1", "a b", "((", ") ", "x) R 1 ("] {
            let line = LINE.replacen("cat", name, 1);
            assert_eq!(parse(&line), Some(Stat { name: name.to_owned(), ..stat() }), "{name}");
        }
    }

    #[test]
    fn what_is_no_such_line_is_none() {
        for end in 0..LINE.rfind(" 18446744073709551615").unwrap() {
            assert!(parse(&LINE[..end]).is_none_or(|cut| cut.pages != 291 && cut.ticks == 20), "{end}");
        }
        assert_eq!(parse("x (y) z"), None);
        assert_eq!(parse(&LINE.replacen("4200", "-1", 1)), None);
    }

    #[test]
    fn our_own_line_is_read() {
        let line = std::fs::read_to_string("/proc/self/stat").unwrap();
        let stat = parse(&line).unwrap();
        assert!(stat.pid == std::process::id() && stat.pages > 0, "{stat:?}");
    }
}
