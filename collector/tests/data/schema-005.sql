PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:21349');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795982790509578);
INSERT INTO member VALUES(2,'0301','Oslo',1795982790524669);
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
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT);
INSERT INTO sensor VALUES(1,1,1795982790563503,1796241990563503,X'745b43abad67b228598c19ad1e8928792999dd8714f4f8e098b1c877a5918e01',1795982790772143,X'50b459185880697b7eefc093dae933a3363d83d5d4c3271f899872d5cabbdfd0',NULL,'0.1.0','3a5af910ed3c44e2e0804ff05413d28d',4,1,1795982791754263,NULL,NULL,1795982791658424,1795982791806398,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T20:06:31.701326Z","clock_offset_us":13633,"cpu_ms":30,"disk_free_octets":33974599680,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":17883136,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798574790000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798574790000001,NULL,1795982791806398,1795982791806398,1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO sensor VALUES(2,2,1795982791981986,1796241991981986,X'9d882495be5340a3286e5a956d9b5d5d11f5f6b2158a3ff384ee5f76e9d1442b',1795982792222725,X'948a1c094718ac61949e826961835c5d43f0221b3ad91dbd0a64948634276d8c',NULL,'0.1.0','d8e85675fff25a10cefa1c63f029e4aa',4,1,1795982792766270,NULL,NULL,1795982792739217,1795982792794083,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T20:06:32.755903Z","clock_offset_us":8656,"cpu_ms":30,"disk_free_octets":33966014464,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":17756160,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795982792794083,1795982792794083,0,'quic',1798574792000000,NULL,NULL,NULL,NULL,NULL,0,1795982792794083,'toolate',NULL,NULL,NULL,NULL);
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
INSERT INTO heartbeat VALUES(1,1795982791709455,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T20:06:31.701326Z","clock_offset_us":13633,"cpu_ms":30,"disk_free_octets":33974599680,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":17883136,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795982792758355,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T20:06:32.755903Z","clock_offset_us":8656,"cpu_ms":30,"disk_free_octets":33966014464,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":17756160,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795982790550782,1795982790555669,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432303a30363a33302e3535353636395a222c2265787069726573223a22323032362d31322d32395432303a30363a33302e3535353636395a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2236373762663938656138303163396635303532373138623566376561336261333662326530326663356561663762313237333835623866373931623135336534222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223362663264396464626235653135343261623864343235326265353865306136222c227369676e6174757265223a223861623262636436303033343263306664373762643537623735313130353237386538656234636332396534653138386639343433343536346161653362646233373565633161316236633764653564643736313636336236346465633138623530613030333461666134626366376561373566323130623234323165633063227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000e2bdc761c6df92c85bb2cbfc4800dad700000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000040000100000000000000000000000000000000000010000000000000000000010000000000000000000000000020000000000000000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795982790555669);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795982791754263,1795982791754874);
INSERT INTO in_force VALUES(2,1,1795982792766270,1795982792767445);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',1,1795982791709307,X'fd84a2a0a8dfc20c00030005302e312e30');
INSERT INTO record VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',2,1795982791762642,X'fdae84a6a8dfc20c0003010101');
INSERT INTO record VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',3,1795982791772711,X'fd96c0a6a8dfc20c000000010102000001fd2d11662daa9ec0c70001010100020000000000013511fd7a949fa8dfc20c00fd9a979fa8dfc20c0001');
INSERT INTO record VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',4,1795982791772711,X'fd20c1a6a8dfc20c00010300fd7a949fa8dfc20c00fd9a979fa8dfc20c0002000000000135110001');
INSERT INTO record VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',1,1795982792758243,X'fdded3c1a8dfc20c00030005302e312e30');
INSERT INTO record VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',2,1795982792768000,X'fd0267c5a8dfc20c0003010101');
INSERT INTO record VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',3,1795982792787882,X'fd7476c5a8dfc20c000000010102000001fd3cbb9b796ea96f8d0001010100020000000000013511fd1ae0bea8dfc20c00fd3ae3bea8dfc20c0001');
INSERT INTO record VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',4,1795982792787882,X'fdb084c5a8dfc20c00010300fd1ae0bea8dfc20c00fd3ae3bea8dfc20c0002000000000135110001');
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
INSERT INTO campaign VALUES(1,'4cde238d-ff6a-5374-8029-a6a49e891dd6','indicator','1','vond.example',0,1795982792787882,1795982791526973,1795982792552861,1795982792787882);
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
INSERT INTO incident VALUES(1,'bacfd4a7-3554-5fed-baa4-1bea5973dda4',1,'indicator','1','vond.example',0,1,1795982791772711,1795982791526973,1795982791527373,1795982791772711);
INSERT INTO incident VALUES(2,'82a600fb-08fa-55e8-a1dc-af13a25ce213',2,'indicator','1','vond.example',0,1,1795982792787882,1795982792552461,1795982792552861,1795982792787882);
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
INSERT INTO alert VALUES(1,'e3c9411b-0763-5869-91f8-06dbc36dd3bb',1,'3a5af910ed3c44e2e0804ff05413d28d',3,1,0,1,1,'H-CFG4YN8PPC49D',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795982791526973,1795982791527373,1,NULL,1795982791772711,1795982791772711,1,1,NULL);
INSERT INTO alert VALUES(2,'5acc1031-55e1-508b-b74c-296da1926c94',2,'d8e85675fff25a10cefa1c63f029e4aa',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795982792552461,1795982792552861,1,NULL,1795982792787882,1795982792787882,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',1,1795982791561538,1795982791709307,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'3a5af910ed3c44e2e0804ff05413d28d',2,1795982791754327,1795982791762642,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',1,1795982792649199,1795982792758243,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',2,1795982792766337,1795982792768000,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'d8e85675fff25a10cefa1c63f029e4aa',0,1795982792794083,1795982792794083,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'f591cd70f31e7532b6b704aea1cd58e3',NULL,1795982791658424);
INSERT INTO sensor_mark VALUES(2,1,'9202486e875c02bb95ec5006fde4d32d',NULL,1795982792739217);
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
