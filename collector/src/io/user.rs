//! Who does something: the person at a page for whom the running collector does it, else who runs the command, by the kernel's word: the
//! user of the process, and who logged in where that is somebody else (sudo).

use std::fs;
use std::os::unix::fs::MetadataExt;

/// What the kernel says of a session in which nobody has logged in (proc(5), `loginuid`).
const NOBODY: u32 = u32::MAX;

tokio::task_local! {
    static PERSON: String;
}

/// Does something in the name of a person at a page, as the audit names one ([`crate::io::gate::Who::audited`]).
pub async fn in_the_name_of<T>(person: String, doing: impl Future<Output = T>) -> T {
    PERSON.scope(person, doing).await
}

/// Whether it is a person at a page for whom something is done: nobody reads what the process writes.
pub fn is_at_a_page() -> bool {
    PERSON.try_with(|_| ()).is_ok()
}

/// Who does it: the person at a page, or who runs this process: `kari`, or `root (logged in as kari)`.
pub fn who() -> String {
    if let Ok(person) = PERSON.try_with(Clone::clone) {
        return person;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    // `/proc/self` belongs to the user of the process.
    let user = fs::metadata("/proc/self").ok().map(|process| process.uid());
    let login = fs::read_to_string("/proc/self/loginuid").ok().and_then(|uid| uid.trim().parse().ok());
    in_words(user, login, &users)
}

fn in_words(user: Option<u32>, login: Option<u32>, users: &str) -> String {
    let Some(user) = user else { return "a user the system does not name".to_owned() };
    let named = name(user, users);
    match login.filter(|login| *login != NOBODY && *login != user) {
        Some(login) => format!("{named} (logged in as {})", name(login, users)),
        None => named,
    }
}

/// The name of a user, out of passwd(5); one that is not there (a directory service) goes by its number.
fn name(uid: u32, users: &str) -> String {
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then_some(name)
    });
    named.map_or_else(|| format!("uid {uid}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w2_whoever_uses_sudo_is_named_all_the_same() {
        let users = "root:x:0:0:root:/:/bin/sh\nkari:x:1000:1000::/:/bin/sh\nbroken\n";
        assert_eq!(in_words(Some(1000), Some(1000), users), "kari");
        assert_eq!(in_words(Some(0), Some(1000), users), "root (logged in as kari)");
        assert_eq!(in_words(Some(0), Some(NOBODY), users), "root", "a service");
        assert_eq!(in_words(Some(4711), None, users), "uid 4711");
        assert!(!who().is_empty());
    }
}
