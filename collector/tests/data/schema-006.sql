PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:25001');
INSERT INTO setting VALUES('list_key_mode','online');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795986871573789);
INSERT INTO member VALUES(2,'0301','Oslo',1795986871581486);
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
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1795986871606221,1796246071606221,X'e6a519c15fd77af7fdd85bb18e7e8e06d0bb693a5c1d9a8252068d4c6c7f0229',1795986871677527,X'3e7e7efd9686492767807577aa359984299174719d7b225d808ce16a48b1a102',NULL,'0.1.0','1c40be15c5025935b35cb10ea2d2d7f2',4,1,1795986872088320,NULL,NULL,1795986872079706,1795986872095251,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T21:14:32.083452Z","clock_offset_us":1236,"cpu_ms":20,"disk_free_octets":20223877120,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18788352,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798578871000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798578871000001,NULL,1795986872095251,1795986872095251,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL);
INSERT INTO sensor VALUES(2,2,1795986872211008,1796246072211008,X'f9ca3844fe8b48cc8ada2cacf947a908e9e707c938f3bf3ec1b304f63cda0e0b',1795986872249608,X'b2e0c08d36e005e68999a34d893c0bea571114a30b675d180b9aa392b330f06a',NULL,'0.1.0','04a3a19de0f80ab286c44b39d67ccc1e',4,1,1795986872395455,NULL,NULL,1795986872387813,1795986872400056,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T21:14:32.391545Z","clock_offset_us":908,"cpu_ms":20,"disk_free_octets":20223455232,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18825216,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795986872400056,1795986872400056,0,'quic',1798578872000000,NULL,NULL,NULL,NULL,NULL,0,1795986872400056,'toolate',NULL,NULL,NULL,NULL,1,1795986872400056,'unsigned','behind',NULL,1795986872400056,'older');
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
INSERT INTO heartbeat VALUES(1,1795986872083782,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T21:14:32.083452Z","clock_offset_us":1236,"cpu_ms":20,"disk_free_octets":20223877120,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18788352,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795986872392273,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T21:14:32.391545Z","clock_offset_us":908,"cpu_ms":20,"disk_free_octets":20223455232,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18825216,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795986871587908,1795986871594899,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432313a31343a33312e3539343839395a222c2265787069726573223a22323032362d31322d32395432313a31343a33312e3539343839395a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2238643534376361393635633363626130356331363634626539613064303262373566616537343538303436346135646333363735386539633863613464376332222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223532373638323863376661326233336136653935343161363734343237376334222c227369676e6174757265223a223662333331653464663930613863623162336365353263303939623739613031343337663762316130303666396637333038383361376261303862356537313531643463323166393863623939613965333332363264643036386636323238323037353036663862663265646235383761343830353830306362663938653033227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000e8b3b4213fcc1abd889f6de90fbd9ab000000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000000000000400000000000000000000000000000000000000400000000200000000000000000000000040000000000000000000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795986871594899);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795986872088320,1795986872088623);
INSERT INTO in_force VALUES(2,1,1795986872395455,1795986872396945);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',1,1795986872085296,X'fd5e400f8fe1c20c00030005302e312e30');
INSERT INTO record VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',2,1795986872089149,X'fd346e108fe1c20c0003010101');
INSERT INTO record VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',3,1795986872091471,X'fd0c7f108fe1c20c000000010102000001fd3e32f95897ceaa030001010100020000000000013511fdb0050f8fe1c20c00fdd0080f8fe1c20c0001');
INSERT INTO record VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',4,1795986872093514,X'fd328a108fe1c20c00010300fdb0050f8fe1c20c00fdd0080f8fe1c20c0002000000000135110001');
INSERT INTO record VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',1,1795986872392625,X'fdf47f188fe1c20c00030005302e312e30');
INSERT INTO record VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',2,1795986872398078,X'fd4ece198fe1c20c0003010101');
INSERT INTO record VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',3,1795986872398078,X'fdf6d6198fe1c20c000000010102000001fdb21cb14b34c60b400001010100020000000000013511fdb63a188fe1c20c00fdd63d188fe1c20c0001');
INSERT INTO record VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',4,1795986872398078,X'fd70d7198fe1c20c00010300fdb63a188fe1c20c00fdd63d188fe1c20c0002000000000135110001');
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
INSERT INTO campaign VALUES(1,'be42336c-5026-59fa-ae4d-f4ef07df4599','indicator','1','vond.example',0,1795986872398078,1795986872042200,1795986872344299,1795986872398078);
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
INSERT INTO incident VALUES(1,'871bc87e-9cfc-5dfa-94b8-17fa056108a9',1,'indicator','1','vond.example',0,1,1795986872091471,1795986872042200,1795986872042600,1795986872093514);
INSERT INTO incident VALUES(2,'d689bb19-009e-5dba-9150-c1ba8705c59e',2,'indicator','1','vond.example',0,1,1795986872398078,1795986872343899,1795986872344299,1795986872398078);
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
INSERT INTO alert VALUES(1,'5f36d198-7f14-521e-a64b-2c11658ce9a8',1,'1c40be15c5025935b35cb10ea2d2d7f2',3,1,0,1,1,'H-07APEJXCFJCHY',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795986872042200,1795986872042600,1,NULL,1795986872091471,1795986872093514,1,1,NULL);
INSERT INTO alert VALUES(2,'614ae988-7049-53b1-af9a-dbdd37e9fef9',2,'04a3a19de0f80ab286c44b39d67ccc1e',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795986872343899,1795986872344299,1,NULL,1795986872398078,1795986872398078,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',1,1795986872049711,1795986872085296,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'1c40be15c5025935b35cb10ea2d2d7f2',2,1795986872088346,1795986872089149,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',1,1795986872352762,1795986872392625,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',2,1795986872395559,1795986872398078,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'04a3a19de0f80ab286c44b39d67ccc1e',0,1795986872400056,1795986872400056,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'5c4471b65aa8cb8e901a555883e48d6e',NULL,1795986872079706);
INSERT INTO sensor_mark VALUES(2,1,'1865b001bbab0a446e44d88b220fcd61',NULL,1795986872387813);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d32395432313a31343a33312e3530303039385a222c226b657973223a7b223532373638323863376661326233336136653935343161363734343237376334223a2237653631386138653162346330303737356234373739656166646239306162303639316362636432313139326465386437373766623734643137313131353466222c223735646362333037383932393937396335633932316336623230666565383532223a2239366633356263643366636666636535313064363736376634343734393636633337636364613831303266363037363466633261396538333139626339326261222c223938323765306631306238343931626566653263333961333336393161643332223a2232333331363936353165393235356235326162316364356537653462383534323764636539653930303064663861323132366335383739323230333531393462222c226331633333356135633738333536373235356632646432393936346437356565223a2262343061643561373664356462313532633839333266376338336336653836333262333064366464653832383530633563626531386266636234643732313538227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b226331633333356135633738333536373235356632646432393936346437356565225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223532373638323863376661326233336136653935343161363734343237376334225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223938323765306631306238343931626566653263333961333336393161643332225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b223735646362333037383932393937396335633932316336623230666565383532225d2c227468726573686f6c64223a317d7d2c226361223a5b2237396365333063373764386564663466386334313130373732616461613134363365333435303363396366386631636431353164653630316464363732343132225d7d2c227369676e617475726573223a5b7b226b6579223a226331633333356135633738333536373235356632646432393936346437356565222c227369676e6174757265223a223332323262363037613135303137353230666262366233646363353066326132363737313930643532376130656639333162653137313334613239646233653830373731383339633930663365326135616161323262623939633235623132386364623331373638343163323966323464306661653765616332343632363037227d5d7d',1827522871500098,1795986871534867);
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
);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000);
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
