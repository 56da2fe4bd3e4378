//! In which county a municipality lies: the first two digits of its number say so (the 15 counties of 2024).

/// Counties by the digits with which their municipalities' numbers begin, as they stand in the register.
pub const COUNTIES: [(&str, &str); 15] = [
    ("03", "Oslo"),
    ("11", "Rogaland"),
    ("15", "Møre og Romsdal"),
    ("18", "Nordland"),
    ("31", "Østfold"),
    ("32", "Akershus"),
    ("33", "Buskerud"),
    ("34", "Innlandet"),
    ("39", "Vestfold"),
    ("40", "Telemark"),
    ("42", "Agder"),
    ("46", "Vestland"),
    ("50", "Trøndelag"),
    ("55", "Troms"),
    ("56", "Finnmark"),
];

/// The digits and name of the county that a member's number lies in; none for what is no municipality (a company, an earlier county). A
/// county's own number has its two digits alone.
pub fn of(number: &str) -> Option<(&'static str, &'static str)> {
    let is_one = matches!(number.len(), 2 | 4) && number.bytes().all(|byte| byte.is_ascii_digit());
    COUNTIES.into_iter().find(|(digits, _)| is_one && number.starts_with(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::asset::TILE_GRID;

    #[test]
    fn every_municipality_lies_in_one_and_companies_in_none() {
        let grid: serde_json::Value = serde_json::from_str(TILE_GRID).unwrap();
        for tile in grid["tiles"].as_array().unwrap() {
            let number = tile["kommunenummer"].as_str().unwrap();
            assert!(of(number).is_some(), "{number} lies nowhere");
        }
        assert_eq!(of("5636").map(|(_, name)| name), Some("Finnmark"));
        assert_eq!(of("34").map(|(_, name)| name), Some("Innlandet"));
        for none in ["987654321", "2100", "0", "", "03x1"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
