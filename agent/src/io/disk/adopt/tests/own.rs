//! Directories that nobody can enter: what the sensor writes meanwhile is its own, and nothing of another comes twice.

use super::*;

/// So that it can be neither entered nor named: in its place lies something that is no directory.
#[test]
fn d6_d2_what_is_written_while_nobody_can_enter_a_directory_is_not_taken_for_what_its_plan_promised() {
    for is_set_aside in [false, true] {
        let data = tempfile::tempdir().unwrap();
        set_aside(data.path(), Seq(2));
        let mut spool = open(data.path());
        let aside = begun(data.path(), &mut spool);
        let kept = data.path().join("kept");
        for _ in 0..2 {
            fs::rename(&aside, &kept).unwrap();
            std::os::unix::fs::symlink("nowhere", &aside).unwrap();
            assert_eq!(adopt_into(data.path(), &mut spool), 0);
            spool.append(&record(RecordBody::Event(SensorEvent::Started { version: Text::cut("1") })));
            spool.sync(NOW).unwrap();
            spool = open(data.path());
            fs::remove_file(&aside).unwrap();
            fs::rename(&kept, &aside).unwrap();
        }
        assert_eq!(spool.next(), Seq(5), "two that came, and two of its own");
        if is_set_aside {
            allow(&RealVolume, spool.directory(), Seq(4)).unwrap();
            spool.set_aside().unwrap();
            spool = open(data.path());
        }
        assert_eq!(adopt_into(data.path(), &mut spool), 2, "set aside: {is_set_aside}");
        let alerts = bodies(&mut spool).into_iter().filter(|body| !matches!(body, RecordBody::Event(_)));
        assert_eq!(alerts.count(), if is_set_aside { 2 } else { 4 });
        assert!(left(&RealVolume, data.path()).unwrap().is_empty());
        assert_eq!(adopt_into(data.path(), &mut open(data.path())), 0, "once");
    }
}

#[test]
fn d2_a_directory_that_nobody_can_enter_makes_nothing_of_another_come_twice() {
    let data = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("nowhere", data.path().join("spool.aside-0-0")).unwrap();
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 0);
    drop(spool);
    let kept = data.path().join("kept");
    fs::rename(data.path().join("spool"), &kept).unwrap();
    set_aside(data.path(), Seq(2));
    fs::rename(kept, data.path().join("spool")).unwrap();
    // Stopped when two had come, and started twice more.
    drop(begun(data.path(), &mut open(data.path())));
    assert_eq!(adopt_into(data.path(), &mut open(data.path())), 2);
    let mut spool = open(data.path());
    assert_eq!(adopt_into(data.path(), &mut spool), 0);
    assert_eq!(bodies(&mut spool).len(), 4);
}
