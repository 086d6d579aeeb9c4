use super::*;
use crate::engine::balance::{AddedServer, AdminWish, By, DrainEnd, Presence, ServerOverride};
use crate::engine::failover::{HoldWish, Met};
use crate::engine::model::{Forwarding, Priority, Weight};
use std::os::unix::fs::{PermissionsExt, symlink};

const HOUR: Duration = Duration::from_hours(1);

fn wanted(now: Instant) -> Overrides {
    let by = Some(By { who: "anna".to_owned(), at: now, why: Some("disk".to_owned()) });
    let drained = ServerOverride {
        server: "10.0.0.71:80".parse().unwrap(),
        presence: Presence::InFile,
        admin: AdminWish::Draining { since: now, end: DrainEnd::At(now + HOUR), return_at: None },
        weight: Some(Weight::ZERO),
        weight_until: Some(now + HOUR),
        by: by.clone(),
        admin_by: by.clone(),
    };
    let added = ServerOverride {
        server: "[fd00::73]:80".parse().unwrap(),
        presence: Presence::Added(AddedServer { weight: Weight::DEFAULT, forwarding: Forwarding::Tun }),
        admin: AdminWish::Enabled,
        weight: None,
        weight_until: None,
        by: by.clone(),
        admin_by: by.clone(),
    };
    let service = ServiceOverrides {
        service: "fwmark/8".parse().unwrap(),
        presence: Presence::Removed,
        by,
        servers: vec![drained, added],
    };
    let wish = HoldWish::Failover { until: Some(now + HOUR), blind: true };
    let held = Held { instance: "VI_1".to_owned(), by: "failover by anna".to_owned(), why: None, since: now, wish };
    let wish = HoldWish::Priority(Priority::DEFAULT);
    let lowered =
        Held { instance: "VI_1".to_owned(), by: "priority 100 by anna".to_owned(), why: None, since: now, wish };
    let met = Met { instance: "VI_1".to_owned(), routers: ["192.0.2.12".parse().unwrap()].into() };
    Overrides { services: vec![service], instances: vec![held, lowered], met: vec![met] }
}

/// The same without the moments.
fn timeless(overrides: Overrides) -> (Vec<ServiceOverrides<()>>, Vec<Held<()>>) {
    let none = |_| ();
    let services = overrides.services.into_iter().map(|one| one.at(&none)).collect();
    (services, overrides.instances.into_iter().map(|one| one.at(&none)).collect())
}

fn until(overrides: &Overrides) -> Instant {
    match overrides.instances[0].wish {
        HoldWish::Failover { until: Some(until), .. } => until,
        HoldWish::Failover { until: None, .. } | HoldWish::Takeover | HoldWish::Priority(_) => panic!("{overrides:?}"),
    }
}

fn open(place: &Path) -> (OverridesFile, Overrides, Option<String>) {
    let (file, overrides, error) = OverridesFile::open(place);
    (file, overrides, error.map(|error| error.to_string()))
}

#[test]
fn what_was_written_is_read_again_with_its_deadlines_by_this_user_alone() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("lib");
    let (mut file, nothing, error) = open(&directory);
    assert_eq!((nothing, error), (Overrides::default(), None));
    let now = Instant::now();
    file.save(&wanted(now)).unwrap();
    file.save(&wanted(now)).unwrap();
    let mode = fs::metadata(directory.join(FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (_, read, error) = open(&directory);
    assert_eq!(error, None);
    let apart = until(&read).max(now + HOUR) - until(&read).min(now + HOUR);
    assert!(apart < Duration::from_mins(1), "{apart:?}");
    assert_eq!(read.met, wanted(now).met);
    assert_eq!(timeless(read), timeless(wanted(now)));
}

#[test]
fn a_wall_clock_that_went_back_makes_no_deadline_longer_and_one_far_away_is_no_trouble() {
    let place = tempfile::tempdir().unwrap();
    let (mut file, ..) = open(place.path());
    file.save(&wanted(Instant::now())).unwrap();
    let path = place.path().join(FILE);
    let mut page: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    page["written"] = "2199-01-01T00:00:00.000Z".into();
    page["instances"][0]["wish"]["failover"]["until"] = "2199-01-01T01:00:00.000Z".into();
    fs::write(&path, page.to_string()).unwrap();
    let (_, read, error) = open(place.path());
    assert_eq!(error, None);
    assert!(until(&read) <= Instant::now() + HOUR);
    let mut far = wanted(Instant::now());
    far.instances[0].wish = HoldWish::Failover { until: Instant::now().checked_add(FAR * 1000), blind: false };
    file.save(&far).unwrap();
    assert_eq!(open(place.path()).2, None);
}

#[test]
fn what_can_not_be_read_is_set_aside_told_and_never_overwritten() {
    let newer = br#"{"version": 2, "wishes": []}"#.as_slice();
    for (content, why) in [
        (b"{\"version\": 1".as_slice(), "EOF"),
        (b"{\"version\": 1, \"written\": \"\xff\"}".as_slice(), "invalid unicode"),
        (newer, "it is of version 2, and this lvsdeck reads version 1"),
        (b"".as_slice(), "EOF"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(FILE);
        for aside in ["overrides.json.damaged", "overrides.json.damaged.1"] {
            fs::write(&path, content).unwrap();
            let (mut file, overrides, error) = open(place.path());
            assert_eq!(overrides, Overrides::default());
            let error = error.unwrap();
            assert!(error.contains(why) && error.contains(aside), "{error}");
            file.save(&wanted(Instant::now())).unwrap();
            assert_eq!(fs::read(place.path().join(aside)).unwrap(), content);
        }
        assert_eq!(open(place.path()).2, None);
    }
}

#[test]
fn a_link_is_not_followed_and_what_can_not_be_set_aside_stays() {
    let place = tempfile::tempdir().unwrap();
    let victim = place.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, place.path().join(FILE)).unwrap();
    for n in 0..ASIDE {
        let name = if n == 0 { format!("{FILE}.damaged") } else { format!("{FILE}.damaged.{n}") };
        fs::write(place.path().join(name), "older").unwrap();
    }
    let (mut file, _, error) = open(place.path());
    assert!(error.unwrap().contains("can't be set aside either"));
    assert!(file.save(&wanted(Instant::now())).is_err());
    assert!(fs::symlink_metadata(place.path().join(FILE)).unwrap().is_symlink());
    fs::remove_file(place.path().join(format!("{FILE}.damaged.3"))).unwrap();
    file.save(&wanted(Instant::now())).unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert_eq!(open(place.path()).2, None);
}

#[test]
fn a_directory_into_which_others_may_write_is_neither_believed_nor_used() {
    let place = tempfile::tempdir().unwrap();
    let (mut file, ..) = open(place.path());
    file.save(&wanted(Instant::now())).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (mut file, overrides, error) = open(place.path());
    assert_eq!(overrides, Overrides::default());
    assert!(error.unwrap().contains("others may write"));
    assert!(file.save(&wanted(Instant::now())).unwrap_err().to_string().contains("others may write"));
}
