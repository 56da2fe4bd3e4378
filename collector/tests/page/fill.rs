//! Fills a store as eight municipalities with a spreading campaign would, for the page's tests and its example.

use std::time::Duration;

use sqlx::{Sqlite, Transaction};
use varde_collector::store::Store;
use varde_common::heartbeat::{BlindSpots, Evictions};
use varde_common::time::Timestamp;

/// Members of the example, as number and name.
pub(crate) const MEMBERS: [(&str, &str); 8] = [
    ("3407", "Gjøvik"),
    ("3405", "Lillehammer"),
    ("3442", "Østre Toten"),
    ("3443", "Vestre Toten"),
    ("3446", "Gran"),
    ("5622", "Porsanger - Porsáŋgu - Porsanki"),
    ("4601", "Bergen"),
    ("3411", "Ringsaker"),
];

/// Writes members, sensors, a list, two campaigns (one an exercise), an incident of its own and their alerts. Every text
/// goes through `word`, so that a test may put anything there.
pub(crate) async fn fill(store: &Store, now: Timestamp, word: &(dyn Fn(&str) -> String + Sync)) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    let ago = |minutes: u64| now.minus(Duration::from_secs(minutes * 60)).0;
    sqlx::query("INSERT INTO setting VALUES ('operator_name', $1)")
        .bind(word("Kommune-CSIRT"))
        .execute(&mut *tx)
        .await?;
    for (id, (number, name)) in (1_i64..).zip(MEMBERS) {
        sqlx::query("INSERT INTO member (id, number, name, added_at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(word(number))
            .bind(word(name))
            .bind(ago(9_000))
            .execute(&mut *tx)
            .await?;
        sensor(&mut tx, id, now, word).await?;
    }
    for (id, pattern, kind, threat, tlp, published_in) in [
        (1_i64, "login-porten.example", "domain", Some("Portlure"), "TLP:AMBER", Some(11_i64)),
        (2, "203.0.113.77:8443", "ipv4", Some("Portlure"), "TLP:GREEN", Some(12)),
        (3, "=oppdatering.ovelse.example", "host", None, "TLP:CLEAR", Some(12)),
        (4, "2001:db8:bad::/48", "network", None, "TLP:RED", Some(12)),
    ] {
        sqlx::query("INSERT INTO indicator (id, pattern, kind, source, threat, confidence, severity, tlp, exercise, received_at,
            published_at, published_in) VALUES ($1,$2,$3,$4,$5,80,3,$6,$7,$8,$8,$9)")
            .bind(id)
            .bind(word(pattern))
            .bind(word(kind))
            .bind(word("ncsc-2026-47.txt"))
            .bind(threat.map(word))
            .bind(word(tlp))
            .bind(i64::from(id == 3))
            .bind(ago(500))
            .bind(published_in)
            .execute(&mut *tx)
            .await?;
    }
    for sql in [
        "UPDATE member SET supplier = $1, language = 'nynorsk', covered = 1 WHERE number = $2",
        "INSERT INTO member_contact SELECT id, 'oncall', $1, '+4761180011', '+4790000000', NULL, NULL FROM member WHERE number = $2",
        "INSERT INTO former_number SELECT '0502', id, $1, added_at FROM member WHERE number = $2",
    ] {
        let text = match (sql.contains("contact"), sql.contains("former")) {
            (true, _) => "Kari <Nordmann",
            (false, true) => "Gjøvik by",
            (false, false) => "IKT Øst",
        };
        sqlx::query(sql).bind(word(text)).bind(word("3407")).execute(&mut *tx).await?;
    }
    sqlx::query("INSERT INTO list_revision (revision, manifest, base, count, published_at) VALUES (12, x'00', x'00', 48211, $1)")
        .bind(ago(240))
        .execute(&mut *tx)
        .await?;

    campaign(&mut tx, 1, "threat", "Portlure", false, now, word).await?;
    for (order, (member, evidence, indicator, hosts)) in
        (0_u64..).zip([(1_i64, 4_i64, 1_i64, 3_i64), (2, 4, 1, 1), (4, 1, 1, 2), (3, 5, 2, 1), (8, 0, 1, 1)])
    {
        let incident = 10 + member;
        let first = ago(200 - order * 35);
        let Some((_, name)) = MEMBERS.get(usize::try_from(member - 1)?) else { continue };
        incident_row(&mut tx, incident, member, Some(1), "threat", "Portlure", first, now, word).await?;
        for host in 0..hosts {
            let row = Alert { incident, member, indicator, evidence: evidence.min(4 - host).max(0), host, name, first };
            alert(&mut tx, &row, now, word).await?;
        }
    }
    campaign(&mut tx, 2, "indicator", "=oppdatering.ovelse.example", true, now, word).await?;
    for member in [5_i64, 6] {
        let first = ago(50 + u64::try_from(member)? * 9);
        incident_row(
            &mut tx,
            20 + member,
            member,
            Some(2),
            "indicator",
            "=oppdatering.ovelse.example",
            first,
            now,
            word,
        )
        .await?;
        let row = Alert { incident: 20 + member, member, indicator: 3, evidence: 2, host: 0, name: "ovelse", first };
        alert(&mut tx, &row, now, word).await?;
    }
    incident_row(&mut tx, 31, 1, None, "indicator", "2001:db8:bad::/48", ago(30), now, word).await?;
    let row = Alert { incident: 31, member: 1, indicator: 4, evidence: 3, host: -1, name: "alone", first: ago(30) };
    alert(&mut tx, &row, now, word).await?;
    tx.commit().await?;
    Ok(())
}

async fn sensor(
    tx: &mut Transaction<'static, Sqlite>,
    id: i64,
    now: Timestamp,
    word: &(dyn Fn(&str) -> String + Sync),
) -> anyhow::Result<()> {
    let ago = |seconds: u64| now.minus(Duration::from_secs(seconds)).0;
    let mut heartbeat = serde_json::json!({
        "uptime_s": 86_400,
        "packets": id * 18_377_412,
        "dropped": if id == 3 { 1_204 } else { 0 },
        "refused": id * 3,
        "dns_messages": id * 411_902,
        "flows": id * 97_113,
        "last_packet_ms": id * 210,
        "spool_waiting": if id == 4 { 311 } else { 0 },
        "records_lost": 0,
        "memory_octets": 31_400_000 + id * 1_234_567,
    });
    // The others are of sensors too old to tell.
    if id == 3 {
        heartbeat["drops_unknown"] = 1.into();
        heartbeat["sources"] = 2.into();
        heartbeat["refusals"] = serde_json::json!({ word("dns_cut_short"): 8, "later_fragment": 1 });
        heartbeat["evictions"] = serde_json::to_value(Evictions { pairings: 17, ..Evictions::default() })?;
        heartbeat["blind"] = serde_json::to_value(BlindSpots {
            flows: 8_410,
            dot_flows: 3,
            doh_flows: 38,
            unexplained_flows: 312,
            hellos: 7_001,
            ech_hellos: 9,
            ..BlindSpots::default()
        })?;
    }
    // Whole it is hostile text elsewhere; here it must be read for its reasons to be shown.
    let heartbeat = if id == 3 { heartbeat.to_string() } else { word(&heartbeat.to_string()) };
    // 4: silent; 6: list behind and refused; 7: token never used; 8: shut out after it was hit.
    let never = id == 7;
    let sql = "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at,
        spki_sha256, revoked_at, agent_version, epoch, committed_seq, revision, revision_since, refused_revision_at,
        refused_why, last_connected_at, last_seen_at, connected, heartbeat)
        VALUES ($1,$1,$2,$3,x'00',$4,$5,$6,$7,$8,42,$9,$10,$11,$12,$13,$14,$15,$16)";
    sqlx::query(sql)
        .bind(id)
        .bind(ago(500_000))
        .bind(if never { now.plus(Duration::from_secs(90_000)).0 } else { ago(240_000) })
        .bind((!never).then(|| ago(400_000)))
        .bind((!never).then(|| id.to_le_bytes().to_vec()))
        .bind((id == 8).then(|| ago(600)))
        .bind((!never).then(|| word("0.1.0")))
        .bind((!never).then(|| format!("{id:032x}")))
        .bind(if never {
            0_i64
        } else if id == 6 {
            11
        } else {
            12
        })
        .bind((!never).then(|| ago(14_000)))
        .bind((id == 6).then(|| ago(14_000)))
        .bind((id == 6).then(|| word("the list's signature is by a key that root does not name")))
        .bind((!never).then(|| ago(400_000)))
        .bind((!never).then(|| if id == 4 { ago(4_980) } else { ago(11) }))
        .bind(i64::from(!never && id != 4 && id != 8))
        .bind((!never).then_some(heartbeat))
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO site (sensor_id, site, member_id) VALUES ($1, 0, $1)").bind(id).execute(&mut **tx).await?;
    Ok(())
}

async fn campaign(
    tx: &mut Transaction<'static, Sqlite>,
    id: i64,
    link_kind: &str,
    title: &str,
    exercise: bool,
    now: Timestamp,
    word: &(dyn Fn(&str) -> String + Sync),
) -> anyhow::Result<()> {
    let first = now.minus(Duration::from_secs(200 * 60)).0;
    sqlx::query("INSERT INTO campaign (id, uuid, link_kind, link_value, title, exercise, opened_at, first_seen, last_seen, updated_at) VALUES ($1,$2,$3,COALESCE((SELECT CAST(id AS TEXT) FROM indicator WHERE pattern = $4), $4),$4,$5,$6,$6,$7,$7)")
        .bind(id)
        .bind(word(&format!("5a1c0de0-0000-5000-8000-00000000000{id}")))
        .bind(link_kind)
        .bind(word(title))
        .bind(i64::from(exercise))
        .bind(first)
        .bind(now.0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "a row as it stands")]
async fn incident_row(
    tx: &mut Transaction<'static, Sqlite>,
    id: i64,
    member: i64,
    campaign: Option<i64>,
    link_kind: &str,
    title: &str,
    first: i64,
    now: Timestamp,
    word: &(dyn Fn(&str) -> String + Sync),
) -> anyhow::Result<()> {
    sqlx::query("INSERT INTO incident (id, uuid, member_id, link_kind, link_value, title, exercise, campaign_id, opened_at, first_seen, last_seen, updated_at) VALUES ($1,$2,$3,$4,COALESCE((SELECT CAST(id AS TEXT) FROM indicator WHERE pattern = $5), $5),$5,$6,$7,$8,$8,$9,$9)")
        .bind(id)
        .bind(word(&format!("1c1de000-0000-5000-8000-0000000000{id}")))
        .bind(member)
        .bind(link_kind)
        .bind(word(title))
        .bind(i64::from(campaign == Some(2)))
        .bind(campaign)
        .bind(first)
        .bind(now.minus(Duration::from_secs(u64::try_from(member)? * 130)).0)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

struct Alert<'a> {
    incident: i64,
    member: i64,
    indicator: i64,
    evidence: i64,
    /// Below 0: none.
    host: i64,
    name: &'a str,
    first: i64,
}

async fn alert(
    tx: &mut Transaction<'static, Sqlite>,
    row: &Alert<'_>,
    now: Timestamp,
    word: &(dyn Fn(&str) -> String + Sync),
) -> anyhow::Result<()> {
    let outbound = row.host >= 0;
    sqlx::query(
        "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, zone, \
         zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, server, \
         port, protocol, severity, exercise, retro, first_seen, last_seen, count, regularity, arrived_at, updated_at, \
         closed, incident_id) VALUES ($1,$2,'e',$3,$2,0,$4,12,$5,$6,'211',$7,$8,0,$9,$10,$11,$12,$13,6,$14,$15,0,\
         $16,$17,$18,$19,$16,$17,$20,$21)",
    )
    .bind(word(&format!("a1e27000-{}-{}-{}", row.name, row.incident, row.host)))
    .bind(row.member)
    .bind(row.incident * 100 + row.host + 2)
    .bind(row.indicator)
    .bind(outbound.then(|| word(&format!("H-7Q2M4T9X0B3{}{}", row.member, row.host))))
    .bind(row.member % 3)
    .bind(word(if outbound { "outbound" } else { "inbound" }))
    .bind(row.evidence)
    .bind(i64::from(row.host == 0))
    .bind(i64::from(row.host == 1))
    .bind(if row.indicator == 1 { 2_i64 } else { 0 })
    .bind(word("203.0.113.77"))
    .bind((row.evidence > 2).then_some(8_443_i64))
    .bind(if row.evidence > 3 { 4_i64 } else { 2 })
    .bind(i64::from(row.indicator == 3))
    .bind(row.first.saturating_add(row.host.max(0) * 400_000_000))
    .bind(now.minus(Duration::from_secs(u64::try_from(row.member)? * 130)).0)
    .bind(37 + row.host.max(0) * 1_200)
    .bind((row.evidence > 3).then(|| word(r#"{"contacts":41,"median_interval_ms":60000,"spread_ms":900}"#)))
    .bind(i64::from(row.host == 2))
    .bind(row.incident)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
