//! Who may look at the pages and ask the API: accounts of people, each with one [`role`], and tokens for screens and programs. What is
//! kept of anything secret is a hash ([`secret`]). Nothing here reads a clock, a socket or the database.

pub mod attempts;
pub mod password;
pub mod role;
pub mod secret;
pub mod totp;
pub mod wrong;

use crate::limits::account::NAME_MAX_OCTETS;

/// What an account is called, as it is kept: in small letters, so that nobody is two by how it is typed.
///
/// # Errors
/// A sentence that says what a name is.
pub fn account_name(text: &str) -> Result<String, String> {
    let name = text.trim().to_lowercase();
    let good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    if name.chars().count() < 2 || name.len() > NAME_MAX_OCTETS || !name.chars().all(good) {
        return Err(format!(
            "a name has 2 letters at least and {NAME_MAX_OCTETS} bytes at most: letters, digits and . - _ @ +, for example kari.nordmann"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        assert_eq!(account_name(" Kari.Øygard@Oslo.no "), Ok("kari.øygard@oslo.no".to_owned()));
        for wrong in ["", "k", "to ord", "a\u{202e}b", "<b>", &"å".repeat(33)] {
            assert!(account_name(wrong).unwrap_err().contains("kari.nordmann"), "{wrong}");
        }
    }
}
