//! Promise B6: of what is hidden in traffic in bulk every hit is found and named with the right host and evidence, no decoy
//! and nothing else.

use anyhow::Result;
use varde_tests::bulk::listed::{Listed, Size};
use varde_tests::bulk::play::{Kind, Order, play};
use varde_tests::bulk::verdict::verdict;
use varde_tests::programs::{Which, run};

#[test]
fn b6_every_hidden_hit_is_found_no_decoy_and_nothing_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (kind, seed) in [(Kind::Mix, 11), (Kind::Dns, 12)] {
        let listed = Listed::drawn(seed, Size::TEN_THOUSAND);
        let list = folder.path().join("list");
        listed.write(&list, Size::TEN_THOUSAND)?;
        let made = play(&Order { kind, packets: 40_000, seed, folder: folder.path().to_owned() }, &listed)?;
        let words = ["inspect", "--json", "--indicators"].map(Into::into);
        let arguments = words.into_iter().chain([list.into_os_string(), made.capture.into_os_string()]);
        let said = run(Which::Agent, arguments)?.ok()?;
        assert!(said.err.contains(&format!("packets {},", made.packets)), "{}", said.err);
        let verdict = verdict(&made.oracle, &said.out)?;
        for (class, (found, planted)) in &verdict.classes {
            assert!(*planted > 0 && found == planted, "{class}: {found} of {planted}, seed {seed}");
        }
        assert_eq!(verdict.decoys, Vec::<String>::new(), "seed {seed}");
        assert_eq!(verdict.others, Vec::<String>::new(), "seed {seed}");
        assert_eq!(verdict.other_evidence, Vec::<String>::new(), "seed {seed}");
    }
    Ok(())
}
