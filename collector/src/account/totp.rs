//! The second factor: six digits that a telephone shows, by a secret both know and the time (RFC 6238 with its usual numbers: SHA-1, thirty
//! seconds), and the codes for who has lost the telephone.

use aws_lc_rs::hmac;
use varde_common::time::Timestamp;
use varde_common::trust::sha256;

use super::secret::Secret;

/// Octets of the secret, as RFC 4226 asks for.
pub const TOTP_OCTETS: usize = 20;
/// Letters of base32 it is written in.
const TOTP_LETTERS: usize = TOTP_OCTETS * 8 / 5;
/// Microseconds of a step.
const STEP: i64 = 30_000_000;
/// Steps that a telephone's clock may be off, to either side.
const AROUND: i64 = 1;
/// Recovery codes that are given at once.
pub const RECOVERY_CODES: usize = 10;
/// Letters of one: 50 bits, and each wrong one counts as an attempt.
const RECOVERY_LETTERS: usize = 10;
/// RFC 4648.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What both know.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; TOTP_OCTETS]);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret")
    }
}

fn base32(octets: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for octet in octets {
        held = (held << 8 | u32::from(*octet)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let letter = ALPHABET.get((held >> bits & 31) as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
    }
    if bits > 0 {
        let letter = ALPHABET.get((held << (5 - bits) & 31) as usize).copied().unwrap_or(b'A');
        text.push(char::from(letter));
    }
    text
}

impl TotpSecret {
    /// Of octets that were drawn.
    pub fn of(drawn: &Secret) -> TotpSecret {
        let hash = sha256(&[b"varde-totp-1\n".as_slice(), &drawn.hash()].concat());
        let mut octets = [0; TOTP_OCTETS];
        octets.iter_mut().zip(hash).for_each(|(octet, drawn)| *octet = drawn);
        TotpSecret(octets)
    }

    /// As it is kept.
    pub fn from_octets(octets: &[u8]) -> Option<TotpSecret> {
        Some(TotpSecret(octets.try_into().ok()?))
    }

    /// As it is kept.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// As it is written in base32, for who cannot read the square.
    pub fn text(&self) -> String {
        base32(&self.0)
    }

    /// As it was written; spaces and small letters are as good.
    pub fn read(text: &str) -> Option<TotpSecret> {
        let (mut octets, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        let letters = || text.bytes().filter(|c| *c != b' ');
        if letters().take(TOTP_LETTERS + 1).count() != TOTP_LETTERS {
            return None;
        }
        for c in letters() {
            let place = ALPHABET.iter().position(|letter| *letter == c.to_ascii_uppercase())?;
            held = (held << 5 | u32::try_from(place).ok()?) & 0xfff;
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                octets.push(u8::try_from(held >> bits & 0xff).ok()?);
            }
        }
        TotpSecret::from_octets(&octets)
    }

    /// What a telephone reads from the square.
    pub fn address(&self, name: &str) -> String {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("otpauth://totp/Varde:{name}?secret={}&issuer=Varde&algorithm=SHA1&digits=6&period=30", self.text())
    }

    fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let from = usize::from(tag.last().copied().unwrap_or(0) & 15);
        let four: [u8; 4] = tag.get(from..from + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    }

    /// The step whose code this is, if it is one of now and newer than the newest that was taken: none is taken twice.
    pub fn step(&self, code: &str, newest: i64, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let (code, step) = (code.parse::<u32>().ok()?, now.0.div_euclid(STEP));
        (step - AROUND..=step + AROUND).find(|step| *step > newest && self.code(*step) == code)
    }

    /// The code of a moment, as a telephone shows it.
    pub fn code_at(&self, now: Timestamp) -> String {
        format!("{:06}", self.code(now.0.div_euclid(STEP)))
    }
}

/// A recovery code: ten letters, a dash in the middle.
pub fn recovery_code(drawn: &Secret) -> String {
    let letters = base32(&sha256(&[b"varde-recovery-1\n".as_slice(), &drawn.hash()].concat())).to_ascii_lowercase();
    let letters: String = letters.chars().take(RECOVERY_LETTERS).collect();
    let (one, other) = letters.split_at(RECOVERY_LETTERS / 2);
    format!("{one}-{other}")
}

/// What is kept of a recovery code, however it is typed; none where it has not the form of one.
pub fn recovery_hash(text: &str) -> Option<[u8; 32]> {
    let letters: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').take(RECOVERY_LETTERS + 1).collect();
    let letters = letters.to_ascii_lowercase();
    (letters.len() == RECOVERY_LETTERS).then(|| sha256(letters.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        let secret = TotpSecret(*b"12345678901234567890");
        assert_eq!(secret.text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.code_at(Timestamp(seconds * 1_000_000)), code, "{seconds}");
        }
    }

    #[test]
    fn w3_a_code_is_good_for_its_time_and_once() {
        let secret = TotpSecret::of(&Secret::new([3; 32]));
        let at = |seconds: i64| Timestamp(1_800_000_000_000_000 + seconds * 1_000_000);
        let code = secret.code_at(at(0));
        let step = secret.step(&code, 0, at(0)).unwrap();
        assert_eq!(secret.step(&format!(" {} {}", &code[..3], &code[3..]), 0, at(29)), Some(step));
        assert_eq!(secret.step(&code, 0, at(59)), Some(step), "a telephone that is late");
        assert_eq!(secret.step(&code, 0, at(60)), None);
        assert_eq!(secret.step(&code, step, at(0)), None, "taken");
        for wrong in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
            assert_eq!(secret.step(wrong, 0, at(0)), None);
        }
        assert_eq!(TotpSecret::read(&secret.text().to_lowercase()), Some(secret.clone()));
        for wrong in ["", "A", "1", &"A".repeat(33), &"Å".repeat(32)] {
            assert_eq!(TotpSecret::read(wrong), None, "{wrong}");
        }
        assert!(secret.address("kari å").starts_with("otpauth://totp/Varde:kari+%C3%A5?secret="));
    }

    #[test]
    fn w3_a_recovery_code_is_known_however_it_is_typed() {
        let code = recovery_code(&Secret::new([3; 32]));
        assert!(code.len() == 11 && code.as_bytes()[5] == b'-', "{code}");
        assert_eq!(recovery_hash(&code.replace('-', " ").to_uppercase()), recovery_hash(&code));
        assert_ne!(recovery_hash(&recovery_code(&Secret::new([4; 32]))), recovery_hash(&code));
        assert_eq!((recovery_hash("123456"), recovery_hash(&"a".repeat(11))), (None, None));
    }
}
