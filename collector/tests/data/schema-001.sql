PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:30988');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795970374291828);
INSERT INTO member VALUES(2,'0301','Oslo',1795970374312958);
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
);
INSERT INTO sensor VALUES(1,1,1795970374349231,1796229574349231,X'60ce53b07b628b0c80689d26135dc879d86a7f1a3ebf04431dd6bfdefb60856f',1795970374543753,X'c5bfa1b0710544bd2310f8ca0079e0fed890f10c297b612ee3a73be4f60f4267',NULL,'0.1.0','8ca26f05eee6da4e2c066753545c62b7',4,1,1795970375602768,NULL,NULL,1795970375588983,1795970375615139,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T16:39:35.595171Z","cpu_ms":30,"disk_free_octets":37696987136,"dns_messages":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"memory_octets":15474688,"octets":0,"packets":0,"records_lost":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO sensor VALUES(2,2,1795970375734184,1796229575734184,X'ce77a810f6ef8e3904d82da3dad4aa3d51b13f37aa64978d0336f4a907a23184',1795970375825088,X'fec8be91fc1bd232701e6a4e30fcaa3b17e0a662f5dcf45500727e70227ca5cf',NULL,'0.1.0','da35a5e38fe4199ac1654bf4979e5faa',4,1,1795970376211930,NULL,NULL,1795970376203391,1795970376226145,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T16:39:36.208502Z","cpu_ms":20,"disk_free_octets":37727150080,"dns_messages":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"memory_octets":15495168,"octets":0,"packets":0,"records_lost":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO heartbeat VALUES(1,1795970375595326,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T16:39:35.595171Z","cpu_ms":30,"disk_free_octets":37696987136,"dns_messages":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"memory_octets":15474688,"octets":0,"packets":0,"records_lost":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795970376208906,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T16:39:36.208502Z","cpu_ms":20,"disk_free_octets":37727150080,"dns_messages":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"memory_octets":15495168,"octets":0,"packets":0,"records_lost":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795970374324263,1795970374336215,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395431363a33393a33342e3333363231355a222c2265787069726573223a22323032362d31322d32395431363a33393a33342e3333363231355a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2231383965316336356539653266303930666630303038383561356664633239326434653936656132646361343531346437633539326361326465306636333832222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a226661633339363065386439393665653861396665663033396466353166323335222c227369676e6174757265223a223461323830633865653034643137376339343864383461303130616238643133616537376139336366306433333564316463666530366535323961623734323733663135613662333530363230326430313439643361333434613734643763643161626439616264626462373738353738613062336630623330343734613033227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000018e6660ad2a9b84e4ebcba85e16f4c900000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000080000000000000000000008000000000000000000000000000000000000300080000000000000000000000000000000000000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795970374336215);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795970375602768,1795970375602990);
INSERT INTO in_force VALUES(2,1,1795970376211930,1795970376212280);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',1,1795970375597000,X'fd2eb683e0d9c20c00030005302e312e30');
INSERT INTO record VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',2,1795970375604420,X'fd18a587e0d9c20c0003010101');
INSERT INTO record VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',3,1795970375605985,X'fdf8ad87e0d9c20c000000010102000001fd01ad1125ab605f9b0001010100020000000000013511fdf46782e0d9c20c00fd146b82e0d9c20c0001');
INSERT INTO record VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',4,1795970375605985,X'fd42ba87e0d9c20c00010300fdf46782e0d9c20c00fd146b82e0d9c20c0002000000000135110001');
INSERT INTO record VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',1,1795970376210576,X'fd80b597e0d9c20c00030005302e312e30');
INSERT INTO record VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',2,1795970376212910,X'fdfa3c9ae0d9c20c0003010101');
INSERT INTO record VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',3,1795970376223156,X'fd40449ae0d9c20c000000010102000001fdd05759290c0102910001010100020000000000013511fda2f095e0d9c20c00fdc2f395e0d9c20c0001');
INSERT INTO record VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',4,1795970376223156,X'fd6c449ae0d9c20c00010300fda2f095e0d9c20c00fdc2f395e0d9c20c0002000000000135110001');
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
INSERT INTO campaign VALUES(1,'2fa914e4-8675-53b1-b826-1c7cb9817228','indicator','1','vond.example',0,1795970376223156,1795970375431162,1795970376071649,1795970376223156);
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
INSERT INTO incident VALUES(1,'1765526f-d864-5119-863b-f28bd203ad47',1,'indicator','1','vond.example',0,1,1795970375605985,1795970375431162,1795970375431562,1795970375605985);
INSERT INTO incident VALUES(2,'433ea9f9-3ec4-585c-8bae-b5a61816954c',2,'indicator','1','vond.example',0,1,1795970376223156,1795970376071249,1795970376071649,1795970376223156);
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
    incident_id        BIGINT REFERENCES incident (id),
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'2cb3d781-0d92-59a2-9801-2da9a16c53e8',1,'8ca26f05eee6da4e2c066753545c62b7',3,1,0,1,1,'H-9PQV0NCJH3B81',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795970375431162,1795970375431562,1,NULL,1795970375605985,1795970375605985,1,1);
INSERT INTO alert VALUES(2,'d16321b3-7cb9-5c46-9c62-864a7f2890cb',2,'da35a5e38fe4199ac1654bf4979e5faa',3,2,0,1,1,'H-920G11GMNJNYG',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795970376071249,1795970376071649,1,NULL,1795970376223156,1795970376223156,1,2);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',1,1795970375473943,1795970375597000,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'8ca26f05eee6da4e2c066753545c62b7',2,1795970375602828,1795970375604420,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',1,1795970376129216,1795970376210576,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'da35a5e38fe4199ac1654bf4979e5faa',2,1795970376212093,1795970376212910,'{"event":"list_in_force","indicators":1,"revision":1}');
CREATE TABLE merged (
    kind      TEXT   NOT NULL,             -- 'incident' or 'campaign'
    id        BIGINT NOT NULL,
    uuid      TEXT   NOT NULL UNIQUE,
    into_id   BIGINT NOT NULL,             -- the one that goes on
    opened_at BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
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
COMMIT;
