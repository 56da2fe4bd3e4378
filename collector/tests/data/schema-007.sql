PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:30825');
INSERT INTO setting VALUES('list_key_mode','online');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795995561064628);
INSERT INTO member VALUES(2,'0301','Oslo',1795995561096572);
CREATE TABLE sensor (
    id                  INTEGER PRIMARY KEY,
    member_id           BIGINT NOT NULL REFERENCES member (id),
    token_created_at    BIGINT NOT NULL,
    token_expires_at    BIGINT NOT NULL,
    token_secret_sha256 BLOB   NOT NULL,
    enrolled_at         BIGINT,            -- set once, in the statement that consumes the token
    spki_sha256         BLOB,              -- SHA-256 of the public key (SubjectPublicKeyInfo, DER): its identity at handshake
    revoked_at          BIGINT,
    agent_version       TEXT,
    epoch               TEXT,              -- spool lifetime last seen, 32 hex digits
    committed_seq       BIGINT NOT NULL DEFAULT 0,   -- in that epoch
    revision            BIGINT NOT NULL DEFAULT 0,   -- list in force
    revision_since      BIGINT,
    refused_revision_at BIGINT,            -- last refusal of a list
    refused_why         TEXT,
    last_connected_at   BIGINT,
    last_seen_at        BIGINT,            -- last heartbeat or batch
    connected           BIGINT NOT NULL DEFAULT 0,   -- 1 while a session stands; all 0 at start
    heartbeat           TEXT               -- the newest heartbeat as JSON
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT, channel TEXT NOT NULL DEFAULT 'all', channel_word BLOB, channel_at BIGINT, follows TEXT, channel_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1795995561215745,1796254761215745,X'60d847291c690f18e8f8e9e0269eb9afa96d439ab0d3bb8dc051fbd9551444c5',1795995561599362,X'8680a1225f445d4606ce6c31d5ba422dce23a8d4cfcb1d1c7be4da577320fa9a',NULL,'0.1.0','99fb4da26b392a28bbd75984aba0088f',4,1,1795995562897509,NULL,NULL,1795995562856504,1795995562923312,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:39:22.882639Z","clock_offset_us":43,"cpu_ms":30,"disk_free_octets":13646684160,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18571264,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798587561000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798587561000001,NULL,1795995562923312,1795995562923312,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL,'pilot',X'7b7d',1795000000000000,'pilot',NULL);
INSERT INTO sensor VALUES(2,2,1795995563038210,1796254763038210,X'6e24a9a7720767b8394ff0142e72e586b53dd0353a7b97ebfa31e78e7f5caa9a',1795995563134072,X'2e4cfef9e512f45b0d44b32c7e24c30943a86727ef2144121133de7a231c6ac5',NULL,'0.1.0','93c4e992249e1319b477e9d8b9c9ee63',4,1,1795995563510630,NULL,NULL,1795995563456061,1795995563566389,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:39:23.485024Z","clock_offset_us":10154,"cpu_ms":30,"disk_free_octets":13641474048,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18616320,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795995563566389,1795995563566389,0,'quic',1798587563000000,NULL,NULL,NULL,NULL,NULL,0,1795995563566389,'toolate',NULL,NULL,NULL,NULL,1,1795995563566389,'unsigned','behind',NULL,1795995563566389,'older','all',NULL,NULL,'all','older');
CREATE TABLE site (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    site      BIGINT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES member (id),
    PRIMARY KEY (sensor_id, site)
);
INSERT INTO site VALUES(1,0,1);
INSERT INTO site VALUES(2,0,2);
CREATE TABLE heartbeat (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (sensor_id, at)
);
INSERT INTO heartbeat VALUES(1,1795995562883704,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:39:22.882639Z","clock_offset_us":43,"cpu_ms":30,"disk_free_octets":13646684160,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18571264,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795995563493270,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T23:39:23.485024Z","clock_offset_us":10154,"cpu_ms":30,"disk_free_octets":13641474048,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18616320,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
CREATE TABLE indicator (
    id           INTEGER PRIMARY KEY,
    pattern      TEXT    NOT NULL UNIQUE,  -- as plain lists write it, canonical: `=` in front of an exact host
    kind         TEXT    NOT NULL,
    source       TEXT    NOT NULL,         -- file name or what import --source says
    threat       TEXT,                     -- what it belongs to, if named
    confidence   BIGINT  NOT NULL,         -- 0-100
    severity     BIGINT  NOT NULL,         -- 0 info … 4 critical
    tlp          TEXT    NOT NULL,
    valid_from   BIGINT,
    valid_until  BIGINT,
    exercise     BIGINT  NOT NULL DEFAULT 0,
    received_at  BIGINT  NOT NULL,
    published_at BIGINT,                   -- first publication
    published_in BIGINT                    -- its revision
);
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795995561162226,1795995561192370,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432333a33393a32312e3139323337305a222c2265787069726573223a22323032362d31322d32395432333a33393a32312e3139323337305a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2265356635326464646333636432633861303837366637646133636264613437393930386636383830616134303965646536643534643831353239303864356264222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223233363831383363373239356630643636366532393137353464363830383231222c227369676e6174757265223a226534366339643462353032373239383031356232643832336239353437343735326166633834333137366635303735363934363365643964333036363636623135393237393938333434623430346531383163666637646636343165656465663361393339383432346235366265363564633665386563303537373433353031227d5d7d',X'564152444542413101000000400100000e0200000000000001000000000000009f3547d7e8e98b9e7bbd63b1f01aa64a00000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000008000000000000000000002000000000000000010000400000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795995561192370,NULL,'all',NULL,NULL);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795995562897509,1795995562902274);
INSERT INTO in_force VALUES(2,1,1795995563510630,1795995563512898);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'99fb4da26b392a28bbd75984aba0088f',1,1795995562882839,X'fd727e139be5c20c00030005302e312e30');
INSERT INTO record VALUES(1,'99fb4da26b392a28bbd75984aba0088f',2,1795995562909941,X'fd36e3169be5c20c0003010101');
INSERT INTO record VALUES(1,'99fb4da26b392a28bbd75984aba0088f',3,1795995562909941,X'fd2e08179be5c20c000000010102000001fd05b1643bf622a0360001010100020000000000013511fd34f9109be5c20c00fd54fc109be5c20c0001');
INSERT INTO record VALUES(1,'99fb4da26b392a28bbd75984aba0088f',4,1795995562909941,X'fdc208179be5c20c00010300fd34f9109be5c20c00fd54fc109be5c20c0002000000000135110001');
INSERT INTO record VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',1,1795995563493174,X'fde6cd259be5c20c00030005302e312e30');
INSERT INTO record VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',2,1795995563534121,X'fd08af299be5c20c0003010101');
INSERT INTO record VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',3,1795995563534121,X'fd9caf299be5c20c000000010102000001fdbda00406cbb7ee890001010100020000000000013511fdb0c7239be5c20c00fdd0ca239be5c20c0001');
INSERT INTO record VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',4,1795995563534121,X'fd90b4299be5c20c00010300fdb0c7239be5c20c00fdd0ca239be5c20c0002000000000135110001');
CREATE TABLE campaign (
    id         INTEGER PRIMARY KEY,
    uuid       TEXT   NOT NULL UNIQUE,
    link_kind  TEXT   NOT NULL,            -- 'indicator' or 'threat': what its incidents share
    link_value TEXT   NOT NULL,            -- indicator id, or the threat's name
    title      TEXT   NOT NULL,
    exercise   BIGINT NOT NULL DEFAULT 0,
    opened_at  BIGINT NOT NULL,            -- when it was concluded
    first_seen BIGINT NOT NULL,            -- earliest sighting
    last_seen  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
INSERT INTO campaign VALUES(1,'fe10bed3-ed91-568b-ad83-e76477d72791','indicator','1','vond.example',0,1795995563534121,1795995562704026,1795995563320680,1795995563534121);
CREATE TABLE incident (
    id          INTEGER PRIMARY KEY,
    uuid        TEXT   NOT NULL UNIQUE,
    member_id   BIGINT NOT NULL REFERENCES member (id),
    link_kind   TEXT   NOT NULL,
    link_value  TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    exercise    BIGINT NOT NULL DEFAULT 0,
    campaign_id BIGINT REFERENCES campaign (id),
    opened_at   BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO incident VALUES(1,'a86f0c7e-05bf-596f-9e1c-d37b33c845bf',1,'indicator','1','vond.example',0,1,1795995562909941,1795995562704026,1795995562704426,1795995562909941);
INSERT INTO incident VALUES(2,'3dfaa00d-a00d-500c-88e3-8d899c50583b',2,'indicator','1','vond.example',0,1,1795995563534121,1795995563320280,1795995563320680,1795995563534121);
CREATE TABLE alert (
    id                 INTEGER PRIMARY KEY,
    uuid               TEXT   NOT NULL UNIQUE,
    sensor_id          BIGINT NOT NULL REFERENCES sensor (id),
    epoch              TEXT   NOT NULL,
    seq                BIGINT NOT NULL,    -- of the record that opened it
    member_id          BIGINT NOT NULL REFERENCES member (id),
    site               BIGINT NOT NULL,
    indicator_id       BIGINT NOT NULL REFERENCES indicator (id),
    revision           BIGINT NOT NULL,
    client             TEXT,               -- pseudonym, H-…; null = no host
    zone               BIGINT NOT NULL,
    zone_levels        TEXT   NOT NULL,    -- K, I, T as three digits 0-2
    direction          TEXT   NOT NULL,
    evidence           BIGINT NOT NULL,    -- 0 blocked … 5 data_out
    by_resolver        BIGINT NOT NULL,
    looked_up_by_other BIGINT NOT NULL,
    possible_contact   BIGINT NOT NULL,
    labels_left        BIGINT NOT NULL,
    server             TEXT,
    port               BIGINT,
    protocol           BIGINT NOT NULL,
    severity           BIGINT NOT NULL,
    exercise           BIGINT NOT NULL,
    retro              BIGINT NOT NULL,
    first_seen         BIGINT NOT NULL,
    last_seen          BIGINT NOT NULL,
    count              BIGINT NOT NULL,
    regularity         TEXT,               -- JSON {contacts, median_interval_ms, spread_ms}
    arrived_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    closed             BIGINT NOT NULL DEFAULT 0,
    incident_id        BIGINT REFERENCES incident (id), hosts BIGINT,
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'fbb1d806-6b29-5a90-aef6-888197583d11',1,'99fb4da26b392a28bbd75984aba0088f',3,1,0,1,1,'H-3D812YRXP9C85',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795995562704026,1795995562704426,1,NULL,1795995562909941,1795995562909941,1,1,NULL);
INSERT INTO alert VALUES(2,'13809b56-b131-5b0c-8eca-66460b6300e6',2,'93c4e992249e1319b477e9d8b9c9ee63',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795995563320280,1795995563320680,1,NULL,1795995563534121,1795995563534121,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'99fb4da26b392a28bbd75984aba0088f',1,1795995562786617,1795995562882839,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'99fb4da26b392a28bbd75984aba0088f',2,1795995562897819,1795995562909941,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',1,1795995563386611,1795995563493174,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',2,1795995563513732,1795995563534121,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'93c4e992249e1319b477e9d8b9c9ee63',0,1795995563566389,1795995563566389,'{"event":"two_live","greeted_at":null}');
CREATE TABLE merged (
    kind      TEXT   NOT NULL,             -- 'incident' or 'campaign'
    id        BIGINT NOT NULL,
    uuid      TEXT   NOT NULL UNIQUE,
    into_id   BIGINT NOT NULL,             -- the one that goes on
    opened_at BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE sensor_mark (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    number    BIGINT NOT NULL,             -- 1, 2, 3 …
    mark      TEXT   NOT NULL,             -- 32 hex digits
    follows   BIGINT,                      -- number of the mark the sensor said when it was given this one
    given_at  BIGINT NOT NULL,
    PRIMARY KEY (sensor_id, number)
);
INSERT INTO sensor_mark VALUES(1,1,'9d504b85f9fc63dfec680f83c5281312',NULL,1795995562856504);
INSERT INTO sensor_mark VALUES(2,1,'67bcc09ae54186aae8d63b702b5b9acf',NULL,1795995563456061);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d32395432333a33393a32302e3637373937335a222c226b657973223a7b223233363831383363373239356630643636366532393137353464363830383231223a2231316634636235363563376465633431313066323832663965663663396161303436643932303231313539663534356466633462363931646135653433303334222c223762313763353937343565623166323766323162313034636461653665616262223a2264656133306133366566656266643236653465303633336161353163616235653839666638333764663831353166623333363964666437303434303235623663222c226333373463353363336131363263353638323662386630396363666539373563223a2238363566323032313561616163353335386665303934636335343431363962323533333333343066623833313537366530393836353461623633613438373933222c226564363831613037646563613337343765633337343030356363353633646461223a2238383431626564386539303933386161643534653238393539343735373034336236346564323063636137313035333836653330376535346265343435373038227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b226333373463353363336131363263353638323662386630396363666539373563225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223233363831383363373239356630643636366532393137353464363830383231225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223762313763353937343565623166323766323162313034636461653665616262225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b226564363831613037646563613337343765633337343030356363353633646461225d2c227468726573686f6c64223a317d7d2c226361223a5b2264336532653432336136653763623230653837303836656137643161643137633066616565626563313237383364663033363564643437383235306332316236225d7d2c227369676e617475726573223a5b7b226b6579223a226333373463353363336131363263353638323662386630396363666539373563222c227369676e6174757265223a223032386332326138613131323065326639626438393066353632343033663639303466326631643461303663643434326464633637666134353366326230616530656265636461633164643432333534323835656339376536633632663734336332613462633638626234653166643337333737376434383136653964313030227d5d7d',1827531560677973,1795995560999372);
CREATE TABLE pending_list (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    revision    BIGINT NOT NULL,
    manifest    BLOB   NOT NULL,         -- signed JSON without signatures
    base        BLOB   NOT NULL,
    up_to_id    BIGINT NOT NULL,         -- indicators up to this number are in it
    count       BIGINT NOT NULL,
    added       BIGINT NOT NULL,         -- beside the list in force
    removed     BIGINT NOT NULL,
    prepared_at BIGINT NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000,X'7b7d','all',X'00',1);
CREATE INDEX incident_by_topic ON incident (member_id, link_kind, link_value);
CREATE INDEX incident_alone ON incident (link_kind, link_value) WHERE campaign_id IS NULL;
CREATE INDEX incident_by_member ON incident (member_id, last_seen);
CREATE INDEX incident_by_campaign ON incident (campaign_id);
CREATE INDEX alert_by_incident ON alert (incident_id);
CREATE INDEX alert_by_member ON alert (member_id, last_seen);
CREATE INDEX alert_by_indicator ON alert (indicator_id, member_id);
CREATE INDEX merged_by_into ON merged (kind, into_id);
CREATE INDEX campaign_by_link ON campaign (link_kind, link_value);
CREATE INDEX indicator_by_threat ON indicator (threat);
CREATE INDEX alert_without_host ON alert (indicator_id, member_id, last_seen) WHERE client IS NULL;
CREATE INDEX sensor_by_key ON sensor (spki_sha256);
CREATE INDEX sensor_by_next_key ON sensor (spki_next_sha256);
COMMIT;
